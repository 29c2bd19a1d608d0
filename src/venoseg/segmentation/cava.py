"""Which part of the cava's track is the cava for certain."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from venoseg.segmentation.landmarks import Landmarks
from venoseg.volume import FloatArray

BLOOD_HU = 75.0
"""Enhanced blood is brighter than this on the coarse picture."""

_LEAST_RUN_MM = 25.0
_GAP_MM = 18.0
_LEAST_CONTRAST_HU = 18.0
_WAYPOINT_MM = 30.0


def sure_cava(found: Landmarks) -> FloatArray:
    """Return (n, 3) points of the cava, about 30 mm apart, from the head down.

    Those of the uppermost stretch over which the track runs in enhanced blood that stands out;
    farther down an iliac vein may look like a cava. Empty when no stretch is 25 mm long.
    """
    track = found.cava
    bright = track.level_hu > BLOOD_HU
    sure = (track.contrast_hu > _LEAST_CONTRAST_HU) & bright
    step = float(np.abs(np.diff(track.points_lps_mm[:, 2])).mean())
    bridged = ndimage.binary_closing(
        np.pad(sure, 20), structure=np.ones(max(2, round(_GAP_MM / step)) + 1)
    )[20:-20]
    runs, count = ndimage.label(bridged & ndimage.binary_dilation(bright, iterations=3))
    long = [n for n in range(1, count + 1) if step * int((runs == n).sum()) >= _LEAST_RUN_MM]
    if not long:
        return np.empty((0, 3))
    run = np.flatnonzero((runs == long[-1]) & sure)[::-1]
    points = track.points_lps_mm[run]
    kept = [0]
    for n in range(1, len(points)):
        if np.linalg.norm(points[n] - points[kept[-1]]) >= _WAYPOINT_MM:
            kept.append(n)
    if kept[-1] != len(points) - 1:
        kept.append(len(points) - 1)
    return points[kept]
