"""The iliac vessels: artery and vein of each side, from where the aorta divides to the groins.

The two of a side are followed as a pair (`venoseg.segmentation.pairs`). At the brim of the pelvis
an artery runs across the slices, so that none of them shows it round; there its cheapest way
through blood joins what was followed above and below.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.errors import MeasurementError
from venoseg.segmentation.arterial import ALIKE_HU, RADII_MM, Artery, Below, never_at
from venoseg.segmentation.pairs import Places, pair_through
from venoseg.segmentation.paths import cheapest_way
from venoseg.segmentation.working import Float32Array
from venoseg.volume import BoolArray, FloatArray, Grid

# So far a place moves in 3 mm of height at a cost of 1.
_MOVE_MM = 9.0
# So much farther out than the middle a vessel lies for each millimetre below the division, up to
# the middle of the groin; give or take.
_OUTWARDS, _OUTERMOST_MM, _GIVE_MM, _VEINS_GIVE_MM = 0.5, 70.0, 25.0, 40.0
_LEAST_OUT_MM, _TO_MIDDLE_MM, _OVER_MIDDLE_MM = 4.0, 80.0, 6.0
_EVEN_MM = 12.0
# Without the division's word for it, a stretch must be surer than this.
_AGAIN = 0.4
# A vein is as wide as this, and an artery that is cannot be told from one by its track.
_WIDEST_MM = 6.5
# Stretches of one artery are joined over this, through blood like the aorta's.
_JOINED_MM, _DEAR, _LIKE_BLOOD, _STEP_MM = 70.0, 4.0, 0.75, 2.0
# The middle of a vein, up to this share of its radius, is no way for an artery; a vein that is lost
# over so much height goes straight on.
_CORE, _IN_VEIN, _LOST_MM = 0.8, 20.0, 20.0
# From slice to slice an artery that is followed moves less than the first, a vein than the second.
_JUMP_MM, _FAR_MM = 8.0, 15.0
# A vein's track is one where it stands out as clearly over so much height.
_VEIN_SHOWS, _VEIN_MM = 0.3, 15.0


@dataclass(frozen=True, slots=True, eq=False)
class Iliac:
    """What was followed of the iliac vessels.

    Attributes
    ----------
    arteries
        One or more stretches of each side; none of a side on which nothing of the aorta's grey
        value goes on.
    veins
        (n, 3) points of the vein of each side, from the feet up, where it stands out.
    """

    arteries: tuple[Artery, ...] = ()
    veins: tuple[tuple[str, FloatArray], ...] = ()

    def vein(self, side: str | None) -> FloatArray:
        """Return (n, 3) the points of a side's vein."""
        return next((points for name, points in self.veins if name == side), np.empty((0, 3)))


def iliac_vessels(below: Below | None, veins_lps_mm: FloatArray) -> Iliac:
    """Follow artery and vein of each side.

    Parameters
    ----------
    below
        What the image shows below the division of the aorta.
    veins_lps_mm
        (n, 3) points in veins: no artery is there, and the vein of their side passes them.
    """
    if below is None:
        return Iliac()
    arteries: dict[float, list[Artery]] = {}
    veins: dict[float, FloatArray] = {}
    # What was followed on one side is not the vein of the other one, nor of its own side.
    for side in (-1.0, 1.0, -1.0, 1.0):
        taken = [artery.points_lps_mm for own in arteries.values() for artery in own]
        never = np.concatenate(taken) if taken else np.empty((0, 3))
        arteries[side], veins[side] = _of_side(below, side, veins_lps_mm, never)
    return Iliac((*arteries[-1.0], *arteries[1.0]), (("right", veins[-1.0]), ("left", veins[1.0])))


def _of_side(
    below: Below, side: float, veins_lps_mm: FloatArray, never_vein_lps_mm: FloatArray
) -> tuple[list[Artery], FloatArray]:
    """Return the artery's stretches and the vein's points of a side."""
    place = below.place
    off, veins_off = _off_course(below, side)
    score = (below.score - off[:, None]).astype(np.float32)
    vein_score = (below.vein_score - veins_off[:, None]).astype(np.float32)
    never_at(score, place, veins_lps_mm)
    never_at(vein_score, place, never_vein_lps_mm)
    score = _towards(score, place, below.start_lps_mm, -1)
    if len(below.cava_lps_mm):
        vein_score = _towards(vein_score, place, below.cava_lps_mm, -1)
    for point in veins_lps_mm[side * (veins_lps_mm[:, 0] - below.middle_mm) > 0]:
        k = int(np.rint(place.to_index(point)[0]))
        if 0 <= k < len(vein_score):
            vein_score = _towards(vein_score, place, point, k)
    path, vein_path = pair_through(
        Places(score, below.radius_mm),
        Places(vein_score, below.radius_mm),
        place,
        side,
        _down_mm(below),
        _MOVE_MM,
        side in below.crossing,
    )
    vein = _sure_vein(place, vein_path, vein_score)
    dear = _dear_in(below, vein)
    slices = np.arange(len(path))
    shared: BoolArray = dear[slices, path[:, 0], path[:, 1]] > 0
    return _joined(below, _sure_parts(below, path, score, shared), dear), vein


def _down_mm(below: Below) -> FloatArray:
    """Return (slices,) how far each slice lies below the division."""
    slices = np.arange(len(below.image))
    down: FloatArray = below.divides_mm - below.place.to_lps(np.column_stack([slices] * 3))[:, 2]
    return down


def _off_course(below: Below, side: float) -> tuple[FloatArray, FloatArray]:
    """Return (slices, columns) how unlikely the artery and the vein of a side lie there."""
    place = below.place
    x = place.to_lps(np.column_stack([np.arange(place.shape[2])] * 3))[:, 0]
    down = _down_mm(below)
    # The aorta divides left of the middle, as a rule.
    shift = np.clip(down / _TO_MIDDLE_MM, 0.0, 1.0) * (below.middle_mm - below.start_lps_mm[0])
    x = side * (x - below.start_lps_mm[0] - shift[:, None])
    expected = np.minimum(_LEAST_OUT_MM + _OUTWARDS * np.maximum(down, 0.0), _OUTERMOST_MM)
    away = np.abs(x - expected[:, None])
    off = np.maximum(away - _GIVE_MM, 0.0) / 8.0 + np.maximum(-x - _OVER_MIDDLE_MM, 0.0) / 4.0
    return off, np.maximum(away - _VEINS_GIVE_MM, 0.0) / 8.0


def _towards(score: Float32Array, place: Grid, point: FloatArray, k: int) -> Float32Array:
    """Let a track pass a point in slice ``k``."""
    _, row, column = place.to_index(point)
    dy, dx = (float(size) for size in place.spacing_mm[1:])
    rows, columns = np.ogrid[: score.shape[1], : score.shape[2]]
    away = np.hypot((rows - row) * dy, (columns - column) * dx)
    out = score.astype(np.float32)
    out[k] -= (away / 4.0).astype(np.float32)
    return out


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
    first, rest = _uppermost(good), good & (even > _AGAIN)
    if first is None:
        return []
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
    slices = slices[gap <= _LOST_MM]
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


def _sure_vein(place: Grid, path: npt.NDArray[np.int64], score: Float32Array) -> FloatArray:
    """Return (n, 3) the points of a vein's path where it stands out, from the groin on.

    Up to where it is lost over some height, or jumps: there it may have come to another vessel.
    """
    seen = path[:, 0] >= 0
    size = max(3, round(_VEIN_MM / float(place.spacing_mm[0])))
    shows = np.where(seen, score[np.arange(len(path)), path[:, 0], path[:, 1]], -np.inf)
    even = ndimage.median_filter(shows, size, mode="nearest")
    sure = ndimage.binary_opening(seen & (even > _VEIN_SHOWS), np.ones(size))
    kept = np.flatnonzero(sure)
    steps = np.diff(place.to_lps(np.column_stack([kept, path[kept]])).reshape(-1, 3), axis=0)
    lost = (np.linalg.norm(steps[:, :2], axis=1) > _FAR_MM) | (np.abs(steps[:, 2]) > 2.0 * _LOST_MM)
    kept = kept[: int(np.argmax(lost)) + 1] if lost.any() else kept
    return place.to_lps(np.column_stack([kept, path[kept]])).reshape(-1, 3)
