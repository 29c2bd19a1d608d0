"""The straightened view: true lengths, right sides, nothing where there is no image."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.centerline.curve import curve_through
from venoseg.centerline.straighten import straighten
from venoseg.volume import FloatArray, Grid


def ramp(grid: Grid, gradient: FloatArray) -> FloatArray:
    """An image whose value is the same linear function of the patient's millimetres everywhere."""
    index = np.stack(np.indices(grid.shape), axis=-1)
    values: FloatArray = grid.to_lps(index) @ gradient
    return values


@pytest.fixture
def grid() -> Grid:
    tilt = np.deg2rad(20.0)
    directions = np.array(
        [[0.0, 0.0, 1.0], [np.sin(tilt), np.cos(tilt), 0.0], [np.cos(tilt), -np.sin(tilt), 0.0]]
    )
    return Grid.from_axes(
        (40, 60, 50),
        spacing_mm=(2.0, 1.0, 1.5),
        origin_lps_mm=(-30.0, 5.0, 20.0),
        directions=directions,
    )


def test_values_are_those_at_the_point_beside_the_curve(grid: Grid) -> None:
    gradient = np.array([0.7, -1.3, 2.1])
    middle = grid.to_lps((np.array(grid.shape) - 1) / 2.0)
    turn = np.linspace(0.0, 1.2, 60)[:, None]
    path = middle + 15.0 * np.hstack([np.cos(turn) - 1.0, np.sin(turn), 0.5 * turn])
    curve = curve_through(path, 1.0)
    offsets = np.linspace(-4.0, 4.0, 9)
    view = straighten(ramp(grid, gradient), grid, curve, curve.across, offsets)
    expected = (curve.points_lps_mm + offsets[:, None, None] * curve.across) @ gradient
    assert view.shape == (9, len(curve))
    np.testing.assert_allclose(view, expected, atol=1e-3)


def test_beyond_the_image_there_is_nothing(grid: Grid) -> None:
    start = grid.to_lps((20, 30, 25))
    path = start + np.linspace(0.0, 10.0, 20)[:, None] * grid.directions[:, 0]
    curve = curve_through(path, 1.0)
    offsets = np.array([0.0, 200.0])
    view = straighten(ramp(grid, np.ones(3)), grid, curve, curve.across, offsets)
    assert np.isfinite(view[0]).all()
    assert np.isnan(view[1]).all()
