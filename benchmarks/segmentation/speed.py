"""Time and memory of segmentation on 512 x 512 x 600 voxels, guided and automatic.

    python -m benchmarks.segmentation.speed

The patient of draw 5 of `benchmarks.segmentation.painted`, on finer voxels with noise. Each way
runs in a process of its own: CPU seconds, wall seconds, and by how many MiB the process grew at its
peak.
"""

from __future__ import annotations

import multiprocessing
import resource
import time

import numpy as np
from benchmarks.segmentation.painted import seeds_for, shared_folder
from benchmarks.segmentation.patient import Painted, anatomy_in, painted

from venoseg.segmentation import segment
from venoseg.volume import Grid, Volume

SHAPE = (600, 512, 512)


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


def run(way: str) -> None:
    """Segment once and print what it took."""
    case = large()
    seeds = seeds_for(case, way)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cpu, wall = time.process_time(), time.perf_counter()
    segment(case.volume, seeds or None)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    print(f"{way},{cpu:.2f},{wall:.2f},{grown}", flush=True)


def main() -> None:
    """Print a row per way."""
    print("way,cpu_s,wall_s,peak_growth_mib", flush=True)
    for way in ("two", "three", "none"):
        process = multiprocessing.get_context("spawn").Process(target=run, args=(way,))
        process.start()
        process.join()


if __name__ == "__main__":
    main()
