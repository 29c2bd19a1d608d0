"""Studies measured side by side on this machine, as many as its memory holds."""

from __future__ import annotations

import pickle
import select
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil

from venoseg.batch.job import Job, Limits, Outcome, lost_outcome, start_template
from venoseg.processes import Child

# Memory of a process besides its image, and for every voxel of it.
BASE_MIB = 450.0
BYTES_PER_VOXEL = 16.0
# Share of the memory that is free at the start which a batch may take.
_SHARE = 0.85
# A study whose worker was killed from outside so often is given up.
_DEATHS = 3


@dataclass(frozen=True, slots=True)
class Task:
    """A study to measure.

    Attributes
    ----------
    name
        What it is called in outputs.
    study_uid, content
        Its key in the catalogue, and the digest of its images.
    memory_mib
        What it will need.
    refusal
        Why it must not be measured; empty when it may be.
    same_as
        Name of the study that it is a copy of; empty when it is none.
    """

    name: str
    study_uid: str
    content: str
    memory_mib: float
    refusal: str = ""
    same_as: str = ""


JobOf = Callable[[Task], Job]


def memory_of(voxels: int) -> float:
    """Return the memory in MiB that a study with a series of so many voxels needs."""
    return BASE_MIB + BYTES_PER_VOXEL * voxels / 2**20


def free_memory_mib() -> float:
    """Return how much memory a batch may take on this machine."""
    return float(psutil.virtual_memory().available) / 2**20 * _SHARE


def run_local(
    tasks: Sequence[Task],
    job_of: JobOf,
    limits: Limits,
    *,
    workers: int,
    memory_mib: float,
    keep: tuple[int, ...] = (),
) -> Iterator[tuple[Task, Outcome]]:
    """Measure studies in ``workers`` processes; yield each when it is settled.

    A study waits while those that run leave too little memory for it; one that needs more than
    there is runs alone, within its limit.

    Parameters
    ----------
    tasks
        In the order in which to begin them.
    job_of
        Fetches a study's headers when its turn comes.
    limits
        Of every part.
    workers
        At most so many at a time.
    memory_mib
        For all of them together.
    keep
        File descriptors that the processes inherit.
    """
    waiting = list(reversed(tasks))
    deaths: Counter[str] = Counter()
    idle: list[Child] = []
    busy: dict[Child, Task] = {}
    try:
        while waiting or busy:
            while waiting and len(busy) < workers:
                place = _next_that_fits(waiting, memory_mib - _used(busy), alone=not busy)
                if place is None:
                    break
                child = idle.pop() if idle else start_template(keep, bound=True)
                task = waiting.pop(place)
                with suppress(OSError):
                    # A template that died while idle answers with the end of its pipe.
                    child.send((job_of(task), limits))
                busy[child] = task
            for child in select.select(list(busy), [], [])[0]:
                task = busy.pop(child)
                outcome = _answer(child)
                if outcome is not None:
                    idle.append(child)
                    yield task, outcome
                    continue
                child.close()
                deaths[task.name] += 1
                if deaths[task.name] < _DEATHS:
                    waiting.append(task)
                else:
                    yield task, lost_outcome()
    finally:
        for child in (*idle, *busy):
            child.close()


def _used(busy: dict[Child, Task]) -> float:
    return sum(task.memory_mib for task in busy.values())


def _next_that_fits(waiting: Sequence[Task], room_mib: float, *, alone: bool) -> int | None:
    """Return the place of the first study, from the end, for which there is room."""
    if alone:
        return len(waiting) - 1
    for place in range(len(waiting) - 1, -1, -1):
        if waiting[place].memory_mib <= room_mib:
            return place
    return None


def _answer(child: Child) -> Outcome | None:
    try:
        outcome: Outcome = child.receive()
    except (EOFError, OSError, pickle.UnpicklingError):
        return None
    return outcome
