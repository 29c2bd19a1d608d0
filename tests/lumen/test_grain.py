"""What kernels make of an image: the grain of noise and blur are read from it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from venoseg.lumen import measure
from venoseg.lumen.rays.grain import Grain, measure_grain
from venoseg.segmentation import Segmentation
from venoseg.volume import Grid, Volume

PIXEL_MM, SLICE_MM, RADIUS_MM, NOISE_HU = 0.8, 1.0, 6.0, 20.0
SHAPE = (60, 64, 64)
GRID = Grid.from_axes(SHAPE, spacing_mm=(SLICE_MM, PIXEL_MM, PIXEL_MM))
MIDDLE_MM = 0.5 * PIXEL_MM * 63


def noise(in_plane_mm: float, through_plane_mm: float, seed: int) -> np.ndarray:
    """Smooth white noise, and make it as strong as before."""
    white = np.random.default_rng(seed).standard_normal(SHAPE)
    sigma = (through_plane_mm / SLICE_MM, *[in_plane_mm / PIXEL_MM] * 2)
    smooth = ndimage.gaussian_filter(white, sigma, mode="wrap")
    return NOISE_HU * smooth / smooth.std()


def vein(made_up: np.ndarray, blur_mm: float = 0.6) -> tuple[Volume, Segmentation]:
    """Return a round vein that leans a little, painted by hand on a fine grid."""
    fine = 4
    z = SLICE_MM * np.arange(SHAPE[0])[:, None, None]
    y, x = (
        (np.arange(64 * fine) + 0.5).reshape(-1, 1 if axis == 0 else 64 * fine) / fine * PIXEL_MM
        for axis in (0, 1)
    )
    middle = MIDDLE_MM + 0.2 * (z - 30.0)
    inside = np.hypot((x - middle) * np.cos(np.arctan(0.2)), y - MIDDLE_MM) < RADIUS_MM
    share = inside.reshape(SHAPE[0], 64, fine, 64, fine).mean(axis=(2, 4))
    image = 50.0 + 100.0 * ndimage.gaussian_filter(share, (0.6, *[blur_mm / PIXEL_MM] * 2))
    labels = Segmentation((share >= 0.5).astype(np.uint8), GRID, {1: "ivc"})
    return Volume((image + made_up).astype(np.float32), GRID), labels


def straight() -> np.ndarray:
    z = np.arange(1.0, SHAPE[0] - 1.0)
    return np.column_stack([np.full(len(z), MIDDLE_MM), np.full(len(z), MIDDLE_MM), z])


@pytest.mark.parametrize(("in_plane_mm", "through_mm"), [(0.0, 0.0), (0.7, 0.0), (1.0, 1.0)])
def test_the_grain_is_read_beside_the_vein(in_plane_mm: float, through_mm: float) -> None:
    image, _ = vein(noise(in_plane_mm, through_mm, 1))
    grain = measure_grain(image, straight(), 0.7)
    assert grain.in_plane_mm == pytest.approx(in_plane_mm, abs=0.2)
    assert grain.through_plane_mm == pytest.approx(through_mm, abs=0.25)


def test_grain_is_read_from_near_by_where_a_kernel_makes_what_is_farther_unlike() -> None:
    near, far = noise(0.7, 0.0, 1), noise(1.6, 0.0, 1)
    image, _ = vein(near - 0.4 * far)
    assert measure_grain(image, straight(), 0.7).in_plane_mm > 0.22


def test_uneven_tissue_is_not_taken_for_grain() -> None:
    image, _ = vein(noise(0.0, 0.0, 2))
    lumps = ndimage.gaussian_filter(np.random.default_rng(3).standard_normal(SHAPE), 4.0)
    lumpy = np.where(np.arange(64) < 32, 0.0, 150.0 * lumps / lumps.std())
    image = Volume((image.voxels + lumpy).astype(np.float32), GRID)
    grain = measure_grain(image, straight(), 0.7)
    assert grain.in_plane_mm < 0.35


def test_what_goes_on_through_even_tissue_is_not_taken_for_grain() -> None:
    """Strands too faint to make a block uneven lie in all fat."""
    image, _ = vein(noise(0.0, 0.0, 2))
    strands = ndimage.gaussian_filter(np.random.default_rng(3).standard_normal(SHAPE), 2.5)
    faint = 0.4 * NOISE_HU * strands / strands.std()
    image = Volume((image.voxels + faint).astype(np.float32), GRID)
    grain = measure_grain(image, straight(), 0.7)
    assert grain.in_plane_mm < 0.35
    assert grain.through_plane_mm < 0.35


def test_all_veins_of_an_image_see_one_grain(y_twin) -> None:
    found = measure(y_twin.image, y_twin.segmentation)
    assert len({profile.evidence.grain for profile in found.profiles}) == 1


def test_where_only_air_or_no_noise_is_seen_noise_is_taken_for_white() -> None:
    air = Volume((noise(0.7, 0.0, 1) - 1000.0).astype(np.float32), GRID)
    clean, _ = vein(np.zeros(SHAPE))
    for image in (air, clean):
        assert measure_grain(image, straight(), 0.7) == Grain()


@pytest.mark.parametrize("grain_mm", [0.0, 0.8])
def test_intervals_hold_whatever_the_grain_of_the_noise(grain_mm: float) -> None:
    held = []
    for seed in range(4):
        found = measure(*vein(noise(grain_mm, 0.0, seed))).profiles[0]
        inner = slice(12, -12)
        low, high = found.area_interval_mm2[inner].T
        least, greatest = found.minimum_interval_mm[inner].T
        area = np.pi * RADIUS_MM**2
        held.append((low <= area) & (area <= high))
        held.append((least <= 2.0 * RADIUS_MM) & (greatest >= 2.0 * RADIUS_MM))
    assert np.mean(held) > 0.9


def test_grain_widens_intervals() -> None:
    halves = []
    for grain_mm in (0.0, 0.8):
        found = measure(*vein(noise(grain_mm, 0.0, 4))).profiles[0]
        low, high = found.area_interval_mm2[12:-12].T
        halves.append(float(np.median(high - low)))
    assert halves[1] > 1.6 * halves[0]


@pytest.mark.parametrize("blur_mm", [0.6, 1.2])
def test_a_soft_kernel_does_not_move_the_wall(blur_mm: float) -> None:
    errors = []
    for seed in range(3):
        found = measure(*vein(noise(0.0, 0.0, seed), blur_mm)).profiles[0]
        errors.append(found.shapes.equivalent_mm[12:-12].mean() - 2.0 * RADIUS_MM)
        model = found.evidence.model
        assert model is not None
        # The voxels' own width and interpolation between them blur as well.
        assert model.blur.in_plane_mm == pytest.approx(np.hypot(blur_mm, 0.45 * PIXEL_MM), abs=0.1)
    assert np.mean(errors) == pytest.approx(0.0, abs=0.04)
