"""Catheters, wires and other dense, thin things that lie in the picture before contrast medium."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from venoseg.angiography.resampling import shrunk
from venoseg.angiography.run import Image
from venoseg.volume import BoolArray

# What is wider than this belongs to the patient; it is found on a picture so many times smaller.
_AROUND_PX = 24
_SMALLER = 3

# So dense a thing is seen as such: in attenuation, and in the noise of the picture.
_DENSE = 0.05
_DISTINCT = 4.0

# A device is no wider than this.
_THIN_PX = 15
_CALM_PX = 0.8

# What a pixel behind a device counts: enough to be used where there is no other.
_BEHIND = 0.01


def surroundings(native: Image) -> Image:
    """Return what a picture of attenuation shows that is wider than a catheter."""
    small = shrunk(native, _SMALLER)
    wide = ndimage.median_filter(small, _AROUND_PX // _SMALLER + 1)
    at = [(np.arange(n, dtype=np.float32) + 0.5) / _SMALLER - 0.5 for n in native.shape]
    places = np.meshgrid(*at, indexing="ij")
    back: Image = ndimage.map_coordinates(wide, places, order=1, mode="nearest")
    return back


def clear_of_devices(native: Image, noise: float) -> Image:
    """Return (rows, columns) how much each pixel counts for what fills: little behind a device.

    A device takes away primary radiation and leaves scatter, so behind it contrast medium seems
    fainter than it is, and there is none inside it: a vein's profile has a dent there.

    Parameters
    ----------
    native
        (rows, columns) attenuation before contrast medium.
    noise
        Standard deviation of its fine grain.
    """
    calm = ndimage.gaussian_filter(native, _CALM_PX)
    without = ndimage.maximum_filter(ndimage.minimum_filter(calm, _THIN_PX), _THIN_PX)
    excess = calm - without
    # The least of many pixels lies below their mean, by noise and by the patient's own grain.
    excess -= np.median(excess[::4, ::4])
    dense: BoolArray = excess > max(_DENSE, _DISTINCT * noise)
    return np.where(ndimage.binary_dilation(dense), np.float32(_BEHIND), np.float32(1.0))
