"""Clinical records from a table: one item a row, under timepoint, scale, side, item, value."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from venoseg.errors import InputError
from venoseg.followup.ceap import Ceap, ceap_from
from venoseg.followup.claudication import Claudication, claudication_from
from venoseg.followup.scores import SCALES, Score, score_from

HEADER = ("timepoint", "scale", "side", "item", "value")


@dataclass(frozen=True, slots=True)
class TimepointRecords:
    """The records of one timepoint."""

    scores: tuple[Score, ...] = ()
    ceap: tuple[Ceap, ...] = ()
    claudication: tuple[Claudication, ...] = ()


ClinicalRecords = dict[str, TimepointRecords]
"""Label of a timepoint to its records."""

_Cells = dict[str, object]


def read_clinical_file(path: Path) -> ClinicalRecords:
    """Read a CSV of clinical records; an empty value is an item that was not recorded.

    Raises
    ------
    InputError
        When it is no such table, or a record says what is impossible.
    """
    gathered: dict[tuple[str, str, str], _Cells] = {}
    for number, (timepoint, scale, side, item, value) in _lines(path):
        record = gathered.setdefault((timepoint, scale, side), {"side": side})
        if item in record:
            raise InputError(f"{item} stands there twice", where=f"{path.name}, line {number}")
        if value:
            record[item] = _value(value)
    found: ClinicalRecords = {}
    for (timepoint, scale, _), record in gathered.items():
        where = f"{path.name}, {timepoint[:40]}"
        now = found.get(timepoint, TimepointRecords())
        if scale in SCALES:
            score = score_from(SCALES[scale], record, where)
            now = TimepointRecords((*now.scores, score), now.ceap, now.claudication)
        elif scale == "ceap":
            now = TimepointRecords(
                now.scores, (*now.ceap, ceap_from(record, where)), now.claudication
            )
        elif scale == "claudication":
            one = claudication_from(record, where)
            now = TimepointRecords(now.scores, now.ceap, (*now.claudication, one))
        else:
            raise InputError(
                f"there is no scale '{scale[:20]}'",
                where=where,
                remedy=f"use {', '.join(SCALES)}, ceap or claudication",
            )
        found[timepoint] = now
    return found


def _lines(path: Path) -> Iterator[tuple[int, tuple[str, str, str, str, str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputError("there is no such table of clinical records", where=path.name) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("the clinical records cannot be read", where=path.name) from error
    rows = csv.reader(text.splitlines())
    heading = tuple(word.strip() for word in next(rows, []))
    if heading != HEADER:
        raise InputError(
            "the first line is not that of a table of clinical records",
            where=path.name,
            remedy=f"write {','.join(HEADER)}",
        )
    for number, row in enumerate(rows, start=2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(HEADER):
            raise InputError(
                f"there are {len(row)} cells instead of {len(HEADER)}",
                where=f"{path.name}, line {number}",
            )
        timepoint, scale, side, item, value = (cell.strip() for cell in row)
        yield number, (timepoint, scale, side, item, value)


def _value(text: str) -> object:
    """Return yes and no, a number, or the text itself."""
    if text.lower() in ("true", "yes"):
        return True
    if text.lower() in ("false", "no"):
        return False
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number
