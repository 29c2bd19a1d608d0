"""The check of the demonstration against the truth beside its data."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from benchmarks.followup.demo import Tally, demo

PLACES = ("x_mm", "y_mm", "z_mm")
AREAS = ("lumen_area_mm2", "lumen_area_low_mm2", "lumen_area_high_mm2")


def table(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def segment(occluded_mm: float) -> list[dict[str, object]]:
    state = "occluded" if occluded_mm else "patent"
    row = {"vessel": "ivc", "occluded_length_mm": occluded_mm, "state": state}
    return [row | {"in_stent_area_stenosis_percent": ""}]


def stations(areas: list[float]) -> list[dict[str, object]]:
    return [
        {"vessel": "ivc"}
        | dict(zip(PLACES, (0.0, 0.0, float(n)), strict=True))
        | dict(zip(AREAS, (area, area - 5.0, area + 5.0), strict=True))
        for n, area in enumerate(areas)
    ]


def checked(tmp_path: Path, found_mm: float, areas: list[float], capsys) -> str:
    for visit in ("baseline", "one_year"):
        for folder, length, values in (
            (tmp_path / "found", found_mm, areas),
            (tmp_path / "sample", 50.0, [100.0] * 4),
        ):
            here = folder / visit / ("truth" if folder.name == "sample" else "")
            table(here / "segments.csv", segment(length))
            table(here / "cross_sections.csv", stations(values))
    demo(tmp_path / "found", tmp_path / "sample")
    return capsys.readouterr().out


def test_what_lies_in_its_interval_passes(tmp_path, capsys) -> None:
    told = checked(tmp_path, 52.0, [101.0] * 4, capsys)
    assert "OUTSIDE" not in told
    assert told.count("100 % in") == 2


def test_an_occlusion_that_is_too_long_is_named(tmp_path, capsys) -> None:
    assert checked(tmp_path, 60.0, [101.0] * 4, capsys).count("OUTSIDE") == 2


def test_stations_outside_their_intervals_are_counted(tmp_path, capsys) -> None:
    told = checked(tmp_path, 50.0, [101.0, 101.0, 101.0, 120.0], capsys)
    assert told.count("75 % in") == 2


@pytest.mark.parametrize(
    ("least_mm2", "verdict"), [(102.0, "in doubt"), (98.0, "in doubt"), (150.0, "DIFFERENT")]
)
def test_a_doubt_counts_only_where_the_interval_holds_the_limit(
    tmp_path, capsys, least_mm2: float, verdict: str
) -> None:
    found = {"reference_area_mm2": 200.0, "flags": "state_in_doubt"}
    for folder, more in ((tmp_path / "found", found), (tmp_path / "sample", {"state": "stenotic"})):
        for visit in ("baseline", "one_year"):
            here = folder / visit / ("truth" if folder.name == "sample" else "")
            table(here / "segments.csv", [segment(0.0)[0] | more])
            rows = [one | {"minimum_diameter_low_mm": ""} for one in stations([least_mm2] * 4)]
            table(here / "cross_sections.csv", rows)
    demo(tmp_path / "found", tmp_path / "sample")
    told = capsys.readouterr().out
    assert told.count(verdict) >= 2
    assert ("DIFFERENT" in told) is (verdict == "DIFFERENT")


def test_a_state_that_is_said_to_be_in_doubt_may_be_either() -> None:
    tally = Tally()
    tally.word("ivc state", "patent", "stenotic", in_doubt=True)
    assert (tally.inside, tally.outside) == (1, 0)
    tally.word("ivc state", "patent", "occluded", in_doubt=True)
    tally.word("ivc state", "patent", "stenotic")
    assert (tally.inside, tally.outside) == (1, 2)
