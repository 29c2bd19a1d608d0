"""Gray values for the pictures: NaN wherever there is no image."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from venoseg.centerline.curve import Curve
from venoseg.centerline.straighten import straighten
from venoseg.interpolation import trilinear
from venoseg.volume import FloatArray, Volume


def gray_at(volume: Volume, points_lps_mm: FloatArray) -> npt.NDArray[np.float32]:
    """Return (...) values at (..., 3) points."""
    index = np.moveaxis(volume.grid.to_index(points_lps_mm), -1, 0)
    values = trilinear(volume.voxels, index)
    values[~volume.grid.contains(points_lps_mm)] = np.nan
    if volume.missing is not None:
        values[trilinear(volume.missing.view(np.uint8), index) > 0.5] = np.nan
    return values


def gray_plane(
    volume: Volume, curve: Curve, station: int, offsets_mm: FloatArray
) -> npt.NDArray[np.float32]:
    """Return (m, m) values across the curve at a station; axis 0 upward, axis 1 across."""
    points = (
        curve.points_lps_mm[station]
        + offsets_mm[:, None, None] * curve.upward[station]
        + offsets_mm[None, :, None] * curve.across[station]
    )
    return gray_at(volume, points)


def gray_ribbon(
    volume: Volume, curve: Curve, directions: FloatArray, offsets_mm: FloatArray
) -> npt.NDArray[np.float32]:
    """Return (m, n) values along the curve; see `venoseg.centerline.straighten.straighten`."""
    values = straighten(volume.voxels, volume.grid, curve, directions, offsets_mm)
    if volume.missing is not None:
        missing = volume.missing.view(np.uint8)
        gone = straighten(missing, volume.grid, curve, directions, offsets_mm)
        values[gone > 0.5] = np.nan
    return values
