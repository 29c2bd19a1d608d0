"""How far labels may be off where a vein runs along the lattice of their voxels."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.centerline.curve import Curve, curve_through
from venoseg.lumen import measure
from venoseg.lumen.boundary.rounding import rounded_moves
from venoseg.segmentation import Segmentation
from venoseg.volume import FloatArray, Grid, Volume

PIXEL_MM = 0.78
GRID = Grid.from_axes((60, 70, 70), spacing_mm=(1.0, PIXEL_MM, PIXEL_MM))
SHORT = Grid.from_axes((40, 70, 70), spacing_mm=(1.0, PIXEL_MM, PIXEL_MM))
STATIONS, POINTS = 40, 96


def straight(degrees: float) -> Curve:
    """Return a vein at an angle to the normal of the slices, in no plane of voxels."""
    lean = np.radians(degrees)
    direction = np.array([0.8 * np.sin(lean), 0.6 * np.sin(lean), np.cos(lean)])
    return curve_through(20.0 + np.arange(float(STATIONS))[:, None] * direction, 1.0)


def discs(curve: Curve, radius_mm: float) -> FloatArray:
    """Return the same round outline at every station."""
    angle = 2.0 * np.pi * np.arange(POINTS) / POINTS
    one = radius_mm * np.column_stack([np.cos(angle), np.sin(angle)])
    return np.broadcast_to(one, (len(curve), POINTS, 2)).copy()


@pytest.mark.parametrize("radius_mm", [5.0, 9.0])
def test_discs_are_as_far_off_as_voxels_counted_within_them(radius_mm: float) -> None:
    """Counted by hand on a lattice at many places."""
    random = np.random.default_rng(3)
    steps = np.arange(-20, 20) * PIXEL_MM
    areas = []
    for x, y, more in random.uniform(0.0, PIXEL_MM, (400, 3)):
        away = np.hypot(steps[:, None] - x, steps - y)
        radius = radius_mm + more
        areas.append((away < radius).sum() * PIXEL_MM**2 - np.pi * radius**2)
    counted = np.std(areas) / (2.0 * np.pi * radius_mm)
    curve = straight(0.0)
    told = rounded_moves(discs(curve, radius_mm), curve, GRID).mean(axis=-1)
    assert told[:, 20].std() == pytest.approx(counted, rel=0.35)


def test_slices_that_repeat_nothing_average_it() -> None:
    along, leaning = straight(0.0), straight(17.0)
    sizes = [rounded_moves(discs(c, 7.0), c, GRID)[:, 20].std() for c in (along, leaning)]
    assert sizes[1] < 0.3 * sizes[0]


def slit_along_rows(half_mm: float) -> Segmentation:
    """Return labels of a flat vein along the slices' axis, its long sides along rows of voxels."""
    slices, rows, columns = GRID.shape
    y = (np.arange(rows) - rows / 2.0)[:, None] * PIXEL_MM - 0.1
    x = (np.arange(columns) - columns / 2.0) * PIXEL_MM - 0.3
    one = (x / 11.0) ** 2 + (y / half_mm) ** 2 < 1.0
    return Segmentation(np.repeat(one[None].astype(np.uint8), slices, axis=0), GRID, {1: "ivc"})


def test_intervals_hold_the_width_of_slits_along_rows() -> None:
    held = []
    for half_mm in 3.5 + PIXEL_MM * np.arange(6) / 12.0:
        labels = slit_along_rows(half_mm)
        image = Volume(np.where(labels.labels > 0, 150.0, 50.0).astype(np.float32), GRID)
        profile = measure(image, labels, boundary="mask").profiles[0]
        low, high = profile.minimum_interval_mm[profile.measured].T
        held.append(((low <= 2.0 * half_mm) & (2.0 * half_mm <= high)).mean())
    assert np.mean(held) > 0.9


def oval_along_slices(half_mm: float, turn: float, place_mm: FloatArray) -> Segmentation:
    """Return labels of an oval vein along the slices' axis, 14 mm wide one way."""
    rows, columns = ((np.arange(n) - n / 2.0) * PIXEL_MM for n in GRID.shape[1:])
    y, x = rows[:, None] - place_mm[0], columns - place_mm[1]
    long, short = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
    one = (long / 7.0) ** 2 + (short / half_mm) ** 2 < 1.0
    return Segmentation(np.repeat(one[None].astype(np.uint8), 40, axis=0), SHORT, {1: "ivc"})


def test_intervals_hold_the_width_of_ovals_that_rounding_would_explain() -> None:
    random, held = np.random.default_rng(4), []
    for _ in range(8):
        labels = oval_along_slices(6.65, random.uniform(0.0, np.pi), random.uniform(0, PIXEL_MM, 2))
        image = Volume(np.where(labels.labels > 0, 150.0, 50.0).astype(np.float32), SHORT)
        profile = measure(image, labels, boundary="mask").profiles[0]
        low, high = profile.minimum_interval_mm[profile.measured].T
        held.append(((low <= 13.3) & (high >= 13.3)).mean())
    assert np.mean(held) > 0.8


def test_steps_from_slice_to_slice_do_not_make_a_leaning_vein_wider_and_narrower() -> None:
    thick = Grid.from_axes((9, 40, 90), spacing_mm=(5.0, PIXEL_MM, PIXEL_MM))
    z, y, x = (
        (np.arange(n) - (n - 1) / 2.0) * mm
        for n, mm in zip((81, 40, 90), (5 / 9, *thick.spacing_mm[1:]), strict=True)
    )
    across = (x - z[:, None, None]) * np.sqrt(0.5)
    within = np.hypot(across, y[:, None]) < 6.0
    labels = within.reshape(9, 9, 40, 90).mean(axis=1) >= 0.5
    image = Volume(np.where(labels, 150.0, 50.0).astype(np.float32), thick)
    veins = Segmentation(labels.astype(np.uint8), thick, {1: "ivc"})
    profile = measure(image, veins, boundary="mask").profiles[0]
    inner = slice(len(profile.measured) // 4, -len(profile.measured) // 4)
    assert profile.measured[inner].all()
    assert np.ptp(profile.shapes.equivalent_mm[inner]) < 0.3
