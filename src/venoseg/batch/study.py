"""One study from its headers to its folders of results, in a process of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from venoseg.angiography import Venogram
from venoseg.batch.job import Message, StudyJob, visit_file
from venoseg.batch.labels import labels_of, seeds_of
from venoseg.batch.names import clean_text, safe_uid
from venoseg.batch.packed import unpack_images
from venoseg.batch.plans import Guide, guide_for
from venoseg.batch.selection import copied_rows, select_series
from venoseg.batch.visits import keep_visit
from venoseg.dicom.angiogram import Angiogram
from venoseg.dicom.building import build_series
from venoseg.dicom.series import Series
from venoseg.dicom.study import study_of
from venoseg.errors import VenosegError, describe_defect
from venoseg.interchange import parse_label_names
from venoseg.lumen import Measurements
from venoseg.output import output_folder, settle
from venoseg.pipeline import MeasureOptions, measure_series
from venoseg.reporting.thumbnail import write_thumbnail
from venoseg.venography import AngioOptions, measure_angiogram

Tell = Callable[[Message], None]
Stage = Callable[[str], None]

_NOTHING = "nothing in the study can be measured"


def measure_study(job: StudyJob, tell: Tell) -> None:
    """Measure every part of a study that is not settled: its CT, and each angiographic run.

    Messages: ``{"selection": rows}``, then for every part ``{"begin": name}``, ``{"stage": words}``
    and ``{"done": part}`` or ``{"failed": failure}``.
    """
    _clear(job)
    series = build_series(unpack_images(job.images))
    study = study_of(series[0].study_uid, series)
    if job.same_as:
        tell({"selection": [dict(row) for row in copied_rows(study, job.same_as)]})
        return
    selection = select_series(study, job.settings, job.guides)
    tell({"selection": [dict(row) for row in selection.rows]})
    parts: list[tuple[str, Series | Angiogram]] = []
    if selection.ct is not None:
        parts.append(("ct", selection.ct))
    parts += [(f"angio-{n}", run) for n, run in enumerate(selection.runs, start=1)]
    if not parts:
        images = [row for row in selection.rows if row["kind"] in ("ct", "angiogram")]
        reasons = dict.fromkeys(str(row["reason"]) for row in images or selection.rows)
        reason = f"{_NOTHING}: {'; '.join(reasons)}" if reasons else _NOTHING
        tell({"failed": _failure("", "selection", reason, "see selection.csv")})
    for name, source in parts:
        if name not in job.settled:
            settle_part(name, partial(_measure_part, name, source, job), tell)


def _clear(job: StudyJob) -> None:
    """Remove what an earlier run left, or what a process that died was writing."""
    left = job.folder.glob(".venoseg-*") if job.settled else [job.folder]
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)


def settle_part(name: str, work: Callable[[Stage], Message], tell: Tell) -> None:
    """Do a part of the work and tell what became of it, whatever happens.

    Parameters
    ----------
    name
        Of the part.
    work
        Does it, saying at which stage it is; returns what is to be recorded.
    tell
        Is told.
    """
    stage = "headers"

    def say(words: str) -> None:
        nonlocal stage
        stage = words
        tell({"stage": words})

    tell({"begin": name})
    try:
        done = work(say)
    except MemoryError:
        tell({"memory": name})
    except Exception as error:  # noqa: BLE001 - it is recorded
        # A defect in one study must not stop the others.
        tell({"failed": failure_of(name, stage, error)})
    else:
        tell({"done": done})


def recorded(name: str, folder: Path) -> Message:
    """Return what is recorded of a part, when all its files are on the disk."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    for path in (*files, folder, folder.parent):
        settle(path)
    return {
        "part": name,
        "files": {path.name: path.stat().st_size for path in files},
        "lost": [],
    }


def _measure_part(name: str, source: Series | Angiogram, job: StudyJob, say: Stage) -> Message:
    out = job.folder / name
    shutil.rmtree(out, ignore_errors=True)
    number = guide_for(job.guides, _path_of(source))
    guide = Guide("") if number is None else job.guides[number]
    found: Measurements | Venogram
    if isinstance(source, Series):
        found = _measure_ct(source, out, guide, job, say)
        lost = list(found.failed)
    else:
        found = _measure_run(source, out, guide, job, say)
        lost = [p.vessel for p in found.projections if not p.filled.any()]
    kept = None if job.visits is None else keep_visit(visit_file(job.visits, name), found)
    return recorded(name, out) | {
        "series_uid": safe_uid(source.series_uid),
        "sop_uid": None if isinstance(source, Series) else safe_uid(source.sop_uid),
        "lost": lost,
        "guide": number,
        "visit_bytes": kept,
    }


def _path_of(source: Series | Angiogram) -> str:
    image = source.slices[0].image if isinstance(source, Series) else source.image
    return image.location.path


def _measure_ct(series: Series, out: Path, guide: Guide, job: StudyJob, say: Stage) -> Measurements:
    settings = job.settings
    say("labels")
    names, labels = settings.label_names, guide.labels or labels_of(series, settings)
    options = MeasureOptions(
        labels=labels,
        segmenter=(settings.segmenter or None) if labels is None else None,
        reference=settings.reference,
        label_names=parse_label_names(names) if names else None,
        boundary=settings.boundary,
        step_mm=settings.step_mm,
        identified=settings.identified,
        seeds=guide.seeds or seeds_of(series, settings),
        stent_nominal_mm=guide.stent_sizes or None,
        tracking_root=job.tracking_root,
    )
    say("reading the image")
    with output_folder(out) as scratch:
        found = measure_series(series, scratch, options, say=say)
        write_thumbnail(found, scratch / "thumbnail.png")
    return found


def _measure_run(run: Angiogram, out: Path, guide: Guide, job: StudyJob, say: Stage) -> Venogram:
    say("reading the run")
    own = guide.calibration if guide.calibration != "auto" else job.settings.calibration
    options = AngioOptions(
        seeds=guide.seeds,
        calibration=own,
        tracking_root=job.tracking_root,
        stents_nominal_mm={v: mm for v, mm in guide.stent_sizes.items() if mm is not None},
    )
    with output_folder(out) as scratch:
        found, _ = measure_angiogram(run, scratch, options, say=say)
    return found


def failure_of(part: str, stage: str, error: Exception) -> Message:
    """Return a failure in words; a defect is named by its place in the code."""
    if isinstance(error, VenosegError):
        return _failure(part, stage, error.what, error.remedy)
    return _failure(part, stage, describe_defect(error))


def _failure(part: str, stage: str, reason: str, remedy: str = "") -> Message:
    return {
        "part": part,
        "stage": stage,
        "reason": clean_text(reason),
        "remedy": clean_text(remedy),
    }
