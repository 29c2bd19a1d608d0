"""Voxels near the points of a line."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from venoseg.segmentation.working import held_by
from venoseg.volume import FloatArray, Grid


def voxels_near(
    grid: Grid, points_lps_mm: FloatArray, reach_mm: FloatArray
) -> npt.NDArray[np.int64]:
    """Return (m, 3) the voxels of a grid in balls around the voxels that hold some points.

    Parameters
    ----------
    grid
        Where the voxels are.
    points_lps_mm
        (n, 3), at least one; they may lie outside the grid.
    reach_mm
        (n,) radius of the ball around each.
    """
    most = np.ceil(float(reach_mm.max()) / grid.spacing_mm).astype(int)
    middles = np.rint(grid.to_index(points_lps_mm)).astype(np.int64)
    near = ((middles >= -most) & (middles < grid.shape + most)).all(axis=1)
    if not near.any():
        return np.empty((0, 3), dtype=np.int64)
    middles, reach_mm = middles[near], reach_mm[near]
    offset = np.moveaxis(np.indices(tuple(2 * most + 1)), 0, -1) - most
    away = np.linalg.norm(offset * grid.spacing_mm, axis=-1)
    corner = middles.min(axis=0) - most
    held = np.zeros(middles.max(axis=0) + most + 1 - corner, dtype=bool)
    for (k, j, i), mm in zip(middles - most - corner, reach_mm, strict=True):
        ball = held[k : k + away.shape[0], j : j + away.shape[1], i : i + away.shape[2]]
        ball |= away < mm
    first = np.maximum(-corner, 0)
    stop = np.minimum(grid.shape - corner, held.shape)
    inner = held[tuple(slice(int(a), int(b)) for a, b in zip(first, stop, strict=True))]
    found: npt.NDArray[np.int64] = held_by(inner) + (first + corner)
    return found
