"""Exports of any size for the benchmarks of the batch, made from a few digital twins."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import JPEGLSLossless
from scipy.ndimage import zoom

from venoseg.dicom import read_study
from venoseg.interchange import read_labels, write_seg_nrrd
from venoseg.phantom.catalogue import TWINS
from venoseg.phantom.ct import Scanner
from venoseg.phantom.export import CtOptions, write_ct_twin
from venoseg.phantom.identity import uid
from venoseg.volume import Grid

Slices = list[Dataset]


def write_twins(
    folder: Path, labels: Path, count: int, twin: str, spacing_mm: float, visits: int = 1
) -> list[str]:
    """Write ``count`` studies made from four twins; return their study UIDs.

    Each patient has ``visits`` of them, a year apart.
    """
    labels.mkdir(parents=True, exist_ok=True)
    bases = [_base(folder.parent / f"base-{twin}", twin, seed, spacing_mm) for seed in range(4)]
    found = []
    for n in range(count):
        patient, visit = divmod(n, visits)
        slices, mask = bases[n % len(bases)]
        for dataset in slices:
            dataset.PatientID, dataset.StudyDate = f"P{patient}", f"{2020 + visit}0101"
            # One pixel tells the study from others of the same twin: they are no copies.
            dataset.PixelData = (n % 2**15).to_bytes(2, "little") + dataset.PixelData[2:]
        found.append(_write(folder / f"{n:06d}", labels, f"{twin}-{n}", slices, mask))
    return found


def _base(made: Path, twin: str, seed: int, spacing_mm: float) -> tuple[Slices, Path]:
    out = made / str(seed)
    if not out.exists():
        across = 0.6 * spacing_mm
        options = CtOptions(
            seed=seed,
            spacing_mm=(spacing_mm, across, across),
            margin_mm=10.0,
            scanner=Scanner(noise_hu=15),
            seg=False,
        )
        write_ct_twin(TWINS[twin], out, options)
    slices = [pydicom.dcmread(file) for file in sorted((out / "ct").iterdir())]
    return slices, out / "truth" / "labels.seg.nrrd"


def _write(folder: Path, labels: Path, name: str, slices: Slices, mask: Path) -> str:
    study, series = uid(name, "study"), uid(name, "series")
    folder.mkdir(parents=True)
    for number, dataset in enumerate(slices):
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
        dataset.SOPInstanceUID = uid(name, number)
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.save_as(folder / f"{number:04d}.dcm")
    shutil.copy(mask, labels / f"{study}.seg.nrrd")
    return study


def write_single_images(folder: Path, count: int, studies: int) -> None:
    """Write ``count`` small images that belong to ``studies`` studies."""
    base = _base(folder.parent / "base-straight", "straight", 0, 5.0)[0][0]
    base.Rows = base.Columns = 16
    base.PixelData = base.PixelData[: 16 * 16 * 2]
    for n in range(count):
        study = n % studies
        base.StudyInstanceUID, base.SeriesInstanceUID = uid("s", study), uid("r", study)
        base.SOPInstanceUID = base.file_meta.MediaStorageSOPInstanceUID = uid("i", n)
        base.PatientID = f"P{study}"
        base.PixelData = n.to_bytes(4, "little") + base.PixelData[4:]
        base.ImagePositionPatient = [0.0, 0.0, float(n // studies)]
        place = folder / f"{n // 1000:04d}"
        place.mkdir(parents=True, exist_ok=True)
        base.save_as(place / f"{n:07d}.dcm")


def enlarge(made: Path, folder: Path, label: Path, shape: tuple[int, int, int]) -> None:
    """Write a twin again in as many voxels as a scanner's, interpolated, with its labels.

    Parameters
    ----------
    made
        A twin's folder, with ``ct`` and ``truth``.
    folder, label
        Where its images and its label map go.
    shape
        Slices, rows, columns.
    """
    ct = read_study(made / "ct").ct()
    veins = read_labels(made / "truth" / "labels.seg.nrrd", ct)
    factors = np.array(shape) / ct.voxels.shape
    zoomed = partial(zoom, zoom=factors, mode="nearest", grid_mode=True)
    voxels = zoomed(ct.voxels.astype(np.float32), order=1).round().astype(np.int16)
    # The outer edges stay where they are, so that the first voxel's centre moves.
    finer = np.diag([*1.0 / factors, 1.0])
    finer[:3, 3] = 0.5 / factors - 0.5
    grid = Grid(shape, ct.grid.affine @ finer)
    base = pydicom.dcmread(next((made / "ct").iterdir()))
    if base.file_meta.TransferSyntaxUID.is_compressed:
        base.decompress()
    folder.mkdir(parents=True)
    base.Rows, base.Columns = shape[1:]
    base.PixelSpacing = [float(step) for step in grid.spacing_mm[1:]]
    base.SliceThickness = float(grid.spacing_mm[0])
    for number, values in enumerate(voxels):
        base.SOPInstanceUID = uid("large", number)
        base.file_meta.MediaStorageSOPInstanceUID = base.SOPInstanceUID
        base.InstanceNumber = number + 1
        base.ImagePositionPatient = [f"{v:.6f}" for v in grid.to_lps((number, 0.0, 0.0))]
        stored = (values - float(base.RescaleIntercept)) / float(base.RescaleSlope)
        kind = np.int16 if base.PixelRepresentation else np.uint16
        base.PixelData = stored.round().astype(kind).tobytes()
        base.save_as(folder / f"{number:04d}.dcm")
    labels = zoomed(veins.labels, order=0)
    stent = None if veins.stent is None else zoomed(veins.stent, order=0)
    on_grid = read_study(folder).ct().grid
    write_seg_nrrd(replace(veins, labels=labels, stent=stent, grid=on_grid), label)


def break_study(kind: str, folder: Path, label: Path) -> None:
    """Break a study in one of the ways of `BREAKAGES`."""
    if kind == "no labels":
        label.unlink()
    elif kind == "damaged labels":
        label.write_bytes(label.read_bytes()[:200])
    elif kind == "pixels cut off":
        for file in folder.iterdir():
            file.write_bytes(file.read_bytes()[:-500])
    elif kind == "few images":
        for file in sorted(folder.iterdir())[3:]:
            file.unlink()
    else:
        _rewrite(folder, _HEADERS[kind])


def _rewrite(folder: Path, change: Callable[[Dataset], None]) -> None:
    for file in folder.iterdir():
        dataset = pydicom.dcmread(file)
        change(dataset)
        dataset.save_as(file, enforce_file_format=False)


def _without_place(dataset: Dataset) -> None:
    del dataset.ImagePositionPatient


def _in_colour(dataset: Dataset) -> None:
    dataset.SamplesPerPixel = 3
    dataset.PhotometricInterpretation = "RGB"


def _same_place(dataset: Dataset) -> None:
    dataset.ImagePositionPatient = [0.0, 0.0, 10.0 * (int(dataset.InstanceNumber) // 2)]


def _native(dataset: Dataset) -> None:
    dataset.SeriesDescription = "Abdomen native"


def _head(dataset: Dataset) -> None:
    dataset.BodyPartExamined = "HEAD"


def _not_packed(dataset: Dataset) -> None:
    dataset.file_meta.TransferSyntaxUID = JPEGLSLossless
    content = deepcopy(dataset.PixelData)[:1000]
    dataset.PixelData = pydicom.encaps.encapsulate([content])
    dataset["PixelData"].is_undefined_length = True


_HEADERS: dict[str, Callable[[Dataset], None]] = {
    "no place": _without_place,
    "in colour": _in_colour,
    "slices that differ at one place": _same_place,
    "native phase only": _native,
    "a head": _head,
    "damaged compression": _not_packed,
}
BREAKAGES = ("no labels", "damaged labels", "pixels cut off", "few images", *_HEADERS)
