"""The edge lies halfway between the blood and what is beside it at this place, not elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from venoseg.lumen import measure
from venoseg.lumen.geometry.contours import Shapes
from venoseg.lumen.rays.sight import typical_beyond
from venoseg.segmentation import Segmentation
from venoseg.volume import Grid, Volume

SPACING_MM = (1.0, 0.8, 0.8)
SHAPE = (50, 44, 44)
FINE = 5
RADIUS_MM = 6.0

place = (np.arange(SHAPE[1] * FINE) + 0.5) * SPACING_MM[1] / FINE
X, Y = np.meshgrid(place - place.mean() - 0.2, place - place.mean() + 0.1)
INSIDE = np.hypot(X, Y) < RADIUS_MM


def by_voxels(plane: np.ndarray) -> np.ndarray:
    return plane.reshape(SHAPE[1], FINE, SHAPE[2], FINE).mean(axis=(1, 3))


def measured(beside: np.ndarray, noise_hu: float) -> Shapes:
    """Measure a round vein of 12 mm among what ``beside`` shows."""
    sharp = np.where(INSIDE, 150.0, beside)
    image = by_voxels(ndimage.gaussian_filter(sharp, 0.6 * FINE / SPACING_MM[1]))
    image = image + np.random.default_rng(3).normal(0.0, noise_hu, SHAPE)
    labels = np.repeat(by_voxels(INSIDE.astype(float))[None] >= 0.5, SHAPE[0], axis=0)
    grid = Grid.from_axes(SHAPE, spacing_mm=SPACING_MM, origin_lps_mm=(0.0, 0.0, 0.0))
    veins = Segmentation(labels.astype(np.uint8), grid, {1: "ivc"})
    return (
        measure(Volume(image.astype(np.float32), grid), veins)
        .profiles[0]
        .shapes.part(slice(12, -12))
    )


@pytest.mark.parametrize("organ_hu", [50.0, 90.0])
def test_a_vein_between_fat_and_an_organ_is_not_pushed_towards_the_organ(organ_hu):
    shapes = measured(np.where(Y > 0, -100.0, organ_hu), noise_hu=15.0)
    assert (shapes.maximum_mm - shapes.minimum_mm).max() < 0.35


def test_gas_beside_a_vein_does_not_widen_it() -> None:
    shapes = measured(np.where(Y > RADIUS_MM + 4.0, -950.0, 50.0), noise_hu=15.0)
    assert shapes.equivalent_mm == pytest.approx(2.0 * RADIUS_MM, abs=0.12)


def test_the_level_beyond_is_the_median_of_the_outermost_places() -> None:
    values = np.random.default_rng(0).normal(size=(7, 3, 40)).astype(np.float32)
    np.testing.assert_array_equal(typical_beyond(values), np.median(values[-5:], axis=0))
