"""The same bytes from a Dask cluster, though its workers die on the way."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from venoseg.batch import Machinery, run_batch
from venoseg.batch.store import STATE
from venoseg.errors import InputError

distributed = pytest.importorskip("distributed")


def test_a_cluster_gives_the_same_bytes_though_a_worker_is_killed(
    export, undisturbed, tables_of, tmp_path
):
    out = tmp_path / "out"
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        silence_logs=50,
    ) as cluster:
        pids = [worker.pid for worker in cluster.workers.values()]
        killed: list[int] = []

        def kill_one() -> None:
            deadline = time.monotonic() + 120
            while not list((out / "studies").glob("*/.venoseg-*")):
                if time.monotonic() > deadline:
                    return
                time.sleep(0.02)
            os.kill(pids[0], signal.SIGKILL)
            killed.append(pids[0])

        killer = threading.Thread(target=kill_one)
        killer.start()
        machinery = Machinery(scheduler=cluster.scheduler_address, quiet=True)
        result = run_batch(export.folder, out, export.settings, machinery)
        killer.join()
    assert killed
    assert result.studies == 4
    assert tables_of(out) == tables_of(undisturbed)
    assert len(list((out / STATE / "records").iterdir())) == 4


def test_no_scheduler_is_said_in_words(export, tmp_path, monkeypatch):
    monkeypatch.setattr("venoseg.batch.cluster._CONNECT_S", 0.5)
    machinery = Machinery(scheduler="tcp://127.0.0.1:9", quiet=True)
    with pytest.raises(InputError, match="no Dask scheduler"):
        run_batch(export.folder, tmp_path / "out", export.settings, machinery)
