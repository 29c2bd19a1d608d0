"""Tables with fixed columns: the one form in which figures leave the program."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from venoseg.errors import DependencyError

if TYPE_CHECKING:
    import pandas

Value = str | int | float | bool | None
Row = Mapping[str, Value]

# A spreadsheet runs a cell that begins with one of these as a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name with the unit in it, what it means, and how many decimals it deserves.

    ``decimals`` is None for texts and whole numbers.
    """

    name: str
    meaning: str
    decimals: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under fixed columns.

    ``rows`` holds one mapping a row with exactly the column names as keys. None is "could not be
    measured" and becomes an empty cell.
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    @classmethod
    def from_rows(cls, columns: Sequence[Column], rows: Iterable[Row]) -> Table:
        """Build a table; floats are rounded to their column's decimals, NaN is refused.

        Raises
        ------
        ValueError
            When a row's keys are not the columns, or a value is not finite.
        """
        names = [column.name for column in columns]
        return cls(tuple(columns), tuple(_checked(row, names, columns) for row in rows))

    @property
    def names(self) -> tuple[str, ...]:
        """The column names in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> list[Value]:
        """Return the values of one column."""
        return [row[name] for row in self.rows]

    def to_csv(self, path: str | Path | None = None) -> str:
        """Write the table as CSV (UTF-8, LF, empty cell for None) and return the text.

        Text that a spreadsheet would run as a formula is preceded by an apostrophe.
        """
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.names)
        for row in self.rows:
            writer.writerow([_cell(row[c.name], c.decimals) for c in self.columns])
        text = out.getvalue()
        if path is not None:
            Path(path).write_text(text, encoding="utf-8", newline="")
        return text

    def to_pandas(self) -> pandas.DataFrame:
        """Return the table as a data frame.

        Raises
        ------
        DependencyError
            When pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise DependencyError(
                "pandas is not installed", remedy="pip install 'venoseg[tables]'"
            ) from error
        return pandas.DataFrame([dict(row) for row in self.rows], columns=list(self.names))


def _checked(row: Row, names: list[str], columns: Sequence[Column]) -> dict[str, Value]:
    if set(row) != set(names):
        missing, extra = set(names) - set(row), set(row) - set(names)
        raise ValueError(f"row lacks {sorted(missing)} and has unknown {sorted(extra)}")
    return {column.name: _rounded(row[column.name], column) for column in columns}


def _rounded(value: Any, column: Column) -> Value:
    if value is None or isinstance(value, str | bool):
        return value
    number = float(value)
    if number - number != 0.0:
        raise ValueError(f"{column.name} is not finite")
    if column.decimals is None:
        return int(number) if number.is_integer() else number
    return round(number, column.decimals) + 0.0


def _cell(value: Value, decimals: int | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = f"'{value}" if value.startswith(_FORMULA_STARTS) else value
        return text.replace("\r", " ")  # the csv module would leave a lone one unquoted
    return str(value) if decimals is None else f"{value:.{decimals}f}"
