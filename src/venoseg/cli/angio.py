"""``venoseg angio``: projected diameters and flow on a venogram."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from venoseg.angiography import Venogram


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``venoseg angio``."""
    parser.add_argument("path", type=Path, metavar="PATH", help="a run: XA or RF, as DICOM")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for the results")
    parser.add_argument(
        "--seeds",
        type=Path,
        metavar="F",
        help="JSON of points on the vein; default: the main vessel is found",
    )
    parser.add_argument(
        "--frames",
        type=_frames,
        metavar="A-B",
        help="first and last frame to use, counted from 1 (default all)",
    )
    parser.add_argument(
        "--calibration",
        default="auto",
        metavar="KIND",
        help="marker:10mm@x1,y1,x2,y2 (two marks), marker:10mm (bands so far apart, found), "
        "ruler:50mm@... (two ticks), stent:16mm@... (a line across it), "
        "catheter:6F@x1,y1,x2,y2 (a line across or along it), catheter:6F (found in the vein), "
        "or auto: what the header says lies in the picture, found, else the best the header "
        "allows (default)",
    )
    parser.add_argument(
        "--nominal",
        type=_size,
        metavar="MM",
        help="a diameter to give stenoses against, besides those of the vein itself",
    )
    parser.add_argument(
        "--stent-nominal",
        type=_nominal,
        action="append",
        default=[],
        metavar="[VESSEL=]MM",
        help="diameter a stent was made for, to give its expansion; refused where none is seen",
    )


def _size(text: str) -> float:
    try:
        millimetres = float(text)
    except ValueError:
        millimetres = 0.0
    if not 2.0 <= millimetres <= 50.0:
        raise argparse.ArgumentTypeError("give 2 to 50 mm")
    return millimetres


def _nominal(text: str) -> tuple[str, float]:
    from venoseg.anatomy import NAMES

    vessel, _, size = text.rpartition("=")
    try:
        millimetres = float(size)
    except ValueError:
        millimetres = 0.0
    if not 2.0 <= millimetres <= 50.0 or (vessel and vessel not in NAMES):
        raise argparse.ArgumentTypeError("give 2 to 50 mm, e.g. 16 or left_common_iliac_vein=16")
    return vessel, millimetres


def _frames(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    try:
        return int(first), int(last or first)
    except ValueError as error:
        raise argparse.ArgumentTypeError("give two frame numbers, e.g. 5-20") from error


def run(arguments: argparse.Namespace) -> int:
    """Measure and say what was found; status 1 when a vein could not be measured."""
    from venoseg.interchange.documents import to_json
    from venoseg.venography import AngioOptions, angio_path

    options = AngioOptions(
        arguments.seeds,
        arguments.frames,
        arguments.calibration,
        stents_nominal_mm=dict(arguments.stent_nominal),
        nominal_mm=arguments.nominal,
    )

    def say(words: str) -> None:
        if not arguments.quiet:
            print(f"{words} ...", file=sys.stderr)

    found, document = angio_path(
        arguments.path, arguments.out, options, force=arguments.force, say=say
    )
    for warning in found.warnings:
        print(f"venoseg angio: {warning}", file=sys.stderr)
    if arguments.json:
        print(to_json(document), end="")
    elif not arguments.quiet:
        print(_summary(found))
    from numpy import isfinite

    return 0 if all(isfinite(vein.diameter_px).any() for vein in found.projections) else 1


def _summary(found: Venogram) -> str:
    """Return a line for every vein and lesion."""
    from venoseg.angiography.projection import UNLIKE

    lines = []
    for projection in found.projections:
        known = projection.diameter_px[projection.diameter_px > 0]
        if not len(known):
            lines.append(f"{projection.vessel}: its width could not be measured")
            continue
        in_mm = projection.diameters_mm()
        text = f"{projection.vessel}: {known.min():.1f} to {known.max():.1f} px wide"
        if in_mm is not None:
            millimetres = in_mm[0][in_mm[0] > 0]
            kind = projection.calibration.length_kind
            text += f", {millimetres.min():.1f} to {millimetres.max():.1f} mm ({kind})"
        lines.append(text)
    for row in found.lesion_table.rows:
        finding = "occlusion" if row["occluded"] else "stenosis"
        lines.append(
            f"{row['vessel']}: {finding} at {row['position_px']} px, "
            f"{row['diameter_stenosis_percent']:.0f} % of the diameter ({row['reference_kind']})"
            f"{', unsure: another vessel may overlap' if UNLIKE in str(row['flags']) else ''}"
        )
    for row in found.stent_table.rows:
        size, unit = row["minimum_width_mm"], "mm"
        if size is None:
            size, unit = row["minimum_width_px"], "px"
        text = f"{row['vessel']}: stent, narrowest {size:.1f} {unit}"
        if row["expansion_percent"] is not None:
            text += f", {row['expansion_percent']:.0f} % of nominal"
        lines.append(text)
    return "\n".join(lines)
