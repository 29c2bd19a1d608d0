"""Laying a vein out straight: the image along a curve, in one direction across it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from venoseg.centerline.curve import Curve
from venoseg.interpolation import trilinear
from venoseg.volume import FloatArray, Grid


def straighten(
    array: npt.NDArray[Any],
    grid: Grid,
    curve: Curve,
    directions: FloatArray,
    offsets_mm: FloatArray,
) -> npt.NDArray[np.float32]:
    """Sample an image on the ribbon that a direction across a curve sweeps along it.

    This is a straightened curved planar reformation: lengths along the curve and across it are
    true, the ribbon's own bends are gone.

    Parameters
    ----------
    array
        (slices, rows, columns) values on ``grid``.
    curve
        n stations.
    directions
        (n, 3) unit LPS vectors, one a station: ``curve.across``, ``curve.upward``, or any mixture
        of the two that turns smoothly.
    offsets_mm
        (m,) distances from the curve along the directions, ascending.

    Returns
    -------
    NDArray
        (m, n) float32, sampled trilinearly; NaN beyond the outermost voxel centres.
    """
    points = curve.points_lps_mm + offsets_mm[:, None, None] * directions
    values = trilinear(array, np.moveaxis(grid.to_index(points), -1, 0))
    values[~grid.contains(points)] = np.nan
    return values
