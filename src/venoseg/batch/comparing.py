"""One case from the visits that were measured to its folder of results, in a process of its own."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial

from venoseg.batch.job import CaseJob, Measured, Message
from venoseg.batch.packed import unpack_images
from venoseg.batch.selection import select_series
from venoseg.batch.study import Stage, Tell, recorded, settle_part
from venoseg.batch.visits import open_visit
from venoseg.comparison import compare_visits, write_comparison
from venoseg.dicom.building import build_series
from venoseg.dicom.series import Series
from venoseg.dicom.study import study_of
from venoseg.errors import InputError, VenosegError
from venoseg.followup.case import Conditions
from venoseg.followup.sides import refuse_swapped_sides
from venoseg.followup.visit import CtVisit, RunVisit, Visit
from venoseg.lumen import Measurements
from venoseg.output import output_folder


def compare_measured(job: CaseJob, tell: Tell) -> None:
    """Compare the visits of a case; the messages are those of `measure_study`.

    The rows of its ``selection`` are those of the table of cases, without the case.
    """
    shutil.rmtree(job.folder, ignore_errors=True)
    settle_part("", partial(_compare, job, tell), tell)


def _compare(job: CaseJob, tell: Tell, say: Stage) -> Message:
    say("reading the visits")
    visits: list[Visit] = []
    against: dict[str, str] = {}
    for one in job.visits:
        try:
            visits.append(_visit(one, job))
        except VenosegError as error:
            against[one.label] = error.what
    tell({"selection": [_row(one, job, against.get(one.label, "")) for one in job.visits]})
    if not visits:
        raise InputError(
            "no study of the case could be measured",
            remedy="the reasons stand in cases.csv and failures.csv",
        )
    failures = [f"{label}: {reason}" for label, reason in against.items()]
    found = compare_visits(job.case, visits, failures, job.warnings, say)
    say("writing the comparison")
    folders = {one.label: f"../../studies/{one.study}/{one.part}" for one in job.visits}
    with output_folder(job.folder) as scratch:
        write_comparison(found, scratch, folders)
    return recorded("", job.folder)


def _visit(one: Measured, job: CaseJob) -> Visit:
    """Return a visit as a comparison sees it: what was measured, on its image.

    Raises
    ------
    VenosegError
        When it was not measured, or cannot be read again.
    """
    if one.kept is None:
        raise InputError(one.reason)
    found = open_visit(one.kept)
    if not isinstance(found, Measurements):
        return RunVisit(one.label, one.timepoint, one.day, found)
    refuse_swapped_sides(found.segmentation, one.label)
    series = _series(one, job)
    (timepoint,) = (t for t in job.case.timepoints if t.label == one.timepoint)
    stated = timepoint.conditions
    phase = stated.phase or series.phase or None
    known = Conditions(stated.respiration, stated.volume, phase)
    found = replace(found, volume=series.read())
    return CtVisit(one.label, one.timepoint, one.day, found, known, timepoint.landmarks)


def _series(one: Measured, job: CaseJob) -> Series:
    """Return the series that was measured, chosen by the same rules."""
    series = build_series(unpack_images(one.images))
    study = study_of(series[0].study_uid, series)
    chosen = select_series(study, job.settings, one.guides).ct
    if chosen is None:
        raise InputError("its images are no longer there")
    return chosen


def _row(one: Measured, job: CaseJob, against: str) -> Message:
    return {
        "origin": job.origin,
        "patient": job.case.patient if job.origin == "manifest" else None,
        "timepoint": one.timepoint,
        "visit": one.label,
        "day": one.day,
        "study": one.study,
        "part": one.part,
        "compared": not against,
        "reason": against,
    }
