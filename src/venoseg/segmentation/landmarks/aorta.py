"""Which part of the aorta's track is the aorta for certain."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.segmentation.landmarks.tracks import Track, sure_of

# Where the aorta divides, its track stands out or is wide by less than this share of before.
_WHOLE_AORTA, _WHOLE_RADIUS, _AORTA_GAP_MM = 0.4, 0.72, 12.0
# A stretch of it is no shorter than this share of the longest.
_LONG_RUN = 0.5


def lowest_of_aorta_mm(aorta: Track) -> float:
    """Return the height of the lowest slice in which the aorta surely is one vessel."""
    run = run_of_aorta(aorta)
    return float(aorta.points_lps_mm[run[-1] if len(run) else 0, 2])


def run_of_aorta(aorta: Track) -> npt.NDArray[np.intp]:
    """Return the slices, from the head down, in which the track surely is the aorta, one vessel.

    A short stretch above a gap may be another vessel, or bone; what lies below one may be an iliac
    artery.
    """
    z = aorta.points_lps_mm[:, 2]
    sure = sure_of(aorta)
    at = np.flatnonzero(sure)
    if len(at) < 4:
        return np.empty(0, dtype=np.intp)
    upper = at[-max(4, int(0.4 * len(at))) :]
    usual_hu, usual_mm = np.median(aorta.contrast_hu[upper]), np.median(aorta.radius_mm[upper])
    radius = ndimage.median_filter(aorta.radius_mm, size=5, mode="nearest")
    one = (aorta.contrast_hu > _WHOLE_AORTA * usual_hu) & (radius > _WHOLE_RADIUS * usual_mm)
    whole = np.flatnonzero(sure & one)[::-1]
    runs = np.split(whole, np.flatnonzero(-np.diff(z[whole]) > _AORTA_GAP_MM) + 1)
    longest = max(len(run) for run in runs)
    return next(run for run in runs if len(run) >= _LONG_RUN * longest)
