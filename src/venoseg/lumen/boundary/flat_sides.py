"""Flat sides of veins, as where they lie on the spine or on an artery.

Averages over the wall round the corners at the ends of a flat side and leave ears beside them: the
side looks like a shallow bay, and its ears hold the lines apart between which the least width is
taken. A vein may have a bay as shallow, under an artery. So the side is drawn straight, half way
between its ears and the bottom of its bay, and the truth may be either.
"""

from __future__ import annotations

import numpy as np

from venoseg.lumen.geometry.contours import feret_diameters_mm
from venoseg.lumen.geometry.rings import following
from venoseg.lumen.rays.smoothing import ramp
from venoseg.volume import BoolArray, FloatArray

# Bays deeper than this are the vein's own, in part from the first on: averages over the wall make
# none as deep.
_OWN_BAY_MM = (0.3, 0.45)

# Of a width that lies anywhere between two limits, for their distance: the standard deviation.
_UNIFORM = 1.0 / np.sqrt(12.0)


def with_flat_sides(contours_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Draw the sides straight on which outlines are least wide, where these have a shallow bay.

    Parameters
    ----------
    contours_mm
        (n, m, 2) outlines.

    Returns
    -------
    tuple
        (n, m, 2) outlines, and (n,) the standard deviation that this leaves of half the least
        width, in mm.
    """
    drawn, doubt_mm = contours_mm.copy(), np.zeros(len(contours_mm))
    which = np.flatnonzero(_bends_inwards(contours_mm))
    if len(which) == 0:
        return drawn, doubt_mm
    bent = contours_mm[which]
    *_, angle = feret_diameters_mm(bent)
    across = np.stack([np.cos(angle), np.sin(angle)], axis=-1)[:, None]
    bays_mm = []
    for side in (across, -across):
        height = (bent * side).sum(axis=-1)
        level, bay_mm = _levelled(height)
        bent = bent + (level - height)[..., None] * side
        bays_mm.append(bay_mm)
    drawn[which] = bent
    doubt_mm[which] = 0.5 * _UNIFORM * np.hypot(*bays_mm)
    return drawn, doubt_mm


def _bends_inwards(contours_mm: FloatArray) -> BoolArray:
    """Tell which of (n, m, 2) outlines bend inwards somewhere: the others have no bay."""
    x, y = np.moveaxis(following(contours_mm) - contours_mm, -1, 0)
    inwards: BoolArray = (x * following(y) - y * following(x) < 0.0).any(axis=1)
    return inwards


def _levelled(height_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Level the top of each of (n, m) closed rings of heights where it has a shallow bay.

    Returns
    -------
    tuple
        (n, m) heights, and (n,) how deep the bay was, as far as it is not the vein's own.
    """
    points = height_mm.shape[1]
    # From the lowest point on, what water would fill lies below what is higher on both sides.
    ring = (height_mm.argmin(axis=1)[:, None] + np.arange(points)) % points
    heights = np.take_along_axis(height_mm, ring, axis=1)
    before = np.maximum.accumulate(heights, axis=1)
    behind = np.maximum.accumulate(heights[:, ::-1], axis=1)[:, ::-1]
    filled, top = np.minimum(before, behind), heights.max(axis=1)
    bay_mm = np.where(filled > top[:, None] - _OWN_BAY_MM[1], filled - heights, 0.0).max(axis=1)
    bay_mm = bay_mm * (1.0 - ramp(bay_mm, _OWN_BAY_MM))
    level = (top - 0.5 * bay_mm)[:, None]
    levelled = np.where((bay_mm > 0.0)[:, None] & (filled > level), level, heights)
    result = np.empty_like(height_mm)
    np.put_along_axis(result, ring, levelled, axis=1)
    return result, bay_mm
