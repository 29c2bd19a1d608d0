"""A case without a manifest: found from the dates of the studies in a folder."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

from venoseg.dicom import Study, scan
from venoseg.dicom.identity import study_identity
from venoseg.errors import InputError
from venoseg.followup.case import Case, PlannedStudy, Timepoint, check_case

_REMEDY = "write a case.toml that names the studies and their days"


def find_case(folder: Path) -> Case:
    """Return the case that the studies below a folder make up by their dates.

    Days count from the first study; its label is ``day0``. Which patient it is, is compared in
    memory and goes nowhere.

    Raises
    ------
    InputError
        When the studies belong to several patients, or dates or identifiers were removed.
    """
    where = folder.name
    studies = [s for s in scan(folder).studies if _measurable(s)]
    if not studies:
        raise InputError("there is no CT and no run below it", where=where, remedy=_REMEDY)
    known = [study_identity(study) for study in studies]
    days = [one.day for one in known if one.day is not None]
    if len(days) < len(known):
        raise InputError(
            f"the dates of {len(known) - len(days)} of {len(known)} studies were removed, so that "
            "they cannot be put in order",
            where=where,
            remedy=_REMEDY,
        )
    keys = {one.patient_key for one in known}
    if None in keys:
        raise InputError(
            "studies carry no patient identifier, so that nothing says they belong together",
            where=where,
            remedy=_REMEDY,
        )
    if len(keys) > 1:
        raise InputError(
            f"the studies belong to {len(keys)} patients",
            where=where,
            remedy="give a folder with the studies of one, or " + _REMEDY,
        )
    by_day: dict[int, list[PlannedStudy]] = defaultdict(list)
    for study, day in zip(studies, days, strict=True):
        planned = by_day[day - min(days)]
        planned.append(PlannedStudy(_place(study, studies, where), f"study{len(planned) + 1}"))
    timepoints = tuple(
        Timepoint(f"day{day}", day, tuple(_single(planned)))
        for day, planned in sorted(by_day.items())
    )
    return check_case(Case("unnamed", timepoints), where)


def _measurable(study: Study) -> bool:
    return any(series.kind in ("ct", "angiogram") for series in study.series)


def _single(planned: list[PlannedStudy]) -> list[PlannedStudy]:
    return [PlannedStudy(planned[0].path)] if len(planned) == 1 else planned


def _place(study: Study, studies: list[Study], where: str) -> Path:
    """Return the folder that holds this study and no other, or its only file."""
    files = _files(study)
    place = Path(files.pop()) if len(files) == 1 else Path(os.path.commonpath(files))
    others = [file for other in studies if other is not study for file in _files(other)]
    if any(Path(file).is_relative_to(place) for file in others):
        raise InputError(
            "the files of several studies lie in one folder",
            where=where,
            remedy="put each study into a folder of its own",
        )
    return place


def _files(study: Study) -> set[str]:
    return {
        image.location.path
        for series in study.series
        for image in (*series.runs, *(one.image for one in series.slices))
    }
