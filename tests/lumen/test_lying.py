"""A vein that lies in the slices from end to end ends at the slices by its own wall."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.lumen import measure
from venoseg.segmentation import Segmentation
from venoseg.volume import Grid, Volume

SPACING_MM = (2.0, 0.8, 0.8)
SHAPE = (18, 40, 110)
RADIUS_MM = 6.0
FINE = 5


def _cava_across(cut_above_mm: float | None) -> tuple[Volume, Segmentation]:
    """Return a round vein along the rows, whose labels may end at a height above its middle."""
    z, y = (
        (np.arange(n * FINE) + 0.5) * mm / FINE
        for n, mm in zip(SHAPE[:2], SPACING_MM[:2], strict=True)
    )
    height, across = np.meshgrid(z - z.mean() - 0.3, y - y.mean(), indexing="ij")
    fine = np.hypot(height, across) < RADIUS_MM
    share = fine.reshape(SHAPE[0], FINE, SHAPE[1], FINE).mean(axis=(1, 3))
    labels = np.repeat((share >= 0.5)[..., None], SHAPE[2], axis=2)
    labels[..., :8] = labels[..., -8:] = False
    if cut_above_mm is not None:
        labels[height[FINE // 2 :: FINE, 0] > cut_above_mm] = False
    image = np.repeat((50.0 + 100.0 * share)[..., None], SHAPE[2], axis=2).astype(np.float32)
    grid = Grid.from_axes(SHAPE, spacing_mm=SPACING_MM, origin_lps_mm=(0.0, 0.0, 0.0))
    return Volume(image, grid), Segmentation(labels.astype(np.uint8), grid, {1: "ivc"})


@pytest.mark.parametrize("boundary", ["gray", "mask"])
def test_it_is_measured(boundary):
    found = measure(*_cava_across(None), boundary=boundary).profiles[0]
    inner = slice(12, -12)
    assert found.measured[inner].all()
    assert found.shapes.equivalent_mm[inner] == pytest.approx(2.0 * RADIUS_MM, abs=0.3)


def test_labels_cut_off_at_a_slice_are_not() -> None:
    found = measure(*_cava_across(0.0), boundary="mask").profiles[0]
    assert not found.measured.any()
    assert any("end_of_labels" in words for words in found.flags)
