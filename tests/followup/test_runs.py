"""Two runs of one case: collaterals that no longer fill, and views that are not the same."""

from __future__ import annotations

import numpy as np
import pytest
from tests.angiography.conftest import Scene, Vein

from venoseg.angiography import VenogramOptions, Way, measure_run
from venoseg.followup.rules import Rules
from venoseg.followup.runs import run_changes
from venoseg.followup.visit import RunVisit
from venoseg.tables import Row

WAY = Way("ivc", np.array([[128.0, 12.0], [128.0, 243.0]]))
BESIDE = Vein(start=(40.0, 20.0), stop=(40.0, 235.0), width_px=lambda a: np.full_like(a, 12.0))
FAINT = Vein(start=(40.0, 20.0), stop=(40.0, 235.0), width_px=lambda a: np.full_like(a, 8.0))


def visit(label: str, veins: tuple[Vein, ...], angles: tuple[float | None, float | None]):
    run = Scene(veins=veins).run(angles_degrees=angles)
    return RunVisit(label, label, 0, measure_run(run, VenogramOptions(ways=(WAY,))))


def share(
    angles: tuple[float | None, float | None],
    after: tuple[Vein, ...] = (Vein(),),
    rules: Rules | None = None,
) -> Row:
    before = visit("before", (Vein(), BESIDE), (10.0, 0.0))
    rows = run_changes(before, visit("after", after, angles), rules or Rules())
    (row,) = [row for row in rows if row["quantity"] == "collateral_fraction"]
    return row


def test_collaterals_that_stop_filling_are_a_change_with_an_interval():
    row = share((12.0, 1.0))
    assert float(row["value_from"]) > 0.1
    assert float(row["value_to"]) == pytest.approx(0.0, abs=0.01)
    assert row["verdict"] == "changed"
    assert float(row["change_low"]) < float(row["change"]) < float(row["change_high"]) < 0
    assert "no residual filling" in str(row["reason"])


def test_collaterals_that_fill_less_still_fill() -> None:
    row = share((10.0, 0.0), (Vein(), FAINT))
    assert row["verdict"] == "changed"
    assert "no residual filling" not in str(row["reason"])


def test_one_rule_says_what_counts_as_no_filling() -> None:
    row = share((10.0, 0.0), (Vein(), FAINT), Rules(open_collateral_fraction=0.15))
    assert 0.05 < float(row["value_to"]) < 0.15
    assert "no residual filling" in str(row["reason"])


@pytest.mark.parametrize(
    ("angles", "words"), [((30.0, 0.0), "20 degrees apart"), ((None, None), "not stated")]
)
def test_other_views_are_not_compared(angles: tuple[float | None, float | None], words: str):
    row = share(angles)
    assert row["verdict"] == "not comparable"
    assert words in str(row["reason"])
