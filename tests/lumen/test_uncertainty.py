"""Intervals say what is not known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from venoseg.lumen import measure
from venoseg.lumen.uncertainty import unproved_labels_mm
from venoseg.phantom import Curve, Profile, Scanner, Scene, Span, Tube, fit_grid, render
from venoseg.volume import Grid

GRID = Grid.from_axes((4, 4, 4), spacing_mm=(3.0, 0.8, 0.8), origin_lps_mm=(0.0, 0.0, 0.0))


def test_labels_without_an_edge_in_the_image_are_known_to_a_voxel() -> None:
    half = unproved_labels_mm(np.zeros(0), GRID)
    assert half == pytest.approx(1.96 * 0.8 / np.sqrt(3.0))


def test_labels_that_are_off_elsewhere_widen_the_interval() -> None:
    near = unproved_labels_mm(np.full(30, 0.1), GRID)
    far = unproved_labels_mm(np.full(30, -1.0), GRID)
    assert far == pytest.approx(np.hypot(unproved_labels_mm(np.zeros(0), GRID), 1.96))
    assert near < far


def test_a_lumen_that_only_the_labels_tell_has_the_wider_interval() -> None:
    curve = Curve.through([(0.0, 0.0, 0.0), (0.0, 0.0, -70.0)])
    tube = Tube(curve, Profile.along(curve, 0.0, 6.0, 6.0), (Span("ivc", 0.0, 70.0),))
    scene = Scene("tube", (tube,), lumen_hu=150.0, background_hu=50.0)
    twin = render(scene, fit_grid(scene, (2.0, 0.8, 0.8)), Scanner(noise_hu=15.0))
    dark = replace(scene, lumen_hu=55.0)
    unseen = render(dark, twin.image.grid, Scanner(noise_hu=15.0)).image

    def half(found_on: object) -> float:
        found = measure(found_on, twin.segmentation).profiles[0]  # type: ignore[arg-type]
        low, high = found.area_interval_mm2[found.measured].T
        return float(np.median(high - low))

    assert half(unseen) > 3.0 * half(twin.image)
