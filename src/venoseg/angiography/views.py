"""Two runs of one view, before and after: whether the collaterals stopped filling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from venoseg.angiography.collaterals import CollateralFilling

Verdict = Literal["no_residual_filling", "less", "unchanged", "more", "not_comparable"]

SAME_VIEW_DEGREES = 5.0
"""Views further apart than this show other overlaps and are not compared."""

NO_FILLING = 0.05
"""Upper end of the interval below which nothing is said to fill: the accuracy of the share."""


@dataclass(frozen=True, slots=True)
class View:
    """From where a run was taken; angles as in DICOM, None where the header is silent."""

    primary_degrees: float | None
    secondary_degrees: float | None


@dataclass(frozen=True, slots=True)
class CollateralChange:
    """Shares of contrast medium beside the measured veins before and after.

    Attributes
    ----------
    before, after, change
        Shares and their difference; None when there is no figure.
    change_low, change_high
        95 % interval of the change.
    verdict
        ``no_residual_filling``: collaterals filled before, and after no more than can be told from
        none; ``less`` or ``more``: the interval of the change excludes zero.
    reason
        Why, in words.
    """

    before: float | None
    after: float | None
    change: float | None
    change_low: float | None
    change_high: float | None
    verdict: Verdict
    reason: str


def compare_collaterals(
    before: CollateralFilling | None,
    after: CollateralFilling | None,
    view_before: View,
    view_after: View,
) -> CollateralChange:
    """Compare the filling of collaterals in two runs of the same view.

    Both runs must be of the same veins, injected at the same place; that is for the caller to know.
    """
    if before is None or after is None:
        which = "before" if before is None else "after"
        return _none(f"the run {which} does not measure amounts of contrast medium")
    if not (np.isfinite(before.whole) and np.isfinite(after.whole)):
        return _none("hardly any contrast medium is in one of the runs")
    apart = views_apart(view_before, view_after)
    if isinstance(apart, str):
        return _none(apart)
    change = after.whole - before.whole
    down = np.hypot(after.whole - after.whole_low, before.whole_high - before.whole)
    up = np.hypot(after.whole_high - after.whole, before.whole - before.whole_low)
    low, high = float(change - down), float(change + up)
    verdict, reason = _verdict(before, after, low, high)
    return CollateralChange(before.whole, after.whole, change, low, high, verdict, reason)


def _verdict(
    before: CollateralFilling, after: CollateralFilling, low: float, high: float
) -> tuple[Verdict, str]:
    share = f"{100 * before.whole:.0f} % before, {100 * after.whole:.0f} % after"
    if before.whole_low > 0 and before.whole > NO_FILLING and after.whole_high <= NO_FILLING:
        return "no_residual_filling", f"{share}: at most {100 * after.whole_high:.0f} % is left"
    if high < 0:
        return "less", share
    if low > 0:
        return "more", share
    return "unchanged", f"{share}: within the interval"


def views_apart(first: View, second: View) -> str | None:
    """Return why two views are not the same one, or None."""
    pairs = (
        (first.primary_degrees, second.primary_degrees),
        (first.secondary_degrees, second.secondary_degrees),
    )
    for one, other in pairs:
        if one is None or other is None:
            return "the angles of a view are not stated"
        if abs(one - other) > SAME_VIEW_DEGREES:
            return f"the views are {abs(one - other):.0f} degrees apart"
    return None


def _none(reason: str) -> CollateralChange:
    return CollateralChange(None, None, None, None, None, "not_comparable", reason)
