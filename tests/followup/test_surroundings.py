"""A stretch of vein found again by what lies around it."""

from __future__ import annotations

from dataclasses import replace

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
    found = slid(sights, (CURVE, CURVE), np.eye(3), CURVE.position_mm, 0.0)
    assert len(found.station) >= 3
    # The vein's positions count from the head.
    expected = CURVE.position_mm[found.station] - moved_mm
    off = np.abs(found.to_mm - expected)
    assert np.median(off) < 1.0
    assert np.all(off < 2.0 * found.sd_mm)


def test_surroundings_that_are_the_same_everywhere_tell_nothing() -> None:
    sights = scan(0.0, texture=False), scan(0.0, texture=False, seed=2)
    assert not len(slid(sights, (CURVE, CURVE), np.eye(3), CURVE.position_mm, 0.0).station)


def test_a_stretch_that_is_not_in_view_is_not_found() -> None:
    sights = scan(0.0), scan(0.0, seed=2)
    nowhere = np.full(len(CURVE), np.nan)
    assert not len(slid(sights, (CURVE, CURVE), np.eye(3), nowhere, 0.0).station)


def test_the_vein_itself_does_not_mislead() -> None:
    sights = [scan(0.0), scan(0.0, seed=2)]
    # A bright vein with a pattern that has slid along it, as a stent or a clot would.
    x, y, z = (sights[0].volume.grid.to_lps(np.indices((80, 40, 40)).reshape(3, -1).T)).T
    inside = np.hypot(x, y) < 14.0
    for n, moved in enumerate((0.0, 12.0)):
        voxels = sights[n].volume.voxels.copy().ravel()
        pattern = 100.0 + 150.0 * np.sin((z[inside] - moved) / 11.0) + 0.9 * (z[inside] - moved)
        voxels[inside] = pattern.astype(np.int16)
        volume = sights[n].volume
        sights[n] = replace(sights[n], volume=replace(volume, voxels=voxels.reshape(80, 40, 40)))
    misled, told = (
        slid((sights[0], sights[1]), (CURVE, CURVE), np.eye(3), CURVE.position_mm, inner)
        for inner in (0.0, 16.0)
    )
    apart = misled.to_mm - CURVE.position_mm[misled.station]
    assert np.abs(apart).max(initial=0.0) > 6.0
    assert len(told.station) >= 3
    assert told.to_mm == pytest.approx(CURVE.position_mm[told.station], abs=1.5)
