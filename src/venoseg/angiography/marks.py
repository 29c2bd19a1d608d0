"""The middle of a dense mark in the picture, at sub-pixel precision."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from venoseg.angiography.run import Image
from venoseg.angiography.shaft import Point
from venoseg.errors import MeasurementError
from venoseg.volume import FloatArray

_SEARCH_PX = 7
_DISTINCT = 6.0
_FITTED_PX = 5.5


def marker_middle(native: Image, point: Point) -> FloatArray:
    """Return column and row of the middle of the dense mark nearest to a point.

    Raises
    ------
    MeasurementError
        When nothing denser than its surroundings lies there.
    """
    reach = 3 * _SEARCH_PX
    column, row = (round(value) for value in point)
    top, left = max(row - reach, 0), max(column - reach, 0)
    patch = native[top : row + reach + 1, left : column + reach + 1].astype(np.float64)
    patch = patch - ndimage.median_filter(patch, 2 * _SEARCH_PX + 1, mode="nearest")
    calm = ndimage.gaussian_filter(patch, 1.0)
    rows, columns = np.indices(patch.shape)
    near = np.hypot(rows + top - row, columns + left - column) <= _SEARCH_PX
    scatter = 1.4826 * float(np.median(np.abs(calm))) + 1e-9
    peak = float(calm[near].max())
    if peak < _DISTINCT * scatter:
        raise MeasurementError(
            f"no marker stands out at column {point[0]:g}, row {point[1]:g}",
            remedy="point at the middle of a dense band",
        )
    peak_at = int(np.argmax(np.where(near, calm, -np.inf)))
    whole = native[top : row + reach + 1, left : column + reach + 1].astype(np.float64)
    width = calm.shape[1]
    middle = _fitted_middle(whole, (float(peak_at % width), float(peak_at // width)))
    return np.asarray(middle + np.array([left, top], dtype=np.float64))


def _fitted_middle(patch: FloatArray, start: Point) -> FloatArray:
    """Fit a bell of any direction on a slanting background around a place in a patch."""
    from scipy.optimize import least_squares

    rows, columns = np.mgrid[: patch.shape[0], : patch.shape[1]]
    near = np.hypot(columns - start[0], rows - start[1]) <= _FITTED_PX
    x, y, value = columns[near].astype(float), rows[near].astype(float), patch[near]
    plane = np.stack([np.ones_like(x), x - start[0], y - start[1]], axis=1)

    def left(bell: FloatArray) -> FloatArray:
        dx, dy = x - bell[0], y - bell[1]
        turned = np.cos(bell[4]) * dx + np.sin(bell[4]) * dy
        across = np.cos(bell[4]) * dy - np.sin(bell[4]) * dx
        height = np.exp(-0.5 * ((turned / bell[2]) ** 2 + (across / bell[3]) ** 2))
        parts = np.column_stack([height, plane])
        factors = np.linalg.lstsq(parts, value, rcond=None)[0]
        return np.asarray(parts @ factors - value)

    low = [start[0] - 3.0, start[1] - 3.0, 0.5, 0.5, -np.pi]
    high = [start[0] + 3.0, start[1] + 3.0, 4.0, 4.0, np.pi]
    fit = least_squares(
        left,
        [*start, 1.6, 1.4, 0.0],
        bounds=(low, high),
        loss="soft_l1",
        f_scale=0.05 * float(np.ptp(value)),
    )
    return np.array([fit.x[0], fit.x[1]])
