"""The filling of collaterals before and after."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.angiography.collaterals import CollateralFilling
from venoseg.angiography.comparison import View, compare_collaterals

FRONTAL = View(0.0, 0.0)


def filling(share: float, half: float = 0.03) -> CollateralFilling:
    each = np.full(3, share)
    low, high = max(share - half, 0.0), share + half
    return CollateralFilling(each, each * 0 + low, each * 0 + high, share, low, high, 500)


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        (0.40, 0.01, "no_residual_filling"),
        (0.40, 0.20, "less"),
        (0.20, 0.40, "more"),
        (0.40, 0.38, "unchanged"),
        (0.0, 0.0, "unchanged"),
    ],
)
def test_the_interval_decides(before: float, after: float, verdict: str):
    change = compare_collaterals(filling(before), filling(after), FRONTAL, View(3.0, -2.0))
    assert change.verdict == verdict
    assert change.change == pytest.approx(after - before)
    assert change.change_low is not None
    assert change.change_high is not None
    assert change.change_low < after - before < change.change_high


@pytest.mark.parametrize(
    ("second", "words"),
    [(View(30.0, 0.0), "30 degrees apart"), (View(None, 0.0), "angles of a view are not stated")],
)
def test_other_views_are_not_compared(second: View, words: str):
    change = compare_collaterals(filling(0.4), filling(0.0), FRONTAL, second)
    assert change.verdict == "not_comparable"
    assert words in change.reason
    assert change.change is None


def test_a_run_without_amounts_is_not_compared():
    change = compare_collaterals(filling(0.4), None, FRONTAL, FRONTAL)
    assert change.verdict == "not_comparable"
    assert "after" in change.reason
