"""Labels a voxel too large or too small do not change what the image says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from venoseg.lumen import measure
from venoseg.lumen.profile import VesselProfile
from venoseg.phantom import Curve, Profile, Rendering, Scanner, Scene, Span, Tube, fit_grid, render
from venoseg.segmentation import Segmentation

RADIUS_MM, LENGTH_MM = 8.0, 70.0
DIRECTION = np.array([0.80, 0.15, -0.58])
DIRECTION /= np.linalg.norm(DIRECTION)

# A voxel is a slice of 3 mm: on a vein that leans by 55 degrees the labels' wall is 2.5 mm off
# above and below, and they reach as far beyond its ends.
SPACING_MM = (3.0, 0.8, 0.8)

# So near to the end of the vein its own end is seen.
END_MM = 4.0


@pytest.fixture(scope="module")
def leaning() -> Rendering:
    curve = Curve.through([np.zeros(3), DIRECTION * LENGTH_MM])
    tube = Tube(
        curve, Profile.along(curve, 0.0, RADIUS_MM, RADIUS_MM), (Span("ivc", 0.0, LENGTH_MM),)
    )
    scene = Scene("leaning", (tube,), lumen_hu=150.0, background_hu=50.0)
    return render(scene, fit_grid(scene, SPACING_MM), Scanner(noise_hu=10.0, seed=11))


def measured(twin: Rendering, grown: int) -> VesselProfile:
    inside = twin.segmentation.labels > 0
    changed = (ndimage.binary_dilation if grown > 0 else ndimage.binary_erosion)(inside)
    labels = Segmentation(changed.astype(np.uint8), twin.segmentation.grid, {1: "ivc"})
    return measure(twin.image, labels).profiles[0]


def inner(profile: VesselProfile) -> np.ndarray:
    """Stations of the vein itself, away from its ends."""
    along = profile.branch.curve.points_lps_mm @ DIRECTION
    return (along > END_MM) & (along < LENGTH_MM - END_MM) & profile.measured


@pytest.mark.parametrize("grown", [1, -1])
def test_the_image_gives_the_same_diameter(leaning, grown):
    profile = measured(leaning, grown)
    chosen = inner(profile)
    assert chosen.sum() > 50
    assert profile.shapes.equivalent_mm[chosen].mean() == pytest.approx(2 * RADIUS_MM, abs=0.06)
    assert profile.shapes.minimum_mm[chosen].mean() == pytest.approx(2 * RADIUS_MM, abs=0.15)
    assert profile.shapes.equivalent_mm[chosen] == pytest.approx(2 * RADIUS_MM, abs=0.5)


def test_a_course_goes_straight_on_where_labels_end_askew(leaning):
    profile = measured(leaning, 1)
    curve = profile.branch.curve
    along = curve.points_lps_mm @ DIRECTION
    beside = np.linalg.norm(curve.points_lps_mm - along[:, None] * DIRECTION, axis=1)
    within = (along > 0.0) & (along < LENGTH_MM)
    assert beside[within].max() < 0.8
    assert (curve.tangents[within] @ DIRECTION).min() > np.cos(np.radians(6.0))
