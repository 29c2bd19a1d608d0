"""The same studies on an existing Dask cluster whose workers see the same files."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from venoseg.batch.job import Job, Limits, Outcome, lost_outcome, start_template
from venoseg.batch.settings import fingerprint
from venoseg.batch.workers import JobOf, Task
from venoseg.errors import DependencyError, InputError, UsageError
from venoseg.processes import Child

# Studies that wait on the cluster for every one that runs: enough to keep it busy, and few enough
# for the headers of all of them to be held.
_AHEAD = 2
_DEATHS = 3
_CONNECT_S = 10

# A template that is idle in this worker's process; each of its threads takes one.
_idle: list[Child] = []
_guard = threading.Lock()


def run_on_cluster(
    tasks: Sequence[Task], job_of: JobOf, limits: Limits, address: str
) -> Iterator[tuple[Task, Outcome]]:
    """Measure studies on the workers of a scheduler; yield each when it is settled.

    A worker that is lost is survived: its studies go to others. The workers must have the same
    venoseg and libraries, and see the exports and the output folder under the same paths.

    Raises
    ------
    DependencyError
        When `distributed` is not installed.
    InputError
        When there is no scheduler at the address.
    UsageError
        When a worker has other versions, or does not see the files.
    """
    try:
        from distributed import Client, as_completed
        from distributed.scheduler import KilledWorker
    except ImportError as error:
        raise DependencyError(
            "Dask is not installed", remedy="pip install 'venoseg[cluster]'"
        ) from error
    try:
        client = Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError("there is no Dask scheduler", where=address) from error
    with client:
        threads = sum(client.nthreads().values())
        waiting = iter(tasks)
        running: dict[str, Task] = {}
        expected: dict[str, Any] = {}

        def submit(task: Task) -> Any:
            job = job_of(task)
            if not expected:
                expected.update(fingerprint(job.settings))
            running[task.name] = task
            return client.submit(measure_on_worker, job, limits, expected, key=task.name)

        futures = as_completed(
            [submit(task) for task in islice(waiting, max(threads, 1) * _AHEAD)],
            loop=client.loop,
        )
        for future in futures:
            task = running.pop(str(future.key))
            outcome = _outcome_of(future, KilledWorker)
            future.release()
            yield task, outcome
            following = next(waiting, None)
            if following is not None:
                futures.add(submit(following))


def _outcome_of(future: Any, killed: type[Exception]) -> Outcome:
    try:
        outcome: Outcome = future.result()
    except killed:
        return lost_outcome()
    return outcome


def measure_on_worker(job: Job, limits: Limits, expected: dict[str, Any]) -> Outcome:
    """Measure one study in a process of its own, on a worker of the cluster.

    Raises
    ------
    UsageError
        When this worker has other versions, or does not see the output folder.
    """
    here = fingerprint(job.settings)
    if here != expected:
        names = [name for name in expected if here.get(name) != expected[name]]
        raise UsageError(
            f"a worker of the cluster differs in {', '.join(names)}",
            remedy="install the same versions everywhere",
        )
    if not job.folder.parent.is_dir():
        raise UsageError(
            "a worker of the cluster does not see the output folder",
            remedy="choose one on a file system that all machines share",
        )
    for _ in range(_DEATHS):
        with _guard:
            child = _idle.pop() if _idle else None
        child = child or start_template()
        try:
            child.send((job, limits))
            outcome: Outcome = child.receive()
        except (EOFError, OSError, pickle.UnpicklingError):
            child.close()
            continue
        with _guard:
            _idle.append(child)
        return outcome
    return lost_outcome()
