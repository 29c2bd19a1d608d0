"""From the path of an iliac artery through the slices to stretches of an artery.

At the brim of the pelvis an artery runs across the slices, so that none of them shows it round;
there its cheapest way through blood joins what was followed above and below.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.errors import MeasurementError
from venoseg.runs import runs_of
from venoseg.segmentation.landmarks.arterial import ALIKE_HU, RADII_MM, Artery, Below
from venoseg.segmentation.landmarks.in_vein import told_from_vein
from venoseg.segmentation.voxels.paths import cheapest_way
from venoseg.segmentation.working import Float32Array
from venoseg.volume import BoolArray, FloatArray

LOST_MM = 20.0
"""A vein that is lost over so much height goes straight on."""

_EVEN_MM = 12.0
# Without the division's word for it, a stretch must be surer than this.
_AGAIN = 0.4
# A vein is as wide as this, and an artery that is cannot be told from one by its track.
_WIDEST_MM = 6.5
# An artery that is lost over so much height, and is found so near, is the same.
_GAP_MM, _GAP_ASIDE_MM = 20.0, 15.0
# Stretches of one artery are joined over this, through blood like the aorta's.
_JOINED_MM, _DEAR, _LIKE_BLOOD, _STEP_MM = 70.0, 4.0, 0.75, 2.0
# The middle of a vein, up to this share of its radius, is no way for an artery.
_CORE, _IN_VEIN = 0.8, 20.0
# From slice to slice an artery that is followed moves less than this.
_JUMP_MM = 8.0
# What is shorter, or does not part so far from the artery of its side, shows no internal artery;
# none is wider than the last.
# An internal artery comes from so much higher up than it lies beside the other one.
_RISE, _BESIDE_VEIN_MM = 0.6, 6.0
_LEAST_INNER_MM, _PARTS_MM, _WIDEST_INNER_MM = 12.0, 15.0, 4.5


def artery_along(
    below: Below, path: npt.NDArray[np.int64], score: Float32Array, vein_lps_mm: FloatArray
) -> list[Artery]:
    """Return the stretches of the artery of a side, from the division of the aorta on.

    Parameters
    ----------
    below
        What the image shows there.
    path
        (slices, 2) its row and column.
    score
        (slices, rows, columns) how much each place looks like its middle.
    vein_lps_mm
        (n, 3) points of the vein beside it, from the feet up.
    """
    dear = _dear_in(below, vein_lps_mm)
    shared: BoolArray = dear[np.arange(len(path)), path[:, 0], path[:, 1]] > 0
    joined = _joined(below, _sure_parts(below, path, score, shared), dear)
    return told_from_vein(below, joined, vein_lps_mm)


def internal_along(
    below: Below,
    path: npt.NDArray[np.int64],
    artery_path: npt.NDArray[np.int64],
    vein_lps_mm: FloatArray,
) -> list[Artery]:
    """Return the stretches of the internal artery of a side that are long enough for one.

    Both paths are (slices, 2), row and column; -1 where it is not seen.
    """
    found = []
    least = _LEAST_INNER_MM / float(below.place.spacing_mm[0])
    apart_mm = np.linalg.norm((path - artery_path) * below.place.spacing_mm[1:], axis=1)
    for start, stop in runs_of(path[:, 0] >= 0):
        kept = np.arange(start, stop)
        if len(kept) >= least and apart_mm[kept].max() > _PARTS_MM:
            radius = below.radius_mm[kept, path[kept, 0], path[kept, 1]]
            points = below.place.to_lps(np.column_stack([kept, path[kept]]))
            found.append(Artery(points, np.clip(radius, RADII_MM[0], _WIDEST_INNER_MM)))
            root = _root_of(below, points[-1], artery_path, vein_lps_mm)
            if len(root) > 1:
                found.append(Artery(root, np.full(len(root), RADII_MM[0])))
    return found


def _root_of(
    below: Below,
    first_lps_mm: FloatArray,
    artery_path: npt.NDArray[np.int64],
    vein_lps_mm: FloatArray,
) -> FloatArray:
    """Return (n, 3) points from where an internal artery is first seen to where it comes from.

    There it is hidden behind the vein. It leaves the artery at an acute angle, higher up.
    """
    place = below.place
    k = int(np.rint(place.to_index(first_lps_mm)[0]))
    beside = place.to_lps((k, *artery_path[k]))
    rise = _RISE * float(np.linalg.norm(beside - first_lps_mm))
    k = min(k + max(1, round(rise / float(place.spacing_mm[0]))), len(artery_path) - 1)
    end = place.to_lps((k, *artery_path[k]))
    count = int(np.linalg.norm(end - first_lps_mm) / _STEP_MM) + 1
    line = first_lps_mm + np.linspace(0.0, 1.0, count + 1)[1:, None] * (end - first_lps_mm)
    if len(vein_lps_mm) == 0:
        return line
    # Nor does it run through the middle of the vein.
    away = np.linalg.norm(line[:, None] - vein_lps_mm[None], axis=2).min(axis=1)
    clear: FloatArray = line[away > _BESIDE_VEIN_MM]
    return clear


def _sure_parts(
    below: Below, path: npt.NDArray[np.int64], score: Float32Array, shared: BoolArray
) -> list[Artery]:
    """Return the stretches of a path that run in blood like the aorta's, from the division on.

    Where an artery turns across the slices, or its place is ``shared`` with its vein, its track is
    lost; farther down it may be found again.
    """
    at = (np.arange(len(path)), path[:, 0], path[:, 1])
    size = 2 * round(_EVEN_MM / float(below.place.spacing_mm[0]) / 2) + 1
    even = ndimage.median_filter(score[at], size, mode="nearest")
    unlike = np.abs(ndimage.median_filter(below.image[at], size, mode="nearest") - below.level_hu)
    good = (even > 0.0) & (unlike < 2 * ALIKE_HU) & ~ndimage.binary_dilation(shared)
    # Beside the division itself two arteries look like one.
    good[len(path) - size - 1 :] = True
    first = _uppermost(_without_gaps(below, path, good))
    if first is None:
        return []
    first, rest = first[good[first]], good & (even > _AGAIN)
    # Without the division's word for it, a stretch must be surer and longer.
    rest[first[0] :] = False
    lower, count = ndimage.label(rest)
    stretches = [first, *(np.flatnonzero(lower == n) for n in range(count, 0, -1))]
    found: list[Artery] = []
    for number, kept in enumerate(stretches):
        width = ndimage.median_filter(below.radius_mm[at][kept].astype(float), size, mode="nearest")
        if len(kept) < (3 if number else 2) * size or np.median(width) > _WIDEST_MM:
            continue
        points = below.place.to_lps(np.column_stack([kept, path[kept]]))
        found.append(Artery(points, np.maximum(width, RADII_MM[0])))
    return found


def _without_gaps(below: Below, path: npt.NDArray[np.int64], good: BoolArray) -> BoolArray:
    """Close the gaps of an artery that is too thin over a short way to stand out in it."""
    closed = good.copy()
    spacing = below.place.spacing_mm
    for start, stop in runs_of(~good):
        if start == 0 or stop == len(good) or (stop - start) * spacing[0] > _GAP_MM:
            continue
        moved_mm = np.linalg.norm((path[stop] - path[start - 1]) * spacing[1:])
        closed[start:stop] = bool(moved_mm < _GAP_ASIDE_MM)
    return closed


def _uppermost(good: BoolArray) -> npt.NDArray[np.intp] | None:
    """Return the slices of the run at the upper end, None when there is none."""
    bad = np.flatnonzero(~good)
    start = int(bad[-1]) + 1 if len(bad) else 0
    return np.arange(start, len(good)) if start < len(good) else None


def _dear_in(below: Below, vein_lps_mm: FloatArray) -> Float32Array:
    """Return what an artery's way costs more in each place for the vein that lies there."""
    dear: Float32Array = np.zeros(below.place.shape, dtype=np.float32)
    if len(vein_lps_mm) == 0:
        return dear
    index = np.rint(below.place.to_index(vein_lps_mm)).astype(int)
    radius = below.radius_mm[tuple(index.T)]
    # A vein that is lost over a short way has gone straight on.
    slices = np.arange(index[0, 0], index[-1, 0] + 1)
    gap = np.abs(slices[:, None] - index[:, 0]).min(axis=1) * float(below.place.spacing_mm[0])
    slices = slices[gap <= LOST_MM]
    row, column, reach = (
        np.interp(slices, index[:, 0], values) for values in (index[:, 1], index[:, 2], radius)
    )
    dy, dx = (float(size) for size in below.place.spacing_mm[1:])
    _, deep, wide = below.place.shape
    rows, columns = np.ogrid[:deep, :wide]
    for k, j, i, mm in zip(slices, row, column, reach, strict=True):
        dear[k] = _IN_VEIN * (np.hypot((rows - j) * dy, (columns - i) * dx) < _CORE * mm)
    return dear


def _joined(below: Below, parts: list[Artery], dear: Float32Array) -> list[Artery]:
    """Add what joins one stretch of an artery to the next, given from the division on."""
    joined = list(parts[:1])
    cost = _cost_of(below) + dear
    for upper, lower in pairwise(parts):
        start, end = upper.points_lps_mm[0], lower.points_lps_mm[-1]
        between = _way_between(below, start, end, cost)
        if len(between):
            radius = min(float(np.median(part.radius_mm)) for part in (upper, lower))
            joined.append(Artery(between, np.full(len(between), radius)))
        joined.append(lower)
    close = [_closely(below, part, dear, cost) for part in joined]
    return [part for part in close if len(part.points_lps_mm) > 1]


def _cost_of(below: Below) -> Float32Array:
    """Return what a millimetre of an artery's way costs in each place."""
    unlike = np.maximum(np.abs(below.image - below.level_hu) - ALIKE_HU, 0.0) / ALIKE_HU
    cost: Float32Array = (1.0 + _DEAR * np.minimum(unlike, 4.0)).astype(np.float32)
    return cost


def _way_between(
    below: Below, start: FloatArray, end: FloatArray, cost: Float32Array
) -> FloatArray:
    """Return (n, 3) the way through blood like the aorta's from one point to another, if any."""
    none = np.empty((0, 3))
    if np.linalg.norm(start - end) > _JOINED_MM:
        return none
    try:
        way = cheapest_way(cost, below.place, start, end)
    except MeasurementError:
        return none
    top = np.array(below.place.shape) - 1
    k, j, i = np.clip(np.rint(below.place.to_index(way)), 0, top).astype(int).T
    alike = np.abs(below.image[k, j, i] - below.level_hu) < 2 * ALIKE_HU
    return way if alike.mean() >= _LIKE_BLOOD else none


def _closely(below: Below, artery: Artery, dear: Float32Array, cost: Float32Array) -> Artery:
    """Return the same artery with its points close to each other.

    Where it runs across the slices its places lie far apart, and need not lie in a line.
    """
    points, parts = artery.points_lps_mm, [artery.points_lps_mm[:1]]
    for start, end in pairwise(points):
        way = np.empty((0, 3))
        if np.linalg.norm(start - end) > _JUMP_MM:
            way = _way_between(below, start, end, cost)
        parts.append(way[1:] if len(way) else end[None])
    radius = np.repeat(artery.radius_mm, [len(part) for part in parts])
    line = np.concatenate(parts)
    at = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1)))
    where = np.linspace(0.0, at[-1], max(len(at), int(at[-1] / _STEP_MM) + 1))
    close = np.stack([np.interp(where, at, line[:, axis]) for axis in range(3)], axis=1)
    # Of two that claim a place, the one that was seen in it has it.
    top = np.array(below.place.shape) - 1
    k, j, i = np.clip(np.rint(below.place.to_index(close)), 0, top).astype(int).T
    kept = dear[k, j, i] == 0
    return Artery(close[kept], np.interp(where, at, radius)[kept])
