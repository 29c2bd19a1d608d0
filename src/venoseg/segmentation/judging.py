"""How far a tube can be trusted, and where it holds no contrast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from venoseg.segmentation.divide import Stretch
from venoseg.segmentation.domains import Picture
from venoseg.segmentation.model import VesselConfidence
from venoseg.segmentation.wall import Tube
from venoseg.volume import BoolArray

ENHANCED_HU = 66.0
_POOR_HU = 90.0
_LEAST_AREA_MM2 = 9.0
_LEAST_GAP_MM = 6.0
_CLEAR_STEP_HU = 15.0


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A stretch and what became of it.

    Attributes
    ----------
    stretch
        The stretch.
    open_stations
        (stations of the tube,) where the stretch has a lumen with contrast.
    closed
        (start, stop) of each run of stations without.
    confidence
        Of the whole vein.
    first_of_vessel
        Whether no stretch before it is the same vein.
    """

    stretch: Stretch
    open_stations: BoolArray
    closed: tuple[tuple[int, int], ...]
    confidence: VesselConfidence
    first_of_vessel: bool


def judged(
    stretches: Sequence[Stretch],
    tubes: Sequence[Tube],
    picture: Picture,
    arteries: BoolArray | None,
) -> list[Judged]:
    """Judge every stretch."""
    expected = blood_level(tubes)
    seen: set[str] = set()
    out = []
    for stretch in stretches:
        tube = tubes[stretch.tube]
        inside = np.zeros(len(tube.level_hu), dtype=bool)
        inside[stretch.start : stretch.stop] = True
        lumen = inside & has_lumen(tube, expected)
        in_artery = _in_artery(tube, picture, arteries)
        if in_artery[inside].mean() > 0.3:
            lumen &= False
        closed = _runs(inside & ~lumen)
        step = tube.course.step_mm
        long = tuple((a, b) for a, b in closed if (b - a) * step >= _LEAST_GAP_MM)
        confidence = _confidence(stretch.vessel, tube, inside, lumen, in_artery)
        out.append(Judged(stretch, lumen, long, confidence, stretch.vessel not in seen))
        seen.add(stretch.vessel)
    return out


def blood_level(tubes: Sequence[Tube]) -> float:
    """Return the grey value of enhanced blood in the tubes: their brighter half."""
    return float(np.percentile(np.concatenate([tube.level_hu for tube in tubes]), 75))


def has_lumen(tube: Tube, expected_hu: float) -> BoolArray:
    """Tell for every station whether it shows blood with contrast, or too little of it."""
    least = max(ENHANCED_HU, 45.0 + 0.22 * (expected_hu - 45.0))
    bright = tube.level_hu >= least
    wide = tube.area_mm2 >= _LEAST_AREA_MM2
    opened: BoolArray = ndimage.binary_opening(np.pad(bright & wide, 2, mode="edge"), iterations=2)[
        2:-2
    ]
    return opened


def _in_artery(tube: Tube, picture: Picture, arteries: BoolArray | None) -> BoolArray:
    if arteries is None:
        return np.zeros(len(tube.level_hu), dtype=bool)
    inside: BoolArray = arteries[picture.index(tube.course.points_lps_mm)]
    return inside


def _runs(flags: BoolArray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _confidence(
    vessel: str, tube: Tube, inside: BoolArray, lumen: BoolArray, in_artery: BoolArray
) -> VesselConfidence:
    reasons: list[str] = []
    value = 1.0
    if not lumen.any():
        words = "runs in an artery" if in_artery[inside].mean() > 0.3 else "no contrast"
        return VesselConfidence(vessel, 0.0, (words,))
    clear = float(np.mean(np.abs(tube.step_hu[lumen]) > _CLEAR_STEP_HU))
    if clear < 0.7:
        reasons.append(f"only {100 * clear:.0f} % of the wall shows")
        value *= max(clear / 0.7, 0.2)
    level = float(np.median(tube.level_hu[lumen]))
    if level < _POOR_HU:
        reasons.append(f"poorly enhanced, {level:.0f} HU")
        value *= 0.3 + 0.6 * max(level - ENHANCED_HU, 0.0) / (_POOR_HU - ENHANCED_HU)
    missing = 1.0 - float(lumen[inside].mean())
    if missing > 0.1:
        reasons.append(f"no contrast over {100 * missing:.0f} % of its length")
        value *= 1.0 - 0.5 * missing
    touched = float(in_artery[lumen].mean())
    if touched > 0.05:
        reasons.append("touches an artery that could not be told apart")
        value *= 0.6
    return VesselConfidence(vessel, round(float(np.clip(value, 0.0, 1.0)), 2), tuple(reasons))
