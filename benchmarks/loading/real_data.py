"""What comes out of every public file set: shape, spacing, direction, values, or the refusal.

python benchmarks/loading/real_data.py FOLDER
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from venoseg.dicom import Series, scan
from venoseg.errors import VenosegError
from venoseg.volume import Volume


def main() -> None:
    """Print one line per series of every set below the folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    for path in sorted(parser.parse_args().folder.iterdir()):
        if not path.is_dir():
            continue
        volumes = sorted(path.glob("*.nii.gz")) + sorted(path.glob("*.nrrd"))
        for source in (path, *volumes):
            print(f"## {source.relative_to(path.parent)}")
            describe(source)


def describe(source: Path) -> None:
    """Print what a path gives."""
    try:
        found = scan(source)
    except VenosegError as error:
        print(f"  refused: {error.what}")
        return
    for study in found.studies:
        for series in study.series:
            print(f"  {series.kind:12} {series.number} {outcome(series)}")
    for one in found.unreadable:
        print(f"  unreadable   {one.path}: {one.reason}")


def outcome(series: Series) -> str:
    """Describe what one series gives."""
    if series.kind == "angiogram":
        return (
            f"{series.images} frames {series.rows} x {series.columns}; {'; '.join(series.problems)}"
        )
    if series.kind != "ct":
        return "; ".join((f"{series.modality}, {series.images} images", *series.problems))
    try:
        return facts(series.read())
    except VenosegError as error:
        return f"refused: {error.what}"


def facts(volume: Volume) -> str:
    """Describe a volume in one line."""
    shape = " x ".join(str(n) for n in volume.grid.shape)
    spacing = " x ".join(f"{v:.4g}" for v in volume.grid.spacing_mm)
    axes = " ".join(",".join(f"{v:+.2f}" for v in axis) for axis in volume.grid.directions.T)
    measured = volume.voxels if volume.missing is None else volume.voxels[~volume.missing]
    absent = 0.0 if volume.missing is None else float(np.mean(volume.missing))
    words = [
        f"{shape} at {spacing} mm, axes {axes}, {volume.voxels.dtype} {volume.unit}",
        f"{measured.min()} to {measured.max()}, {absent:.1%} missing",
        f"residual {volume.source.geometry_residual_mm:.4f} mm",
        *volume.source.flags,
    ]
    return ", ".join(words)


if __name__ == "__main__":
    main()
