"""Which studies of an export belong to one patient over time: by a manifest, or by their dates."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from venoseg.batch.plans import CasePlan, Entry, Guide
from venoseg.dicom.identity import StudyIdentity
from venoseg.errors import InputError
from venoseg.followup.belonging import check_belonging
from venoseg.followup.case import Case, PlannedStudy, Timepoint

# What a manifest spells freely, and messages about it quote.
_QUOTED = re.compile(r"'[^']*'")


def plan_manifest(
    case: Case,
    studies_at: Callable[[str], Iterable[str]],
    identities: Mapping[str, StudyIdentity],
) -> CasePlan:
    """Find the studies that a manifest speaks of.

    Parameters
    ----------
    case
        As the manifest says.
    studies_at
        Gives the UIDs of the studies that can be measured at a real path.
    identities
        Whose each study is and when it was taken.

    Raises
    ------
    InputError
        When one is not among the exports, or they do not belong together; the message quotes
        nothing of the manifest.
    """
    entries = []
    for timepoint in case.timepoints:
        for number, planned in enumerate(timepoint.studies, start=1):
            guide = Guide(
                os.path.realpath(planned.path),
                planned.labels,
                planned.seeds,
                planned.series_uid,
                planned.calibration,
                case.stents_by(timepoint.day),
            )
            found = sorted(studies_at(guide.path))
            if len(found) != 1:
                raise InputError(
                    f"study {number} of {timepoint.label} is "
                    + (f"{len(found)} studies in one place" if found else "not among the exports"),
                    remedy="name the folder or file of one study of the export",
                )
            entries.append(Entry(timepoint.label, planned.name, found[0], guide))
    known = [
        (timepoint, identities[entry.study_uid])
        for timepoint in case.timepoints
        for entry in entries
        if entry.timepoint == timepoint.label
    ]
    return CasePlan("manifest", case, tuple(entries), tuple(check_belonging(case, known)))


def pair_by_dates(identities: Mapping[str, StudyIdentity]) -> list[CasePlan]:
    """Return a case for every patient with studies of two days or more.

    Days count from the first study, whose label is ``day0``. A study without date or patient
    identifier belongs to none.
    """
    of_patient: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for uid, one in identities.items():
        if one.patient_key is not None and one.day is not None:
            of_patient[one.patient_key].append((one.day, uid))
    plans = [_by_dates(sorted(dated)) for dated in of_patient.values() if len(dict(dated)) > 1]
    return sorted(plans, key=lambda plan: plan.entries[0].study_uid)


def _by_dates(dated: list[tuple[int, str]]) -> CasePlan:
    first = dated[0][0]
    by_day: dict[int, list[str]] = defaultdict(list)
    for day, uid in dated:
        by_day[day - first].append(uid)
    entries = []
    timepoints = []
    for day, uids in sorted(by_day.items()):
        names = [f"study{n}" if len(uids) > 1 else "" for n in range(1, len(uids) + 1)]
        label = f"day{day}"
        entries += [Entry(label, name, uid) for name, uid in zip(names, uids, strict=True)]
        planned = tuple(PlannedStudy(Path(), name) for name in names)
        timepoints.append(Timepoint(label, day, planned))
    return CasePlan("dates", Case("unnamed", tuple(timepoints)), tuple(entries))


def without_quotes(words: str) -> str:
    """Return a message about a manifest without what it quotes, which may name a patient."""
    return _QUOTED.sub("'…'", words)
