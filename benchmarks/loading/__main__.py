"""Load the same 512 x 512 x 600 series with venoseg and its peers; print seconds, memory, ratios.

    python benchmarks/loading [--slices 600] [--repeat 5] [--folder DIR]

Each loader runs in a process of its own, imports excluded, the loaders taking turns; the median
counts. The files are in the page cache for all of them. dcm2niix also writes its result to disk,
which is part of what it does. `bytes` reads the files and nothing else.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from series import compress_series, write_series

Load = Callable[[Path], object]


def venoseg() -> Load:
    """From the path to the voxel array, everything checked."""
    from venoseg.dicom.scanning import read_study

    return lambda folder: read_study(folder).ct()


def simpleitk() -> Load:
    """ImageSeriesReader as its documentation shows it."""
    import SimpleITK

    def load(folder: Path) -> object:
        reader = SimpleITK.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
        return SimpleITK.GetArrayViewFromImage(reader.Execute())

    return load


def pydicom() -> Load:
    """Do the usual loop: read, sort, decode, rescale, stack."""
    import numpy as np
    from pydicom import dcmread

    def load(folder: Path) -> object:
        slices = [dcmread(path) for path in folder.iterdir()]
        slices.sort(key=lambda s: float(s.ImagePositionPatient[2]))
        return np.stack(
            [
                s.pixel_array.astype(np.int16) * int(s.RescaleSlope) + int(s.RescaleIntercept)
                for s in slices
            ]
        )

    return load


def dcm2niix() -> Load:
    """Convert to NIfTI, uncompressed, without a sidecar."""

    def load(folder: Path) -> object:
        with tempfile.TemporaryDirectory() as out:
            command = ["dcm2niix", "-z", "n", "-b", "n", "-o", out, str(folder)]
            return subprocess.run(command, check=True, capture_output=True)

    return load


def plain_bytes() -> Load:
    """Read every byte, keep none."""
    return lambda folder: sum(len(path.read_bytes()) for path in folder.iterdir())


LOADERS: dict[str, Callable[[], Load]] = {
    "venoseg": venoseg,
    "SimpleITK": simpleitk,
    "pydicom": pydicom,
    "dcm2niix": dcm2niix,
    "bytes": plain_bytes,
}


def one(name: str, folder: Path) -> None:
    """Time one loader in this process and print it as JSON: the child's side."""
    load = LOADERS[name]()
    started = time.perf_counter()
    kept = load(folder)
    seconds = time.perf_counter() - started
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    peak = max(own, children) // 1024
    print(json.dumps({"seconds": seconds, "peak_mib": peak, "kept": type(kept).__name__}))


def main() -> int:
    """Write the series, run the loaders in turns, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slices", type=int, default=600)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="keep the files here and use them again")
    parser.add_argument("--syntaxes", default="uncompressed,jpeg-lossless,jpeg-2000,jpeg-ls")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        one(arguments.one[0], Path(arguments.one[1]))
        return 0
    root = arguments.folder or Path(tempfile.mkdtemp())
    for syntax in arguments.syntaxes.split(","):
        folder = root / syntax
        if not (root / "uncompressed").exists():
            write_series(root / "uncompressed", arguments.slices)
        if not folder.exists():
            compress_series(root / "uncompressed", folder, syntax)
        compare(syntax, folder, arguments.repeat if syntax == "uncompressed" else 2)
    if arguments.folder is None:
        shutil.rmtree(root)
    return 0


def compare(syntax: str, folder: Path, repeat: int) -> None:
    """Run every loader on one folder and print its row."""
    names = [n for n in LOADERS if n != "dcm2niix" or shutil.which("dcm2niix")]
    times: dict[str, list[float]] = {name: [] for name in names}
    peaks: dict[str, int] = {}
    for _ in range(repeat):
        for name in names:
            command = [sys.executable, __file__, "--one", name, str(folder)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                continue
            report = json.loads(done.stdout.splitlines()[-1])
            times[name].append(report["seconds"])
            peaks[name] = max(peaks.get(name, 0), report["peak_mib"])
    print(f"\n{syntax}: median of {repeat}")
    base = statistics.median(times["venoseg"])
    for name in names:
        if not times[name]:
            print(f"  {name:10} failed")
            continue
        seconds = statistics.median(times[name])
        spread = f"{min(times[name]):.2f} to {max(times[name]):.2f}"
        print(
            f"  {name:10} {seconds:6.2f} s ({spread}), peak {peaks[name]:5} MiB, "
            f"venoseg takes {base / seconds:5.2f} of it"
        )


if __name__ == "__main__":
    sys.exit(main())
