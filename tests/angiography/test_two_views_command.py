from __future__ import annotations

import json
from pathlib import Path

import pytest

from venoseg.cli.main import main

HEADINGS = "vessel,position_px,diameter_mm,diameter_low_mm,diameter_high_mm,state\n"


def results(folder: Path, primary: float | None, widths: list[float]) -> Path:
    """A folder as `angio` writes it, with the columns that count."""
    folder.mkdir()
    source = {"primary_angle_degrees": primary, "secondary_angle_degrees": 0.0}
    (folder / "angiogram.json").write_text(json.dumps({"source": source}))
    rows = [f"ivc,{n},{w},{w - 0.2},{w + 0.2},patent\n" for n, w in enumerate(widths)]
    rows.append("ivc,90,0.0,0.0,0.0,occluded\n")
    (folder / "projection.csv").write_text(HEADINGS + "".join(rows))
    return folder


def test_two_views_at_a_right_angle_show_both_axes(tmp_path: Path, capsys) -> None:
    one = results(tmp_path / "a", 0.0, [12.0, 8.0, 12.0])
    other = results(tmp_path / "b", 90.0, [13.0, 12.0, 13.0])
    assert main(["two-views", str(one), str(other), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["veins"]
    assert row["apart_degrees"] == pytest.approx(90.0)
    assert (row["first_mm"], row["second_mm"]) == (8.0, 12.0)
    assert row["area_mm2"] == pytest.approx(75.4, abs=0.2)
    assert row["area_low_mm2"] < row["area_mm2"] < row["area_high_mm2"]


@pytest.mark.parametrize(
    ("primary", "widths", "status", "words"),
    [
        (10.0, [12.0], 3, "degrees apart"),
        (None, [12.0], 3, "angles of the view"),
        (90.0, [], 3, "millimetres"),
    ],
)
def test_views_that_say_nothing_are_refused(
    tmp_path: Path, capsys, primary, widths, status: int, words: str
) -> None:
    one = results(tmp_path / "a", 0.0, [8.0])
    other = results(tmp_path / "b", primary, widths)
    assert main(["two-views", str(one), str(other)]) == status
    assert words in capsys.readouterr().err


def test_a_folder_without_results_and_an_unknown_vein_are_named(tmp_path: Path, capsys) -> None:
    one = results(tmp_path / "a", 0.0, [8.0])
    other = results(tmp_path / "b", 90.0, [8.0])
    assert main(["two-views", str(one), str(tmp_path)]) == 3
    assert "no results of a run" in capsys.readouterr().err
    assert main(["two-views", str(one), str(other), "--vessel", "left_iliac_vein"]) == 2
    assert "both runs" in capsys.readouterr().err
