"""Speed and memory of measuring a Y in 512 x 512 x 600 voxels, from arrays in memory to all tables.

    python -m benchmarks.speed [--runs 3] [--peer-python PYTHON_WITH_VMTK]

The peer is run on the same mask in the same call, by an interpreter that has VMTK (its wheels need
Python 3.12 or later). Ratios hold on a noisy machine, seconds do not.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from venoseg.centerline import trace
from venoseg.lumen import measure
from venoseg.lumen.profile import profile_of
from venoseg.lumen.records import cross_section_table, segment_table
from venoseg.phantom import Rendering, Scanner, fit_grid, iliocaval_y, render
from venoseg.volume import Grid

T = TypeVar("T")

SHAPE = (600, 512, 512)
SPACING_MM = (1.0, 0.78, 0.78)


def main() -> None:
    """Time every step, then the whole, then the peer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peer-python", type=Path, help="a Python that has vmtk")
    arguments = parser.parse_args()
    twin = big_twin()
    before_mib = _peak_mib()
    steps: dict[str, list[float]] = {}
    for _ in range(arguments.runs):
        _run_steps(twin, steps)
    print(f"{'step':<34}{'median s':>10}")
    for name, seconds in steps.items():
        print(f"{name:<34}{statistics.median(seconds):>10.2f}")
    print(f"peak memory above the image and labels: {_peak_mib() - before_mib:.0f} MiB")
    if arguments.peer_python:
        peer = _peer(twin, arguments.peer_python)
        for name, seconds in peer.items():
            print(f"{'VMTK ' + name:<34}{seconds:>10.2f}")
        ratio = peer["whole"] / statistics.median(steps["whole"])
        print(f"VMTK takes {ratio:.1f} times as long")


def big_twin() -> Rendering:
    """Render the twin in the middle of a large volume."""
    scene = iliocaval_y(seed=305, stenosis_percent=50.0)
    tight = fit_grid(scene, SPACING_MM)
    middle = tight.to_lps(np.array(tight.shape) / 2.0)
    corner = middle - np.array(SHAPE)[::-1] * SPACING_MM[::-1] / 2.0
    grid = Grid.from_axes(SHAPE, spacing_mm=SPACING_MM, origin_lps_mm=corner)
    return render(scene, grid, Scanner(noise_hu=20.0, seed=305))


def _run_steps(twin: Rendering, steps: dict[str, list[float]]) -> None:
    def timed(name: str, work: Callable[[], T]) -> T:
        start = time.perf_counter()
        result = work()
        steps.setdefault(name, []).append(time.perf_counter() - start)
        return result

    timed("whole", lambda: measure(twin.image, twin.segmentation))
    tree = timed("centerlines", lambda: trace(twin.segmentation))
    profiles = timed(
        "sections, one after another",
        lambda: [profile_of(twin.image, branch, "gray") for branch in tree.branches],
    )
    timed("tables", lambda: (cross_section_table(profiles), segment_table(profiles)))


def _peer(twin: Rendering, python: Path) -> dict[str, float]:
    """Let VMTK do the same from the same mask."""
    tree = trace(twin.segmentation)
    ends = {b.vessel: b.curve.points_lps_mm for b in tree.branches}
    points = {
        "source": ends["ivc"][3].tolist(),
        "targets": [ends[f"{side}_external_iliac_vein"][-4].tolist() for side in ("left", "right")],
        "origin": twin.segmentation.grid.affine[:3, 3].tolist(),
        "spacing": SPACING_MM[::-1],
    }
    with tempfile.TemporaryDirectory() as folder:
        mask = Path(folder) / "mask.npy"
        np.save(mask, (twin.segmentation.labels > 0).astype(np.uint8))
        script = Path(__file__).with_name("vmtk_peer.py")
        command = [str(python), str(script), str(mask), json.dumps(points)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return seconds


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


if __name__ == "__main__":
    main()
