"""Blood that has not mixed is one vein: no border between its streams is a wall."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.segmentation.tubes.following import tube_along
from venoseg.segmentation.tubes.streams import Streams
from venoseg.segmentation.tubes.wall import on_steepest
from venoseg.volume import Grid, Volume

RADIUS_MM = 11.0
STREAMS = Streams(above_mm=-np.inf, artery_hu=160.0)


def cava(left_hu: float, right_hu: float, before_hu: float = -90.0) -> Volume:
    """A round cava in fat along z, above of two streams; in front of it lies ``before_hu``."""
    grid = Grid.from_axes((40, 80, 80), spacing_mm=(2.5, 1.0, 1.0), origin_lps_mm=(-40, -40, 0))
    z, y, x = np.indices(grid.shape)
    streams = np.where(x < 40 + 2, left_hu, right_hu)
    blood = np.where(z < 10, min(left_hu, right_hu), streams)
    share = np.clip(0.5 + RADIUS_MM - np.hypot(x - 40.0, y - 40.0), 0.0, 1.0)
    around = np.where(y < 38, before_hu, -90.0)
    noise = np.random.default_rng(5).normal(0.0, 8.0, grid.shape)
    return Volume((around + (blood - around) * share + noise).round().astype(np.int16), grid)


def area_of(volume: Volume, aside_mm: float, streams: Streams | None) -> float:
    way = np.array([[aside_mm, 0.0, 95.0], [aside_mm, 0.0, 2.5]])
    return float(np.median(tube_along(volume, way, 4.0, -np.inf, streams).area_mm2[5:-30]))


@pytest.mark.parametrize(("left_hu", "right_hu"), [(90.0, 165.0), (150.0, 110.0)])
def test_both_streams_are_one_vein(left_hu, right_hu):
    volume = cava(left_hu, right_hu)
    whole = np.pi * RADIUS_MM**2
    assert area_of(volume, -5.0, None) < 0.8 * whole
    assert area_of(volume, -5.0, STREAMS) == pytest.approx(whole, rel=0.08)


def test_liver_beside_the_cava_is_no_stream():
    volume = cava(130.0, 130.0, before_hu=100.0)
    assert area_of(volume, 0.0, STREAMS) == pytest.approx(np.pi * RADIUS_MM**2, rel=0.1)


def test_below_the_division_of_the_aorta_nothing_is_evened():
    low = Streams(above_mm=200.0, artery_hu=160.0)
    volume = cava(90.0, 165.0)
    assert area_of(volume, -5.0, low) == area_of(volume, -5.0, None)


def test_a_stream_without_contrast_in_the_middle_does_not_make_the_cava_empty():
    volume = cava(165.0, 50.0)
    way = np.array([[6.0, 0.0, 95.0], [6.0, 0.0, 2.5]])
    arterial = Streams(above_mm=-np.inf, artery_hu=300.0)
    assert tube_along(volume, way, 4.0, -np.inf, arterial).level_hu[5:-30].min() > 90.0


def test_a_wall_is_moved_inwards_to_its_step_and_stays_where_none_is_near():
    radii = 0.5 * np.arange(60)
    sampled = np.where(radii < 10.0, 100.0, -80.0).astype(np.float32)
    sampled = np.broadcast_to(sampled, (9, 40, 60))
    for found, true in ((10.8, 9.75), (9.2, 9.2), (5.0, 5.0)):
        moved = on_steepest(sampled, np.full((9, 40), found))
        assert moved == pytest.approx(np.full((9, 40), true), abs=0.3)
