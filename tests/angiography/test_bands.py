"""A marker catheter found by itself, and refused where it is not the only one or slants."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from venoseg.angiography import VenogramOptions, Way, measure_run
from venoseg.angiography.bands import Bands, find_bands, gap_px
from venoseg.angiography.fiducials import Fiducial, parse_fiducial
from venoseg.errors import MeasurementError, UsageError

SHAPE = (256, 256)
WAY = Way("ivc", np.array([[128.0, 12.0], [128.0, 243.0]]))


def spots(*middles: tuple[float, float]) -> Any:
    """(rows, columns) attenuation of dense bands at columns and rows."""
    row, column = np.indices(SHAPE)
    picture = np.zeros(SHAPE)
    for x, y in middles:
        picture += np.exp(-0.5 * ((column - x) ** 2 + (row - y) ** 2) / 1.4**2)
    return picture


def row_of(column: float, gap: float = 20.0, count: int = 8, slant: float = 0.1) -> list[Any]:
    along = gap / np.hypot(1.0, slant)
    return [(column + slant * along * n, 40.3 + along * n) for n in range(count)]


def test_the_bands_in_the_vein_calibrate(scene: Any):
    run = scene.but(extra=spots(*row_of(124.0))).run()
    found = measure_run(run, VenogramOptions(ways=(WAY,), fiducial=Bands(10.0)))
    assert found.calibration.kind == "marker"
    assert found.calibration.mm_per_pixel == pytest.approx((0.5, 0.5), rel=0.005)
    assert "8 bands" in found.calibration.reason


def test_bands_beside_the_veins_are_refused(scene: Any):
    run = scene.but(extra=spots(*row_of(60.0))).run()
    with pytest.raises(MeasurementError, match="do not lie in a measured vein"):
        measure_run(run, VenogramOptions(ways=(WAY,), fiducial=Bands(10.0)))


def test_two_catheters_are_refused():
    picture = spots(*row_of(60.0), *row_of(160.0, gap=24.0, count=6))
    with pytest.raises(MeasurementError, match="more than one row"):
        find_bands(picture, np.ones(SHAPE, dtype=bool))


def test_no_bands_are_refused(scene: Any):
    with pytest.raises(MeasurementError, match="row of mark"):
        measure_run(scene.run(), VenogramOptions(ways=(WAY,), fiducial=Bands(10.0)))


def test_a_slanting_catheter_is_refused():
    rows = 40.0 + np.cumsum([0.0, 20.0, 18.5, 16.8, 15.3, 14.2])
    with pytest.raises(MeasurementError, match="slants"):
        gap_px(np.stack([np.full(6, 60.0), rows], axis=1))


def test_bands_are_read_from_the_command():
    assert parse_fiducial("marker:10mm") == Bands(10.0)
    with pytest.raises(UsageError):
        parse_fiducial("marker:0mm")
    stent = parse_fiducial("stent:16mm@1,2,3,4")
    assert stent == Fiducial("stent", 16.0, (1.0, 2.0), (3.0, 4.0))
