"""The tables of what became of limbs, stents and the patient, as rows of text."""

from __future__ import annotations

from venoseg.anatomy import BY_NAME
from venoseg.followup.compared import Comparison
from venoseg.followup.devices import nominal_mm_of, stent_figures
from venoseg.followup.verdict import Figure
from venoseg.followup.visit import CtVisit
from venoseg.reporting.case_tables import NONE, GroupedTable
from venoseg.reporting.case_words import class_words, label_words, state_of_limb
from venoseg.reporting.words import NOT_MEASURED, flag_words
from venoseg.tables import Row, Value

_RESULTS = ("total", "category")
_SCALES = {"villalta": "Villalta", "vcss": "VCSS", "ceap": "CEAP", "claudication": "Claudication"}


def patency_rows(found: Comparison) -> GroupedTable:
    """Return limbs and stents, each with its state, class and reason at every timepoint."""
    rows = tuple(
        (
            _target(str(row["limb"])),
            label_words(str(row["timepoint"])),
            str(row["days"]),
            state_of_limb(str(row["state"])),
            class_words(row) or NONE,
            str(row["reason"]),
        )
        for row in found.patency.rows
    )
    headings = ("Limb or stent", "Visit", "Days", "State", "Patency", "Rests on")
    return GroupedTable.of(headings, rows)


def stent_rows(found: Comparison) -> GroupedTable:
    """Return every stent that a CT shows, with its figures at each of them."""
    headings = (
        *("Stent in", "Visit", "Length", "Smallest area inside the wires", "Least width"),
        *("Against its nominal diameter", "In-stent stenosis by area", "Notes"),
    )
    rows = [_stent(found, visit, row) for visit in found.scans for row in visit.found.stents.rows]
    order = list(dict.fromkeys(row[0] for row in rows))
    return GroupedTable.of(headings, tuple(sorted(rows, key=lambda row: order.index(row[0]))))


def _stent(found: Comparison, visit: CtVisit, row: Row) -> tuple[str, ...]:
    nominal = nominal_mm_of(found.case, row, visit.day)
    figures = stent_figures(row, nominal)
    return (
        _target(str(row["vessels"])),
        label_words(visit.label),
        _length(row),
        _with_interval(figures["stent_minimum_area_mm2"], "mm²", 0),
        _with_interval(figures["stent_minimum_diameter_mm"], "mm", 1),
        _compression(
            figures.get("stent_compression_percent"), nominal, found.case.rules.compressed_percent
        ),
        _tissue(figures["in_stent_area_stenosis_percent"], row),
        "; ".join(flag_words(flag) for flag in str(row["flags"] or "").split()) or NONE,
    )


def _length(row: Row) -> str:
    value, low, high = (row[f"length{end}_mm"] for end in ("", "_low", "_high"))
    if value is None:
        return NONE
    ends = [None if end is None else float(end) for end in (low, high)]
    return _with_interval(Figure(float(value), ends[0], ends[1]), "mm", 0)


def _tissue(stenosis: Figure | None, row: Row) -> str:
    most = row["in_stent_area_stenosis_high_percent"]
    if stenosis is None and most is not None:
        return f"hidden by the metal; at most {float(most):.0f}\N{NO-BREAK SPACE}%"
    return _with_interval(stenosis, "%", 0)


def _compression(narrower: Figure | None, nominal_mm: float | None, limit_percent: float) -> str:
    if nominal_mm is None:
        return "nominal diameter not stated"
    if narrower is None:
        return NOT_MEASURED
    words = f"{_with_interval(narrower, '%', 0)} narrower than {nominal_mm:g}\N{NO-BREAK SPACE}mm"
    return f"{words}: compressed" if narrower.value >= limit_percent else words


def clinical_rows(found: Comparison) -> GroupedTable:
    """Return one row for every item, one column for every timepoint with records."""
    table = found.clinical.rows
    labels = list(dict.fromkeys(str(row["timepoint"]) for row in table))
    listed = dict.fromkeys((str(r["scale"]), str(r["side"]), str(r["item"])) for r in table)
    scales = list(dict.fromkeys(key[:2] for key in listed))
    # What the items come to stands before them.
    keys = sorted(listed, key=lambda key: (scales.index(key[:2]), key[2] not in _RESULTS))
    cells = {
        (str(r["scale"]), str(r["side"]), str(r["item"]), str(r["timepoint"])): r for r in table
    }
    rows = []
    for key in keys:
        here = [cells.get((*key, label)) for label in labels]
        notes = "; ".join(dict.fromkeys(str(r["note"]) for r in here if r and r["note"]))
        values = [NONE if r is None or r["value"] is None else _plain(r["value"]) for r in here]
        scale = _SCALES.get(key[0], key[0])
        rows.append((f"{scale} ({key[1]})", key[2].replace("_", " "), *values, notes or NONE))
    heads = ("Scale (side)", "Item", *(label_words(label) for label in labels), "Note")
    if all(row[-1] == NONE for row in rows):
        heads, rows = heads[:-1], [row[:-1] for row in rows]
    return GroupedTable.of(heads, tuple(rows))


def _with_interval(figure: Figure | None, unit: str, digits: int) -> str:
    if figure is None:
        return NOT_MEASURED
    words = f"{figure.value:.{digits}f}\N{NO-BREAK SPACE}{unit}"
    if figure.low is None or figure.high is None:
        return words
    return f"{words} ({figure.low:.{digits}f} to {figure.high:.{digits}f})"


def _target(name: str) -> str:
    veins = [BY_NAME[word].title for word in name.split() if word in BY_NAME]
    if not veins:
        return f"{name.capitalize()} limb"
    words = " to ".join(dict.fromkeys([veins[0], *(vein.lower() for vein in veins[1:])]))
    return f"Stent: {words.lower()}" if name.startswith("stent") else words


def _plain(value: Value) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
