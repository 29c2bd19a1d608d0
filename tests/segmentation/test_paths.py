"""The cheapest way between two points, sought near to them first."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.graph import MCP_Geometric

from venoseg.segmentation.voxels.paths import cheapest_way
from venoseg.volume import Grid

GRID = Grid.from_axes((30, 60, 60), spacing_mm=(2.0, 2.0, 2.0), origin_lps_mm=(0, 0, 0))
FIRST, LAST = (15, 30, 10), (15, 30, 50)


def detour() -> np.ndarray:
    """Dear but for a channel that leads 36 mm aside of the two points."""
    cost = np.full(GRID.shape, 10.0, dtype=np.float32)
    cost[15, 30:49, [10, 50]] = cost[15, 48, 10:51] = 0.5
    return cost


def rough() -> np.ndarray:
    return np.random.default_rng(0).uniform(2.0, 5.0, GRID.shape).astype(np.float32)


@pytest.mark.parametrize("cost", [detour(), rough()], ids=["detour", "rough"])
def test_it_is_the_cheapest_of_all(cost):
    way = cheapest_way(cost, GRID, GRID.to_lps(FIRST), GRID.to_lps(LAST))
    finder = MCP_Geometric(cost, sampling=(2.0, 2.0, 2.0))
    finder.find_costs([FIRST], [LAST])
    assert (GRID.to_index(way) == np.array(finder.traceback(LAST))).all()
