"""The least width of veins that are flat on one side."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from venoseg.lumen import measure
from venoseg.lumen.boundary.flat_sides import with_flat_sides
from venoseg.lumen.geometry.contours import feret_diameters_mm, resample_closed
from venoseg.segmentation import Segmentation
from venoseg.volume import Grid, Source, Volume

RADIUS_MM, FLAT_MM, CORNER_MM = 8.0, 3.0, 1.0
PIXEL_MM, FINE, PIXELS = 0.78, 4, 40


def pressed(bay_mm: float, turned_rad: float = 0.4) -> np.ndarray:
    """Return an outline, 11 mm wide, whose flat side has a bay as deep between two ears."""
    x = np.linspace(-6.0, 6.0, 200)
    side = np.column_stack([x, -FLAT_MM + bay_mm * np.cos(np.pi * x / 12.0)])
    start = -np.arcsin(2.0 / RADIUS_MM)
    angle = np.linspace(start, np.pi - start, 400)
    top = RADIUS_MM * np.column_stack([np.cos(angle), np.sin(angle)])
    outline = resample_closed([np.concatenate([side, top])], 96)
    cos, sin = np.cos(turned_rad), np.sin(turned_rad)
    return outline @ np.array([[cos, sin], [-sin, cos]])


def test_a_shallow_bay_is_drawn_straight_half_way_and_either_may_be_true():
    outline = pressed(0.2)
    drawn, doubt_mm = with_flat_sides(outline)
    least = feret_diameters_mm(np.concatenate([outline, drawn]))[0]
    assert least[0] == pytest.approx(11.0, abs=0.02)
    assert least[1] == pytest.approx(11.0 - 0.1, abs=0.02)
    # Of half a width that lies anywhere within 0.2 mm.
    assert doubt_mm[0] == pytest.approx(0.1 / np.sqrt(12.0), rel=0.1)


def test_a_bay_that_averages_cannot_make_is_the_veins_own():
    outline = pressed(0.8)
    drawn, doubt_mm = with_flat_sides(outline)
    assert np.array_equal(drawn, outline)
    assert doubt_mm[0] == 0.0


def test_ovals_have_no_bay():
    angle = 2.0 * np.pi * np.arange(96) / 96
    ovals = np.array(
        [np.column_stack([8.0 * np.cos(angle), least * np.sin(angle)]) for least in (8.0, 5.0, 2.0)]
    )
    drawn, doubt_mm = with_flat_sides(ovals)
    assert np.array_equal(drawn, ovals)
    assert not doubt_mm.any()


def test_the_interval_holds_the_least_width_of_a_vein_pressed_flat():
    line = (np.arange(PIXELS * FINE) - (PIXELS * FINE - 1) / 2.0) * PIXEL_MM / FINE
    x, y = np.meshgrid(line, line)
    # A disc cut off by a line, with rounded corners.
    round_mm, flat_mm = np.hypot(x, y) - RADIUS_MM + CORNER_MM, -y - FLAT_MM + CORNER_MM
    beyond_mm = np.hypot(np.maximum(round_mm, 0.0), np.maximum(flat_mm, 0.0))
    lumen = np.where(np.maximum(round_mm, flat_mm) < 0.0, 0.0, beyond_mm) < CORNER_MM
    share = lumen.reshape(PIXELS, FINE, PIXELS, FINE).mean(axis=(1, 3))
    plane = ndimage.gaussian_filter(50.0 + 100.0 * share, 0.6 / PIXEL_MM)
    image = plane + np.random.default_rng(2).normal(0.0, 20.0, (60, PIXELS, PIXELS))
    grid = Grid.from_axes(image.shape, spacing_mm=(1.0, PIXEL_MM, PIXEL_MM))
    labels = np.broadcast_to(share >= 0.5, image.shape).astype(np.uint8)
    source = Source(modality="CT", slice_thickness_mm=1.0)
    volume = Volume(np.rint(image).astype(np.int16), grid, source=source)
    (profile,) = measure(volume, Segmentation(labels, grid, {1: "ivc"})).profiles
    low, high = profile.minimum_interval_mm[profile.measured].T
    held = (low <= RADIUS_MM + FLAT_MM) & (high >= RADIUS_MM + FLAT_MM)
    assert held.mean() > 0.9
