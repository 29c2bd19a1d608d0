"""A vein of which only a sliver is drawn, between wide stretches, is doubted."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.segmentation.trust.thinned import narrow_between, of_slivers
from venoseg.segmentation.voxels.drawn import Drawn
from venoseg.volume import Grid


def areas(low_mm: float, high_mm: float, share: float, spacing_mm: float) -> np.ndarray:
    """Of a vein of 180 mm that holds a share of its area between two heights."""
    z = np.arange(0.0, 180.0, spacing_mm)
    return np.where((z >= low_mm) & (z < high_mm), share, 1.0)


@pytest.mark.parametrize("spacing_mm", [1.0, 3.0, 5.0])
def test_a_sliver_is_told_where_it_lies(spacing_mm):
    told = narrow_between(areas(80.0, 105.0, 0.2, spacing_mm), spacing_mm)
    z = np.arange(len(told)) * spacing_mm
    assert told[(z > 84.0) & (z < 100.0)].all()
    assert not told[(z < 75.0) | (z > 110.0)].any()


@pytest.mark.parametrize("share", [0.6, 0.0])
def test_a_vein_a_little_narrower_or_in_two_pieces_is_none(share):
    assert not narrow_between(areas(80.0, 105.0, share, 3.0), 3.0).any()


def test_a_vein_that_becomes_narrow_for_good_is_none():
    assert not narrow_between(np.geomspace(300.0, 60.0, 60), 3.0).any()
    assert not narrow_between(areas(60.0, 180.0, 0.3, 3.0), 3.0).any()


@pytest.mark.parametrize(("high_mm", "doubtful"), [(105.0, True), (86.0, False)])
def test_long_slivers_raise_doubt_and_short_narrow_places_do_not(high_mm, doubtful):
    # Stored with its slices along the second axis.
    lying = ((0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    grid = Grid.from_axes((10, 60, 10), spacing_mm=(1.0, 3.0, 1.0), directions=lying)
    wide = (areas(80.0, high_mm, 0.2, 3.0) * 50).astype(int)
    index = np.array([(n // 10, k, n % 10) for k, count in enumerate(wide) for n in range(count)])
    drawn = Drawn(grid, index, np.ones(len(index), dtype=np.uint8))
    assert bool(list(of_slivers(drawn, 1))) == doubtful
    assert not list(of_slivers(drawn, 2))
