"""The calibration of a run: found in the picture where its size is known, never guessed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from venoseg.angiography import Venogram, VenogramOptions, Way, measure_run
from venoseg.angiography.bands import Bands
from venoseg.angiography.fiducials import parse_fiducial
from venoseg.angiography.shaft_search import Shaft
from venoseg.dicom.calibration import Calibration
from venoseg.errors import MeasurementError, UsageError

SHAPE = (256, 256)
WAY = Way("ivc", np.array([[128.0, 12.0], [128.0, 243.0]]))
WIDTH = 5.0
FINER = 5


def shaft(column: float, slant: float = 0.02, width: float = WIDTH) -> Any:
    """(rows, columns) attenuation of a full shaft of even width."""
    rows, columns = ((np.arange(n * FINER) + 0.5) / FINER - 0.5 for n in SHAPE)
    row, across = np.meshgrid(rows, columns, indexing="ij")
    aside = (across - column - slant * (row - 128)) / np.hypot(1.0, slant)
    depth = np.sqrt(np.clip(1.0 - (2 * aside / width) ** 2, 0.0, None))
    return 0.2 * depth.reshape(SHAPE[0], FINER, SHAPE[1], FINER).mean(axis=(1, 3))


def bands(column: float = 124.0) -> Any:
    """(rows, columns) attenuation of eight dense bands 20 pixels apart."""
    picture = np.zeros(SHAPE)
    picture[40:200:20, round(column)] = 14.0
    return ndimage.gaussian_filter(picture, 1.4)


def header(kind: Any, size: float, share: float | None) -> Any:
    return Calibration(kind, (size, size), share, "", None, "stated")


def measured(scene: Any, extra: Any, **options: Any) -> Venogram:
    run = scene.but(extra=extra).run()
    return measure_run(run, VenogramOptions(ways=(WAY,), **options))


def test_a_catheter_of_known_thickness_is_found_in_the_vein(scene: Any):
    found = measured(scene.but(noise=0.002), shaft(124.0), fiducial=Shaft(2.5))
    assert found.calibration.kind == "catheter"
    assert found.calibration.mm_per_pixel[0] == pytest.approx(2.5 / WIDTH, rel=0.015)
    share = found.calibration.relative_uncertainty
    assert abs(found.calibration.mm_per_pixel[0] / (2.5 / WIDTH) - 1.0) < share < 0.15


def test_it_is_found_where_the_patient_has_moved(scene: Any):
    moved = scene.but(motion=(3.0, -5.0))
    found = measured(moved, shaft(124.0), fiducial=Shaft(2.5))
    assert found.calibration.mm_per_pixel[0] == pytest.approx(2.5 / WIDTH, rel=0.03)


def test_no_catheter_is_said(scene: Any):
    with pytest.raises(MeasurementError, match="no catheter is seen in the measured veins"):
        measured(scene, None, fiducial=Shaft(2.0))


def test_a_catheter_beside_the_vein_is_not_taken(scene: Any):
    with pytest.raises(MeasurementError, match="no catheter is seen in the measured veins"):
        measured(scene, shaft(70.0, slant=0.0), fiducial=Shaft(2.0))


def test_two_lines_in_the_vein_are_refused(scene: Any):
    two = shaft(122.0, slant=0.0, width=3.5) + shaft(134.0, slant=0.0, width=3.5)
    with pytest.raises(MeasurementError, match="several thin lines"):
        measured(scene, two, fiducial=Shaft(2.0))


def test_what_the_header_says_lies_in_the_picture_goes_before_its_geometry(scene: Any):
    found = measured(
        scene, bands(), stated=(Bands(10.0),), calibration=header("isocentre", 0.47, 0.13)
    )
    assert found.calibration.kind == "marker"
    assert found.calibration.mm_per_pixel == pytest.approx((0.5, 0.5), rel=0.005)
    assert "header" in found.calibration.reason


def test_a_stated_object_that_is_not_seen_leads_to_the_header_and_is_said(scene: Any):
    found = measured(
        scene, None, stated=(Bands(10.0), Shaft(2.0)), calibration=header("isocentre", 0.5, 0.13)
    )
    assert found.calibration.kind == "isocentre"
    assert sum("header's device were not used" in words for words in found.warnings) == 2


def test_a_stated_size_that_the_header_contradicts_is_not_used(scene: Any):
    found = measured(
        scene, bands(), stated=(Bands(20.0),), calibration=header("isocentre", 0.5, 0.13)
    )
    assert found.calibration.kind == "isocentre"
    assert any("by the header it is" in words for words in found.warnings)


def test_a_size_that_the_user_gives_against_the_header_is_a_warning(scene: Any):
    wrong = measured(
        scene, bands(), fiducial=Bands(20.0), calibration=header("detector", 0.6, None)
    )
    assert wrong.calibration.kind == "marker"
    assert any("is wrong" in words for words in wrong.warnings)
    right = measured(
        scene, bands(), fiducial=Bands(10.0), calibration=header("detector", 0.7, None)
    )
    assert not any("is wrong" in words for words in right.warnings)


def test_bands_of_unknown_distance_are_named_and_not_guessed(scene: Any):
    found = measured(scene, bands())
    assert found.calibration.kind == "none"
    assert found.projections[0].diameters_mm() is None
    assert any("8 marker bands are seen" in words for words in found.warnings)
    assert not any("marker bands" in words for words in measured(scene, None).warnings)


def test_a_catheter_is_read_from_the_command():
    assert parse_fiducial("catheter:6F") == Shaft(2.0)
    for text in ("catheter:0F", "catheter:6mm"):
        with pytest.raises(UsageError):
            parse_fiducial(text)
