"""Speed and memory of measuring a Y in 512 x 512 x 600 voxels, from DICOM files to all results.

    python -m benchmarks.speed [--runs 3] [--peer-python PYTHON_WITH_VMTK]

The steps run in a process of their own; "above" is its peak memory during the step above what it
held before. The peer is run on the same mask in the same call, by an interpreter that has VMTK (its
wheels need Python 3.12 or later). Ratios hold on a noisy machine, seconds do not.
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
PEER = Path(__file__).with_name("vmtk_peer.py")


def main() -> None:
    """Time every step, then the peer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peer-python", type=Path, help="a Python that has vmtk")
    arguments = parser.parse_args()
    twin = big_twin()
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder)
        write_study(twin, study)
        runs = [_output_of([sys.executable, STEPS, study]) for _ in range(arguments.runs)]
        print(f"{'step':<42}{'median s':>10}{'peak MiB above':>16}")
        for name in runs[0]:
            seconds = statistics.median(run[name][0] for run in runs)
            above = statistics.median(run[name][1] for run in runs)
            print(f"{name:<42}{seconds:>10.2f}{above:>16.0f}")
        if arguments.peer_python:
            own = statistics.median(run["arrays to tables"][0] for run in runs)
            _print_peer(twin, arguments.peer_python, study, own)


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


def _print_peer(twin: Rendering, python: Path, folder: Path, own_s: float) -> None:
    """Let VMTK make centerlines and sections from the same mask."""
    ends = {b.vessel: b.curve.points_lps_mm for b in trace(twin.segmentation).branches}
    points = {
        "source": ends["ivc"][3].tolist(),
        "targets": [ends[f"{side}_external_iliac_vein"][-4].tolist() for side in ("left", "right")],
        "origin": twin.segmentation.grid.affine[:3, 3].tolist(),
        "spacing": SPACING_MM[::-1],
    }
    mask = folder / "mask.npy"
    np.save(mask, (twin.segmentation.labels > 0).astype(np.uint8))
    seconds = _output_of([python, PEER, mask, json.dumps(points)])
    for name, value in seconds.items():
        print(f"{'VMTK ' + name:<42}{value:>10.2f}")
    print(f"VMTK takes {seconds['whole'] / own_s:.1f} times as long from mask to sections")


def _output_of(command: list[object]) -> dict[str, object]:
    """Run a command and return the JSON on its last line."""
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=True
    )
    result: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


if __name__ == "__main__":
    main()
