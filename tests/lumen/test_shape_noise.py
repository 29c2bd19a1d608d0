"""Noise in the shape of an outline, and nothing else, is taken off."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.centerline.curve import curve_through
from venoseg.lumen.geometry.contours import (
    areas_mm2,
    feret_diameters_mm,
    outward_normals,
    resample_closed,
)
from venoseg.lumen.geometry.ovals import ellipse_waves
from venoseg.lumen.noise.alike import Edge
from venoseg.lumen.noise.shape_noise import Waves, tell_waves, wall_noise, wave_heights
from venoseg.lumen.rays.blur import label_blur
from venoseg.lumen.rays.smoothing import focal_share
from venoseg.volume import Grid

STATIONS, POINTS = 80, 96
SCATTER_MM = 0.2
GRID = Grid.from_axes((100, 60, 60), spacing_mm=(1.0, 0.78, 0.78), origin_lps_mm=(0.0, 0.0, 0.0))
EDGE = Edge("gray", label_blur(GRID), GRID)
NOT_FOCAL = np.zeros(STATIONS)
LABELS = Edge("mask", label_blur(GRID), GRID)
CURVE = curve_through(
    np.column_stack([np.full(STATIONS, 20.0), np.full(STATIONS, 20.0), np.arange(STATIONS) + 5.0]),
    1.0,
)


def ellipses(width_mm: float, height_mm: float) -> np.ndarray:
    """Return the same outline at every station, its points equally far apart."""
    angle = 2.0 * np.pi * np.arange(20 * POINTS) / (20 * POINTS)
    dense = np.column_stack([width_mm / 2.0 * np.cos(angle), height_mm / 2.0 * np.sin(angle)])
    one = resample_closed([dense], POINTS)[0]
    return np.broadcast_to(one, (len(CURVE), POINTS, 2)).copy()


def wavy(plain: np.ndarray, first: int, focal: np.ndarray = NOT_FOCAL) -> np.ndarray:
    """Displace outlines by noise of the scatter, twice as high as single edges tell."""
    noise = wall_noise(wave_heights(plain, CURVE, EDGE, focal), 1.0, EDGE, first)[0]
    return plain + outward_normals(plain) * (2.0 * SCATTER_MM * noise)[..., None]


def told(outlines: np.ndarray, scatter_mm: float = SCATTER_MM) -> Waves:
    """Tell what is noise on outlines."""
    scatter = np.full(len(CURVE), scatter_mm)
    return tell_waves(outlines, scatter, CURVE, EDGE)


def cleaned(outlines: np.ndarray) -> np.ndarray:
    """Take the noise off again."""
    return told(outlines).without_noise(outlines)


def test_the_least_width_of_a_round_lumen_is_hardly_too_small_any_more():
    noisy = wavy(ellipses(14.0, 14.0), 100)
    before = feret_diameters_mm(noisy)[0].mean() - 14.0
    after = feret_diameters_mm(cleaned(noisy))[0].mean() - 14.0
    assert before < -0.05
    assert abs(after) < 0.4 * abs(before)


def test_nor_is_that_of_a_focal_stenosis_where_less_of_the_wall_is_averaged():
    apart_mm = np.arange(STATIONS) - STATIONS / 2.0
    narrowed = 1.0 - 0.45 * np.exp(-0.5 * (apart_mm / 5.0) ** 2)
    plain = ellipses(14.0, 14.0) * narrowed[:, None, None]
    focal = focal_share(CURVE, plain, GRID).mean(axis=1)
    assert focal[STATIONS // 2] > 0.9
    noisy = wavy(plain, 100, focal)
    before, after = (
        (feret_diameters_mm(outlines)[0] - 14.0 * narrowed)[focal > 0.9].mean()
        for outlines in (noisy, cleaned(noisy))
    )
    assert before < -0.15
    assert abs(after) < 0.3 * abs(before)


@pytest.mark.parametrize("height_mm", [4.0, 7.0, 10.0])
def test_an_ellipse_stays_one(height_mm):
    plain = ellipses(14.0, height_mm)
    least = feret_diameters_mm(cleaned(wavy(plain, 100)))[0]
    assert least.mean() == pytest.approx(height_mm, abs=0.04)
    assert feret_diameters_mm(cleaned(plain))[0] == pytest.approx(height_mm, abs=0.02)


@pytest.mark.parametrize("height_mm", [2.0, 5.0, 9.0, 14.0])
@pytest.mark.parametrize("lean", [0.0, 0.7, 2.5])
def test_an_ellipse_is_known_from_its_first_waves(height_mm, lean):
    turn = np.array([[np.cos(lean), np.sin(lean)], [-np.sin(lean), np.cos(lean)]])
    outline = np.roll(ellipses(14.0, height_mm)[:1] @ turn, 17, axis=1)
    waves = np.fft.fft(outline[..., 0] + 1j * outline[..., 1])
    oval = ellipse_waves(waves[:, 1], waves[:, -1], POINTS)
    assert np.abs(np.fft.ifft(waves - oval)).max() < 0.02


def test_the_tips_of_a_noisy_oval_stay():
    plain = ellipses(16.0, 7.0)
    longest = feret_diameters_mm(cleaned(wavy(plain, 100)))[1]
    assert longest.mean() == pytest.approx(16.0, abs=0.1)


def test_place_and_size_stay():
    noisy = wavy(ellipses(14.0, 10.0), 100) + np.array([1.5, -2.0])
    after = cleaned(noisy)
    assert areas_mm2(after) == pytest.approx(areas_mm2(noisy), rel=2e-3)
    assert after.mean(axis=1) == pytest.approx(noisy.mean(axis=1), abs=1e-9)


def test_without_scatter_nothing_is_taken_off():
    outlines = wavy(ellipses(12.0, 9.0), 7)
    same = told(outlines, scatter_mm=0.0).without_noise(outlines)
    assert same == pytest.approx(outlines, abs=1e-9)


def left_mm(plain: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Return how far moves spread the least width when noise has been taken off."""
    left = plain + told(plain).doubt(moves)
    return feret_diameters_mm(left)[0] - feret_diameters_mm(plain)[0]


def test_noise_that_was_taken_off_leaves_no_doubt_about_a_round_lumen():
    plain = ellipses(14.0, 14.0)
    moves = wavy(plain, 100) - plain
    before = feret_diameters_mm(plain + moves)[0] - 14.0
    assert np.abs(left_mm(plain, moves)).mean() < 0.5 * np.abs(before).mean()


def test_how_wide_a_true_ellipse_is_stays_in_doubt():
    plain = ellipses(14.0, 7.0)
    moves = wavy(plain, 100) - plain
    before = feret_diameters_mm(plain + moves)[0] - 7.0
    assert left_mm(plain, moves).std() > 0.8 * before.std()


def test_so_does_a_faint_one_that_noise_would_explain():
    plain = ellipses(14.0, 13.85)
    waves = told(plain)
    lost = (feret_diameters_mm(waves.without_noise(plain))[0] - 13.85).mean() / 2.0
    assert lost > 0.03
    assert waves.oval_sd_mm.mean() > 0.5 * lost


def test_what_was_never_taken_off_leaves_none():
    assert told(ellipses(14.0, 12.0)).oval_sd_mm.max() < 0.01
    assert told(ellipses(14.0, 13.85), scatter_mm=0.0).oval_sd_mm == pytest.approx(0.0, abs=1e-6)


def test_a_larger_lumen_stays_in_doubt():
    plain = ellipses(14.0, 14.0)
    assert told(plain).doubt(0.1 * plain) == pytest.approx(0.1 * plain, abs=1e-9)


def test_labels_that_every_slice_rounds_alike_are_less_sure():
    steps = np.arange(STATIONS)
    leaning = curve_through(
        np.column_stack([5.0 + 0.5 * steps, 5.0 + 0.4 * steps, 5.0 + steps]), 1.0
    )
    sizes = []
    for curve in (CURVE, leaning):
        plain = np.broadcast_to(ellipses(14.0, 14.0)[0], (len(curve), POINTS, 2))
        noise = wall_noise(wave_heights(plain, curve, LABELS, np.zeros(len(curve))), 1.0, LABELS, 0)
        sizes.append(noise.mean(axis=-1).std())
    assert sizes[0] > 1.5 * sizes[1]
