"""``venoseg deidentify``: a copy of studies without the patients' identity."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``venoseg deidentify``."""
    parser.add_argument(
        "path", type=Path, metavar="IN", help="folders, ZIPs, DICOMDIRs, patients mixed"
    )
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for the copy")
    parser.add_argument(
        "--key",
        type=Path,
        metavar="FILE",
        help="secret that makes pseudonyms and dates the same in every copy; made when not there",
    )
    parser.add_argument(
        "--pixels-clean",
        action="store_true",
        help="you looked: no image shows text that names the patient",
    )


def run(arguments: argparse.Namespace) -> int:
    """Copy, and say what was left out; status 1 when a file was damaged."""
    from venoseg.dicom.deidentify import deidentify
    from venoseg.dicom.pseudonyms import read_key
    from venoseg.errors import UsageError

    out, key = arguments.out, arguments.key
    if key is not None and key.resolve().is_relative_to(out.resolve()):
        raise UsageError("the key must not lie in the copy", where="--key")
    copied = deidentify(
        arguments.path,
        out,
        read_key(key),
        pixels_clean=arguments.pixels_clean,
        force=arguments.force,
    )
    for reason, count in sorted(copied.left_out.items()):
        print(f"venoseg deidentify: {count} left out: {reason}", file=sys.stderr)
    if copied.unsure:
        print(
            f"venoseg deidentify: {copied.unsure} images may show text that names the patient, and "
            "do not call themselves de-identified; look at them, then add --pixels-clean",
            file=sys.stderr,
        )
    if arguments.json:
        facts = {"images": copied.images, "left_out": copied.left_out, "unsure": copied.unsure}
        print(json.dumps(facts))
    elif not arguments.quiet:
        print(f"{copied.images} images copied")
    return 1 if any("damaged" in reason for reason in copied.left_out) else 0
