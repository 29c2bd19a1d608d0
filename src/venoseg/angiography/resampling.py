"""Pictures made smaller, moved and warped."""

from __future__ import annotations

from itertools import product

import numpy as np

from venoseg.angiography.run import Image, Stored
from venoseg.volume import FloatArray

Shift = tuple[float, float]
"""(row, column) in pixels."""

# Less than this along an axis does nothing to a picture that could be seen.
_UNMOVED_PX = 0.03
# A cubic spline's weights are below a ten thousandth beyond so many pixels.
_KERNEL_PX = 7


def shrunk(picture: Image | Stored, by: int) -> Image:
    """Return a picture of block means; incomplete blocks at the ends are left out."""
    if by == 1:
        return picture.astype(np.float32, copy=False)
    rows, columns = (n // by for n in picture.shape)
    whole = picture[: rows * by, : columns * by]
    # Whole numbers are added as such, which is faster.
    total = np.zeros((rows, columns), dtype=np.int32 if picture.dtype.kind in "ui" else np.float32)
    for row, column in product(range(by), repeat=2):
        total += whole[row::by, column::by]
    return np.asarray(total / np.float32(by * by), dtype=np.float32)


def moved(picture: Image, shift: Shift) -> Image:
    """Return a picture moved down and right by ``shift``, by cubic splines.

    What one shift does to every pixel is one short kernel an axis.
    """
    from scipy import ndimage

    result = picture
    for axis, way in enumerate(shift):
        if abs(way) < _UNMOVED_PX:
            continue
        whole = round(way)
        if whole:
            places = np.arange(picture.shape[axis]) - whole
            result = np.take(result, np.clip(places, 0, picture.shape[axis] - 1), axis=axis)
        result = ndimage.convolve1d(
            result, _spline_kernel(way - whole), axis=axis, mode="nearest", output=np.float32
        )
    return result


def _spline_kernel(part: float) -> FloatArray:
    """Return what a cubic spline moves a single bright pixel to."""
    from scipy import ndimage

    single = np.zeros(4 * _KERNEL_PX + 1)
    single[2 * _KERNEL_PX] = 1.0
    spread = ndimage.shift(single, part, order=3, mode="constant")
    kernel: FloatArray = spread[_KERNEL_PX : 3 * _KERNEL_PX + 1]
    kernel /= kernel.sum()
    return kernel


def shifted_back(picture: Image, shift: Shift) -> Image:
    """Return a picture moved up and left by ``shift``, linear between pixels."""
    result = picture
    for axis, way in enumerate(shift):
        if way == 0.0:
            continue
        whole = int(np.floor(way))
        part = np.float32(way - whole)
        size = picture.shape[axis]
        padding = [(max(-whole, 0), max(whole + 1, 0)) if n == axis else (0, 0) for n in (0, 1)]
        longer = np.pad(result, padding, "edge")
        first = max(whole, 0)
        near, far = (
            longer[at : at + size] if axis == 0 else longer[:, at : at + size]
            for at in (first, first + 1)
        )
        result = near + part * (far - near)
    return result


def warped(picture: Image, field: FloatArray) -> Image:
    """Return a picture with each pixel taken from a (2, r, c) field further down and right."""
    from scipy import ndimage

    rows, columns = np.indices(picture.shape)
    warped: Image = ndimage.map_coordinates(
        picture, [rows + field[0], columns + field[1]], order=1, mode="nearest"
    )
    return warped


def warped_back(picture: Image, field: FloatArray, shrink: int) -> Image:
    """Return a full picture with a field from `found_field` taken out, by cubic splines."""
    from scipy import ndimage

    rows, columns = np.indices(picture.shape)
    at = [(rows + 0.5) / shrink - 0.5, (columns + 0.5) / shrink - 0.5]
    full = [ndimage.map_coordinates(part, at, order=1, mode="nearest") for part in field]
    result: Image = ndimage.map_coordinates(
        picture, [rows + full[0], columns + full[1]], order=3, mode="nearest"
    )
    return result
