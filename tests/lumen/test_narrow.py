"""What a fitted step misses in a narrow lumen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from venoseg.lumen.boundary.narrow import for_every_blur_mm, missed_mm
from venoseg.volume import FloatArray

DEPTHS_MM = np.linspace(-8, 8, 17) * 0.4
BLUR_MM = 0.7


def _ellipses(radii_mm: Sequence[float], longer: float = 1.0) -> FloatArray:
    """So many times as long as wide."""
    angle, radius = np.linspace(0.0, 2.0 * np.pi, 96, endpoint=False), np.array(radii_mm)[:, None]
    return np.stack([longer * radius * np.cos(angle), radius * np.sin(angle)], axis=-1)


def _missed(*radii_mm: float, longer: float = 1.0) -> list[float]:
    """Of ellipses so many times as long as wide."""
    blur, contours = np.full(len(radii_mm), BLUR_MM), _ellipses(radii_mm, longer)
    return missed_mm(contours, np.array(radii_mm), blur, DEPTHS_MM, 1.2).tolist()


def _widened(*radii_mm: float) -> FloatArray:
    """Half widths of diameters' intervals that were .2 mm with the blur that was expected."""
    half, blur = np.full((len(radii_mm), 2), 0.2), np.full(len(radii_mm), BLUR_MM)
    return for_every_blur_mm(_ellipses(radii_mm), half, blur, DEPTHS_MM, 1.2)


def test_a_wide_lumen_is_read_right() -> None:
    assert _missed(8.0, 20.0) == [0.0, 0.0]
    assert abs(_missed(3.5)[0]) < 0.001 * 7.0  # of a diameter of 7 mm


def test_the_narrower_a_lumen_the_wider_it_is_read() -> None:
    missed = _missed(1.4, 1.6, 1.9, 2.5)
    assert missed == sorted(missed, reverse=True)
    assert 0.08 < missed[0] < 0.2


def test_where_the_radius_cannot_be_told_no_more_is_taken_off() -> None:
    least = _missed(1.3)[0]
    assert _missed(0.5)[0] == pytest.approx(least, abs=0.12)
    assert _missed(0.5)[0] < 0.35


def test_between_the_flat_walls_of_a_slit_less_is_missed() -> None:
    radii = (1.4, 1.5, 1.6, 1.7, 1.9, 2.2)
    flat, bent = np.array(_missed(*radii, longer=8.0)), np.array(_missed(*radii))
    assert (flat > 0.0).all()
    assert (flat < 0.9 * bent).all()


def test_an_interval_for_every_blur_holds_what_a_smooth_kernel_makes_of_a_narrow_lumen() -> None:
    # Blurred by 1.25 mm a lumen of 3 mm is read as one of 3.7 mm, one of 4 mm as one of 4.3.
    widened = _widened(1.86, 2.14)
    assert (widened[0] > 0.7).all()
    assert (widened[1] > 0.3).all()
    assert (widened[1] < widened[0]).all()


def test_blur_that_is_not_told_does_not_matter_to_a_wide_lumen() -> None:
    assert _widened(4.5, 8.0) == pytest.approx(np.full((2, 2), 0.2))
