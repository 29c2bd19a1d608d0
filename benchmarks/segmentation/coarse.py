"""What becomes of the coarse labels of a model: refined to the edge, followed past their end.

    python -m benchmarks.segmentation.coarse --draws 1000 1008

The true labels of painted patients (see `benchmarks.segmentation.painted`; those that show all
veins with contrast) are made as coarse as a model's, 3 and 1.5 mm, and those of the iliac veins
are cut off 80 mm above their end. One row per draw, voxel size and vein: Dice above the cut
before and after refinement; how far the vein was followed, Dice below the cut of what was added
as far as it reaches, and what share of it is artery or no vessel at all.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
from benchmarks.segmentation.__main__ import PARTS
from benchmarks.segmentation.painted import KINDS, shared_folder
from benchmarks.segmentation.patient import Painted, anatomy_in, painted
from scipy import ndimage

from venoseg.segmentation import Segmentation, extend, refine
from venoseg.volume import BoolArray, FloatArray

NAMES = {1: "ivc", 2: "left_iliac_vein", 3: "right_iliac_vein"}
_CUT_MM = 80.0
HEAD = (
    "draw,voxel_mm,part,dice_coarse,dice_refined,extended_mm,dice_added,artery_percent,"
    "outside_percent,confidence,reason"
)


def coarse(mask: BoolArray, spacing: FloatArray, voxel_mm: float) -> BoolArray:
    """Return a mask as voxels of a size would hold it, half full or more, on its own grid."""
    size = voxel_mm / spacing
    shape = np.maximum(np.ceil(np.array(mask.shape) / size).astype(int), 1)
    index = [(np.arange(n) / s).astype(int) for n, s in zip(mask.shape, size, strict=True)]
    flat = np.ravel_multi_index(np.ix_(*index), shape)
    share = np.bincount(flat.ravel(), mask.ravel(), minlength=int(shape.prod()))
    share /= np.maximum(np.bincount(flat.ravel(), minlength=int(shape.prod())), 1)
    held: BoolArray = (share >= 0.5)[flat]
    return held


def heights(case: Painted) -> FloatArray:
    """Return the height of every voxel, to be broadcast over the grid."""
    grid = case.volume.grid
    axis = grid.axial_axis
    index = np.zeros((grid.shape[axis], 3))
    index[:, axis] = np.arange(grid.shape[axis])
    shape = [1, 1, 1]
    shape[axis] = -1
    z: FloatArray = grid.to_lps(index)[:, 2].reshape(shape)
    return z


def dice(first: BoolArray, second: BoolArray) -> float:
    """Return the Dice overlap; NaN where both are empty."""
    both = int(first.sum() + second.sum())
    return 2.0 * int((first & second).sum()) / both if both else float("nan")


def rows_of(case: Painted, draw: int, voxel_mm: float) -> Iterator[str]:
    """Make labels coarse, give them back, and compare."""
    grid = case.volume.grid
    z = heights(case)
    labels = np.zeros(grid.shape, dtype=np.uint8)
    cuts = {}
    for value, part in enumerate(PARTS, start=1):
        true = case.mask(part)
        lowest = float(np.broadcast_to(z, grid.shape)[true].min())
        cuts[part] = -np.inf if part == "ivc" else lowest + _CUT_MM
        labels[coarse(true & (z >= cuts[part]), grid.spacing_mm, voxel_mm)] = value
    given = Segmentation(labels, grid, NAMES, "automatic")
    refined = refine(case.volume, given)
    extended = extend(case.volume, refined)
    artery = case.mask("artery")
    for value, part in enumerate(PARTS, start=1):
        true = case.mask(part)
        above = z >= cuts[part]
        before, after = (
            dice(labels == value, true & above),
            dice(refined.mask(NAMES[value]), true & above),
        )
        added = extended.mask(NAMES[value]) & (refined.labels == 0)
        said = [one for one in extended.confidence if one.vessel == NAMES[value]]
        confidence = f"{said[0].confidence:.2f}" if said else ""
        reason = "; ".join(said[0].reasons).replace(",", " ") if said else ""
        cells = ["", "", "", ""]
        if added.any():
            reach = float(np.broadcast_to(z, grid.shape)[added].min())
            own = true & ~above & (z >= reach) & (refined.labels == 0)
            size = int(added.sum())
            inner = artery & ndimage.binary_erosion(artery)
            cells = [
                f"{cuts[part] - reach:.0f}",
                f"{dice(added, own):.3f}",
                f"{100.0 * int((added & inner).sum()) / size:.2f}",
                f"{100.0 * int((added & (case.truth == 0)).sum()) / size:.1f}",
            ]
        first = f"{draw},{voxel_mm},{part},{before:.3f},{after:.3f}"
        yield ",".join([first, *cells, confidence, reason])


def main() -> None:
    """Print a row per draw, size and vein."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, nargs=2, default=(1000, 1008), metavar=("FROM", "TO"))
    arguments = parser.parse_args()
    anatomy = anatomy_in(shared_folder())
    print(HEAD)
    for draw in range(*arguments.draws):
        phase, crop = KINDS[draw % len(KINDS)]
        if crop != "whole" or phase == "arterial":
            continue
        case = painted(anatomy, draw, phase, crop)
        for voxel_mm in (3.0, 1.5):
            for row in rows_of(case, draw, voxel_mm):
                print(row, flush=True)


if __name__ == "__main__":
    main()
