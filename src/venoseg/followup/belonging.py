"""Whether the studies of a case belong to one patient and lie in time as the case says."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from venoseg.dicom.identity import StudyIdentity
from venoseg.errors import InputError
from venoseg.followup.case import Case, Timepoint


def check_belonging(case: Case, known: Sequence[tuple[Timepoint, StudyIdentity]]) -> list[str]:
    """Refuse studies of several patients, and days that the dates contradict.

    Parameters
    ----------
    case
        What the manifest says.
    known
        Whose each study is and when it was taken, in the order of the timepoints.

    Returns
    -------
    list
        What a reader must know of identifiers and dates, one sentence each.

    Raises
    ------
    InputError
        When they do not belong together as the case says.
    """
    keys = {one.patient_key for _, one in known} - {None}
    if len(keys) > 1 and not case.ids_may_differ:
        raise InputError(
            f"the studies of the case carry {len(keys)} different patient identifiers",
            remedy="check the studies; where exports were pseudonymised one by one, write "
            "ids_may_differ = true into the manifest",
        )
    warnings = ["the studies carry different patient identifiers"] if len(keys) > 1 else []
    return warnings + _check_dates(known)


def _check_dates(known: Sequence[tuple[Timepoint, StudyIdentity]]) -> list[str]:
    dated = [(timepoint, one.day) for timepoint, one in known if one.day is not None]
    warnings = []
    if len(dated) < len(known):
        warnings.append(
            f"{len(known) - len(dated)} of {len(known)} studies carry no date: their days are "
            "those of the manifest alone"
        )
    for (before, first), (after, second) in pairwise(dated):
        stated, true = after.day - before.day, second - first
        if true * stated < 0 or (true < 0 and stated == 0):
            raise InputError(
                f"{before.label} comes before {after.label} in the manifest, and after it by the "
                "dates of the images",
                remedy="the timepoints are in the wrong order, or their studies are swapped",
            )
        if abs(true - stated) > 1:
            warnings.append(
                f"{before.label} to {after.label}: {stated} days in the manifest, {true} by the "
                "dates of the images"
            )
    return warnings


def tracking_root(patient: str, first_study_uid: str) -> str:
    """Return what is the same for all visits of this patient and for no other patient's."""
    return f"case {patient} {first_study_uid}"
