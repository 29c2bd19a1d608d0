"""An edge that a person drew takes the place of the one found, and the vein is judged anew."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from venoseg.angiography import VenogramOptions, Way, measure_run
from venoseg.angiography.correction import DRAWN, DrawnEdge, with_drawn_edge
from venoseg.dicom.angiogram import Mask
from venoseg.dicom.calibration import Calibration
from venoseg.errors import MeasurementError, UsageError

WIDTH_PX, STATION = 24.0, 100


@pytest.fixture
def found(scene: Any) -> Any:
    options = VenogramOptions(
        ways=(Way("ivc", np.array([[128.0, 20.0], [128.0, 235.0]])),),
        calibration=Calibration("fiducial", (0.5, 0.5), 0.01, "the vein", None, "known"),
    )
    return measure_run(scene.run(masks=(Mask("AVG_SUB", ((2, 9),), (0, 1)),)), options)


def edge_px(found: Any, side: int, station: int = STATION) -> float:
    return float(found.projections[0].edges.edges_px[station, side])


def test_an_edge_pressed_in_is_a_stenosis_with_a_wider_interval(found: Any):
    drawn = DrawnEdge(0, STATION, 1, edge_px(found, 1) - 10.0)
    new = with_drawn_edge(found, drawn)
    before, after = found.projections[0], new.projections[0]
    assert not found.lesions[0]
    assert after.diameter_px[STATION] == pytest.approx(before.diameter_px[STATION] - 10.0)
    np.testing.assert_array_equal(after.edges.edges_px[:, 0], before.edges.edges_px[:, 0])
    (lesion,) = new.lesions[0]
    assert lesion.smallest == pytest.approx(STATION, abs=1)
    assert after.state[STATION] == "stenotic"
    # The interval holds what the program had found.
    diameter, _, high = (part[STATION] for part in after.diameters_mm())
    assert diameter == pytest.approx(0.5 * (WIDTH_PX - 10.0), abs=0.2)
    assert high >= before.diameters_mm()[0][STATION]
    by_hand = [DRAWN in flag.split(";") for flag in after.flags]
    assert by_hand[STATION]
    far = np.abs(np.arange(len(by_hand)) - STATION) > WIDTH_PX
    assert not np.array(by_hand)[far].any()
    np.testing.assert_array_equal(after.diameter_px[far], before.diameter_px[far])
    assert len(new.lesion_table.rows) > 0


def test_an_edge_put_back_leaves_no_stenosis_but_its_flag(found: Any):
    there = edge_px(found, 0)
    pressed = with_drawn_edge(found, DrawnEdge(0, STATION, 0, there + 10.0))
    back = with_drawn_edge(pressed, DrawnEdge(0, STATION, 0, there))
    assert not back.lesions[0]
    np.testing.assert_allclose(
        back.projections[0].diameter_px, found.projections[0].diameter_px, atol=0.3
    )
    assert DRAWN in back.projections[0].flags[STATION]


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"vein": 1}, UsageError, "was not measured"),
        ({"station": 10_000}, UsageError, "no edge"),
        ({"side": 2}, UsageError, "no edge"),
        ({"to_px": -30.0}, MeasurementError, "would meet"),
    ],
)
def test_what_cannot_be_an_edge_is_refused(found: Any, changes: Any, error: Any, words: str):
    asked = {"vein": 0, "station": STATION, "side": 1, "to_px": 5.0} | changes
    with pytest.raises(error, match=words):
        with_drawn_edge(found, DrawnEdge(**asked))


def test_where_nothing_fills_there_is_no_edge_to_move(found: Any):
    old = found.projections[0]
    empty = old.diameter_px.copy()
    empty[STATION] = np.nan
    without = replace(found, projections=(replace(old, diameter_px=empty),))
    with pytest.raises(MeasurementError, match="no edge was found"):
        with_drawn_edge(without, DrawnEdge(0, STATION, 1, 8.0))
