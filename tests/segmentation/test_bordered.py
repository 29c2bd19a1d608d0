"""A cava of which a stream was left out is doubted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from venoseg.segmentation.cava.bordered import left_out, of_streams
from venoseg.segmentation.tubes.curves import course_through
from venoseg.segmentation.tubes.wall import RAYS, ROUND, Tube
from venoseg.segmentation.voxels.domains import Picture
from venoseg.volume import Grid

GRID = Grid.from_axes((60, 40, 40), spacing_mm=(2.0, 2.0, 2.0), origin_lps_mm=(-40, -40, 0))
COURSE = course_through(np.array([[0.0, 0.0, 100.0], [0.0, 0.0, 10.0]]), 1.5, 3.0)
RADIUS_MM, BORDER_MM, BRIGHT_HU, MOST_HU = 11.0, 3.0, 170.0, 200.0


def picture(stream_hu: float, around_hu: float) -> Picture:
    """A cava whose blood is darker on the left, beyond the border."""
    _, y, x = np.moveaxis(GRID.to_lps(np.moveaxis(np.indices(GRID.shape), 0, -1)), -1, 0)[::-1]
    blood = np.where(x > BORDER_MM, stream_hu, BRIGHT_HU)
    image = np.where(np.hypot(x, y) < RADIUS_MM, blood, around_hu).astype(np.float32)
    return Picture(image, image, GRID)


def drawn(whole: bool) -> Tube:
    """The cava, or of it what lies right of the border."""
    to_left = (ROUND[:, :1] * COURSE.first[0] + ROUND[:, 1:] * COURSE.second[0])[:, 0]
    border = BORDER_MM / np.maximum(to_left, 1e-3)
    radius = np.full(RAYS, RADIUS_MM) if whole else np.minimum(RADIUS_MM, border)
    count = len(COURSE.points_lps_mm)
    step = np.full((count, RAYS), 60.0)
    return Tube(COURSE, np.tile(radius, (count, 1)), np.full(count, BRIGHT_HU), step)


def doubts(tube: Tube, shown: Picture) -> list[tuple[float, str]]:
    return list(of_streams(tube, np.ones(len(tube.level_hu), dtype=bool), shown, MOST_HU))


@pytest.mark.parametrize("stream_hu", [80.0, 120.0])
def test_a_stream_that_was_left_out_raises_doubt(stream_hu):
    ((value, words),) = doubts(drawn(whole=False), picture(stream_hu, -90.0))
    assert value < 0.6
    assert "another grey value" in words


def test_little_more_of_it_than_vessels_beside_a_cava_raises_little_doubt():
    part, whole = drawn(whole=False), drawn(whole=True)

    def doubt_along(stations: int) -> float:
        left_out = np.arange(len(part.level_hu))[:, None] < stations
        radius = np.where(left_out, part.radius_mm, whole.radius_mm)
        found = doubts(replace(whole, radius_mm=radius), picture(80.0, -90.0))
        return found[0][0] if found else 1.0

    values = np.array([doubt_along(n) for n in range(len(part.level_hu))])
    assert values[0] == 1.0
    assert values[-1] < 0.6
    assert (np.diff(values) > -0.1).all()


def test_a_cava_with_both_streams_is_sure():
    assert not doubts(drawn(whole=True), picture(80.0, -90.0))


@pytest.mark.parametrize("liver_hu", [80.0, 120.0])
def test_liver_around_a_cava_is_no_stream(liver_hu):
    assert not doubts(drawn(whole=True), picture(BRIGHT_HU, liver_hu))


def test_a_cava_without_open_stations_raises_no_doubt():
    tube = drawn(whole=False)
    nowhere = np.zeros(len(tube.level_hu), dtype=bool)
    assert not list(of_streams(tube, nowhere, picture(80.0, -90.0), MOST_HU))


def test_where_a_stream_was_left_out_is_told():
    part, whole = drawn(whole=False), drawn(whole=True)
    assert left_out(part, picture(80.0, -90.0), MOST_HU).all()
    assert not left_out(whole, picture(80.0, -90.0), MOST_HU).any()
    # What lies beside it goes on: liver.
    assert not left_out(part, picture(80.0, 80.0), MOST_HU).any()
