"""One peer's way from a mask to a centerline with diameters; run by a Python that has the peers.

    python -m benchmarks.peers NAME FOLDER

FOLDER holds ``mask.npy``, uint8 (slices, rows, columns), and ``job.json``: ``origin`` and
``spacing`` in mm as (x, y, z), ``source`` and ``targets``, LPS mm. Written there: ``found.npz``
with ``points`` (n, 3) and ``diameters`` (n,), NaN where there is none. Printed as JSON on the last
line: the seconds of each step, the processor's of all, and the peak MiB above what was held before.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path

import numpy as np

# Module and function, and which diameter it gives.
PEERS = {
    "VMTK": ("vmtk_peers", "vmtk", "equivalent"),
    "SlicerVMTK recipe": ("vmtk_peers", "slicer", "equivalent"),
    "SciPy EDT, skimage path": ("path_peers", "skimage_path", "inscribed"),
    "SimpleITK EDT, skimage path": ("path_peers", "sitk_path", "inscribed"),
    "SciPy EDT, skan skeleton": ("path_peers", "skan_skeleton", "inscribed"),
}


def main() -> None:
    """Run the peer."""
    module, function, _ = PEERS[sys.argv[1]]
    folder = Path(sys.argv[2])
    work = getattr(importlib.import_module(f"benchmarks.peers.{module}"), function)
    mask = np.load(folder / "mask.npy")
    job = json.loads((folder / "job.json").read_text())
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before, start, worked = _memory_mib("VmRSS"), time.perf_counter(), time.process_time()
    seconds: dict[str, float] = {}

    def done(step: str) -> None:
        seconds[step] = time.perf_counter() - start - sum(seconds.values())

    points, diameters = work(mask, job, done)
    seconds["whole"] = time.perf_counter() - start
    work = time.process_time() - worked
    above = _memory_mib("VmHWM") - before
    np.savez(folder / "found.npz", points=points, diameters=diameters)
    print()
    print(json.dumps({"seconds": seconds, "work_s": work, "above_mib": above}))


def _memory_mib(name: str) -> float:
    """Return a figure of this process's memory as Linux tells it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024.0
    raise KeyError(name)


if __name__ == "__main__":
    main()
