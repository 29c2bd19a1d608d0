"""The shadow of a catheter's shaft."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from venoseg.volume import FloatArray

# Pixels so far from the axis are fitted.
BESIDE_PX = 9.0
_FINE_PX = 0.04

# The lumen of diagnostic catheters measures about this share of their outside.
_LUMEN = 0.7


def shadow_of(
    aside_px: FloatArray, width_px: float, blur_px: float, emptiness: float, opacity: float
) -> FloatArray:
    """Return the (n,) attenuation at distances from the axis of a shaft, 1 in a full one's middle.

    ``emptiness`` is 0 where the lumen absorbs like the wall, 1 where it does not, below 0 where it
    absorbs more; ``opacity`` that of the middle, which is to be multiplied with.
    """
    reach = BESIDE_PX + 5.0
    grid = np.arange(-reach, reach + _FINE_PX / 2, _FINE_PX)
    depth = _chords(grid, width_px / 2)
    if emptiness != 0.0:
        depth = depth - emptiness * _LUMEN * _chords(grid, _LUMEN * width_px / 2)
    passed = ndimage.gaussian_filter1d(np.exp(-opacity * depth), blur_px / _FINE_PX)
    shadow: FloatArray = np.interp(aside_px, grid, -np.log(passed) / opacity)
    return shadow


def _chords(grid: FloatArray, radius: float) -> FloatArray:
    """Return means over each step of a grid of sqrt(1 - (x / radius)^2)."""

    def area(x: FloatArray) -> FloatArray:
        share = np.clip(x / radius, -1.0, 1.0)
        whole: FloatArray = radius / 2 * (share * np.sqrt(1 - share**2) + np.arcsin(share))
        return whole

    return (area(grid + _FINE_PX / 2) - area(grid - _FINE_PX / 2)) / _FINE_PX
