"""Grids that are uneven and askew."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from venoseg.volume import Grid


@pytest.fixture(scope="session")
def askew() -> Grid:
    """1.5 x 0.7 x 0.9 mm voxels, turned about two axes."""
    turn = Rotation.from_euler("xy", (20, -12), degrees=True).as_matrix()
    upright = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    return Grid.from_axes(
        (40, 60, 50),
        spacing_mm=(1.5, 0.7, 0.9),
        origin_lps_mm=(-20.0, 35.0, -400.0),
        directions=turn @ upright,
    )


@pytest.fixture(scope="session")
def upright() -> Grid:
    """1 mm cubes."""
    return Grid.from_axes((40, 50, 60), spacing_mm=(1.0, 1.0, 1.0))
