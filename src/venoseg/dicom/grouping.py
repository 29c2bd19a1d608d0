"""From single planes to the parts of a series that truly belong together.

A series is split by everything that makes its images differ in kind (size, spacing, orientation,
frame of reference, kernel, localizer), and then by phase where images lie at the same place or
where two runs of acquisition overlap.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from venoseg.dicom.image import Image, Plane, Vector
from venoseg.dicom.layout import SAME_POSITION_MM

# Direction cosines and spacings that differ by less than this are the same, differently rounded.
COSINE_TOLERANCE = 1e-4
SPACING_TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Slice:
    """One plane and the file it is in."""

    image: Image
    plane: Plane


# What may tell the phases of one series apart, most telling first.
PHASE_KEYS: tuple[Callable[[Slice], str], ...] = (
    lambda s: s.plane.temporal_position,
    lambda s: s.plane.acquisition,
    lambda s: s.plane.stack,
    lambda s: s.plane.kvp,
    lambda s: "\\".join(s.plane.image_type),
    lambda s: str(s.plane.thickness_mm),
    lambda s: s.plane.time,
)


def split_series(slices: Sequence[Slice]) -> list[list[Slice]]:
    """Split the planes of one series into the parts that belong together.

    Returns
    -------
    Parts in order of their first image; each in the order given.
    """
    parts: list[list[Slice]] = []
    for alike in _by_kind(slices):
        parts.extend(_by_phase(alike))
    return parts


def along_normal(slices: Sequence[Slice]) -> np.ndarray | None:
    """Return (n,) positions along the normal, or None when one slice has no place."""
    positions = [s.plane.position_lps_mm for s in slices]
    first = slices[0].plane
    if any(p is None for p in positions) or first.row_lps is None or first.column_lps is None:
        return None
    normal = np.cross(first.row_lps, first.column_lps)
    return np.asarray(np.array(positions, dtype=np.float64) @ normal)


def _by_kind(slices: Sequence[Slice]) -> list[list[Slice]]:
    kinds: list[tuple[Slice, list[Slice]]] = []
    exact: dict[tuple[object, ...], list[tuple[Slice, list[Slice]]]] = defaultdict(list)
    for one in slices:
        candidates = exact[_kind(one)]
        for first, members in candidates:
            if _same_geometry(first.plane, one.plane):
                members.append(one)
                break
        else:
            found = (one, [one])
            candidates.append(found)
            kinds.append(found)
    return [members for _, members in kinds]


def _kind(one: Slice) -> tuple[object, ...]:
    pixels = one.image.pixels
    size = (pixels.rows, pixels.columns, pixels.samples) if pixels else None
    return (
        one.image.sop_class,
        one.image.modality,
        one.image.frame_of_reference_uid,
        size,
        one.plane.kernel,
        one.plane.rescale_type.upper() or "HU",
        one.plane.image_type[2:3],
    )


def _same_geometry(a: Plane, b: Plane) -> bool:
    return (
        _close(a.row_lps, b.row_lps, COSINE_TOLERANCE)
        and _close(a.column_lps, b.column_lps, COSINE_TOLERANCE)
        and _close(a.spacing_mm, b.spacing_mm, SPACING_TOLERANCE)
    )


def _close(
    a: Vector | tuple[float, float] | None, b: Vector | tuple[float, float] | None, limit: float
) -> bool:
    if a is None or b is None:
        return a is b
    return max(abs(x - y) for x, y in zip(a, b, strict=True)) <= limit


def _by_phase(slices: list[Slice]) -> list[list[Slice]]:
    """Split where the first key that tells runs apart shows runs that lie over one another."""
    places = along_normal(slices)
    if places is None or len(slices) < 2:
        return [slices]
    for key in PHASE_KEYS:
        groups: dict[str, list[int]] = defaultdict(list)
        for i, one in enumerate(slices):
            groups[key(one)].append(i)
        if len(groups) > 1 and _are_runs(list(groups.values()), places):
            parts = [[slices[i] for i in members] for members in groups.values()]
            return [part for whole in parts for part in _by_phase(whole)]
    by_time = _by_time(slices, places)
    return by_time or [slices]


def _are_runs(groups: list[list[int]], places: np.ndarray) -> bool:
    """Tell whether the groups are stacks of their own that overlap, not pieces of one stack.

    Where images lie at the same place, the groups must share one. Otherwise they must alternate
    along the normal more often than pieces laid end to end, or one laid into another, would.
    """
    if min(len(members) for members in groups) < 2:
        return False
    label = np.empty(len(places), dtype=int)
    for number, members in enumerate(groups):
        label[members] = number
    order = np.lexsort((label, places))
    switches = np.diff(label[order]) != 0
    if _repeats(places):
        together = np.diff(places[order]) <= SAME_POSITION_MM
        return bool((switches & together).any())
    extra = int(switches.sum()) - (len(groups) - 1)
    return extra >= max(3, min(len(members) for members in groups) // 2)


def _repeats(places: np.ndarray) -> bool:
    return bool(np.diff(np.sort(places)).min() <= SAME_POSITION_MM)


def _by_time(slices: list[Slice], places: np.ndarray) -> list[list[Slice]] | None:
    """Split by the clock: every position was scanned equally often, one sweep after another."""
    times = [one.plane.time for one in slices]
    if not all(times) or not _repeats(places):
        return None
    order = sorted(
        range(len(slices)), key=lambda i: (int(np.rint(places[i] / SAME_POSITION_MM)), times[i])
    )
    visits: list[list[int]] = []
    previous, visit = None, 0
    for i in order:
        same = previous is not None and abs(places[i] - previous) <= SAME_POSITION_MM
        visit = visit + 1 if same else 0
        previous = places[i]
        if visit == len(visits):
            visits.append([])
        visits[visit].append(i)
    if len({len(v) for v in visits}) != 1:
        return None
    ends = [(min(times[i] for i in v), max(times[i] for i in v)) for v in visits]
    if any(last >= first for (_, last), (first, _) in pairwise(ends)):
        return None
    return [[slices[i] for i in sorted(v)] for v in visits]
