"""The marker bands of a catheter, found in the frame: a row of dense spots at even distances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from venoseg.angiography.run import Image
from venoseg.errors import MeasurementError
from venoseg.volume import BoolArray, FloatArray

# A band bends the picture in every direction; an edge or a wire only across itself.
_SPOT_PX = 1.5
_APART_PX = 9
_DISTINCT = 10.0
_ALIKE = 0.3
_MOST_SPOTS = 80

_FEWEST = 5
_LEAST_GAP_PX = 6.0
_WIDEST_GAP = 1 / 6

# From one gap to the next the distance changes by less than this share, the direction by less than
# what moves the next band by this share of the gap.
_EVEN = 0.1
_ASTRAY = 0.2

# Gaps that scatter by more than this share are foreshortened.
_SCATTER = 0.05

# Half width of 95 % of what the catheter's slant to the picture does to all gaps: 14 degrees.
_SLANT = 0.03


@dataclass(frozen=True, slots=True)
class Bands:
    """What the user knows of a marker catheter: the distance of its bands in mm."""

    spacing_mm: float


def find_bands(native: Image, seen: BoolArray) -> FloatArray:
    """Return (n, 2) column and row of the bands of the one marker catheter in a picture.

    Parameters
    ----------
    native
        (rows, columns) attenuation, not subtracted.
    seen
        Where the picture shows the patient.

    Raises
    ------
    MeasurementError
        When there is no row of at least five bands at even distances, or more than one.
    """
    spots = _spots(native, seen)
    rows = _even_rows(spots, _WIDEST_GAP * native.shape[1])
    if not rows:
        raise MeasurementError(
            "no row of marker bands at even distances is seen",
            remedy="point at two marks: --calibration marker:LENGTHmm@x1,y1,x2,y2",
        )
    best = max(rows, key=len)
    if any(len(set(row) & set(best)) < 2 for row in rows):
        raise MeasurementError(
            "more than one row of marks at even distances is seen, and which is the catheter "
            "cannot be told",
            remedy="point at two marks: --calibration marker:LENGTHmm@x1,y1,x2,y2",
        )
    return spots[list(best)]


def gap_px(bands_px: FloatArray) -> tuple[float, float]:
    """Return the mean distance of neighbouring bands and the relative half width of its interval.

    The interval holds the scatter of the gaps and a catheter that slants a little to the picture.

    Raises
    ------
    MeasurementError
        When the gaps differ: the catheter runs towards the detector in parts.
    """
    gaps = np.linalg.norm(np.diff(bands_px, axis=0), axis=1)
    mean = float(gaps.mean())
    if float(gaps.std(ddof=1)) > _SCATTER * mean:
        raise MeasurementError(
            "the distances of the marker bands differ: the catheter slants to the picture",
            remedy="point at two marks elsewhere: --calibration marker:LENGTHmm@x1,y1,x2,y2",
        )
    scatter = 1.96 * float(gaps.std(ddof=1)) / mean / np.sqrt(len(gaps))
    return mean, float(np.hypot(scatter, _SLANT))


def _spots(native: Image, seen: BoolArray) -> FloatArray:
    """Return (n, 2) column and row of dense spots, the most distinct first."""

    def bend(order: tuple[int, int]) -> FloatArray:
        second: FloatArray = ndimage.gaussian_filter(native.astype(np.float64), _SPOT_PX, order)
        return second

    down, right, mixed = bend((2, 0)), bend((0, 2)), bend((1, 1))
    least = -(down + right) / 2 - np.hypot((down - right) / 2, mixed)
    scatter = 1.4826 * float(np.median(np.abs(least[seen]))) + 1e-12
    peak = (least == ndimage.maximum_filter(least, _APART_PX)) & seen
    peak &= least > _DISTINCT * scatter
    at = np.argwhere(peak)
    height = least[peak]
    order = np.argsort(-height, kind="stable")[:_MOST_SPOTS]
    if not len(order):
        return np.zeros((0, 2))
    # Bands of one catheter are alike; the densest few tell how dense they are.
    usual = float(height[order][min(_FEWEST, len(order)) - 1])
    kept = order[height[order] > _ALIKE * usual]
    places: FloatArray = at[kept, ::-1].astype(np.float64)
    return places


def _even_rows(spots: FloatArray, widest_px: float) -> list[tuple[int, ...]]:
    """Return the longest rows at even distances, by number, each from either of its ends."""
    found: set[tuple[int, ...]] = set()
    for first in range(len(spots)):
        for second in range(len(spots)):
            gap = float(np.hypot(*(spots[second] - spots[first])))
            if first == second or not _LEAST_GAP_PX <= gap <= widest_px:
                continue
            row = _extended(spots, [first, second])
            # A row that could be longer at its other end is found from there.
            if len(row) >= _FEWEST and len(_extended(spots, row[1::-1])) == 2:
                found.add(min(tuple(row), tuple(row[::-1])))
    return [
        row
        for row in found
        if not any(len(other) > len(row) and len(set(row) & set(other)) >= 2 for other in found)
    ]


def _extended(spots: FloatArray, row: list[int]) -> list[int]:
    row = list(row)
    while True:
        step = spots[row[-1]] - spots[row[-2]]
        gap = float(np.hypot(*step))
        away = np.linalg.norm(spots - (spots[row[-1]] + step), axis=1)
        away[row] = np.inf
        following = int(away.argmin())
        length = float(np.hypot(*(spots[following] - spots[row[-1]])))
        if away[following] > _ASTRAY * gap or abs(length / gap - 1.0) > _EVEN:
            return row
        row.append(following)
