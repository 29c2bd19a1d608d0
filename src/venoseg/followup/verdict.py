"""Whether a difference of two figures is a change, none, or cannot be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Verdict = Literal["changed", "unchanged", "not comparable"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % interval.

    Attributes
    ----------
    value, low, high
        The interval's ends are None where none is defined.
    common
        The part of the interval's half width whose error another figure of the same thing, found in
        the same way, has as well: a difference of the two does not have it.
    """

    value: float
    low: float | None = None
    high: float | None = None
    common: float = 0.0


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
    common = before.common, after.common
    down = _apart(after.value - after_low, before_high - before.value, common)
    up = _apart(after_high - after.value, before.value - before_low, common)
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


def _apart(one: float, other: float, common: tuple[float, float]) -> float:
    """Return the half width that two half widths leave of a difference.

    Of what both share there remains by how much the two parts differ; an interval that was cut at 0
    may be narrower than its shared part.
    """
    own = [max(half**2 - part**2, 0.0) for half, part in zip((one, other), common, strict=True)]
    return float(np.sqrt(own[0] + own[1] + (common[0] - common[1]) ** 2))
