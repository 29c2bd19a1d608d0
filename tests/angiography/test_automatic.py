"""Finding the main vessel without seeds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from venoseg.angiography.automatic import main_vessel_path
from venoseg.errors import MeasurementError


def drawn(*lines: tuple[tuple[float, float], tuple[float, float]]) -> np.ndarray:
    """Return a picture of veins 16 pixels wide along lines from (column, row) to (column, row)."""
    empty = np.ones((300, 300), dtype=bool)
    for (column, row), (end_column, end_row) in lines:
        steps = np.linspace(0.0, 1.0, 600)
        columns = np.rint(column + steps * (end_column - column)).astype(int)
        rows = np.rint(row + steps * (end_row - row)).astype(int)
        empty[rows, columns] = False
    picture = np.clip(8.0 - ndimage.distance_transform_edt(empty), 0.0, None)
    return (picture + np.random.default_rng(1).normal(0, 0.05, picture.shape)).astype(np.float32)


def test_a_single_vein_is_followed_from_its_upper_end():
    path = main_vessel_path(drawn(((150, 20), (120, 280))), np.ones((300, 300), dtype=bool))
    assert path[0, 1] < 60
    assert path[-1, 1] > 240
    expected = np.interp(path[:, 1], [20, 280], [150, 120])
    assert np.abs(path[:, 0] - expected).mean() < 1.0


def test_the_way_from_one_limb_into_the_other_is_refused():
    """A short trunk over two long limbs: the longest way leads round the confluence."""
    picture = drawn(((150, 60), (150, 20)), ((150, 60), (60, 280)), ((150, 60), (240, 280)))
    with pytest.raises(MeasurementError, match="several veins"):
        main_vessel_path(picture, np.ones((300, 300), dtype=bool))
