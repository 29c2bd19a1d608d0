"""Images that are in an export twice: used once, but only when they prove to be the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from venoseg.dicom.grouping import Slice, along_normal
from venoseg.dicom.layout import SAME_POSITION_MM
from venoseg.dicom.pixels import open_frames
from venoseg.errors import InputError, SeriesError


def without_copies(slices: Sequence[Slice]) -> tuple[list[Slice], int]:
    """Drop slices that lie where another lies and hold the very same pixels.

    Returns
    -------
    The slices to use, in the order given, and how many were dropped.

    Raises
    ------
    SeriesError
        When two slices lie at the same place and differ: nothing tells which one is right.
    """
    places = along_normal(slices)
    if places is None:
        return list(slices), 0
    order = np.argsort(places, kind="stable")
    dropped: set[int] = set()
    kept = order[0]
    for i in order[1:]:
        if places[i] - places[kept] > SAME_POSITION_MM:
            kept = i
            continue
        if not _same(slices[kept], slices[i]):
            raise SeriesError(
                "two slices lie at the same position and differ, and nothing tells them apart",
                remedy="export each phase as a series of its own",
            )
        dropped.add(int(i))
    return [one for i, one in enumerate(slices) if i not in dropped], len(dropped)


def _same(a: Slice, b: Slice) -> bool:
    """Tell whether two slices hold the same pixels, meant in the same way."""
    if (a.plane.slope, a.plane.intercept) != (b.plane.slope, b.plane.intercept):
        return False
    if a.plane.position_lps_mm != b.plane.position_lps_mm:
        return False
    try:
        with open_frames(a.image) as first, open_frames(b.image) as second:
            return np.array_equal(first.read(a.plane.frame), second.read(b.plane.frame))
    except InputError:
        return False
