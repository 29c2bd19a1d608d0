"""Write the series to load: 512 x 512 x N slices of a body with organs and noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, generate_uid

SYNTAXES = {
    "uncompressed": "1.2.840.10008.1.2.1",
    "jpeg-lossless": "1.2.840.10008.1.2.4.70",
    "jpeg-2000": "1.2.840.10008.1.2.4.90",
    "jpeg-ls": "1.2.840.10008.1.2.4.80",
    "rle": "1.2.840.10008.1.2.5",
}


# (direction in radians, distance from the centre, radius, HU)
ORGANS = ((0.3, 0.4, 0.2, 120), (2.2, 0.35, 0.15, 30), (4, 0.5, 0.1, 60))


def slice_hu(k: int, slices: int, rng: np.random.Generator) -> np.ndarray:
    """One slice: an elliptic body in air, round organs, a spine, 15 HU of smoothed noise."""
    y, x = np.mgrid[-1:1:512j, -1:1:512j]
    z = 2 * k / slices - 1
    hu = np.full((512, 512), -1000.0)
    hu[(x / 0.85) ** 2 + (y / 0.6) ** 2 < 1] = -90
    hu[(x / 0.75) ** 2 + (y / 0.5) ** 2 < 1] = 55
    for angle, reach, size, value in (
        (0.3, 0.4, 0.2, 120),
        (2.2, 0.35, 0.15, 30),
        (4, 0.5, 0.1, 60),
    ):
        cx, cy = reach * np.cos(angle + z), 0.6 * reach * np.sin(angle + z)
        hu[(x - cx) ** 2 + (y - cy) ** 2 < size**2] = value
    hu[(x / 0.1) ** 2 + ((y - 0.35) / 0.1) ** 2 < 1] = 600
    noise = rng.normal(0, 25, (514, 514))
    smooth = (noise[:-2, 1:-1] + noise[2:, 1:-1] + noise[1:-1, :-2] + noise[1:-1, 2:]) / 4
    return np.rint(hu + smooth + noise[1:-1, 1:-1] / 3)


def write_series(folder: Path, slices: int) -> None:
    """Write the uncompressed series."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    for k in range(slices):
        dataset = Dataset()
        dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, generate_uid()
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
        dataset.FrameOfReferenceUID, dataset.Modality = frame, "CT"
        dataset.PatientName, dataset.PatientID = "Twin", "loading"
        dataset.SeriesNumber, dataset.InstanceNumber = 1, k + 1
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        dataset.ImagePositionPatient = [-200.0, -200.0, k * 1.0]
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        dataset.PixelSpacing, dataset.SliceThickness = [0.78, 0.78], 1.0
        dataset.Rows = dataset.Columns = 512
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
        dataset.PixelRepresentation = 0
        dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = 1, -1024, "HU"
        stored = np.clip(slice_hu(k, slices, rng) + 1024, 0, 4095).astype("<u2")
        dataset.PixelData = stored.tobytes()
        dataset["PixelData"].VR = "OW"
        save(dataset, folder / f"{k:04d}.dcm", SYNTAXES["uncompressed"])


def save(dataset: Dataset, path: Path, syntax: str) -> None:
    """Write one file."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    FileDataset(str(path), dataset, file_meta=meta, preamble=b"\0" * 128).save_as(
        path, enforce_file_format=True
    )


def compress_series(source: Path, target: Path, name: str) -> None:
    """Write the series again in a compressed transfer syntax, by GDCM and highdicom's encoders."""
    import gdcm

    target.mkdir(parents=True)
    for path in sorted(source.iterdir()):
        reader = gdcm.ImageReader()
        reader.SetFileName(str(path))
        reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        kind = gdcm.TransferSyntax.GetTSType(SYNTAXES[name])
        change.SetTransferSyntax(gdcm.TransferSyntax(kind))
        change.SetInput(reader.GetImage())
        if not change.Change():
            raise SystemExit(f"GDCM cannot write {name}")
        writer = gdcm.ImageWriter()
        writer.SetFileName(str(target / path.name))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        writer.Write()
