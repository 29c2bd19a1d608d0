"""The tables of a case's report, as rows of text."""

from __future__ import annotations

from venoseg.anatomy import BY_NAME
from venoseg.followup.compared import Comparison
from venoseg.followup.rules import SOURCES
from venoseg.reporting.case_words import label_words, state_of_limb
from venoseg.reporting.tables import TextTable
from venoseg.reporting.words import NOT_MEASURED, area_words, flag_words, length_words, state_words
from venoseg.tables import Value

_NONE = "–"

_LABELS = {
    "unknown": "labels, not said by whom",
    "manual": "labels drawn by a person",
    "semiautomatic": "labels drawn with help",
    "automatic": "labels drawn automatically",
}

_QUANTITIES = {
    "smallest_lumen_area_mm2": ("smallest area", "mm²"),
    "smallest_minimum_diameter_mm": ("smallest least width", "mm"),
    "smallest_diameter_mm": ("smallest width on the venogram", "mm"),
    "occluded_length_mm": ("occluded length", "mm"),
    "stented_length_mm": ("stented length", "mm"),
    "area_stenosis_baseline_same_site_percent": (
        "narrowing against the same site before, by area",
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
    "collateral_fraction": ("share of contrast medium beside the veins", ""),
}


def segment_table(found: Comparison) -> TextTable:
    """Return one row for every vein at every visit."""
    headings = (
        *("Vein", "Visit", "Length", "Smallest area", "Least width", "Occluded", "Stented"),
        *("In-stent stenosis", "Notes", "State"),
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
                    _whole(row["length_mm"]),
                    _area(row["minimum_area_mm2"]),
                    _NONE if shut else _length(row["minimum_diameter_mm"]),
                    _whole(row["occluded_length_mm"]),
                    _whole(row["stented_length_mm"]) if stented else _NONE,
                    _percent(row["in_stent_area_stenosis_percent"]) if stented else _NONE,
                    flags or _NONE,
                    state_words(str(row["state"])),
                )
            )
    return TextTable(headings, tuple(rows))


def change_rows(found: Comparison) -> TextTable:
    """Return what changed, but not station by station."""
    headings = (
        "Vein",
        "From",
        "To",
        "What",
        "Before",
        "After",
        "Change (95 %)",
        "Verdict",
        "Reason",
    )
    rows = []
    for row in found.changes.rows:
        if row["level"] == "station":
            continue
        name = str(row["quantity"])
        words, unit = _QUANTITIES.get(name, (name.replace("_", " "), ""))
        if str(row["level"]).startswith("stent"):
            words = f"{row['level']}: {words}"
        vessel = str(row["vessel"])
        rows.append(
            (
                _place(vessel, str(row["level"])),
                label_words(str(row["timepoint_from"])),
                label_words(str(row["timepoint_to"])),
                words,
                _number(row["value_from"], unit),
                _number(row["value_to"], unit),
                _interval(row["change"], row["change_low"], row["change_high"], unit),
                str(row["verdict"]),
                # Of the others the verdict says it all.
                str(row["reason"]) if row["verdict"] == "not comparable" else _NONE,
            )
        )
    return TextTable(headings, tuple(rows))


def patency_rows(found: Comparison, *, stents: bool) -> TextTable:
    """Return patency over time, by stent or else by limb."""
    headings = (
        *("Stent" if stents else "Limb", "Visit", "Days", "State"),
        *("Primary", "Primary-assisted", "Secondary", "Rests on"),
    )
    rows = tuple(
        (
            _target(str(row["limb"])),
            label_words(str(row["timepoint"])),
            str(row["days"]),
            state_of_limb(str(row["state"])),
            _yes(row["primary"]),
            _yes(row["primary_assisted"]),
            _yes(row["secondary"]),
            str(row["reason"]),
        )
        for row in found.patency.rows
        if str(row["limb"]).startswith("stent") == stents
    )
    return TextTable(headings, rows)


def clinical_rows(found: Comparison) -> TextTable:
    """Return one row for every item, one column for every timepoint with records."""
    table = found.clinical.rows
    labels = list(dict.fromkeys(str(row["timepoint"]) for row in table))
    keys = dict.fromkeys((str(r["scale"]), str(r["side"]), str(r["item"])) for r in table)
    cells = {
        (str(r["scale"]), str(r["side"]), str(r["item"]), str(r["timepoint"])): r for r in table
    }
    rows = []
    for key in keys:
        here = [cells.get((*key, label)) for label in labels]
        notes = "; ".join(dict.fromkeys(str(r["note"]) for r in here if r and r["note"]))
        values = ["–" if r is None or r["value"] is None else _plain(r["value"]) for r in here]
        scale = {"villalta": "Villalta", "vcss": "VCSS", "ceap": "CEAP"}.get(key[0], key[0])
        rows.append((f"{scale} ({key[1]})", key[2].replace("_", " "), *values, notes or "–"))
    heads = ("Scale (side)", "Item", *(label_words(label) for label in labels), "Note")
    return TextTable(heads, tuple(rows))


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
    heads = ("Visit", "Image", "Series", "Spacing or calibration", "Kernel", "Phase", "Of figures")
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


def _place(vessel: str, level: str) -> str:
    if vessel:
        return BY_NAME[vessel].title if vessel in BY_NAME else vessel
    kind, _, side = level.partition(" ")
    return f"Beside the spine, {side}" if kind == "collaterals" else "Whole run"


def _rule(value: float | bool) -> str:
    return _yes(value) if isinstance(value, bool) else f"{value:g}"


def _target(name: str) -> str:
    veins = [BY_NAME[word].title for word in name.split() if word in BY_NAME]
    return " to ".join([veins[0], *(vein.lower() for vein in veins[1:])]) if veins else name


def _yes(value: Value) -> str:
    return "–" if value is None else "yes" if value else "no"


def _plain(value: Value) -> str:
    return _yes(value) if isinstance(value, bool) else str(value)


def _area(value: Value) -> str:
    return NOT_MEASURED if value is None else area_words(float(value))


def _length(value: Value) -> str:
    return NOT_MEASURED if value is None else length_words(float(value))


def _whole(value: Value) -> str:
    return NOT_MEASURED if value is None else f"{float(value):.0f} mm"


def _percent(value: Value) -> str:
    return NOT_MEASURED if value is None else f"{float(value):.0f} %"


def _number(value: Value, unit: str) -> str:
    if value is None:
        return NOT_MEASURED
    number = float(value)
    return f"{number:.2f}" if not unit else f"{number:.1f}\N{NO-BREAK SPACE}{unit}"


def _interval(change: Value, low: Value, high: Value, unit: str) -> str:
    if change is None:
        return "–"
    digits = 1 if unit else 2
    words = f"{float(change):+.{digits}f}"
    if low is not None and high is not None:
        words += f" ({float(low):+.{digits}f} to {float(high):+.{digits}f})"
    return f"{words} {unit}".strip()
