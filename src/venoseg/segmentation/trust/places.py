"""Where along a vein something is so, in words that lead a reader there."""

from __future__ import annotations

from itertools import pairwise

from venoseg.runs import runs_of
from venoseg.volume import BoolArray, FloatArray

# Stretches so near to each other are one; of many the longest are named.
_NEAR_MM, _MOST = 12.0, 3


def heights(points_lps_mm: FloatArray, where: BoolArray) -> str:
    """Name the heights of the stretches of a course at which something is so.

    Parameters
    ----------
    points_lps_mm
        (n, 3) points of the course, from the head down.
    where
        (n,) whether it is so.

    Returns
    -------
    str
        As in " at z 229 to 196 mm" (LPS), with the space before it; empty where it is so nowhere.
    """
    runs = runs_of(where)
    if not runs:
        return ""
    z = points_lps_mm[:, 2]
    joined = [list(runs[0])]
    for (_, stop), (start, end) in pairwise(runs):
        if abs(float(z[start] - z[stop - 1])) < _NEAR_MM:
            joined[-1][1] = end
        else:
            joined.append([start, end])
    longest = sorted(sorted(joined, key=lambda run: run[0] - run[1])[:_MOST])
    named = [_named(float(z[start]), float(z[stop - 1])) for start, stop in longest]
    return f" at z {' and '.join(named)} mm"


def _named(first_mm: float, last_mm: float) -> str:
    first, last = f"{first_mm:.0f}", f"{last_mm:.0f}"
    return first if first == last else f"{first} to {last}"
