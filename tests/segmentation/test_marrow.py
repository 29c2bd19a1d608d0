"""What looks like a vein inside a bone is left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from venoseg.segmentation import VesselConfidence
from venoseg.segmentation.context.scene import Scene
from venoseg.segmentation.courses.divide import Stretch
from venoseg.segmentation.landmarks.arterial import Artery
from venoseg.segmentation.landmarks.iliac import Iliac
from venoseg.segmentation.trust.judging import Judged
from venoseg.segmentation.trust.marrow import in_bone, out_of_bones
from venoseg.segmentation.tubes.curves import course_through
from venoseg.segmentation.tubes.wall import RAYS, Tube
from venoseg.segmentation.voxels.domains import Picture
from venoseg.volume import Grid

GRID = Grid.from_axes((75, 40, 40), spacing_mm=(2.0, 2.0, 2.0), origin_lps_mm=(-40, -40, 0))
COURSE = course_through(np.array([[0.0, 0.0, 140.0], [0.0, 0.0, 5.0]]), 1.5, 3.0)
BLOOD_HU, BONE_HU = 120.0, 260.0


def tube(outwards_hu: float = 90.0) -> Tube:
    """A vein of 6 mm, and how much what lies behind its wall is darker."""
    shape = (len(COURSE.points_lps_mm), RAYS)
    steps = np.full(shape, outwards_hu)
    return Tube(COURSE, np.full(shape, 6.0), np.full(shape[0], BLOOD_HU), steps)


def picture(front_mm: float) -> Picture:
    """Fat with a bone of 48 mm, marrow as bright as blood, between 50 and 90 mm."""
    z, y, x = np.moveaxis(GRID.to_lps(np.moveaxis(np.indices(GRID.shape), 0, -1)), -1, 0)[::-1]
    image = np.full(GRID.shape, -100.0, dtype=np.float32)
    image[np.hypot(x, y) < 6.0] = BLOOD_HU
    deep = np.minimum(y - front_mm, 24.0 - np.abs(x))
    vertebra = (np.abs(z - 70.0) < 20.0) & (deep > 0)
    image[vertebra] = np.where(deep < 3.0, BONE_HU, BLOOD_HU)[vertebra]
    return Picture(image, image, GRID)


def runs_in_bone(front_mm: float) -> np.ndarray:
    """Heights at which a vein does, of a bone that begins so far behind its middle."""
    heights: np.ndarray = COURSE.points_lps_mm[in_bone(tube(), picture(front_mm)), 2]
    return heights


def test_a_course_in_marrow_is_told_by_the_bone_before_it():
    inside = runs_in_bone(-10.0)
    assert inside.max() == pytest.approx(100.0, abs=4.0)
    assert inside.min() == pytest.approx(40.0, abs=4.0)


def test_a_vein_on_the_front_of_a_bone_is_none():
    assert len(runs_in_bone(6.0)) == 0


def test_wires_around_a_vein_are_no_bone():
    assert not in_bone(tube(-200.0), picture(-10.0)).any()


def test_calcium_in_an_artery_that_runs_before_it_is_no_bone():
    bare = picture(6.0)
    z, y, x = np.moveaxis(GRID.to_lps(np.moveaxis(np.indices(GRID.shape), 0, -1)), -1, 0)[::-1]
    image = bare.mean_hu.copy()
    image[(np.hypot(x, y) >= 6.0) & (np.hypot(x, y) < 18.0)] = 60.0
    calcified = (np.hypot(x, y + 12.0) < 6.0) & (np.abs(z - 70.0) < 20.0)
    image[calcified] = 600.0
    beside = Picture(image, image, GRID)
    along = np.arange(44.0, 97.0, 2.0)
    artery = Artery(np.column_stack([along * 0, along * 0 - 12.0, along]), along * 0 + 5.0)
    assert in_bone(tube(), beside).any()
    assert not in_bone(tube(), beside, artery.covers(GRID, 1.5)).any()


def test_bowel_with_contrast_before_a_vein_is_no_bone():
    z, y, _ = np.moveaxis(GRID.to_lps(np.moveaxis(np.indices(GRID.shape), 0, -1)), -1, 0)[::-1]
    image = picture(6.0).mean_hu.copy()
    image[(y < -10.0) & (np.abs(z - 70.0) < 20.0)] = 350.0
    assert not in_bone(tube(), Picture(image, image, GRID)).any()


@pytest.mark.parametrize(("vessel", "left_out"), [("left_iliac_vein", True), ("ivc", False)])
def test_an_iliac_vein_is_not_drawn_there_and_is_doubted(vessel, left_out):
    count = len(COURSE.points_lps_mm)
    confidence = VesselConfidence(vessel, 1.0)
    whole = Judged(Stretch(0, vessel, 0, count), np.ones(count, bool), (), confidence, True)
    scene = replace(Scene(picture(-10.0)), iliac=Iliac(()))
    (found,) = out_of_bones([whole], [tube()], scene)
    middle = np.abs(COURSE.points_lps_mm[:, 2] - 70.0) < 20.0
    assert found.open_stations[middle].any() != left_out
    assert found.open_stations[COURSE.points_lps_mm[:, 2] < 30.0].all()
    assert (found.confidence.confidence < 0.3) == left_out
    assert any("runs through bone" in reason for reason in found.confidence.reasons) == left_out
