"""From tubes to voxels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree

from venoseg.segmentation.arterial import Artery
from venoseg.segmentation.domains import Picture
from venoseg.segmentation.judging import Judged
from venoseg.segmentation.model import LabelArray
from venoseg.segmentation.wall import RAYS, Tube
from venoseg.segmentation.working import box_around
from venoseg.volume import BoolArray, FloatArray, Grid

Box = tuple[slice, slice, slice]

_DARKER_HU, _MUCH_DARKER_HU, _CORE_PERCENT = 25.0, 40.0, 65
# A tube goes on so far beyond the seeds; where the labels end a plane decides.
_END_MM = 15.0
_TOGETHER = 0.4
_METAL_HU, _BESIDE_METAL_MM = 450.0, 5.0


def voxels_inside(
    tube: Tube, grid: Grid, open_stations: BoolArray
) -> tuple[npt.NDArray[np.int64], FloatArray, npt.NDArray[np.int64]]:
    """Find the voxels whose centre lies inside a tube.

    Parameters
    ----------
    tube
        The tube.
    grid
        Where the voxels are.
    open_stations
        (n,) where the tube has a lumen.

    Returns
    -------
    index
        (m, 3) voxels.
    depth
        (m,) 1 on the course, 0 at the wall.
    station
        (m,) the nearest point of the course.
    """
    course = tube.course
    index = _near(tube, grid)
    points = grid.to_lps(index)
    largest = tube.radius_mm.max(axis=1) * 1.02 + course.step_mm
    # A search that may end there is much faster than one for whatever is nearest.
    distance, station = cKDTree(course.points_lps_mm).query(
        points, distance_upper_bound=float(largest.max()) + 1.0, workers=-1
    )
    found = np.flatnonzero(np.isfinite(distance))
    near = station[found]
    keep = found[open_stations[near] & (distance[found] <= largest[near])]
    index, points, station = index[keep], points[keep], station[keep]
    offset = points - course.points_lps_mm[station]
    along = np.einsum("ij,ij->i", offset, course.tangent[station])
    first = np.einsum("ij,ij->i", offset, course.first[station])
    second = np.einsum("ij,ij->i", offset, course.second[station])
    angle = np.arctan2(second, first) / (2 * np.pi) * RAYS
    at = np.stack([station + along / course.step_mm, angle % RAYS])
    ring = np.concatenate([tube.radius_mm, tube.radius_mm[:, :1]], axis=1)
    wall = ndimage.map_coordinates(ring, at, order=1, mode="nearest")
    depth = 1.0 - np.hypot(first, second) / np.maximum(wall, 1e-6)
    # Beyond the two ends nothing is inside.
    last = len(course.points_lps_mm) - 1
    beyond = ((station == 0) & (along < -0.5)) | ((station == last) & (along > 0.5))
    inside = (depth >= 0) & ~beyond
    return index[inside], depth[inside], station[inside]


def _near(tube: Tube, grid: Grid) -> npt.NDArray[np.int64]:
    """Return (m, 3) voxels in boxes around short pieces of the tube."""
    points, largest = tube.course.points_lps_mm, tube.radius_mm.max(axis=1)
    piece = max(1, round(8.0 / tube.course.step_mm))
    parts = [
        slice(start, min(start + piece + 1, len(points))) for start in range(0, len(points), piece)
    ]
    boxes = [box_around(grid, points[p], float(largest[p].max()) + 1.0) for p in parts]
    corner = np.min([[s.start for s in box] for box in boxes], axis=0)
    far = np.max([[s.stop for s in box] for box in boxes], axis=0)
    near = np.zeros(far - corner, dtype=bool)
    for box in boxes:
        near[tuple(slice(s.start - c, s.stop - c) for s, c in zip(box, corner, strict=True))] = True
    found: npt.NDArray[np.int64] = held_by(near) + corner
    return found


def held_by(mask: BoolArray) -> npt.NDArray[np.int64]:
    """Return (m, 3) the voxels of a mask; faster than asking for all three indices at once."""
    return np.stack(np.unravel_index(np.flatnonzero(mask), mask.shape), axis=-1)


def painted(
    grid: Grid,
    found: Sequence[Judged],
    tubes: Sequence[Tube],
    names: Sequence[str],
    arteries: Sequence[Artery] = (),
) -> tuple[LabelArray, npt.NDArray[np.int64]]:
    """Label the voxels inside the open stretches; one that several tubes claim goes to the deepest.

    Returns
    -------
    labels
        (slices, rows, columns); ``names[n]`` has the value n + 1.
    contested
        (m, 3) labelled voxels that lie deeper in an artery than in the vein.
    """
    labels = np.zeros(grid.shape, dtype=np.uint8)
    claims, contested = [], []
    for number, tube in enumerate(tubes):
        value = np.zeros(len(tube.course.points_lps_mm), dtype=np.uint8)
        for one in found:
            if one.stretch.tube == number:
                value[one.open_stations] = names.index(one.stretch.vessel) + 1
        _prolong(value, [one for one in found if one.stretch.tube == number], tube)
        index, depth, station = voxels_inside(tube, grid, value > 0)
        claims.append((index, depth, value[station]))
        points = grid.to_lps(index)
        contested += [index[artery.depth(points) > depth] for artery in arteries]
    index, depth, value = (np.concatenate(parts) for parts in zip(*claims, strict=True))
    # Of equal depth the first tube's claim counts: it is written last.
    order = np.argsort(depth[::-1], kind="stable")
    labels[tuple(index[::-1][order].T)] = value[::-1][order]
    nothing = np.empty((0, 3), dtype=np.int64)
    return labels, np.concatenate([nothing, *contested])


def _prolong(value: LabelArray, stretches: Sequence[Judged], tube: Tube) -> None:
    """Let open ends go on, in place: a slice cuts an oblique vein beyond the last station too."""
    starts = [one.stretch.start for one in stretches]
    stops = [one.stretch.stop for one in stretches]
    if not stretches:
        return
    first, stop = min(starts), max(stops)
    if first * tube.course.step_mm <= _END_MM:
        value[:first] = value[first]
    value[stop:] = value[stop - 1]


def without_arteries(
    labels: LabelArray,
    grid: Grid,
    picture: Picture,
    perhaps: BoolArray,
    artery_hu: float,
    names: Sequence[str],
) -> None:
    """Take away, in place, what is as bright as the arteries where they may be.

    Only of veins that are darker than the arteries by more than 25 HU. In an iliac vein darker by
    more than 40 HU that is so anywhere but around metal, whose blur is as bright.

    Parameters
    ----------
    labels, grid
        Painted veins and their place.
    picture
        The coarse picture.
    perhaps
        Where arteries may be in it.
    artery_hu
        Grey value of their blood.
    names
        ``names[n]`` has the label n + 1.
    """
    held = held_by(labels > 0)
    value = labels[tuple(held.T)]
    index = picture.grid.to_index(grid.to_lps(held))
    level = ndimage.map_coordinates(picture.mean_hu, index.T, order=1, mode="nearest")
    at = picture.index(grid.to_lps(held))
    reach = np.maximum(1, np.round(_BESIDE_METAL_MM / picture.grid.spacing_mm)).astype(int)
    metal = ndimage.maximum_filter(picture.mean_hu, tuple(2 * reach + 1)) > _METAL_HU
    for one in np.unique(value):
        own = value == one
        # Half of a thin vein lies in its blurred edge.
        vein_hu = float(np.percentile(level[own], _CORE_PERCENT))
        if artery_hu - vein_hu < _DARKER_HU:
            continue
        anywhere = names[one - 1] != "ivc" and artery_hu - vein_hu > _MUCH_DARKER_HU
        where = perhaps | ~metal if anywhere else perhaps
        low, high = 0.5 * (artery_hu + vein_hu), artery_hu + 2 * _DARKER_HU
        like = where & (picture.mean_hu > low) & (picture.mean_hu < high)
        # Single voxels of noise are no artery.
        share = ndimage.uniform_filter(like.astype(np.float32), 3, mode="nearest")
        bright = (level > low) & (level < high) & where[at] & (share[at] > _TOGETHER)
        labels[tuple(held[own & bright].T)] = 0
