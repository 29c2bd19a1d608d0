"""The smallest area and the least width of a vein: between its stations too.

Stations 1 mm apart miss the narrowest place by up to half a millimetre, and in a short stenosis the
area there is a few per cent larger. The figure is carried on between the smallest station and its
neighbours by the parabola through them. Where it does not bend alike on both sides, as beside a
membrane or where the lumen's edge comes from elsewhere, the lesser bend counts: no more is taken
off than a smooth wall explains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from venoseg.lumen.profile import VesselProfile
from venoseg.volume import FloatArray

_EVERYWHERE = slice(None)


@dataclass(frozen=True, slots=True)
class Least:
    """A figure where it is least.

    Attributes
    ----------
    station
        The station at which it is smallest.
    position_mm
        Where it is least, half a step from that station at most.
    value, low, high
        The figure there, and the ends of its 95 % interval.
    """

    station: int
    position_mm: float
    value: float
    low: float
    high: float


def least_area(profile: VesselProfile, within: slice = _EVERYWHERE) -> Least:
    """Return the smallest area in mm2 of some stations, one of which at least was measured."""
    return _least(profile, profile.shapes.area_mm2, profile.area_interval_mm2, within)


def least_width(profile: VesselProfile, within: slice = _EVERYWHERE) -> Least:
    """Return the least width in mm of some stations, one of which at least was measured."""
    return _least(profile, profile.shapes.minimum_mm, profile.minimum_interval_mm, within)


def _least(
    profile: VesselProfile, values: FloatArray, intervals: FloatArray, within: slice
) -> Least:
    station = within.indices(len(values))[0] + int(np.nanargmin(values[within]))
    away, below = _beyond(values[max(station - 2, 0) : station + 3])
    low, high = intervals[station].tolist()
    return Least(
        station=station,
        position_mm=float(profile.branch.curve.position_mm[station]) + away * profile.step_mm,
        value=float(values[station]) - below,
        low=max(low - below, 0.0),
        high=high - below,
    )


def _beyond(values: FloatArray) -> tuple[float, float]:
    """Return how many stations from the third of five the least lies, and how much lower."""
    if len(values) < 5:
        return 0.0, 0.0
    bends = np.diff(values, 2)
    bend, slope = float(bends[1]), float(values[3] - values[1]) / 2.0
    # Not so where a neighbour was not measured, or is smaller and not among those looked at.
    if not (bends.min() > 0.0 and abs(slope) <= 0.5 * bend):
        return 0.0, 0.0
    away = -slope / bend
    return away, 0.5 * float(bends.min()) * away**2
