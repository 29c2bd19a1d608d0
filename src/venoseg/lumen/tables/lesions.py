"""The places where a vein is narrow or shut, one row each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from venoseg.lumen.profile import VesselProfile
from venoseg.lumen.tables.least import least_area, least_width
from venoseg.lumen.tables.references import ReferenceLine
from venoseg.lumen.tables.stenosis import (
    State,
    area_stenosis_percent,
    diameter_stenosis_percent,
    station_states,
)
from venoseg.tables import Column, Row, Table, Value
from venoseg.volume import BoolArray, FloatArray

# The conventional half, for the diameter as for the area; each by itself.
STENOTIC_DIAMETER_PERCENT = 50.0

# Grades by area, from CT venography held against intravascular ultrasound
# (J Vasc Surg Venous Lymphat Disord 2020;8:413).
_GRADES = ((80.0, "III"), (50.0, "II"))
_LEAST_GRADE = "I"

# A lesion that opens over no more than this goes on.
_MERGED_MM = 3.0

LESION_COLUMNS: tuple[Column, ...] = (
    Column("vessel", "name of the vein"),
    Column("central_position_mm", "where the lesion begins, from the vein's central end", 2),
    Column("peripheral_position_mm", "where it ends", 2),
    Column("length_mm", "its length along the centerline", 2),
    Column("state", "worst state of its stations: occluded, bridged, stenotic, or patent"),
    Column(
        "criterion",
        "what makes it a lesion: half of the reference or less by area, by diameter, or no lumen",
    ),
    Column("minimum_area_mm2", "smallest lumen area, between stations too", 2),
    Column("minimum_area_low_mm2", "low end of its 95 % interval", 2),
    Column("minimum_area_high_mm2", "high end of its 95 % interval", 2),
    Column("minimum_area_position_mm", "where it is", 2),
    Column("minimum_diameter_mm", "smallest least width, between stations too", 3),
    Column("minimum_diameter_low_mm", "low end of its 95 % interval", 3),
    Column("minimum_diameter_high_mm", "high end of its 95 % interval", 3),
    Column("minimum_diameter_position_mm", "where it is", 2),
    Column("reference_kind", "what it is held against"),
    Column("reference_area_mm2", "area of the reference at the smallest area", 2),
    Column("reference_source", "where the reference comes from"),
    Column("area_stenosis_percent", "100 (1 - smallest area / reference area)", 1),
    Column("area_stenosis_low_percent", "low end of its 95 % interval", 1),
    Column("area_stenosis_high_percent", "high end of its 95 % interval", 1),
    Column(
        "diameter_stenosis_percent",
        "100 (1 - smallest least width / diameter of the reference circle); measured, never "
        "computed from the areas",
        1,
    ),
    Column("diameter_stenosis_low_percent", "low end of its 95 % interval", 1),
    Column("diameter_stenosis_high_percent", "high end of its 95 % interval", 1),
    Column(
        "grade",
        "by area: I below 50 %, II 50 to 79 %, III 80 % and more (J Vasc Surg Venous Lymphat "
        "Disord 2020;8:413)",
    ),
    Column("compression_index", "least width / greatest width where this is least; 1 is round", 3),
    Column("compression_position_mm", "where that is", 2),
    Column("flags", "how it was measured; separated by spaces"),
)


def lesion_table(
    profiles: Sequence[VesselProfile], lines: Mapping[str, ReferenceLine | None]
) -> Table:
    """Return one row for every lesion, vein by vein from the central end."""
    rows = [row for p in profiles for row in _rows(p, lines.get(p.vessel))]
    return Table.from_rows(LESION_COLUMNS, rows)


def compression_index(profile: VesselProfile) -> FloatArray:
    """Return (n,) least width / greatest width of the lumen; NaN where it was not measured."""
    index: FloatArray = profile.shapes.minimum_mm / profile.shapes.maximum_mm
    return index


def _rows(profile: VesselProfile, line: ReferenceLine | None) -> list[Row]:
    states = station_states(profile, None if line is None else line.areas_mm2)
    flowing = np.array([state in ("patent", "stenotic") for state in states])
    by_diameter = profile.measured & flowing & _half_as_wide(profile, line)
    by_area = np.array([state == "stenotic" for state in states])
    shut = np.array([state in ("occluded", "bridged") for state in states])
    rows = []
    for lesion in _stretches(by_area | by_diameter | shut, profile):
        criteria = {"no_lumen": shut, "area": by_area, "diameter": by_diameter}
        words = " ".join(name for name, where in criteria.items() if where[lesion].any())
        rows.append(_row(profile, line, lesion, _worst(states[lesion]), words))
    return rows


def _half_as_wide(profile: VesselProfile, line: ReferenceLine | None) -> BoolArray:
    """Tell at which of n stations the least width is that small a share of the reference's."""
    if line is None:
        return np.zeros(len(profile.measured), dtype=bool)
    with np.errstate(invalid="ignore"):
        round_mm = 2.0 * np.sqrt(line.areas_mm2 / np.pi)
        percent = 100.0 * (1.0 - profile.shapes.minimum_mm / round_mm)
        narrow: BoolArray = percent >= STENOTIC_DIAMETER_PERCENT
    return narrow


def _stretches(inside: BoolArray, profile: VesselProfile) -> list[slice]:
    """Return the runs of True; short openings that were measured belong to a run."""
    most = int(_MERGED_MM / profile.step_mm)
    runs: list[slice] = []
    for n in np.flatnonzero(inside).tolist():
        last = runs[-1] if runs else None
        if last is not None and n - last.stop <= most and profile.measured[last.stop : n].all():
            runs[-1] = slice(last.start, n + 1)
        else:
            runs.append(slice(n, n + 1))
    return runs


def _worst(states: list[State]) -> State:
    worst: tuple[State, ...] = ("occluded", "bridged", "stenotic")
    return next((state for state in worst if state in states), "patent")


def _row(
    profile: VesselProfile, line: ReferenceLine | None, lesion: slice, state: State, criterion: str
) -> Row:
    at = profile.branch.curve.position_mm[lesion]
    row: dict[str, Value] = dict.fromkeys(column.name for column in LESION_COLUMNS)
    row |= {
        "vessel": profile.vessel,
        "central_position_mm": float(at[0]),
        "peripheral_position_mm": float(at[-1]),
        "length_mm": float(at[-1] - at[0]) + profile.step_mm,
        "state": state,
        "criterion": criterion,
        "reference_kind": None if line is None else line.kind,
        "reference_source": None if line is None else line.source,
        "flags": " ".join(_flags(profile, line, lesion)),
    }
    # What is shut has no least area: that of the stations beside it is not the lesion's.
    if state not in ("occluded", "bridged") and profile.measured[lesion].any():
        row |= _figures(profile, line, lesion)
    return row


def _figures(profile: VesselProfile, line: ReferenceLine | None, lesion: slice) -> dict[str, Value]:
    at = profile.branch.curve.position_mm
    area, width = least_area(profile, lesion), least_width(profile, lesion)
    index = compression_index(profile)
    flat = lesion.start + int(np.nanargmin(index[lesion]))
    areas, widths = ([least.value, least.low, least.high] for least in (area, width))
    reference, round_one = (None if line is None else line.at(n.station) for n in (area, width))
    by_area = [area_stenosis_percent(value, reference) for value in areas]
    by_width = [diameter_stenosis_percent(value, round_one) for value in widths]
    figures: dict[str, float | None] = {
        "minimum_area_mm2": areas[0],
        "minimum_area_low_mm2": areas[1],
        "minimum_area_high_mm2": areas[2],
        "minimum_area_position_mm": area.position_mm,
        "minimum_diameter_mm": widths[0],
        "minimum_diameter_low_mm": widths[1],
        "minimum_diameter_high_mm": widths[2],
        "minimum_diameter_position_mm": width.position_mm,
        "reference_area_mm2": None if reference is None else reference.area_mm2,
        "area_stenosis_percent": by_area[0],
        "area_stenosis_low_percent": by_area[2],
        "area_stenosis_high_percent": by_area[1],
        "diameter_stenosis_percent": by_width[0],
        "diameter_stenosis_low_percent": by_width[2],
        "diameter_stenosis_high_percent": by_width[1],
        "compression_index": float(index[flat]),
        "compression_position_mm": float(at[flat]),
    }
    known = {n: None if v is None or np.isnan(v) else v for n, v in figures.items()}
    return known | {"grade": _grade(by_area[0])}


def _grade(area_percent: float | None) -> str | None:
    if area_percent is None:
        return None
    return next((grade for least, grade in _GRADES if area_percent >= least), _LEAST_GRADE)


def _flags(profile: VesselProfile, line: ReferenceLine | None, lesion: slice) -> list[str]:
    """Return what its stations' flags say, once each, and what is to be known of the reference."""
    words = dict.fromkeys(word for flags in profile.flags[lesion] for word in flags)
    begins, ends = lesion.start == 0, lesion.stop == len(profile.flags)
    beside = [lesion.start - 1] * (not begins) + [lesion.stop] * (not ends)
    if begins or ends or not profile.measured[beside].all():
        words["ends_where_measuring_ends"] = None
    return [*words, *(() if line is None else line.flags)]
