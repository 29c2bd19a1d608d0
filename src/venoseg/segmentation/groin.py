"""Where the iliac veins end at the groins, or at the border of the image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from venoseg.segmentation.domains import Picture
from venoseg.volume import BoolArray, FloatArray

_FAINTER_HU = 35.0
_BRIGHTER_HU = 90.0
_LEAST_AREA_MM2 = 20.0
_LARGEST_AREA_MM2 = 600.0
_BESIDE_MM = 14.0
_ASIDE_MM = 10.0
_BELOW_MM = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Ends:
    """The peripheral ends that were found, by side, and the sides that were not."""

    found: Mapping[str, FloatArray]
    missing: tuple[str, ...]


def peripheral_ends(
    picture: Picture,
    arteries: BoolArray,
    never: BoolArray,
    cava_lps_mm: FloatArray,
    level_hu: float,
) -> Ends:
    """Find the lowest place of each side where a vein runs beside an artery.

    Parameters
    ----------
    picture
        The coarse picture.
    arteries, never
        Where arteries are, and where veins cannot be.
    cava_lps_mm
        (n, 3) points in the cava from the head down.
    level_hu
        Grey value of the blood in it.
    """
    veins = _veins(picture, arteries | never, cava_lps_mm, level_hu)
    _, dy, dx = picture.grid.spacing_mm
    z = picture.grid.to_lps(np.column_stack([np.arange(veins.shape[0])] * 3))[:, 2]
    lowest = float(cava_lps_mm[-1, 2])
    found: dict[str, FloatArray] = {}
    missing: list[str] = []
    artery_middle = _middle_column(arteries)
    for side, sign in (("right", -1.0), ("left", 1.0)):
        for k in range(1, veins.shape[0]):
            if z[k] > lowest - _BELOW_MM:
                missing.append(side)
                break
            end = _vein_beside(veins[k], arteries[k], artery_middle, sign, dy, dx)
            if end is not None and _goes_on(veins, k, end):
                found[side] = picture.grid.to_lps(np.array([k, *end]))
                break
    return Ends(found, tuple(missing))


def _veins(picture: Picture, others: BoolArray, cava: FloatArray, level_hu: float) -> BoolArray:
    """Return blood that joins the cava and nothing else, walls left out."""
    from skimage.segmentation import watershed

    markers = np.zeros(picture.grid.shape, dtype=np.int32)
    markers[ndimage.binary_erosion(others)] = 1
    markers[picture.index(cava)] = 2
    low = level_hu - _FAINTER_HU
    blood = (picture.darkest_hu > low) & (picture.mean_hu < level_hu + _BRIGHTER_HU)
    blood &= ~others
    wall = np.clip(np.rint((level_hu - picture.darkest_hu) / 5.0), 0, 60).astype(np.int16)
    wall[markers > 0] = 0
    joined: BoolArray = watershed(wall, markers, mask=blood | (markers > 0)) == 2
    return joined


def _middle_column(arteries: BoolArray) -> float:
    return float(np.median(np.nonzero(arteries)[2])) if arteries.any() else 0.0


def _vein_beside(
    veins: BoolArray, arteries: BoolArray, middle: float, sign: float, dy: float, dx: float
) -> tuple[int, int] | None:
    """Return (row, column) in the middle of a vein that runs beside an artery of a side."""
    pieces, count = ndimage.label(veins)
    if count == 0 or not arteries.any():
        return None
    columns = np.arange(veins.shape[1])
    own = arteries & (sign * (columns - middle) * dx > 15.0)
    if not own.any():
        return None
    away = ndimage.distance_transform_edt(~own, sampling=(dy, dx))
    best: tuple[float, tuple[int, int]] | None = None
    for number in range(1, count + 1):
        piece = pieces == number
        area = float(piece.sum()) * dy * dx
        gap = float(away[piece].min())
        if not _LEAST_AREA_MM2 <= area <= _LARGEST_AREA_MM2 or gap > _BESIDE_MM:
            continue
        depth = ndimage.distance_transform_edt(np.pad(piece, 1))[1:-1, 1:-1]
        row, column = (int(v) for v in np.unravel_index(np.argmax(depth), depth.shape))
        if sign * (column - middle) * dx < _ASIDE_MM:
            continue
        if best is None or gap < best[0]:
            best = gap, (row, column)
    return None if best is None else best[1]


def _goes_on(veins: BoolArray, k: int, end: tuple[int, int]) -> bool:
    """Tell whether a vein is there in the next slices too."""
    row, column = end
    near = veins[k : k + 4, max(row - 3, 0) : row + 4, max(column - 3, 0) : column + 4]
    return len(near) == 4 and bool(near.any(axis=(1, 2)).all())
