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


def average_along(values: FloatArray, sigma: float, order: int = 0) -> FloatArray:
    """Average values of n consecutive stations, the ends going on as they are.

    Parameters
    ----------
    values
        (n, ...).
    sigma
        Standard deviation of the Gaussian in stations.
    order
        Of the derivative of the average, per station; even.

    Returns
    -------
    FloatArray
        (n, ...) what `scipy.ndimage.gaussian_filter1d` gives along the first axis with ``nearest``.
    """
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
