"""One study from its headers to its folders of results, in a process of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from venoseg.batch.headers import unpack_images
from venoseg.batch.job import Message, StudyJob
from venoseg.batch.labels import labels_of
from venoseg.batch.names import clean_text, safe_uid
from venoseg.batch.selection import select_series
from venoseg.batch.settings import BatchSettings
from venoseg.dicom.angiogram import Angiogram
from venoseg.dicom.building import build_series
from venoseg.dicom.series import Series
from venoseg.dicom.study import study_of
from venoseg.errors import VenosegError, describe_defect
from venoseg.interchange import parse_label_names
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
    selection = select_series(study_of(series[0].study_uid, series), job.settings)
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
            _measure_part(name, source, job, tell)


def _clear(job: StudyJob) -> None:
    """Remove what an earlier run left, or what a process that died was writing."""
    left = job.folder.glob(".venoseg-*") if job.settled else [job.folder]
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)


def _measure_part(name: str, source: Series | Angiogram, job: StudyJob, tell: Tell) -> None:
    stage = "labels"

    def say(words: str) -> None:
        nonlocal stage
        stage = words
        tell({"stage": words})

    tell({"begin": name})
    try:
        done = _into_folder(name, source, job, say)
    except VenosegError as error:
        tell({"failed": _failure(name, stage, error.what, error.remedy)})
    except MemoryError:
        tell({"memory": name})
    except Exception as error:  # noqa: BLE001
        # A defect in one study must not stop the others; it is named with its place in the code.
        tell({"failed": _failure(name, stage, describe_defect(error))})
    else:
        tell({"done": done})


def _into_folder(name: str, source: Series | Angiogram, job: StudyJob, say: Stage) -> Message:
    out = job.folder / name
    shutil.rmtree(out, ignore_errors=True)
    if isinstance(source, Series):
        lost = _measure_ct(source, out, job.settings, say)
    else:
        lost = _measure_run(source, out, job.settings, say)
    files = sorted(path for path in out.iterdir() if path.is_file())
    for path in (*files, out, out.parent):
        settle(path)
    return {
        "part": name,
        "series_uid": safe_uid(source.series_uid),
        "sop_uid": None if isinstance(source, Series) else safe_uid(source.sop_uid),
        "files": {path.name: path.stat().st_size for path in files},
        "lost": lost,
    }


def _measure_ct(series: Series, out: Path, settings: BatchSettings, say: Stage) -> list[str]:
    """Measure a CT and return the names of the veins that could not be."""
    names, labels = settings.label_names, labels_of(series, settings)
    options = MeasureOptions(
        labels=labels,
        segmenter=(settings.segmenter or None) if labels is None else None,
        reference=settings.reference,
        label_names=parse_label_names(names) if names else None,
        boundary=settings.boundary,
        step_mm=settings.step_mm,
        identified=settings.identified,
    )
    say("reading the image")
    with output_folder(out) as scratch:
        found = measure_series(series, scratch, options, say=say)
        write_thumbnail(found, scratch / "thumbnail.png")
    return list(found.failed)


def _measure_run(run: Angiogram, out: Path, settings: BatchSettings, say: Stage) -> list[str]:
    say("reading the run")
    with output_folder(out) as scratch:
        options = AngioOptions(calibration=settings.calibration)
        found, _ = measure_angiogram(run, scratch, options, say=say)
    return [p.vessel for p in found.projections if not p.filled.any()]


def _failure(part: str, stage: str, reason: str, remedy: str = "") -> Message:
    return {
        "part": part,
        "stage": stage,
        "reason": clean_text(reason),
        "remedy": clean_text(remedy),
    }
