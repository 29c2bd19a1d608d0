from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from venoseg.followup.case import Conditions
from venoseg.followup.change import change_table, collateral_changes, ct_changes
from venoseg.followup.levels import Match, VesselMatch
from venoseg.followup.rules import Rules
from venoseg.followup.stations import Stations
from venoseg.followup.verdict import Figure, difference
from venoseg.followup.visit import CtVisit
from venoseg.tables import Table

SAME = Conditions("inspiration", "filled", "venous")


def visit(found, label: str, conditions: Conditions = SAME, **source: object) -> CtVisit:
    volume = replace(found.volume, source=replace(found.source, **source))
    return CtVisit(label, label, 0, replace(found, volume=volume), conditions)


def scaled(found, vessel: str, factor: float):
    """The same measurements with the areas of one vein larger or smaller."""

    def row(one):
        if one["vessel"] != vessel or one["lumen_area_mm2"] is None:
            return one
        names = [name for name in one if name.startswith("lumen_area")]
        return one | {name: one[name] * factor for name in names}

    table = found.cross_sections
    return replace(found, cross_sections=Table(table.columns, tuple(map(row, table.rows))))


@pytest.fixture(scope="session")
def identical(first) -> Match:
    vessels = {
        b.vessel: VesselMatch(b.curve.position_mm, b.curve.position_mm)
        for b in first.found.tree.branches
    }
    return Match("bones", 0.5, None, vessels)


def rows_of(before: CtVisit, after: CtVisit, match: Match, **wanted: str):
    table = change_table(ct_changes(before, after, match, Rules()))
    return [row for row in table.rows if all(row[k] == v for k, v in wanted.items())]


IVC = {"vessel": "ivc", "level": "station", "quantity": "lumen_area_mm2"}


def test_the_same_measurements_are_unchanged(first, identical) -> None:
    rows = rows_of(visit(first.found, "a"), visit(first.found, "b"), identical, level="station")
    judged = [row for row in rows if row["change"] is not None]
    assert len(judged) > 300
    assert {row["verdict"] for row in judged} == {"unchanged"}
    assert all(row["change_low"] < 0 < row["change_high"] for row in judged)
    assert {row["reason"] for row in rows if row["change"] is None} == {
        "not measured at either time"
    }


def test_a_change_beyond_the_interval_is_one(first, identical) -> None:
    after = visit(scaled(first.found, "ivc", 0.6), "b")
    for row in rows_of(visit(first.found, "a"), after, identical, **IVC):
        if row["change"] is not None:
            assert row["verdict"] == "changed"
            assert row["change_high"] < 0


def test_a_small_change_of_a_native_vein_needs_equal_conditions(first, identical) -> None:
    after = visit(scaled(first.found, "ivc", 0.8), "b")
    unlike = visit(first.found, "a", Conditions("expiration", "filled"))
    unknown = visit(first.found, "a", Conditions())
    for before in (unlike, unknown):
        rows = [r for r in rows_of(before, after, identical, **IVC) if r["change"] is not None]
        assert {row["verdict"] for row in rows} == {"not comparable"}
        assert all("breathing and filling" in row["reason"] for row in rows)
    rows = rows_of(visit(first.found, "a"), after, identical, **IVC)
    assert {row["verdict"] for row in rows if row["change"] is not None} == {"changed"}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"convolution_kernel": "B60f"}, "different kernels: soft and sharp"),
        ({"slice_thickness_mm": 5.0}, "different slice thickness: 3 and 5 mm"),
    ],
)
def test_scans_made_otherwise_are_not_compared(first, identical, source, words) -> None:
    before = visit(first.found, "a", convolution_kernel="B30f", slice_thickness_mm=3.0)
    after = visit(
        scaled(first.found, "ivc", 0.6),
        "b",
        **{"convolution_kernel": "B30f", "slice_thickness_mm": 3.0} | source,
    )
    rows = [r for r in rows_of(before, after, identical, **IVC) if r["change"] is not None]
    assert rows
    assert {(row["verdict"], row["reason"]) for row in rows} == {("not comparable", words)}


def test_other_phases_are_not_compared(first, identical) -> None:
    before = visit(first.found, "a", Conditions("x", "y", "arterial"))
    after = visit(first.found, "b", Conditions("x", "y", "venous"))
    rows = [r for r in rows_of(before, after, identical, **IVC) if r["change"] is not None]
    assert {row["reason"] for row in rows} == {"different phases: arterial and venous"}


def test_a_doubtful_level_widens_the_interval(first, identical) -> None:
    a, b = visit(first.found, "a"), visit(first.found, "b")
    wanted = {"vessel": "left_common_iliac_vein", "level": "station", "quantity": "lumen_area_mm2"}
    sure = rows_of(a, b, identical, **wanted)
    doubtful = rows_of(a, b, replace(identical, residual_mm=8.0), **wanted)
    width = [
        np.nansum([r["change_high"] - r["change_low"] for r in rows if r["change"] is not None])
        for rows in (sure, doubtful)
    ]
    assert width[1] > 1.5 * width[0]


def test_the_smallest_of_the_matched_stretch_is_compared(first, identical) -> None:
    a, b = visit(first.found, "a"), visit(scaled(first.found, "ivc", 0.5), "b")
    (row,) = rows_of(a, b, identical, vessel="ivc", quantity="smallest_lumen_area_mm2")
    areas = [r["lumen_area_mm2"] for r in a.stations("ivc") if r["lumen_area_mm2"] is not None]
    assert row["value_from"] == pytest.approx(min(areas), abs=0.01)
    assert row["value_to"] == pytest.approx(min(areas) / 2.0, abs=0.01)
    assert row["verdict"] == "changed"


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        (Figure(10, 9, 11), Figure(10.5, 9.5, 11.5), "unchanged"),
        (Figure(10, 9, 11), Figure(12, 11, 13), "changed"),
        (Figure(10, 9, 11), Figure(11.3, 10.3, 12.3), "unchanged"),
        (Figure(0, 0, 0), Figure(5, 4, 6), "changed"),
        (Figure(10), Figure(20), "not comparable"),
        (None, Figure(5, 4, 6), "not comparable"),
    ],
)
def test_the_verdict_follows_from_the_intervals(before, after, verdict: str) -> None:
    found = difference(before, after)
    assert found.verdict == verdict
    assert found.reason


def test_collaterals_have_figures_and_no_verdict(first) -> None:
    def having(volume: float | None) -> CtVisit:
        names = [column.name for column in first.found.collaterals.columns]
        row = dict.fromkeys(names) | {"side": "left", "volume_mm3": volume}
        return visit(
            replace(
                first.found, collaterals=Table.from_rows(first.found.collaterals.columns, [row])
            ),
            "a",
        )

    length, volume = collateral_changes(having(3800.0), having(0.0))
    assert (volume["value_from"], volume["value_to"], volume["change"]) == (3800.0, 0.0, -3800.0)
    assert volume["verdict"] == length["verdict"] == "not comparable"
    assert "lower bound" in str(volume["reason"])
    assert length["change"] is None
    assert list(collateral_changes(visit(first.found, "a"), visit(first.found, "b"))) == []


def test_what_both_figures_share_is_no_part_of_their_difference() -> None:
    own, common = 0.4, 0.9
    half = float(np.hypot(own, common))
    alike = [Figure(x, x - half, x + half, common) for x in (10.0, 11.0)]
    assert difference(*alike).verdict == "changed"
    assert difference(*alike).high == pytest.approx(1.0 + np.hypot(own, own))
    unlike = replace(alike[1], common=0.0)
    assert difference(alike[0], unlike).verdict == "unchanged"


def test_a_vein_in_fat_shares_its_wall_between_visits(first) -> None:
    profiles = [
        replace(p, common_half_mm=np.full_like(p.common_half_mm, 0.3)) for p in first.found.profiles
    ]
    shared = visit(replace(first.found, profiles=tuple(profiles)), "a")
    stations = Stations.of(shared, "ivc")
    n = len(stations.rows) // 2
    area = stations.figure(n, "lumen_area_mm2")
    # The ring of this half width about a circle of the area, on one side.
    ring = np.pi / 4.0 * ((np.sqrt(4.0 * area.value / np.pi) + 0.3) ** 2) - area.value
    assert area.common == pytest.approx(ring, rel=0.02)
    assert stations.figure(n, "minimum_diameter_mm").common == 0.3


def test_a_vein_is_held_against_the_same_site_before(first, identical) -> None:
    quantity = "area_stenosis_baseline_same_site_percent"
    a, b = visit(first.found, "a"), visit(scaled(first.found, "ivc", 0.5), "b")
    (row,) = rows_of(a, b, identical, vessel="ivc", quantity=quantity)
    assert row["change"] == pytest.approx(50.0, abs=0.1)
    assert row["change_low"] < 50.0 < row["change_high"]
    assert row["verdict"] == "changed"
    (same,) = rows_of(a, visit(first.found, "b"), identical, vessel="ivc", quantity=quantity)
    assert same["verdict"] == "unchanged"


def test_where_the_figure_is_steep_a_doubtful_level_counts_most(first, identical) -> None:
    doubtful = replace(identical, residual_mm=4.0)
    wanted = {"vessel": "left_common_iliac_vein", "level": "station", "quantity": "lumen_area_mm2"}
    rows = rows_of(visit(first.found, "a"), visit(first.found, "b"), doubtful, **wanted)
    rows = [row for row in rows if row["change"] is not None]
    area = np.array([row["value_from"] for row in rows])
    half = np.array([row["change_high"] for row in rows])
    slope = np.abs(np.gradient(area, [row["position_mm"] for row in rows]))
    steepest = int(slope.argmax())
    assert half[steepest] > 2.0 * slope[steepest]
    # Not the bottom of the stenosis, which is as flat: its own interval is wide.
    assert half[steepest] > 2.0 * np.median(half[slope < 1.5])
