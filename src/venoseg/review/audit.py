"""What a review changed: every diameter before and after, and the trail of versions."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from scipy.spatial import cKDTree

from venoseg.lumen import Measurements
from venoseg.review.versions import CHANGES, Version, list_versions
from venoseg.tables import Column, Row, Table, Value

CHANGE_COLUMNS: tuple[Column, ...] = (
    Column("level", "segment: a figure of the whole vein; station: of one cross-section"),
    Column("vessel", "name of the vein"),
    Column("position_mm", "of the station, from the vein's central end, after the change", 2),
    Column("quantity", "column of segments.csv or cross_sections.csv"),
    Column("before", "its value in the parent version; empty where it was not measured", 3),
    Column("after", "its value in this version; empty where it is not measured", 3),
)

AUDIT_COLUMNS: tuple[Column, ...] = (
    Column("version", "name of the version"),
    Column("number", "counts the versions of the case"),
    Column("by", "reviewer"),
    Column("at", "when it was saved, UTC"),
    Column("kind", "start, saved or signed"),
    Column("parent", "the version it grew out of"),
    Column("vessel", "vein, or stent, that changed; empty when none did"),
    Column("voxels_gained", "voxels added to it since the parent"),
    Column("voxels_lost", "voxels taken from it since the parent"),
    Column("minimum_area_before_mm2", "smallest lumen area in the parent", 2),
    Column("minimum_area_after_mm2", "smallest lumen area in this version", 2),
    Column("minimum_diameter_before_mm", "smallest of the least widths in the parent", 3),
    Column("minimum_diameter_after_mm", "smallest of the least widths in this version", 3),
)

_SEGMENT_QUANTITIES = (
    "length_mm",
    "minimum_area_mm2",
    "minimum_diameter_mm",
    "mean_area_mm2",
    "area_stenosis_percent",
    "occluded_length_mm",
    "stent_minimum_area_mm2",
    "in_stent_area_stenosis_percent",
)
_STATION_QUANTITIES = (
    "lumen_area_mm2",
    "minimum_diameter_mm",
    "maximum_diameter_mm",
    "stent_area_mm2",
    "stent_minimum_diameter_mm",
)

# Stations of two centerlines whose middles lie within so many steps show the same place.
_SAME_PLACE = 1.5


def changes_table(before: Measurements | None, after: Measurements | None) -> Table:
    """Return every figure that differs between two measurements of one image.

    Figures of whole veins are listed even where they stayed. Stations are matched by their place
    in the patient; one that has no partner has an empty ``before`` or ``after``.
    """
    rows = [*_segments(before, after), *_stations(before, after)]
    return Table.from_rows(CHANGE_COLUMNS, rows)


def audit_table(versions_folder: Path) -> Table:
    """Return the trail of a case: a row for every version and every vein it changed."""
    versions, _ = list_versions(versions_folder)
    rows = [row for version in versions for row in _trail(versions_folder, version)]
    return Table.from_rows(AUDIT_COLUMNS, rows)


def _segments(before: Measurements | None, after: Measurements | None) -> Iterable[Row]:
    old, new = (_by_vessel(found) for found in (before, after))
    for vessel in dict.fromkeys([*new, *old]):
        for quantity in _SEGMENT_QUANTITIES:
            values = [rows.get(vessel, {}).get(quantity) for rows in (old, new)]
            if values != [None, None]:
                yield _row("segment", vessel, None, quantity, *values)


def _by_vessel(found: Measurements | None) -> dict[str, Row]:
    return {} if found is None else {str(row["vessel"]): row for row in found.segments.rows}


def _stations(before: Measurements | None, after: Measurements | None) -> Iterable[Row]:
    old, new = (_station_rows(found) for found in (before, after))
    for vessel in dict.fromkeys([*new, *old]):
        yield from _paired(vessel, old.get(vessel, []), new.get(vessel, []))


def _station_rows(found: Measurements | None) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {}
    for row in () if found is None else found.cross_sections.rows:
        rows.setdefault(str(row["vessel"]), []).append(row)
    return rows


def _paired(vessel: str, old: list[Row], new: list[Row]) -> Iterable[Row]:
    """Compare stations: one by one on the same centerline, else with the nearest one."""
    partners = old if _same_stations(old, new) else _nearest(old, new)
    for row, partner in zip(new, partners, strict=True):
        yield from _differing(vessel, row, partner, row)
    for row in old:
        if not any(partner is row for partner in partners):
            yield from _differing(vessel, row, row, {})


def _same_stations(old: list[Row], new: list[Row]) -> bool:
    places = ("position_mm", "nx", "ny", "nz")
    return [[row[name] for name in places] for row in old] == [
        [row[name] for name in places] for row in new
    ]


def _nearest(old: list[Row], new: list[Row]) -> list[Row]:
    """Return for each new station the old one next to it, or an empty row."""
    if not old or not new:
        return [{} for _ in new]
    distance, number = cKDTree([_place(row) for row in old]).query([_place(row) for row in new])
    reach = _SAME_PLACE * _step_mm(new)
    return [old[int(n)] if d <= reach else {} for d, n in zip(distance, number, strict=True)]


def _differing(vessel: str, at: Row, old: Row, new: Row) -> Iterable[Row]:
    for quantity in _STATION_QUANTITIES:
        values = old.get(quantity), new.get(quantity)
        if values[0] != values[1]:
            yield _row("station", vessel, at["position_mm"], quantity, *values)


def _place(row: Row) -> tuple[float, ...]:
    return tuple(float(row[name] or 0.0) for name in ("x_mm", "y_mm", "z_mm"))


def _step_mm(rows: list[Row]) -> float:
    return float(rows[1]["position_mm"] or 1.0) if len(rows) > 1 else 1.0


def _row(
    level: str, vessel: str, position_mm: Value, quantity: str, before: Value, after: Value
) -> dict[str, Value]:
    return {
        "level": level,
        "vessel": vessel,
        "position_mm": position_mm,
        "quantity": quantity,
        "before": before,
        "after": after,
    }


def _trail(folder: Path, version: Version) -> Iterable[Row]:
    figures = _figures(folder / version.name / CHANGES)
    for vessel in [*version.voxels] or [""]:
        gained, lost = version.voxels.get(vessel, (None, None))
        area = figures.get((vessel, "minimum_area_mm2"), (None, None))
        width = figures.get((vessel, "minimum_diameter_mm"), (None, None))
        yield {
            "version": version.name,
            "number": version.number,
            "by": version.by,
            "at": version.at,
            "kind": version.kind,
            "parent": version.parent,
            "vessel": vessel,
            "voxels_gained": gained,
            "voxels_lost": lost,
            "minimum_area_before_mm2": area[0],
            "minimum_area_after_mm2": area[1],
            "minimum_diameter_before_mm": width[0],
            "minimum_diameter_after_mm": width[1],
        }


def _figures(path: Path) -> Mapping[tuple[str, str], tuple[float | None, float | None]]:
    """Return (vessel, quantity) -> before and after, of whole veins."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {
            (row["vessel"], row["quantity"]): (_number(row["before"]), _number(row["after"]))
            for row in csv.DictReader(file)
            if row["level"] == "segment"
        }


def _number(text: str) -> float | None:
    return float(text) if text else None
