"""``venoseg measure``: diameters of the veins on a CT."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from venoseg.tables import Table, Value


# Columns of the segments' table that the summary shows, and their headings.
_SHOWN = {
    "length_mm": "length",
    "minimum_area_mm2": "smallest area",
    "minimum_area_position_mm": "at",
    "minimum_diameter_mm": "min. diameter",
}
_WIDTH = 14

# Those that need nothing but this image: `venoseg.lumen.tables.references.FROM_ITSELF`.
_REFERENCES = (
    "expected_normal",
    "central_adjacent",
    "peripheral_adjacent",
    "mean_adjacent",
    "interpolated",
    "contralateral",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``venoseg measure``."""
    parser.add_argument("path", type=Path, metavar="PATH", help="a CT: DICOM, NIfTI or NRRD")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for the results")
    parser.add_argument(
        "--labels", type=Path, metavar="F", help="labels of the veins: NIfTI, NRRD or DICOM SEG"
    )
    parser.add_argument(
        "--label-names",
        metavar="1=ivc,...",
        help="which label is which vein, where the file does not say",
    )
    parser.add_argument(
        "--seeds",
        type=Path,
        metavar="F",
        help="points that limit a vein or lead through a shut one, and without labels guide the "
        "segmentation: JSON or markups of 3D Slicer",
    )
    parser.add_argument(
        "--segmenter", metavar="NAME", help="without labels: an outside segmenter to use"
    )
    parser.add_argument("--series", metavar="UID", help="which series to measure")
    parser.add_argument(
        "--boundary",
        choices=("gray", "mask"),
        default="gray",
        help="find the lumen's edge in the gray values (default), or take the labels' own edge",
    )
    parser.add_argument(
        "--step", type=float, default=1.0, metavar="MM", help="distance of the stations (default 1)"
    )
    parser.add_argument(
        "--reference",
        choices=_REFERENCES,
        default=_REFERENCES[0],
        help="what stenoses are measured against (default: the expected normal area of each vein)",
    )
    parser.add_argument(
        "--stent-nominal",
        type=float,
        metavar="MM",
        help="diameter that the stents were made for: their expansion is told against it",
    )
    parser.add_argument(
        "--identified",
        action="store_true",
        help="name the patient in the DICOM results; otherwise nothing does",
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure and say what was found; status 1 when a vein could not be measured."""
    from venoseg.errors import UsageError
    from venoseg.interchange import parse_label_names
    from venoseg.interchange.documents import measurements_document, to_json
    from venoseg.pipeline import MeasureOptions, measure_path
    from venoseg.reporting.words import warning_words

    if not 0.1 <= arguments.step <= 10.0:
        raise UsageError("the step must lie between 0.1 and 10 mm", where="--step")
    nominal = arguments.stent_nominal
    if nominal is not None and not 4.0 <= nominal <= 40.0:
        raise UsageError("a stent is made for 4 to 40 mm", where="--stent-nominal")
    named = arguments.label_names
    options = MeasureOptions(
        labels=arguments.labels,
        label_names=None if named is None else parse_label_names(named),
        series_uid=arguments.series,
        boundary=arguments.boundary,
        step_mm=arguments.step,
        reference=arguments.reference,
        stent_nominal_mm=nominal,
        identified=arguments.identified,
        seeds=arguments.seeds,
        segmenter=arguments.segmenter,
    )

    def say(words: str) -> None:
        if not arguments.quiet:
            print(f"{words} ...", file=sys.stderr)

    found = measure_path(arguments.path, arguments.out, options, force=arguments.force, say=say)
    for warning in found.warnings:
        print(f"venoseg measure: {warning_words(warning)}", file=sys.stderr)
    if arguments.json:
        print(to_json(measurements_document(found)), end="")
    elif not arguments.quiet:
        print(_summary(found.segments))
    return 1 if found.failed else 0


def _summary(segments: Table) -> str:
    """Return a line for every vein."""
    heads = " ".join(f"{title:>{_WIDTH}}" for title in _SHOWN.values())
    lines = [f"{'vein':<28} {heads}  state"]
    for row in segments.rows:
        figures = " ".join(_figure(row[name], name.rsplit("_", 1)[1]) for name in _SHOWN)
        lines.append(f"{row['vessel']:<28} {figures}  {row['state']}")
    return "\n".join(lines)


def _figure(value: Value, unit: str) -> str:
    text = f"{value:.1f} {unit}" if isinstance(value, float | int) else "-"
    return f"{text:>{_WIDTH}}"
