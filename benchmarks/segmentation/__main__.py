"""How well veins are segmented, from seeds and automatically: one row per vein, twin and way.

    python -m benchmarks.segmentation --seeds 700 720 --out segmentation.csv

draws 20 twins of each kind of `benchmarks.segmentation.twins`. Rows are written as they come;
started again with the same file, it goes on where it stopped. At the end stand means by kind of
twin, way and vein. ``artery_percent`` counts all that is artery, ``deep_percent`` what lies deeper
in one than its outermost voxels, which it shares with its wall.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from benchmarks.segmentation.twins import KINDS, Patient, levels_of, seeds_of
from scipy import ndimage

from venoseg.anatomy import NAMES
from venoseg.errors import VenosegError
from venoseg.phantom.ct import Rendering
from venoseg.segmentation import Segmentation, segment
from venoseg.volume import BoolArray

PARTS = ("ivc", "left", "right")
LEVELS = ("renal_veins", "internal_iliac_junction", "inguinal_ligament")
WAYS = ("guided", "automatic")
HEAD = (
    "twin,seed,way,part,dice,surface_mm,outside_percent,other_vein_percent,seconds,refused,level_mm,"
    "artery_percent,deep_percent"
)
NAMED = tuple(name for name in NAMES if "common" in name or "external" in name)


def part_of(segmentation: Segmentation, part: str) -> BoolArray:
    """Return the cava, or all veins of a side but the internal iliac one."""
    names = [n for n in segmentation.names.values() if n.startswith(part) and "internal" not in n]
    return np.any([segmentation.mask(name) for name in dict.fromkeys(names)] or [False], axis=0) & (
        segmentation.labels >= 0
    )


def held_in(mask: BoolArray, spacing: np.ndarray) -> tuple[slice, ...]:
    """Return the box of a mask with 3 mm and a voxel around it."""
    (box,) = ndimage.find_objects(mask.astype(np.uint8))
    reach = [int(3.0 / size) + 1 for size in spacing]
    return tuple(slice(max(s.start - r, 0), s.stop + r) for s, r in zip(box, reach, strict=True))


def surface_mm(first: BoolArray, second: BoolArray, spacing: np.ndarray) -> float:
    """Return the mean distance of two surfaces, both ways."""
    box = held_in(first | second, spacing)
    first, second = first[box], second[box]
    edges = [mask & ~ndimage.binary_erosion(mask) for mask in (first, second)]
    away = [ndimage.distance_transform_edt(~edge, sampling=spacing) for edge in edges]
    return float(np.mean(np.concatenate([away[1][edges[0]], away[0][edges[1]]])))


def rows_of(kind: str, patient: Patient, twin: Rendering, way: str) -> Iterator[str]:
    """Segment one twin one way and compare part by part."""
    seed = patient.seed
    began = time.process_time()
    try:
        found = segment(twin.image, seeds_of(twin) if way == "guided" else None)
    except VenosegError as error:
        seconds = time.process_time() - began
        yield f"{kind},{seed},{way},all,,,,,{seconds:.1f},{type(error).__name__},,,"
        return
    seconds = time.process_time() - began
    truth = twin.segmentation
    anything = truth.labels > 0
    inner = ndimage.binary_erosion(patient.arteries)
    for part in (*PARTS, *NAMED):
        own, drawn = part_of(truth, part), part_of(found, part)
        if not own.any():
            continue
        dice = 2.0 * int((own & drawn).sum()) / int(own.sum() + drawn.sum())
        distance = surface_mm(own, drawn, truth.grid.spacing_mm) if drawn.any() else float("nan")
        size = max(int(drawn.sum()), 1)
        outside = 100.0 * int((drawn & ~anything).sum()) / size
        other = 100.0 * int((drawn & anything & ~own).sum()) / size
        artery = 100.0 * int((drawn & ~anything & patient.arteries).sum()) / size
        deep = 100.0 * int((drawn & ~anything & inner).sum()) / size
        yield (
            f"{kind},{seed},{way},{part},{dice:.3f},{distance:.2f},{outside:.1f},{other:.1f},"
            f"{seconds:.1f},,,{artery:.2f},{deep:.2f}"
        )
    true = levels_of(twin)
    for level in found.levels:
        off = "nan" if level.lps_mm is None else f"{level.lps_mm[2] - true[level.name]:.1f}"
        yield f"{kind},{seed},{way},{level.name},,,,,{seconds:.1f},,{off},,"


def main() -> None:
    """Print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs=2, default=(700, 720), metavar=("FROM", "TO"))
    parser.add_argument("--spacing", type=float, nargs=3, default=(2.5, 2.5, 2.5))
    parser.add_argument("--kinds", nargs="+", default=tuple(KINDS), choices=tuple(KINDS))
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    lines = written(arguments.out)
    print("\n".join([HEAD, *lines]), flush=True)
    done = {(cells[0], cells[1]) for cells in (line.split(",") for line in lines)}
    for seed in range(*arguments.seeds):
        wanted = [kind for kind in arguments.kinds if (kind, str(seed)) not in done]
        patient = Patient.of(seed, tuple(arguments.spacing)) if wanted else None
        for kind in wanted if patient else ():
            twin = patient.twin(kind)
            own = [line for way in WAYS for line in rows_of(kind, patient, twin, way)]
            print("\n".join(own), flush=True)
            lines += own
            if arguments.out:
                arguments.out.write_text("\n".join([HEAD, *lines]) + "\n", encoding="utf-8")
    print("\n".join(summary(lines)))


def written(path: Path | None) -> list[str]:
    """Return the rows that a run before has written."""
    if path is None or not path.is_file():
        return []
    return path.read_text(encoding="utf-8").splitlines()[1:]


def summary(lines: list[str]) -> Iterator[str]:
    """Give means by kind of twin, way and vein over what was drawn, and how often nothing was.

    Then, of each level, how often it was found, its mean error in height, and the largest.
    """
    yield (
        "twin,way,part,twins,refused,not_drawn,dice_mean,surface_mm,outside_percent,other_percent,"
        "artery_percent,deep_percent,artery_largest_percent,deep_largest_percent"
    )
    rows = [line.split(",") for line in lines]
    for name in KINDS:
        for way in WAYS:
            own = [row for row in rows if (row[0], row[2]) == (name, way)]
            refused = sum(row[3] == "all" for row in own)
            for part in (*PARTS, *NAMED):
                one = [row for row in own if row[3] == part]
                drawn = [row for row in one if row[5] not in ("", "nan")]
                if not one and not (refused and part == "ivc"):
                    continue
                values = [[float(v) for v in (*row[4:8], *row[11:13])] for row in drawn]
                values = values or [[float("nan")] * 6]
                means = ",".join(f"{value:.2f}" for value in np.mean(values, axis=0))
                means += "".join(f",{value:.2f}" for value in np.max(values, axis=0)[-2:])
                total = len(one) + refused
                yield f"{name},{way},{part},{total},{refused},{len(one) - len(drawn)},{means}"
    yield "level,way,looked_for,found,mean_mm,largest_mm"
    for way in WAYS:
        for level in LEVELS:
            own = [row[10] for row in rows if row[2] == way and row[3].endswith(level)]
            off = np.array([float(value) for value in own if value != "nan"] or [np.nan])
            count = sum(value != "nan" for value in own)
            worst = np.abs(off).max()
            yield f"{level},{way},{len(own)},{count},{off.mean():.1f},{worst:.1f}"


if __name__ == "__main__":
    main()
