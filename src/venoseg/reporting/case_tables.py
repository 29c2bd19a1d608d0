"""The tables of a case's report, as rows of text."""

from __future__ import annotations

from dataclasses import dataclass

from venoseg.anatomy import BY_NAME
from venoseg.followup.compared import Comparison
from venoseg.followup.rules import SOURCES
from venoseg.lumen.tables.records import STATE_IN_DOUBT
from venoseg.reporting.case_words import label_words
from venoseg.reporting.tables import TextTable
from venoseg.reporting.words import NOT_MEASURED, area_words, flag_words, length_words, state_words
from venoseg.tables import Row, Value

NONE = "–"

Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class GroupedTable:
    """A table whose rows belong to groups: the first heading is that of the groups' names."""

    headings: tuple[str, ...]
    groups: tuple[tuple[str, Rows], ...]

    @classmethod
    def of(cls, headings: tuple[str, ...], rows: Rows) -> GroupedTable:
        """Return rows as groups of those that follow each other with the same first cell."""
        groups: list[tuple[str, Rows]] = []
        for name, *cells in rows:
            before = groups.pop()[1] if groups and groups[-1][0] == name else ()
            groups.append((name, (*before, tuple(cells))))
        return cls(headings, tuple(groups))


_LABELS = {
    "unknown": "labels, not said by whom",
    "manual": "labels drawn by a person",
    "semiautomatic": "labels drawn with help",
    "automatic": "labels drawn automatically",
}


def segment_table(found: Comparison) -> GroupedTable:
    """Return one row for every vein at every visit."""
    headings = (
        *("Vein", "Visit", "State", "Length", "Smallest area", "Least width", "Occluded"),
        *("Stented", "In-stent stenosis", "Notes"),
    )
    rows = []
    vessels = [name for name in BY_NAME if any(v.segment(name) for v in found.scans)]
    for vessel in vessels:
        for visit in found.scans:
            row = visit.segment(vessel)
            if row is None:
                rows.append(
                    (BY_NAME[vessel].title, label_words(visit.label), *["not labelled"] * 8)
                )
                continue
            flags = "; ".join(flag_words(flag) for flag in str(row["flags"]).split())
            stented = row["stented_length_mm"] is not None
            shut = row["minimum_area_mm2"] == 0.0
            rows.append(
                (
                    BY_NAME[vessel].title,
                    label_words(visit.label),
                    _state(row),
                    _whole(row["length_mm"]),
                    _area(row["minimum_area_mm2"]),
                    NONE if shut else _length(row["minimum_diameter_mm"]),
                    NONE if row["occluded_length_mm"] == 0.0 else _whole(row["occluded_length_mm"]),
                    _whole(row["stented_length_mm"]) if stented else NONE,
                    _percent(row["in_stent_area_stenosis_percent"]) if stented else NONE,
                    flags or NONE,
                )
            )
    return GroupedTable.of(headings, tuple(rows))


def _state(row: Row) -> str:
    """Return the state of a vein, both of two where the figures leave it open."""
    if STATE_IN_DOUBT in str(row["flags"] or "").split():
        return "patent or stenotic"
    return state_words(str(row["state"]))


def match_rows(found: Comparison) -> TextTable:
    """Return how the levels of two visits were matched, and how well."""
    rows = tuple(
        (
            f"{label_words(labels[0])} to {label_words(labels[1])}",
            match.method,
            "–" if match.residual_mm is None else f"{match.residual_mm:.1f} mm",
            "; ".join(match.notes) or "–",
        )
        for labels, match in found.matches.items()
    )
    return TextTable(("Visits", "Levels matched by", "Residual", "Notes"), rows)


def provenance_rows(found: Comparison) -> TextTable:
    """Return what every visit was measured on."""
    rows = []
    for visit in found.scans:
        source, grid = visit.found.source, visit.found.volume.grid
        spacing = " x ".join(f"{mm:.3g}" for mm in grid.spacing_mm)
        kernel, thick = source.convolution_kernel, source.slice_thickness_mm
        rows.append(
            (
                label_words(visit.label),
                f"{source.kind} {source.modality or ''}".strip(),
                source.series_instance_uid or "not stated",
                f"{spacing} mm; {'thickness not stated' if thick is None else f'{thick:g} mm'}",
                kernel or "not stated",
                visit.conditions.phase or "not stated",
                _LABELS.get(visit.found.segmentation.origin, "labels"),
            )
        )
    for run in found.runs:
        calibration = run.found.calibration
        rows.append(
            (
                label_words(run.label),
                "angiographic run",
                "in angiogram.json",
                calibration.reason,
                "–",
                "–",
                f"lengths: {calibration.length_kind}",
            )
        )
    heads = ("Visit", "Image", "Series", "Spacing or calibration", "Kernel", "Phase", "Outlines")
    return TextTable(heads, tuple(rows))


def rule_rows(found: Comparison) -> TextTable:
    """Return every threshold with its source."""
    rows = tuple(
        (s.name, _rule(getattr(found.case.rules, s.name)), s.meaning, s.source) for s in SOURCES
    )
    return TextTable(("Rule", "Value", "Meaning", "Source of the default"), rows)


def definition_rows(found: Comparison) -> TextTable:
    """Return what the columns of the tables mean."""
    tables = {"changes": found.changes, "patency": found.patency, "clinical": found.clinical}
    return TextTable(
        ("Column", "File", "Meaning"),
        tuple(
            (c.name, f"{name}.csv", c.meaning)
            for name, table in tables.items()
            for c in table.columns
        ),
    )


def _rule(value: float | bool) -> str:
    return _yes(value) if isinstance(value, bool) else f"{value:g}"


def _yes(value: Value) -> str:
    return "–" if value is None else "yes" if value else "no"


def _area(value: Value) -> str:
    return NOT_MEASURED if value is None else area_words(float(value))


def _length(value: Value) -> str:
    return NOT_MEASURED if value is None else length_words(float(value))


def _whole(value: Value) -> str:
    return NOT_MEASURED if value is None else f"{float(value):.0f}\N{NO-BREAK SPACE}mm"


def _percent(value: Value) -> str:
    return NOT_MEASURED if value is None else f"{float(value):.0f}\N{NO-BREAK SPACE}%"
