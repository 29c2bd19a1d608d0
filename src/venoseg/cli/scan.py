"""``venoseg scan``: what is in this folder, ZIP, DICOMDIR or file."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from venoseg.cli.progress import Progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``venoseg scan``."""
    parser.add_argument(
        "path", type=Path, metavar="PATH", help="a folder, file, ZIP, DICOMDIR, NIfTI or NRRD"
    )
    parser.add_argument(
        "--kernel", choices=("soft", "sharp"), help="which reconstruction to prefer (default soft)"
    )
    parser.add_argument(
        "--identified",
        action="store_true",
        help="spell out folder names, which may name the patient",
    )


def run(arguments: argparse.Namespace) -> int:
    """List studies, series and problems; status 1 when a file could not be read."""
    from venoseg.dicom import scan
    from venoseg.dicom.listing import as_text, as_tree

    with Progress("headers", quiet=arguments.quiet) as progress:
        found = scan(arguments.path, identified=arguments.identified, progress=progress)
    if arguments.json:
        tree: dict[str, Any] = as_tree(found, arguments.kernel)
        print(json.dumps(tree, indent=1, ensure_ascii=False))
    else:
        print(as_text(found, arguments.kernel))
    if found.unreadable and not arguments.quiet:
        print(f"{len(found.unreadable)} files could not be read", file=sys.stderr)
    return 1 if found.unreadable else 0
