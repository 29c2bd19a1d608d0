"""The cheapest way between two points of an image."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from venoseg.errors import MeasurementError
from venoseg.segmentation.working import Box, Float32Array, box_around, box_of
from venoseg.volume import FloatArray, Grid

# So far aside of both ends it may lead, and so far beyond them along the body.
_ASIDE_MM, _BEYOND_MM = 45.0, 35.0
# It is sought so near to both ends first, where most ways stay.
_NEAR_MM = 20.0
# An iliac vein leads so far aside on its way down; where it goes on is told over so much height.
_LEANING_MM, _STRETCH_MM, _MIDDLE_MM = 80.0, 12.0, 8.0


def cheapest_way(
    cost: Float32Array, grid: Grid, start_lps_mm: FloatArray, end_lps_mm: FloatArray
) -> FloatArray:
    """Return the way of least summed cost times length.

    It stays within 45 mm, along the body within 35 mm, of the box around both ends.

    Parameters
    ----------
    cost
        (slices, rows, columns), above 0; infinity is a wall.
    grid
        The place of ``cost``.
    start_lps_mm, end_lps_mm
        (3,) points inside the grid.

    Returns
    -------
    FloatArray
        (n, 3) LPS points, from start to end, both included.

    Raises
    ------
    MeasurementError
        When walls part the two.
    """
    ends = np.stack([start_lps_mm, end_lps_mm])
    box = box_around(grid, ends, np.array([_ASIDE_MM, _ASIDE_MM, _BEYOND_MM]))
    cost, grid = cost[box], grid.crop(box)
    near = box_around(grid, ends, _NEAR_MM)
    part, place = cost[near], grid.crop(near)
    found = _way_within(part, place, ends)
    least = float(cost.min())
    # Whatever leaves the surroundings is so long that it cannot cost less.
    if found is None or found[1] >= least * _least_outside_mm(grid, near, ends):
        box = box_of(grid) if found is None else _box_of_ways(grid, ends, found[1] / least)
        found = _way_within(cost[box], grid.crop(box), ends)
    if found is None:
        raise MeasurementError("no way leads from one end of the vein to the other")
    return np.concatenate([[start_lps_mm], found[0], [end_lps_mm]])


def _way_within(
    cost: Float32Array, grid: Grid, ends_lps_mm: FloatArray
) -> tuple[FloatArray, float] | None:
    """Return the points between two ends on the cheapest way, and what it costs, if any leads."""
    from skimage.graph import MCP_Geometric

    top = np.array(grid.shape) - 1
    first, last = (
        tuple(int(v) for v in np.clip(np.rint(grid.to_index(point)), 0, top))
        for point in ends_lps_mm
    )
    sampling = tuple(float(value) for value in grid.spacing_mm)
    finder = MCP_Geometric(np.where(np.isfinite(cost), cost, -1.0), sampling=sampling)
    try:
        total, _ = finder.find_costs([first], [last])
        way = np.array(finder.traceback(last))
    except ValueError:
        return None
    return grid.to_lps(way[1:-1]).reshape(-1, 3), float(total[last])


def _box_of_ways(grid: Grid, ends_lps_mm: FloatArray, longest_mm: float) -> Box:
    """Return the box of a grid that holds all ways between two points up to a length."""
    # A way leads beyond both ends by half of what it is longer than they are apart, at most; its
    # own ends are voxels, as much as half of one beside them.
    beyond = 0.5 * (longest_mm - np.abs(ends_lps_mm[1] - ends_lps_mm[0]))
    return box_around(grid, ends_lps_mm, np.maximum(beyond, 0.0) + grid.spacing_mm.max())


def _least_outside_mm(grid: Grid, box: Box, ends_lps_mm: FloatArray) -> float:
    """Return how long a way between two points is at least that leaves a box of a grid."""
    index = np.clip(np.rint(grid.to_index(ends_lps_mm)), 0, np.array(grid.shape) - 1)
    apart = np.abs(index[1] - index[0]) * grid.spacing_mm
    least = np.inf
    for axis, side in enumerate(box):
        along = float(np.linalg.norm(np.delete(apart, axis)))
        for edge, border in ((side.start - 1, -1), (side.stop, grid.shape[axis])):
            if edge != border:
                away = float(np.abs(index[:, axis] - edge).sum()) * float(grid.spacing_mm[axis])
                least = min(least, float(np.hypot(away, along)))
    return least


def lowest_reached(
    cost: Float32Array, grid: Grid, start_lps_mm: FloatArray, most: float
) -> FloatArray | None:
    """Return where the cheapest way down the body stops being cheap.

    Parameters
    ----------
    cost
        (slices, rows, columns) of an upright grid, slices to the head, above 0.
    grid
        The place of ``cost``.
    start_lps_mm
        (3,) where the way begins.
    most
        What a millimetre of height may cost, over `_STRETCH_MM`, where it goes on.

    Returns
    -------
    FloatArray or None
        (3,) in the middle of what is cheap there; None where nothing goes on.
    """
    from skimage.graph import MCP_Geometric

    low = grid.to_lps([0, 0, 0])[2]
    corners = np.array([start_lps_mm, [*start_lps_mm[:2], low]])
    k, j, i = box_around(grid, corners, _LEANING_MM)
    top = int(np.rint(grid.to_index(start_lps_mm)[0]))
    box = (slice(k.start, min(top + 1, k.stop)), j, i)
    part, place = cost[box], grid.crop(box)
    last = np.array(part.shape) - 1
    node = tuple(int(v) for v in np.clip(np.rint(place.to_index(start_lps_mm)), 0, last))
    sampling = tuple(float(value) for value in place.spacing_mm)
    total, _ = MCP_Geometric(part, sampling=sampling).find_costs([node])
    least = total.reshape(len(total), -1).min(axis=1)[::-1]
    stretch = max(1, round(_STRETCH_MM / sampling[0]))
    rise = (least[stretch:] - least[:-stretch]) / (stretch * sampling[0])
    dear = np.flatnonzero(rise > most)
    count = int(dear[0]) if len(dear) else len(least) - 1
    if count == 0:
        return None
    end = len(total) - 1 - count
    cheap = part[end] <= most
    row, column = np.unravel_index(int(np.argmin(total[end])), total[end].shape)
    depth = ndimage.distance_transform_edt(np.pad(cheap, 1), sampling=sampling[1:])[1:-1, 1:-1]
    rows, columns = np.ogrid[: depth.shape[0], : depth.shape[1]]
    away = np.hypot((rows - row) * sampling[1], (columns - column) * sampling[2])
    row, column = np.unravel_index(int(np.argmax(depth * (away <= _MIDDLE_MM))), depth.shape)
    return place.to_lps(np.array([end, row, column]))
