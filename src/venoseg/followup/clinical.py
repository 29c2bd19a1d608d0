"""``clinical.csv``: every clinical record of a case, item by item."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from venoseg.followup.case import Case, Timepoint
from venoseg.followup.ceap import Ceap
from venoseg.followup.claudication import Claudication
from venoseg.followup.scores import Score
from venoseg.tables import Column, Row, Table, Value

CLINICAL_COLUMNS: tuple[Column, ...] = (
    Column("timepoint", "label of the timepoint"),
    Column("days", "days since the case's day 0"),
    Column("scale", "villalta, vcss, ceap or claudication"),
    Column("side", "left, right, both or worse limb"),
    Column("item", "of the scale; total, category and ulcer among them"),
    Column("value", "as recorded or computed; empty when not recorded"),
    Column("status", "recorded, computed or missing"),
    Column("note", "what a reader of this row must know"),
)


def clinical_table(case: Case) -> Table:
    """Return one row for every item of every record."""
    rows: list[Row] = [
        {"timepoint": timepoint.label, "days": timepoint.day, **row}
        for timepoint in case.timepoints
        for row in _rows(timepoint)
    ]
    return Table.from_rows(CLINICAL_COLUMNS, rows)


def _rows(timepoint: Timepoint) -> Iterator[Row]:
    for score in timepoint.scores:
        yield from _score_rows(score)
    for ceap in timepoint.ceap:
        yield from _ceap_rows(ceap)
    for record in timepoint.claudication:
        yield from _claudication_rows(record)


def _score_rows(score: Score) -> Iterator[Row]:
    def row(item: str, value: Value, status: str, note: str = "") -> Row:
        return _row(score.scale.name, score.side, item, value, status, note)

    if score.items:
        for name in score.scale.items:
            value = score.items.get(name)
            yield row(name, value, "missing" if value is None else "recorded")
    if score.ulcer is not None:
        yield row("ulcer", score.ulcer, "recorded")
    status = "recorded" if score.as_recorded else "computed"
    yield row("total", score.total, "missing" if score.total is None else status, score.note)
    category = score.category
    yield row("category", category, "missing" if category is None else "computed")


def _ceap_rows(ceap: Ceap) -> Iterator[Row]:
    parts = {
        "clinical": ",".join(ceap.clinical) + ceap.symptoms,
        "etiology": ",".join(ceap.etiology),
        "anatomy": ",".join(ceap.anatomy),
        "pathophysiology": ceap.pathophysiology,
    }
    for name, value in parts.items():
        yield _row("ceap", ceap.side, name, value or None, "recorded" if value else "missing")


def _claudication_rows(record: Claudication) -> Iterator[Row]:
    for one in fields(Claudication):
        if one.name == "side":
            continue
        value = getattr(record, one.name)
        if value is None and not record.present:
            continue
        status = "missing" if value is None else "recorded"
        yield _row("claudication", record.side, one.name, value, status)


def _row(scale: str, side: str, item: str, value: Value, status: str, note: str = "") -> Row:
    cell = f"{value:g}" if isinstance(value, float) else value
    return {
        "scale": scale,
        "side": side,
        "item": item,
        "value": cell,
        "status": status,
        "note": note,
    }
