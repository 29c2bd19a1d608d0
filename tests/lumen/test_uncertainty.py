"""Intervals say what is not known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from venoseg.centerline.curve import curve_through
from venoseg.lumen import measure
from venoseg.lumen.boundary.shifts import shift_along
from venoseg.lumen.noise.alike import Edge
from venoseg.lumen.noise.uncertainty import half_intervals_mm, slit_tips_mm, unproved_labels_mm
from venoseg.lumen.rays.averages import average_along
from venoseg.lumen.rays.edges import Blur
from venoseg.lumen.rays.smoothing import WALL_SMOOTHING_MM
from venoseg.phantom import Curve, Profile, Scanner, Scene, Span, Tube, fit_grid, render
from venoseg.segmentation import Segmentation
from venoseg.volume import Grid, Volume

GRID = Grid.from_axes((4, 4, 4), spacing_mm=(3.0, 0.8, 0.8), origin_lps_mm=(0.0, 0.0, 0.0))


def test_labels_without_an_edge_in_the_image_may_be_a_voxel_off_all_around() -> None:
    half = unproved_labels_mm(np.zeros(0), GRID)
    assert half > 2 * 0.8


def test_labels_that_are_right_elsewhere_are_known_to_a_voxel() -> None:
    half = unproved_labels_mm(np.zeros(1000), GRID)
    assert half == pytest.approx(1.96 * 0.8 / np.sqrt(3.0), rel=0.01)


def test_labels_that_are_off_elsewhere_widen_the_interval() -> None:
    near = unproved_labels_mm(np.full(1000, 0.1), GRID)
    far = unproved_labels_mm(np.full(1000, -1.0), GRID)
    assert far == pytest.approx(1.96 * np.hypot(0.8 / np.sqrt(3.0), 1.0), rel=0.01)
    assert near < far


def test_only_tips_sharper_than_the_blur_hide_something() -> None:
    least, greatest = np.array([12.0, 8.0, 3.3]), np.array([12.0, 25.0, 19.0])
    hidden = slit_tips_mm(least, greatest, np.full(3, 0.7))
    assert hidden[0] == hidden[1] == 0.0
    # A quarter of a width of the blur long and as wide, at either end.
    area = np.pi / 4.0 * ((np.sqrt(3.3 * 19.0) + hidden[2]) ** 2 - 3.3 * 19.0)
    assert area == pytest.approx(0.5 * (2.355 * 0.7) ** 2, rel=0.05)


@pytest.mark.parametrize("aspect", [4.0, 6.5])
def test_the_interval_of_a_slit_holds_the_truth(aspect: float) -> None:
    curve = Curve.through([(0.0, 0.0, 0.0), (8.0, 0.0, -60.0)])
    shape = Profile.along(curve, 0.0, 1.7 * aspect, 1.7, 0.3)
    tube = Tube(curve, shape, (Span("left_common_iliac_vein", 0.0, 60.0),))
    scene = Scene("slit", (tube,), lumen_hu=150.0, background_hu=50.0)
    twin = render(scene, fit_grid(scene, (1.0, 0.8, 0.8)), Scanner(noise_hu=15.0))
    found = measure(twin.image, twin.segmentation).profiles[0]
    low, high = found.area_interval_mm2[found.measured & found.from_image].T
    true = float(twin.truth.cross_sections.rows[20]["lumen_area_mm2"])  # type: ignore[arg-type]  # cells are of many types
    assert len(low) > 40
    assert ((low <= true) & (true <= high)).mean() > 0.9


def test_a_lumen_that_only_the_labels_tell_has_the_wider_interval() -> None:
    curve = Curve.through([(0.0, 0.0, 0.0), (0.0, 0.0, -70.0)])
    tube = Tube(curve, Profile.along(curve, 0.0, 6.0, 6.0), (Span("ivc", 0.0, 70.0),))
    scene = Scene("tube", (tube,), lumen_hu=150.0, background_hu=50.0)
    twin = render(scene, fit_grid(scene, (2.0, 0.8, 0.8)), Scanner(noise_hu=15.0))
    dark = replace(scene, lumen_hu=55.0)
    unseen = render(dark, twin.image.grid, Scanner(noise_hu=15.0)).image

    def half(found_on: Volume) -> float:
        found = measure(found_on, twin.segmentation).profiles[0]
        low, high = found.area_interval_mm2[found.measured].T
        return float(np.median(high - low))

    assert half(unseen) > 3.0 * half(twin.image)


@pytest.mark.parametrize("mm", [2.0, 3.0])
def test_a_vein_that_lies_in_thick_slices_is_known_less_well(mm: float) -> None:
    """Blurred by hand: slices are means over their thickness, as a scanner's are."""
    pixel_mm, fine_mm, radius_mm, slope = 0.8, 0.25, 6.0, 0.2
    per_slice, slices = round(mm / fine_mm), round(60.0 / mm)
    z, y, x = np.meshgrid(
        (np.arange(slices * per_slice) + 0.5) * fine_mm - 30.0,
        np.arange(-20.0, 20.0, pixel_mm),
        np.arange(-40.0, 40.0, pixel_mm),
        indexing="ij",
    )
    away = (z - slope * x) / np.hypot(1.0, slope)
    inside = np.hypot(away, y) < radius_mm
    blurred = ndimage.gaussian_filter(
        np.where(inside, 150.0, 50.0), (0.6 / fine_mm, *[0.6 / pixel_mm] * 2)
    )
    thick, share = (
        part.reshape(slices, per_slice, *part.shape[1:]).mean(axis=1)
        for part in (blurred, inside.astype(np.float64))
    )
    grid = Grid.from_axes(thick.shape, spacing_mm=(mm, pixel_mm, pixel_mm))
    noise = np.random.default_rng(5).normal(0.0, 15.0, thick.shape)
    image = Volume((thick + noise).astype(np.float32), grid)
    labels = Segmentation((share >= 0.5).astype(np.uint8), grid, {1: "ivc"})
    profile = measure(image, labels).profiles[0]
    low, high = profile.minimum_interval_mm[profile.measured].T
    assert profile.measured.sum() > 20
    assert np.mean((low <= 2 * radius_mm) & (2 * radius_mm <= high)) > 0.9


def test_what_blur_along_a_vein_shifts_is_taken_off_with_more_noise() -> None:
    stations, points = 400, 96
    curve = curve_through(np.arange(float(stations))[:, None] * np.array([0.0, 0.0, 1.0]), 1.0)
    angle = 2.0 * np.pi * np.arange(points) / points
    white = np.random.default_rng(7).normal(0.0, 1.0, (stations, 1))
    noise = average_along(white, WALL_SMOOTHING_MM[0])
    around = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    contours = (7.0 + 0.2 * noise)[..., None] * around
    grid = Grid.from_axes((400, 40, 40), spacing_mm=(1.0, 0.78, 0.78))
    blurred = Blur(0.7, 1.6)
    shifted = 0.2 * noise + shift_along(contours, curve, blurred, grid).mean(axis=1, keepdims=True)
    inner = slice(20, -20)
    grown = shifted[inner].std() / (0.2 * noise[inner]).std()
    half = [
        half_intervals_mm(np.full((stations, 2), 4.0), contours, curve, Edge("gray", blur, grid))
        for blur in (Blur(0.7, 1e-6), blurred)
    ]
    assert np.median(half[1] / half[0]) == pytest.approx(grown, abs=0.02)
    assert grown > 1.03
