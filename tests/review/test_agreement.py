"""How far two readings agree."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.cli import main
from venoseg.errors import InputError
from venoseg.review import compare_readings, icc_absolute, open_session, sign_off
from venoseg.segmentation import paint_ball
from venoseg.segmentation.edits import Pen


@pytest.fixture(scope="module")
def readings(tilted, tmp_path_factory):
    """One review folder: anna's reading as it was, bert's with a bulge."""
    folder = tmp_path_factory.mktemp("review")
    for name in ("anna", "bert"):
        session = open_session(
            tilted.image, tilted.segmentation, folder / "case", name, second_reading=True
        )
        if name == "bert":
            grid = tilted.image.grid
            inside = np.argwhere(session.labels == 1)
            at = grid.to_lps(inside[len(inside) // 2]) + np.array([7.0, 0.0, 0.0])
            session.draw("bulge", paint_ball(session.labels, grid, at, 4.0, Pen(1)))
        sign_off(session, None)
        session.close()
    return folder


def test_icc_of_a_published_table():
    """Shrout and Fleiss 1979, table 2: six targets, four judges, ICC(2,1) = 0.29."""
    ratings = np.array(
        [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]],
        dtype=float,
    )
    assert icc_absolute(ratings) == pytest.approx(0.29, abs=0.005)


def test_icc_is_one_for_equal_readings_and_falls_with_a_bias():
    values = np.array([1.0, 4.0, 2.0, 8.0, 5.0])
    assert icc_absolute(np.column_stack([values, values])) == pytest.approx(1.0)
    assert icc_absolute(np.column_stack([values, values + 3.0])) < 0.75
    assert icc_absolute(np.ones((4, 2))) is None


def test_two_readers_of_one_folder_are_compared(readings):
    found = compare_readings(readings, readings, ("anna", "bert"))
    (overlap,) = found.overlap.rows
    assert 0.9 < overlap["dice"] < 1.0
    assert overlap["volume_second_mm3"] > overlap["volume_first_mm3"]
    rows = {(r["level"], r["quantity"]): r for r in found.agreement.rows}
    station = rows["station", "lumen_area_mm2"]
    assert station["pairs"] > 50
    assert station["limit_low"] < station["bias"] < station["limit_high"]
    assert "not independent" in station["reason"]
    segment = rows["segment", "minimum_area_mm2"]
    assert (segment["cases"], segment["sd"], segment["icc"]) == (1, None, None)
    assert "needed" in segment["reason"]


def test_a_reading_agrees_with_itself(readings):
    found = compare_readings(readings, readings, ("anna", "anna"))
    assert found.overlap.rows[0]["dice"] == 1.0
    station = next(r for r in found.agreement.rows if r["level"] == "station")
    assert (station["bias"], station["sd"]) == (0.0, 0.0)
    assert station["icc"] == pytest.approx(1.0)


def test_the_command_writes_two_tables(readings, tmp_path, capsys):
    words = ["agreement", str(readings), str(readings), "--readers", "anna,bert"]
    assert main([*words, "-o", str(tmp_path / "out")]) == 0
    assert "Dice" in capsys.readouterr().out
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"overlap.csv", "agreement.csv"}
    assert main([*words, "-o", str(tmp_path / "out")]) == 2
    assert main(["agreement", "a", "b", "--readers", "anna", "-o", str(tmp_path / "o")]) == 2


def test_folders_without_results_are_refused(readings, tmp_path):
    with pytest.raises(InputError, match="no results by carl"):
        compare_readings(readings, readings, ("anna", "carl"))
    with pytest.raises(InputError, match="no results in it"):
        compare_readings(tmp_path, readings)
