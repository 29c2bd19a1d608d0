"""A smaller picture of a volume that always stands the same way up."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from venoseg.segmentation.together import both
from venoseg.volume import BoolArray, FloatArray, Grid, Volume

Box = tuple[slice, slice, slice]
Float32Array = npt.NDArray[np.float32]

AIR_HU = -1000
# Weights of a Gaussian below this change nothing that a coarse picture shows.
_LEAST_WEIGHT = 0.02
_AT_ONCE = 8


def box_around(grid: Grid, points_lps_mm: FloatArray, margin_mm: float | FloatArray) -> Box:
    """Return the box of a grid that holds some points with a margin around them.

    ``margin_mm`` is the same in all directions, or (3,) along x, y and z.
    """
    low, high = points_lps_mm.min(axis=0) - margin_mm, points_lps_mm.max(axis=0) + margin_mm
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T
    index = grid.to_index(corners)
    first = np.clip(np.floor(index.min(axis=0)), 0, np.array(grid.shape) - 1).astype(int)
    last = np.clip(np.ceil(index.max(axis=0)), first, np.array(grid.shape) - 1).astype(int)
    k, j, i = (slice(int(a), int(b) + 1) for a, b in zip(first, last, strict=True))
    return k, j, i


def pooled(volume: Volume, box: Box, spacing_mm: float) -> tuple[Float32Array, Grid]:
    """Average blocks of voxels and turn the result the usual way round.

    Parameters
    ----------
    volume
        Any axis order and directions.
    box
        The part of it to take.
    spacing_mm
        Blocks are made of as many whole voxels as come nearest to this size.

    Returns
    -------
    array
        (slices, rows, columns) float32: slices grow to the head, rows to the back, columns to the
        patient's left, as nearly as the axes of the volume do. Missing voxels count as air.
    grid
        Its place in the patient.
    """
    part = with_blocks(volume.crop(box), factors(volume.grid.crop(box), spacing_mm))
    return upright(part.voxels.astype(np.float32, copy=False), part.grid)


def factors(grid: Grid, spacing_mm: float) -> npt.NDArray[np.int64]:
    """Return how many voxels along each axis come nearest to a size, at least one."""
    factor = np.maximum(1, np.round(spacing_mm / grid.spacing_mm)).astype(np.int64)
    return np.minimum(factor, grid.shape)


def box_of(grid: Grid) -> Box:
    """Return the box that holds a whole grid."""
    k, j, i = (slice(0, size) for size in grid.shape)
    return k, j, i


def held_by(mask: BoolArray) -> npt.NDArray[np.int64]:
    """Return (m, 3) the voxels of a mask; faster than asking for all three indices at once."""
    _, rows, columns = mask.shape
    # Small numbers are divided faster.
    small = mask.size <= np.iinfo(np.int32).max
    flat = np.flatnonzero(mask).astype(np.int32 if small else np.int64)
    row = flat // columns
    held = np.empty((len(flat), 3), dtype=np.int64)
    held[:, 2] = flat - row * columns
    held[:, 0] = row // rows
    held[:, 1] = row - held[:, 0] * rows
    return held


def with_blocks(part: Volume, factor: npt.NDArray[np.int64]) -> Volume:
    """Average blocks of voxels; missing voxels count as air."""
    voxels = part.voxels
    if part.missing is not None and part.missing.any():
        voxels = np.where(part.missing, AIR_HU, voxels)
    blocks = _averaged(voxels, factor) if factor.prod() > 1 else voxels
    return Volume(blocks, blocks_of(part.grid, factor), part.unit)


def blocks_of(grid: Grid, factor: npt.NDArray[np.int64]) -> Grid:
    """Return the grid of the whole blocks of a grid."""
    affine = grid.affine.copy()
    affine[:3, 3] = grid.to_lps((factor - 1) / 2)
    affine[:3, :3] *= factor
    k, j, i = (size // int(count) for size, count in zip(grid.shape, factor, strict=True))
    return Grid((k, j, i), affine)


def upright(array: npt.NDArray[np.float32], grid: Grid) -> tuple[Float32Array, Grid]:
    """Reorder and flip the axes: slices to the head, rows to the back, columns to the left."""
    order, flipped = upright_axes(grid)
    turned = array.transpose(order)
    turned = turned[tuple(slice(None, None, -1 if flip else None) for flip in flipped)]
    affine = np.eye(4)
    affine[:3, :3] = grid.affine[:3, :3][:, order]
    first = np.zeros(3)
    for axis, flip in zip(order, flipped, strict=True):
        first[axis] = grid.shape[axis] - 1 if flip else 0
    affine[:3, 3] = grid.to_lps(first)
    affine[:3, :3] *= np.where(flipped, -1.0, 1.0)
    return turned, Grid(turned.shape, affine)


def upright_axes(grid: Grid) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
    """Return which axes of a grid run nearest to z, y and x, and which of them run backwards."""
    directions = grid.directions
    slices = grid.axial_axis
    others = [axis for axis in range(3) if axis != slices]
    rows, columns = sorted(others, key=lambda axis: -abs(float(directions[1, axis])))
    backwards = (
        bool(directions[2, slices] < 0),
        bool(directions[1, rows] < 0),
        bool(directions[0, columns] < 0),
    )
    return (slices, rows, columns), backwards


def _averaged(array: npt.NDArray[np.generic], factor: npt.NDArray[np.int64]) -> Float32Array:
    """Average blocks of a whole array; slices first, for they lie far apart in memory."""
    mean = blockwise(np.add, array, factor)
    mean /= np.float32(factor.prod())
    return mean


def blockwise(
    join: np.ufunc, array: npt.NDArray[np.generic], factor: npt.NDArray[np.int64]
) -> Float32Array:
    """Join the voxels of each block by ``np.add`` or ``np.minimum``; what is left over is cut."""
    deep = int(factor[0])
    count, rows, columns = (size // int(n) for size, n in zip(array.shape, factor, strict=True))
    blocks = np.empty((count, rows, columns), dtype=np.float32)

    def join_rows(start: int, stop: int) -> None:
        # One row of blocks after the other, so that what is joined stays in the fast memory.
        for n in range(start, stop):
            blocks[n] = _joined(join, array[n * deep : (n + 1) * deep], factor)

    middle = count // 2
    both(lambda: join_rows(0, middle), lambda: join_rows(middle, count))
    return blocks


def _joined(
    join: np.ufunc, array: npt.NDArray[np.generic], factor: npt.NDArray[np.int64]
) -> npt.NDArray[np.generic]:
    """Join the slices of one row of blocks, then their rows, then their columns."""
    whole = np.issubdtype(array.dtype, np.integer)
    joined = array[0].astype(np.int32 if whole else np.float32)
    for one in array[1:]:
        join(joined, one, out=joined)
    deep, wide = (int(n) for n in factor[1:])
    rows, columns = (size // count for size, count in zip(joined.shape, factor[1:], strict=True))
    total = joined[: rows * deep : deep].copy()
    for first in range(1, deep):
        join(total, joined[first : rows * deep : deep], out=total)
    joined, total = total, total[:, : columns * wide : wide].copy()
    for first in range(1, wide):
        join(total, joined[:, first : columns * wide : wide], out=total)
    block: npt.NDArray[np.generic] = total
    return block


def smoothed(array: npt.NDArray[np.generic], sigma: FloatArray) -> Float32Array:
    """Smooth by a Gaussian of ``sigma`` voxels along each axis; weights below 2 % are left out.

    Much faster than a general filter where sigma is about a voxel, as here. Slices are taken a few
    at a time, so that they stay in the fast memory.
    """
    weights = [_weights(float(width)) for width in sigma]
    reach = len(weights[0]) - 1
    out = np.empty(array.shape, np.float32)
    for start in range(0, len(array), _AT_ONCE):
        stop = min(start + _AT_ONCE, len(array))
        low, high = max(start - reach, 0), min(stop + reach, len(array))
        part = _passed_over(array[low:high].astype(np.float32), 0, weights[0])
        part = part[start - low : stop - low]
        for axis in (1, 2):
            part = _passed_over(part, axis, weights[axis])
        out[start:stop] = part
    return out


def reach_of(width: float) -> int:
    """Return how many voxels away `smoothed` still takes from, for a Gaussian of ``width``."""
    return len(_weights(width)) - 1


def _weights(width: float) -> Float32Array:
    """Return the middle and one side of a Gaussian, which sum to 1 with the other side."""
    if width <= 0:
        return np.ones(1, np.float32)
    weight = np.exp(-0.5 * (np.arange(20) / width) ** 2)
    weight = weight[weight > _LEAST_WEIGHT]
    weight /= 2.0 * weight.sum() - 1.0
    return weight.astype(np.float32)


def _passed_over(part: Float32Array, axis: int, weight: Float32Array) -> Float32Array:
    if len(weight) == 1 or part.shape[axis] < len(weight):
        return part
    source = np.moveaxis(part, axis, 0)
    total = np.moveaxis(part * weight[0], axis, 0)
    for shift, share in enumerate(weight[1:], start=1):
        shared = source * share
        total[shift:] += shared[:-shift]
        total[:shift] += shared[:1]
        total[:-shift] += shared[shift:]
        total[-shift:] += shared[-1:]
    return np.moveaxis(total, 0, axis)
