"""A course that would leave its vein for a collateral round, or beside, a shut stretch."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from venoseg.angiography import Venogram, VenogramOptions, Way, measure_run
from venoseg.angiography.strays import ASTRAY, BRIDGED
from venoseg.dicom.angiogram import Mask

AVERAGE = Mask("AVG_SUB", ((2, 9),), (0, 1))
ALONG = (Way("ivc", np.array([[128.0, 12.0], [128.0, 244.0]])),)


def measured(scene: Any, *veins: Any, ways: Any = ALONG) -> Venogram:
    run = scene.but(veins=veins).run(masks=(AVERAGE,))
    return measure_run(run, VenogramOptions(ways=ways))


def thin(vein: Any, *corners: tuple[float, float]) -> list[Any]:
    """A vessel 9 px wide from corner to corner."""
    return [
        type(vein)(start=a, stop=b, width_px=lambda along: along * 0 + 9.0, opacity=1.0)
        for a, b in pairwise(corners)
    ]


def open_ends(vein: Any, first: float, last: float) -> tuple[Any, Any]:
    return type(vein)(stop=(128.0, first)), type(vein)(start=(128.0, last))


@pytest.mark.parametrize("beside", [24.0, 45.0])
def test_a_collateral_beside_a_shut_stretch_is_not_followed(scene: Any, vein: Any, beside: float):
    """Also one that runs straight, close beside the vein."""
    x = 128.0 + beside
    way = thin(vein, (128.0, 84.0), (x, 90.0), (x, 166.0), (128.0, 172.0))
    found = measured(scene, *open_ends(vein, 88.0, 168.0), *way)
    (projection,) = found.projections
    state = np.array(projection.state)
    shut = np.flatnonzero(state == "occluded")
    assert len(shut) == pytest.approx(80, abs=12)
    assert np.abs(projection.edges.course.points_px[shut, 0] - 128).max() < 3
    assert all(BRIDGED in projection.flags[n] for n in shut[5:-5])
    assert {row["occluded"] for row in found.lesion_table.rows} == {True}
    assert any("only other vessels fill" in words for words in found.warnings)
    assert found.collaterals is not None
    assert found.collaterals.whole > 0.03


def test_a_narrow_stretch_within_the_vein_is_a_stenosis(scene: Any, vein: Any):
    long = type(vein)(
        width_px=lambda along: np.where(np.abs(along - 150) < 40, 11.0, 24.0), opacity=0.6
    )
    found = measured(scene, long)
    (projection,) = found.projections
    assert not any(BRIDGED in flag for flag in projection.flags)
    rows = found.lesion_table.rows
    assert rows
    assert rows[0]["diameter_stenosis_percent"] == pytest.approx(100 * (1 - 11 / 24), abs=3)


def test_a_bent_vein_with_a_long_stenosis_is_followed(scene: Any, vein: Any):
    corners = [(90.0, -20.0), (128.0, 90.0), (140.0, 160.0), (128.0, 280.0)]
    widths = (24.0, 12.0, 24.0)
    parts = [
        type(vein)(start=a, stop=b, width_px=lambda along, w=w: along * 0 + w)
        for a, b, w in zip(corners[:-1], corners[1:], widths, strict=True)
    ]
    ways = (Way("ivc", np.array([[100.0, 12.0], [132.0, 240.0]])),)
    (projection,) = measured(scene, *parts, ways=ways).projections
    assert not any(BRIDGED in flag for flag in projection.flags)


def test_a_course_that_ends_in_a_vessel_that_turns_away(scene: Any, vein: Any):
    below = open_ends(vein, 0.0, 140.0)[1]
    away = thin(vein, (128.0, 144.0), (190.0, 120.0), (190.0, 20.0))
    ways = (Way("ivc", np.array([[190.0, 24.0], [128.0, 244.0]])),)
    (projection,) = measured(scene, below, *away, ways=ways).projections
    assert ASTRAY in projection.flags[40]
    assert projection.state[40] == "not_assessable"
    assert np.isfinite(projection.diameter_px[-60:-10]).all()


def test_a_bridge_that_other_vessels_cover_is_not_called_shut(scene: Any, vein: Any):
    """A vessel in front of the whole line: nobody can see whether the vein is open."""
    x = 128.0 + 45
    way = thin(vein, (128.0, 84.0), (x, 90.0), (x, 166.0), (128.0, 172.0))
    over = type(vein)(
        start=(128.0, 100.0),
        stop=(128.0, 160.0),
        width_px=lambda along: along * 0 + 8.0,
        opacity=0.35,
    )
    (projection,) = measured(scene, *open_ends(vein, 88.0, 168.0), over, *way).projections
    assert "occluded" not in projection.state
