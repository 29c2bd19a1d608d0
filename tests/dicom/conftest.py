"""Small CT files whose every voxel is known from where it lies in the patient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRBigEndian, ExplicitVRLittleEndian, generate_uid

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def linear_hu(points_lps_mm: np.ndarray) -> np.ndarray:
    """HU that grow evenly along x, y and z: any right interpolation returns them exactly."""
    return 20.0 + points_lps_mm @ np.array([3.0, -2.0, 5.0])


class CtWriter:
    """Writes one slice after another; every keyword of the header can be overruled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.study = generate_uid()
        self.frame_of_reference = generate_uid()
        self.count = 0

    def series(
        self,
        positions: Sequence[Sequence[float]],
        *,
        orientation: Sequence[float] = AXIAL,
        spacing: tuple[float, float] = (0.8, 0.7),
        shape: tuple[int, int] = (12, 10),
        hu: Callable[[np.ndarray], np.ndarray] = linear_hu,
        slope: float = 1.0,
        intercept: float = -1024.0,
        dtype: str = "<i2",
        series_uid: str | None = None,
        edit: Callable[[Dataset, int], None] | None = None,
        syntax: str = ExplicitVRLittleEndian,
        **elements: Any,
    ) -> str:
        series_uid = series_uid or generate_uid()
        for number, position in enumerate(positions):
            dataset = self._header(series_uid, number, position, orientation, spacing, shape)
            dataset.RescaleSlope, dataset.RescaleIntercept = slope, intercept
            for keyword, value in elements.items():
                setattr(dataset, keyword, value)
            if edit:
                edit(dataset, number)
            points = pixel_points(position, orientation, spacing, shape)
            slope_now, intercept_now = float(dataset.RescaleSlope), float(dataset.RescaleIntercept)
            stored = np.rint((hu(points) - intercept_now) / slope_now)
            self._pixels(dataset, stored.astype(dtype), syntax)
            self.save(dataset, syntax)
        return series_uid

    def save(self, dataset: Dataset, syntax: str, name: str | None = None) -> Path:
        self.count += 1
        path = self.folder / (name or f"IM{self.count:05d}")
        path.parent.mkdir(parents=True, exist_ok=True)
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        meta.TransferSyntaxUID = syntax
        little = syntax != ExplicitVRBigEndian
        file = FileDataset(
            str(path), dataset, file_meta=meta, preamble=b"\0" * 128, is_little_endian=little
        )
        file.save_as(path, enforce_file_format=True)
        return path

    def _header(
        self,
        series_uid: str,
        number: int,
        position: Sequence[float],
        orientation: Sequence[float],
        spacing: tuple[float, float],
        shape: tuple[int, int],
    ) -> Dataset:
        dataset = Dataset()
        dataset.SOPClassUID = CTImageStorage
        dataset.SOPInstanceUID = generate_uid()
        dataset.StudyInstanceUID = self.study
        dataset.SeriesInstanceUID = series_uid
        dataset.FrameOfReferenceUID = self.frame_of_reference
        dataset.PatientName = "Doe^Jane"
        dataset.PatientID = "SECRET-ID"
        dataset.StudyDate, dataset.StudyTime, dataset.StudyID = "20200102", "101112", "7"
        dataset.Modality = "CT"
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        dataset.SeriesNumber = 3
        dataset.InstanceNumber = number + 1
        dataset.ConvolutionKernel = "B30f"
        dataset.SliceThickness = 1.0
        dataset.ImagePositionPatient = [f"{v:.6f}" for v in position]
        dataset.ImageOrientationPatient = [f"{v:.9f}" for v in orientation]
        dataset.PixelSpacing = list(spacing)
        dataset.Rows, dataset.Columns = shape
        dataset.SamplesPerPixel = 1
        dataset.PhotometricInterpretation = "MONOCHROME2"
        return dataset

    @staticmethod
    def _pixels(dataset: Dataset, stored: np.ndarray, syntax: str) -> None:
        bits = stored.dtype.itemsize * 8
        dataset.setdefault("BitsAllocated", bits)
        dataset.setdefault("BitsStored", bits)
        dataset.setdefault("HighBit", dataset.BitsStored - 1)
        dataset.setdefault("PixelRepresentation", int(stored.dtype.kind == "i"))
        order = ">" if syntax == ExplicitVRBigEndian else "<"
        dataset.PixelData = stored.astype(stored.dtype.newbyteorder(order)).tobytes()
        dataset["PixelData"].VR = "OW"


def pixel_points(
    position: Sequence[float],
    orientation: Sequence[float],
    spacing: tuple[float, float],
    shape: tuple[int, int],
) -> np.ndarray:
    """(rows, columns, 3) LPS mm of every pixel's centre, straight from the DICOM formula."""
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    j, i = np.mgrid[: shape[0], : shape[1]]
    return (
        np.asarray(position, dtype=float)
        + j[..., None] * spacing[0] * column
        + i[..., None] * spacing[1] * row
    )


@pytest.fixture
def ct(tmp_path: Path) -> CtWriter:
    """A writer into an empty folder."""
    return CtWriter(tmp_path)


@pytest.fixture
def new_ct(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], CtWriter]:
    """Give a writer into another empty folder at every call."""
    return lambda: CtWriter(tmp_path_factory.mktemp("ct"))


@pytest.fixture
def truth() -> Callable[[np.ndarray], np.ndarray]:
    """The HU that `CtWriter` writes at a point, unless told otherwise."""
    return linear_hu
