"""Masks closed and filled slice by slice."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from venoseg.segmentation.voxels.slicewise import closed_in_slices, filled_in_slices


@pytest.fixture
def mask() -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=(6, 40, 50))
    return ndimage.gaussian_filter(noise, (0, 1, 1)) > 0.0


@pytest.mark.parametrize("reach", [(1, 1), (3, 2), (2, 4)])
def test_closing_is_that_of_each_slice(mask, reach):
    y, x = np.mgrid[-reach[0] : reach[0] + 1, -reach[1] : reach[1] + 1]
    disc = np.hypot(y / reach[0], x / reach[1]) <= 1.0
    each = np.stack([ndimage.binary_closing(one, disc) for one in mask])
    assert (each & ~mask).any()
    assert (closed_in_slices(mask, disc) == each).all()


def test_filling_is_that_of_each_slice(mask):
    each = np.stack([ndimage.binary_fill_holes(one) for one in mask])
    assert (each & ~mask).any()
    assert (filled_in_slices(mask) == each).all()
