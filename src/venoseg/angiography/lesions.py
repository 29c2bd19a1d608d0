"""Stenoses and occlusions along a projected vein, against several references.

The references are those of DICOM PS3.16 CID 3465: computed from the whole healthy length,
interpolated between the healthy vein on either side, the mean of both sides; and a nominal
diameter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from venoseg.angiography.projection import UNLIKE, Projection
from venoseg.tables import Column, Row, Table
from venoseg.volume import BoolArray, FloatArray

ReferenceKind = Literal["computer_calculated", "interpolated_local", "mean_local", "nominal"]

LESION_COLUMNS = (
    Column("vessel", "name of the vein"),
    Column("position_px", "of the smallest diameter, along the centreline", 2),
    Column("minimum_diameter_mm", "smallest diameter; 0 when occluded", 3),
    Column("reference_kind", "computer_calculated, interpolated_local, mean_local or nominal"),
    Column("reference_diameter_mm", "diameter of the reference at that position", 3),
    Column("diameter_stenosis_percent", "100 (1 - smallest / reference diameter)", 2),
    Column("length_mm", "length over which the diameter is below 0.9 of its reference", 2),
    Column("occluded", "whether no contrast medium passes"),
    Column("flags", "what is odd"),
)

STENOTIC_PERCENT = 30.0
"""Least diameter stenosis that is called a lesion; of a round vein it takes half of the area."""

_EDGE_OF_LESION = 0.9
_HEALTHY = 0.88
# Stations on either side of the smallest that tell whether another vessel overlaps there.
_AROUND = 2
_ROUNDS = 8

# A narrowing lies within the vein when so many stations of it on either side are not narrowed.
_STATIONS_BEYOND = 4

NARROW_END = "narrow_up_to_the_end"
"""Flag of stations of a narrowing that the course ends in: vein, or a branch it has run into."""


@dataclass(frozen=True, slots=True, eq=False)
class Lesion:
    """One narrowing.

    Attributes
    ----------
    start, stop
        First and last station.
    smallest
        Station of the smallest diameter.
    occluded
        Whether part of it is shut.
    references_px
        Reference diameter at the smallest by each method that works here.
    """

    start: int
    stop: int
    smallest: int
    occluded: bool
    references_px: dict[ReferenceKind, float]


def healthy_line(projection: Projection) -> FloatArray | None:
    """Return the (n,) diameters the vein would have without narrowings: a robust straight line.

    None when less than a few pixels of it could be measured.
    """
    position, diameter = projection.position_px, projection.diameter_px
    known = np.isfinite(diameter) & (diameter > 0)
    if known.sum() < 10:
        return None
    level = float(np.percentile(diameter[known], 70))
    line = np.full(len(position), level)
    for _ in range(_ROUNDS):
        healthy = known & (diameter > _HEALTHY * line) & (diameter < line / _HEALTHY)
        if healthy.sum() < 10:
            return line
        spread = np.ptp(position[healthy])
        degree = 1 if spread > 0.4 * np.ptp(position[known]) else 0
        line = np.polyval(np.polyfit(position[healthy], diameter[healthy], degree), position)
        line = np.clip(line, 0.5 * level, 2.0 * level)
    return np.asarray(line)


def without_narrow_ends(projection: Projection) -> Projection:
    """Return the projection with narrowings that the course ends in as not assessable.

    Where no healthy vein is seen beyond a narrowing, the course may have left the vein for a branch
    or a collateral, the vein may end there or leave the picture. An occlusion is another matter: it
    is shut between two stretches that fill.
    """
    line, diameter = healthy_line(projection), projection.diameter_px
    if line is None:
        return projection
    below = np.isfinite(diameter) & (diameter < _EDGE_OF_LESION * line)
    healthy = np.isfinite(diameter) & ~below
    unsure = np.zeros(len(diameter), dtype=bool)
    for start, stop in _runs(below):
        part = diameter[start : stop + 1] / line[start : stop + 1]
        beyond = min(healthy[:start].sum(), healthy[stop + 1 :].sum())
        narrow = np.nanmin(part) <= 1.0 - STENOTIC_PERCENT / 100.0
        if beyond < _STATIONS_BEYOND and narrow and not (part == 0).any():
            unsure[start : stop + 1] = True
    if not unsure.any():
        return projection
    return replace(
        projection,
        diameter_px=np.where(unsure, np.nan, diameter),
        state=tuple(
            "not_assessable" if doubt else word
            for doubt, word in zip(unsure, projection.state, strict=True)
        ),
        flags=tuple(
            ";".join(filter(None, (flag, NARROW_END))) if doubt else flag
            for doubt, flag in zip(unsure, projection.flags, strict=True)
        ),
    )


def find_lesions(projection: Projection, nominal_mm: float | None = None) -> list[Lesion]:
    """Return the narrowings of a vein, from its central end.

    Those the course ends in have been left out by `without_narrow_ends`.
    ``nominal_mm`` is a diameter to compare with; used only where millimetres are.
    """
    line = healthy_line(projection)
    if line is None:
        return []
    diameter = projection.diameter_px
    below = np.isfinite(diameter) & (diameter < _EDGE_OF_LESION * line)
    found = []
    for start, stop in _runs(below):
        part = diameter[start : stop + 1] / line[start : stop + 1]
        if np.nanmin(part) > 1.0 - STENOTIC_PERCENT / 100.0:
            continue
        smallest = start + int(np.nanargmin(part))
        shut = np.flatnonzero(diameter[start : stop + 1] == 0)
        if len(shut):
            smallest = start + int(shut[len(shut) // 2])
        references = _references(projection, line, (start, stop), smallest)
        factor = projection.mm_per_px_across
        if nominal_mm is not None and factor is not None:
            references["nominal"] = nominal_mm / float(factor[smallest])
        found.append(Lesion(start, stop, smallest, bool(len(shut)), references))
    return found


def with_states(projection: Projection, lesions: list[Lesion]) -> Projection:
    """Return the projection with the positions inside lesions called stenotic."""
    line = healthy_line(projection)
    state = list(projection.state)
    for lesion in lesions:
        for n in range(lesion.start, lesion.stop + 1):
            narrow = line is not None and projection.diameter_px[n] < (
                1.0 - STENOTIC_PERCENT / 100.0
            ) * float(line[n])
            if state[n] == "patent" and narrow:
                state[n] = "stenotic"
    return replace(projection, state=tuple(state))


def lesion_rows(projection: Projection, lesions: list[Lesion]) -> list[Row]:
    """Return the rows of ``lesions.csv`` of one vein: one for each lesion and reference."""
    factor, position_mm = projection.mm_per_px_across, projection.position_mm
    positions = projection.position_px
    rows: list[Row] = []
    for lesion in lesions:
        smallest_px = float(projection.diameter_px[lesion.smallest])
        scale = None if factor is None else float(factor[lesion.smallest])
        length = None
        if position_mm is not None:
            length = float(position_mm[lesion.stop] - position_mm[lesion.start])
        last = len(positions) - 1
        ends = "reaches_the_end" if lesion.start == 0 or lesion.stop == last else ""
        overlapped = UNLIKE if is_overlapped(projection, lesion) else ""
        flags = ";".join(filter(None, (ends, overlapped)))
        for kind, reference in lesion.references_px.items():
            rows.append(
                {
                    "vessel": projection.vessel,
                    "position_px": float(positions[lesion.smallest]),
                    "minimum_diameter_mm": None if scale is None else smallest_px * scale,
                    "reference_kind": kind,
                    "reference_diameter_mm": None if scale is None else reference * scale,
                    "diameter_stenosis_percent": 100.0 * (1.0 - smallest_px / reference),
                    "length_mm": length,
                    "occluded": lesion.occluded,
                    "flags": flags,
                }
            )
    return rows


def is_overlapped(projection: Projection, lesion: Lesion) -> bool:
    """Return whether its narrowest place may be the work of another vessel that overlaps there."""
    around = projection.flags[max(lesion.smallest - _AROUND, 0) : lesion.smallest + _AROUND + 1]
    return any(UNLIKE in flag.split(";") for flag in around)


def lesion_table(found: list[tuple[Projection, list[Lesion]]]) -> Table:
    """Return ``lesions.csv``."""
    return Table.from_rows(LESION_COLUMNS, [row for pair in found for row in lesion_rows(*pair)])


def occluded_length_px(projection: Projection, lesion: Lesion) -> float:
    """Return the length without contrast medium inside a lesion."""
    shut = projection.diameter_px[lesion.start : lesion.stop + 1] == 0
    steps = np.gradient(projection.position_px)[lesion.start : lesion.stop + 1]
    return float(steps[shut].sum())


def _references(
    projection: Projection, line: FloatArray, span: tuple[int, int], smallest: int
) -> dict[ReferenceKind, float]:
    references: dict[ReferenceKind, float] = {"computer_calculated": float(line[smallest])}
    width = max(int(line[smallest]), 6)
    diameter = projection.diameter_px
    sides = []
    for places in (
        np.arange(span[0] - width - 1, span[0] - 1),
        np.arange(span[1] + 2, span[1] + width + 2),
    ):
        there = places[(places >= 0) & (places < len(diameter))]
        healthy = there[np.isfinite(diameter[there]) & (diameter[there] > 0)]
        if len(healthy) >= width // 2:
            at = float(projection.position_px[healthy].mean())
            sides.append((at, float(np.median(diameter[healthy]))))
    if len(sides) == 2:
        (first_at, first), (second_at, second) = sides
        share = (projection.position_px[smallest] - first_at) / (second_at - first_at)
        references["interpolated_local"] = first + float(share) * (second - first)
        references["mean_local"] = (first + second) / 2.0
    return references


def _runs(where: BoolArray) -> list[tuple[int, int]]:
    """Return first and last place of each run; runs a few stations apart are one."""
    places = np.flatnonzero(where)
    if not len(places):
        return []
    breaks = np.flatnonzero(np.diff(places) > 3)
    starts = np.concatenate([[places[0]], places[breaks + 1]])
    stops = np.concatenate([places[breaks], [places[-1]]])
    return [(int(a), int(b)) for a, b in zip(starts, stops, strict=True)]
