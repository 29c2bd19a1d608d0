"""The tables of the contract: their columns, and rows made from profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from venoseg.centerline.tree import Failure
from venoseg.lumen.occlusion import occluded_length_mm
from venoseg.lumen.profile import VesselProfile
from venoseg.lumen.stents.sections import StentSections
from venoseg.lumen.tables.least import least_area, least_width
from venoseg.lumen.tables.references import ReferenceLine, ReferenceRule, reference_lines
from venoseg.lumen.tables.stenosis import (
    STENOTIC_AREA_PERCENT,
    State,
    area_stenosis_percent,
    diameter_stenosis_percent,
    station_states,
)
from venoseg.tables import Column, Row, Table, Value
from venoseg.volume import FloatArray

CROSS_SECTION_COLUMNS: tuple[Column, ...] = (
    Column("vessel", "name of the vein"),
    Column("position_mm", "arc length from the vein's central end (towards the heart)", 2),
    Column("x_mm", "centre of the lumen, towards the patient's left (LPS)", 3),
    Column("y_mm", "centre of the lumen, towards the patient's back (LPS)", 3),
    Column("z_mm", "centre of the lumen, towards the patient's head (LPS)", 3),
    Column("nx", "unit tangent of the centerline, pointing peripherally, x", 5),
    Column("ny", "unit tangent, y", 5),
    Column("nz", "unit tangent, z", 5),
    Column("state", "patent, stenotic, occluded, bridged, not_assessable or not_covered"),
    Column("lumen_area_mm2", "area of the lumen in the plane across the centerline", 2),
    Column("lumen_area_low_mm2", "low end of the 95 % interval of the area", 2),
    Column("lumen_area_high_mm2", "high end of the 95 % interval of the area", 2),
    Column("equivalent_diameter_mm", "diameter of the circle of the same area, 2 sqrt(A/pi)", 3),
    Column("minimum_diameter_mm", "least width of the lumen (Feret)", 3),
    Column("minimum_diameter_low_mm", "low end of the 95 % interval of the least width", 3),
    Column("minimum_diameter_high_mm", "high end of the 95 % interval of the least width", 3),
    Column("maximum_diameter_mm", "greatest width of the lumen (Feret)", 3),
    Column("perimeter_mm", "length of the lumen's outline", 3),
    Column("inscribed_diameter_mm", "diameter of the largest circle inside the lumen", 3),
    Column("lumen_components", "number of separate lumens of this vein in the plane"),
    Column("stent_area_mm2", "area inside the stent's wires, at mid-wire", 2),
    Column("stent_minimum_diameter_mm", "least width of the stent, at mid-wire", 3),
    Column("stent_maximum_diameter_mm", "greatest width of the stent, at mid-wire", 3),
    Column(
        "in_stent_area_stenosis_percent", "100 (1 - lumen area / stent area) at this station", 1
    ),
    Column("flags", "how the station was measured, or why it was not; separated by spaces"),
)

SEGMENT_COLUMNS: tuple[Column, ...] = (
    Column("vessel", "name of the vein"),
    Column("length_mm", "arc length of its centerline", 2),
    Column("covered", "whether the vein lies in the image from end to end"),
    Column("minimum_area_mm2", "smallest lumen area, between stations too", 2),
    Column("minimum_area_position_mm", "where it is, from the central end", 2),
    Column("minimum_diameter_mm", "smallest of the least widths, between stations too", 3),
    Column("mean_area_mm2", "mean lumen area over the measured stations", 2),
    Column("maximum_area_mm2", "largest lumen area", 2),
    Column("reference_kind", "what the stenosis is measured against"),
    Column("reference_area_mm2", "area of the reference", 2),
    Column("area_stenosis_percent", "100 (1 - smallest area / reference area)", 1),
    Column("diameter_stenosis_percent", "100 (1 - smallest least width / reference diameter)", 1),
    Column("occluded_length_mm", "length of the occluded and the bridged stretches", 2),
    Column("stented_length_mm", "length of the stretch inside a stent", 2),
    Column("stent_minimum_area_mm2", "smallest area inside the stent's wires", 2),
    Column("in_stent_area_stenosis_percent", "largest in-stent area stenosis", 1),
    Column("state", "worst state of the vein's stations"),
    Column("flags", "what a reader of this row must know; separated by spaces"),
)

Lines = Mapping[str, ReferenceLine | None]

# The interval of an area that decides a vein's state holds the limit between patent and stenotic.
STATE_IN_DOUBT = "state_in_doubt"

# The smallest area lies beside stations that could not be measured, and may be smaller there.
SMALLEST_IN_DOUBT = "smallest_beside_unmeasured"

# A segment's row names a flag when at least this share of its stations carries it.
_FLAG_SHARE = 0.1


def cross_section_table(profiles: Sequence[VesselProfile], lines: Lines | None = None) -> Table:
    """Return one row for every station of every vein; states by the expected normal by default."""
    lines = reference_lines(profiles, ReferenceRule()) if lines is None else lines
    rows = tuple(row for p in profiles for row in cross_section_rows(p, lines[p.vessel]))
    return Table(CROSS_SECTION_COLUMNS, rows)


def cross_section_rows(profile: VesselProfile, line: ReferenceLine | None) -> tuple[Row, ...]:
    """Return one row for every station of a vein."""
    known = _station_columns(profile, line)
    blank: list[Value] = [None] * len(profile.branch.curve)
    names = [column.name for column in CROSS_SECTION_COLUMNS]
    cells = zip(*(known.get(name, blank) for name in names), strict=True)
    return tuple(dict(zip(names, values, strict=True)) for values in cells)


def segment_table(
    profiles: Sequence[VesselProfile],
    lines: Lines | None = None,
    failures: Sequence[Failure] = (),
) -> Table:
    """Return one row for every vein; against the expected normal area by default.

    Veins that could not be traced come last.
    """
    lines = reference_lines(profiles, ReferenceRule()) if lines is None else lines
    rows = [_segment_row(p, lines[p.vessel]) for p in profiles]
    rows += [_failed_row(failure) for failure in failures]
    return Table.from_rows(SEGMENT_COLUMNS, rows)


def _station_columns(profile: VesselProfile, line: ReferenceLine | None) -> dict[str, list[Value]]:
    """Return what is known of all stations of a vein, column by column."""
    curve, shapes, measured = profile.branch.curve, profile.shapes, profile.measured
    states = station_states(profile, None if line is None else line.areas_mm2)
    figures = {
        "lumen_area_mm2": shapes.area_mm2,
        "lumen_area_low_mm2": profile.area_interval_mm2[:, 0],
        "lumen_area_high_mm2": profile.area_interval_mm2[:, 1],
        "equivalent_diameter_mm": shapes.equivalent_mm,
        "minimum_diameter_mm": shapes.minimum_mm,
        "minimum_diameter_low_mm": profile.minimum_interval_mm[:, 0],
        "minimum_diameter_high_mm": profile.minimum_interval_mm[:, 1],
        "maximum_diameter_mm": shapes.maximum_mm,
        "perimeter_mm": shapes.perimeter_mm,
        "inscribed_diameter_mm": shapes.inscribed_mm,
        "lumen_components": profile.components,
    }
    columns: dict[str, list[Value]] = {
        "vessel": [profile.vessel] * len(curve),
        "state": list(states),
        "flags": [" ".join(words) for words in profile.flags],
    }
    numbers = {name: np.where(measured, values, np.nan) for name, values in figures.items()}
    numbers["position_mm"] = curve.position_mm
    numbers |= dict(zip(("x_mm", "y_mm", "z_mm"), profile.centers_lps_mm.T, strict=True))
    numbers |= dict(zip(("nx", "ny", "nz"), curve.tangents.T, strict=True))
    if profile.stent is not None:
        numbers |= {
            "stent_area_mm2": profile.stent.area_mm2,
            "stent_minimum_diameter_mm": profile.stent.minimum_mm,
            "stent_maximum_diameter_mm": profile.stent.maximum_mm,
            "in_stent_area_stenosis_percent": profile.stent.stenosis_percent,
        }
    columns |= {
        c.name: _known(numbers[c.name], c) for c in CROSS_SECTION_COLUMNS if c.name in numbers
    }
    for n, state in enumerate(states):
        if state == "occluded" and not measured[n]:
            columns["lumen_area_mm2"][n], columns["lumen_components"][n] = 0.0, 0
    return columns


def _segment_row(profile: VesselProfile, line: ReferenceLine | None) -> Row:
    branch, shapes, measured = profile.branch, profile.shapes, profile.measured
    state = worst_state(profile, line)
    told = state not in ("not_assessable", "not_covered")
    row: dict[str, str | int | float | bool | None] = dict.fromkeys(
        column.name for column in SEGMENT_COLUMNS
    )
    row |= {
        "vessel": profile.vessel,
        "length_mm": branch.curve.length_mm,
        "covered": "open" not in (branch.central_end, branch.peripheral_end),
        "reference_kind": line.kind if line else None,
        "occluded_length_mm": occluded_length_mm(profile) if told or profile.shut else None,
        "state": state,
        "flags": " ".join(_segment_flags(profile, line)),
    }
    if line and _in_doubt(profile, line, state):
        row["flags"] = " ".join([*str(row["flags"]).split(), STATE_IN_DOUBT])
    # A reference that is the same everywhere is told of a vein without figures too.
    if line and np.ptp(line.areas_mm2) == 0.0:
        row["reference_area_mm2"] = float(line.areas_mm2[0])
    if measured.any():
        least, thinnest = least_area(profile), least_width(profile)
        if _beside_unmeasured(profile, least.station):
            row["flags"] = " ".join([*str(row["flags"]).split(), SMALLEST_IN_DOUBT])
        reference, round_one = (line.at(n.station) if line else None for n in (least, thinnest))
        row |= {
            "minimum_area_mm2": least.value,
            "minimum_area_position_mm": least.position_mm,
            "minimum_diameter_mm": thinnest.value,
            "mean_area_mm2": float(np.nanmean(shapes.area_mm2)),
            "maximum_area_mm2": float(np.nanmax(shapes.area_mm2)),
            "reference_area_mm2": reference.area_mm2 if reference else None,
            "area_stenosis_percent": area_stenosis_percent(least.value, reference),
            "diameter_stenosis_percent": diameter_stenosis_percent(thinnest.value, round_one),
        }
    if "occluded" in profile.shut:
        shut = profile.shut.index("occluded")
        row |= {
            "minimum_area_mm2": 0.0,
            "minimum_area_position_mm": float(branch.curve.position_mm[shut]),
            "minimum_diameter_mm": None,
            "area_stenosis_percent": area_stenosis_percent(0.0, line.at(shut) if line else None),
            "diameter_stenosis_percent": None,
        }
    if profile.stent is not None:
        row |= _stent_figures(profile, profile.stent)
    return row


def _stent_figures(profile: VesselProfile, stent: StentSections) -> dict[str, float | None]:
    """Return a segment's figures of its stents; None where none could be measured."""
    area, stenosis = (
        values[~np.isnan(values)] for values in (stent.area_mm2, stent.stenosis_percent)
    )
    return {
        "stented_length_mm": float(stent.covered.sum()) * profile.step_mm,
        "stent_minimum_area_mm2": float(area.min()) if len(area) else None,
        "in_stent_area_stenosis_percent": float(stenosis.max()) if len(stenosis) else None,
    }


def _known(values: FloatArray, column: Column) -> list[Value]:
    """Return (n,) figures as a table holds them: None where there is none."""
    if column.decimals is None:
        return [None if value != value else int(value) for value in values.tolist()]
    rounded = np.round(values, column.decimals) + 0.0
    return [None if value != value else value for value in rounded.tolist()]


def _failed_row(failure: Failure) -> Row:
    """Return the row of a vein that could not be traced."""
    row: dict[str, str | int | float | bool | None] = dict.fromkeys(
        column.name for column in SEGMENT_COLUMNS
    )
    return row | {"vessel": failure.vessel, "state": "not_assessable", "flags": failure.flag}


def worst_state(profile: VesselProfile, line: ReferenceLine | None) -> State:
    """Return the worst state among the stations that tell one.

    A vein is called patent only when at least half of its stations in the image are: what is seen
    of a short stretch says nothing of the rest.
    """
    states = station_states(profile, None if line is None else line.areas_mm2)
    lesions: tuple[State, ...] = ("occluded", "bridged", "stenotic")
    for lesion in lesions:
        if lesion in states:
            return lesion
    covered = len(states) - states.count("not_covered")
    if covered == 0:
        return "not_covered"
    return "patent" if states.count("patent") >= covered / 2 else "not_assessable"


def _in_doubt(profile: VesselProfile, line: ReferenceLine, state: State) -> bool:
    """Tell whether a vein may as well be patent as stenotic, by the intervals of its areas."""
    if state not in ("patent", "stenotic"):
        return False
    limit = (1.0 - STENOTIC_AREA_PERCENT / 100.0) * line.areas_mm2[profile.measured]
    low, high = profile.area_interval_mm2[profile.measured].T
    narrow = low <= limit if state == "patent" else high <= limit
    return bool(narrow.any()) == (state == "patent")


def _beside_unmeasured(profile: VesselProfile, station: int) -> bool:
    """Tell whether a station borders on one that was not measured although it is lumen.

    Beside the ends of what was measured and where other veins join, the lumen goes on as wide.
    """
    first, last = np.flatnonzero(profile.measured)[[0, -1]].tolist()
    return any(
        first < n < last
        and not profile.measured[n]
        and "junction" not in profile.flags[n]
        and not (profile.shut and profile.shut[n])
        for n in (station - 1, station + 1)
    )


def _segment_flags(profile: VesselProfile, line: ReferenceLine | None) -> list[str]:
    flags = list(profile.branch.flags)
    if profile.branch.central_end == "open":
        flags.append("open_central_end")
    if profile.branch.peripheral_end == "open":
        flags.append("open_peripheral_end")
    flags += ["no_reference"] if line is None else line.flags
    counts: dict[str, int] = {}
    for words in profile.flags:
        for word in words:
            counts[word] = counts.get(word, 0) + 1
    least = _FLAG_SHARE * len(profile.flags)
    return flags + [word for word, count in counts.items() if count >= least]
