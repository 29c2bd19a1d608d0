"""``venoseg phantom``: write a digital twin, or list them."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from venoseg.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``venoseg phantom``."""
    parser.add_argument(
        "name",
        metavar="NAME",
        help="which twin; `list` prints them, `sample-data` makes the samples",
    )
    parser.add_argument("-o", "--out", type=Path, metavar="OUT", help="folder to write")
    parser.add_argument("--seed", type=int, default=0, help="which patient of the kind (default 0)")
    parser.add_argument(
        "--spacing",
        type=_spacing,
        default=(1.0, 0.8, 0.8),
        metavar="SLICE,ROW,COLUMN",
        help="voxel spacing in mm (default 1,0.8,0.8)",
    )
    parser.add_argument("--noise", type=float, default=12.0, metavar="HU", help="default 12")
    parser.add_argument("--blur", type=float, default=0.6, metavar="MM", help="default 0.6")
    parser.add_argument("--thickness", type=float, metavar="MM", help="default: the slice spacing")
    parser.add_argument("--kernel", default="white", help="white, smooth or sharp (default white)")
    parser.add_argument("--margin", type=float, default=15.0, metavar="MM", help="default 15")
    parser.add_argument(
        "--transfer-syntax",
        default="explicit",
        metavar="NAME",
        help="explicit, implicit, deflated, big-endian, rle, jpeg-lossless, jpeg-ls or jpeg-2000",
    )
    parser.add_argument(
        "--variant",
        metavar="NAME",
        help="missing, duplicated, two-phases, localizer, rescaled, signed, padded, uneven, "
        "shuffled, tilted or sagittal",
    )
    parser.add_argument(
        "--breath",
        type=_pair,
        metavar="Z,STEP",
        help="above Z (mm) everything lies lower by STEP (mm), as after a breath",
    )
    parser.add_argument("--enhanced", action="store_true", help="one Enhanced CT image")
    parser.add_argument("--media", choices=("files", "dicomdir", "zip"), default="files")
    _add_angiogram_arguments(parser)


def _add_angiogram_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("angiograms (venogram-...)")
    group.add_argument("--matrix", type=int, default=512, metavar="N", help="pixels (default 512)")
    group.add_argument("--frames", type=int, default=24, metavar="N", help="default 24")
    group.add_argument(
        "--angles",
        type=_pair,
        default=(0.0, 0.0),
        metavar="PRIMARY,SECONDARY",
        help="of the C-arm in degrees (default 0,0)",
    )
    group.add_argument(
        "--relationship", choices=("LIN", "LOG", "DISP"), default="LIN", help="default LIN"
    )
    group.add_argument(
        "--kinds",
        default="xa",
        metavar="A,B",
        help="some of xa, enhanced-xa, secondary-capture (default xa)",
    )


def _pair(text: str) -> tuple[float, float]:
    try:
        first, second = (float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError("give two numbers, e.g. 30,0") from error
    return first, second


def _spacing(text: str) -> tuple[float, float, float]:
    try:
        slice_mm, row_mm, column_mm = (float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError("give three numbers, e.g. 1,0.8,0.8") from error
    if min(slice_mm, row_mm, column_mm) <= 0:
        raise argparse.ArgumentTypeError("the spacing must be positive")
    return slice_mm, row_mm, column_mm


def run(arguments: argparse.Namespace) -> int:
    """Write the twin, or print the list."""
    from venoseg.phantom.catalogue import TWINS, twin_named

    if arguments.name == "list":
        if arguments.json:
            print(json.dumps({name: twin.title for name, twin in TWINS.items()}, indent=1))
        else:
            print("\n".join(f"{name:16} {twin.title}" for name, twin in TWINS.items()))
        return 0
    if arguments.out is None:
        raise UsageError("no output folder is given", remedy="add -o OUT")
    if arguments.name == "sample-data":
        from venoseg.phantom.sample import write_sample_data

        names = write_sample_data(arguments.out, force=arguments.force)
        print(json.dumps({"out": str(arguments.out), "studies": names}))
        return 0
    if twin_named(arguments.name).modality == "XA":
        return _write_angiogram(arguments)
    return _write_ct(arguments)


def _write_angiogram(arguments: argparse.Namespace) -> int:
    from venoseg.phantom.catalogue import twin_named
    from venoseg.phantom.export_xa import XA_KINDS, XaOptions, write_xa_twin
    from venoseg.phantom.identity import Visit
    from venoseg.phantom.xa import XaSettings
    from venoseg.phantom.xa_geometry import Carm

    kinds = tuple(arguments.kinds.split(","))
    if not set(kinds) <= set(XA_KINDS):
        raise UsageError("unknown kind of angiogram", remedy=f"use {', '.join(XA_KINDS)}")
    carm = Carm(
        primary_deg=arguments.angles[0],
        secondary_deg=arguments.angles[1],
        rows=arguments.matrix,
        columns=arguments.matrix,
        pixel_mm=410.0 / arguments.matrix,
    )
    settings = XaSettings(
        carm=carm,
        frames=arguments.frames,
        relationship=arguments.relationship,
        seed=arguments.seed,
    )
    options = XaOptions(settings, kinds, transfer_syntax=arguments.transfer_syntax)
    scene = twin_named(arguments.name).build(arguments.seed)
    visit = Visit(arguments.name, arguments.seed, description=f"Digital twin {arguments.name}")
    write_xa_twin(scene, arguments.out, options, visit, force=arguments.force)
    result = {"out": str(arguments.out), "twin": arguments.name, "images": len(kinds)}
    done = f"{arguments.out}: a run of {arguments.frames} frames and truth"
    print(json.dumps(result) if arguments.json else done)
    return 0


def _write_ct(arguments: argparse.Namespace) -> int:
    from venoseg.phantom.catalogue import twin_named
    from venoseg.phantom.ct import Scanner
    from venoseg.phantom.export import CtOptions, write_ct_twin

    started = time.perf_counter()
    options = CtOptions(
        seed=arguments.seed,
        spacing_mm=arguments.spacing,
        margin_mm=arguments.margin,
        scanner=Scanner(
            arguments.blur,
            arguments.thickness,
            arguments.noise,
            kernel=arguments.kernel,
            breath=arguments.breath,
        ),
        transfer_syntax=arguments.transfer_syntax,
        variant=arguments.variant,
        enhanced=arguments.enhanced,
        media=arguments.media,
    )
    made = write_ct_twin(twin_named(arguments.name), arguments.out, options, force=arguments.force)
    slices, rows, columns = made.image.grid.shape
    if not arguments.quiet:
        took = time.perf_counter() - started
        print(f"{columns} x {rows} x {slices} voxels in {took:.1f} s", file=sys.stderr)
    result = {"out": str(arguments.out), "twin": arguments.name, "images": slices}
    print(json.dumps(result) if arguments.json else f"{arguments.out}: {slices} images and truth")
    return 0
