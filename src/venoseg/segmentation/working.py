"""A smaller picture of a volume that always stands the same way up."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from venoseg.volume import FloatArray, Grid, Volume

Box = tuple[slice, slice, slice]
Float32Array = npt.NDArray[np.float32]

AIR_HU = -1000


def box_around(grid: Grid, points_lps_mm: FloatArray, margin_mm: float) -> Box:
    """Return the box of a grid that holds some points with a margin around them."""
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
    part = volume.crop(box)
    voxels = part.voxels
    if part.missing is not None and part.missing.any():
        voxels = np.where(part.missing, AIR_HU, voxels)
    factor = np.maximum(1, np.round(spacing_mm / part.grid.spacing_mm)).astype(int)
    size = np.maximum(np.array(voxels.shape) // factor, 1)
    factor = np.minimum(factor, voxels.shape)
    k, j, i = size * factor
    blocks = voxels[:k, :j, :i]
    for axis in (2, 1, 0):
        blocks = _averaged(blocks, axis, int(factor[axis]))
    affine = part.grid.affine.copy()
    affine[:3, 3] = part.grid.to_lps((factor - 1) / 2)
    affine[:3, :3] *= factor
    return upright(blocks.astype(np.float32, copy=False), Grid(blocks.shape, affine))


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


def _averaged(array: npt.NDArray[np.generic], axis: int, factor: int) -> Float32Array:
    if factor == 1:
        return np.asarray(array, dtype=np.float32)
    shape = list(array.shape)
    shape[axis : axis + 1] = [shape[axis] // factor, factor]
    mean: Float32Array = array.reshape(shape).mean(axis=axis + 1, dtype=np.float32)
    return mean
