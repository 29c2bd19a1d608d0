"""The tables of the report, as rows of text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from venoseg.anatomy import BY_NAME
from venoseg.lumen import Measurements
from venoseg.reporting.window import GrayWindow
from venoseg.reporting.words import (
    NOT_MEASURED,
    area_range,
    area_words,
    length_range,
    length_words,
    row_state_words,
    state_words,
)
from venoseg.tables import Row, Value

_DASH = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table as it is printed: headings, and as many cells in every row."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def segment_rows(measurements: Measurements) -> TextTable:
    """Return one row for every vein; what could not be measured says so."""
    headings = (
        "Vein",
        "Length",
        "Smallest area",
        "at position",
        "Smallest minimum diameter",
        "Mean area",
        "Largest area",
        "Reference area",
        "Stenosis by area",
        "Stenosis by diameter",
        "State",
    )
    rows = tuple(_segment_cells(row) for row in measurements.segments.rows)
    return TextTable(headings, rows)


def empty_columns(measurements: Measurements) -> tuple[str, ...]:
    """Return what the columns mean that have no value for any vein."""
    table = measurements.segments
    return tuple(
        column.meaning
        for column in table.columns
        if all(value is None for value in table.column(column.name))
    )


def provenance_rows(measurements: Measurements, window: GrayWindow) -> TextTable:
    """Return where the image came from and every setting that can change a figure."""
    source, grid = measurements.source, measurements.volume.grid
    slices, rows, columns = grid.shape
    spacing = " x ".join(f"{mm:.3g}" for mm in grid.spacing_mm)
    thickness = source.slice_thickness_mm
    facts = {
        "Software": f"venoseg {version('venoseg')}",
        "Image": " ".join(filter(None, (source.kind, source.modality))),
        "Series instance UID": source.series_instance_uid,
        "Study instance UID": source.study_instance_uid,
        "Frame of reference UID": source.frame_of_reference_uid,
        "Voxels (slices x rows x columns)": f"{slices} x {rows} x {columns}",
        "Voxel spacing (slice x row x column)": f"{spacing} mm",
        "Slice thickness": None if thickness is None else f"{thickness:g} mm",
        "Convolution kernel": source.convolution_kernel,
        "Gray values": "Hounsfield units" if measurements.volume.unit == "HU" else "without unit",
        "Shown as": window.name,
        "Largest displacement of a slice": f"{source.geometry_residual_mm:.2f} mm",
    }
    facts |= {f"Setting {name}": f"{value}" for name, value in measurements.parameters.items()}
    stated = tuple((name, value or "not stated by the source") for name, value in facts.items())
    return TextTable(("What", "Value"), stated)


def definition_rows(measurements: Measurements) -> TextTable:
    """Return what every column of the tables means, in their order and once each."""
    columns = (*measurements.segments.columns, *measurements.cross_sections.columns)
    meanings: dict[str, str] = {}
    for column in columns:
        known = meanings.get(column.name)
        if known is None:
            meanings[column.name] = column.meaning
        elif column.meaning not in known:
            meanings[column.name] = f"{known}; of a station: {column.meaning}"
    return TextTable(("Column", "Meaning"), tuple(meanings.items()))


def reference_rows(measurements: Measurements) -> TextTable:
    """Return the reference of every vein and where it comes from."""
    rows = []
    for profile in measurements.profiles:
        line = measurements.references[profile.vessel]
        known = ("none known", "", "no stenosis is given")
        if line is not None:
            least, most = np.nanmin(line.areas_mm2), np.nanmax(line.areas_mm2)
            span = area_words(least) if least == most else f"{area_range(least, most)} mm²"
            known = (line.kind.replace("_", " "), span, line.source)
        rows.append((BY_NAME[profile.vessel].title, *known))
    return TextTable(("Vein", "Reference", "Area", "Source"), tuple(rows))


def lesion_rows(measurements: Measurements) -> TextTable:
    """Return one row for every lesion; what a shut vein has no figure for is a dash."""
    headings = (
        "Vein",
        "From",
        "to",
        "Smallest area (95 %)",
        "Smallest minimum diameter (95 %)",
        "Stenosis by area (95 %)",
        "Stenosis by diameter (95 %)",
        "Grade",
        "Least / greatest width",
        "State",
    )
    rows = tuple(_lesion_cells(row) for row in measurements.lesions.rows)
    return TextTable(headings, rows)


def _lesion_cells(row: Row) -> tuple[str, ...]:
    return (
        BY_NAME[str(row["vessel"])].title,
        _figure(row, "central_position_mm", _millimetres),
        _figure(row, "peripheral_position_mm", _millimetres),
        _with_interval(row, "minimum_area{}_mm2", area_words, area_range),
        _with_interval(row, "minimum_diameter{}_mm", length_words, length_range),
        _with_interval(row, "area_stenosis{}_percent", _percent, _percent_range),
        _with_interval(row, "diameter_stenosis{}_percent", _percent, _percent_range),
        str(row["grade"] or _DASH),
        _figure(row, "compression_index", lambda v: f"{v:.2f}", _DASH),
        state_words(str(row["state"])),
    )


def stent_rows(measurements: Measurements) -> TextTable:
    """Return one row for every stent; what is hidden by its metal is a dash."""
    headings = (
        "Stent",
        "Lies in",
        "Length (95 %)",
        "Smallest area at mid-wire (95 %)",
        "Least width",
        "Greatest width",
        "Expansion against nominal",
        "Largest stenosis inside (95 %)",
        "Overlap",
        "Gaps",
    )
    rows = tuple(_stent_cells(row) for row in measurements.stents.rows)
    return TextTable(headings, rows)


def collateral_rows(measurements: Measurements) -> TextTable:
    """Return what was found on either side of the spine, or why nothing can be told."""
    headings = ("Side", "Tubes", "Length", "Volume, at least", "Largest area across", "Remark")
    rows = tuple(
        (
            str(row["side"]),
            _DASH if row["count"] is None else str(row["count"]),
            _figure(row, "total_length_mm", _millimetres, _DASH),
            _figure(row, "volume_mm3", lambda value: f"{value / 1000:.1f} ml", _DASH),
            _figure(row, "maximum_area_mm2", area_words, _DASH),
            str(row["reason"] or ""),
        )
        for row in measurements.collaterals.rows
    )
    return TextTable(headings, rows)


def _stent_cells(row: Row) -> tuple[str, ...]:
    vessels = [BY_NAME[name].title for name in str(row["vessels"] or "").split()]
    return (
        str(row["stent"]),
        ", ".join(vessels) or "no labelled vein",
        _with_interval(row, "length{}_mm", _millimetres, _millimetre_range),
        _with_interval(row, "minimum_area{}_mm2", area_words, area_range),
        _figure(row, "minimum_diameter_mm", length_words, _DASH),
        _figure(row, "maximum_diameter_mm", length_words, _DASH),
        _figure(row, "expansion_percent", lambda v: f"{v:.0f} %", _DASH),
        _stenosis_inside(row),
        _figure(row, "overlap_mm", _millimetres, _DASH),
        _figure(row, "gap_mm", _millimetres, _DASH),
    )


def _stenosis_inside(row: Row) -> str:
    """Say the stenosis, or how large it may be at most where the metal hides the lumen's edge."""
    most = row["in_stent_area_stenosis_high_percent"]
    if row["in_stent_area_stenosis_percent"] is None and most is not None:
        return f"hidden by the metal; at most {float(most):.0f} %"
    return _with_interval(row, "in_stent_area_stenosis{}_percent", _percent, _percent_range)


def _millimetres(value: float) -> str:
    return f"{value:.0f}\N{NO-BREAK SPACE}mm"


def _with_interval(
    row: Row,
    name: str,
    words: Callable[[float], str],
    span: Callable[[float, float], str],
) -> str:
    value, low, high = (row[name.format(end)] for end in ("", "_low", "_high"))
    if value is None:
        return _DASH
    if low is None or high is None:
        return words(float(value))
    return f"{words(float(value))} ({span(float(low), float(high))})"


def _millimetre_range(low: float, high: float) -> str:
    return f"{low:.0f} to {high:.0f}"


def _percent_range(low: float, high: float) -> str:
    return f"{max(low, 0.0):.0f} to {max(high, 0.0):.0f}"


def _segment_cells(row: Row) -> tuple[str, ...]:
    covered = "" if row["covered"] else " in view"
    return (
        BY_NAME[str(row["vessel"])].title,
        _figure(row, "length_mm", _millimetres) + covered,
        _figure(row, "minimum_area_mm2", area_words),
        _figure(row, "minimum_area_position_mm", _millimetres),
        _figure(row, "minimum_diameter_mm", length_words),
        _figure(row, "mean_area_mm2", area_words),
        _figure(row, "maximum_area_mm2", area_words),
        _figure(row, "reference_area_mm2", area_words, "none known"),
        _figure(row, "area_stenosis_percent", _percent, _no_stenosis(row)),
        _figure(row, "diameter_stenosis_percent", _percent, _no_stenosis(row)),
        row_state_words(row) + _without_lumen(row),
    )


def _without_lumen(row: Row) -> str:
    length_mm = row["occluded_length_mm"]
    return f" (no lumen along {length_mm:.0f}\N{NO-BREAK SPACE}mm)" if length_mm else ""


def _no_stenosis(row: Mapping[str, Value]) -> str:
    return "no reference" if row["reference_area_mm2"] is None else NOT_MEASURED


def _figure(row: Row, name: str, words: Callable[[float], str], absent: str = NOT_MEASURED) -> str:
    value = row[name]
    return absent if value is None else words(float(value))


def _percent(value: float) -> str:
    return f"{value:.0f} %" if value >= 0 else f"none ({-value:.0f} % larger)"
