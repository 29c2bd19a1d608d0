"""Averages along a vein at stations far apart."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.lumen import measure
from venoseg.lumen.rays.averages import average_along
from venoseg.phantom import Curve, Profile, Scanner, Scene, Span, Tube, fit_grid, render


@pytest.mark.parametrize("sigma", [0.2, 0.3, 0.5, 0.75, 1.5])
def test_what_does_not_bend_has_no_bend_however_far_apart_stations_are(sigma: float) -> None:
    at = np.arange(21.0)[:, None]
    assert abs(average_along(np.full_like(at, 10.0), sigma, order=2)[10, 0]) < 0.02
    assert average_along(0.5 * at**2, sigma, order=2)[10, 0] == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize("boundary", ["gray", "mask"])
def test_diameters_do_not_depend_on_how_far_apart_stations_are(boundary) -> None:
    curve = Curve.through([(0.0, 0.0, 0.0), (8.0, -5.0, -90.0)])
    vein = Tube(curve, Profile.along(curve, 0.0, 9.0, 9.0), (Span("ivc", 0.0, curve.length_mm),))
    scene = Scene("tube", (vein,))
    twin = render(scene, fit_grid(scene, (1.0, 0.8, 0.8), margin_mm=12.0), Scanner(noise_hu=5.0))
    for step_mm in (3.0, 5.0):
        found = measure(twin.image, twin.segmentation, step_mm=step_mm, boundary=boundary)
        rows = [row for row in found.cross_sections.rows if row["minimum_diameter_mm"] is not None]
        assert len(rows) > 15
        for row in rows:
            assert row["equivalent_diameter_mm"] == pytest.approx(18.0, abs=0.1)
            assert row["minimum_diameter_high_mm"] - row["minimum_diameter_low_mm"] < 0.5
