"""``venoseg review``: look at cases, correct them and sign them in napari."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``venoseg review``."""
    parser.add_argument(
        "path", type=Path, metavar="PATH", help="a study, ZIP, case, export or volume file"
    )
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="F",
        help="labels to begin with: a label map, or a folder of results by measure or batch",
    )
    parser.add_argument(
        "--reviews",
        type=Path,
        metavar="FOLDER",
        help="where the reviews are kept (default: venoseg-review beside the images)",
    )
    parser.add_argument(
        "--reviewer", metavar="NAME", help="who reviews, e.g. initials (asked for when not given)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Open the window and wait until it is closed."""
    from venoseg.errors import DependencyError, InputError
    from venoseg.review.clock import checked_reviewer

    if not arguments.path.exists():
        raise InputError("there is no such file or folder", where=str(arguments.path))
    if arguments.reviewer is not None:
        checked_reviewer(arguments.reviewer)
    try:
        window = importlib.import_module("venoseg_napari.window")
    except ImportError as error:
        raise DependencyError(
            "the reviewer's window is not installed",
            remedy="pip install venoseg-napari 'napari[pyqt6]'",
        ) from error
    return int(window.run(arguments.path, arguments.labels, arguments.reviews, arguments.reviewer))
