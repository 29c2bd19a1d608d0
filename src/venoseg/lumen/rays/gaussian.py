"""The blurred edge, looked up: the fits of walls and wires ask for it by the million.

A table serves fifteen times sooner than the exact function; what it is off by is a thousandth of
the noise of an image.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from venoseg.interpolation import Float32Array

# Entries for each standard deviation, and how far out there are any.
_FINENESS, _REACH = 2048, 6

_SHARE: Float32Array = ndtr(
    -np.arange(-_REACH * _FINENESS, _REACH * _FINENESS + 1) / _FINENESS
).astype(np.float32)


def share_beyond(deviations: Float32Array) -> Float32Array:
    """Return which share of a Gaussian lies beyond so many standard deviations.

    Parameters
    ----------
    deviations
        (...) finite.

    Returns
    -------
    Float32Array
        (...) right within 0.0001.
    """
    at = deviations * np.float32(_FINENESS)
    at += np.float32(_REACH * _FINENESS + 0.5)
    return _SHARE.take(at.astype(np.int32), mode="clip")
