"""The same bytes from a Dask cluster, though its workers die on the way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from venoseg.batch.store import STATE

pytest.importorskip("distributed")

# In a process of its own: the cluster leaves sockets behind that are closed when it pleases.
ON_CLUSTER = """
import os, signal, sys, threading, time
from pathlib import Path

from distributed import LocalCluster

from venoseg.batch import BatchSettings, Machinery, run_batch


def kill_one(pid, out, killed):
    deadline = time.monotonic() + 250
    while not list((out / "studies").glob("*/.venoseg-*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    killed.append(pid)


def main():
    export, labels, out = sys.argv[1:]
    settings = BatchSettings(labels=labels, boundary="mask", step_mm=5.0)
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        silence_logs=50,
    ) as cluster:
        pid = next(iter(cluster.workers.values())).pid
        killed = []
        killer = threading.Thread(target=kill_one, args=(pid, Path(out), killed))
        killer.start()
        machinery = Machinery(scheduler=cluster.scheduler_address, quiet=True)
        result = run_batch(export, out, settings, machinery)
        killer.join()
    assert killed
    assert result.studies == 4, result


if __name__ == "__main__":
    main()
"""


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_cluster_gives_the_same_bytes_though_a_worker_is_killed(
    export, undisturbed, tables_of, tmp_path
):
    script, out = tmp_path / "on_cluster.py", tmp_path / "out"
    script.write_text(ON_CLUSTER)
    words = [str(export.folder), export.settings.labels, str(out)]
    done = run([sys.executable, str(script), *words])
    assert done.returncode == 0, done.stderr[-2000:]
    assert tables_of(out) == tables_of(undisturbed)
    assert len(list((out / STATE / "records").iterdir())) == 4


def test_no_scheduler_is_said_in_words(export, tmp_path: Path):
    words = [str(export.folder), "-o", str(tmp_path / "out"), "--scheduler=tcp://127.0.0.1:9"]
    done = run([sys.executable, "-m", "venoseg", "batch", *words])
    assert done.returncode == 3
    assert "there is no Dask scheduler" in done.stderr
