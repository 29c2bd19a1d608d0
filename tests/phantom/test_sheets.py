"""The analytic sections beside a sheet, against sections counted on a fine grid."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.phantom import Curve, Profile, Span, Tube
from venoseg.phantom.sheets import Sheet, channels_beside
from venoseg.phantom.truth import truth_of
from venoseg.phantom.variants import divided_lumen

FIRST_MM, SECOND_MM = 9.0, 6.0


def sheet(thickness_mm: float, aside_mm: float) -> Sheet:
    curve = Curve.through([(0.0, 0.0, 0.0), (0.0, 0.0, -60.0)])
    shape = Profile.along(curve, 0.0, FIRST_MM, SECOND_MM, 0.3)
    tube = Tube(curve, shape, (Span("ivc", 0.0, curve.length_mm),))
    return Sheet(tube, 20.0, 40.0, thickness_mm, aside_mm)


@pytest.mark.parametrize(("thickness_mm", "aside_mm"), [(2.0, 0.0), (1.0, 3.0), (3.0, -4.0)])
def test_both_lumens_are_what_is_left_of_the_ellipse(thickness_mm, aside_mm):
    made = sheet(thickness_mm, aside_mm)
    at = np.linspace(-10.0, 10.0, 801)
    x, y = np.meshgrid(at, at)
    points = np.stack([x.ravel(), y.ravel(), np.full(x.size, -30.0)], axis=-1)
    opened = (made.host.distance(points) < 0) & (made.distance(points) > 0)
    channels = channels_beside(made, FIRST_MM, SECOND_MM)
    assert len(channels) == 2
    counted = opened.sum() * (at[1] - at[0]) ** 2
    assert sum(one.area_mm2 for one in channels) == pytest.approx(counted, rel=0.002)
    for channel in channels:
        assert channel.inscribed_mm <= channel.minimum_mm + 1e-6 <= channel.maximum_mm
        assert channel.perimeter_mm > np.pi * channel.minimum_mm * 0.9


def test_half_an_ellipse_is_known_exactly():
    half = channels_beside(sheet(1e-9, 0.0), FIRST_MM, SECOND_MM)[0]
    assert half.area_mm2 == pytest.approx(np.pi * FIRST_MM * SECOND_MM / 2.0, rel=1e-6)
    assert half.minimum_mm == pytest.approx(FIRST_MM, abs=0.01)
    turn = np.linspace(-np.pi / 2.0, np.pi / 2.0, 2001)
    from_corner = np.hypot(FIRST_MM * np.cos(turn), SECOND_MM * (np.sin(turn) + 1.0))
    assert half.maximum_mm == pytest.approx(from_corner.max(), abs=0.01)


def test_a_sheet_at_the_rim_leaves_one_lumen():
    assert len(channels_beside(sheet(2.0, 8.5), FIRST_MM, SECOND_MM)) == 1


def test_the_truth_of_a_divided_vein_says_two_lumens():
    rows = [
        row
        for row in truth_of(divided_lumen(3)).cross_sections.rows
        if row["lumen_components"] == 2
    ]
    assert len(rows) > 18
    assert {row["vessel"] for row in rows} == {"left_external_iliac_vein"}
