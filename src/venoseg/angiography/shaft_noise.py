"""What noise, alike in neighbouring pixels, does to a fit of a shaft, and how it is made unlike."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.sparse import csr_array

from venoseg.volume import FloatArray

# Noise of neighbouring pixels is alike to this degree at most, and over so few pixels.
_MOST_ALIKE = 0.9
_ALIKE_PX = 8

# Blur is taken out of noise over so few pixels, and noise is not made larger than so many times.
SHARPENED_PX = 3
_LARGEST_GAIN = 6.0

Places = npt.NDArray[np.int64]


def alike_of_neighbours(place: Places, left: FloatArray) -> float:
    """Return how alike the noise of neighbouring pixels is, 0 to 1, by (n,) what a fit leaves."""
    rest, there = _drawn(place, left), _drawn(place, np.ones(len(left)))
    pairs = [
        (np.sum(rest[1:] * rest[:-1]), np.sum(there[1:] * there[:-1])),
        (np.sum(rest[:, 1:] * rest[:, :-1]), np.sum(there[:, 1:] * there[:, :-1])),
    ]
    total, count = np.sum(pairs, axis=0)
    return float(np.clip(total / max(count, 1.0) / np.mean(left**2), 0.0, _MOST_ALIKE))


def independent(place: Places, next_to: float) -> tuple[csr_array, npt.NDArray[np.intp]]:
    """Return what makes the noise of pixels independent, and which pixels it can be made for.

    Noise that was blurred by a bell loses what changes fast; that is made larger again, together
    with the same of the shaft's shadow.

    Parameters
    ----------
    place
        (n, 2) column and row of pixels.
    next_to
        How alike the noise of neighbours is.

    Returns
    -------
    csr_array, array
        (m, n) sums of pixels, and (m,) numbers of those with all their neighbours.
    """
    steps = np.arange(-SHARPENED_PX, SHARPENED_PX + 1)
    kernel = _sharpening(next_to)
    numbers = np.full(np.ptp(place, axis=0) + 1 + 2 * SHARPENED_PX, -1)
    at = place - place.min(axis=0) + SHARPENED_PX
    numbers[at[:, 0], at[:, 1]] = np.arange(len(place))
    column, row = (part.ravel() for part in np.meshgrid(steps, steps, indexing="ij"))
    near = numbers[at[:, :1] + column, at[:, 1:] + row]
    inner = np.flatnonzero((near >= 0).all(axis=1))
    shares = np.outer(kernel, kernel).ravel()
    first = np.arange(len(inner) + 1) * len(shares)
    whole = (np.tile(shares, len(inner)), near[inner].ravel(), first)
    return csr_array(whole, shape=(len(inner), len(place))), inner


def _sharpening(next_to: float) -> FloatArray:
    """Return the kernel, along one axis, that takes out the blur of noise so alike."""
    frequency = np.linspace(-np.pi, np.pi, 513)
    # A bell of this standard deviation leaves neighbours exp(-1 / (2 sd)^2) alike.
    variance = -0.25 / np.log(np.clip(next_to, 1e-6, _MOST_ALIKE))
    gain = np.minimum(np.exp(0.5 * variance * frequency**2), _LARGEST_GAIN)
    steps = np.arange(-SHARPENED_PX, SHARPENED_PX + 1)
    waves = np.cos(steps[:, None] * frequency)
    kernel: FloatArray = np.trapezoid(waves * gain, frequency, axis=1) / (2.0 * np.pi)
    kernel /= kernel.sum()
    return kernel


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
    next_to = alike_of_neighbours(place, left)
    # So noise is alike that was blurred by a bell.
    line = next_to ** (np.arange(-_ALIKE_PX, _ALIKE_PX + 1) ** 2.0)
    near = np.stack(
        [
            ndimage.convolve1d(
                ndimage.convolve1d(_drawn(place, column), line, axis=0, mode="constant"),
                line,
                axis=1,
                mode="constant",
            )[_at(place)]
            for column in jacobian.T
        ],
        axis=1,
    )
    spread: FloatArray = float(np.mean(left**2)) * (jacobian.T @ near)
    return spread


def _at(place: Places) -> tuple[npt.NDArray[np.int64], ...]:
    return tuple((place - place.min(axis=0)).T)


def _drawn(place: Places, values: FloatArray) -> FloatArray:
    """Return a picture of values at pixels, 0 elsewhere."""
    picture = np.zeros(tuple(np.ptp(place, axis=0) + 1))
    picture[_at(place)] = values
    return picture
