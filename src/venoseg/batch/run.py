"""A whole batch: find, plan, measure, write the tables."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TextIO

from venoseg.batch.casework import plan_cases
from venoseg.batch.catalogue import Catalogue, Facts, Listed, build_catalogue
from venoseg.batch.job import Limits, Outcome, StudyJob, refused_outcome
from venoseg.batch.names import study_names
from venoseg.batch.progress import BatchProgress
from venoseg.batch.settings import BatchSettings, fingerprint
from venoseg.batch.store import Kind, Store
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
    cases, cases_failed
        How many patients were followed, and how many comparisons failed.
    """

    out: Path
    studies: int
    failed: int
    unreadable: int
    already: int
    cases: int
    cases_failed: int


def run_batch(
    exports: str | Path,
    out: str | Path,
    settings: BatchSettings | None = None,
    machinery: Machinery | None = None,
) -> BatchResult:
    """Measure every study below a path, compare the cases, and write one table of all.

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
            return _do_all(found, store, settings, machinery)
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
        build_catalogue(exports, path, out, settings=settings, progress=progress.reading)
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
    tasks = {one.study_uid: _task(one, names[one.study_uid]) for one in listed}
    copies = {one.study_uid: tasks[one.same_as].name for one in listed if one.same_as}
    return [replace(task, same_as=copies.get(uid, "")) for uid, task in tasks.items()]


def _task(one: Listed, name: str | None) -> Task:
    refusal = ""
    if not one.study_uid:
        name, refusal = "without-uid", "the headers do not state the study"
    elif name is None:
        # Its UID must not be written where pseudonyms are asked for.
        name = f"nameless-{one.content[:16]}"
        refusal = "the table of pseudonyms does not name the study"
    return Task(name, one.study_uid, one.content, memory_of(one.voxels), refusal)


def _do_all(
    found: Catalogue, store: Store, settings: BatchSettings, machinery: Machinery
) -> BatchResult:
    """Measure the studies, then compare the cases, then write the tables."""
    tasks = _tasks(found, settings)

    def job_of(task: Task) -> StudyJob:
        guidance = found.guidance(task.study_uid)
        root, guides = (None, ()) if guidance is None else guidance
        return StudyJob(
            task.name,
            found.packed_images(task.study_uid),
            store.folder(task.name).resolve(),
            settings,
            same_as=task.same_as,
            guides=guides,
            tracking_root=root,
            visits=None if root is None else store.visits(task.name).resolve(),
        )

    already = _settle_all(tasks, job_of, store, machinery, "studies")
    work = plan_cases(found, store, settings, tasks)
    _settle_all(work.tasks, work.job_of, store, machinery, "cases")
    names, cases = [task.name for task in tasks], [task.name for task in work.tasks]
    unreadable = found.unreadable()
    _assemble(store.out, names, cases, unreadable)
    return BatchResult(
        store.out,
        len(names),
        _failed(store, names, "studies"),
        len(unreadable),
        already,
        len(cases),
        _failed(store, cases, "cases"),
    )


def _settle_all(
    tasks: list[Task], job_of: JobOf, store: Store, machinery: Machinery, kind: Kind
) -> int:
    """Work off what is not settled, and record it; return how many were settled before."""
    retry = machinery.retry_failed
    waiting = [task for task in tasks if not store.is_settled(task, kind, retry_failed=retry)]
    if kind == "cases" and not tasks:
        return 0
    progress = BatchProgress(len(waiting), machinery.log, quiet=machinery.quiet, what=kind)
    refused = ((task, refused_outcome(task.refusal)) for task in waiting if task.refusal)
    settled = _settle([t for t in waiting if not t.refusal], job_of, store, machinery)
    for task, outcome in chain(refused, settled):
        store.write_record(task, outcome, kind)
        progress.one_done(task.name, [str(one["reason"]) for one in outcome.failures])
    progress.close()
    return len(tasks) - len(waiting)


def _failed(store: Store, names: list[str], kind: Kind) -> int:
    records = (store.record(name, kind) for name in names)
    return sum(bool(record and record["failures"]) for record in records)


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


def _assemble(
    out: Path, names: list[str], cases: list[str], unreadable: list[tuple[str, str, str]]
) -> None:
    child = Child("venoseg.batch.assemble:serve", bound=True)
    try:
        child.send((out, names, cases, unreadable))
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
