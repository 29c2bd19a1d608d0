"""Whether a difference of two figures is a change, none, or cannot be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Verdict = Literal["changed", "unchanged", "not comparable"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % interval; low and high are None where none is defined."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """Two figures of one quantity, and what may be said of their difference.

    Attributes
    ----------
    before, after
        The figures; None where not measured.
    change, low, high
        After minus before, with its 95 % interval; None where there is none.
    verdict, reason
        What it is, and why.
    """

    before: Figure | None
    after: Figure | None
    change: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    reason: str


def difference(
    before: Figure | None,
    after: Figure | None,
    *,
    level_doubt: float = 0.0,
    obstacle: str = "",
    least: float = 0.0,
    least_reason: str = "",
    missing: str = "",
) -> Difference:
    """Judge the difference of two figures.

    Parameters
    ----------
    before, after
        The figures; None where not measured.
    level_doubt
        How much the figure may differ between levels that count as one; widens the interval.
    obstacle
        Why the two cannot be compared; empty when nothing stands against it.
    least
        Size below which a difference can have another cause than a change of the vein.
    least_reason
        What that cause is.
    missing
        Why a figure is None, where more is known than that it was not measured.
    """
    if before is None or after is None:
        when = "before" if before is None else "after"
        when = "at either time" if before is after else when
        words = missing or f"not measured {when}"
        return Difference(before, after, None, None, None, "not comparable", words)
    change = after.value - before.value
    ends = before.low, before.high, after.low, after.high
    known = [end for end in ends if end is not None]
    if len(known) < len(ends):
        words = obstacle or "no interval is defined for this quantity"
        return Difference(before, after, change, None, None, "not comparable", words)
    before_low, before_high, after_low, after_high = known
    down = np.hypot(after.value - after_low, before_high - before.value)
    up = np.hypot(after_high - after.value, before.value - before_low)
    low, high = change - np.hypot(down, level_doubt), change + np.hypot(up, level_doubt)
    verdict: Verdict
    if obstacle:
        verdict, reason = "not comparable", obstacle
    elif low <= 0.0 <= high:
        verdict, reason = "unchanged", "the interval of the change holds 0"
    elif abs(change) < least:
        verdict, reason = "not comparable", least_reason
    else:
        verdict, reason = "changed", "the interval of the change excludes 0"
    return Difference(before, after, change, float(low), float(high), verdict, reason)
