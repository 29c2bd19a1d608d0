"""``venoseg agreement``: how far two readings of the same images agree."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from venoseg.tables import Row


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``venoseg agreement``."""
    for name in ("first", "second"):
        parser.add_argument(
            name, type=Path, help="a folder of results, or of a review with signed cases"
        )
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for the tables")
    parser.add_argument(
        "--readers",
        metavar="A,B",
        help="whose signed results to take from the first and from the second folder",
    )


def run(arguments: argparse.Namespace) -> int:
    """Compare and write two tables; status 1 when a case has only one reading."""
    from venoseg.errors import UsageError
    from venoseg.output import output_folder
    from venoseg.review import compare_readings

    readers = None
    if arguments.readers is not None:
        one, comma, other = arguments.readers.partition(",")
        if not (one and comma and other):
            raise UsageError("two readers are needed, for example anna,bert", where="--readers")
        readers = (one, other)
    with output_folder(arguments.out, force=arguments.force) as scratch:
        found = compare_readings(arguments.first, arguments.second, readers)
        found.overlap.to_csv(scratch / "overlap.csv")
        found.agreement.to_csv(scratch / "agreement.csv")
    for case in found.unmatched:
        print(f"venoseg agreement: {case}: only one reading", file=sys.stderr)
    if arguments.json:
        tables = {"overlap": found.overlap.rows, "agreement": found.agreement.rows}
        print(json.dumps({name: [dict(r) for r in rows] for name, rows in tables.items()}))
    elif not arguments.quiet:
        print(_summary(found.overlap.rows, found.agreement.rows))
    return 1 if found.unmatched else 0


def _summary(overlap: Sequence[Row], agreement: Sequence[Row]) -> str:
    """Return a line for every vein."""
    dice: dict[str, list[float]] = {}
    for row in overlap:
        dice.setdefault(str(row["vessel"]), []).append(float(row["dice"] or 0.0))
    lines = [f"{'vein':<28} {'cases':>5} {'mean Dice':>9}  min. diameter: bias, limits, ICC"]
    for row in agreement:
        if (row["level"], row["quantity"]) == ("segment", "minimum_diameter_mm"):
            values = dice.get(str(row["vessel"]), [])
            mean = f"{sum(values) / len(values):.3f}" if values else "-"
            figures = [row[name] for name in ("bias", "limit_low", "limit_high", "icc")]
            words = ", ".join("-" if f is None else f"{f:.2f}" for f in figures)
            lines.append(f"{row['vessel']:<28} {row['cases']:>5} {mean:>9}  {words}")
    return "\n".join(lines)
