"""Turning arrays so that the patient lies the right way round on the screen."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from venoseg.volume import Grid
from venoseg_napari.orientation import turn_for_display

AXES = [
    (order, signs)
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1, -1), repeat=3)
]


@pytest.mark.parametrize(("order", "signs"), AXES)
def test_any_axis_order_is_turned_to_feet_back_left(order, signs):
    directions = np.eye(3)[:, order] * signs
    grid = Grid.from_axes(
        (3, 4, 5), spacing_mm=(2.0, 0.7, 0.9), origin_lps_mm=(10, 20, 30), directions=directions
    )
    turn = turn_for_display(grid)
    np.testing.assert_allclose(turn.grid.directions[:, 0], [0, 0, -1])
    np.testing.assert_allclose(turn.grid.directions[:, 1], [0, 1, 0])
    np.testing.assert_allclose(turn.grid.directions[:, 2], [1, 0, 0])

    # Every voxel keeps its place in the patient.
    index = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
    for axis, place in enumerate(np.moveaxis(grid.to_lps(index), -1, 0)):
        turned_index = np.stack(np.meshgrid(*map(np.arange, turn.grid.shape), indexing="ij"), -1)
        np.testing.assert_allclose(turn(place), turn.grid.to_lps(turned_index)[..., axis])


def test_an_oblique_grid_is_only_turned_never_straightened():
    angle = np.deg2rad(15)
    rotation = np.array(
        [[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]]
    )
    directions = rotation @ np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]])
    grid = Grid.from_axes((3, 4, 5), spacing_mm=(1, 1, 1), directions=directions)
    turned = turn_for_display(grid).grid
    np.testing.assert_allclose(np.abs(turned.directions), np.abs(grid.directions))
    assert turned.directions[2, 0] < 0
