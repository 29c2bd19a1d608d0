"""Trilinear samples of images in any memory layout."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from venoseg.interpolation import trilinear

VOXELS = np.random.default_rng(1).integers(-1000, 3000, (9, 11, 13)).astype(np.int16)

LAYOUTS = {
    "rows in memory order": VOXELS,
    "slices backwards": VOXELS[::-1],
    "rows and columns backwards": VOXELS[:, ::-1, ::-1],
    "cropped": VOXELS[2:-1, 1:, 3:-2],
    "columns first": np.asfortranarray(VOXELS),
    "axes exchanged": VOXELS.transpose(2, 0, 1)[::-1],
    "every other slice": VOXELS[::2],
    "one slice": VOXELS[4:5],
    "one voxel": VOXELS[4:5, 2:3, 1:2],
    "bytes": (VOXELS > 500).view(np.uint8),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_samples_are_those_of_scipy_inside_and_beyond_the_border(layout):
    array = LAYOUTS[layout]
    index = np.random.default_rng(2).uniform(-3.0, 16.0, (3, 70, 90))
    index[:, :5] = np.round(index[:, :5])
    expected = ndimage.map_coordinates(array, index, np.float32, order=1, mode="nearest")
    assert trilinear(array, index) == pytest.approx(expected, abs=2e-3)


def test_no_place_gives_no_value():
    assert trilinear(VOXELS, np.empty((3, 0))).shape == (0,)
