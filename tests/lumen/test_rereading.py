"""A slit narrower than three widths of the blur has the area that its pale tips leave it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from venoseg.lumen import measure
from venoseg.lumen.boundary.rereading import slit_share
from venoseg.segmentation import Segmentation
from venoseg.volume import Grid, Volume

SPACING_MM = (1.0, 0.8, 0.8)
SHAPE = (46, 44, 56)
FINE = 5


def _slit(length_mm: float, width_mm: float) -> tuple[Volume, Segmentation, float]:
    """Return a straight slit askew to the voxels, its labels, and its area."""
    rows, columns = ((np.arange(n * FINE) + 0.5) * SPACING_MM[1] / FINE for n in SHAPE[1:])
    x, y = np.meshgrid(columns - columns.mean() - 0.1, rows - rows.mean() + 0.15)
    turn = 0.4
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    inside = (2.0 * along / length_mm) ** 2 + (2.0 * across / width_mm) ** 2 < 1.0

    def by_voxels(plane: np.ndarray) -> np.ndarray:
        return plane.reshape(SHAPE[1], FINE, SHAPE[2], FINE).mean(axis=(1, 3))

    sharp = np.where(inside, 150.0, 50.0)
    plane = by_voxels(ndimage.gaussian_filter(sharp, 0.6 * FINE / SPACING_MM[1]))
    grid = Grid.from_axes(SHAPE, spacing_mm=SPACING_MM, origin_lps_mm=(0.0, 0.0, 0.0))
    labels = np.repeat(by_voxels(inside.astype(float))[None] >= 0.5, SHAPE[0], axis=0)
    image = np.repeat(plane[None], SHAPE[0], axis=0).astype(np.float32)
    veins = Segmentation(labels.astype(np.uint8), grid, {1: "ivc"})
    return Volume(image, grid), veins, np.pi / 4.0 * length_mm * width_mm


@pytest.mark.parametrize(("length_mm", "width_mm"), [(21.0, 3.0), (23.0, 3.5), (18.0, 5.0)])
def test_a_slit_is_neither_too_wide_nor_without_its_tips(length_mm, width_mm):
    volume, veins, area_mm2 = _slit(length_mm, width_mm)
    shapes = measure(volume, veins).profiles[0].shapes.part(slice(14, -14))
    assert shapes.area_mm2 == pytest.approx(area_mm2, rel=0.025)
    assert shapes.minimum_mm == pytest.approx(width_mm, abs=0.06)
    assert (shapes.maximum_mm > length_mm - 1.0).all()


def test_tips_that_labels_cut_off_come_back() -> None:
    volume, veins, area_mm2 = _slit(24.0, 3.2)
    core = ndimage.binary_erosion(veins.labels > 0, border_value=1)
    assert core.sum() < 0.45 * (veins.labels > 0).sum()
    eroded = Segmentation(core.astype(np.uint8), veins.grid, veins.names)
    profile = measure(volume, eroded).profiles[0]
    inner = slice(14, -14)
    assert profile.measured[inner].all()
    assert profile.shapes.area_mm2[inner] == pytest.approx(area_mm2, rel=0.035)


def test_only_flat_and_narrow_lumens_are_slits() -> None:
    angle = np.linspace(0.0, 2.0 * np.pi, 96, endpoint=False)
    sizes = np.array([(10.0, 1.5), (2.0, 1.5), (12.0, 4.5)])[:, None]
    outlines = sizes * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    assert slit_share(outlines, np.full(3, 0.7)).tolist() == [1.0, 0.0, 0.0]
