"""An ellipse from two views: right where it is round, honest about what two widths leave open."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.angiography.twoviews import Width, area_from_two_views
from venoseg.errors import MeasurementError


def seen(long_mm: float, short_mm: float, turned: float, view: float) -> Width:
    """The width of an ellipse turned by so many degrees, along a direction in degrees."""
    angle = np.deg2rad(view - turned)
    return Width(float(np.hypot(long_mm * np.cos(angle), short_mm * np.sin(angle))), 0.0)


@pytest.mark.parametrize("apart", [35.0, 60.0, 90.0, 120.0, -90.0])
def test_a_circle_is_found_from_any_two_views(apart: float):
    found = area_from_two_views(Width(12.0, 0.2), Width(12.0, 0.2), apart)
    assert found.area_mm2 == pytest.approx(np.pi * 36, rel=1e-3)
    assert found.shortest_mm == pytest.approx(found.longest_mm, rel=2e-3)
    assert found.low_mm2 < np.pi * 36 < found.high_mm2


def test_axes_along_two_views_at_right_angles_give_the_ellipse():
    found = area_from_two_views(Width(16.0, 0.0), Width(8.0, 0.0), 90.0)
    assert found.area_mm2 == pytest.approx(np.pi / 4 * 16 * 8, rel=1e-4)
    assert (found.longest_mm, found.shortest_mm) == pytest.approx((16.0, 8.0), rel=1e-3)
    assert "elliptic" in found.assumption


@pytest.mark.parametrize("turned", range(0, 180, 15))
@pytest.mark.parametrize("apart", [40.0, 60.0, 90.0])
@pytest.mark.parametrize("short_mm", [4.5, 8.0, 14.0])
def test_the_interval_holds_every_ellipse_as_round_as_assumed(
    turned: int, apart: float, short_mm: float
):
    found = area_from_two_views(
        seen(16, short_mm, turned, 0), seen(16, short_mm, turned, apart), apart
    )
    true = np.pi / 4 * 16 * short_mm
    assert found.low_mm2 * 0.995 <= true <= found.high_mm2 * 1.005


def test_an_uncertain_width_widens_the_interval():
    sure = area_from_two_views(Width(12.0, 0.0), Width(9.0, 0.0), 90.0)
    unsure = area_from_two_views(Width(12.0, 1.0), Width(9.0, 1.0), 90.0)
    assert unsure.low_mm2 < sure.low_mm2 < sure.high_mm2 < unsure.high_mm2


@pytest.mark.parametrize(
    ("widths", "apart", "words"),
    [((12.0, 12.0), 20.0, "degrees apart"), ((12.0, 12.0), 170.0, "degrees apart"),
     ((12.0, 0.0), 90.0, "missing"), ((30.0, 4.0), 90.0, "no ellipse")],
)  # fmt: skip
def test_what_two_views_cannot_tell_is_refused(
    widths: tuple[float, float], apart: float, words: str
):
    with pytest.raises(MeasurementError, match=words):
        area_from_two_views(Width(widths[0], 0.1), Width(widths[1], 0.1), apart)
