"""Follow-up against the truth of digital twins.

python -m benchmarks.followup demo RESULTS     what `venoseg demo -o RESULTS` found, against truth
python -m benchmarks.followup levels           error of matched levels after known motions
python -m benchmarks.followup breathing        error of levels whose tissue moved, in whole bodies
python -m benchmarks.followup repeat           spread over noise and poses against the intervals
python -m benchmarks.followup stents           the same of a stent and the lumen in it
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from benchmarks.followup.breathing import breathing, level_errors
from benchmarks.followup.demo import demo
from benchmarks.followup.instent import stents
from benchmarks.followup.repeat import repeat
from scipy.spatial.transform import Rotation

from venoseg.followup.levels import match_levels
from venoseg.followup.matching import match_visits
from venoseg.lumen import Measurements, measure
from venoseg.phantom import Scanner, Scene, iliocaval_y, render
from venoseg.phantom.skeleton import skeleton
from venoseg.volume import FloatArray, Grid


def main() -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=("demo", "levels", "breathing", "repeat", "stents"))
    parser.add_argument("results", type=Path, nargs="?")
    parser.add_argument("--first-seed", type=int, default=20)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--patients", type=int, default=2)
    arguments = parser.parse_args()
    if arguments.part == "demo":
        demo(arguments.results)
    elif arguments.part == "levels":
        levels(arguments.first_seed)
    elif arguments.part == "breathing":
        breathing(arguments.first_seed, arguments.count)
    elif arguments.part == "stents":
        stents(arguments.first_seed, arguments.count)
    else:
        repeat(arguments.first_seed, arguments.count, arguments.patients)


def levels(first_seed: int) -> None:
    """Print the error of matched levels for displacement, rotation, slices and breathing."""
    print(f"{'motion':<44}{'method':>12}{'residual':>10}{'median':>8}{'95 %':>8}{'largest':>9}")
    cases = {
        "displaced 40 mm": ((0, 0, 0), (12, -20, 40), (3.0, 2.5, 2.5), 0.0),
        "displaced 60 mm, turned 10 degrees": ((4, -6, 10), (-25, 18, -60), (3.0, 2.5, 2.5), 0.0),
        "turned, slices of 5 mm after 2 mm": ((-5, 3, -8), (10, 5, 20), (5.0, 2.5, 2.5), 0.0),
        "turned, 2 mm pixels of 1.5": ((3, 3, 3), (-10, 5, 30), (2.0, 1.5, 1.5), 0.0),
        "veins 4 mm lower, as breathing in": ((2, -2, 4), (5, 5, 15), (3.0, 2.5, 2.5), 4.0),
        "veins 10 mm lower, as breathing in": ((2, -2, 4), (5, 5, 15), (3.0, 2.5, 2.5), 10.0),
    }
    for number, (name, (degrees, mm, spacing, lower)) in enumerate(cases.items()):
        scene = _patient(first_seed + number)
        motion = np.eye(4)
        motion[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
        motion[:3, 3] = mm
        first = _scan(scene, np.eye(4), (2.0, 2.5, 2.5), 0.0)
        second = _scan(scene, motion, spacing, lower)
        for method in ("bones", "length"):
            match = (
                match_visits(first, second, 6.0)
                if method == "bones"
                else match_levels(first.tree, second.tree, None, 6.0)
            )
            errors, _ = level_errors(
                match, first, second, motion, lambda z, mm=lower: np.full(z.shape, mm)
            )
            print(
                f"{name:<44}{match.method:>12}{match.residual_mm or 0:10.2f}"
                f"{np.median(errors):8.2f}{np.quantile(errors, 0.95):8.2f}{errors.max():9.2f}"
            )


def _patient(seed: int) -> Scene:
    scene = iliocaval_y(seed, stenosis_percent=40)
    return replace(scene, before=skeleton(np.random.default_rng(seed)), background_hu=20.0)


def _scan(
    scene: Scene, motion: FloatArray, spacing: tuple[float, float, float], lower_mm: float
) -> Measurements:
    """Scan a patient who was moved; ``lower_mm``: the veins slid down against the bones."""
    extent = (330.0, 240.0, 320.0)
    middle = motion[:3, :3] @ np.array([0.0, 15.0, -10.0]) + motion[:3, 3]
    origin = middle - np.array(extent)[::-1] / 2.0
    shape = [round(e / s) for e, s in zip(extent, spacing, strict=True)]
    grid = Grid.from_axes(shape, spacing_mm=spacing, origin_lps_mm=tuple(origin))
    back = np.linalg.inv(motion)
    made = render(scene, Grid(grid.shape, back @ grid.affine), Scanner(noise_hu=15))
    image, labels = made.image, made.segmentation
    if lower_mm:
        slide = np.eye(4)
        slide[2, 3] = lower_mm
        veins = replace(scene, before=())
        moved = render(veins, Grid(grid.shape, slide @ back @ grid.affine), Scanner(noise_hu=15))
        bones = render(
            replace(scene, tubes=scene.tubes[:1]),
            Grid(grid.shape, back @ grid.affine),
            Scanner(noise_hu=15),
        ).image.voxels
        lumen = moved.segmentation.labels > 0
        voxels = np.where(lumen, moved.image.voxels, np.where(bones > 180, bones, 20))
        image = replace(image, voxels=voxels.astype(np.int16))
        labels = moved.segmentation
    return measure(replace(image, grid=grid), replace(labels, grid=grid), step_mm=2.0)


if __name__ == "__main__":
    main()
