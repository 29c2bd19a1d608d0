"""The levels on either side of a wall, and how far noise leaves them uncertain."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.centerline.curve import curve_through
from venoseg.lumen.boundary.levels import Levels, levels_beside
from venoseg.lumen.boundary.search import depths_mm
from venoseg.lumen.geometry.contours import outward_normals
from venoseg.lumen.rays.edges import sample_profiles
from venoseg.lumen.rays.grain import Grain
from venoseg.lumen.rays.sight import look_beside
from venoseg.volume import FloatArray, Grid

GRID = Grid.from_axes((44, 34, 34), spacing_mm=(1.0, 0.78, 0.78))
RADIUS_MM, NOISE_HU, DRAWS = 6.5, 20.0, 20


def read(seed: int) -> Levels:
    """Return the levels beside the wall of a vein that leans, in white noise."""
    middle = (np.array(GRID.shape) - 1.0)[::-1] * GRID.spacing_mm[::-1] / 2.0
    lean = np.array([0.25, 0.15, 1.0]) / np.linalg.norm([0.25, 0.15, 1.0])
    curve = curve_through(middle + np.arange(-17.0, 18.0)[:, None] * lean, 1.0)
    angle = 2.0 * np.pi * np.arange(96) / 96
    ring = RADIUS_MM * np.column_stack([np.cos(angle), np.sin(angle)])
    contours: FloatArray = np.broadcast_to(ring, (len(curve), 96, 2)).copy()
    z, y, x = (np.arange(n) * mm for n, mm in zip(GRID.shape, GRID.spacing_mm, strict=True))
    away = np.stack(np.meshgrid(x, y, z, indexing="ij"), axis=-1).transpose(2, 1, 0, 3) - middle
    across = np.linalg.norm(away - (away @ lean)[..., None] * lean, axis=-1)
    image = np.where(across < RADIUS_MM, 150.0, 50.0)
    image += np.random.default_rng(seed).normal(0.0, NOISE_HU, image.shape)
    depths, radius = depths_mm(3.2), np.full(len(curve), RADIUS_MM)
    normals = outward_normals(contours)
    profiles = sample_profiles(image.astype(np.float32), GRID, curve, contours, normals, depths)
    sight = look_beside(profiles, radius, np.ones(contours.shape[:2], dtype=bool))
    return levels_beside(sight, radius, curve, contours, depths, Grain().on(GRID))


@pytest.fixture(scope="module")
def draws() -> list[Levels]:
    return [read(seed) for seed in range(100, 100 + DRAWS)]


def test_the_noise_of_a_voxel_is_told_from_places_between_voxels(draws: list[Levels]) -> None:
    assert np.mean([levels.noise for levels in draws]) == pytest.approx(NOISE_HU, rel=0.05)


def test_doubt_about_levels_holds_how_far_they_spread_and_hardly_more(draws: list[Levels]) -> None:
    both = np.stack([0.5 * (levels.inside + levels.outside) for levels in draws])
    inner = slice(8, -8)
    around = both.mean(axis=2)
    opposite = 0.5 * (both + np.roll(both, both.shape[2] // 2, axis=2))
    spread = np.array(
        [np.sqrt(values.var(axis=0, ddof=1)[inner].mean()) for values in (around, opposite)]
    )
    told = np.sqrt(np.mean([levels.doubt_hu[inner] ** 2 for levels in draws], axis=(0, 1)))
    assert np.all((spread <= told) & (told <= 1.3 * spread)), (spread, told)
