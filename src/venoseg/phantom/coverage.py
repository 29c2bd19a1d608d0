"""How much of each voxel a shape fills: coarse blocks, then voxels, then parts of voxels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from venoseg.phantom.body import Shape
from venoseg.phantom.filaments import Filaments
from venoseg.volume import FloatArray, Grid

Box = tuple[slice, slice, slice]
Share = tuple[Box, npt.NDArray[np.float32]]

_BLOCK = 8
_POINTS_AT_ONCE = 400_000


def coverage(shape: Shape | Filaments, grid: Grid, part_mm: float = 0.5) -> Share:
    """Return the share of each voxel's volume that lies inside a shape.

    Only blocks of voxels that the surface can touch are looked at voxel by voxel, and only voxels
    that it can touch are divided into parts of at most ``part_mm``; a part counts by its signed
    distance, so that a plane surface gives its exact volume.

    Parameters
    ----------
    shape
        The body.
    grid
        The voxels.
    part_mm
        Largest edge of a voxel's parts; should not exceed a third of the smallest radius.

    Returns
    -------
    The box of the grid that the shape can reach, and for it float32 shares of 0 to 1. The box is
    empty when the shape lies outside the grid.
    """
    box = _reach(shape, grid)
    if isinstance(shape, Filaments):
        return box, _wires_share(shape, grid, box)
    size = tuple(s.stop - s.start for s in box)
    share = np.zeros(size, dtype=np.float32)
    if min(size) == 0:
        return box, share
    part = grid.crop(box)
    for block in _touched_blocks(shape, part, share):
        _fill_voxels(shape, part, share, block, part_mm)
    return box, share


def _wires_share(wires: Filaments, grid: Grid, box: Box) -> npt.NDArray[np.float32]:
    size = tuple(s.stop - s.start for s in box)
    return wires.share(grid.crop(box)) if min(size) > 0 else np.zeros(size, dtype=np.float32)


def _reach(shape: Shape | Filaments, grid: Grid) -> Box:
    low, high = shape.bounds()
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T
    index = grid.to_index(corners)
    start = np.clip(np.floor(index.min(axis=0)) - 1, 0, grid.shape).astype(int)
    stop = np.clip(np.ceil(index.max(axis=0)) + 2, start, grid.shape).astype(int)
    k, j, i = (slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    return k, j, i


def _touched_blocks(
    shape: Shape, grid: Grid, share: npt.NDArray[np.float32]
) -> Iterator[npt.NDArray[np.int64]]:
    """Fill the blocks that lie inside; yield (n, 3) voxel indices of those the surface may cut."""
    counts = [-(-n // _BLOCK) for n in grid.shape]
    starts = np.indices(counts).reshape(3, -1).T * _BLOCK
    centres = grid.to_lps(starts + (_BLOCK - 1) / 2)
    radius = float(np.linalg.norm(grid.spacing_mm)) * _BLOCK / 2
    distance = shape.distance(centres)
    for k, j, i in starts[distance < -radius]:
        share[k : k + _BLOCK, j : j + _BLOCK, i : i + _BLOCK] = 1.0
    within = np.indices((_BLOCK,) * 3).reshape(3, -1).T
    cut = starts[np.abs(distance) <= radius]
    per_batch = max(_POINTS_AT_ONCE // len(within), 1)
    for first in range(0, len(cut), per_batch):
        voxels = (cut[first : first + per_batch, None, :] + within).reshape(-1, 3)
        yield voxels[(voxels < grid.shape).all(axis=1)]


def _fill_voxels(
    shape: Shape,
    grid: Grid,
    share: npt.NDArray[np.float32],
    voxels: npt.NDArray[np.int64],
    part_mm: float,
) -> None:
    distance = shape.distance(grid.to_lps(voxels))
    radius = float(np.linalg.norm(grid.spacing_mm)) / 2
    share[tuple(voxels[distance < -radius].T)] = 1.0
    cut = voxels[np.abs(distance) <= radius]
    offsets, edge_mm = _parts(grid, part_mm)
    per_batch = max(_POINTS_AT_ONCE // len(offsets), 1)
    for first in range(0, len(cut), per_batch):
        batch = cut[first : first + per_batch]
        points = grid.to_lps((batch[:, None, :] + offsets).reshape(-1, 3))
        inside = np.clip(0.5 - shape.distance(points) / edge_mm, 0.0, 1.0)
        share[tuple(batch.T)] = inside.reshape(len(batch), -1).mean(axis=1)


def _parts(grid: Grid, part_mm: float) -> tuple[FloatArray, float]:
    """Return (m, 3) index offsets of a voxel's parts and their mean edge."""
    # Parts far smaller than the voxels would cost much and show nothing.
    part_mm = max(part_mm, float(grid.spacing_mm.min()) / 3)
    counts = np.ceil(grid.spacing_mm / part_mm).astype(int)
    axes = [(np.arange(n) + 0.5) / n - 0.5 for n in counts]
    offsets = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    return offsets, float(np.mean(grid.spacing_mm / counts))
