"""How long an occlusion is, from where the lumen ends to where it goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from venoseg.lumen import measure
from venoseg.phantom import Curve, Profile, Scanner, Scene, Span, Tube, fit_grid, render
from venoseg.phantom.lesions import occluded


@pytest.mark.parametrize(("slice_mm", "within_mm"), [(1.0, 1.2), (3.0, 2.0)])
@pytest.mark.parametrize("start_mm", [30.0, 30.5])
def test_it_is_as_long_as_it_is(slice_mm, within_mm, start_mm):
    """Beside its ends the open lumen blurs into the shut stretch, which is occluded there too."""
    curve = Curve.through([(0.0, 0.0, 0.0), (12.0, 6.0, -45.0), (18.0, 4.0, -90.0)])
    tube = Tube(
        curve,
        Profile.along(curve, 0.0, 6.5, 6.5),
        (Span("left_common_iliac_vein", 0.0, curve.length_mm),),
    )
    scene = Scene("occlusion", (occluded(tube, start_mm, start_mm + 20.0),))
    grid = fit_grid(scene, (slice_mm, 0.8, 0.8), margin_mm=15.0)
    made = render(scene, grid, replace(Scanner(), noise_hu=15.0, seed=3))
    (row,) = measure(made.image, made.segmentation).segments.rows
    assert row["occluded_length_mm"] == pytest.approx(20.0, abs=within_mm)
