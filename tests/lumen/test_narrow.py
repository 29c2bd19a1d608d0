"""What a fitted step misses in a narrow lumen."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.lumen.narrow import missed_mm

DEPTHS_MM = np.linspace(-8, 8, 17) * 0.4
BLUR_MM = 0.7


def _missed(*radii_mm: float, longer: float = 1.0) -> list[float]:
    """Of ellipses so many times as long as wide."""
    blur, angle = np.full(len(radii_mm), BLUR_MM), np.linspace(0.0, 2.0 * np.pi, 96, endpoint=False)
    radius = np.array(radii_mm)[:, None]
    contours = np.stack([longer * radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    return missed_mm(contours, np.array(radii_mm), blur, DEPTHS_MM, 1.2).tolist()


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
