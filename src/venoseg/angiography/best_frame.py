"""The frame of a run in which vessels fill most, where frames are not subtracted."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from venoseg.angiography.resampling import shrunk
from venoseg.angiography.subtraction import Subtraction

# Frames are judged at about this many columns, away from the border of what is seen.
_COLUMNS = 128
_BORDER = 4

# What is thinner than this in the small picture may be a vessel.
_THIN = 7
# A pixel that is as dense in so many percent of the frames is bone or a device.
_AT_REST = 10.0
# The densest part of the picture tells how much fills; the first frame that shows nearly as much
# as any is taken, before contrast medium has spread to smaller vessels and veins.
_DENSEST = 98.0
_NEARLY = 0.97


def best_filled(subtraction: Subtraction) -> int:
    """Return the number of the picture in which most thin, dense structure has come."""
    shrink = max(round(subtraction.run.shape[1] / _COLUMNS), 1)
    seen = shrunk(subtraction.seen.astype(np.float32), shrink) > 0.99
    inner = ndimage.binary_erosion(seen, iterations=_BORDER)
    counted = inner if inner.any() else seen
    thin = []
    for picture in subtraction.pictures():
        small = shrunk(picture, shrink)
        thin.append((small - ndimage.grey_opening(small, (_THIN, _THIN)))[counted])
    come = np.array(thin)
    come -= np.percentile(come, _AT_REST, axis=0)
    filling = ndimage.uniform_filter1d(np.percentile(come, _DENSEST, axis=1), 3, mode="nearest")
    return int(np.flatnonzero(filling >= _NEARLY * filling.max())[0])
