"""The finer image around a stent."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.interpolation import trilinear
from venoseg.lumen.stents.view import around
from venoseg.volume import Grid, Source, Volume

WIDTH_MM, HEIGHT_HU, PIXEL_MM = 0.64, 500.0, 0.8


def line(at_mm: float) -> Volume:
    """Show a line along the slices, blurred in the plane."""
    grid = Grid.from_axes((6, 40, 40), spacing_mm=(2.0, PIXEL_MM, PIXEL_MM))
    x = np.arange(40) * PIXEL_MM
    row = HEIGHT_HU * np.exp(-0.5 * ((x - at_mm) / WIDTH_MM) ** 2)
    voxels = np.broadcast_to(np.rint(row).astype(np.int16), grid.shape)
    return Volume(voxels, grid, source=Source(slice_thickness_mm=2.0))


def seen(volume: Volume, at_mm: np.ndarray) -> np.ndarray:
    points = np.stack([at_mm, np.full_like(at_mm, 16.0), np.full_like(at_mm, 5.0)], axis=-1)
    return trilinear(volume.voxels, volume.grid.to_index(points).T)


@pytest.mark.parametrize("shift", [0.0, 0.25, 0.5])
def test_a_line_keeps_its_width_wherever_it_lies_between_the_pixels(shift):
    middle = (20.0 + shift) * PIXEL_MM
    fine = around(line(middle), np.array([[16.0, 16.0, 2.0], [16.0, 16.0, 8.0]]), 5.0)
    at = middle + np.linspace(-2.0, 2.0, 41)
    expected = HEIGHT_HU * np.exp(-0.5 * ((at - middle) / WIDTH_MM) ** 2)
    left = np.abs(seen(fine, at) - expected).max()
    assert left < 0.08 * HEIGHT_HU
    assert left < 0.5 * np.abs(seen(line(middle), at) - expected).max()


def test_the_slices_stay_as_they_are_and_values_that_are_no_numbers_stay_where_they_are():
    volume = line(16.0)
    voxels = volume.voxels.astype(np.float32)
    voxels[2, 3, 3] = np.nan
    spoilt = Volume(voxels, volume.grid, source=volume.source)
    fine = around(spoilt, np.array([[16.0, 16.0, 2.0], [16.0, 16.0, 8.0]]), 5.0)
    assert fine.voxels.shape[0] == volume.voxels.shape[0]
    assert np.isfinite(fine.voxels).all()
    at = np.array([16.0])
    np.testing.assert_allclose(seen(fine, at), seen(volume, at), atol=1.0)
