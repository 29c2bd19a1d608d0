"""Masks grown, opened and closed by shifts, beside general filters."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from venoseg.segmentation.voxels.growing import closed_along, grown, opened


@pytest.mark.parametrize("shape", [(7, 6, 9), (1, 5, 4), (2, 2, 2)])
def test_grown_and_opened_as_by_a_cross(shape):
    mask = np.random.default_rng(0).random(shape) < 0.8
    assert (grown(~mask) == ndimage.binary_dilation(~mask)).all()
    assert (opened(mask) == ndimage.binary_opening(mask)).all()


def test_what_is_thin_is_opened_away_and_what_is_thick_stays():
    mask = np.zeros((9, 9, 9), dtype=bool)
    mask[2:7, 2:7, 2:7] = True
    mask[4, 4, 7:] = True
    left = opened(mask)
    assert not left[4, 4, 8]
    assert left[3:6, 3:6, 2:7].all()


@pytest.mark.parametrize("reach", [1, 2, 6])
def test_gaps_are_closed_along_the_first_axis(reach):
    mask = np.random.default_rng(1).random((20, 3, 4)) < 0.2
    padded = np.pad(mask, ((reach, reach), (0, 0), (0, 0)))
    usual = ndimage.binary_closing(padded, np.ones((2 * reach + 1, 1, 1)))[reach:-reach]
    assert (closed_along(mask, reach) == usual).all()
