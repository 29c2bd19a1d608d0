"""Which stretch of which course is which vein."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.segmentation.courses.divide import stretches_of
from venoseg.segmentation.courses.plan import Chain
from venoseg.segmentation.tubes.curves import course_through
from venoseg.segmentation.tubes.wall import RAYS, Tube

CAVA = [(-20.0, 0.0, 140.0), (-20.0, 0.0, 0.0)]
ENDS = {"left": (60.0, -40.0, -150.0), "right": (-60.0, -40.0, -150.0)}


def case(side: str) -> tuple[Chain, Tube]:
    points = np.array([*CAVA, ENDS[side]])
    course = course_through(points, 1.0, 2.0)
    count = len(course.points_lps_mm)
    shape = (count, RAYS)
    tube = Tube(course, np.full(shape, 7.0), np.full(count, 150.0), np.full(shape, 100.0))
    return Chain(side, points, (), f"{side}_external_iliac_vein"), tube


def heights(side: str, number: int, joined: tuple[int, int], highest_mm: float) -> dict[str, float]:
    """Return the height at which each vein of a side begins."""
    chain, tube = case(side)
    found = stretches_of(number, chain, tube, joined, highest_mm)
    return {one.vessel: float(tube.course.points_lps_mm[one.start, 2]) for one in found}


def test_iliac_veins_begin_where_their_courses_part():
    found = heights("left", 0, (140, 140), np.inf)
    assert list(found) == ["ivc", "left_iliac_vein"]
    assert found["left_iliac_vein"] == pytest.approx(-0.5, abs=1.5)


def test_courses_that_part_beside_the_kidneys_are_no_iliac_veins_there():
    first = heights("left", 0, (20, 20), 45.0)
    assert first["ivc"] == pytest.approx(140.0, abs=1.0)
    assert first["left_iliac_vein"] == pytest.approx(45.0, abs=1.5)
    # Beside the cava the other course is nothing that has a name.
    second = heights("right", 1, (20, 20), 45.0)
    assert list(second) == ["right_iliac_vein"]
    assert second["right_iliac_vein"] == pytest.approx(45.0, abs=1.5)
