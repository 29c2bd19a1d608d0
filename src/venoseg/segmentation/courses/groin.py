"""Where the iliac veins end at the groins, or at the border of the image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from venoseg.segmentation.landmarks.arterial import Artery
from venoseg.segmentation.model import LEAST_CONFIDENCE, VesselConfidence
from venoseg.segmentation.voxels.domains import Picture
from venoseg.volume import BoolArray, FloatArray

# Blood of iliac veins against that of the cava; muscle is darker than the last.
_FAINTER_HU, _BRIGHTER_HU, _MUSCLE_HU = 40.0, 90.0, 75.0
_LEAST_AREA_MM2, _LARGEST_AREA_MM2 = 20.0, 600.0
# The middle of the vein lies so far from that of the artery, and not before it or outside.
_BESIDE_MM, _OUTSIDE_MM, _BEFORE_MM = (5.0, 22.0), 4.0, 6.0
# The ball of a track fits inside the artery; its wall lies so much farther out.
_WALL = 1.6
_BELOW_MM = 30.0
# Veins of both sides go on to one height, but for so much that a body leans.
_LEANS_MM = 30.0
_SLICES = 4


@dataclass(frozen=True, slots=True, eq=False)
class Ends:
    """The peripheral ends that were found, by side, and the sides that were not."""

    found: Mapping[str, FloatArray]
    missing: tuple[str, ...]


def peripheral_ends(
    picture: Picture,
    arteries: Sequence[Artery],
    never: BoolArray,
    cava_lps_mm: FloatArray,
    level_hu: float,
    middle_x_mm: float,
) -> Ends:
    """Find the lowest place of each side where a vein runs inside of an artery or behind it.

    Parameters
    ----------
    picture
        The coarse picture.
    arteries
        The iliac arteries that were followed.
    never
        Where veins cannot be.
    cava_lps_mm
        (n, 3) points in the cava from the head down.
    level_hu
        Grey value of the blood in it.
    middle_x_mm
        Where the middle of the body lies.
    """
    low = max(level_hu - _FAINTER_HU, _MUSCLE_HU)
    blood = (picture.mean_hu > low) & (picture.mean_hu < level_hu + _BRIGHTER_HU) & ~never
    for artery in arteries:
        blood &= ~artery.covers(picture.grid, _WALL)
    z = picture.grid.to_lps(np.column_stack([np.arange(len(blood))] * 3))[:, 2]
    highest_mm = float(cava_lps_mm[-1, 2]) - _BELOW_MM
    found: dict[str, FloatArray] = {}
    for side, sign in (("right", -1.0), ("left", 1.0)):
        points = [artery.points_lps_mm for artery in arteries]
        own = [p for p in points if sign * (p[np.argmin(p[:, 2]), 0] - middle_x_mm) > 0]
        for k in np.flatnonzero(z < highest_mm):
            end = _vein_beside(picture, blood, int(k), own, sign)
            if end is not None:
                found[side] = end
                break
    return Ends(found, tuple(side for side in ("right", "left") if side not in found))


def less_sure_of_short(
    confidence: Sequence[VesselConfidence], ends: Ends, highest_mm: float
) -> tuple[VesselConfidence, ...]:
    """Let veins of a side that ends far above the other one be no surer than what is seen of them.

    What was found of them is the vein all the same, so that they stay sure enough to be drawn.

    Parameters
    ----------
    confidence
        Of each vein.
    ends
        Where both sides end.
    highest_mm
        Height (LPS z) at which both begin.
    """
    lowest = min((float(end[2]) for end in ends.found.values()), default=highest_mm)
    out = []
    for one in confidence:
        side = next((side for side in ends.found if one.vessel.startswith(side)), None)
        end = lowest if side is None else float(ends.found[side][2])
        if end - lowest > _LEANS_MM:
            seen = max((highest_mm - end) / (highest_mm - lowest), LEAST_CONFIDENCE)
            away = f"{end - lowest:.0f} mm above where that of the other side ends"
            words = f"followed down to z {end:.0f} mm only, {away}"
            value = round(min(one.confidence, seen), 2)
            one = replace(one, confidence=value, reasons=(*one.reasons, words))
        out.append(one)
    return tuple(out)


def _vein_beside(
    picture: Picture, blood: BoolArray, k: int, arteries: Sequence[FloatArray], sign: float
) -> FloatArray | None:
    """Return (3,) the middle of the vein beside an artery in a slice, None where there is none."""
    dz, dy, dx = (float(size) for size in picture.grid.spacing_mm)
    z = float(picture.grid.to_lps(np.array([k, 0, 0]))[2])
    beside = [p for p in arteries if p[:, 2].min() - dz <= z <= p[:, 2].max() + dz]
    if not beside:
        return None
    artery = min((p[np.argmin(np.abs(p[:, 2] - z))] for p in beside), key=lambda p: abs(p[2] - z))
    pieces, count = ndimage.label(blood[k])
    best: tuple[float, FloatArray] | None = None
    for number in range(1, count + 1):
        piece = pieces == number
        if not _LEAST_AREA_MM2 <= float(piece.sum()) * dy * dx <= _LARGEST_AREA_MM2:
            continue
        depth = ndimage.distance_transform_edt(np.pad(piece, 1))[1:-1, 1:-1]
        row, column = (int(v) for v in np.unravel_index(np.argmax(depth), depth.shape))
        point = picture.grid.to_lps(np.array([k, row, column]))
        inwards, behind = -sign * (point[0] - artery[0]), point[1] - artery[1]
        away = float(np.hypot(inwards, behind))
        if not _BESIDE_MM[0] <= away <= _BESIDE_MM[1]:
            continue
        if inwards < -_OUTSIDE_MM or behind < -_BEFORE_MM or not _goes_on(blood, k, row, column):
            continue
        if best is None or away < best[0]:
            best = away, point
    return None if best is None else best[1]


def _goes_on(blood: BoolArray, k: int, row: int, column: int) -> bool:
    """Tell whether blood is there in the next slices too."""
    near = blood[k : k + _SLICES, max(row - 3, 0) : row + 4, max(column - 3, 0) : column + 4]
    return len(near) == _SLICES and bool(near.any(axis=(1, 2)).all())
