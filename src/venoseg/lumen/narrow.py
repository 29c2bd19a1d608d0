"""What fitting a step misses in a lumen so narrow that blur joins its walls.

Towards the middle of a narrow lumen the image rises to no level: the opposite wall takes from it.
Level and edge are then read a little wrong. By how much follows from the image that a round lumen
makes, blurred by a Gaussian (the noncentral chi-squared distribution), read in the same way.
"""

from __future__ import annotations

import numpy as np
from scipy.special import chndtr

from venoseg.lumen.edges import Profiles, curvature_pull, matched_offsets
from venoseg.lumen.levels import inner_depths, outer_depths
from venoseg.volume import BoolArray, FloatArray

# Radii in widths of the blur for which the miss is told, and beyond which there is none.
_FROM, _TO, _COUNT = 1.2, 6.0, 33

# Where a radius that grows shows as one that grows by less than this share, neither tells the
# other.
_LEAST_GAIN = 0.5


def missed_mm(
    radius_mm: FloatArray, blur_mm: FloatArray, depths_mm: FloatArray, deepest: float
) -> FloatArray:
    """Return (n,) how much too large the mean radius of round lumens was read.

    Parameters
    ----------
    radius_mm
        (n,) radii as they were read.
    blur_mm
        (n,) blur in the plane: standard deviation.
    depths_mm
        (d,) positions along the normals.
    deepest
        Share of the radius over which a profile was followed inwards.
    """
    missed = np.zeros(len(radius_mm))
    narrow = radius_mm < _TO * blur_mm
    if not narrow.any():
        return missed
    typical = float(np.median(blur_mm[narrow]))
    true = np.linspace(_FROM, _TO, _COUNT) * typical
    read = true + _read_off(true, typical, depths_mm, deepest)
    clear = _clear(read, true)
    table = read[clear] - true[clear]
    missed[narrow] = np.interp(radius_mm[narrow], read[clear], table, right=0.0)
    return missed


def _read_off(
    true_mm: FloatArray, blur_mm: float, depths_mm: FloatArray, deepest: float
) -> FloatArray:
    """Return (k,) by how much the radii of round lumens are read too large."""
    from_middle = np.abs(true_mm[:, None] + depths_mm) / blur_mm
    image = chndtr((true_mm / blur_mm)[:, None] ** 2, 2.0, from_middle**2)
    inner, outer = inner_depths(depths_mm, true_mm), outer_depths(depths_mm)
    inside = np.where(inner, image, 0.0).sum(axis=1) / np.maximum(inner.sum(axis=1), 1)
    outside = image[:, outer].mean(axis=1)
    profiles = Profiles(depths_mm, image[:, None, :].astype(np.float32))
    width = np.full((len(true_mm), 1), blur_mm)
    offset = matched_offsets(
        profiles, inside[:, None], outside[:, None], width, deepest * true_mm, rounds=8
    )[:, 0]
    result: FloatArray = offset + curvature_pull(1.0 / (true_mm + offset), blur_mm)
    return result


def _clear(read: FloatArray, true: FloatArray) -> BoolArray:
    """Tell (k,) which radii what is read tells: those wider than the last that is not clear."""
    unclear = np.flatnonzero(np.diff(read) < _LEAST_GAIN * np.diff(true))
    return np.arange(len(true)) > (unclear[-1] if len(unclear) else -1)
