"""Cavities in labelled voxels, found without looking at all that lies outside."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.volume import BoolArray


def without_holes(mask: BoolArray) -> BoolArray:
    """Fill cavities that no face of the box reaches."""
    places = _enclosed(mask)
    if len(places) == 0:
        return mask
    # All of a cavity is enclosed: nothing else needs to be looked at.
    first, last = places.min(axis=0), places.max(axis=0)
    around = tuple(slice(max(a - 1, 0), b + 2) for a, b in zip(first, last, strict=True))
    outside, count = ndimage.label(np.pad(~mask[around], 1, constant_values=True))
    if count <= 1:
        return mask
    filled = mask.copy()
    filled[around] = outside[1:-1, 1:-1, 1:-1] != outside[0, 0, 0]
    return filled


def _enclosed(mask: BoolArray) -> npt.NDArray[np.intp]:
    """Return (n, 3) the voxels outside of a mask that have some of it on both sides on all axes."""
    first = mask.argmax(axis=2)
    last = mask.shape[2] - 1 - mask[:, :, ::-1].argmax(axis=2)
    rows = np.argwhere(last - first >= np.count_nonzero(mask, axis=2))
    found = [np.empty((0, 3), dtype=np.intp)]
    for k, j in rows[mask[rows[:, 0], rows[:, 1], first[rows[:, 0], rows[:, 1]]]]:
        gap = first[k, j] + np.flatnonzero(~mask[k, j, first[k, j] : last[k, j]])
        found.append(np.column_stack(np.broadcast_arrays(k, j, gap)))
    places = np.concatenate(found)
    for axis in range(2):
        lines = np.moveaxis(mask, axis, 0)[:, *np.delete(places, axis, axis=1).T]
        before = lines.argmax(axis=0)
        after = len(lines) - 1 - lines[::-1].argmax(axis=0)
        places = places[(before < places[:, axis]) & (places[:, axis] < after)]
    return places
