"""Stents of two visits: which is which, and what has become of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from venoseg.followup.case import Case, Conditions, Stent, Timepoint
from venoseg.followup.devices import stent_changes
from venoseg.followup.levels import Match, VesselMatch
from venoseg.followup.visit import CtVisit
from venoseg.lumen.stents.records import STENT_COLUMNS
from venoseg.tables import Table

NONE = Conditions()
VEIN = "left_common_iliac_vein"
CASE = Case(
    "p", (Timepoint("a", 0), Timepoint("b", 9)), (Stent(0, VEIN, VEIN, nominal_diameter_mm=14.0),)
)


def visit(found, label: str, start_mm: float = 20.0, stop_mm: float = 50.0, **values) -> CtVisit:
    """A visit with one stent between two positions of the vein."""
    curve = found.tree.branch(VEIN).curve
    row = dict.fromkeys(column.name for column in STENT_COLUMNS)
    row |= {"stent": 1, "vessels": VEIN, "length_mm": stop_mm - start_mm}
    row |= {f"length_{end}_mm": stop_mm - start_mm + d for end, d in (("low", -3), ("high", 3))}
    row |= {f"{end}_end_doubt_mm": 2.0 for end in ("central", "peripheral")}
    row |= {"minimum_area_mm2": 120.0, "minimum_area_low_mm2": 117.0}
    row |= {"minimum_area_high_mm2": 123.0, "minimum_diameter_mm": 11.0}
    row |= {"least_diameter_ratio": 0.8, "in_stent_area_stenosis_percent": 10.0}
    row |= {"in_stent_area_stenosis_low_percent": 5.0, "in_stent_area_stenosis_high_percent": 15.0}
    for end, at in (("central", start_mm), ("peripheral", stop_mm)):
        place = curve.points_lps_mm[int(np.abs(curve.position_mm - at).argmin())]
        row |= {f"{end}_{axis}_mm": float(v) for axis, v in zip("xyz", place, strict=True)}
    stents = Table(STENT_COLUMNS, (row | values,))
    return CtVisit(label, label, 0 if label == "a" else 9, replace(found, stents=stents), NONE)


@pytest.fixture(scope="session")
def identical(first) -> Match:
    vessels = {
        b.vessel: VesselMatch(b.curve.position_mm, b.curve.position_mm)
        for b in first.found.tree.branches
    }
    return Match("bones", 1.0, None, vessels)


def rows_of(before: CtVisit, after: CtVisit, match: Match) -> dict[str, dict]:
    return {str(row["quantity"]): row for row in stent_changes(before, after, match, CASE)}


def test_a_stent_that_stayed_is_unchanged(first, identical) -> None:
    rows = rows_of(visit(first.found, "a"), visit(first.found, "b"), identical)
    assert {row["verdict"] for row in rows.values()} == {"unchanged"}
    assert {row["level"] for row in rows.values()} == {"stent 1"}
    compressed = rows["stent_compression_percent"]
    assert compressed["value_from"] == pytest.approx(100 * (1 - 11 / 14))


def test_a_stent_that_slid_is_found_to_have_moved(first, identical) -> None:
    rows = rows_of(visit(first.found, "a"), visit(first.found, "b", 32.0, 62.0), identical)
    for end in ("central", "peripheral"):
        moved = rows[f"{end}_end_migration_mm"]
        assert moved["verdict"] == "changed"
        assert moved["change"] == pytest.approx(12.0, abs=1.5)
        assert moved["change_low"] < 12.0 < moved["change_high"]
    assert rows["stent_length_mm"]["verdict"] == "unchanged"


def test_an_end_in_doubt_has_neither_moved_nor_grown(first, identical) -> None:
    """Where stents meet an end may lie anywhere in the stretch whose wires are not its alone."""
    doubt = {"central_end_doubt_mm": 16.0, "length_low_mm": 20.0, "length_high_mm": 45.0}
    after = visit(first.found, "b", 32.0, 62.0, **doubt)
    rows = rows_of(visit(first.found, "a"), after, identical)
    assert rows["central_end_migration_mm"]["verdict"] == "unchanged"
    assert rows["peripheral_end_migration_mm"]["verdict"] == "changed"
    shorter = visit(first.found, "b", 30.0, 50.0, **doubt)
    rows = rows_of(visit(first.found, "a"), shorter, identical)
    assert rows["stent_length_mm"]["verdict"] == "unchanged"


def test_a_doubtful_level_does_not_prove_a_movement(first, identical) -> None:
    doubtful = replace(identical, residual_mm=15.0)
    rows = rows_of(visit(first.found, "a"), visit(first.found, "b", 28.0, 58.0), doubtful)
    assert rows["central_end_migration_mm"]["verdict"] == "unchanged"


def test_a_shorter_and_flatter_stent_is_told(first, identical) -> None:
    flat = {
        "minimum_area_mm2": 80.0,
        "minimum_area_low_mm2": 77.0,
        "minimum_area_high_mm2": 83.0,
        "minimum_diameter_mm": 7.0,
        "least_diameter_ratio": 0.5,
        "in_stent_area_stenosis_percent": 45.0,
        "in_stent_area_stenosis_low_percent": 38.0,
        "in_stent_area_stenosis_high_percent": 52.0,
    }
    rows = rows_of(visit(first.found, "a"), visit(first.found, "b", 20.0, 38.0, **flat), identical)
    expected = {
        "stent_minimum_area_mm2": -40.0,
        "stent_minimum_diameter_mm": -4.0,
        "stent_least_diameter_ratio": -0.3,
        "stent_compression_percent": 100 * 4 / 14,
        "in_stent_area_stenosis_percent": 35.0,
        "stent_length_mm": -12.0,
    }
    for quantity, change in expected.items():
        assert rows[quantity]["verdict"] == "changed", quantity
        assert rows[quantity]["change"] == pytest.approx(change), quantity
    assert rows["central_end_migration_mm"]["verdict"] == "unchanged"


def test_what_is_not_measured_or_matched_is_not_compared(first, identical) -> None:
    hidden = {"in_stent_area_stenosis_percent": None, "in_stent_area_stenosis_low_percent": None}
    rows = rows_of(visit(first.found, "a"), visit(first.found, "b", **hidden), identical)
    assert rows["in_stent_area_stenosis_percent"]["reason"] == "not measured after"
    nowhere = replace(identical, vessels={})
    rows = rows_of(visit(first.found, "a"), visit(first.found, "b"), nowhere)
    assert rows["central_end_migration_mm"]["verdict"] == "not comparable"
    assert "not matched" in rows["central_end_migration_mm"]["reason"]
    assert rows["stent_length_mm"]["verdict"] == "unchanged"


def test_a_stent_of_another_kernel_is_not_compared_by_its_metal(first, identical) -> None:
    before, after = (
        replace(one, found=replace(one.found, volume=kernel(one.found.volume, name)))
        for one, name in ((visit(first.found, "a"), "B30f"), (visit(first.found, "b"), "B31f"))
    )
    rows = rows_of(before, after, identical)
    assert "blooming" in rows["stent_minimum_area_mm2"]["reason"]
    assert rows["stent_length_mm"]["verdict"] == "unchanged"


def kernel(volume, name: str):
    return replace(volume, source=replace(volume.source, convolution_kernel=name))
