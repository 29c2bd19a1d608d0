"""A rough path brought to the middle of the vein that it runs along."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from venoseg.angiography.course import Course, smooth_course
from venoseg.angiography.outline import sample_across
from venoseg.angiography.run import Image
from venoseg.errors import MeasurementError
from venoseg.volume import BoolArray, FloatArray

# A vein may be this wide, as a share of the picture's width.
WIDEST = 1 / 6
_ASIDE = 0.6
_FAINT = 0.2


def centred(picture: Image, path_px: FloatArray, noise: float) -> tuple[Course, FloatArray]:
    """Move a rough path to the middle of the vein; return it with (n,) rough widths."""
    widest = WIDEST * picture.shape[1]
    calm = _calm_near(picture, path_px, widest)
    course = smooth_course(path_px, 5.0)
    width = np.zeros(0)
    for turn in range(3):
        offsets = np.arange(-widest / 2, widest / 2 + 0.5, 1.0)
        values = sample_across(calm, course, offsets, order=1)
        middle, width, filled = _half_maximum(offsets, values, noise)
        # A vessel that lies beside the path is another one.
        filled &= np.abs(middle) < _ASIDE * np.median(width[filled] if filled.any() else width)
        if filled.mean() < 0.2:
            raise MeasurementError(
                "no filled vein stands out along the path",
                remedy="set the seeds on a vein that fills, or choose other frames",
            )
        stations = np.arange(len(middle), dtype=np.float64)
        middle = np.interp(stations, stations[filled], middle[filled])
        width = np.interp(stations, stations[filled], width[filled])
        window = 2 * int(max(np.median(width) / 2, 5)) + 1
        middle = ndimage.median_filter(middle, window, mode="nearest")
        points = course.points_px + middle[:, None] * course.normals
        course = smooth_course(points, max(0.25 * float(np.median(width)), 2.0))
        if turn == 2:
            width = np.interp(
                np.linspace(0, 1, len(course.points_px)), np.linspace(0, 1, len(width)), width
            )
    return course, ndimage.median_filter(width, window, mode="nearest")


def _calm_near(picture: Image, path_px: FloatArray, reach_px: float) -> Image:
    """Return a picture, smoothed so far from a path as an edge of its vein may lie."""
    low = np.maximum(np.floor(path_px.min(axis=0) - reach_px).astype(int), 0)
    high = np.ceil(path_px.max(axis=0) + reach_px).astype(int) + 1
    box = np.s_[low[1] : high[1], low[0] : high[0]]
    calm = picture.copy()
    calm[box] = ndimage.gaussian_filter(picture[box], 1.0)
    return calm


def _half_maximum(
    offsets: FloatArray, values: FloatArray, noise: float
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return (n,) middles and widths at half of the maximum, and where there is one."""
    base = np.percentile(values, 15, axis=1)
    near = np.abs(offsets) <= np.abs(offsets).max() / 3
    top_at = np.where(near, values, -np.inf).argmax(axis=1)
    rows = np.arange(len(values))
    top = values[rows, top_at]
    above = values > (base + 0.5 * (top - base))[:, None]
    left, right = top_at.copy(), top_at.copy()
    for _ in range(len(offsets)):
        left = np.where((left > 0) & above[rows, np.maximum(left - 1, 0)], left - 1, left)
        far = len(offsets) - 1
        right = np.where((right < far) & above[rows, np.minimum(right + 1, far)], right + 1, right)
    width = (offsets[right] - offsets[left] + 1.0) / np.sqrt(0.75)
    filled = top - base > np.maximum(6 * noise, _FAINT * np.percentile(top - base, 75))
    return (offsets[left] + offsets[right]) / 2, width, filled
