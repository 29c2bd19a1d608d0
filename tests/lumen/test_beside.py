"""Further lumens in a section that no thin sheet parts: channels run apart, branches leave."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.lumen import Measurements, measure
from venoseg.phantom import Curve, Profile, Rendering, Scanner, Scene, Span, Tube, fit_grid, render

VEIN = "left_external_iliac_vein"


def tube(points: list[tuple[float, float, float]], radius_mm: float) -> Tube:
    curve = Curve.through(points)
    shape = Profile.along(curve, 0.0, radius_mm, radius_mm)
    spans = (Span(VEIN, 0.0, curve.length_mm),)
    return Tube(curve, shape, spans, central_cap="round", peripheral_cap="round")


def measured(*beside: Tube) -> Measurements:
    main = tube([(0.0, 0.0, 0.0), (0.0, 0.0, -45.0), (0.0, 0.0, -90.0)], 5.0)
    scene = Scene("beside", (main, *beside))
    made: Rendering = render(
        scene, fit_grid(scene, (1.0, 0.8, 0.8), margin_mm=8.0), Scanner(noise_hu=8.0, seed=2)
    )
    return measure(made.image, made.segmentation)


def stations(found: Measurements, first_mm: float, last_mm: float) -> list[dict[str, object]]:
    return [
        row for row in found.cross_sections.rows if first_mm <= float(row["position_mm"]) <= last_mm
    ]


def test_a_channel_that_runs_apart_leaves_the_vein_without_a_figure():
    channel = tube(
        [(3.0, 0.0, -20.0), (13.0, 0.0, -32.0), (13.0, 0.0, -58.0), (3.0, 0.0, -70.0)], 3.0
    )
    found = measured(channel)
    for row in stations(found, 36.0, 54.0):
        assert row["lumen_area_mm2"] is None
        assert "lumens_apart" in str(row["flags"])
        assert row["state"] == "not_assessable"
    for row in stations(found, 5.0, 12.0):
        assert row["lumen_area_mm2"] == pytest.approx(np.pi * 25.0, rel=0.03)
    assert any("channels run apart" in warning for warning in found.warnings)


def test_a_branch_that_ends_does_not_hide_the_vein():
    branch = tube([(3.0, 0.0, -20.0), (13.0, 0.0, -32.0), (13.0, 0.0, -58.0)], 3.0)
    found = measured(branch)
    for row in stations(found, 40.0, 52.0):
        assert row["lumen_area_mm2"] == pytest.approx(np.pi * 25.0, rel=0.04)
        assert "lumens_apart" not in str(row["flags"])
