"""Whose blood it is, where an artery and a vein touch without a wall between them."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.segmentation.painting import without_arteries
from venoseg.segmentation.voxels.domains import Picture, lead_of_arteries
from venoseg.segmentation.voxels.drawn import Drawn
from venoseg.volume import Grid

ARTERY, VEIN = slice(10, 15), slice(15, 21)


def touching() -> Picture:
    """Two square vessels side by side, from the feet to the head, in fat."""
    grid = Grid.from_axes((40, 30, 30), spacing_mm=(2.0, 2.0, 2.0), origin_lps_mm=(0, 0, 0))
    image = np.full(grid.shape, -90.0, dtype=np.float32)
    image[:, 10:16, ARTERY] = 160.0
    image[:, 10:16, VEIN] = 110.0
    return Picture(image, image, grid)


NO_BONES = np.zeros(touching().grid.shape, dtype=bool)


def column(picture: Picture, i: float) -> np.ndarray:
    return picture.grid.to_lps(np.array([(k, 12, i) for k in range(34, 39)], dtype=float))


def test_each_comes_first_in_its_own_blood():
    picture = touching()
    lead = lead_of_arteries(
        picture, column(picture, 12), 160.0, column(picture, 18), np.empty((0, 3)), NO_BONES
    )
    assert (lead[:30, 11:15, 10:14] > 0).all()
    assert (lead[:30, 11:15, 16:20] < 0).all()
    assert np.isneginf(lead[:, 0, 0]).all()


def test_blood_sets_out_from_a_seed_farther_down_before_it_can_have_come_there():
    picture = touching()
    low = picture.grid.to_lps(np.array([(8, 12, 18)], dtype=float))
    without, having = (
        lead_of_arteries(picture, column(picture, 12), 160.0, column(picture, 18), ends, NO_BONES)
        for ends in (np.empty((0, 3)), low)
    )
    # 52 mm below the others, a fifth of that ahead; above it nothing changes.
    assert without[2, 12, 18] - having[2, 12, 18] == pytest.approx(0.2 * 52.0, abs=1.5)
    assert having[30, 12, 18] == pytest.approx(without[30, 12, 18])


def test_no_blood_comes_through_bone_that_is_as_bright():
    picture = touching()
    bones = NO_BONES.copy()
    bones[20:24] = True
    through, around = (
        lead_of_arteries(
            picture, column(picture, 12), 160.0, column(picture, 18), np.empty((0, 3)), where
        )
        for where in (NO_BONES, bones)
    )
    assert np.isfinite(through[:30, 11:15, 10:14]).all()
    assert np.isneginf(around[:24, 11:15, 10:14]).all()
    assert (around[24:30, 11:15, 10:14] == through[24:30, 11:15, 10:14]).all()


def left_beside_arteries(
    labels: np.ndarray, picture: Picture, perhaps: np.ndarray, artery_hu: float, vessel: str
) -> np.ndarray:
    """Return what is left of a vein's labels without what is as bright as arteries."""
    drawn = Drawn(picture.grid, np.argwhere(labels), labels[labels > 0])
    return without_arteries(drawn, picture, perhaps, artery_hu, [vessel]).labels


def test_a_voxel_of_noise_in_a_vein_is_no_artery():
    picture = touching()
    picture.mean_hu[20, 12, 18] = 160.0
    labels = np.zeros(picture.grid.shape, dtype=np.uint8)
    labels[:, 10:16, VEIN] = 1
    perhaps = np.ones(labels.shape, dtype=bool)
    labels = left_beside_arteries(labels, picture, perhaps, 160.0, "ivc")
    assert labels[20, 12, 18] == 1


def test_what_is_as_bright_as_an_artery_is_taken_from_a_vein_beside_it():
    picture = touching()
    labels = np.zeros(picture.grid.shape, dtype=np.uint8)
    labels[:, 10:16, 13:21] = 1
    perhaps = np.ones(labels.shape, dtype=bool)
    labels = left_beside_arteries(labels, picture, perhaps, 160.0, "ivc")
    assert not labels[:, 10:16, 13:15].any()
    assert labels[:, 10:16, VEIN].all()


def test_a_vein_as_bright_as_the_arteries_keeps_all():
    picture = touching()
    labels = np.zeros(picture.grid.shape, dtype=np.uint8)
    labels[:, 10:16, ARTERY] = 1
    perhaps = np.ones(labels.shape, dtype=bool)
    labels = left_beside_arteries(labels, picture, perhaps, 165.0, "ivc")
    assert labels[:, 10:16, ARTERY].all()


@pytest.mark.parametrize(("vessel", "kept"), [("ivc", True), ("left_iliac_vein", False)])
def test_beside_an_iliac_vein_an_artery_may_be_anywhere(vessel, kept):
    picture = touching()
    labels = np.zeros(picture.grid.shape, dtype=np.uint8)
    labels[:, 10:16, 13:21] = 1
    nowhere = np.zeros(labels.shape, dtype=bool)
    labels = left_beside_arteries(labels, picture, nowhere, 160.0, vessel)
    assert bool(labels[:, 10:16, 13:15].all()) == kept
    assert labels[:, 10:16, VEIN].all()


def test_the_blur_of_a_stent_in_an_iliac_vein_is_no_artery():
    picture = touching()
    picture.mean_hu[:, 10:16, 13] = 600.0
    labels = np.zeros(picture.grid.shape, dtype=np.uint8)
    labels[:, 10:16, 13:21] = 1
    nowhere = np.zeros(labels.shape, dtype=bool)
    labels = left_beside_arteries(labels, picture, nowhere, 160.0, "left_iliac_vein")
    assert labels[:, 10:16, 14].all()
