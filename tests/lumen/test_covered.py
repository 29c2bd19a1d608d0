"""What covers the edge of the lumen is neither blood nor wall."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from venoseg.lumen import measure
from venoseg.lumen.profile import VesselProfile
from venoseg.segmentation import Segmentation
from venoseg.volume import Grid, Volume

SPACING_MM = (1.0, 0.8, 0.8)
SHAPE = (60, 50, 50)
FINE = 5
RADIUS_MM = 6.0
NOISE_HU = 15.0

place = (np.arange(SHAPE[1] * FINE) + 0.5) * SPACING_MM[1] / FINE
X, Y = np.meshgrid(place - place.mean() - 0.2, place - place.mean() + 0.1)
INSIDE = np.hypot(X, Y) < RADIUS_MM


def by_voxels(plane: np.ndarray) -> np.ndarray:
    return plane.reshape(SHAPE[1], FINE, SHAPE[2], FINE).mean(axis=(1, 3))


def measured(hu: np.ndarray, covered: slice, grown: int) -> VesselProfile:
    """Measure a round cava; some slices show other things beside it, and labels are larger."""
    plain = np.where(INSIDE, 150.0, 50.0)
    image = np.empty(SHAPE, dtype=np.float64)
    for slices, plane in ((slice(None), plain), (covered, hu)):
        image[slices] = by_voxels(ndimage.gaussian_filter(plane, 0.6 * FINE / SPACING_MM[1]))
    image = ndimage.gaussian_filter1d(image, 0.67, axis=0)
    image += np.random.default_rng(5).normal(0.0, NOISE_HU, SHAPE)
    labels = np.repeat(by_voxels(INSIDE)[None] >= 0.5, SHAPE[0], axis=0)
    if grown:
        labels = ndimage.binary_dilation(labels, iterations=grown)
    grid = Grid.from_axes(SHAPE, spacing_mm=SPACING_MM, origin_lps_mm=(0.0, 0.0, 0.0))
    seg = Segmentation(labels.astype(np.uint8), grid, {1: "ivc"})
    return measure(Volume(image.astype(np.float32), grid), seg).profiles[0]


def assert_true(found: VesselProfile) -> None:
    inner = slice(8, -8)
    true_mm2 = np.pi * RADIUS_MM**2
    low, high = found.area_interval_mm2[inner].T
    assert found.from_image[inner].all()
    assert np.mean((low <= true_mm2) & (true_mm2 <= high)) > 0.9
    assert found.shapes.equivalent_mm[inner] == pytest.approx(2.0 * RADIUS_MM, abs=0.2)
    assert found.shapes.minimum_mm[inner] == pytest.approx(2.0 * RADIUS_MM, abs=0.3)


@pytest.mark.parametrize("grown", [0, 1])
def test_a_plaque_is_not_lumen(grown):
    ring = (np.hypot(X, Y) > RADIUS_MM) & (np.hypot(X, Y) < RADIUS_MM + 1.2)
    plaque = ring & (np.abs(np.arctan2(Y, X) - 1.0) < 0.5)
    hu = np.where(INSIDE, 150.0, np.where(plaque, 700.0, 50.0))
    assert_true(measured(hu, slice(20, 40), grown))


def thinly_calcified(half_angle: float) -> np.ndarray:
    """Return a lumen with calcium much thinner than the blur on as much of its wall."""
    ring = (np.hypot(X, Y) > RADIUS_MM) & (np.hypot(X, Y) < RADIUS_MM + 0.4)
    calcium = ring & (np.abs(np.arctan2(Y, X)) <= half_angle)
    return np.where(INSIDE, 150.0, np.where(calcium, 500.0, 50.0))


@pytest.mark.parametrize("grown", [0, 1])
def test_thin_calcium_all_around_hides_the_edge(grown):
    found = measured(thinly_calcified(np.pi), slice(20, 40), grown)
    z = found.branch.curve.points_lps_mm[:, 2]
    calcified = (z > 21.0) & (z < 38.0)
    assert not found.from_image[calcified].any()
    assert all("gray_refused_metal" in found.flags[n] for n in np.flatnonzero(calcified))
    plain = (z > 8.0) & (z < 15.0) | (z > 44.0) & (z < 51.0)
    assert found.from_image[plain].all()
    assert found.shapes.equivalent_mm[plain] == pytest.approx(2.0 * RADIUS_MM, abs=0.2)


def test_thin_calcium_on_part_of_the_wall_is_not_lumen():
    assert_true(measured(thinly_calcified(0.7), slice(0, SHAPE[0]), 0))


def test_blood_brighter_all_along_the_wall_is_no_calcium():
    hu = np.where(INSIDE, 150.0 + 40.0 * (X**2 + Y**2) / RADIUS_MM**2, 50.0)
    found = measured(hu, slice(0, SHAPE[0]), 0)
    inner = slice(8, -8)
    assert found.from_image[inner].all()
    assert found.shapes.equivalent_mm[inner] == pytest.approx(2.0 * RADIUS_MM, abs=0.3)
    # Calcium fainter than in the test before would look the same.
    assert all(flags == ("ambiguous_edge",) for flags in found.flags[inner])


def around(thick_mm: float, hu: float) -> np.ndarray:
    """Return a lumen in muscle with an even layer of something else on its wall."""
    return np.where(INSIDE, 150.0, np.where(np.hypot(X, Y) < RADIUS_MM + thick_mm, hu, 50.0))


def holds(found: VesselProfile, inner: slice) -> float:
    low, high = found.area_interval_mm2[inner].T
    return float(np.mean((low <= np.pi * RADIUS_MM**2) & (np.pi * RADIUS_MM**2 <= high)))


@pytest.mark.parametrize(("thick_mm", "hu"), [(1.0, -60.0), (1.5, 0.0), (2.0, 0.0)])
def test_a_thin_layer_of_fat_does_not_draw_the_edge_inwards(thick_mm, hu):
    found = measured(around(thick_mm, hu), slice(0, SHAPE[0]), 0)
    inner = slice(8, -8)
    error = found.shapes.equivalent_mm[inner].mean() - 2.0 * RADIUS_MM
    assert abs(error) < 0.35
    assert holds(found, inner) > 0.9
    assert not any(found.flags[inner])


@pytest.mark.parametrize(("thick_mm", "hu"), [(0.4, 250.0), (2.0, 90.0), (2.0, 110.0)])
def test_faint_calcium_and_enhancing_walls_make_the_edge_ambiguous(thick_mm, hu):
    found = measured(around(thick_mm, hu), slice(0, SHAPE[0]), 0)
    inner = slice(8, -8)
    assert all("ambiguous_edge" in flags for flags in found.flags[inner])
    assert holds(found, inner) > 0.9


def test_a_plain_edge_is_not_ambiguous():
    found = measured(around(0.0, 50.0), slice(0, SHAPE[0]), 0)
    assert not any(found.flags[8:-8])
    assert np.ptp(found.area_interval_mm2[8:-8], axis=1).mean() < 0.05 * np.pi * RADIUS_MM**2


@pytest.mark.parametrize("grown", [0, 1])
@pytest.mark.parametrize("artery_hu", [150.0, 300.0])
def test_an_artery_that_touches_the_vein_is_not_taken_in(artery_hu, grown):
    artery = np.hypot(X, Y + RADIUS_MM + 5.1) < 5.0
    hu = np.where(INSIDE, 150.0, np.where(artery, artery_hu, 50.0))
    assert_true(measured(hu, slice(0, SHAPE[0]), grown))


@pytest.mark.parametrize("grown", [0, 1])
@pytest.mark.parametrize("away_mm", [1.0, 3.5])
def test_gas_near_the_vein_does_not_draw_its_edge_outwards(away_mm, grown):
    gas = away_mm < X - RADIUS_MM
    hu = np.where(INSIDE, 150.0, np.where(gas, -900.0, 50.0))
    assert_true(measured(hu, slice(0, SHAPE[0]), grown))


def test_what_no_ray_shows_makes_the_interval_wider():
    artery = np.hypot(X, Y + RADIUS_MM + 5.1) < 5.0
    hu = np.where(INSIDE, 150.0, np.where(artery, 150.0, 50.0))
    found = measured(hu, slice(0, 25), 0)
    width = np.ptp(found.minimum_interval_mm, axis=1)
    by_slice = np.argsort(found.branch.curve.points_lps_mm[:, 2])
    assert np.nanmean(width[by_slice[8:20]]) > 1.3 * np.nanmean(width[by_slice[35:50]])
