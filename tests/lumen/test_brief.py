"""Narrow places shorter than slices and averages along the vein resolve."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from venoseg.lumen import measure
from venoseg.segmentation import Segmentation
from venoseg.volume import Grid, Source, Volume

RADIUS_MM, NARROW_MM = 6.0, 3.5
PIXEL_MM, FINE, PIXELS, LENGTH_MM = 0.78, 3, 32, 60.0
MIDDLE_MM = LENGTH_MM / 2.0


def flagged_mm(long_mm: float, slice_mm: float, begins_mm: float) -> np.ndarray:
    """Return heights of the stations flagged where a round vein is narrow over a length."""
    line = (np.arange(PIXELS * FINE) - (PIXELS * FINE - 1) / 2.0) * PIXEL_MM / FINE
    beyond_mm = np.hypot(*np.meshgrid(line, line))
    wide, narrow = (
        (beyond_mm < radius).reshape(PIXELS, FINE, PIXELS, FINE).mean(axis=(1, 3))
        for radius in (RADIUS_MM, NARROW_MM)
    )
    height = np.arange(round(LENGTH_MM / slice_mm)) * slice_mm
    start, stop = height - slice_mm / 2.0, height + slice_mm / 2.0
    ends = begins_mm + long_mm
    part = np.clip(np.minimum(stop, ends) - np.maximum(start, begins_mm), 0.0, None) / slice_mm
    share = wide + part[:, None, None] * (narrow - wide)
    image = ndimage.gaussian_filter(50.0 + 100.0 * share, (0.0, 0.8, 0.8))
    image += np.random.default_rng(1).normal(0.0, 20.0, image.shape)
    grid = Grid.from_axes(image.shape, spacing_mm=(slice_mm, PIXEL_MM, PIXEL_MM))
    source = Source(modality="CT", slice_thickness_mm=slice_mm)
    volume = Volume(np.rint(image).astype(np.int16), grid, source=source)
    labels = (share >= 0.5).astype(np.uint8)
    (profile,) = measure(volume, Segmentation(labels, grid, {1: "ivc"})).profiles
    brief = ["too_short_to_resolve" in words for words in profile.flags]
    return profile.branch.curve.points_lps_mm[brief, 2]


@pytest.mark.parametrize("slice_mm", [1.0, 3.0])
@pytest.mark.parametrize("aside_mm", [0.0, 1.2])
def test_a_web_shorter_than_is_resolved_is_flagged_with_its_shoulders(slice_mm, aside_mm):
    begins_mm = MIDDLE_MM - 1.0 + aside_mm
    flagged = flagged_mm(2.0, slice_mm, begins_mm)
    assert flagged.min() < begins_mm
    assert flagged.max() > begins_mm + 2.0
    assert np.abs(flagged - MIDDLE_MM).max() < 10.0


@pytest.mark.parametrize("long_mm", [0.0, 10.0])
def test_neither_a_vein_without_one_nor_a_stenosis_that_slices_resolve_is(long_mm):
    assert flagged_mm(long_mm, 3.0, MIDDLE_MM - 5.0).size == 0
