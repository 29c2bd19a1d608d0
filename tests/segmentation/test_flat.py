"""Flat veins are found whole, wherever in them the course begins."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.segmentation.tubes.flat import no_stretch, on_round_rays, stretch_of
from venoseg.segmentation.tubes.following import tube_along
from venoseg.segmentation.tubes.wall import RAYS, ROUND
from venoseg.volume import Grid, Volume

ANGLE = 2 * np.pi * np.arange(RAYS) / RAYS


def ellipse(half_length: float, half_width: float, turned: float) -> np.ndarray:
    """(1, RAYS) distance of an ellipse's wall from its middle."""
    along, across = np.cos(ANGLE - turned), np.sin(ANGLE - turned)
    return (1.0 / np.hypot(along / half_length, across / half_width))[None]


def vein(half_length: float, half_width: float, lean: tuple[float, float] = (0, 0)) -> Volume:
    """A vein of 120 HU in fat along z, which leans to x and y above 50 mm."""
    grid = Grid.from_axes((40, 60, 80), spacing_mm=(2.0, 1.0, 1.0), origin_lps_mm=(-40, -30, 0))
    k, y, x = np.indices(grid.shape)
    up = np.maximum(2.0 * k - 50.0, 0.0)
    x, y = x - 40.0 - lean[0] * up, y - 30.0 - lean[1] * up
    away = np.hypot(x / half_length, y / half_width)
    # The edge is a millimetre wide, as a CT's.
    share = np.clip(0.5 + (1.0 - away) * half_width, 0.0, 1.0)
    noise = np.random.default_rng(3).normal(0.0, 8.0, grid.shape)
    return Volume((-90.0 + 210.0 * share + noise).round().astype(np.int16), grid)


@pytest.mark.parametrize(
    ("half_length", "half_width", "off_mm"), [(18.0, 4.5, 10.0), (18.0, 4.5, 0.0), (9.0, 9.0, 4.0)]
)
def test_a_vein_is_found_whole(half_length, half_width, off_mm):
    way = np.array([[off_mm, 0.0, 76.0], [off_mm, 0.0, 2.0]])
    tube = tube_along(vein(half_length, half_width), way, 4.0, -np.inf)
    inner = tube.area_mm2[10:-10]
    assert np.median(inner) == pytest.approx(np.pi * half_length * half_width, rel=0.08)
    assert inner.min() > 0.85 * np.pi * half_length * half_width


@pytest.mark.parametrize(
    ("lean", "off_mm", "aside_mm"),
    [((0.15, 0.2), 10.0, 0.0), ((-0.2, 0.1), 10.0, 4.0)],
)
def test_a_flat_vein_whose_course_comes_to_lean_to_another_side_is_found_whole(
    lean, off_mm, aside_mm
):
    # Another axis lies across the course once it has moved into the middle.
    top = [off_mm + aside_mm + 26.0 * lean[0], 26.0 * lean[1], 76.0]
    way = np.array([top, [off_mm, 0.0, 50.0], [off_mm, 0.0, 2.0]])
    tube = tube_along(vein(18.0, 4.5, lean), way, 4.0, -np.inf)
    assert tube.area_mm2[10:-10].min() > 0.85 * np.pi * 18.0 * 4.5


def test_rays_are_stretched_along_a_flat_section_until_it_looks_round():
    radius = np.repeat(ellipse(12.0, 4.0, 0.6), 30, axis=0)
    stretched = stretch_of(radius, np.ones(30, dtype=bool), 1.5)
    assert 2.0 < stretched.factor[15] < 3.0
    longest = stretched.rays_mm[15][np.argmax(np.linalg.norm(stretched.rays_mm[15], axis=1))]
    assert abs(np.arctan2(longest[1], longest[0]) % np.pi - 0.6) < 0.1


def test_a_round_section_and_one_that_may_be_two_vessels_are_not_stretched():
    for radius, flat in ((ellipse(8.0, 8.0, 0.0), True), (ellipse(12.0, 4.0, 0.0), False)):
        stretched = stretch_of(np.repeat(radius, 30, axis=0), np.full(30, flat), 1.5)
        assert stretched.rays_mm == pytest.approx(np.broadcast_to(ROUND, (30, RAYS, 2)), abs=0.02)


def test_what_is_found_on_stretched_rays_lies_at_the_same_place_on_round_ones():
    wall = np.repeat(ellipse(14.0, 5.0, 0.9), 30, axis=0)
    stretched = stretch_of(wall, np.ones(30, dtype=bool), 1.5)
    away = np.linalg.norm(stretched.rays_mm, axis=2)
    angle = np.arctan2(stretched.rays_mm[:, :, 1], stretched.rays_mm[:, :, 0])
    on_wall = 1.0 / np.hypot(np.cos(angle - 0.9) / 14.0, np.sin(angle - 0.9) / 5.0)
    found, steps = on_round_rays(stretched, on_wall / away, np.full(away.shape, 80.0))
    assert found == pytest.approx(wall, rel=0.03)
    assert steps == pytest.approx(np.full(away.shape, 80.0))
    same, *_ = on_round_rays(no_stretch(30), wall)
    assert same == pytest.approx(wall)
