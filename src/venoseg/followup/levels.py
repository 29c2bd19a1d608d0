"""Which place of a vein at one visit is which at another: by bones, or by length along the vein.

Coordinates of two scans are never compared. Where spine and pelvis are in both, their motion takes
every station of a vein to where it lies at the other visit. Elsewhere levels are matched by the
length from the confluence of the iliac veins, which both scans must then show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from venoseg.centerline import Branch, VesselTree
from venoseg.centerline.curve import Curve
from venoseg.followup.registration import Motion, fit_rigid
from venoseg.volume import FloatArray

Method = Literal["bones", "arc length", "none"]

# A vein may have moved this far sideways against the bones and still be followed.
_ASIDE_MM = 30.0

# A confluence is known to about this; only a vein that has moved farther is moved back.
_LANDMARK_MM = 3.0
# Beyond this distance peripheral of the confluence the veins lie fixed in the pelvis.
_FIXED_AFTER_MM = 120.0


@dataclass(frozen=True, slots=True, eq=False)
class VesselMatch:
    """One vein at two visits.

    Attributes
    ----------
    from_mm, to_mm
        (n,) positions of the stations of the first visit, and where they lie on the vein of the
        second; NaN where the second does not show them.
    """

    from_mm: FloatArray
    to_mm: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """How the levels of two visits belong together.

    Attributes
    ----------
    method
        What they were matched by.
    residual_mm
        How far apart matched levels may lie; None where nothing was matched.
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
        other = _branch(after, branch.vessel)
        if other is not None:
            start = np.eye(4)
            middle = other.curve.points_lps_mm.mean(axis=0)
            start[:3, 3] = middle - branch.curve.points_lps_mm.mean(axis=0)
            starts.append(start)
    return starts


def match_levels(
    before: VesselTree, after: VesselTree, motion: Motion | None, limit_mm: float
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
    """
    if motion is not None and motion.residual_mm <= limit_mm:
        return _match_by_bones(before, after, motion)
    notes = ["spine and pelvis are not in view of both scans, or do not agree"]
    lengths = _by_length(before, after)
    if not lengths:
        notes.append("the confluence is not in view of both scans: no level can be matched")
        return Match("none", None, None, {}, tuple(notes))
    points = [
        _both(before.branch(name).curve, after.branch(name).curve, one)
        for name, one in lengths.items()
    ]
    here, there = (np.concatenate(side) for side in zip(*points, strict=True))
    fitted = fit_rigid(here, there)
    apart = here @ fitted[:3, :3].T + fitted[:3, 3] - there
    residual = float(np.sqrt(np.mean(np.sum(apart**2, axis=1))))
    notes.append("levels are matched by the length along the veins from the confluence")
    return Match("arc length", max(residual, _LANDMARK_MM), None, lengths, tuple(notes))


def _match_by_bones(before: VesselTree, after: VesselTree, motion: Motion) -> Match:
    shift, known = _confluence_shift(before, after, motion)
    corrected = shift if abs(shift) > _LANDMARK_MM else 0.0
    vessels: dict[str, VesselMatch] = {}
    for branch in before.branches:
        other = _branch(after, branch.vessel)
        if other is None:
            continue
        curve = branch.curve
        there = _project(motion.apply(curve.points_lps_mm), other.curve)
        share = _moved_share(branch)
        vessels[branch.vessel] = VesselMatch(
            curve.position_mm, _within(there + corrected * share, other.curve)
        )
    notes: list[str] = []
    if corrected:
        notes.append(
            f"the veins lie {abs(shift):.0f} mm {'lower' if shift > 0 else 'higher'} against the "
            "bones than before, by their confluence; levels follow the veins"
        )
    elif not known:
        notes.append("the confluence is not known at both visits and could not check the match")
    if all(np.isnan(one.to_mm).all() for one in vessels.values()):
        notes.append("the scans show no level of a vein in common")
    doubt = _LANDMARK_MM if corrected else abs(shift)
    return Match("bones", float(np.hypot(motion.residual_mm, doubt)), motion, vessels, tuple(notes))


def _confluence_shift(before: VesselTree, after: VesselTree, motion: Motion) -> tuple[float, bool]:
    """Return how far the confluence has moved along the cava against the bones, if it is known."""
    here, there = before.confluence_lps_mm, after.confluence_lps_mm
    cava = _branch(after, "ivc")
    if here is None or there is None or cava is None:
        return 0.0, False
    apart = there - motion.apply(here[None])[0]
    return float(apart @ cava.curve.tangents[-1]), True


def _moved_share(branch: Branch) -> FloatArray:
    """Return (n,) how much of the confluence's movement a vein's stations share."""
    if branch.vessel == "ivc":
        return np.ones(len(branch.curve))
    along = branch.curve.position_mm
    if branch.parent not in ("ivc", None):
        return np.zeros(len(branch.curve))
    return np.clip(1.0 - along / _FIXED_AFTER_MM, 0.0, 1.0)


def _by_length(before: VesselTree, after: VesselTree) -> dict[str, VesselMatch]:
    """Match the cava from its peripheral end and the other veins from their central end."""
    found: dict[str, VesselMatch] = {}
    for branch in before.branches:
        other = _branch(after, branch.vessel)
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


def _project(points_lps_mm: FloatArray, curve: Curve) -> FloatArray:
    """Return (n,) positions on a curve next to (n, 3) points, in order; beyond its ends as well."""
    apart = np.linalg.norm(points_lps_mm[:, None] - curve.points_lps_mm[None], axis=2)
    nearest = apart.argmin(axis=1)
    beyond = points_lps_mm - curve.points_lps_mm[nearest]
    along = np.einsum("ij,ij->i", beyond, curve.tangents[nearest])
    positions = curve.position_mm[nearest] + along
    aside = np.linalg.norm(beyond - along[:, None] * curve.tangents[nearest], axis=1)
    ordered: FloatArray = np.maximum.accumulate(positions)
    return np.where(aside <= _ASIDE_MM, ordered, np.nan)


def _within(positions_mm: FloatArray, curve: Curve) -> FloatArray:
    """Return positions; NaN where they lie beyond the curve."""
    last = curve.position_mm[-1]
    inside = (positions_mm >= 0.0) & (positions_mm <= last)
    return np.where(inside, positions_mm, np.nan)


def _branch(tree: VesselTree, vessel: str) -> Branch | None:
    return next((b for b in tree.branches if b.vessel == vessel), None)
