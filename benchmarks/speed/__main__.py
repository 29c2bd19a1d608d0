"""Speed and memory of measuring a Y in 512 x 512 x 600 voxels, from DICOM files to all results.

    python -m benchmarks.speed [--runs 3] [--peer-python PYTHON_WITH_PEERS]

The steps run in a process of their own; "above" is its peak memory during the step above what it
held before. The peers are run on the same mask in the same call, by an interpreter that has them
(benchmarks/README.md). Ratios hold on a noisy machine, seconds do not.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from benchmarks.peers.calling import PEERS, PeerRun, run_peer

from venoseg.centerline import trace
from venoseg.interchange import write_seg_nrrd
from venoseg.phantom import Rendering, Scanner, fit_grid, iliocaval_y, render
from venoseg.phantom.ct_dicom import CtSeries, ct_datasets
from venoseg.phantom.encode import write_dicom
from venoseg.phantom.identity import Visit
from venoseg.volume import Grid

SHAPE = (600, 512, 512)
SPACING_MM = (1.0, 0.78, 0.78)
STEPS = Path(__file__).with_name("steps.py")


def main() -> None:
    """Time every step, then the peer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peer-python", type=Path, help="a Python that has the peers")
    arguments = parser.parse_args()
    twin = big_twin()
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder)
        write_study(twin, study)
        runs = [_output_of([sys.executable, STEPS, study]) for _ in range(arguments.runs)]
        print(f"{'step':<42}{'median s':>10}{'processor s':>13}{'peak MiB above':>16}")
        for name in runs[0]:
            seconds, work, above = (
                statistics.median(run[name][n] for run in runs) for n in range(3)
            )
            print(f"{name:<42}{seconds:>10.3f}{work:>13.3f}{above:>16.0f}")
        if arguments.peer_python:
            own, work = (
                statistics.median(run["arrays to tables"][n] for run in runs) for n in range(2)
            )
            _print_peers(twin, arguments.peer_python, arguments.runs, own, work)


def big_twin() -> Rendering:
    """Render the twin in the middle of a large volume."""
    scene = iliocaval_y(seed=305, stenosis_percent=50.0)
    tight = fit_grid(scene, SPACING_MM)
    middle = tight.to_lps(np.array(tight.shape) / 2.0)
    corner = middle - np.array(SHAPE)[::-1] * SPACING_MM[::-1] / 2.0
    grid = Grid.from_axes(SHAPE, spacing_mm=SPACING_MM, origin_lps_mm=corner)
    return render(scene, grid, Scanner(noise_hu=20.0, seed=305))


def write_study(twin: Rendering, folder: Path) -> None:
    """Write the twin as uncompressed DICOM and its labels as ``.seg.nrrd``."""
    (folder / "ct").mkdir()
    visit = Visit("speed", 305)
    for number, dataset in enumerate(ct_datasets(twin.image, visit, CtSeries()), start=1):
        write_dicom(dataset, folder / "ct" / f"{number:04d}.dcm", "explicit")
    write_seg_nrrd(twin.segmentation, folder / "labels.seg.nrrd")


def _print_peers(twin: Rendering, python: Path, runs: int, own_s: float, own_work_s: float) -> None:
    """Let the peers make centerlines, and sections if they can, from the same mask.

    Both ratios are to "arrays to tables": of seconds, and of seconds of the processor, which other
    work on the machine disturbs least.
    """
    tree = trace(twin.segmentation)
    head = (
        "median s",
        "processor s",
        "MiB above",
        "times ours",
        "processor",
        "points",
        "median mm",
    )
    print(f"\n{'peer, mask to diameters':<30}" + "".join(f"{h:>13}" for h in head) + "  steps, s")
    for name in PEERS:
        done = [run_peer(name, python, twin.segmentation, tree) for _ in range(runs)]
        good = [run for run in done if isinstance(run, PeerRun)]
        if not good:
            print(f"{name:<30}  failed: {done[0]}")
            continue
        seconds, work, above = (
            statistics.median(figures)
            for figures in zip(
                *((run.seconds["whole"], run.work_s, run.above_mib) for run in good), strict=True
            )
        )
        diameters = good[0].diameters_mm[np.isfinite(good[0].diameters_mm)]
        steps = (f"{step} {s:.2f}" for step, s in good[0].seconds.items() if step != "whole")
        print(f"{name:<30}{seconds:>13.2f}{work:>13.2f}{above:>13.0f}", end="")
        print(f"{seconds / own_s:>13.1f}{work / own_work_s:>13.1f}{len(diameters):>13}", end="")
        print(f"{np.median(diameters):>13.2f}  {', '.join(steps)}", flush=True)


def _output_of(command: list[object]) -> dict[str, object]:
    """Run a command and return the JSON on its last line."""
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=True
    )
    result: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


if __name__ == "__main__":
    main()
