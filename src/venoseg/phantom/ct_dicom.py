"""A rendered CT as a series of DICOM CT images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage

from venoseg.phantom.identity import Visit
from venoseg.volume import FloatArray, Volume


@dataclass(frozen=True, slots=True)
class CtSeries:
    """What the header of a CT series says.

    Attributes
    ----------
    number, description
        Of the series.
    contrast_delay_s
        Time from injection to acquisition; None for a scan without contrast medium.
    """

    number: int = 1
    description: str = "Venous phase, axial"
    contrast_delay_s: float | None = 120.0


def ct_datasets(volume: Volume, visit: Visit, series: CtSeries) -> Iterator[Dataset]:
    """Return one CT image a slice, in the order of the slices, pixel data uncompressed."""
    header = _series_header(volume, visit, series)
    for index in range(volume.grid.shape[0]):
        dataset = Dataset()
        dataset.update(header)
        dataset.SOPInstanceUID = visit.uid("ct", series.number, "image", index)
        dataset.InstanceNumber = index + 1
        dataset.AcquisitionTime = dataset.ContentTime
        position = volume.grid.to_lps((index, 0, 0))
        dataset.ImagePositionPatient = decimals(position)
        dataset.SliceLocation = decimals(position[2:])[0]
        store_pixels(dataset, volume.voxels[index])
        yield dataset


def decimals(values: FloatArray | list[float]) -> list[str]:
    """Return numbers as DICOM decimal strings: at most 16 characters, a hundredth of a micron."""
    return [f"{value:.5f}".rstrip("0").rstrip(".") for value in values]


def store_pixels(dataset: Dataset, hounsfield: npt.NDArray[np.int16]) -> None:
    """Store a (rows, columns) slice as 12-bit unsigned numbers, 0 for -1024 HU."""
    stored = (hounsfield.astype(np.int32) + 1024).astype("<u2")
    dataset.Rows, dataset.Columns = hounsfield.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = "-1024", "1", "HU"
    dataset.PixelData = stored.tobytes()


def _series_header(volume: Volume, visit: Visit, series: CtSeries) -> Dataset:
    header = visit.header()
    header.SpecificCharacterSet = "ISO_IR 192"
    header.SOPClassUID = CTImageStorage
    header.Modality = "CT"
    header.SeriesInstanceUID = visit.uid("ct", series.number)
    header.SeriesNumber = series.number
    header.SeriesDescription = series.description
    header.SeriesDate = header.AcquisitionDate = header.ContentDate = visit.date
    header.SeriesTime = header.ContentTime = "101500"
    header.FrameOfReferenceUID = visit.uid("frame of reference")
    header.PositionReferenceIndicator = ""
    header.PatientPosition = "HFS"
    header.BodyPartExamined = "ABDOMEN"
    header.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    header.BurnedInAnnotation = "NO"
    header.AcquisitionNumber = 1
    header.KVP = "100"
    header.ConvolutionKernel = volume.source.convolution_kernel or "TWIN"
    header.WindowCenter, header.WindowWidth = "60", "400"
    _add_contrast(header, series)
    _add_geometry(header, volume)
    return header


def _add_contrast(header: Dataset, series: CtSeries) -> None:
    if series.contrast_delay_s is not None:
        header.ContrastBolusAgent = "Synthetic iodine"
        header.ContrastBolusStartTime = "101300"


def _add_geometry(header: Dataset, volume: Volume) -> None:
    spacing, directions = volume.grid.spacing_mm, volume.grid.directions
    header.ImageOrientationPatient = decimals([*directions[:, 2], *directions[:, 1]])
    header.PixelSpacing = decimals(spacing[1:])
    header.SpacingBetweenSlices = decimals(spacing[:1])[0]
    header.SliceThickness = decimals([volume.source.slice_thickness_mm or spacing[0]])[0]
