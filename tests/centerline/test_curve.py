"""Smooth curves: what smoothing makes of points."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import make_smoothing_spline

from venoseg.centerline.curve import chord_lengths_mm, smooth


def _noisy_line(count: int) -> np.ndarray:
    random = np.random.default_rng(count)
    aside, along = random.normal(0.0, 0.3, (count, 2)), random.uniform(0.5, 1.5, count)
    return np.column_stack([aside, np.cumsum(along)])


@pytest.mark.parametrize("count", [5, 8, 200])
@pytest.mark.parametrize("length_mm", [1.0, 10.0])
def test_a_smoothed_line_is_the_spline_of_least_bend(count: int, length_mm: float) -> None:
    line = _noisy_line(count)
    weights = np.where(np.random.default_rng(1).random(count) < 0.3, 1e-3, 1.0)
    at = chord_lengths_mm(line)
    penalty = length_mm**4 / (at[-1] / (count - 1))
    expected = make_smoothing_spline(at, line, w=weights, lam=penalty)(at)
    assert smooth(line, weights, length_mm) == pytest.approx(expected, abs=1e-6)


def test_points_in_one_place_change_next_to_nothing() -> None:
    line = _noisy_line(40)
    twice = np.insert(line, 20, line[20], axis=0)
    weights = np.ones(41)
    weights[20:22] = 0.5
    assert np.delete(smooth(twice, weights), 20, axis=0) == pytest.approx(smooth(line), abs=0.02)
