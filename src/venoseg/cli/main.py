"""The ``venoseg`` command: finds the sub-command, runs it, turns failures into one line."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from venoseg.errors import VenosegError, describe_defect

# Sub-command -> module with `add_arguments(parser)` and `run(arguments) -> int`, and its help line.
# A module is imported only when its command is asked for: `venoseg --help` must answer at once.
COMMANDS: dict[str, tuple[str, str]] = {
    "scan": ("venoseg.cli.scan", "what is in this folder, ZIP, DICOMDIR or file"),
    "measure": ("venoseg.cli.measure", "diameters of the veins on a CT"),
    "angio": ("venoseg.cli.angio", "diameters and flow on a venogram"),
    "two-views": ("venoseg.cli.two_views", "area of a vein from two venograms at an angle"),
    "compare": ("venoseg.cli.compare", "the same veins at several timepoints of one patient"),
    "review": ("venoseg.cli.review", "look at cases, correct and sign them in napari"),
    "agreement": ("venoseg.cli.agreement", "how far two readings of the same images agree"),
    "batch": ("venoseg.cli.batch", "many studies: a folder of exports in, one table out"),
    "deidentify": ("venoseg.cli.deidentify", "a copy of studies without the patients' identity"),
    "sr": ("venoseg.cli.sr", "the numbers of a DICOM structured report as a table"),
    "demo": ("venoseg.cli.demo", "the sample case from start to report"),
    "phantom": ("venoseg.cli.phantom", "write a digital twin as DICOM, with its truth"),
}


def build_parser(wanted: str | None = None) -> argparse.ArgumentParser:
    """Return the parser; only the sub-command ``wanted`` gets its arguments filled in."""
    parser = argparse.ArgumentParser(
        prog="venoseg",
        description="Measures the inferior vena cava and the iliac veins on CT and venography. "
        "Research software, not a medical device.",
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, (module, help_line) in COMMANDS.items():
        sub = commands.add_parser(name, help=help_line, description=help_line)
        if name == wanted:
            importlib.import_module(module).add_arguments(sub)
            _add_common(sub)
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    common = parser.add_argument_group("common options")
    common.add_argument("--json", action="store_true", help="machine-readable result on stdout")
    common.add_argument("--quiet", action="store_true", help="only warnings and errors")
    common.add_argument("--force", action="store_true", help="write into an existing OUT")
    common.add_argument("--debug", action="store_true", help="show the traceback of a failure")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    wanted = next((word for word in words if word in COMMANDS), None)
    parser = build_parser(wanted)
    arguments = parser.parse_args(words)
    if arguments.version:
        from importlib.metadata import version

        print(f"venoseg {version('venoseg')}")
        return 0
    if arguments.command is None:
        parser.print_help()
        return 2
    module = importlib.import_module(COMMANDS[arguments.command][0])
    try:
        return int(module.run(arguments))
    except VenosegError as error:
        if arguments.debug:
            raise
        print(f"venoseg {arguments.command}: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print(f"venoseg {arguments.command}: interrupted; nothing was kept", file=sys.stderr)
        return 130
    except Exception as error:
        if arguments.debug:
            raise
        print(f"venoseg {arguments.command}: {describe_defect(error)}", file=sys.stderr)
        return VenosegError.exit_status
