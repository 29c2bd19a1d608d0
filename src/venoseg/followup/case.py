"""A case: one patient at several timepoints, with the stents and events in between."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Literal

from venoseg.anatomy import BY_NAME, CHAINS
from venoseg.errors import InputError
from venoseg.followup.ceap import Ceap
from venoseg.followup.claudication import Claudication
from venoseg.followup.rules import Rules
from venoseg.followup.scores import Score

Limb = Literal["left", "right"]

# Named places in LPS mm of a timepoint's CT.
Landmarks = Mapping[str, tuple[float, float, float]]

LIMBS: tuple[Limb, ...] = ("left", "right")

# What is done to a vein; each ends primary patency unless it is part of the index procedure.
INTERVENTIONS: tuple[str, ...] = (
    "recanalisation",
    "thrombectomy",
    "thrombolysis",
    "stent",
    "balloon_dilation",
    "other_intervention",
)
# What happens to the patient.
HAPPENINGS: tuple[str, ...] = ("occlusion", "thrombosis", "embolism", "bleeding", "death")
EVENT_KINDS = (*INTERVENTIONS, *HAPPENINGS)

_UNDIVIDED = ("left_iliac_vein", "right_iliac_vein")

# A label becomes the name of a folder of results.
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


@dataclass(frozen=True, slots=True)
class PlannedStudy:
    """A study of a timepoint, and what is needed to measure it.

    Attributes
    ----------
    path
        A CT or a run: folder or file.
    name
        Distinguishes the studies of one timepoint; empty where there is only one.
    labels
        Label map of a CT; None: none was given.
    seeds
        Seed points of a CT or of a run.
    series_uid
        The CT series to take; None: the best one.
    calibration
        Of a run, as ``venoseg angio --calibration`` takes it.
    """

    path: Path
    name: str = ""
    labels: Path | None = None
    seeds: Path | None = None
    series_uid: str | None = None
    calibration: str = "auto"


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the size of a native vein depends on besides disease; None where nobody wrote it down.

    ``respiration`` and ``volume`` are words that must agree for two native veins to be compared,
    ``phase`` that of the contrast medium.
    """

    respiration: str | None = None
    volume: str | None = None
    phase: str | None = None


@dataclass(frozen=True, slots=True)
class Timepoint:
    """One visit.

    Attributes
    ----------
    label
        Its name in every table.
    day
        Days since the case's day 0.
    studies
        What was imaged; may be empty where only clinical records were taken.
    conditions
        Under which it was imaged.
    scores, ceap, claudication
        Clinical records.
    landmarks
        Places that somebody pointed at in its only CT, such as the mouth of a renal vein.
    """

    label: str
    day: int
    studies: tuple[PlannedStudy, ...] = ()
    conditions: Conditions = Conditions()
    scores: tuple[Score, ...] = ()
    ceap: tuple[Ceap, ...] = ()
    claudication: tuple[Claudication, ...] = ()
    landmarks: Landmarks = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stent:
    """A stent that was implanted.

    ``central`` and ``peripheral`` are the veins in which its ends lie.
    """

    day: int
    central: str
    peripheral: str
    nominal_diameter_mm: float | None = None
    length_mm: float | None = None
    model: str | None = None

    @property
    def limbs(self) -> tuple[Limb, ...]:
        """The limbs whose blood flows through it; both for a stent of the cava alone."""
        sides = tuple(s for v in (self.central, self.peripheral) if (s := BY_NAME[v].side))
        return LIMBS if not sides else (sides[0],)

    @property
    def vessels(self) -> tuple[str, ...]:
        """The veins it lies in, the central one first."""
        chain = next(c for c in CHAINS if self.peripheral in c)
        start = chain.index(self.central) if self.central in chain else 0
        ends = (self.central, self.peripheral)
        # A limb is either divided into common and external or it is not; the ends tell which.
        undivided = any(end in _UNDIVIDED for end in ends)
        between = chain[start : chain.index(self.peripheral) + 1]
        lying = [v for v in between if v in ends or (v in _UNDIVIDED) == undivided]
        return tuple(dict.fromkeys([self.central, *lying]))


@dataclass(frozen=True, slots=True)
class Event:
    """What was done or what happened on a day.

    Attributes
    ----------
    day
        Days since the case's day 0.
    kinds
        Of `EVENT_KINDS`.
    limbs
        Concerned.
    part_of_index
        Whether it belongs to the index procedure, as a planned second session does; it then does
        not end primary patency.
    """

    day: int
    kinds: tuple[str, ...]
    limbs: tuple[Limb, ...] = LIMBS
    part_of_index: bool = False

    @property
    def intervention(self) -> bool:
        """Whether something was done to the veins."""
        return any(kind in INTERVENTIONS for kind in self.kinds)


@dataclass(frozen=True, slots=True)
class Case:
    """One patient over time.

    Attributes
    ----------
    patient
        A pseudonym; never a name or identifier of the images.
    timepoints
        In the order of time, two or more.
    stents, events
        In the order of time.
    rules
        Thresholds of change and patency.
    ids_may_differ
        Whether the images of the case may carry different patient identifiers, as exports that
        were pseudonymised one by one do.
    """

    patient: str
    timepoints: tuple[Timepoint, ...]
    stents: tuple[Stent, ...] = ()
    events: tuple[Event, ...] = ()
    rules: Rules = field(default_factory=Rules)
    ids_may_differ: bool = False

    def stents_by(self, day: int) -> dict[str, float | None]:
        """Return the nominal diameter of the stents in each stented vein by a day.

        None where it is not known, or where stents of several sizes lie in the vein.
        """
        sizes: dict[str, set[float | None]] = {}
        for stent in self.stents:
            if stent.day <= day:
                for vessel in stent.vessels:
                    sizes.setdefault(vessel, set()).add(stent.nominal_diameter_mm)
        return {v: next(iter(mm)) if len(mm) == 1 else None for v, mm in sizes.items()}

    @property
    def index_day(self) -> int | None:
        """Day of the first stent, or else of the first intervention; None where there is none."""
        days = [stent.day for stent in self.stents]
        days = days or [event.day for event in self.events if event.intervention]
        return min(days) if days else None


def check_case(case: Case, where: str) -> Case:
    """Return the case when it makes sense.

    Raises
    ------
    InputError
        When it has fewer than two timepoints, they stand in the wrong order or share a label, or a
        stent runs between veins that do not follow each other.
    """
    if len(case.timepoints) < 2:
        raise InputError(
            f"a case needs two timepoints or more, and has {len(case.timepoints)}",
            where=where,
            remedy="add the other visits, or measure the one study with `venoseg measure`",
        )
    for timepoint in case.timepoints:
        _check_timepoint(timepoint, where)
    _unique([t.label for t in case.timepoints], f"{where}: timepoints", "label")
    for before, after in pairwise(case.timepoints):
        if after.day < before.day:
            raise InputError(
                f"the timepoints stand in the wrong order: {before.label} (day {before.day}) comes "
                f"before {after.label} (day {after.day})",
                where=where,
                remedy="put them in the order of their days, or correct the days",
            )
    for stent in case.stents:
        _check_stent(stent, where)
    return case


def _check_timepoint(timepoint: Timepoint, where: str) -> None:
    if not _LABEL.fullmatch(timepoint.label):
        raise InputError(
            f"'{timepoint.label[:40]}' cannot be the label of a timepoint",
            where=where,
            remedy="use up to 40 letters, digits, - and _",
        )
    names = [study.name for study in timepoint.studies]
    if len(names) > 1:
        _unique(names, f"{where}: studies of {timepoint.label}", "name")
        bad = [name for name in names if not _LABEL.fullmatch(name)]
        if bad:
            raise InputError(
                f"'{bad[0][:40]}' cannot be the name of a study",
                where=f"{where}, timepoint {timepoint.label}",
                remedy="use up to 40 letters, digits, - and _",
            )


def _unique(names: Sequence[str], where: str, what: str) -> None:
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise InputError(
            f"two have the {what} '{double}'", where=where, remedy=f"give each its own {what}"
        )


def _check_stent(stent: Stent, where: str) -> None:
    sides = {BY_NAME[v].side for v in (stent.central, stent.peripheral)} - {None}
    if len(sides) > 1:
        raise InputError(
            f"a stent runs from {stent.central} to {stent.peripheral}, from one side to the other",
            where=where,
            remedy="left and right may be swapped; a crossing pair is two stents",
        )
    order = [*CHAINS[0], *next(c for c in CHAINS if stent.peripheral in c)]
    if stent.central not in order or order.index(stent.central) > order.index(stent.peripheral):
        raise InputError(
            f"a stent runs from {stent.central} to {stent.peripheral}",
            where=where,
            remedy="write the vein nearer to the heart under `from`, the other under `to`",
        )
