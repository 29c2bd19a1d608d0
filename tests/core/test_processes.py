"""Work shared out among processes comes back whole, or its failure does."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import numpy as np
import psutil
import pytest

from venoseg.errors import SeriesError
from venoseg.processes import WorkerDiedError, share_out
from venoseg.shared_array import private_array, shared_array


def collected(task, batches, processes: int) -> dict[int, object]:
    results: dict[int, object] = {}
    share_out(task, batches, results.__setitem__, processes=processes)
    return results


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_every_batch_comes_back_under_its_own_number(processes):
    batches = list(range(1, 13))
    expected = {i: math.factorial(n) for i, n in enumerate(batches)}
    assert collected(math.factorial, batches, processes) == expected


def test_no_batch_is_no_work():
    assert collected(math.factorial, [], 2) == {}


@pytest.mark.parametrize("processes", [1, 2])
def test_what_a_task_raises_reaches_the_caller(processes):
    with pytest.raises(ValueError, match="factorial"):
        collected(math.factorial, [3, 4, -1, 5], processes)


def test_an_error_of_venoseg_survives_the_way_back_from_a_process():
    import pickle

    error = SeriesError("the fault", where="series 3", remedy="do this")
    again = pickle.loads(pickle.dumps((True, error)))[1]
    assert str(again) == "series 3: the fault; do this"


def test_a_process_that_dies_is_a_failure_and_not_a_hang(monkeypatch):
    # Only a child may die of this batch; the caller would end the test run.
    from venoseg import processes

    monkeypatch.setattr(processes, "_SERVE", "os:abort")
    slow = [0.2] * 6
    with pytest.raises(WorkerDiedError):
        collected(_sleep, slow, 2)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills the children of the dead")
def test_a_bound_child_dies_with_its_maker_even_when_it_does_not_listen():
    made = (
        "import signal; from venoseg.processes import Child; "
        "print(Child('signal:pause', bound=True).pid, flush=True); signal.pause()"
    )
    path = os.pathsep.join(p for p in sys.path if p)
    environment = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen(
        [sys.executable, "-c", made], stdout=subprocess.PIPE, env=environment
    ) as maker:
        assert maker.stdout is not None
        child = psutil.Process(int(maker.stdout.readline()))
        maker.kill()
    assert not psutil.wait_procs([child], timeout=60)[1]


def _sleep(seconds: float) -> float:
    import time

    time.sleep(seconds)
    return seconds


def test_a_shared_array_is_seen_by_all_and_outlives_its_file():
    with shared_array((3, 4, 5), np.dtype(np.int16)) as shared:
        first, second = shared.attach(), shared.attach()
        first[1, 2, 3] = 77
        assert second[1, 2, 3] == 77
    assert not os.path.exists(shared.path)  # noqa: PTH110 - its path is text
    assert first.sum() == 77


def test_a_private_array_is_empty_and_can_be_written():
    array = private_array((2, 3), np.dtype(np.float32))
    assert (array == 0).all()
    array[1, 1] = 2
    assert array.copy().sum() == 2
