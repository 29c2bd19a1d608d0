"""The same level of a vein at two visits.

Coordinates of different scans are never compared. Where bones show in both, their motion takes
every station of a vein to where it lies at the other visit; elsewhere the veins' own motion does,
from the confluence of the iliac veins, which both scans must then show. How far the veins have
moved against that is told by their courses, their junctions and what lies around them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from venoseg.centerline import Branch, VesselTree
from venoseg.centerline.curve import Curve
from venoseg.followup.drift import Drift, Observations, Rigid, drift_from
from venoseg.followup.evidence import (
    Mark,
    anchors,
    branch_of,
    courses,
    marks,
    project_onto,
    slides,
)
from venoseg.followup.registration import Motion, fit_rigid
from venoseg.followup.surroundings import Sight
from venoseg.volume import FloatArray

Method = Literal["bones", "arc length", "none"]

# How well rigid motions are known: that of bones (beside its residual) and that of the veins.
_BONES_MM, _BONES_SHARE, _BONES_RAD = 0.4, 0.3, 0.003
_VEINS_MM, _VEINS_RAD = 12.0, 0.1

# Neither centerline nor sampling tell a level better than this.
_LEAST_DOUBT_MM = 1.0

# A movement of the veins against the bones that a reader must know.
_TOLD_MM = 3.0

_ROUNDS = 3
_NORMAL_95 = 1.96


@dataclass(frozen=True, slots=True, eq=False)
class VesselMatch:
    """One vein at two visits.

    Attributes
    ----------
    from_mm, to_mm
        (n,) positions of the stations of the first visit, and where they lie on the vein of the
        second; NaN where the second does not show them.
    doubt_mm
        (n,) half the 95 % interval of ``to_mm``; None: that of the whole match.
    """

    from_mm: FloatArray
    to_mm: FloatArray
    doubt_mm: FloatArray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """How the levels of two visits belong together.

    Attributes
    ----------
    method
        What they were matched by.
    residual_mm
        Half the 95 % interval of a matched level is no wider than this, at 95 % of the stations;
        None where nothing was matched.
    motion
        That of the bones, when it was used.
    vessels
        The veins that both visits show.
    notes
        What a reader must know, one sentence each.
    """

    method: Method
    residual_mm: float | None
    motion: Motion | None
    vessels: Mapping[str, VesselMatch]
    notes: tuple[str, ...] = ()


def starts_of(before: VesselTree, after: VesselTree) -> list[FloatArray]:
    """Return (4, 4) motions that lay the veins of one visit roughly onto those of the other."""
    matched = _by_length(before, after)
    pairs = [
        (before.branch(name).curve, after.branch(name).curve, one) for name, one in matched.items()
    ]
    points = [_both(*pair) for pair in pairs]
    if points:
        here, there = (np.concatenate(side) for side in zip(*points, strict=True))
        if len(here) > 20:
            return [fit_rigid(here, there)]
    starts = []
    for branch in before.branches:
        other = branch_of(after, branch.vessel)
        if other is not None:
            start = np.eye(4)
            middle = other.curve.points_lps_mm.mean(axis=0)
            start[:3, 3] = middle - branch.curve.points_lps_mm.mean(axis=0)
            starts.append(start)
    return starts


def match_levels(
    before: VesselTree,
    after: VesselTree,
    motion: Motion | None,
    limit_mm: float,
    sights: tuple[Sight, Sight] | None = None,
    seen: Sequence[Mark] = (),
) -> Match:
    """Match the stations of every vein that both visits show.

    Parameters
    ----------
    before, after
        The veins.
    motion
        That of the bones; None where they do not tell.
    limit_mm
        Bones that lie farther apart than this after their motion are not used.
    sights
        Both images with their bones, for what lies around the veins; None: it is not looked at.
    seen
        Places that both visits show: ends of stents, landmarks.
    """
    if motion is not None and motion.residual_mm <= limit_mm:
        shift = float(np.hypot(_BONES_MM, _BONES_SHARE * motion.residual_mm))
        rigid = Rigid(shift, _BONES_RAD, *_lying(before, motion))
        return _followed("bones", before, after, motion, rigid, sights, seen, [])
    notes = ["spine and pelvis are not in view of both scans, or do not agree"]
    lengths = _by_length(before, after)
    if not lengths:
        notes.append("the confluence is not in view of both scans: no level can be matched")
        return Match("none", None, None, {}, tuple(notes))
    pairs = [
        _both(before.branch(name).curve, after.branch(name).curve, one)
        for name, one in lengths.items()
    ]
    here, there = (np.concatenate(side) for side in zip(*pairs, strict=True))
    fitted = Motion(fit_rigid(here, there), 0.0, 0.0)
    notes.append("levels are matched by the length along the veins from the confluence")
    rigid = Rigid(_VEINS_MM, _VEINS_RAD, *_lying(before, fitted))
    return _followed("arc length", before, after, fitted, rigid, sights, seen, notes)


def _followed(
    method: Method,
    before: VesselTree,
    after: VesselTree,
    motion: Motion,
    rigid: Rigid,
    sights: tuple[Sight, Sight] | None,
    seen: Sequence[Mark],
    notes: list[str],
) -> Match:
    """Match the levels by a rigid motion and by how the veins have moved against it."""
    pairs = [
        (branch, other)
        for branch in before.branches
        if (other := branch_of(after, branch.vessel)) is not None
    ]
    fixed = [*anchors(before, after, pairs, motion), *marks(pairs, motion, seen)]
    drift = drift_from(Observations.joined([*fixed, *courses(pairs, motion, None)]), rigid)
    for _ in range(_ROUNDS):
        told = [*fixed, *courses(pairs, motion, drift)]
        drift = drift_from(Observations.joined(told), rigid)
    if sights is not None:
        around = list(slides(pairs, motion, drift, sights))
        for _ in range(2):
            told = [*fixed, *around, *courses(pairs, motion, drift)]
            drift = drift_from(Observations.joined(told), rigid)
    vessels = {branch.vessel: _matched(branch, other, motion, drift) for branch, other in pairs}
    residual = _bound(vessels)
    if residual is None:
        notes.append("the scans show no level of a vein in common")
    notes += _told(method, before, motion, drift)
    return Match(method, residual, motion if method == "bones" else None, vessels, tuple(notes))


def _bound(vessels: Mapping[str, VesselMatch]) -> float | None:
    """Return the doubt that 95 % of all matched levels do not exceed.

    Levels of one vein are off together: what a station may be off, all around it may be.
    """
    doubts = [
        one.doubt_mm[np.isfinite(one.to_mm)] for one in vessels.values() if one.doubt_mm is not None
    ]
    together = np.concatenate([*doubts, np.empty(0)])
    return float(np.quantile(together, 0.95)) if len(together) else None


def _matched(branch: Branch, other: Branch, motion: Motion, drift: Drift) -> VesselMatch:
    at = motion.apply(branch.curve.points_lps_mm)
    to_mm = _within(project_onto(at + drift.at(at), other.curve), other.curve)
    along = branch.curve.tangents @ motion.matrix[:3, :3].T
    doubt = np.hypot(_NORMAL_95 * drift.along(at, along)[1], _LEAST_DOUBT_MM)
    return VesselMatch(branch.curve.position_mm, to_mm, doubt)


def _told(method: Method, before: VesselTree, motion: Motion, drift: Drift) -> list[str]:
    """Say how far the confluence has moved against the bones, and what is not known of it."""
    if method != "bones":
        return []
    if before.confluence_lps_mm is None:
        return ["the confluence is not known at both visits and could not check the match"]
    at = motion.apply(before.confluence_lps_mm[None])
    down = -float((drift.at(at) @ motion.matrix[:3, 2])[0])
    if abs(down) < _TOLD_MM:
        return []
    where = f"{abs(down):.0f} mm {'lower' if down > 0 else 'higher'}"
    note = f"the veins lie {where} against the bones than before, by their confluence"
    return [f"{note}; levels follow the veins"]


def _lying(tree: VesselTree, motion: Motion) -> tuple[FloatArray, FloatArray]:
    """Return the confluence, or the veins' middle, and the patient's axes after a motion."""
    origin = tree.confluence_lps_mm
    if origin is None:
        origin = np.concatenate([b.curve.points_lps_mm for b in tree.branches]).mean(axis=0)
    return motion.apply(origin[None])[0], motion.matrix[:3, :3]


def _by_length(before: VesselTree, after: VesselTree) -> dict[str, VesselMatch]:
    """Match the cava from its peripheral end and the other veins from their central end."""
    found: dict[str, VesselMatch] = {}
    for branch in before.branches:
        other = branch_of(after, branch.vessel)
        if other is None or not _anchored(branch, other):
            continue
        here = branch.curve.position_mm
        offset = 0.0
        if branch.vessel == "ivc":
            offset = other.curve.length_mm - branch.curve.length_mm
        found[branch.vessel] = VesselMatch(here, _within(here + offset, other.curve))
    return found


def _anchored(branch: Branch, other: Branch) -> bool:
    """Tell whether a vein begins, or the cava ends, at a junction at both visits."""
    if branch.vessel == "ivc":
        return branch.peripheral_end == other.peripheral_end == "junction"
    return branch.central_end == other.central_end == "junction"


def _both(curve: Curve, other: Curve, match: VesselMatch) -> tuple[FloatArray, FloatArray]:
    """Return the points of both curves at matched levels."""
    shown = ~np.isnan(match.to_mm)
    there = [
        np.interp(match.to_mm[shown], other.position_mm, other.points_lps_mm[:, axis])
        for axis in range(3)
    ]
    return curve.points_lps_mm[shown], np.stack(there, axis=1)


def _within(positions_mm: FloatArray, curve: Curve) -> FloatArray:
    """Return positions; NaN where they lie beyond the curve."""
    last = curve.position_mm[-1]
    inside = (positions_mm >= 0.0) & (positions_mm <= last)
    return np.where(inside, positions_mm, np.nan)
