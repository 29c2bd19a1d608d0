"""The coarse pictures: blocks, and smoothing that agrees with a general filter."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from venoseg.segmentation.working import blockwise, box_of, pooled, smoothed
from venoseg.volume import Grid, Volume


@pytest.fixture
def voxels() -> np.ndarray:
    return np.random.default_rng(3).integers(-1024, 3071, (13, 17, 22)).astype(np.int16)


def test_blocks_are_averaged_and_what_is_left_over_is_cut(voxels):
    grid = Grid.from_axes(voxels.shape, spacing_mm=(1.5, 1.0, 0.75))
    mean, place = pooled(Volume(voxels, grid), box_of(grid), 3.0)
    expected = voxels[:12, :15, :20].reshape(6, 2, 5, 3, 5, 4).mean(axis=(1, 3, 5))
    assert mean == pytest.approx(expected, abs=1e-3)
    assert place.spacing_mm == pytest.approx((3.0, 3.0, 3.0))
    assert place.to_lps([0, 0, 0]) == pytest.approx(grid.to_lps([0.5, 1.0, 1.5]))


def test_the_sum_of_bright_metal_does_not_overflow():
    voxels = np.full((6, 6, 6), 30_000, dtype=np.int16)
    assert (blockwise(np.add, voxels, np.array([6, 3, 2])) == 36 * 30_000).all()


def test_the_darkest_of_each_block_is_kept(voxels):
    found = blockwise(np.minimum, voxels, np.array([2, 3, 4]))
    expected = voxels[:12, :15, :20].reshape(6, 2, 5, 3, 5, 4).min(axis=(1, 3, 5))
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("sigma", [(0.6, 0.9, 0.9), (0.1, 0.7, 1.2), (1.3, 0.0, 0.5)])
def test_smoothing_agrees_with_a_general_filter(sigma):
    rough = np.random.default_rng(4).normal(0.0, 100.0, (40, 30, 35))
    found = smoothed(rough, np.array(sigma))
    exact = ndimage.gaussian_filter(rough, sigma, mode="nearest", truncate=4.0)
    assert np.abs(found - exact).std() < 0.03 * exact.std()
    assert found.mean() == pytest.approx(rough.mean(), abs=0.5)


def test_smoothing_leaves_an_even_image_even():
    assert smoothed(np.full((20, 9, 8), 57, np.int16), np.array([0.8, 1.0, 0.6])) == pytest.approx(
        57.0
    )
