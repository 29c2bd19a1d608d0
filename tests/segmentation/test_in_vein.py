"""The track of an artery that runs through its vein is told by the grey value of the blood."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.segmentation.landmarks.arterial import Artery, Below
from venoseg.segmentation.landmarks.in_vein import told_from_vein
from venoseg.volume import Grid

GRID = Grid.from_axes((30, 30, 30), spacing_mm=(3.0, 3.0, 3.0), origin_lps_mm=(-45, -45, 0))
ARTERY_HU = 150.0
HIDDEN_MM = (36.0, 54.0)
Z = np.arange(6.0, 84.0, 2.0)
VEIN = np.column_stack([np.zeros(20), np.zeros(20), np.linspace(0.0, 87.0, 20)])


def below(vein_hu: float, vein_mm: float = 8.0) -> Below:
    """A vein, and right before it an artery that cannot be seen along 18 mm."""
    k, j, i = np.indices(GRID.shape)
    x, y, z = np.moveaxis(GRID.to_lps(np.stack([k, j, i], axis=-1)), -1, 0)
    image = np.full(GRID.shape, -100.0, dtype=np.float32)
    seen = (z < HIDDEN_MM[0]) | (z > HIDDEN_MM[1])
    image[(np.hypot(x, y + 12.0) < 4.5) & seen] = ARTERY_HU
    image[np.hypot(x, y) < vein_mm] = vein_hu
    noise = np.random.default_rng(0).normal(0.0, 8.0, GRID.shape)
    none, start = np.zeros(GRID.shape), np.array([0.0, -12.0, 87.0])
    image = (image + noise).astype(np.float32)
    return Below(image, GRID, none, none, none, none, start, np.empty(0), ARTERY_HU, 0.0, 87.0)


def hidden(z: np.ndarray) -> np.ndarray:
    return (z > HIDDEN_MM[0]) & (z < HIDDEN_MM[1])


def track(z: np.ndarray) -> Artery:
    """Along the artery, and through the vein where the artery cannot be seen."""
    points = np.column_stack([np.zeros(len(z)), np.where(hidden(z), 0.0, -12.0), z])
    return Artery(points, np.full(len(z), 3.0))


@pytest.mark.parametrize("vein_hu", [105.0, 190.0])
def test_a_track_is_told_where_it_runs_in_other_blood_of_a_wide_vessel(vein_hu):
    (found,) = told_from_vein(below(vein_hu), [track(Z)], VEIN)
    assert found.in_vein[hidden(Z)].all()
    # Beside where the artery ends no place is rather one than the other.
    assert found.in_vein.sum() <= hidden(Z).sum() + 2


@pytest.mark.parametrize("vein_hu", [ARTERY_HU, 145.0])
def test_blood_that_is_equally_bright_tells_nothing(vein_hu):
    (found,) = told_from_vein(below(vein_hu), [track(Z)], VEIN)
    assert found.in_vein is None


def test_a_thin_artery_that_fat_blurs_is_no_vein():
    # Blurred with the fat around it, it is as dark as the blood of the vein.
    thin = below(105.0)
    k, j, i = np.indices(GRID.shape)
    x, y, _ = np.moveaxis(GRID.to_lps(np.stack([k, j, i], axis=-1)), -1, 0)
    thin.image[np.hypot(x, y + 30.0) < 3.5] = 105.0
    points = np.column_stack([np.zeros(len(Z)), np.full(len(Z), -30.0), Z])
    (found,) = told_from_vein(thin, [Artery(points, np.full(len(Z), 3.0))], VEIN)
    assert not found.in_vein.any()


def test_nothing_is_told_where_no_vein_was_followed():
    (found,) = told_from_vein(below(105.0), [track(Z)], np.empty((0, 3)))
    assert found.in_vein is None


def test_an_artery_is_not_where_its_track_runs_in_the_vein():
    (artery,) = told_from_vein(below(105.0), [track(Z)], VEIN)
    middle = np.array([[0.0, 0.0, 45.0], [0.0, -12.0, 20.0]])
    at = tuple(np.rint(GRID.to_index(middle)).astype(int).T)
    assert artery.within(middle, 1.0).tolist() == [False, True]
    assert artery.covers(GRID, 1.0)[at].tolist() == [False, True]
    held = np.zeros(GRID.shape, dtype=bool)
    held[tuple(artery.depths(GRID, 0.0).index.T)] = True
    assert held[at].tolist() == [False, True]


def test_a_track_that_runs_in_the_vein_all_along_tells_of_no_artery():
    points = track(Z).points_lps_mm[hidden(Z)]
    artery = Artery(points, np.full(len(points), 3.0), np.ones(len(points), dtype=bool))
    assert not artery.within(points, 1.0).any()
    assert not artery.covers(GRID, 1.0).any()
    assert len(artery.depths(GRID, 0.0).index) == 0


def test_what_lies_beside_a_track_is_no_nearer_to_it_where_the_artery_is_narrow_or_hidden():
    points = np.column_stack([np.zeros(20), np.zeros(20), np.linspace(15.0, 72.0, 20)])
    narrow = np.where(np.arange(20) < 6, 3.0, 7.0)
    even = Artery(points, np.full(20, 7.0), np.arange(20) == 3).beside(GRID, 15.0)
    assert even.sum(axis=(1, 2))[10] > 60
    np.testing.assert_array_equal(Artery(points, narrow).beside(GRID, 15.0), even)


def test_what_lies_beside_a_track_is_farther_from_it_where_the_artery_is_wide():
    points = np.column_stack([np.zeros(20), np.zeros(20), np.linspace(15.0, 72.0, 20)])
    even = Artery(points, np.full(20, 5.0)).beside(GRID, 15.0)
    wide = Artery(points, np.where(np.arange(20) < 6, 10.0, 5.0)).beside(GRID, 15.0)
    more = (wide & ~even).any(axis=(1, 2))
    below = GRID.to_lps(np.array([[k, 0, 0] for k in range(GRID.shape[0])]))[:, 2] < 20.0
    assert not (even & ~wide).any()
    assert more[below].any()
