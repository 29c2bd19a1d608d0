"""Sections of a vein that an artery touches are cut at the waist; flat veins are not."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.segmentation.tubes.lobes import clipped, lobes_of
from venoseg.segmentation.tubes.wall import RAYS

ANGLE = 2 * np.pi * np.arange(RAYS) / RAYS
RAYS_OUT = np.stack([np.cos(ANGLE), np.sin(ANGLE)], axis=1)


def ellipse(first: float, second: float) -> np.ndarray:
    return 1.0 / np.hypot(np.cos(ANGLE) / first, np.sin(ANGLE) / second)


def two_circles(left: float, right: float) -> np.ndarray:
    """A vein left of the course and an artery right of it, which overlap a little there."""
    at = np.arange(0.0, 30.0, 0.02)[:, None, None] * RAYS_OUT
    inside = np.hypot(at[..., 0] + 0.9 * left, at[..., 1]) < left
    inside |= np.hypot(at[..., 0] - 0.9 * right, at[..., 1]) < right
    return 0.02 * np.argmin(inside, axis=0)


def stations(middle: np.ndarray, beside: np.ndarray) -> np.ndarray:
    return np.array([beside] * 5 + [middle] * 5 + [beside] * 5)


class TestWaist:
    def test_a_pair_is_cut_and_the_part_like_its_neighbours_is_kept(self):
        radius = stations(two_circles(6.0, 4.5), ellipse(6.0, 6.0))
        lobes = lobes_of(radius, np.full(radius.shape, 110.0))
        assert lobes.cut.tolist() == [False] * 5 + [True] * 5 + [False] * 5
        assert lobes.centre_mm[7] == pytest.approx((-5.4, 0.0), abs=0.4)
        assert lobes.area_mm2[7] == pytest.approx(np.pi * 36.0, rel=0.06)

    def test_of_equal_circles_the_grey_value_tells(self):
        radius = stations(two_circles(5.0, 5.0), ellipse(5.0, 5.0))
        hu = np.full(radius.shape, 100.0)
        hu[5:10] = np.where(np.cos(ANGLE) > 0, 100.0, 150.0)
        assert (lobes_of(radius, hu).centre_mm[5:10, 0] > 3.0).all()

    @pytest.mark.parametrize("axes", [(6.0, 6.0), (10.0, 3.5), (16.0, 5.0), (18.0, 4.0)])
    def test_a_vein_alone_is_left_as_it_is(self, axes):
        radius = stations(ellipse(*axes), ellipse(6.0, 6.0))
        lobes = lobes_of(radius, np.full(radius.shape, 110.0))
        assert not lobes.cut.any()
        assert np.array_equal(clipped(radius, lobes), radius)

    def test_a_branch_is_cut_off_and_hardly_anything_of_the_vein_is(self):
        at = np.arange(0.0, 30.0, 0.02)[:, None, None] * RAYS_OUT
        inside = np.hypot(at[..., 0], at[..., 1]) < 8.0
        inside |= (np.abs(at[..., 1]) < 3.0) & (at[..., 0] > 0) & (at[..., 0] < 16.0)
        radius = stations(0.02 * np.argmin(inside, axis=0), ellipse(8.0, 8.0))
        lobes = lobes_of(radius, np.full(radius.shape, 110.0))
        assert np.linalg.norm(lobes.centre_mm[7]) < 0.7
        assert lobes.area_mm2[7] == pytest.approx(np.pi * 64.0, rel=0.06)


def test_the_wall_ends_at_the_waist():
    """The course lies in the vein; the artery begins 6 mm right of it."""
    at = np.arange(0.0, 30.0, 0.02)[:, None, None] * RAYS_OUT
    inside = np.hypot(at[..., 0], at[..., 1]) < 6.0
    inside |= np.hypot(at[..., 0] - 9.0, at[..., 1]) < 4.5
    radius = stations(0.02 * np.argmin(inside, axis=0), ellipse(6.0, 6.0))
    lobes = lobes_of(radius, np.full(radius.shape, 110.0))
    cut = clipped(radius, lobes)
    assert lobes.cut[7]
    assert radius[7].max() > 12.0
    assert cut[7].max() < 7.0
    assert np.array_equal(cut[:5], radius[:5])
