"""Voxels in balls around the points of a line, and how deep they lie in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from venoseg.segmentation.working import Box, Float32Array, held_by
from venoseg.volume import FloatArray, Grid

_AT_ONCE = 32


@dataclass(frozen=True, slots=True, eq=False)
class Depths:
    """The m voxels of a grid that lie in balls or near them.

    Attributes
    ----------
    index
        (m, 3), slice after slice.
    depth
        (m,) how deep each lies in the ball in which it lies deepest: 1 in its middle, 0 at its
        surface, less outside.
    """

    index: npt.NDArray[np.int64]
    depth: Float32Array

    def deeper_than(self, depth: float) -> npt.NDArray[np.int64]:
        """Return (m, 3) the voxels that lie deeper."""
        deeper: npt.NDArray[np.int64] = np.compress(self.depth > depth, self.index, axis=0)
        return deeper

    def within(self, box: Box) -> Depths:
        """Return those in a box, counted from its corner."""
        first, stop = np.array([(side.start, side.stop) for side in box]).T
        low, high = np.searchsorted(self.index[:, 0], (first[0], stop[0]))
        _, j, i = self.index[low:high].T
        inner = (j >= first[1]) & (j < stop[1]) & (i >= first[2]) & (i < stop[2])
        index = np.compress(inner, self.index[low:high], axis=0)
        return Depths(index - first, self.depth[low:high][inner])


def depths_in(grid: Grid, points_lps_mm: FloatArray, radius_mm: FloatArray, least: float) -> Depths:
    """Return how deep voxels lie in balls around some points, where that is more than the least.

    Parameters
    ----------
    grid
        Where the voxels are.
    points_lps_mm
        (n, 3); they may lie outside the grid.
    radius_mm
        (n,) radius of the ball around each.
    least
        A depth.
    """
    reach = 1.0 - least
    index, depth = [np.empty((0, 3), dtype=np.int64)], [np.empty(0, dtype=np.float32)]
    for corner, square in _least_squares(grid, points_lps_mm, reach * radius_mm):
        held = held_by(square < 1.0)
        index.append(held + corner)
        depth.append(1.0 - np.float32(reach) * np.sqrt(square[tuple(held.T)]))
    return Depths(np.concatenate(index), np.concatenate(depth))


def voxels_near(
    grid: Grid, points_lps_mm: FloatArray, reach_mm: FloatArray
) -> npt.NDArray[np.int64]:
    """Return (m, 3) the voxels whose centres lie in balls around some points.

    Parameters
    ----------
    grid
        Where the voxels are.
    points_lps_mm
        (n, 3); they may lie outside the grid.
    reach_mm
        (n,) radius of the ball around each.
    """
    found = [np.empty((0, 3), dtype=np.int64)]
    for corner, square in _least_squares(grid, points_lps_mm, reach_mm):
        found.append(held_by(square < 1.0) + corner)
    return np.concatenate(found)


def _least_squares(
    grid: Grid, points_lps_mm: FloatArray, reach_mm: FloatArray
) -> Iterator[tuple[npt.NDArray[np.int64], Float32Array]]:
    """Yield corners of boxes that hold all balls, and in them the least squared share of a reach.

    It is 1 at the surface of a ball, and not below 1 outside all of them. The boxes follow each
    other along the slices, a few at a time, so that each stays in the fast memory.
    """
    middles = grid.to_index(points_lps_mm)
    half = reach_mm[:, None] / grid.spacing_mm
    first = np.maximum(np.ceil(middles - half), 0).astype(np.int64)
    stop = np.minimum(np.floor(middles + half) + 1, grid.shape).astype(np.int64)
    near = (stop > first).all(axis=1) & (reach_mm > 0)
    if not near.any():
        return
    for low in range(int(first[near, 0].min()), int(stop[near, 0].max()), _AT_ONCE):
        high = low + _AT_ONCE
        these = np.flatnonzero(near & (first[:, 0] < high) & (stop[:, 0] > low))
        if len(these) == 0:
            continue
        begin, end = first[these], stop[these]
        begin[:, 0], end[:, 0] = np.maximum(begin[:, 0], low), np.minimum(end[:, 0], high)
        corner = begin.min(axis=0)
        least = np.full(end.max(axis=0) - corner, 2.0, dtype=np.float32)
        shares = [
            (
                ((np.arange(size) + start - middles[these, axis, None]) / half[these, axis, None])
                ** 2
            )
            for axis, (start, size) in enumerate(zip(corner, least.shape, strict=True))
        ]
        k, j, i = (share.astype(np.float32) for share in shares)
        for n, ((a, b, c), (d, e, f)) in enumerate(zip(begin - corner, end - corner, strict=True)):
            ball = least[a:d, b:e, c:f]
            np.minimum(ball, k[n, a:d, None, None] + (j[n, b:e, None] + i[n, c:f]), out=ball)
        yield corner, least
