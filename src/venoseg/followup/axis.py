"""One axis for a vein at all its visits: positions of every visit in those of one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from venoseg.followup.compared import Comparison
from venoseg.followup.levels import Match
from venoseg.followup.visit import CtVisit
from venoseg.lumen import VesselProfile
from venoseg.volume import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class OnAxis:
    """A vein at one visit, laid on the common axis.

    Attributes
    ----------
    visit, profile
        What was measured.
    at_mm
        (n,) where its stations lie on the axis, in positions of the reference visit; NaN where they
        were not matched.
    """

    visit: CtVisit
    profile: VesselProfile
    at_mm: FloatArray


def on_one_axis(found: Comparison, vessel: str) -> tuple[OnAxis, ...]:
    """Return a vein at every visit that shows it; the visit with the longest course is the axis.

    Visits whose levels could not be matched have no position on the axis.
    """
    shown = [
        (place, visit, profile)
        for place, visit in enumerate(found.scans)
        for profile in visit.found.profiles
        if profile.vessel == vessel
    ]
    if not shown:
        return ()
    reference = max(shown, key=lambda one: one[2].branch.curve.length_mm)[0]
    labels = [visit.label for visit in found.scans]
    return tuple(
        OnAxis(
            visit,
            profile,
            _carried(
                profile.branch.curve.position_mm, place, reference, labels, found.matches, vessel
            ),
        )
        for place, visit, profile in shown
    )


def _carried(
    positions_mm: FloatArray,
    place: int,
    reference: int,
    labels: list[str],
    matches: Mapping[tuple[str, str], Match],
    vessel: str,
) -> FloatArray:
    """Carry positions from visit to visit until they are those of the reference."""
    direct = _step(positions_mm, labels[place], labels[reference], matches, vessel)
    if place == reference or direct is not None:
        return positions_mm.copy() if direct is None else direct
    step = 1 if reference > place else -1
    for here in range(place, reference, step):
        carried = _step(positions_mm, labels[here], labels[here + step], matches, vessel)
        if carried is None:
            return np.full(len(positions_mm), np.nan)
        positions_mm = carried
    return positions_mm


def _step(
    positions_mm: FloatArray,
    here: str,
    there: str,
    matches: Mapping[tuple[str, str], Match],
    vessel: str,
) -> FloatArray | None:
    """Carry positions between two visits that were matched; None where they were not."""
    for labels, forward in (((here, there), True), ((there, here), False)):
        match = matches.get(labels)
        one = None if match is None else match.vessels.get(vessel)
        if one is None:
            continue
        known = np.isfinite(one.to_mm)
        source, target = (one.from_mm, one.to_mm) if forward else (one.to_mm, one.from_mm)
        if known.sum() < 2:
            return np.full(len(positions_mm), np.nan)
        inside = np.isfinite(positions_mm)
        carried = np.full(len(positions_mm), np.nan)
        carried[inside] = _interpolated(positions_mm[inside], source[known], target[known])
        return carried
    return None


def _interpolated(at: FloatArray, source: FloatArray, target: FloatArray) -> FloatArray:
    """Interpolate; beyond the matched stations positions go on at the same pace."""
    rising = np.concatenate([[True], np.diff(source) > 1e-6])
    source, target = source[rising], target[rising]
    inner = np.interp(at, source, target)
    below = target[0] + (at - source[0])
    above = target[-1] + (at - source[-1])
    return np.where(at < source[0], below, np.where(at > source[-1], above, inner))
