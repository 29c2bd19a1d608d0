"""From the records of all studies to the tables and the summary: the same bytes every time.

It runs in a child process, so that what libraries of tables need does not burden the run itself.
"""

from __future__ import annotations

import pickle
import shutil
import signal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import pyarrow
from pyarrow import parquet

from venoseg.batch.columns import (
    BATCH_CHANGE_COLUMNS,
    BATCH_CLINICAL_COLUMNS,
    BATCH_LESION_COLUMNS,
    BATCH_PATENCY_COLUMNS,
    BATCH_PROJECTED_LESION_COLUMNS,
    BATCH_PROJECTION_COLUMNS,
    BATCH_STENT_COLUMNS,
    CASE_COLUMNS,
    FAILURE_COLUMNS,
    RESULT_COLUMNS,
    SECTION_COLUMNS,
    SELECTION_COLUMNS,
    schema_of,
)
from venoseg.batch.rows import Row, case_rows_of, rows_of
from venoseg.batch.store import STATE, read_record
from venoseg.batch.summary import write_summary
from venoseg.errors import VenosegError
from venoseg.output import settle
from venoseg.processes import pipes
from venoseg.tables import Column, Table

_ROWS_IN_GROUP = 50_000


@dataclass(frozen=True, slots=True)
class _Form:
    """A table: its columns and the kinds of file it is written as."""

    columns: tuple[Column, ...]
    csv: bool
    parquet: bool


_FORMS = {
    "results": _Form(RESULT_COLUMNS, csv=True, parquet=True),
    "sections": _Form(SECTION_COLUMNS, csv=False, parquet=True),
    "lesions": _Form(BATCH_LESION_COLUMNS, csv=True, parquet=True),
    "stents": _Form(BATCH_STENT_COLUMNS, csv=True, parquet=True),
    "projected_lesions": _Form(BATCH_PROJECTED_LESION_COLUMNS, csv=True, parquet=True),
    "projection": _Form(BATCH_PROJECTION_COLUMNS, csv=False, parquet=True),
    "cases": _Form(CASE_COLUMNS, csv=True, parquet=True),
    "changes": _Form(BATCH_CHANGE_COLUMNS, csv=True, parquet=True),
    "station_changes": _Form(BATCH_CHANGE_COLUMNS, csv=False, parquet=True),
    "patency": _Form(BATCH_PATENCY_COLUMNS, csv=True, parquet=True),
    "clinical": _Form(BATCH_CLINICAL_COLUMNS, csv=True, parquet=True),
    "failures": _Form(FAILURE_COLUMNS, csv=True, parquet=False),
    "selection": _Form(SELECTION_COLUMNS, csv=True, parquet=False),
}


def assemble(
    out: Path,
    names: Sequence[str],
    cases: Sequence[str],
    unreadable: Sequence[tuple[str, str, str]],
) -> None:
    """Write the tables and the summary of a batch from its records.

    Parameters
    ----------
    out
        The folder of the batch.
    names, cases
        Every study and every case, by the name it has in outputs.
    unreadable
        Name, stage and reason of every file that could not be used.

    Raises
    ------
    OSError
        When something cannot be written.
    """
    part = out / STATE / "tables"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    with _Tables(part) as tables:
        for name in sorted(names):
            record = read_record(out, name)
            if record is not None:
                tables.add(rows_of(record, out / "studies" / name))
        for name in sorted(cases):
            record = read_record(out, name, "cases")
            if record is not None:
                tables.add(case_rows_of(record, out / "cases" / name))
        tables.add(("failures", _damaged(*one)) for one in sorted(unreadable))
    write_summary(part, out, len(names))
    for path in sorted(part.iterdir()):
        settle(path)
        path.replace(out / path.name)
    part.rmdir()
    settle(out)


def _damaged(name: str, stage: str, reason: str) -> Row:
    remedy = "export it again" if stage == "scan" else "correct it"
    remedy = f"{remedy}; its name is a digest of its content (sha256sum)"
    return {"study": name, "part": "", "stage": stage, "reason": reason, "remedy": remedy}


class _Tables:
    """Tables that are written group by group, so that none is ever held whole."""

    def __init__(self, folder: Path) -> None:
        self._files: dict[str, IO[str]] = {}
        self._writers: dict[str, parquet.ParquetWriter] = {}
        self._rows: dict[str, list[Row]] = {name: [] for name in _FORMS}
        self._schemas = {name: schema_of(form.columns) for name, form in _FORMS.items()}
        for name, form in _FORMS.items():
            if form.csv:
                file = (folder / f"{name}.csv").open("w", encoding="utf-8", newline="")
                file.write(Table(form.columns, ()).to_csv())
                self._files[name] = file
            if form.parquet:
                path = folder / f"{name}.parquet"
                self._writers[name] = parquet.ParquetWriter(
                    path, self._schemas[name], compression="zstd"
                )

    def add(self, rows: Iterable[tuple[str, Row]]) -> None:
        """Add rows, each with the name of its table."""
        for name, row in rows:
            self._rows[name].append(row)
            if len(self._rows[name]) >= _ROWS_IN_GROUP:
                self._write(name)

    def _write(self, name: str) -> None:
        columns = _FORMS[name].columns
        table = Table.from_rows(columns, self._rows[name])
        if name in self._files:
            self._files[name].write(table.to_csv().partition("\n")[2])
        if name in self._writers:
            content = [dict(row) for row in table.rows]
            self._writers[name].write_table(
                pyarrow.Table.from_pylist(content, schema=self._schemas[name])
            )
        self._rows[name] = []

    def __enter__(self) -> _Tables:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name in _FORMS:
            if error is None:
                self._write(name)
        for file in (*self._files.values(), *self._writers.values()):
            file.close()


def serve() -> None:
    """Assemble once, in a child process; the answer is None or what went wrong."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source, answers = pipes()
    wrong: Any = None
    try:
        assemble(*pickle.load(source))
    except (OSError, VenosegError) as error:
        wrong = getattr(error, "strerror", None) or str(error)
    pickle.dump(wrong, answers)
    answers.flush()
