"""The wall of a tube where the image shows none."""

from __future__ import annotations

import numpy as np

from venoseg.segmentation.tubes.wall import RAYS, Expected, wall_around


def test_where_no_wall_shows_the_section_is_as_wide_as_expected():
    same = np.full((30, RAYS, 57), 100.0, np.float32)
    level, tolerance = np.full(30, 100.0), np.full(30, 20.0)
    expected = Expected(np.full(30, 9.0), np.full(30, 0.18))
    radius, _ = wall_around(same, level, tolerance, expected)
    assert np.abs(radius - 9.0).max() < 0.6
