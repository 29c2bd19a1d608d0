"""``venoseg demo``: the sample case from start to report."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

_OUT = Path("venoseg-demo")
_CHECKOUT = Path(__file__).resolve().parents[3] / "sample_data" / "case"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``venoseg demo``."""
    parser.add_argument(
        "-o", "--out", type=Path, default=_OUT, help=f"folder for the results (default {_OUT})"
    )
    parser.add_argument(
        "--data", type=Path, metavar="CASE", help="the sample case (default: that of the checkout)"
    )
    parser.add_argument("--pdf", action="store_true", help="print the report as PDF, too")


def run(arguments: argparse.Namespace) -> int:
    """Compare the sample case and say what it shows."""
    from venoseg.cli.compare import show
    from venoseg.comparison import compare_case
    from venoseg.errors import InputError
    from venoseg.interchange.case_manifest import MANIFEST

    case = arguments.data or _CHECKOUT
    if not (case / MANIFEST).is_file():
        raise InputError(
            "the sample case is not there; it comes with the checkout, not with the package",
            where=str(case) if arguments.data else "sample_data",
            remedy="make it, which takes some minutes, with `venoseg phantom sample-data "
            "-o sample_data`, then run `venoseg demo --data sample_data/case`",
        )
    started = time.monotonic()

    def say(words: str) -> None:
        if not arguments.quiet:
            print(f"{time.monotonic() - started:5.0f} s  {words} ...", file=sys.stderr)

    found = compare_case(case, arguments.out, force=arguments.force, pdf=arguments.pdf, say=say)
    return show(found, arguments, "demo")
