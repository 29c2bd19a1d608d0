"""A region brought up to date must be the region made anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from venoseg.centerline.from_labels import vein_regions
from venoseg.centerline.regions import Region, vein_box
from venoseg.centerline.update import updated_region
from venoseg.segmentation import Segmentation


def edit(seg: Segmentation, seed: int) -> tuple[Segmentation, tuple[slice, slice, slice]]:
    """Change some voxels near a vein: none, some or all of a small box becomes one of its veins."""
    rng = np.random.default_rng(seed)
    near = np.argwhere(ndimage.binary_dilation(seg.labels > 0, iterations=2))
    corner = near[rng.integers(len(near))]
    a, b, c = (
        slice(int(n), int(min(n + rng.integers(1, 7), size)))
        for n, size in zip(corner, seg.labels.shape, strict=True)
    )
    labels = seg.labels.copy()
    value = rng.choice([0, *seg.names])
    labels[a, b, c] = np.where(
        rng.random(labels[a, b, c].shape) < rng.random(), value, labels[a, b, c]
    )
    return replace(seg, labels=labels), (a, b, c)


def embedded(region: Region, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return a region's owners and pieces in an array of the whole, three voxels wider."""
    result = []
    for array in (region.owner, region.pieces):
        whole = np.zeros([n + 20 for n in shape], dtype=np.int64)
        whole[tuple(slice(s.start + 10, s.stop + 10) for s in region.box)] = array
        result.append(whole)
    return result[0], result[1]


@pytest.mark.parametrize("seed", range(12))
def test_a_region_brought_up_to_date_is_the_region_made_anew(y_twin, seed):
    seg = y_twin.segmentation
    edited, box = edit(seg, seed)
    anew = {r.vessels: r for r in vein_regions(edited, vein_box(edited))[0]}
    for region in vein_regions(seg, vein_box(seg))[0]:
        update = updated_region(region, edited, box)
        if update.reasons:
            continue
        expected = embedded(anew[region.vessels], seg.labels.shape)
        got = embedded(update.region, seg.labels.shape)
        np.testing.assert_array_equal(got[0], expected[0])
        np.testing.assert_array_equal(got[1] > 0, expected[1] > 0)
