"""Which voxels lie inside a tube, and how deep.

The nearest point of a course is sought for small blocks of voxels only; from there a voxel's own
is found by how far along the course it lies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree

from venoseg.segmentation.together import each
from venoseg.segmentation.tubes.curves import Course
from venoseg.segmentation.tubes.wall import RAYS, Tube
from venoseg.segmentation.working import Float32Array, box_around, factors, held_by
from venoseg.volume import BoolArray, FloatArray, Grid

_BLOCK_MM, _PIECE_MM = 3.0, 8.0
# The wall is looked up in a table this much finer than stations and rays.
_FINER = 4
_AT_ONCE = 60_000
# A block farther from the course than this many times its own size spreads over so few rays.
_SPREADS, _BESIDE_RAYS = 3.0, 3


@dataclass(frozen=True, slots=True, eq=False)
class Inside:
    """The m voxels whose centre lies inside a tube.

    Attributes
    ----------
    index
        (m, 3).
    depth
        (m,) 1 on the course, 0 at the wall.
    station
        (m,) the nearest point of the course.
    """

    index: npt.NDArray[np.int64]
    depth: Float32Array
    station: npt.NDArray[np.intp]


def voxels_inside(tube: Tube, grid: Grid, open_stations: BoolArray) -> Inside:
    """Find the voxels whose centre lies inside a tube.

    Parameters
    ----------
    tube
        The tube.
    grid
        Where the voxels are.
    open_stations
        (n,) where the tube has a lumen.
    """
    factor = factors(grid, _BLOCK_MM)
    walls = _finer_walls(tube)
    block, station = _blocks_near(tube, grid, factor, open_stations)
    offset = np.stack(np.unravel_index(np.arange(factor.prod()), factor), axis=-1)
    few = max(1, _AT_ONCE // len(offset))
    frames = _frames_of(tube.course)

    def inside(start: int) -> tuple[npt.NDArray[np.int64], Float32Array, npt.NDArray[np.intp]]:
        corner = block[start : start + few] * factor
        return _inside(
            tube, frames, grid, corner, offset, station[start : start + few], walls, open_stations
        )

    parts = each(inside, range(0, len(block), few))
    nothing = (np.empty((0, 3), np.int64), np.empty(0, np.float32), np.empty(0, np.intp))
    return Inside(*(np.concatenate(one) for one in zip(nothing, *parts, strict=True)))


def _frames_of(course: Course) -> Float32Array:
    """Return (3, 4, n), of each point of a course, what tells how far a place lies from it.

    Along the tangent, the first and the second axis: weights of the place's three coordinates,
    counted from the first point of the course, and what is to be added.
    """
    axes = np.stack([course.tangent, course.first, course.second])
    own = np.sum(axes * (course.points_lps_mm - course.points_lps_mm[0]), axis=2)
    frames = np.concatenate([axes.transpose(0, 2, 1), -own[:, None]], axis=1)
    return np.ascontiguousarray(frames, dtype=np.float32)


def _blocks_near(
    tube: Tube, grid: Grid, factor: npt.NDArray[np.int64], open_stations: BoolArray
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.intp]]:
    """Return (b, 3) the blocks that a lumen may reach, and the station nearest to each."""
    affine = grid.affine.copy()
    affine[:3, 3] = grid.to_lps((factor - 1) / 2)
    affine[:3, :3] *= factor
    shape = -(-np.array(grid.shape) // factor)
    blocks = Grid((int(shape[0]), int(shape[1]), int(shape[2])), affine)
    half_mm = 0.5 * float(np.linalg.norm(factor * grid.spacing_mm))
    reach = tube.radius_mm.max(axis=1) * 1.02 + tube.course.step_mm + half_mm
    near = _boxes(tube, blocks, reach)
    # A search that may end there is much faster than one for whatever is nearest.
    distance, station = cKDTree(tube.course.points_lps_mm).query(
        blocks.to_lps(near), distance_upper_bound=float(reach.max()) + 1.0, workers=-1
    )
    found = np.flatnonzero(np.isfinite(distance))
    beside = 2 * (1 + round(half_mm / tube.course.step_mm)) + 1
    opened = ndimage.maximum_filter1d(open_stations, beside)
    found = found[opened[station[found]] & (distance[found] <= reach[station[found]])]
    near, station = near[found], station[found]
    # A block that lies beyond the wall in its own direction, and beside it, holds nothing.
    course = tube.course
    offset = blocks.to_lps(near) - course.points_lps_mm[station]
    first, second = (
        np.einsum("ij,ij->i", offset, axes[station]) for axes in (course.first, course.second)
    )
    ray = np.rint(np.arctan2(second, first) / (2 * np.pi) * RAYS).astype(np.intp) % RAYS
    wide = ndimage.maximum_filter(
        tube.radius_mm, (beside, 2 * _BESIDE_RAYS + 1), mode=("nearest", "wrap")
    )
    away = np.hypot(first, second)
    # Near the course a block spreads over many rays.
    kept = (away <= wide[station, ray] + half_mm) | (away <= _SPREADS * half_mm)
    return near[kept], station[kept]


def _boxes(tube: Tube, blocks: Grid, reach_mm: FloatArray) -> npt.NDArray[np.int64]:
    """Return (b, 3) blocks in boxes around short pieces of the tube."""
    points = tube.course.points_lps_mm
    piece = max(1, round(_PIECE_MM / tube.course.step_mm))
    parts = [
        slice(start, min(start + piece + 1, len(points))) for start in range(0, len(points), piece)
    ]
    boxes = [box_around(blocks, points[p], float(reach_mm[p].max())) for p in parts]
    corner = np.min([[s.start for s in box] for box in boxes], axis=0)
    far = np.max([[s.stop for s in box] for box in boxes], axis=0)
    near = np.zeros(far - corner, dtype=bool)
    for box in boxes:
        near[tuple(slice(s.start - c, s.stop - c) for s, c in zip(box, corner, strict=True))] = True
    found: npt.NDArray[np.int64] = held_by(near) + corner
    return found


def _finer_walls(tube: Tube) -> Float32Array:
    """Return the wall between stations and rays too, `_FINER` values for each."""
    ring = np.concatenate([tube.radius_mm, tube.radius_mm[:, :1]], axis=1)
    at = [np.arange(_FINER * (size - 1) + 1) / _FINER for size in ring.shape]
    where = np.stack(np.meshgrid(*at, indexing="ij"))
    walls: Float32Array = ndimage.map_coordinates(ring, where, np.float32, order=1)
    return np.maximum(walls, np.float32(1e-6))


def _inside(
    tube: Tube,
    frames: Float32Array,
    grid: Grid,
    corner: npt.NDArray[np.int64],
    offset: npt.NDArray[np.int64],
    guess: npt.NDArray[np.intp],
    walls: Float32Array,
    open_stations: BoolArray,
) -> tuple[npt.NDArray[np.int64], Float32Array, npt.NDArray[np.intp]]:
    """Return what `Inside` holds of some blocks of voxels, given a station near each block."""
    course = tube.course
    last = len(course.points_lps_mm) - 1
    # All of what follows has a row for each block, and a column for each of its voxels.
    shift = grid.to_lps(offset) - grid.to_lps([0, 0, 0])
    begin = grid.to_lps(corner)
    away = np.sum((begin - course.points_lps_mm[guess]) * course.tangent[guess], axis=1)
    away = away[:, None] + course.tangent[guess] @ shift.T
    station = np.clip(guess[:, None] + np.rint(away / course.step_mm).astype(np.intp), 0, last)
    begin -= course.points_lps_mm[0]
    x, y, z = ((begin[:, n, None] + shift[:, n]).astype(np.float32) for n in range(3))
    along, first, second = (
        a[station] * x + b[station] * y + c[station] * z + own[station] for a, b, c, own in frames
    )
    turn = np.arctan2(second, first) * np.float32(RAYS / (2 * np.pi)) % np.float32(RAYS)
    row = np.rint((station + along / np.float32(course.step_mm)) * _FINER).astype(np.intp)
    column = np.rint(turn * _FINER).astype(np.intp)
    wall = walls[np.clip(row, 0, len(walls) - 1), column]
    depth = np.float32(1.0) - np.hypot(first, second) / wall
    # Beyond the two ends nothing is inside.
    beyond = ((station == 0) & (along < -0.5)) | ((station == last) & (along > 0.5))
    # In a bend a voxel beyond its middle lies nearer to another part.
    kept = (depth >= 0) & ~beyond & open_stations[station]
    kept &= np.abs(along) <= np.float32(2.0 * course.step_mm)
    held, voxel = np.nonzero(kept)
    index = np.take(corner, held, axis=0) + np.take(offset, voxel, axis=0)
    within = (index < grid.shape).all(axis=1)
    return np.compress(within, index, axis=0), depth[kept][within], station[kept][within]
