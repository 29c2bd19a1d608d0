"""Stents: their edges, widths, ends and expansion, from the frames before contrast medium."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from venoseg.angiography import Venogram, VenogramOptions, Way, measure_run
from venoseg.angiography.fiducials import Fiducial
from venoseg.angiography.stent_table import ANY_VESSEL
from venoseg.dicom.angiogram import Mask
from venoseg.dicom.calibration import Calibration
from venoseg.errors import MeasurementError
from venoseg.venography import _check_stents

MARKED = Calibration("marker", (0.5, 0.5), 0.01, "", None, "two marks")
WAY = Way("ivc", np.array([[128.0, 12.0], [128.0, 243.0]]))


def wires(shape: tuple[int, int], width_px: Any, start: float, stop: float) -> Any:
    """(rows, columns) attenuation of zigzag rings around column 128."""
    picture = np.zeros(shape)
    turn = np.linspace(0.0, 2.0 * np.pi, 6000)
    rise = np.abs((turn * 12 / np.pi + 1.0) % 2.0 - 1.0)
    for number, base in enumerate(np.arange(start, stop - 1e-6, 8.0)):
        row = base + 8.0 * (rise if number % 2 == 0 else 1.0 - rise)
        column = 128.0 + width_px(row) / 2.0 * np.cos(turn)
        at = np.stack([np.rint(row * 4), np.rint(column * 4)]).astype(int)
        fine = np.zeros((shape[0] * 4, shape[1] * 4))
        np.add.at(fine, tuple(at), 1.0)
        picture += ndimage.gaussian_filter(fine, 1.2).reshape(shape[0], 4, shape[1], 4).mean((1, 3))
    return 0.16 * picture / picture[picture > 0].mean()


def measured(scene: Any, width_px: Any, **options: Any) -> Venogram:
    stented = scene.but(extra=wires(scene.shape, width_px, 64.0, 184.0))
    header = {"masks": (Mask("AVG_SUB", ((2, 9),), (0, 1)),)}
    return measure_run(
        stented.run(**header), VenogramOptions(ways=(WAY,), calibration=MARKED, **options)
    )


def even(row: Any) -> Any:
    return np.full_like(row, 27.0)


def pressed(row: Any) -> Any:
    return 27.0 - 7.0 * np.exp(-0.5 * ((row - 124.0) / 14.0) ** 2)


def test_an_even_stent_has_its_width_and_ends(scene: Any):
    (row,) = measured(scene, even).stent_table.rows
    for name in ("minimum", "maximum"):
        assert row[f"{name}_width_px"] == pytest.approx(27.0, abs=0.7)
        assert row[f"{name}_width_low_mm"] < 13.5 < row[f"{name}_width_high_mm"]
    assert row["start_position_px"] == pytest.approx(64.0 - 12.0, abs=row["end_half_px"])
    assert row["stop_position_px"] == pytest.approx(184.0 - 12.0, abs=row["end_half_px"])
    assert row["nominal_mm"] is None
    assert row["expansion_percent"] is None


def test_a_pressed_stent_is_narrowest_where_it_is_pressed(scene: Any):
    found = measured(scene, pressed, stents_nominal_mm={"ivc": 14.0})
    (row,) = found.stent_table.rows
    assert row["minimum_width_px"] == pytest.approx(20.0, abs=1.2)
    assert row["minimum_position_px"] == pytest.approx(124.0 - 12.0, abs=8.0)
    assert row["expansion_percent"] == pytest.approx(100 * 10.0 / 14.0, abs=5.0)
    assert row["expansion_low_percent"] < 100 * 10.0 / 14.0 < row["expansion_high_percent"]


def test_without_millimetres_there_is_no_expansion(scene: Any):
    found = measured(scene, even, stents_nominal_mm={ANY_VESSEL: 14.0})
    bare = replace(
        found.projections[0], calibration=Calibration("none", None, None, "", None, "none given")
    )
    (row,) = replace(found, projections=(bare,)).stent_table.rows
    assert row["minimum_width_mm"] is None
    assert row["expansion_percent"] is None


def test_bare_veins_and_bones_are_no_stents(scene: Any):
    found = measure_run(scene.run(), VenogramOptions(ways=(WAY,), calibration=MARKED))
    assert found.stent_table.rows == ()
    _check_stents(found)


def test_an_expansion_without_a_stent_is_refused(scene: Any):
    found = measure_run(
        scene.run(), VenogramOptions(ways=(WAY,), stents_nominal_mm={ANY_VESSEL: 16.0})
    )
    with pytest.raises(MeasurementError, match="no stent is seen"):
        _check_stents(found)


def test_a_stent_of_known_width_calibrates(scene: Any):
    run = scene.but(extra=wires(scene.shape, even, 64.0, 184.0)).run()
    line = Fiducial("stent", 13.5, (113.0, 124.0), (142.5, 124.0))
    found = measure_run(run, VenogramOptions(ways=(WAY,), fiducial=line))
    assert found.calibration.kind == "stent"
    share = found.calibration.relative_uncertainty
    assert found.calibration.mm_per_pixel[0] == pytest.approx(0.5, rel=share)
    assert share < 0.1


def test_a_line_across_no_stent_is_refused(scene: Any):
    line = Fiducial("stent", 13.5, (113.0, 124.0), (142.5, 124.0))
    with pytest.raises(MeasurementError, match="no stent with two edges"):
        measure_run(scene.run(), VenogramOptions(ways=(WAY,), fiducial=line))


def test_unsubtracted_frames_show_no_stents(scene: Any):
    stented = scene.but(extra=wires(scene.shape, even, 64.0, 184.0))
    header = {"masks": (Mask("NONE", (), ()),)}
    found = measure_run(
        stented.run(**header), VenogramOptions(ways=(WAY,), frames=(5, 5), calibration=MARKED)
    )
    assert found.stents == ((),)
