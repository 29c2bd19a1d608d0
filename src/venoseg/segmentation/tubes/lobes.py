"""Sections of two vessels that touch: cut at their waist.

Where no wall shows between an artery and the vein beside it, the wall that is found goes around
both. The section then has a waist: a chord on both sides of which it is wider. A vein alone,
however flat, has none; a branch that lies in the section is cut off as an artery is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull

from venoseg.segmentation.working import Float32Array
from venoseg.volume import BoolArray, FloatArray

# Both sides of a waist are wider than it by this factor, and hold so much of the section.
_WIDER, _LEAST_SHARE = 1.22, 0.18
# A waist leaves more than this of the convex hull empty; a flat vein fills it.
_SOLID = 0.95
_AT_ONCE = 8
# Grey values that differ by this tell the lobes apart as well as this way does.
_ALIKE_HU, _ALIKE_MM = 10.0, 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Lobes:
    """The part of each of n sections that is the vein.

    Attributes
    ----------
    cut
        (n,) whether a section has a waist.
    first, last
        (n,) rays between which, counted upwards from the first, the vein lies.
    centre_mm
        (n, 2) its centre of area across the course.
    area_mm2
        (n,) its area.
    """

    cut: BoolArray
    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]
    centre_mm: FloatArray
    area_mm2: FloatArray


def outline(radius_mm: FloatArray) -> FloatArray:
    """Return (n, rays, 2) points of the wall across the course."""
    angle = 2 * np.pi * np.arange(radius_mm.shape[1]) / radius_mm.shape[1]
    points: FloatArray = radius_mm[:, :, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return points


def lobes_of(
    radius_mm: FloatArray, ray_hu: FloatArray, may_touch: BoolArray | None = None
) -> Lobes:
    """Find the waist of each section, and which side of it is the vein.

    It is the side more like the sections without a waist: in grey value, in place, in size.

    Parameters
    ----------
    radius_mm
        (n, rays) distance of the wall.
    ray_hu
        (n, rays) mean grey value along each ray up to the wall.
    may_touch
        (n,) whether a section may hold two vessels; elsewhere all of it is the vein. None: any may.
    """
    count = radius_mm.shape[1]
    points = outline(radius_mm)
    turned = np.roll(points, -1, axis=1)
    cross = _cross(points, turned)
    area = 0.5 * cross.sum(axis=1)
    whole = np.sum((points + turned) / 6.0 * cross[:, :, None], axis=1) / area[:, None]
    first = np.zeros(len(points), np.int64)
    last = np.full(len(points), count - 1, np.int64)
    every = np.arange(len(points))
    if may_touch is None:
        may_touch = np.ones(len(points), dtype=bool)
    if not may_touch.any():
        return Lobes(np.zeros(len(points), dtype=bool), first, last, whole, area)
    m, n = _chords(count)
    best = np.zeros(len(points), np.int64)
    cut = np.zeros(len(points), dtype=bool)
    hollow = np.flatnonzero(may_touch & (area < _SOLID * _around(points)))
    hollow = hollow[[area[at] < _SOLID * ConvexHull(points[at]).volume for at in hollow]]
    for start in range(0, len(hollow), _AT_ONCE):
        some = hollow[start : start + _AT_ONCE]
        best[some], cut[some] = _waists(points[some], cross[some])
    single = np.flatnonzero(~cut)
    centre, size = whole.copy(), area.copy()
    if len(single) == 0 or not cut.any():
        return Lobes(cut & False, first, last, centre, size)
    # Blood comes from the periphery, and nearer to the heart other blood joins it.
    after = single[np.minimum(np.searchsorted(single, every), len(single) - 1)]
    usual_hu = ray_hu[after].mean(axis=1)
    usual_mm = np.stack([np.interp(every, single, whole[single, k]) for k in (0, 1)], axis=1)
    usual_mm2 = np.interp(every, single, area[single])
    for at in np.flatnonzero(cut):
        a, b = int(m[best[at]]), int(n[best[at]])
        sides = []
        for start, stop in ((a, b), (b, a + count)):
            rays = np.arange(start, stop + 1) % count
            middle, held = _centre(points[at, rays])
            unlike = abs(float(ray_hu[at, rays].mean()) - usual_hu[at]) / _ALIKE_HU
            unlike += float(np.linalg.norm(middle - usual_mm[at])) / _ALIKE_MM
            unlike += abs(np.log(max(held, 1.0) / usual_mm2[at]))
            sides.append((unlike, start % count, stop % count, middle, held))
        _, first[at], last[at], centre[at], size[at] = min(sides, key=lambda side: side[0])
    return Lobes(cut, first, last, centre, size)


def _around(points: FloatArray) -> FloatArray:
    """Return (n,) an area that no section's convex hull exceeds: of a polygon around it."""
    count = points.shape[1]
    angle = 2 * np.pi * np.arange(count) / count
    reach = (points @ np.stack([np.cos(angle), np.sin(angle)])).max(axis=1)
    turn = 2 * np.pi / count
    beside = np.roll(reach, 1, axis=1) + np.roll(reach, -1, axis=1)
    side = (beside - 2.0 * np.cos(turn) * reach) / np.sin(turn)
    area: FloatArray = 0.5 * np.sum(reach * side, axis=1)
    return area


def _waists(points: FloatArray, cross: FloatArray) -> tuple[npt.NDArray[np.intp], BoolArray]:
    """Return which chord is the waist of each of n sections, and whether it is one."""
    m, n = _chords(points.shape[1])
    running = np.pad(np.cumsum(cross, axis=1), ((0, 0), (1, 0)))
    part = 0.5 * (running[:, n] - running[:, m] + _cross(points[:, n], points[:, m]))
    area = 0.5 * running[:, -1:]
    wider = _wider(points, points[:, n] - points[:, m])
    wider[np.minimum(part, area - part) <= _LEAST_SHARE * area] = 0.0
    best = wider.argmax(axis=1)
    return best, wider[np.arange(len(best)), best] > _WIDER


def clipped(radius_mm: FloatArray, lobes: Lobes) -> FloatArray:
    """Return the wall cut at the waists, as far as the course lies on the vein's side of them."""
    points = outline(radius_mm)
    count = radius_mm.shape[1]
    angle = 2 * np.pi * np.arange(count) / count
    rays = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    out = radius_mm.copy()
    for at in np.flatnonzero(lobes.cut):
        a, b = points[at, lobes.first[at]], points[at, lobes.last[at]]
        # The vein lies left of the chord from its last ray to its first.
        along = a - b
        normal = np.array([-along[1], along[0]]) / max(float(np.linalg.norm(along)), 1e-6)
        away = float(-(normal @ b))
        if away <= 0:
            continue
        towards = -(rays @ normal)
        reach = np.where(towards > 1e-3, away / np.maximum(towards, 1e-3), np.inf)
        out[at] = np.minimum(out[at], reach)
    return out


def _cross(first: FloatArray, second: FloatArray) -> FloatArray:
    out: FloatArray = first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
    return out


def _centre(points: FloatArray) -> tuple[FloatArray, float]:
    turned = np.roll(points, -1, axis=0)
    cross = _cross(points, turned)
    area = 0.5 * float(cross.sum())
    centre: FloatArray = np.sum((points + turned) * cross[:, None], axis=0) / 6.0
    return centre / max(area, 1e-6), area


@lru_cache(maxsize=4)
def _chords(count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the rays m and n of each chord."""
    m, n = np.triu_indices(count, 3)
    return m, n


@lru_cache(maxsize=4)
def _beyond(count: int) -> tuple[Float32Array, Float32Array]:
    """Return for both sides of each chord (count, chords), minus infinity at rays beyond it."""
    m, n = _chords(count)
    index = np.arange(count)[:, None]
    inner = (index >= m) & (index <= n)
    outer = ~inner | (index == m) | (index == n)
    inside, outside = (np.where(side, 0.0, -np.inf).astype(np.float32) for side in (inner, outer))
    return inside, outside


def _wider(points: FloatArray, chord: FloatArray) -> FloatArray:
    """Return (n, chords) by which factor the narrower side of each is wider than the chord."""
    length = np.maximum(np.linalg.norm(chord, axis=2), 1e-6)
    towards = (chord / length[:, :, None]).astype(np.float32)
    along = points.astype(np.float32) @ towards.transpose(0, 2, 1)
    widths = [
        (along + beyond).max(axis=1) + (beyond - along).max(axis=1)
        for beyond in _beyond(points.shape[1])
    ]
    out: FloatArray = np.minimum(*widths) / length
    return out
