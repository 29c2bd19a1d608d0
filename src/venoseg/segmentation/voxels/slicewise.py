"""Masks closed and filled slice by slice, all slices at once."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from venoseg.volume import BoolArray

# Neighbours within a slice only.
IN_SLICE = np.zeros((3, 3, 3), dtype=bool)
IN_SLICE[1] = ndimage.generate_binary_structure(2, 1)


def closed_in_slices(mask: BoolArray, disc: BoolArray) -> BoolArray:
    """Close the slices of a mask over a disc of an odd number of rows and columns.

    Beyond the border of a slice nothing is held, and nothing is kept there that needs it.
    """
    return ~_grown(~_grown(mask, disc, False), disc, True)


def _grown(mask: BoolArray, disc: BoolArray, beyond: bool) -> BoolArray:
    """Return where a disc around a place holds some of a mask, which is ``beyond`` outside."""
    _, rows, columns = mask.shape
    high, wide = (size // 2 for size in disc.shape)
    padded = np.pad(mask, ((0, 0), (high, high), (wide, wide)), constant_values=beyond)
    halves = disc.sum(axis=1) // 2
    across = padded[:, :, wide : wide + columns].copy()
    grown = np.zeros(mask.shape, dtype=bool)
    for half in range(int(halves.max()) + 1):
        if half:
            across |= padded[:, :, wide - half : wide - half + columns]
            across |= padded[:, :, wide + half : wide + half + columns]
        for row in np.flatnonzero(halves == half):
            grown |= across[:, row : row + rows]
    return grown


def filled_in_slices(mask: BoolArray) -> BoolArray:
    """Fill what does not reach the border of its slice."""
    around = np.pad(~mask, ((0, 0), (1, 1), (1, 1)), constant_values=True)
    outside, _ = ndimage.label(around, IN_SLICE)
    border = np.zeros(int(outside.max()) + 1, dtype=bool)
    border[outside[:, 0, 0]] = True
    filled: BoolArray = ~border[outside[:, 1:-1, 1:-1]]
    return filled
