"""Calls the peers, each in a process of its own, on the masks of digital twins."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.peers.__main__ import PEERS

from venoseg.centerline import VesselTree
from venoseg.segmentation import Segmentation
from venoseg.volume import FloatArray

__all__ = ["PEERS", "PeerRun", "run_peer"]

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, eq=False)
class PeerRun:
    """What a peer found, and what it took.

    Attributes
    ----------
    points_lps_mm, diameters_mm
        (n, 3) points of its centerlines and (n,) diameters; NaN where it gives none.
    seconds
        Of each step, and the ``whole``.
    work_s
        Seconds of the processor of the whole.
    above_mib
        Peak of memory above the mask in memory.
    """

    points_lps_mm: FloatArray
    diameters_mm: FloatArray
    seconds: Mapping[str, float]
    work_s: float
    above_mib: float


def run_peer(
    name: str, python: Path, segmentation: Segmentation, tree: VesselTree
) -> PeerRun | str:
    """Let a peer find centerlines and diameters in a mask; return what it says when it fails.

    It is told where the veins end: a few points inwards of the ends of the centerlines.
    """
    grid = segmentation.grid
    parents = {branch.parent for branch in tree.branches}
    root = tree.branches[0].curve.points_lps_mm
    leaves = [b.curve.points_lps_mm for b in tree.branches if b.vessel not in parents]
    job = {
        "origin": grid.affine[:3, 3].tolist(),
        "spacing": grid.spacing_mm[::-1].tolist(),
        "source": root[3].tolist(),
        "targets": [points[-4].tolist() for points in leaves],
    }
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "mask.npy", (segmentation.labels > 0).astype(np.uint8))
        (Path(folder) / "job.json").write_text(json.dumps(job))
        command = [str(python), "-m", "benchmarks.peers", name, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=_ROOT)
        if done.returncode:
            return (done.stderr.strip().splitlines() or ["crashed"])[-1]
        with np.load(Path(folder) / "found.npz") as found:
            points, diameters = found["points"], found["diameters"]
        figures = json.loads(done.stdout.strip().splitlines()[-1])
    return PeerRun(points, diameters, figures["seconds"], figures["work_s"], figures["above_mib"])
