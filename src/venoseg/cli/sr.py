"""``venoseg sr``: the numbers of a DICOM structured report as a table."""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``venoseg sr``."""
    parser.add_argument("path", type=Path, metavar="FILE", help="a report after TID 1500")


def run(arguments: argparse.Namespace) -> int:
    """Print the table as CSV, or as JSON."""
    from venoseg.interchange.sr_in import read_structured_report

    table = read_structured_report(arguments.path)
    if arguments.json:
        print(json.dumps([dict(row) for row in table.rows], indent=1, ensure_ascii=False))
    else:
        print(table.to_csv(), end="")
    return 0
