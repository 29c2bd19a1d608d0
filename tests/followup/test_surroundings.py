"""A stretch of vein found again by what lies around it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from venoseg.centerline.curve import curve_through
from venoseg.followup.surroundings import Sight, slid
from venoseg.volume import Grid, Volume

STEP_MM = 2.0


def scan(moved_mm: float, *, texture: bool = True, seed: int = 1) -> Sight:
    """Tissue with grain along z, shifted towards the head, with noise of its own."""
    grid = Grid.from_axes((80, 40, 40), spacing_mm=(2.0, 2.0, 2.0), origin_lps_mm=(-40, -40, -80))
    grain = ndimage.gaussian_filter(np.random.default_rng(5).normal(size=(120, 40, 40)), 3.0)
    tissue = 60.0 * grain / grain.std() if texture else np.zeros(grain.shape)
    voxels = ndimage.shift(tissue, (moved_mm / 2.0, 0, 0), order=3)[20:100]
    voxels += np.random.default_rng(seed).normal(scale=15.0, size=grid.shape)
    return Sight(Volume(voxels.astype(np.int16), grid, "HU"), None)


CURVE = curve_through(np.array([[0.0, 0.0, z] for z in np.arange(70.0, -71.0, -5.0)]), STEP_MM)


@pytest.mark.parametrize("moved_mm", [0.0, 9.0, -13.0])
def test_a_stretch_is_found_where_it_has_moved_to(moved_mm: float) -> None:
    sights = scan(0.0), scan(moved_mm, seed=2)
    found = slid(sights, (CURVE, CURVE), np.eye(3), CURVE.position_mm)
    assert len(found.station) >= 3
    # The vein's positions count from the head.
    expected = CURVE.position_mm[found.station] - moved_mm
    assert found.to_mm == pytest.approx(expected, abs=1.0)


def test_surroundings_that_are_the_same_everywhere_tell_nothing() -> None:
    sights = scan(0.0, texture=False), scan(0.0, texture=False, seed=2)
    assert not len(slid(sights, (CURVE, CURVE), np.eye(3), CURVE.position_mm).station)


def test_a_stretch_that_is_not_in_view_is_not_found() -> None:
    sights = scan(0.0), scan(0.0, seed=2)
    nowhere = np.full(len(CURVE), np.nan)
    assert not len(slid(sights, (CURVE, CURVE), np.eye(3), nowhere).station)
