"""Seconds and memory of measuring a venogram of 1024 x 1024 pixels, from its DICOM file on.

    python -m benchmarks.angiography.speed [--frames 100] [--runs 3] [--keep FOLDER]

The run shows a pressed left common iliac vein in a body; the patient lies 1.3 and 0.8 pixels off
in the mask. The twin is made at half that size, enlarged and given noise, which takes half the
time. Both limbs and the cava are measured. Every repetition is a process of its own; `peak` is the
memory it came to hold above what the loaded libraries take. CPU seconds hold on a busy machine,
wall seconds only on a quiet one.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from scipy import ndimage

from venoseg.phantom.catalogue import twin_named
from venoseg.phantom.identity import Visit
from venoseg.phantom.xa import XaRun, XaSettings, run_xa
from venoseg.phantom.xa_devices import marker_catheter
from venoseg.phantom.xa_dicom import XaSeries, xa_dataset
from venoseg.phantom.xa_geometry import Carm
from venoseg.phantom.xa_seeds import run_seeds
from venoseg.phantom.xa_truth import xa_truth_of

SIDE = 1024
SEED = 931
# Longer runs repeat these many frames, back and forth, so that the twin need not be made anew.
MADE = 32
ENLARGED = 2
PHOTONS = 2000.0


def main() -> None:
    """Make the run, measure it, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="folder for the run, used again when it exists")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measured(arguments.measure)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        if not (folder / f"{arguments.frames}.dcm").exists():
            write_run(folder, arguments.frames)
        run = folder / f"{arguments.frames}.dcm"
        command = [sys.executable, "-m", "benchmarks.angiography.speed", "--measure", str(run)]
        found = []
        for _ in range(arguments.runs):
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found.append(json.loads(done.stdout.strip().splitlines()[-1]))
    print(f"{SIDE} x {SIDE} x {arguments.frames}, medians of {arguments.runs}")
    print(f"{'step':<24}{'wall s':>8}{'CPU s':>8}{'peak MiB':>10}")
    for step in found[0]:
        wall, cpu, peak = (statistics.median(one[step][n] for one in found) for n in range(3))
        print(f"{step:<24}{wall:>8.2f}{cpu:>8.2f}{peak:>10.0f}")


def write_run(folder: Path, frames: int) -> None:
    """Write the twin as one uncompressed file, and its seeds beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    scene = twin_named("venogram-may-thurner").build(SEED)
    small = SIDE // ENLARGED
    settings = XaSettings(
        carm=Carm(rows=small, columns=small, pixel_mm=0.4 * ENLARGED),
        frames=min(frames, MADE),
        frames_per_s=6.0,
        mask_frames=4,
        motion_px=(1.3 / ENLARGED, -0.8 / ENLARGED),
        photons=0.0,
        seed=SEED,
    )
    tube = scene.tubes[2]
    catheter = marker_catheter(tube.curve, 4.0, tube.curve.length_mm, aside_mm=0.0)
    twin = enlarged(run_xa(scene, settings, catheter=catheter))
    dataset = xa_dataset(twin, Visit("speed", SEED), XaSeries(calibrated_mm=0.27))
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.NumberOfFrames = frames
    dataset.MaskSubtractionSequence[0].ApplicableFrameRange = [5, frames]
    there_and_back = [*range(len(twin.pixels)), *range(len(twin.pixels) - 2, 19, -1)]
    later = there_and_back[20:]
    order = [n if n < 20 else later[(n - 20) % len(later)] for n in range(frames)]
    with (folder / f"{frames}.raw").open("w+b") as pixels:
        for number in order:
            pixels.write(twin.pixels[number].astype("<u2").tobytes())
        pixels.seek(0)
        dataset.PixelData = pixels
        dataset["PixelData"].VR = "OW"
        dataset.save_as(folder / f"{frames}.dcm", enforce_file_format=True)
    (folder / f"{frames}.raw").unlink()
    seeds = run_seeds(xa_truth_of(scene, twin).projection)
    (folder / f"{frames}.json").write_text(json.dumps(seeds))


def enlarged(twin: XaRun) -> XaRun:
    """Return a twin of full size, with noise."""
    random = np.random.default_rng(SEED)
    carm = Carm(rows=SIDE, columns=SIDE, pixel_mm=0.4)
    frames = np.empty((len(twin.pixels), SIDE, SIDE), dtype=np.uint16)
    for number, frame in enumerate(twin.pixels):
        seen = ndimage.zoom(
            frame.astype(np.float64), ENLARGED, order=1, grid_mode=True, mode="nearest"
        )
        # Pixels of 1000 are what reaches the detector behind typical tissue.
        seen += np.sqrt(1000.0 * np.maximum(seen, 0.0) / PHOTONS) * random.normal(size=seen.shape)
        frames[number] = np.clip(np.rint(seen), 0, 4095)
    return replace(twin, pixels=frames, settings=replace(twin.settings, carm=carm))


def measured(run: Path) -> dict[str, tuple[float, float, float]]:
    """Return wall and CPU seconds and MiB of each step."""
    from venoseg import read_study
    from venoseg.angiography import VenogramOptions, measure_run, run_of
    from venoseg.interchange.angio_seeds import read_angio_seeds
    from venoseg.reporting.venogram_page import render_venogram
    from venoseg.venography import header_calibration, the_run

    warm_up()
    began = _peak_mib()
    marks = [("", time.perf_counter(), time.process_time(), began)]

    def mark(name: str) -> None:
        marks.append((name, time.perf_counter(), time.process_time(), _peak_mib()))

    angiogram = the_run(read_study(run), run)
    ways = read_angio_seeds(run.with_suffix(".json"))
    mark("reading the header")
    steps: list[str] = []

    def say(words: str) -> None:
        if steps:
            mark(steps[-1])
        steps.append(words)

    options = VenogramOptions(ways=ways, calibration=header_calibration(angiogram))
    found = measure_run(run_of(angiogram), options, say=say)
    mark(steps[-1])
    tables = (found.projection_table, found.lesion_table, found.stent_table, found.flow_table)
    assert all(table.names for table in tables)
    mark("tables")
    whole = (
        "read, subtracted, measured",
        *(marks[-1][n] - marks[0][n] for n in (1, 2)),
        marks[-1][3] - began,
    )
    result = {
        name: (wall - marks[n][1], cpu - marks[n][2], peak - began)
        for n, (name, wall, cpu, peak) in enumerate(marks[1:])
    }
    result[whole[0]] = whole[1:]
    wall, cpu = time.perf_counter(), time.process_time()
    render_venogram(found)
    result["pictures of the report"] = (
        time.perf_counter() - wall,
        time.process_time() - cpu,
        _peak_mib() - began,
    )
    return result


def warm_up() -> None:
    """Load the libraries, which is no part of measuring."""
    import pydicom  # noqa: F401 - loaded, not used
    import scipy.ndimage
    import scipy.optimize  # noqa: F401 - loaded, not used
    import skimage.draw
    import skimage.graph
    import skimage.registration  # noqa: F401 - loaded, not used


def _peak_mib() -> float:
    """Return the most memory this process has held; what a parent held does not count."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    main()
