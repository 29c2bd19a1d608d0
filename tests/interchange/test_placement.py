"""Masks on another grid than the image."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from venoseg.interchange.placement import place
from venoseg.interchange.structures import Structure
from venoseg.volume import Grid


def ball(grid: Grid, centre_lps_mm, radius_mm: float):
    index = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
    return np.linalg.norm(grid.to_lps(index) - centre_lps_mm, axis=-1) <= radius_mm


def whole(placed, grid: Grid):
    fraction = np.zeros(grid.shape, dtype=np.float32)
    fraction[placed.box] = placed.fraction
    return fraction


TURNS = [
    (order, signs)
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1, -1), repeat=3)
]


@settings(max_examples=30, deadline=None)
@given(turn=st.sampled_from(TURNS), seed=st.integers(0, 1000))
def test_a_turned_or_mirrored_mask_lands_on_the_very_same_voxels(turn, seed):
    order, signs = turn
    grid = Grid.from_axes((6, 9, 7), spacing_mm=(2.5, 0.7, 0.8), origin_lps_mm=(3, -70, 11))
    mask = np.random.default_rng(seed).random(grid.shape) > 0.6
    turned = mask.transpose(order)[tuple(slice(None, None, s) for s in signs)]
    corner = [0 if s > 0 else n - 1 for s, n in zip(signs, turned.shape, strict=True)]
    index = np.zeros(3)
    index[list(order)] = corner
    other = Grid.from_axes(
        turned.shape,
        spacing_mm=grid.spacing_mm[list(order)],
        origin_lps_mm=grid.to_lps(index),
        directions=grid.directions[:, order] * signs,
    )
    placed = place(Structure("ivc", "vein", turned, other), grid)
    assert placed is not None
    assert not placed.resampled
    assert not placed.cut
    np.testing.assert_array_equal(whole(placed, grid), mask)


@pytest.mark.parametrize("spacing_mm", [(0.8, 0.8, 0.8), (3.0, 1.0, 1.2), (3.0, 2.0, 2.0)])
def test_a_resampled_ball_keeps_its_place_and_size(spacing_mm):
    angle = np.deg2rad(20)
    source = Grid.from_axes(
        (40, 44, 48),
        spacing_mm=(1.5, 1.3, 1.2),
        origin_lps_mm=(-20, -25, -30),
        directions=np.array(
            [
                [0, np.sin(angle), np.cos(angle)],
                [0, np.cos(angle), -np.sin(angle)],
                [-1, 0, 0],
            ]
        ),
    )
    centre = source.to_lps((20, 22, 24))
    half = np.array(spacing_mm)[::-1] * 24.5
    image = Grid.from_axes((50, 50, 50), spacing_mm=spacing_mm, origin_lps_mm=centre - half)
    placed = place(Structure("ivc", "vein", ball(source, centre, 15.0), source), image)
    assert placed is not None
    assert placed.resampled
    inside = whole(placed, image) >= 0.5
    found_centre = image.to_lps(np.argwhere(inside).mean(axis=0))
    assert np.linalg.norm(found_centre - centre) < 0.1
    volume_mm3 = inside.sum() * image.voxel_volume_mm3
    assert volume_mm3 == pytest.approx(4 / 3 * np.pi * 15.0**3, rel=0.02)


def test_a_mask_that_reaches_beyond_the_image_is_cut_and_says_so():
    grid = Grid.from_axes((4, 4, 4), spacing_mm=(1, 1, 1))
    beyond = Grid.from_axes((4, 4, 4), spacing_mm=(1, 1, 1), origin_lps_mm=(2, 0, 0))
    placed = place(Structure("ivc", "vein", np.ones((4, 4, 4), bool), beyond), grid)
    assert placed is not None
    assert placed.cut
    assert whole(placed, grid).sum() == 4 * 4 * 2


def test_a_mask_beside_the_image_is_not_placed():
    grid = Grid.from_axes((4, 4, 4), spacing_mm=(1, 1, 1))
    beside = Grid.from_axes((4, 4, 4), spacing_mm=(1, 1, 1), origin_lps_mm=(50, 0, 0))
    assert place(Structure("ivc", "vein", np.ones((4, 4, 4), bool), beside), grid) is None
