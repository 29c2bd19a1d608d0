"""A cava whose outline is no oval is doubted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from venoseg.segmentation.cava.outlines import of_outline
from venoseg.segmentation.tubes.curves import course_through
from venoseg.segmentation.tubes.sections import unlike_ovals
from venoseg.segmentation.tubes.wall import RAYS, ROUND, Tube
from venoseg.volume import FloatArray

COURSE = course_through(np.array([[0.0, 0.0, 90.0], [0.0, 0.0, 0.0]]), 1.5, 3.0)
COUNT = len(COURSE.points_lps_mm)
ANGLE = np.arctan2(ROUND[:, 1], ROUND[:, 0])
OVAL = 1.0 / np.hypot(ROUND[:, 0] / 15.0, ROUND[:, 1] / 6.0)
SQUARE = 8.0 / np.abs(ROUND).max(axis=1)
# A corner between a fissure, the aorta and a cava that is shut, as of the caudate lobe.
LOBE = 9.0 + 2.5 * np.cos(3.0 * ANGLE)


def drawn(outline: FloatArray) -> Tube:
    radius = np.tile(outline, (COUNT, 1))
    return Tube(COURSE, radius, np.full(COUNT, 110.0), np.full((COUNT, RAYS), 60.0))


def everywhere(tube: Tube) -> list[tuple[float, str]]:
    return list(of_outline(tube, np.ones(COUNT, dtype=bool)))


def test_an_ellipse_is_like_itself_wherever_it_is_seen_from():
    turn = np.linspace(0, 2 * np.pi, 721)
    x, y = 15.0 * np.cos(turn) + 4.0, 6.0 * np.sin(turn)
    aside = np.interp(ANGLE, np.arctan2(y, x), np.hypot(x, y), period=2 * np.pi)
    assert (unlike_ovals(np.stack([OVAL, aside])) < 0.03).all()


def test_a_square_differs_from_its_circle_by_what_lies_between_them():
    # The circle of the same second moments has a radius of the side by the root of 3.
    assert unlike_ovals(SQUARE[None])[0] == pytest.approx(0.194, abs=0.01)


@pytest.mark.parametrize("outline", [SQUARE, LOBE], ids=["square", "lobe"])
def test_what_has_corners_is_no_sure_cava(outline):
    ((value, words),) = everywhere(drawn(outline))
    assert value < 0.2
    assert "differs from an oval" in words
    assert "at z 90 to 0 mm" in words


def test_a_flat_cava_is_sure():
    assert not everywhere(drawn(OVAL))


def test_sections_that_were_completed_or_hold_no_lumen_tell_nothing():
    tube = replace(drawn(LOBE), completed=np.ones(COUNT, dtype=bool))
    assert not everywhere(tube)
    assert not list(of_outline(drawn(LOBE), np.zeros(COUNT, dtype=bool)))
