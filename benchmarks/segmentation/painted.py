"""How well veins are segmented in bent real anatomy with painted contrast.

    python -m benchmarks.segmentation.painted --draws 900 916
    python -m benchmarks.segmentation.painted --draws 900 904 --streams

Every draw is another body (see `benchmarks.segmentation.patient`), in turn whole or cut above or
below the kidneys, in a portal venous, late or arterial phase. With ``--streams`` blood of the
kidneys and of the legs runs side by side in every draw, up to the heart, and slices are averages
over their thickness. Each is segmented from the two ends of the cava, from the cava's upper end and
both groins, and from nothing. One row per draw, way and vein; then means over all draws, and
confidence against Dice. Needs the CT and the labels of ``ts_example_ct_iliac`` in
``../shared/data``, or in the folder that ``VENOSEG_SHARED_DATA`` names.

``--streams`` is newer than the rest: draws without it are the same as those of older versions.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from benchmarks.segmentation.__main__ import PARTS, held_in, part_of, surface_mm
from benchmarks.segmentation.patient import Painted, anatomy_in, painted
from scipy import ndimage

from venoseg.errors import VenosegError
from venoseg.segmentation import Seed, Segmentation, segment

KINDS = (
    ("portal", "whole"),
    ("portal", "upper"),
    ("late", "whole"),
    ("portal", "pelvis"),
    ("late", "upper"),
    ("portal", "whole"),
    ("arterial", "whole"),
    ("portal", "upper"),
)
STREAMS = (("streams", "whole"), ("streams", "upper"))
WAYS = ("two", "three", "none")
_FROM_END_MM = 5.0
_LEAST_ML = 2.0
# Partial volume and the labels' own edge.
_RIM_MM = 1.5


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one vein of one draw on one way; percent are of the labelled voxels.

    ``artery_percent`` counts all that is artery, ``crossed_percent`` what lies deeper in one than
    the rim of 1.5 mm that may fall to either of two vessels that touch.
    """

    draw: int
    kind: str
    way: str
    part: str
    dice: float | None = None
    surface_mm: float | None = None
    artery_percent: float | None = None
    crossed_percent: float | None = None
    outside_percent: float | None = None
    confidence: float | None = None
    seconds: float = 0.0
    refused: str = ""

    def line(self) -> str:
        """Return it as a line of a table."""
        cells = asdict(self).values()
        return ",".join(
            f"{c:.2f}" if isinstance(c, float) else ("" if c is None else str(c)) for c in cells
        )


def end_of(case: Painted, vessel: str, upper: bool) -> tuple[float, float, float] | None:
    """Return a point inside a vessel near one of its ends, None where it is not in view."""
    grid = case.volume.grid
    held = np.argwhere(case.mask(vessel))
    if len(held) * grid.voxel_volume_mm3 < _LEAST_ML * 1000:
        return None
    points = grid.to_lps(held)
    z = points[:, 2]
    at = z.max() - _FROM_END_MM if upper else z.min() + _FROM_END_MM
    near = np.abs(z - at) <= 0.6 * grid.spacing_mm[grid.axial_axis]
    middle = points[near].mean(axis=0)
    x, y, z_mm = points[near][np.argmin(np.linalg.norm(points[near] - middle, axis=1))]
    return float(x), float(y), float(z_mm)


def seeds_for(case: Painted, way: str) -> list[Seed] | None:
    """Return the seeds of a way; empty for none, None where the way does not fit the image."""
    if way == "none":
        return []
    top = end_of(case, "ivc", upper=True)
    if top is None:
        return None
    seeds = [Seed("ivc", "central_end", top)]
    if way == "two":
        bottom = end_of(case, "ivc", upper=False)
        return [*seeds, Seed("ivc", "peripheral_end", bottom)] if bottom else None
    for side in ("left", "right"):
        groin = end_of(case, side, upper=False)
        if groin is None:
            return None
        seeds.append(Seed(f"{side}_external_iliac_vein", "peripheral_end", groin))
    return seeds


def rows_of(case: Painted, draw: int, kind: str, way: str) -> Iterator[Row]:
    """Segment one patient one way and compare vein by vein."""
    seeds = seeds_for(case, way)
    if seeds is None:
        return
    began = time.process_time()
    try:
        found = segment(case.volume, seeds or None)
    except VenosegError as error:
        yield Row(draw, kind, way, "all", seconds=time.process_time() - began, refused=str(error))
        return
    seconds = time.process_time() - began
    artery, spacing = case.mask("artery"), case.volume.grid.spacing_mm
    for part in PARTS[: 1 if way == "two" else 3]:
        true, drawn = case.mask(part), part_of(found, part)
        if true.sum() * case.volume.grid.voxel_volume_mm3 < _LEAST_ML * 1000:
            continue
        confidence = _confidence(found, part)
        both = int(true.sum() + drawn.sum())
        if not drawn.any():
            yield Row(draw, kind, way, part, 0.0, confidence=confidence, seconds=seconds)
            continue
        size = int(drawn.sum())
        # Between two vessels that touch a rim may fall to either; deeper than that is the artery.
        box = held_in(drawn, spacing)
        depth = ndimage.distance_transform_edt(artery[box], sampling=spacing)
        crossed = drawn[box] & (depth > _RIM_MM)
        yield Row(
            draw,
            kind,
            way,
            part,
            2.0 * int((true & drawn).sum()) / both,
            surface_mm(true, drawn, spacing),
            100.0 * int((drawn & artery).sum()) / size,
            100.0 * int(crossed.sum()) / size,
            100.0 * int((drawn & (case.truth == 0)).sum()) / size,
            confidence,
            seconds,
        )


def _confidence(found: Segmentation, part: str) -> float:
    own = [c.confidence for c in found.confidence if c.vessel.startswith(part)]
    return max(own, default=0.0)


def summary(rows: list[Row]) -> Iterator[str]:
    """Give means by kind, way and vein, and what confidence is worth."""
    yield (
        "kind,way,part,draws,refused,not_drawn,dice_mean,dice_least,surface_mm,artery_percent,"
        "crossed_percent"
    )
    for kind in [*dict.fromkeys(row.kind for row in rows), "all"]:
        for way in WAYS:
            own = [r for r in rows if kind in (r.kind, "all") and r.way == way]
            refused = sum(r.part == "all" for r in own)
            for part in PARTS:
                one = [r for r in own if r.part == part]
                drawn = [r for r in one if r.surface_mm is not None]
                if not one and not (refused and part == "ivc"):
                    continue
                dice = [float(r.dice or 0.0) for r in drawn] or [float("nan")]
                away = [float(r.surface_mm or 0.0) for r in drawn] or [float("nan")]
                artery = [float(r.artery_percent or 0.0) for r in drawn] or [float("nan")]
                deep = [float(r.crossed_percent or 0.0) for r in drawn] or [float("nan")]
                yield (
                    f"{kind},{way},{part},{len(one) + refused},{refused},{len(one) - len(drawn)},"
                    f"{np.mean(dice):.3f},{np.min(dice):.2f},{np.mean(away):.2f},"
                    f"{np.mean(artery):.2f},{np.mean(deep):.2f}"
                )
    yield "confidence_from,to,veins,dice_mean,dice_least,dice_below_0.5"
    drawn = [r for r in rows if r.surface_mm is not None]
    for low in np.arange(0.0, 1.0, 0.25):
        high = low + 0.25
        dice = [
            float(r.dice or 0.0)
            for r in drawn
            if low <= (r.confidence or 0.0) < high + (high == 1.0)
        ]
        if dice:
            bad = sum(value < 0.5 for value in dice)
            yield f"{low},{high},{len(dice)},{np.mean(dice):.3f},{min(dice):.2f},{bad}"


def shared_folder() -> Path:
    """Return the folder with the CT; end with a message where it is missing."""
    shared = Path(os.environ.get("VENOSEG_SHARED_DATA", "../shared/data"))
    folder = shared / "ts_example_ct_iliac"
    if not folder.is_dir():
        sys.exit(f"{folder} is missing: set VENOSEG_SHARED_DATA to the folder that holds it")
    return folder


def main() -> None:
    """Print a row per vein as they come, then the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, nargs=2, default=(900, 916), metavar=("FROM", "TO"))
    parser.add_argument("--streams", action="store_true")
    arguments = parser.parse_args()
    kinds = STREAMS if arguments.streams else KINDS
    anatomy = anatomy_in(shared_folder())
    rows: list[Row] = []
    print(",".join(Row.__slots__))
    for draw in range(*arguments.draws):
        phase, crop = kinds[draw % len(kinds)]
        case = painted(anatomy, draw, phase, crop)
        print(f"# {draw}: {phase}, {crop}; {case.words}")
        for way in WAYS:
            for row in rows_of(case, draw, f"{phase}-{crop}", way):
                print(row.line(), flush=True)
                rows.append(row)
    print("\n".join(summary(rows)))


if __name__ == "__main__":
    main()
