"""The shadow of a catheter's shaft, and what noise does to a fit of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.volume import FloatArray

# Pixels so far from the axis are fitted.
BESIDE_PX = 9.0
_FINE_PX = 0.04

# The lumen of diagnostic catheters measures about this share of their outside.
_LUMEN = 0.7

# Noise of neighbouring pixels is alike to this degree at most, and over so few pixels.
_MOST_ALIKE = 0.9
_ALIKE_PX = 8


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


def spread_by_noise(
    place: npt.NDArray[np.int64], jacobian: FloatArray, left: FloatArray
) -> FloatArray:
    """Return the (p, p) covariance of ``jacobian.T @ noise``, the noise as alike as what is left.

    Noise of neighbouring pixels is alike. To what varies slowly from pixel to pixel it adds up,
    from what varies fast it drops out; what tells width from blur varies fast.

    Parameters
    ----------
    place
        (n, 2) column and row of the fitted pixels.
    jacobian
        (n, p) by how much each pixel's value changes with each parameter.
    left
        (n,) what the fit leaves.
    """
    low = place.min(axis=0)
    shape = tuple(place.max(axis=0) - low + 1)
    at = tuple((place - low).T)

    def drawn(values: FloatArray) -> FloatArray:
        picture = np.zeros(shape)
        picture[at] = values
        return picture

    rest, there = drawn(left), drawn(np.ones(len(left)))
    pairs = [
        (np.sum(rest[1:] * rest[:-1]), np.sum(there[1:] * there[:-1])),
        (np.sum(rest[:, 1:] * rest[:, :-1]), np.sum(there[:, 1:] * there[:, :-1])),
    ]
    total, count = np.sum(pairs, axis=0)
    next_to = float(np.clip(total / max(count, 1.0) / np.mean(left**2), 0.0, _MOST_ALIKE))
    # So noise is alike that was blurred by a bell.
    line = next_to ** (np.arange(-_ALIKE_PX, _ALIKE_PX + 1) ** 2.0)
    near = np.stack(
        [
            ndimage.convolve1d(
                ndimage.convolve1d(drawn(column), line, axis=0, mode="constant"),
                line,
                axis=1,
                mode="constant",
            )[at]
            for column in jacobian.T
        ],
        axis=1,
    )
    spread: FloatArray = float(np.mean(left**2)) * (jacobian.T @ near)
    return spread
