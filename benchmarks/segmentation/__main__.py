"""How well veins are segmented, from seeds and automatically: one row per vein, twin and way.

    python -m benchmarks.segmentation --seeds 700 720 --out segmentation.csv

renders 20 twins of each kind, which takes hours; ``--folder`` takes twins that ``venoseg phantom``
wrote before (folders NAME-SEED-SPACING), ``--spacing`` makes the rendered ones coarser. Rows are
written as they come; started again with the same file, it goes on where it stopped. At the end
stand means by kind of twin, way and vein.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy import ndimage

from venoseg.dicom import read_study
from venoseg.errors import VenosegError
from venoseg.interchange import read_labels, read_seeds
from venoseg.phantom import Scanner, fit_grid, render
from venoseg.phantom.catalogue import TWINS
from venoseg.segmentation import Seed, Segmentation, segment
from venoseg.volume import BoolArray, Volume

NAMES = (
    "abdomen",
    "may-thurner",
    "chronic-occlusion",
    "reconstructed",
    "duplicated-ivc",
    "left-ivc",
)
CAVA_AND_SIDES = ("ivc", "left", "right")
WAYS = ("guided", "automatic")
HEAD = "twin,seed,way,part,dice,surface_mm,outside_percent,other_vein_percent,seconds,refused"

Case = tuple[str, int, Volume, Segmentation, tuple[Seed, ...]]


def ready(folder: Path, seeds: range) -> Iterator[Case]:
    """Read twins that were written before."""
    for name in NAMES:
        for path in sorted(folder.glob(f"{name}-[0-9]*-*")):
            seed = int(path.name.removeprefix(f"{name}-").split("-")[0])
            if seed not in seeds or path.suffix == ".part":
                continue
            volume = read_study(path / "ct").ct()
            truth = read_labels(path / "truth" / "labels.seg.nrrd", volume)
            yield name, seed, volume, truth, read_seeds(path / "truth" / "seeds.json")


def rendered(
    seeds: range, spacing: tuple[float, float, float], done: set[tuple[str, str]]
) -> Iterator[Case]:
    """Render the twins that are not done yet, one seed of every kind after the other."""
    for seed in seeds:
        for name in NAMES:
            if (name, str(seed)) in done:
                continue
            scene = TWINS[name].build(seed)
            twin = render(scene, fit_grid(scene, spacing), Scanner(seed=seed))
            points = [
                Seed(
                    str(rows[n]["vessel"]),
                    role,
                    (rows[n]["x_mm"], rows[n]["y_mm"], rows[n]["z_mm"]),
                )
                for vessel in dict.fromkeys(twin.truth.cross_sections.column("vessel"))
                for rows in [[r for r in twin.truth.cross_sections.rows if r["vessel"] == vessel]]
                for n, role in ((0, "central_end"), (-1, "peripheral_end"))
            ]
            yield name, seed, twin.image, twin.segmentation, tuple(points)


def ends(seeds: tuple[Seed, ...]) -> list[Seed]:
    """Keep the cava's central end and the farthest peripheral end of each side."""
    kept = [s for s in seeds if (s.vessel, s.role) == ("ivc", "central_end")][:1]
    for side in ("left", "right"):
        own = [s for s in seeds if s.vessel.startswith(side) and s.role == "peripheral_end"]
        own = [s for s in own if "internal" not in s.vessel]
        kept += [min(own, key=lambda s: s.lps_mm[2])] if own else []
    return kept


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


def rows_of(case: Case, way: str) -> Iterator[str]:
    """Segment one twin one way and compare part by part."""
    name, seed, volume, truth, seeds = case
    began = time.process_time()
    try:
        found = segment(volume, ends(seeds) if way == "guided" else None)
    except VenosegError as error:
        seconds = time.process_time() - began
        yield f"{name},{seed},{way},all,,,,,{seconds:.1f},{type(error).__name__}"
        return
    seconds = time.process_time() - began
    anything = truth.labels > 0
    for part in CAVA_AND_SIDES:
        own, drawn = part_of(truth, part), part_of(found, part)
        both = int(own.sum() + drawn.sum())
        dice = 2.0 * int((own & drawn).sum()) / both if both else float("nan")
        distance = (
            surface_mm(own, drawn, volume.grid.spacing_mm)
            if own.any() and drawn.any()
            else float("nan")
        )
        size = max(int(drawn.sum()), 1)
        outside = 100.0 * int((drawn & ~anything).sum()) / size
        other = 100.0 * int((drawn & anything & ~own).sum()) / size
        yield (
            f"{name},{seed},{way},{part},{dice:.3f},{distance:.2f},{outside:.1f},{other:.1f},"
            f"{seconds:.1f},"
        )


def main() -> None:
    """Print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs=2, default=(700, 720), metavar=("FROM", "TO"))
    parser.add_argument("--spacing", type=float, nargs=3, default=(1.5, 0.8, 0.8))
    parser.add_argument("--folder", type=Path, help="twins that were written before")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    seeds = range(*arguments.seeds)
    lines = written(arguments.out)
    done = {(cells[0], cells[1]) for cells in (line.split(",") for line in lines)}
    print("\n".join([HEAD, *lines]), flush=True)
    cases = (
        ready(arguments.folder, seeds)
        if arguments.folder
        else rendered(seeds, tuple(arguments.spacing), done)
    )
    for case in cases:
        if (case[0], str(case[1])) in done:
            continue
        own = [line for way in WAYS for line in rows_of(case, way)]
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
    """Give means by kind of twin, way and vein over what was drawn, and how often nothing was."""
    yield "twin,way,part,twins,refused,not_drawn,dice_mean,surface_mm,outside_percent,other_percent"
    rows = [line.split(",") for line in lines]
    for name in NAMES:
        for way in WAYS:
            own = [row for row in rows if (row[0], row[2]) == (name, way)]
            refused = sum(row[3] == "all" for row in own)
            for part in CAVA_AND_SIDES:
                one = [row for row in own if row[3] == part]
                drawn = [row for row in one if row[5] not in ("", "nan")]
                if not one and not (refused and part == "ivc"):
                    continue
                values = [[float(v) for v in row[4:8]] for row in drawn] or [[float("nan")] * 4]
                means = ",".join(f"{value:.2f}" for value in np.mean(values, axis=0))
                total = len(one) + refused
                yield f"{name},{way},{part},{total},{refused},{len(one) - len(drawn)},{means}"


if __name__ == "__main__":
    main()
