"""The image around a stent with finer pixels.

A strut is a line as narrow as the blur. Between voxels, linear interpolation broadens it by an
amount that differs from place to place; where tissue is about as thin as the blur, a line one
twentieth too wide passes for a tenth of a millimetre of tissue. Cubic splines all but keep a line's
width. They are laid through the pixels of each slice only: from slice to slice struts and gaps
alternate, and there is no smooth curve to be laid through them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from venoseg.segmentation.working import box_around
from venoseg.volume import FloatArray, Grid, Volume

# Between pixels no farther apart than this, linear interpolation no longer matters.
_PIXEL_MM = 0.3

# A cubic spline needs so many pixels.
_LEAST_PIXELS = 4

# Wires are sought as far out as this many times the expected radius, and levels read so far beyond
# them; the course is led on beyond the ends.
_WIDEST = 1.7
_BEYOND_MM = 12.0


def around(volume: Volume, line_lps_mm: FloatArray, radius_mm: float) -> Volume:
    """Return the part of an image around a stent, its pixels made finer by splines.

    Parameters
    ----------
    volume
        The image.
    line_lps_mm
        (n, 3) the middle line of the stent.
    radius_mm
        About how wide it is.
    """
    part = volume.crop(box_around(volume.grid, line_lps_mm, _WIDEST * radius_mm + _BEYOND_MM))
    through = part.grid.through_axis
    # A value that is not a number would spread over its whole row.
    voxels = np.nan_to_num(part.voxels.astype(np.float32))
    factors = np.ones(3, dtype=np.int64)
    for axis in range(3):
        count, spacing_mm = part.grid.shape[axis], float(part.grid.spacing_mm[axis])
        if axis != through and count >= _LEAST_PIXELS:
            factors[axis] = max(int(np.ceil(spacing_mm / _PIXEL_MM)), 1)
            voxels = _finer(voxels, axis, int(factors[axis]))
    affine = part.grid.affine.copy()
    affine[:3, :3] /= factors
    grid = Grid((voxels.shape[0], voxels.shape[1], voxels.shape[2]), affine)
    source = replace(part.source, sop_instance_uids=(), gaps=())
    return replace(part, voxels=voxels, grid=grid, missing=None, source=source)


def _finer(voxels: npt.NDArray[np.float32], axis: int, factor: int) -> npt.NDArray[np.float32]:
    """Put ``factor`` - 1 values between neighbours along an axis."""
    count = voxels.shape[axis]
    at = np.arange((count - 1) * factor + 1) / factor
    weights = CubicSpline(np.arange(count), np.eye(count))(at).astype(np.float32)
    return np.moveaxis(np.tensordot(voxels, weights, axes=(axis, 1)), -1, axis)
