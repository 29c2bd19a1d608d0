"""Sections at the ends of the labels."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.centerline.label_sections import cut_by_end


@pytest.mark.parametrize("occluded", [0, 70])
@pytest.mark.parametrize("turned", [False, True])
def test_sections_that_shrink_at_an_end_are_cut_however_much_is_occluded(occluded, turned):
    """Where most of a vein is occluded, most sections hold no label."""
    area = np.concatenate([[119.0, 322.0], np.full(30, 348.0), np.zeros(occluded)])
    extent = np.concatenate([[10.8, 11.5], np.full(30, 11.6), np.zeros(occluded)])
    order = slice(None, None, -1) if turned else slice(None)
    cut = cut_by_end(area[order], extent[order], 1.0)
    np.testing.assert_array_equal(np.flatnonzero(cut[order]), [0, 1])


def test_nothing_is_cut_where_nothing_is_labelled():
    assert not cut_by_end(np.zeros(20), np.zeros(20), 1.0).any()


@pytest.mark.parametrize("turned", [False, True])
def test_a_lumen_that_tapers_is_not_cut(turned):
    """Towards an occlusion it becomes narrower; an end askew to it leaves its width."""
    width = np.concatenate([np.linspace(0.45, 1.0, 12), np.ones(30)])
    order = slice(None, None, -1) if turned else slice(None)
    area, extent = 348.0 * width[order] ** 2, 10.5 * width[order]
    assert not cut_by_end(area, extent, 1.0).any()
    ending = np.concatenate([[0.2], np.ones(41)])
    cut = cut_by_end(area * ending[order], extent * ending[order] ** 0.2, 1.0)
    np.testing.assert_array_equal(np.flatnonzero(cut[order]), [0])


@pytest.mark.parametrize("turned", [False, True])
def test_pieces_beyond_an_end_are_cut_though_they_do_not_shrink_outwards(turned):
    """Voxels of thick slices, askew to the course, end in pieces."""
    area = np.concatenate([[7.9, 34.6, 32.0, 112.5], np.full(40, 124.2)])
    extent = np.concatenate([[3.3, 5.5, 5.3, 6.4], np.full(40, 6.4)])
    order = slice(None, None, -1) if turned else slice(None)
    cut = cut_by_end(area[order], extent[order], 1.0)
    np.testing.assert_array_equal(np.flatnonzero(cut[order]), [0, 1, 2, 3])


def test_a_lumen_on_the_far_side_of_an_occlusion_is_not_cut():
    area = np.concatenate([np.full(6, 124.2), np.zeros(3), np.full(40, 124.2)])
    assert not cut_by_end(area, np.where(area > 0.0, 6.4, 0.0), 1.0).any()
