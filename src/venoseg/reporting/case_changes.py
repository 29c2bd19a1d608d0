"""The tables of what changed between two visits, as rows of text."""

from __future__ import annotations

from venoseg.anatomy import BY_NAME
from venoseg.followup.compared import Comparison
from venoseg.reporting.case_tables import GroupedTable
from venoseg.reporting.case_words import label_words
from venoseg.reporting.words import NOT_MEASURED
from venoseg.tables import Row, Value

_QUANTITIES = {
    "smallest_lumen_area_mm2": ("smallest area", "mm²"),
    "smallest_minimum_diameter_mm": ("smallest least width", "mm"),
    "smallest_diameter_mm": ("smallest width on the venogram", "mm"),
    "occluded_length_mm": ("occluded length", "mm"),
    "stented_length_mm": ("stented length", "mm"),
    "area_stenosis_baseline_same_site_percent": (
        "area at its narrowest site, against before",
        "%",
    ),
    "stent_minimum_area_mm2": ("smallest area inside the wires", "mm²"),
    "stent_minimum_diameter_mm": ("least width of the stent", "mm"),
    "stent_least_diameter_ratio": ("least to greatest width of the stent", ""),
    "stent_compression_percent": ("compression against the nominal diameter", "%"),
    "in_stent_area_stenosis_percent": ("in-stent stenosis by area", "%"),
    "stent_length_mm": ("length of the stent", "mm"),
    "central_end_migration_mm": ("central end moved, away from the heart positive", "mm"),
    "peripheral_end_migration_mm": ("peripheral end moved, away from the heart positive", "mm"),
    "collateral_total_length_mm": ("length of collaterals, at least", "mm"),
    "collateral_volume_mm3": ("volume of collaterals, at least", "mm³"),
    "collateral_fraction": ("share of contrast medium beside the veins", "%"),
}

_CHANGE = ("change", "change_low", "change_high")

# A vein that is open, or without stent, at both visits has nothing to say here.
_OFTEN_NOTHING = ("occluded_length_mm",)


def change_tables(found: Comparison) -> tuple[tuple[str, GroupedTable], ...]:
    """Return one table for every two visits that were compared, each with its title.

    Stations are left out; of the rest, what was nothing before and after.
    """
    pairs = dict.fromkeys(
        (str(row["timepoint_from"]), str(row["timepoint_to"])) for row in found.changes.rows
    )
    return tuple((_title(found, pair), table) for pair in pairs if (table := _table(found, pair)))


def _title(found: Comparison, pair: tuple[str, str]) -> str:
    days = {visit.label: visit.day for visit in found.visits}
    first, second = (f"{label_words(label)} (day {days[label]})" for label in pair)
    return f"{first} to {second}"


def _table(found: Comparison, pair: tuple[str, str]) -> GroupedTable | None:
    rows = tuple(
        _cells(row)
        for row in found.changes.rows
        if (row["timepoint_from"], row["timepoint_to"]) == pair
        and row["level"] != "station"
        and not _nothing(row)
    )
    headings = ("Vein", "What", "Before", "After", "Change (95 %)", "Verdict")
    return GroupedTable.of(headings, rows) if rows else None


def _nothing(row: Row) -> bool:
    return row["quantity"] in _OFTEN_NOTHING and row["value_from"] == row["value_to"] == 0.0


def _cells(row: Row) -> tuple[str, ...]:
    name, level = str(row["quantity"]), str(row["level"])
    words, unit = _QUANTITIES.get(name, (name.replace("_", " "), ""))
    if level.startswith("stent"):
        words = f"{level}: {words}"
    scale = 100.0 if name == "collateral_fraction" else 1.0
    absent = "no stent" if name == "stented_length_mm" else NOT_MEASURED
    verdict = str(row["verdict"])
    if verdict == "not comparable":
        verdict += f": {row['reason']}"
    same_site = name == "area_stenosis_baseline_same_site_percent"
    return (
        _place(str(row["vessel"]), level),
        words,
        "–" if same_site else _number(row["value_from"], unit, scale, absent),
        "–" if same_site else _number(row["value_to"], unit, scale, absent),
        _interval(row, unit, scale, widening=same_site),
        verdict,
    )


def _place(vessel: str, level: str) -> str:
    if vessel:
        return BY_NAME[vessel].title if vessel in BY_NAME else vessel
    kind, _, side = level.partition(" ")
    return f"Beside the spine, {side}" if kind == "collaterals" else "Whole run"


def _digits(unit: str) -> int:
    return {"": 2, "mm³": 0}.get(unit, 1)


def _number(value: Value, unit: str, scale: float, absent: str) -> str:
    if value is None:
        return absent
    return f"{scale * float(value):.{_digits(unit)}f}\N{NO-BREAK SPACE}{unit}".strip()


def _interval(row: Row, unit: str, scale: float, *, widening: bool) -> str:
    """Return a change in words; with ``widening`` the table has it as a narrowing."""
    names = ("change", "change_high", "change_low") if widening else _CHANGE
    scale = -scale if widening else scale
    # Zero has no sign.
    values = [
        round(scale * float(v), _digits(unit)) + 0.0 for n in names if (v := row[n]) is not None
    ]
    ends = [f"{value:+.{_digits(unit)}f}" for value in values]
    if not ends:
        return "–"
    words = ends[0] if len(ends) < 3 else f"{ends[0]} ({ends[1]} to {ends[2]})"
    return f"{words}\N{NO-BREAK SPACE}{unit}".strip()
