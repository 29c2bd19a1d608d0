"""What two scans show of how the veins have moved: courses, junctions, surroundings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from venoseg.centerline import Branch, VesselTree
from venoseg.centerline.curve import Curve
from venoseg.followup.drift import Drift, Observations
from venoseg.followup.registration import Motion
from venoseg.followup.surroundings import Sight, slid
from venoseg.tables import Row, Table
from venoseg.volume import BoolArray, FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """A place on or beside a vein that both visits show, and how well its level is known."""

    here_lps_mm: FloatArray
    there_lps_mm: FloatArray
    sd_mm: float


Pairs = list[tuple[Branch, Branch]]

# A vein may have moved this far sideways against the bones and still be followed.
_ASIDE_MM = 30.0

# Every so many mm the course of a vein is an observation, known to this.
_COURSE_EVERY_MM = 8.0
_COURSE_MM = 0.8
# The course of a stretch without lumen is only guessed.
_GUESSED_COURSE_MM = 4.0

# No vein is taken for wider than this to either side.
_WIDEST_MM = 18.0

# How well the confluence is known where cava and both iliac veins meet in it, and where one of them
# is missing or without lumen; then the mouth of an internal iliac vein, and the place where a label
# calls a vein external, the last one along the vein only.
_CONFLUENCE_MM = 2.0
_GUESSED_CONFLUENCE_MM = 5.0
_MOUTH_MM = 3.0
_NAMED_MM = 6.0

# The end of a stent: as well as it is seen, and as far as a stent that holds may creep. A place
# that a person has pointed at, such as the mouth of a renal vein.
_STENT_END_MM = 4.0
POINTED_MM = 2.5


def courses(pairs: Pairs, motion: Motion, drift: Drift | None) -> Iterator[Observations]:
    """Yield how far the veins' courses lie apart, across them."""
    for branch, other in pairs:
        curve = branch.curve
        every = max(1, round(_COURSE_EVERY_MM / (curve.length_mm / (len(curve) - 1))))
        stations = np.arange(0, len(curve), every)
        at = motion.apply(curve.points_lps_mm[stations])
        moved = at if drift is None else at + drift.at(at)
        onto, beyond = _nearest(moved, other.curve)
        kept = ~beyond
        if not kept.any():
            continue
        at, onto, moved, stations = at[kept], onto[kept], moved[kept], stations[kept]
        guessed = _guessed(branch, curve.position_mm[stations]) | _guessed(
            other, other.curve.position_mm[onto]
        )
        sd = np.where(guessed, _GUESSED_COURSE_MM, _COURSE_MM)
        for directions in (other.curve.across[onto], other.curve.upward[onto]):
            apart = np.sum((other.curve.points_lps_mm[onto] - at) * directions, axis=1)
            yield Observations(at, directions, apart, sd, np.ones(len(at), dtype=bool))


def anchors(
    before: VesselTree, after: VesselTree, pairs: Pairs, motion: Motion
) -> Iterator[Observations]:
    """Yield how far the junctions have moved."""
    here, there = before.confluence_lps_mm, after.confluence_lps_mm
    if here is not None and there is not None:
        sure = _seen_to_meet(before) and _seen_to_meet(after)
        sd = _CONFLUENCE_MM if sure else _GUESSED_CONFLUENCE_MM
        yield _point(motion.apply(here[None])[0], there, sd)
    for branch, other in pairs:
        if branch.parent is None or branch.parent != other.parent:
            continue
        if branch.central_end != "junction" or other.central_end != "junction":
            continue
        at, onto = motion.apply(branch.curve.points_lps_mm[:1])[0], other.curve.points_lps_mm[0]
        if "internal" in branch.vessel:
            yield _point(at, onto, _MOUTH_MM)
        elif branch.parent != "ivc" and "division_assumed" not in (*branch.flags, *other.flags):
            along = other.curve.tangents[:1]
            moved = (onto - at) @ along[0]
            yield Observations(
                at[None], along, np.array([moved]), np.array([_NAMED_MM]), np.zeros(1, dtype=bool)
            )


def marks(pairs: Pairs, motion: Motion, seen: Sequence[Mark]) -> Iterator[Observations]:
    """Yield how far marks that both visits show have moved along the vein next to them."""
    for mark in seen:
        nearest: tuple[float, Curve] | None = None
        for branch, other in pairs:
            apart = np.linalg.norm(branch.curve.points_lps_mm - mark.here_lps_mm, axis=1).min()
            if nearest is None or apart < nearest[0]:
                nearest = float(apart), other.curve
        if nearest is None or nearest[0] > _ASIDE_MM:
            continue
        curve = nearest[1]
        at = motion.apply(mark.here_lps_mm[None])
        next_to = np.linalg.norm(curve.points_lps_mm - mark.there_lps_mm, axis=1).argmin()
        along = curve.tangents[next_to][None]
        moved = np.sum((mark.there_lps_mm - at) * along, axis=1)
        yield Observations(at, along, moved, np.array([mark.sd_mm]), np.zeros(1, dtype=bool))


def stent_marks(before: Table, after: Table) -> Iterator[Mark]:
    """Yield the ends of the stents that are the only ones in their veins at both visits.

    A stent may have slid: its ends tell little where anything else tells the level.
    """
    tables = [[row for row in table.rows if row["vessels"]] for table in (before, after)]
    for here in tables[0]:
        same = [[row for row in rows if row["vessels"] == here["vessels"]] for rows in tables]
        if [len(rows) for rows in same] != [1, 1]:
            continue
        for end in ("central", "peripheral"):
            yield Mark(_end_of(here, end), _end_of(same[1][0], end), _STENT_END_MM)


def _end_of(row: Row, end: str) -> FloatArray:
    return np.array([float(row[f"{end}_{axis}_mm"] or 0.0) for axis in "xyz"])


def _seen_to_meet(tree: VesselTree) -> bool:
    """Tell whether the image shows the cava and two veins meet with open lumens."""
    cava = branch_of(tree, "ivc")
    meeting = [b for b in tree.branches if b.parent == "ivc" and b.central_end == "junction"]
    if cava is None or len(meeting) < 2:
        return False
    shut = _guessed(cava, cava.curve.position_mm[-1:]).any()
    return not shut and not any(_guessed(b, b.curve.position_mm[:1]).any() for b in meeting)


def slides(
    pairs: Pairs, motion: Motion, drift: Drift, sights: tuple[Sight, Sight]
) -> Iterator[Observations]:
    """Yield how far stretches of the veins have moved along themselves, by what is around them."""
    for branch, other in pairs:
        at = motion.apply(branch.curve.points_lps_mm)
        expected = project_onto(at + drift.at(at), other.curve)
        inner = min(max(branch.half_width_mm, other.half_width_mm), _WIDEST_MM)
        curves = branch.curve, other.curve
        found = slid(sights, curves, motion.matrix[:3, :3], expected, inner)
        if not len(found.station):
            continue
        there, curve = found.to_mm, other.curve
        onto = np.stack(
            [np.interp(there, curve.position_mm, curve.points_lps_mm[:, k]) for k in range(3)], 1
        )
        along = curve.tangents[np.abs(curve.position_mm[None] - there[:, None]).argmin(axis=1)]
        moved = np.sum((onto - at[found.station]) * along, axis=1)
        yield Observations(
            at[found.station], along, moved, found.sd_mm, np.zeros(len(moved), dtype=bool)
        )


def _point(at: FloatArray, onto: FloatArray, sd_mm: float) -> Observations:
    """Return what a point tells that was seen at both visits: its movement in every direction."""
    return Observations(
        np.tile(at, (3, 1)), np.eye(3), onto - at, np.full(3, sd_mm), np.zeros(3, dtype=bool)
    )


def _guessed(branch: Branch, position_mm: FloatArray) -> BoolArray:
    """Tell which positions lie where nobody saw a lumen."""
    guessed = np.zeros(len(position_mm), dtype=bool)
    for gap in branch.gaps:
        guessed |= (position_mm >= gap.start_mm) & (position_mm <= gap.stop_mm)
    return guessed


def _nearest(points_lps_mm: FloatArray, curve: Curve) -> tuple[FloatArray, BoolArray]:
    """Return the stations next to points, and which points lie beyond the ends or far aside."""
    apart = np.linalg.norm(points_lps_mm[:, None] - curve.points_lps_mm[None], axis=2)
    nearest = apart.argmin(axis=1)
    offset = points_lps_mm - curve.points_lps_mm[nearest]
    along = np.einsum("ij,ij->i", offset, curve.tangents[nearest])
    step = curve.length_mm / (len(curve) - 1)
    beyond = (np.abs(along) > step) & np.isin(nearest, (0, len(curve) - 1))
    return nearest, beyond | (apart.min(axis=1) > _ASIDE_MM)


def project_onto(points_lps_mm: FloatArray, curve: Curve) -> FloatArray:
    """Return (n,) positions on a curve next to (n, 3) points, in order; beyond its ends as well."""
    apart = np.linalg.norm(points_lps_mm[:, None] - curve.points_lps_mm[None], axis=2)
    nearest = apart.argmin(axis=1)
    beyond = points_lps_mm - curve.points_lps_mm[nearest]
    along = np.einsum("ij,ij->i", beyond, curve.tangents[nearest])
    positions = curve.position_mm[nearest] + along
    aside = np.linalg.norm(beyond - along[:, None] * curve.tangents[nearest], axis=1)
    ordered: FloatArray = np.maximum.accumulate(positions)
    return np.where(aside <= _ASIDE_MM, ordered, np.nan)


def branch_of(tree: VesselTree, vessel: str) -> Branch | None:
    """Return the branch of a vessel; None where there is none."""
    return next((b for b in tree.branches if b.vessel == vessel), None)
