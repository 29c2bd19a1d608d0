"""The cheapest way between two points of an image."""

from __future__ import annotations

import numpy as np

from venoseg.errors import MeasurementError
from venoseg.segmentation.working import Float32Array, box_around
from venoseg.volume import FloatArray, Grid

_ASIDE_MM, _BEYOND_MM = 45.0, 35.0


def cheapest_way(
    cost: Float32Array, grid: Grid, start_lps_mm: FloatArray, end_lps_mm: FloatArray
) -> FloatArray:
    """Return the way of least summed cost times length.

    It stays within 45 mm, along the body within 80 mm, of the box around both ends.

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
    from skimage.graph import MCP_Geometric

    ends = np.stack([start_lps_mm, end_lps_mm])
    beyond = np.array([0.0, 0.0, _BEYOND_MM])
    box = box_around(grid, np.concatenate([ends - beyond, ends + beyond]), _ASIDE_MM)
    cost, grid = cost[box], grid.crop(box)
    top = np.array(grid.shape) - 1
    nodes = [
        tuple(int(v) for v in np.clip(np.rint(grid.to_index(point)), 0, top))
        for point in (start_lps_mm, end_lps_mm)
    ]
    sampling = tuple(float(value) for value in grid.spacing_mm)
    finder = MCP_Geometric(np.where(np.isfinite(cost), cost, -1.0), sampling=sampling)
    try:
        finder.find_costs([nodes[0]], [nodes[1]])
        way = np.array(finder.traceback(nodes[1]))
    except ValueError as error:
        raise MeasurementError("no way leads from one end of the vein to the other") from error
    inner = grid.to_lps(way[1:-1]).reshape(-1, 3)
    return np.concatenate([[start_lps_mm], inner, [end_lps_mm]])
