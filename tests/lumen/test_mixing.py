"""Blood that is brighter on one side than on the other."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.lumen import measure
from venoseg.lumen.boundary.mixing import slopes_hu_per_mm
from venoseg.lumen.rays.grain import NoiseDraws
from venoseg.segmentation import Segmentation
from venoseg.volume import Grid, Volume

SPACING_MM = (1.0, 0.8, 0.8)
RADIUS_MM = 6.0


def streamed(slope_hu_per_mm: float, noise_hu: float) -> tuple[Volume, Segmentation]:
    """Return a round cava whose blood gets brighter to one side, blurred by 0.65 mm."""
    fine, shape = 5, (50, 44, 44)
    place = (np.arange(shape[1] * fine) + 0.5) * SPACING_MM[1] / fine
    x, y = np.meshgrid(place - place.mean() - 0.2, place - place.mean() + 0.1)
    inside = np.hypot(x, y) < RADIUS_MM
    plane = np.where(inside, 150.0 + slope_hu_per_mm * x, 50.0)
    # Three passes of a box make a bell of this width.
    width = round(0.65 * 2.0 / SPACING_MM[1] * fine)
    kernel = np.ones(width) / width
    for axis in (0, 1) * 3:
        plane = np.apply_along_axis(np.convolve, axis, plane, kernel, mode="same")
    blocks = (shape[1], fine, shape[2], fine)
    image = np.repeat(plane.reshape(blocks).mean(axis=(1, 3))[None], shape[0], axis=0)
    image += np.random.default_rng(3).normal(0.0, noise_hu, image.shape)
    labels = np.repeat((inside.reshape(blocks).mean(axis=(1, 3)) >= 0.5)[None], shape[0], axis=0)
    grid = Grid.from_axes(shape, spacing_mm=SPACING_MM, origin_lps_mm=(0.0, 0.0, 0.0))
    return Volume(image.astype(np.float32), grid), Segmentation(
        labels.astype(np.uint8), grid, {1: "ivc"}
    )


@pytest.mark.parametrize("slope_hu_per_mm", [0.0, 5.0, 10.0])
def test_a_bright_side_does_not_move_the_wall(slope_hu_per_mm):
    found = measure(*streamed(slope_hu_per_mm, 15.0)).profiles[0]
    inner = slice(8, -8)
    true_mm = 2.0 * RADIUS_MM
    assert np.nanmean(found.shapes.equivalent_mm[inner]) == pytest.approx(true_mm, abs=0.1)
    assert np.nanmean(found.shapes.minimum_mm[inner]) == pytest.approx(true_mm, abs=0.15)


def slopes(level_hu: np.ndarray, places_mm: np.ndarray, noise_hu: float) -> np.ndarray:
    count = len(level_hu)
    return slopes_hu_per_mm(
        level_hu,
        np.ones(level_hu.shape),
        places_mm,
        np.full(count, RADIUS_MM),
        np.full(count, noise_hu),
        NoiseDraws(alike_mm3=0.64, left=0.5),
        1.0,
    )


def rings(across_mm: float, upward_mm: float) -> np.ndarray:
    angle = np.linspace(0.0, 2.0 * np.pi, 96, endpoint=False)
    ring = np.stack([across_mm * np.cos(angle), upward_mm * np.sin(angle)], axis=-1)
    return np.repeat(ring[None], 30, axis=0)


def test_a_slope_is_found():
    places = rings(3.5, 3.5)
    found = slopes(100.0 + 8.0 * places[..., 0] - 3.0 * places[..., 1], places, 15.0)
    assert found == pytest.approx(np.tile([8.0, -3.0], (30, 1)), rel=0.1)


def test_noise_is_no_slope():
    places = rings(3.5, 3.5)
    read = 100.0 + 0.3 * places[..., 0]
    assert slopes(read, places, 25.0) == pytest.approx(0.0, abs=1e-9)


def test_between_the_walls_of_a_slit_no_slope_is_told_across():
    places = rings(8.0, 0.1)
    found = slopes(100.0 + 8.0 * places[..., 1], places, 15.0)
    assert np.abs(found[:, 1]).max() < 0.5
