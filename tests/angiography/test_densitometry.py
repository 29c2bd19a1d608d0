"""Relative areas from the amount of contrast medium, and where there are none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from venoseg.angiography import Venogram, VenogramOptions, Way, measure_run
from venoseg.angiography.densitometry import RelativeArea, relative_area
from venoseg.dicom.angiogram import Mask
from venoseg.dicom.calibration import Calibration

HALF_MM = Calibration("fiducial", (0.5, 0.5), 0.01, "the vein", None, "known")
NO_MM = Calibration("none", None, None, "", None, "unknown")


def measured(scene: Any, vein: Any, calibration: Calibration = HALF_MM, **changes: Any) -> Venogram:
    run = scene.but(veins=(type(vein)(width_px=narrow),), **changes).run(
        masks=(Mask("AVG_SUB", ((2, 9),), (0, 1)),)
    )
    ways = (Way("ivc", np.array([[128.0, 20.0], [128.0, 235.0]])),)
    return measure_run(run, VenogramOptions(ways=ways, calibration=calibration))


def area_of(found: Venogram) -> RelativeArea:
    known = found.subtraction.curve.densitometric
    return relative_area(found.projections[0], found.lesions[0][0], densitometric=known)


def narrow(along: Any) -> Any:
    return 24.0 * (1 - 0.5 * np.exp(-(((along - 150) / 20) ** 2)))


def test_a_round_stenosis_of_half_the_width_has_a_quarter_of_the_area(scene: Any, vein: Any):
    area = area_of(measured(scene, vein))
    assert area.relative_area == pytest.approx(0.25, abs=0.03)
    assert area.area_mm2_assumed_circular == pytest.approx(np.pi * 9, rel=0.12)


def test_without_millimetres_only_the_ratio_is_given(scene: Any, vein: Any):
    area = area_of(measured(scene, vein, NO_MM))
    assert area.relative_area == pytest.approx(0.25, abs=0.03)
    assert area.area_mm2_assumed_circular is None


def test_display_values_have_no_amounts(scene: Any, vein: Any):
    area = area_of(measured(scene, vein, relation="DISP"))
    assert area.relative_area is area.area_mm2_assumed_circular is None
    assert "display" in area.reason


def test_sides_that_fill_differently_give_no_reference(scene: Any, vein: Any):
    found = measured(scene, vein)
    projection, (lesion,) = found.projections[0], found.lesions[0]
    beyond = np.arange(len(projection.position_px)) > lesion.stop
    thinned = projection.edges.amplitude * np.where(beyond, 0.5, 1.0)
    diluted = replace(projection, edges=replace(projection.edges, amplitude=thinned))
    area = relative_area(diluted, lesion, densitometric=True)
    assert area.relative_area is None
    assert "equally filled" in area.reason
