"""Patency of each limb and each stent, from the images and the list of events: ``patency.csv``.

Primary: open without a further intervention since the index procedure. Primary-assisted: open and
never occluded, though something was done to keep it so. Secondary: open, be it after an occlusion
that was reopened. The class follows from images and events; nobody types it in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from venoseg.anatomy import BY_NAME
from venoseg.followup.case import LIMBS, Case, Event, Limb, Stent
from venoseg.followup.comparable import stented_station
from venoseg.followup.rules import Rules
from venoseg.followup.visit import CtVisit, RunVisit, Visit
from venoseg.tables import Column, Row, Table

PatencyState = Literal["patent", "stenosed", "occluded", "non_diagnostic", "not_covered"]

PATENCY_COLUMNS: tuple[Column, ...] = (
    Column("limb", "left or right; for a single stent the veins it lies in"),
    Column("timepoint", "label of the timepoint"),
    Column("days", "since the index procedure, negative before it; else since day 0"),
    Column("state", "patent, stenosed, occluded, non_diagnostic or not_covered, from the images"),
    Column("primary", "open without further intervention since the index procedure"),
    Column("primary_assisted", "open and never occluded since the index procedure"),
    Column("secondary", "open, be it after an occlusion that was reopened"),
    Column("reason", "what the state and the classes rest on"),
)

_OPEN: tuple[PatencyState, ...] = ("patent", "stenosed")
_WORST: tuple[PatencyState, ...] = ("occluded", "stenosed", "non_diagnostic", "not_covered")


@dataclass(frozen=True, slots=True)
class Target:
    """What shall stay open: a limb's outflow or one stent."""

    name: str
    limbs: tuple[Limb, ...]
    vessels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """What the images of a timepoint say of a target."""

    state: PatencyState
    reason: str


def targets_of(case: Case) -> tuple[Target, ...]:
    """Return the outflow of each limb, then each stent."""
    limbs = tuple(Target(limb, (limb,), _outflow(limb, case.stents)) for limb in LIMBS)
    stents = dict.fromkeys(stent.vessels for stent in case.stents)
    return limbs + tuple(
        Target("stent " + " to ".join(dict.fromkeys((v[0], v[-1]))), _limbs(v), v) for v in stents
    )


def patency_table(case: Case, visits: Sequence[Visit]) -> Table:
    """Return one row for every target at every timepoint that was imaged."""
    rows: list[Row] = []
    for target in targets_of(case):
        findings = [
            (timepoint.label, timepoint.day, finding)
            for timepoint in case.timepoints
            if (finding := finding_of(target, timepoint.label, visits, case.rules)) is not None
        ]
        rows += _rows(case, target, findings)
    return Table.from_rows(PATENCY_COLUMNS, rows)


def finding_of(
    target: Target, timepoint: str, visits: Iterable[Visit], rules: Rules
) -> Finding | None:
    """Return what the images of a timepoint say; the last run of a procedure tells its result."""
    seen = [visit for visit in visits if visit.timepoint == timepoint]
    if not seen:
        return None
    scans = [visit for visit in seen if isinstance(visit, CtVisit)]
    last = scans[-1] if scans else seen[-1]
    found = [(vessel, *_vessel_state(last, vessel, rules)) for vessel in target.vessels]
    for state in _WORST:
        words = [f"{BY_NAME[v].title.lower()}: {why}" for v, s, why in found if s == state]
        if words:
            return Finding(state, "; ".join(words))
    words = [f"{BY_NAME[v].title.lower()}: {why}" for v, _, why in found]
    return Finding("patent", "; ".join(words))


def _vessel_state(visit: Visit, vessel: str, rules: Rules) -> tuple[PatencyState, str]:
    if isinstance(visit, CtVisit):
        return _on_ct(visit, vessel, rules)
    return _on_run(visit, vessel, rules)


def _on_ct(visit: CtVisit, vessel: str, rules: Rules) -> tuple[PatencyState, str]:
    row = visit.segment(vessel)
    if row is None:
        return "not_covered", "not labelled"
    state = str(row["state"])
    length = row["occluded_length_mm"]
    over = f" over {length:.0f} mm" if length else ""
    if state == "occluded":
        return "occluded", f"no lumen{over}"
    if state == "bridged":
        return "non_diagnostic", f"no lumen is seen{over}, which does not prove an occlusion"
    if state == "not_covered":
        return "not_covered", "not in the image"
    if state == "not_assessable":
        return "non_diagnostic", "its lumen cannot be assessed"
    inside = row["in_stent_area_stenosis_percent"]
    if inside is not None:
        words = f"in-stent stenosis {inside:.0f} % by area"
        return ("stenosed" if float(inside) >= rules.stenosed_percent else "patent"), words
    narrowed = row["area_stenosis_percent"]
    if narrowed is None:
        return "patent", "a lumen throughout, no reference for a stenosis"
    words = f"smallest area {_against(float(narrowed))} its reference"
    if any(stented_station(one) for one in visit.stations(vessel)):
        words += ", stenosis inside the stent not measured"
    return ("stenosed" if float(narrowed) >= rules.stenosed_percent else "patent"), words


def _against(narrowed: float) -> str:
    if abs(narrowed) < 0.5:
        return "as large as"
    return f"{abs(narrowed):.0f} % {'below' if narrowed > 0 else 'above'}"


def _on_run(visit: RunVisit, vessel: str, rules: Rules) -> tuple[PatencyState, str]:
    rows = zip(visit.found.projections, visit.found.lesions, strict=True)
    for projection, lesions in rows:
        if projection.vessel != vessel:
            continue
        if any(lesion.occluded for lesion in lesions):
            return "occluded", "no contrast medium passes"
        table = [r for r in visit.found.lesion_table.rows if r["vessel"] == vessel]
        worst = [float(p) for r in table if (p := r["diameter_stenosis_percent"]) is not None]
        most = max(worst, default=0.0)
        if most >= rules.stenosed_percent:
            return "stenosed", f"stenosis {most:.0f} % by diameter"
        return "patent", f"fills, stenosis {most:.0f} % by diameter" if worst else "fills"
    return "non_diagnostic", "not measured on the venogram"


def _rows(
    case: Case, target: Target, findings: Sequence[tuple[str, int, Finding]]
) -> Iterator[Row]:
    index = case.index_day
    for label, day, finding in findings:
        classes, reason = _classes(case, target, findings, day, finding)
        primary, assisted, secondary = classes
        yield {
            "limb": target.name,
            "timepoint": label,
            "days": day if index is None else day - index,
            "state": finding.state,
            "primary": primary,
            "primary_assisted": assisted,
            "secondary": secondary,
            "reason": ". ".join(_begun(words) for words in (finding.reason, reason) if words),
        }


def _begun(words: str) -> str:
    return words[0].upper() + words[1:]


_Classes = tuple[bool | None, bool | None, bool | None]


def _classes(
    case: Case,
    target: Target,
    findings: Sequence[tuple[str, int, Finding]],
    day: int,
    finding: Finding,
) -> tuple[_Classes, str]:
    index = case.index_day
    if index is None:
        return (None, None, None), "No stent and no intervention is recorded"
    if day < index:
        return (None, None, None), "Before the index procedure"
    if finding.state not in (*_OPEN, "occluded"):
        return (None, None, None), ""
    if finding.state == "occluded":
        return (False, False, False), "Occluded at this time"
    shut = any("occlusion" in event.kinds for event in _since(case, target.limbs, day))
    seen = [d for _, d, one in findings if index <= d < day and one.state == "occluded"]
    words = ended_by(case, target.limbs, day)
    words += [f"occluded on the images of day {d - index}" for d in seen]
    narrowed = case.rules.stenosis_ends_primary and finding.state == "stenosed"
    words += ["stenosis at this time"] if narrowed else []
    return (not words, not (shut or seen), True), "; ".join(words)


def ended_by(case: Case, limbs: Sequence[Limb], day: int) -> list[str]:
    """Return in words the events that ended a class of patency of limbs up to a day.

    Days in the words count from the index procedure, without which there are none.
    """
    index, events = case.index_day or 0, _since(case, limbs, day)
    done = [f"{_kinds(e)} on day {e.day - index}" for e in events if _ends_primary(e)]
    return done + [f"occlusion on day {e.day - index}" for e in events if "occlusion" in e.kinds]


def _since(case: Case, limbs: Sequence[Limb], day: int) -> list[Event]:
    """Return the events of limbs after the index procedure and up to a day."""
    index = case.index_day
    if index is None:
        return []
    return [e for e in case.events if index < e.day <= day and set(e.limbs) & set(limbs)]


def _ends_primary(event: Event) -> bool:
    return event.intervention and not event.part_of_index


def _kinds(event: Event) -> str:
    return ", ".join(kind.replace("_", " ") for kind in event.kinds)


def _outflow(limb: Limb, stents: Sequence[Stent]) -> tuple[str, ...]:
    """Return the veins that were stented for a limb, or else its way to the heart."""
    stented = dict.fromkeys(v for stent in stents if limb in stent.limbs for v in stent.vessels)
    if stented:
        return tuple(name for name in BY_NAME if name in stented)
    return ("ivc", f"{limb}_common_iliac_vein", f"{limb}_external_iliac_vein")


def _limbs(vessels: tuple[str, ...]) -> tuple[Limb, ...]:
    sides = {BY_NAME[v].side for v in vessels}
    return tuple(limb for limb in LIMBS if limb in sides) or LIMBS
