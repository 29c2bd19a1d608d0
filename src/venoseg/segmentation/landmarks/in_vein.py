"""Where the track of an artery runs in its vein: the blood of each has one grey value.

At the brim of the pelvis an artery crosses its vein, and where it is thin, shut or hidden there the
way that joins its track above and below leads through the vein. From the aorta to the groin the
blood of an artery is equally bright, and so is that of its vein: in the middle of a wide vessel,
which no fat blurs, it tells whose that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage

from venoseg.segmentation.landmarks.arterial import Artery, Below
from venoseg.segmentation.working import Float32Array
from venoseg.volume import BoolArray, FloatArray

# Grey values that differ by less tell nothing; what is so much darker than blood is none.
_APART_HU, _NO_BLOOD_HU = 15.0, 40.0
# Blood is looked at so near to a point. Where it fills so much of what lies within the second, the
# vessel is wider than an iliac artery, and its blood is not blurred.
_NEAR_MM, _AROUND_MM, _FILLED = 3.0, 6.0, 0.75
# So many points of a track in a row are no noise; so many more, at most, lie in the vein's edge.
_LEAST_POINTS, _EDGE_POINTS = 4, 2


def told_from_vein(
    below: Below, stretches: Sequence[Artery], vein_lps_mm: FloatArray
) -> list[Artery]:
    """Mark where the track of an artery runs in the vein beside it.

    Parameters
    ----------
    below
        What the image shows below the division of the aorta.
    stretches
        Of the artery of a side.
    vein_lps_mm
        (n, 3) points of its vein.
    """
    if len(vein_lps_mm) == 0:
        return list(stretches)
    vein_hu = float(np.median(_blood_at(below, vein_lps_mm)[0]))
    if abs(below.level_hu - vein_hu) < _APART_HU:
        return list(stretches)
    return [replace(one, in_vein=_in_vein(below, one.points_lps_mm, vein_hu)) for one in stretches]


def _in_vein(below: Below, points_lps_mm: FloatArray, vein_hu: float) -> BoolArray:
    """Tell where (n, 3) points of a track lie in wide blood that is rather the vein's."""
    blood_hu, around = _blood_at(below, points_lps_mm)
    filled = np.mean(around > min(vein_hu, below.level_hu) - _NO_BLOOD_HU, axis=1) > _FILLED
    even = ndimage.median_filter(blood_hu, 3, mode="nearest")
    like_vein = np.abs(even - vein_hu) < np.abs(even - below.level_hu)
    middle = ndimage.binary_opening(filled & like_vein, np.ones(_LEAST_POINTS))
    # Before and after it the track runs through the vein's edge.
    inside: BoolArray = ndimage.binary_dilation(
        middle, iterations=_EDGE_POINTS, mask=middle | like_vein
    )
    return inside


def _blood_at(below: Below, points_lps_mm: FloatArray) -> tuple[FloatArray, Float32Array]:
    """Return (n,) the grey value at points, and (n, m) all those around each."""
    grid = below.place
    reach = (_AROUND_MM / grid.spacing_mm).astype(int)
    offset = np.argwhere(np.ones(2 * reach + 1)) - reach
    away = np.linalg.norm(offset * grid.spacing_mm, axis=1)
    offset, away = offset[away <= _AROUND_MM], away[away <= _AROUND_MM]
    index = np.rint(grid.to_index(points_lps_mm)).astype(int)[:, None] + offset
    index = np.clip(index, 0, np.array(grid.shape) - 1)
    around: Float32Array = below.image[tuple(np.moveaxis(index, -1, 0))]
    return np.median(around[:, away <= _NEAR_MM], axis=1), around
