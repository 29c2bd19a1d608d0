"""First edges of a vein: the contour of least cost along the steepest slopes."""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy import ndimage

from venoseg.angiography.course import Course
from venoseg.angiography.run import Image
from venoseg.volume import BoolArray, FloatArray

SAMPLE_PX = 0.5

# A spline's weights are below a millionth beyond so many pixels.
_MARGIN_PX = 12

# Samples that a contour may move from one station to the next, and what each costs.
_MOVE = 2
_MOVE_COST = 0.04

_SLOPE_SIGMA_PX = 1.0


def sample_across(
    picture: Image, course: Course, offsets_px: FloatArray, *, order: int = 3
) -> FloatArray:
    """Return (n, m) values of a picture at distances along the normals, by (cubic) splines."""
    places = course.at(offsets_px)[..., ::-1]
    # Splines reach far, though hardly beyond the margin: the rest of the picture is left out.
    low = np.floor(places.min(axis=(0, 1))).astype(int) - _MARGIN_PX
    high = np.ceil(places.max(axis=(0, 1))).astype(int) + _MARGIN_PX + 1
    low = np.clip(low, 0, np.array(picture.shape) - 1)
    high = np.maximum(high, low + 1)
    values: FloatArray = ndimage.map_coordinates(
        picture[low[0] : high[0], low[1] : high[1]],
        [places[..., 0] - low[0], places[..., 1] - low[1]],
        order=order,
        mode="nearest",
        output=np.float64,
    )
    return values


def seen_across(seen: BoolArray, course: Course, offsets_px: FloatArray) -> BoolArray:
    """Return (n, m), True where the picture shows the patient at distances along the normals."""
    rows, columns = np.moveaxis(course.at(offsets_px)[..., ::-1], -1, 0)
    shown = np.ones(rows.shape, dtype=bool)
    # What lies between pixels is seen where all of them are.
    for row, column in product((np.floor, np.ceil), repeat=2):
        at = [
            np.clip(rounded(places), 0, size - 1).astype(np.intp)
            for rounded, places, size in zip(
                (row, column), (rows, columns), seen.shape, strict=True
            )
        ]
        shown &= seen[at[0], at[1]]
    return shown


def slopes_across(values: FloatArray, sigma_px: float = _SLOPE_SIGMA_PX) -> FloatArray:
    """Return the (n, m) derivative of sampled values along the normals, per pixel."""
    slope: FloatArray = ndimage.gaussian_filter1d(values, sigma_px / SAMPLE_PX, axis=1, order=1)
    return slope / SAMPLE_PX


def steepest_edges(
    offsets_px: FloatArray, values: FloatArray, along_sigma: float = 1.0
) -> FloatArray:
    """Return (n, 2) edges: where values rise most on the left and fall most on the right.

    Each side is one contour along the vein, of least cost: steep slopes are cheap, jumps dear.
    """
    calm = ndimage.gaussian_filter1d(values, along_sigma, axis=0)
    slope = slopes_across(calm)
    scale = np.maximum(ndimage.median_filter(np.abs(slope).max(axis=1), 25), 1e-9)
    left = np.where(offsets_px < 0, np.maximum(slope, 0.0), 0.0) / scale[:, None]
    right = np.where(offsets_px > 0, np.maximum(-slope, 0.0), 0.0) / scale[:, None]
    # A steep edge of a neighbour further out must not beat the vein's own.
    nearness = 0.15 * np.abs(offsets_px) / np.abs(offsets_px).max()
    costs = nearness - np.minimum(np.stack([left, right]), 1.2)
    edges: FloatArray = offsets_px[cheapest_contour(costs)].T
    return edges


def cheapest_contour(cost: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Return the columns of the path of least cost from the first row to the last.

    Parameters
    ----------
    cost
        (n, m), or (k, n, m) for k paths that are found at the same time.

    Returns
    -------
    (n,) or (k, n) columns.
    """
    costs = cost.reshape(-1, *cost.shape[-2:])
    paths, count, width = costs.shape
    moves = np.arange(-_MOVE, _MOVE + 1)
    before = np.clip(np.arange(width) + moves[:, None], 0, width - 1)
    dear = _MOVE_COST * np.abs(moves)[:, None]
    came = np.empty((count, paths, width), dtype=np.int8)
    total = costs[:, 0]
    for row in range(1, count):
        offers = total[:, before] + dear
        best = offers.argmin(axis=1)
        came[row] = best
        total = np.take_along_axis(offers, best[:, None], axis=1)[:, 0] + costs[:, row]
    path = np.empty((paths, count), dtype=np.int64)
    path[:, -1] = total.argmin(axis=1)
    each = np.arange(paths)
    for row in range(count - 1, 0, -1):
        at = path[:, row]
        path[:, row - 1] = before[came[row, each, at], at]
    return path.reshape(cost.shape[:-1])
