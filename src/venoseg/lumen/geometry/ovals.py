"""The waves of ellipses: what belongs to the shape of an oval, and is no noise on it.

The outline of an ellipse, at points equally far apart, is more than its first two waves. Which
others belong to them follows from how flat it is.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from venoseg.volume import FloatArray

ComplexArray = npt.NDArray[np.complex128]

# Ratios of the axes for which the waves are known; a slit flatter than the last has those of it.
_RATIOS = np.concatenate([np.linspace(1.0, 0.3, 36), np.linspace(0.28, 0.06, 12)])

# An ellipse is walked in so many steps.
_STEPS = 7_200


def ellipse_waves(first: ComplexArray, back: ComplexArray, points: int) -> ComplexArray:
    """Return (n, ``points``) the waves of ellipses, in the order of `numpy.fft.fft`.

    Parameters
    ----------
    first, back
        (n,) the waves that turn once with the outline, counter-clockwise, and once against it:
        its size, and how oval it is.
    points
        Of an outline, equally far apart, as complex numbers.
    """
    flatness, table = _waves_by_flatness(points)
    size = np.maximum(np.abs(first), 1e-12)
    at = np.interp(np.abs(back) / size, flatness, np.arange(len(flatness)))
    low = np.minimum(at.astype(np.intp), len(flatness) - 2)
    share = (at - low)[:, None]
    waves = table[low] + share * (table[low + 1] - table[low])
    # Waves of an ellipse along the axes, turned and begun elsewhere so that both agree.
    lean, begin = (np.angle(back) + np.angle(first)) / 2.0, (np.angle(back) - np.angle(first)) / 2.0
    number = np.fft.fftfreq(points, 1.0 / points)
    turned = np.exp(1j * (lean[:, None] - begin[:, None] * number))
    result: ComplexArray = size[:, None] * waves * turned
    result[:, 1], result[:, -1] = first, back
    return result


@cache
def _waves_by_flatness(points: int) -> tuple[FloatArray, FloatArray]:
    """Return (k,) heights of the wave back, and (k, ``points``) of all waves, for a first of 1."""
    angle = np.linspace(0.0, 2.0 * np.pi, _STEPS + 1)
    table = np.empty((len(_RATIOS), points))
    for n, ratio in enumerate(_RATIOS):
        x, y = np.cos(angle), ratio * np.sin(angle)
        way = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
        even = np.interp(np.arange(points) / points * way[-1], way, angle)
        waves = np.fft.fft(np.cos(even) + 1j * ratio * np.sin(even)).real
        table[n] = waves / waves[1]
    return table[:, -1], table
