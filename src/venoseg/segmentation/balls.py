"""Voxels in balls around the points of a line, and how deep they lie in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from venoseg.segmentation.working import Box, Float32Array, held_by
from venoseg.volume import FloatArray, Grid


@dataclass(frozen=True, slots=True, eq=False)
class Depths:
    """The m voxels of a grid that lie in balls or near them.

    Attributes
    ----------
    index
        (m, 3).
    depth
        (m,) how deep each lies in the ball in which it lies deepest: 1 in its middle, 0 at its
        surface, less outside.
    """

    index: npt.NDArray[np.int64]
    depth: Float32Array

    def deeper_than(self, depth: float) -> npt.NDArray[np.int64]:
        """Return (m, 3) the voxels that lie deeper."""
        return self.index[self.depth > depth]

    def within(self, box: Box) -> Depths:
        """Return those in a box, counted from its corner."""
        first, stop = np.array([(side.start, side.stop) for side in box]).T
        inner = ((self.index >= first) & (self.index < stop)).all(axis=1)
        return Depths(self.index[inner] - first, self.depth[inner])


def depths_in(grid: Grid, points_lps_mm: FloatArray, radius_mm: FloatArray, least: float) -> Depths:
    """Return how deep voxels lie in balls around some points, where that is more than the least.

    Parameters
    ----------
    grid
        Where the voxels are.
    points_lps_mm
        (n, 3), at least one; they may lie outside the grid.
    radius_mm
        (n,) radius of the ball around each.
    least
        A depth.
    """
    reach = 1.0 - least
    corner, square = _least_squares(grid, points_lps_mm, reach * radius_mm)
    held = held_by(square < 1.0)
    depth = 1.0 - np.float32(reach) * np.sqrt(square[tuple(held.T)])
    return Depths(held + corner, depth)


def voxels_near(
    grid: Grid, points_lps_mm: FloatArray, reach_mm: FloatArray
) -> npt.NDArray[np.int64]:
    """Return (m, 3) the voxels whose centres lie in balls around some points.

    Parameters
    ----------
    grid
        Where the voxels are.
    points_lps_mm
        (n, 3), at least one; they may lie outside the grid.
    reach_mm
        (n,) radius of the ball around each.
    """
    corner, square = _least_squares(grid, points_lps_mm, reach_mm)
    found: npt.NDArray[np.int64] = held_by(square < 1.0) + corner
    return found


def _least_squares(
    grid: Grid, points_lps_mm: FloatArray, reach_mm: FloatArray
) -> tuple[npt.NDArray[np.int64], Float32Array]:
    """Return the corner of a box around all balls, and in it the least squared share of a reach.

    It is 1 at the surface of a ball, and not below 1 outside all of them.
    """
    middles = grid.to_index(points_lps_mm)
    half = reach_mm[:, None] / grid.spacing_mm
    first = np.maximum(np.ceil(middles - half), 0).astype(np.int64)
    stop = np.minimum(np.floor(middles + half) + 1, grid.shape).astype(np.int64)
    near = np.flatnonzero((stop > first).all(axis=1) & (reach_mm > 0))
    if len(near) == 0:
        return np.zeros(3, dtype=np.int64), np.empty((0, 0, 0), dtype=np.float32)
    corner = first[near].min(axis=0)
    least = np.full(stop[near].max(axis=0) - corner, 2.0, dtype=np.float32)
    for n in near:
        k, j, i = (
            (((np.arange(a, b) - middle) / mm) ** 2).astype(np.float32)
            for a, b, middle, mm in zip(first[n], stop[n], middles[n], half[n], strict=True)
        )
        (a, b, c), (d, e, f) = first[n] - corner, stop[n] - corner
        ball = least[a:d, b:e, c:f]
        np.minimum(ball, k[:, None, None] + (j[:, None] + i), out=ball)
    return corner, least
