"""From a study's record and documents to its rows in the batch's tables."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from venoseg.batch.columns import RESULT_COLUMNS
from venoseg.batch.names import clean_text
from venoseg.followup.change import CHANGE_COLUMNS
from venoseg.tables import Column

STATION = "station"

Row = dict[str, Any]

# A run's row names a flag when at least this share of its positions carries it.
_FLAG_SHARE = 0.1


def rows_of(record: dict[str, Any], folder: Path) -> Iterator[tuple[str, Row]]:
    """Yield (table, row) for everything a study has in the tables of a batch.

    Parameters
    ----------
    record
        What became of the study.
    folder
        Where its results are.
    """
    study = {"study": record["name"]}
    for row in record["selection"]:
        yield "selection", study | row
    for failure in record["failures"]:
        yield "failures", study | failure
    for part in record["parts"]:
        name = str(part["part"])
        source = study | {"series_uid": part["series_uid"]}
        if name == "ct":
            yield from _ct_rows(_document(folder / name / "measurements.json"), source)
        else:
            run = int(name.rpartition("-")[2])
            document = _document(folder / name / "angiogram.json")
            yield from _run_rows(document, source | {"run": run})


def case_rows_of(record: dict[str, Any], folder: Path) -> Iterator[tuple[str, Row]]:
    """Yield (table, row) for everything a case has in the tables of a batch.

    Parameters
    ----------
    record
        What became of the case.
    folder
        Where its results are.
    """
    case = {"case": record["name"]}
    for row in record["selection"]:
        words = {name: clean_text(row[name] or "") or None for name in ("patient", "reason")}
        yield "cases", case | row | words
    for failure in record["failures"]:
        yield "failures", {"study": record["name"]} | failure
    if not record["parts"]:
        return
    document = _document(folder / "case.json")
    for table in ("changes", "patency", "clinical"):
        for row in document[table]:
            yield table, case | _as_text(row)
    for row in _typed_rows(folder / "changes.csv", CHANGE_COLUMNS):
        if row["level"] == STATION:
            yield "station_changes", case | row


def _as_text(row: Row) -> Row:
    """Return a row whose recorded value, a number or a word, is a text like all in its column."""
    value = row.get("value")
    return row if value is None else row | {"value": str(value)}


def _typed_rows(path: Path, columns: Sequence[Column]) -> Iterator[Row]:
    """Read a table of texts and figures as it was before it was written."""
    figures = {column.name for column in columns if column.decimals is not None}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            yield {
                name: None if not cell else float(cell) if name in figures else cell
                for name, cell in row.items()
            }


def _document(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def _ct_rows(document: dict[str, Any], source: Row) -> Iterator[tuple[str, Row]]:
    blank: Row = dict.fromkeys(column.name for column in RESULT_COLUMNS)
    for row in document["segments"]:
        yield "results", blank | source | {"kind": "ct"} | row
    for row in document["cross_sections"]:
        yield "sections", source | row
    for row in document["lesions"]:
        yield "lesions", source | row
    for row in document["stents"]:
        kernel = clean_text(row["convolution_kernel"] or "") or None
        yield "stents", source | row | {"convolution_kernel": kernel}


def _run_rows(document: dict[str, Any], source: Row) -> Iterator[tuple[str, Row]]:
    blank: Row = dict.fromkeys(column.name for column in RESULT_COLUMNS)
    for vein in document["veins"]:
        name = vein["vessel"]
        lesions = [row for row in document["lesions"] if row["vessel"] == name]
        places = [row for row in document["projection"] if row["vessel"] == name]
        yield "results", blank | source | {"kind": "angiogram"} | _run_row(vein, lesions, places)
    for row in document["lesions"]:
        yield "projected_lesions", source | row
    for row in document["projection"]:
        yield "projection", source | row


def _run_row(vein: Row, lesions: list[Row], places: list[Row]) -> Row:
    """Sum up a vein of a run."""
    own = [row for row in lesions if row["reference_kind"] == "computer_calculated"]
    percents = [
        row["diameter_stenosis_percent"]
        for row in own
        if row["diameter_stenosis_percent"] is not None
    ]
    known = [row["diameter_mm"] for row in places if row["diameter_mm"]]
    flags = Counter(flag for row in places for flag in str(row["flags"] or "").split())
    least = _FLAG_SHARE * len(places)
    return {
        "vessel": vein["vessel"],
        "projected_minimum_diameter_px": vein["minimum_diameter_px"],
        "projected_minimum_diameter_mm": min(known, default=None),
        "length_kind": places[0]["length_kind"] if places else None,
        "projected_diameter_stenosis_percent": max(percents, default=None),
        "state": _state(lesions, places),
        "flags": " ".join(flag for flag, count in sorted(flags.items()) if count >= least),
    }


def _state(lesions: list[Row], places: list[Row]) -> str:
    if any(row["occluded"] for row in lesions):
        return "occluded"
    if lesions:
        return "stenotic"
    patent = sum(row["state"] == "patent" for row in places)
    return "patent" if places and patent >= len(places) / 2 else "not_assessable"
