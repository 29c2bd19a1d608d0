"""``venoseg compare``: the same veins before, after and later."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from venoseg.followup.compared import Comparison


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``venoseg compare``."""
    parser.add_argument(
        "case",
        type=Path,
        metavar="CASE",
        help="a folder with case.toml, the manifest itself, or a folder of dated studies",
    )
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--pdf", action="store_true", help="print the report as PDF, too")


def run(arguments: argparse.Namespace) -> int:
    """Compare and say what was found; status 1 when a study could not be measured."""
    from venoseg.comparison import compare_case

    def say(words: str) -> None:
        if not arguments.quiet:
            print(f"{words} ...", file=sys.stderr)

    found = compare_case(
        arguments.case, arguments.out, force=arguments.force, pdf=arguments.pdf, say=say
    )
    return show(found, arguments, "compare")


def show(found: Comparison, arguments: argparse.Namespace, command: str) -> int:
    """Print what a comparison found, as the common options ask; return the exit status."""
    from venoseg.reporting.case_words import case_headline, case_sentences
    from venoseg.reporting.words import warning_words

    for words in found.failures:
        print(f"venoseg {command}: {words}", file=sys.stderr)
    for warning in found.warnings:
        visit, _, rest = warning.partition(": ")
        words = f"{visit}: {warning_words(rest)}" if rest else warning
        print(f"venoseg {command}: {words}", file=sys.stderr)
    if arguments.json:
        print((arguments.out / "case.json").read_text(encoding="utf-8"), end="")
    elif not arguments.quiet:
        for line in (case_headline(found), *case_sentences(found)):
            print(line)
        print(f"the report is {arguments.out / 'report.html'}")
    return 1 if found.failures else 0
