"""The steps of measuring one study, timed; prints JSON.

Every step has its seconds, seconds of the processor, and peak MiB above what was held before.

python steps.py FOLDER      with FOLDER/ct and FOLDER/labels.seg.nrrd
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from scipy import ndimage

from venoseg.centerline import VesselTree, trace
from venoseg.centerline.regions import Box
from venoseg.dicom import read_study
from venoseg.interchange import read_labels
from venoseg.lumen import Measurements, measure, remeasure
from venoseg.lumen.concluding import profile_of
from venoseg.lumen.measure import grain_beside
from venoseg.lumen.profile import VesselProfile
from venoseg.lumen.tables.records import cross_section_table, segment_table
from venoseg.pipeline import write_dicom_results, write_results
from venoseg.segmentation import Segmentation
from venoseg.volume import Volume

T = TypeVar("T")

# Where along the cava further slices are edited, as a reviewer does after the first.
LATER_EDITS = (0.3, 0.4, 0.6, 0.7)


def main() -> None:
    """Run the steps and print their figures."""
    folder = Path(sys.argv[1])
    figures: dict[str, tuple[float, float, float]] = {}

    def timed(name: str, work: Callable[[], T]) -> T:
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        before, start, worked = _memory_mib("VmRSS"), time.perf_counter(), time.process_time()
        result = work()
        seconds, work_s = time.perf_counter() - start, time.process_time() - worked
        figures[name] = (seconds, work_s, _memory_mib("VmHWM") - before)
        return result

    series = timed("scan the folder", lambda: read_study(folder / "ct").ct_series())
    volume = timed("read the image", series.read)
    labels = timed("read the labels", lambda: read_labels(folder / "labels.seg.nrrd", volume))
    tree = timed("centerlines", lambda: trace(labels))
    profiles = timed(
        "sections, one vein after another",
        lambda: _profiles(volume, tree),
    )
    timed("tables", lambda: (cross_section_table(profiles), segment_table(profiles)))
    found = timed("arrays to tables", lambda: measure(volume, labels))
    edited, box = _one_slice_thinner(found, 0.5)
    timed("one slice edited, measured again", partial(remeasure, found, edited, box))
    for share in LATER_EDITS:
        edited, box = _one_slice_thinner(found, share)
        timed(f"another at {share:.0%} of the cava", partial(remeasure, found, edited, box))
    with tempfile.TemporaryDirectory() as out:
        timed("tables, documents, report written", lambda: write_results(found, Path(out)))
        headers = series.headers()
        timed("SEG and SR written", lambda: write_dicom_results(found, headers, Path(out)))
    print(json.dumps(figures))


def _profiles(volume: Volume, tree: VesselTree) -> list[VesselProfile]:
    grain = grain_beside(tree, volume)
    return [profile_of(volume, branch, "gray", grain) for branch in tree.branches]


def _one_slice_thinner(found: Measurements, share: float) -> tuple[Segmentation, Box]:
    """Return the labels with the outermost voxels of the cava gone in one slice, so far up it."""
    labels = found.segmentation.labels.copy()
    value = next(v for v, name in found.segmentation.names.items() if name == "ivc")
    slices = np.flatnonzero((labels == value).any(axis=(1, 2)))
    k = int(slices[int(share * len(slices))])
    labels[k] = np.where(ndimage.binary_erosion(labels[k] > 0), labels[k], 0)
    box = (slice(k, k + 1), slice(0, labels.shape[1]), slice(0, labels.shape[2]))
    return replace(found.segmentation, labels=labels), box


def _memory_mib(name: str) -> float:
    """Return a figure of this process's memory as Linux tells it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024.0
    raise KeyError(name)


if __name__ == "__main__":
    main()
