"""Gaussian averages along a vein and around it.

Of a few dozen stations SciPy's filters take several times as long as products with the matrices
kept here, and the numbers that follow a stroke of the brush wait for some fifty of them.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.volume import FloatArray

# So many stations at a time: products with the few that a Gaussian reaches, however long the
# vein; and of no more multiplications than this, beyond which OpenBLAS shares a product between
# threads. These wait for one another, and long where a window is at work beside them.
_AT_ONCE, _SMALL = 64, 250_000

# SciPy's reach of a Gaussian, in standard deviations.
_TRUNCATE = 4.0

# Over less than this (standard deviation, stations) the second derivative of a Gaussian is so
# coarse that a constant would seem to bend.
_LEAST_BEND = 0.75


def average_along(values: FloatArray, sigma: float, order: int = 0) -> FloatArray:
    """Average values of n consecutive stations, the ends going on as they are.

    Parameters
    ----------
    values
        (n, ...).
    sigma
        Standard deviation of the Gaussian in stations.
    order
        Of the derivative of the average, per station; even. A bend is seen over
        three quarters of a station at least.

    Returns
    -------
    FloatArray
        (n, ...) what `scipy.ndimage.gaussian_filter1d` gives along the first axis with ``nearest``.
    """
    if order:
        sigma = max(sigma, _LEAST_BEND)
    count, reach = len(values), _reach(sigma)
    band = _band(round(sigma, 9), order)
    longer = values.reshape(count, -1)[_places(count, reach)]
    result = np.empty((count, longer.shape[1]))
    at_once = _rows(reach, longer.shape[1])
    for start in range(0, count, at_once):
        rows = min(at_once, count - start)
        wide = rows + 2 * reach
        np.matmul(
            band[:rows, :wide], longer[start : start + wide], out=result[start : start + rows]
        )
    return result.reshape(values.shape)


def average_around(values: FloatArray, sigma: float) -> FloatArray:
    """Average (n, m) values of m points around a vein over their neighbours.

    Parameters
    ----------
    values
        (n, m).
    sigma
        Standard deviation of the Gaussian in points.

    Returns
    -------
    FloatArray
        (n, m) what `scipy.ndimage.gaussian_filter1d` gives along the last axis with ``wrap``.
    """
    count, points = values.shape
    ring = _ring(points, round(sigma, 9))
    result = np.empty((count, points))
    rows = max(_SMALL // points**2, 1)
    for start in range(0, count, rows):
        np.matmul(values[start : start + rows], ring, out=result[start : start + rows])
    return result


def sums_nearby(
    values: FloatArray, weights: FloatArray, stations: float, points: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Sum weights, and values times weights, over the neighbourhood of places of a wall.

    Parameters
    ----------
    values, weights
        (n, m), along the vein and around it; weight 0 where there is no value.
    stations, points
        Standard deviation of the neighbourhood along the vein, and (n,) around it.

    Returns
    -------
    tuple
        (n, m) sums of the weights, and (n, m) of the values.
    """
    both = np.stack([weights, weights * np.where(weights > 0, values, 0.0)], axis=1)
    count = values.shape[1]
    frequency = 2.0 * np.pi * np.fft.rfftfreq(count)
    gain = np.exp(-0.5 * (frequency * points[:, None]) ** 2)[:, None]
    waves = np.fft.rfft(average_along(both, stations), axis=-1) * gain
    nearby = np.fft.irfft(waves, count, axis=-1)
    return nearby[:, 0], nearby[:, 1]


def mean_of(total: FloatArray, summed: FloatArray) -> FloatArray:
    """Return averages from sums of weights and of values; 0 where all weights are 0."""
    # Less than this is what rounding leaves of weights of 0.
    known = total > 1e-6
    return np.where(known, summed / np.where(known, total, 1.0), 0.0)


def _rows(reach: int, columns: int) -> int:
    """Return how many rows of a band to multiply at a time with so many columns."""
    # r (r + 2 reach) multiplications a column.
    return min(max(int(math.sqrt(reach**2 + _SMALL / columns)) - reach, 1), _AT_ONCE)


def _reach(sigma: float) -> int:
    return int(_TRUNCATE * sigma + 0.5)


@lru_cache(maxsize=64)
def _places(count: int, reach: int) -> npt.NDArray[np.intp]:
    """Return (n + 2 reach,) which of n stations counts at each place, the ends going on."""
    return np.arange(-reach, count + reach).clip(0, count - 1)


@lru_cache(maxsize=64)
def _band(sigma: float, order: int) -> FloatArray:
    """Return (`_AT_ONCE`, `_AT_ONCE` + 2 reach) weights of stations for those in their middle."""
    reach = _reach(sigma)
    impulse = np.zeros(2 * reach + 1)
    impulse[reach] = 1.0
    weights = ndimage.gaussian_filter1d(
        impulse, sigma, order=order, mode="constant", truncate=_TRUNCATE
    )
    band = np.zeros((_AT_ONCE, _AT_ONCE + 2 * reach))
    for row in range(_AT_ONCE):
        band[row, row : row + 2 * reach + 1] = weights
    return band


@lru_cache(maxsize=64)
def _ring(points: int, sigma: float) -> FloatArray:
    """Return (m, m) weights of points around a vein for one another."""
    ring: FloatArray = ndimage.gaussian_filter1d(
        np.eye(points), sigma, axis=0, mode="wrap", truncate=_TRUNCATE
    )
    return ring
