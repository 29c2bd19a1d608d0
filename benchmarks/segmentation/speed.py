"""Time and memory of segmentation on 512 x 512 x 600 voxels, guided and automatic.

    python -m benchmarks.segmentation.speed

The patient of draw 5 of `benchmarks.segmentation.painted`, on finer voxels with noise. Each way
(from two seeds, from three, from none) runs in a process of its own, which has loaded the image and
the libraries: CPU seconds, wall seconds, and by how many MiB the process grew at its peak.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import tempfile
import time
from pathlib import Path

import numpy as np
from benchmarks.segmentation.painted import seeds_for, shared_folder
from benchmarks.segmentation.patient import Painted, anatomy_in, painted

from venoseg.segmentation import Seed, segment
from venoseg.volume import Grid, Volume

SHAPE = (600, 512, 512)
WAYS = ("two", "three", "none")
# The package imports these where it needs them first.
LIBRARIES = ("SimpleITK", "skimage.graph", "skimage.morphology", "skimage.segmentation")


def large() -> Painted:
    """Return the patient on the fine grid."""
    coarse = painted(anatomy_in(shared_folder()), 5, "portal", "whole")
    size = coarse.volume.grid.shape
    near = np.ix_(*[np.arange(new) * old // new for new, old in zip(SHAPE, size, strict=True)])
    noise = np.random.default_rng(0).normal(0.0, 8.0, (60, *SHAPE[1:])).astype(np.int16)
    voxels = coarse.volume.voxels[near]
    for start in range(0, SHAPE[0], len(noise)):
        voxels[start : start + len(noise)] += noise
    affine = coarse.volume.grid.affine.copy()
    affine[:3, :3] *= np.array(size) / np.array(SHAPE)
    return Painted(Volume(voxels, Grid(SHAPE, affine)), coarse.truth[near], "")


def peak_mib() -> int:
    """Return the most memory this process has held since its peak was reset (Linux)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


def run(way: str, seeds: list[Seed], folder: str, affine: np.ndarray) -> None:
    """Segment once and print what it took; a process that has held nothing else yet."""
    volume = Volume(np.load(Path(folder) / "voxels.npy"), Grid(SHAPE, affine))
    for library in LIBRARIES:
        importlib.import_module(library)
    # What a parent held before counts as a child's peak until it is reset.
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = peak_mib()
    cpu, wall = time.process_time(), time.perf_counter()
    segment(volume, seeds or None)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(f"{way},{cpu:.2f},{wall:.2f},{peak_mib() - before}", flush=True)


def main() -> None:
    """Print a row per way and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ways", nargs="+", default=WAYS, choices=WAYS)
    parser.add_argument("--runs", type=int, default=1, help="how often each way is run")
    arguments = parser.parse_args()
    case = large()
    ways = [(way, seeds_for(case, way) or []) for way in arguments.ways]
    print("way,cpu_s,wall_s,peak_growth_mib", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "voxels.npy", case.volume.voxels)
        for way, seeds in ways * arguments.runs:
            arguments = (way, seeds, folder, case.volume.grid.affine)
            process = multiprocessing.get_context("spawn").Process(target=run, args=arguments)
            process.start()
            process.join()


if __name__ == "__main__":
    main()
