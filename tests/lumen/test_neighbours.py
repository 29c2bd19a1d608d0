"""An artery of the vein's own gray value beside it, labelled apart and labelled as one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from venoseg.lumen import Measurements, measure
from venoseg.phantom import Rendering, Scanner, fit_grid, render, shape
from venoseg.phantom.scene import Layer
from venoseg.phantom.tube import Tube
from venoseg.segmentation import Segmentation

VEIN = shape("straight", seed=3)
RADIUS_MM = float(VEIN.tubes[0].profile.first_mm[0])
ARTERY_MM = 5.0


def artery() -> Tube:
    course = VEIN.tubes[0].curve.points_lps_mm[::20]
    beside = np.array([RADIUS_MM + ARTERY_MM, 0.0, 0.0])
    return Tube.plain(course + beside, ARTERY_MM, ARTERY_MM)


@pytest.fixture(scope="module")
def touching() -> Rendering:
    scene = replace(VEIN, before=(Layer(artery(), 150.0),), background_hu=50.0, lumen_hu=150.0)
    grid = fit_grid(scene, (1.5, 0.8, 0.8), 25.0)
    return render(scene, grid, Scanner(noise_hu=12.0, seed=3))


def errors_mm(found: Measurements) -> np.ndarray:
    profile = found.profiles[0]
    assert profile.measured.sum() > 50
    return (profile.shapes.equivalent_mm - 2.0 * RADIUS_MM)[profile.measured]


def waists(found: Measurements) -> int:
    return sum("concave_section" in words for words in found.profiles[0].flags)


def test_an_artery_that_touches_does_not_widen_the_vein(touching):
    found = measure(touching.image, touching.segmentation)
    assert found.profiles[0].from_image.any()
    assert np.abs(errors_mm(found)).max() < 0.15
    assert waists(found) == 0
    assert not any("waist" in warning for warning in found.warnings)


def test_labels_that_hold_both_are_told_by_their_waist(touching):
    own = touching.segmentation
    points = own.grid.to_lps(np.moveaxis(np.indices(own.grid.shape), 0, -1).astype(float))
    other = artery().distance(points.reshape(-1, 3)).reshape(own.grid.shape) < 0
    labels = np.where(other & (own.labels == 0), own.labels.max(), own.labels).astype(np.uint8)
    found = measure(touching.image, Segmentation(labels, own.grid, own.names))
    assert errors_mm(found).mean() > 2.0
    assert waists(found) > 50
    assert any("has a waist" in warning for warning in found.warnings)
