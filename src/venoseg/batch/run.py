"""A whole batch: find, plan, measure, write the tables."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TextIO

from venoseg.batch.catalogue import Catalogue, Facts, Listed, build_catalogue
from venoseg.batch.job import Limits, Outcome, StudyJob, refused_outcome
from venoseg.batch.names import study_names
from venoseg.batch.progress import BatchProgress
from venoseg.batch.settings import BatchSettings, fingerprint
from venoseg.batch.store import Store, read_record
from venoseg.batch.workers import JobOf, Task, free_memory_mib, memory_of, run_local
from venoseg.errors import InputError, OutputError
from venoseg.processes import Child, usable_cores

LIMITS = Limits(time_s=3600.0, memory_mib=8192)


@dataclass(frozen=True, slots=True)
class Machinery:
    """How a batch is worked off; nothing of it changes a figure.

    Attributes
    ----------
    workers
        Studies at a time; None: one a core.
    scheduler
        Address of a Dask scheduler; None: this machine.
    limits
        Of every CT and every run.
    resume, force, retry_failed
        Go on with what is in the folder; throw it away; measure failed studies again.
    quiet
        Say nothing.
    log
        Where progress goes; None: standard error.
    """

    workers: int | None = None
    scheduler: str | None = None
    limits: Limits = LIMITS
    resume: bool = False
    force: bool = False
    retry_failed: bool = False
    quiet: bool = False
    log: TextIO | None = None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What a batch came to.

    Attributes
    ----------
    out
        Its folder.
    studies, failed
        How many there are, and how many of them something failed in.
    unreadable
        Damaged files.
    already
        Studies that were settled before.
    """

    out: Path
    studies: int
    failed: int
    unreadable: int
    already: int


def run_batch(
    exports: str | Path,
    out: str | Path,
    settings: BatchSettings | None = None,
    machinery: Machinery | None = None,
) -> BatchResult:
    """Measure every study below a path and write one table of all.

    Parameters
    ----------
    exports
        Folders, archives and DICOMDIRs of any number of patients.
    out
        The folder for the results.
    settings
        How to measure.
    machinery
        How to work it off.

    Raises
    ------
    InputError
        When there is nothing to read.
    UsageError
        When the output folder exists, is in use, or holds other results.
    OutputError
        When something cannot be written.
    """
    settings = settings or BatchSettings()
    machinery = machinery or Machinery()
    exports, out = Path(exports), Path(out)
    if not exports.exists():
        raise InputError("there is no such file or folder", where=exports.name)
    store = Store(out, fingerprint(settings), resume=machinery.resume, force=machinery.force)
    try:
        progress = BatchProgress(0, machinery.log, quiet=machinery.quiet)
        with _catalogue(exports, out, settings, progress) as found:
            return _measure_all(found, store, settings, machinery)
    finally:
        store.release()


def plan_batch(
    exports: str | Path, out: str | Path, settings: BatchSettings | None = None
) -> tuple[list[Task], Facts, int]:
    """Find what `run_batch` would measure, and write nothing.

    Returns
    -------
    The studies in the order in which they would begin, how much was looked at, and the number of
    damaged files.
    """
    settings = settings or BatchSettings()
    with _catalogue(Path(exports), Path(out), settings, BatchProgress(0, quiet=True)) as found:
        return _tasks(found, settings), found.facts(), len(found.unreadable())


@contextmanager
def _catalogue(
    exports: Path, out: Path, settings: BatchSettings, progress: BatchProgress
) -> Iterator[Catalogue]:
    """Read all headers into a private folder that goes at the end: it knows the exports' paths."""
    with tempfile.TemporaryDirectory(prefix="venoseg-") as folder:
        path = Path(folder) / "catalogue"
        build_catalogue(
            exports, path, out, identified=settings.identified, progress=progress.reading
        )
        with closing(Catalogue(path)) as found:
            facts, studies = found.facts(), len(found.studies())
            progress.say(f"{facts.files} files, {studies} studies")
            yield found


def _tasks(found: Catalogue, settings: BatchSettings) -> list[Task]:
    """Return the studies, the largest first: the last to end should be short."""
    listed = found.studies()
    pseudonyms = Path(settings.pseudonyms) if settings.pseudonyms else None
    names = study_names([one.study_uid for one in listed], pseudonyms)
    listed.sort(key=lambda one: (-one.voxels, one.study_uid))
    return [_task(one, names[one.study_uid]) for one in listed]


def _task(one: Listed, name: str | None) -> Task:
    refusal = ""
    if not one.study_uid:
        name, refusal = "without-uid", "the headers do not state the study"
    elif name is None:
        # Its UID must not be written where pseudonyms are asked for.
        name = f"nameless-{one.content[:16]}"
        refusal = "the table of pseudonyms does not name the study"
    return Task(name, one.study_uid, one.content, memory_of(one.voxels), refusal)


def _measure_all(
    found: Catalogue, store: Store, settings: BatchSettings, machinery: Machinery
) -> BatchResult:
    tasks = _tasks(found, settings)
    retry = machinery.retry_failed
    waiting = [t for t in tasks if not store.is_settled(t.name, t.content, retry_failed=retry)]
    progress = BatchProgress(len(waiting), machinery.log, quiet=machinery.quiet)

    def job_of(task: Task) -> StudyJob:
        images = found.packed_images(task.study_uid)
        return StudyJob(task.name, images, store.folder(task.name).resolve(), settings)

    refused = ((task, refused_outcome(task.refusal)) for task in waiting if task.refusal)
    measured = _settle([t for t in waiting if not t.refusal], job_of, store, machinery)
    for task, outcome in chain(refused, measured):
        store.write_record(task.name, task.content, outcome)
        progress.one_done(task.name, [str(one["reason"]) for one in outcome.failures])
    progress.close()
    names = [task.name for task in tasks]
    unreadable = found.unreadable()
    _assemble(store.out, names, unreadable)
    records = (read_record(store.out, name) for name in names)
    failed = sum(bool(record and record["failures"]) for record in records)
    return BatchResult(store.out, len(tasks), failed, len(unreadable), len(tasks) - len(waiting))


def _settle(
    tasks: list[Task], job_of: JobOf, store: Store, machinery: Machinery
) -> Iterator[tuple[Task, Outcome]]:
    """Measure on this machine or on a cluster; yield each study when it is settled."""
    if machinery.scheduler:
        from venoseg.batch.cluster import run_on_cluster

        yield from run_on_cluster(tasks, job_of, machinery.limits, machinery.scheduler)
        return
    yield from run_local(
        tasks,
        job_of,
        machinery.limits,
        workers=machinery.workers or usable_cores(),
        memory_mib=free_memory_mib(),
        keep=(store.lock,),
    )


def _assemble(out: Path, names: list[str], unreadable: list[tuple[str, str]]) -> None:
    child = Child("venoseg.batch.assemble:serve")
    try:
        child.send((out, names, unreadable))
        wrong = child.receive()
    except (EOFError, OSError, pickle.UnpicklingError) as error:
        wrong = type(error).__name__
    finally:
        child.close()
    if wrong:
        raise OutputError(
            f"the tables cannot be written ({wrong})",
            where=str(out),
            remedy="make room and run again with --resume; every study that is done stays so",
        )
