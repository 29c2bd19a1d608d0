"""A run as DICOM: an X-Ray Angiographic image, or a secondary capture of one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import (
    SecondaryCaptureImageStorage,
    XRayAngiographicImageStorage,
)

from venoseg.phantom.ct_dicom import decimals
from venoseg.phantom.identity import Visit
from venoseg.phantom.xa import XaRun


@dataclass(frozen=True, slots=True)
class XaSeries:
    """What the header of a run says.

    Attributes
    ----------
    number, description
        Of the series.
    calibrated_mm
        Size of a pixel in the patient, written as PixelSpacing with a calibration of type FIDUCIAL;
        None writes no calibration.
    """

    number: int = 1
    description: str = "Venogram, frontal"
    calibrated_mm: float | None = None


def xa_dataset(run: XaRun, visit: Visit, series: XaSeries) -> Dataset:
    """Return a run as one multi-frame X-Ray Angiographic image, uncompressed."""
    dataset = common_header(run, visit, series)
    dataset.SOPClassUID = XRayAngiographicImageStorage
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "SINGLE PLANE"]
    carm, settings = run.settings.carm, run.settings
    dataset.PixelIntensityRelationship = settings.relationship
    dataset.RadiationSetting = "GR"
    dataset.RadiationMode = "PULSED"
    dataset.Exposure = "40"
    dataset.KVP = "70"
    dataset.DistanceSourceToDetector = decimals([carm.source_to_detector_mm])[0]
    dataset.DistanceSourceToPatient = decimals([carm.source_to_isocenter_mm])[0]
    ratio = carm.source_to_detector_mm / carm.source_to_isocenter_mm
    dataset.EstimatedRadiographicMagnificationFactor = decimals([ratio])[0]
    dataset.ImagerPixelSpacing = decimals([carm.pixel_mm, carm.pixel_mm])
    dataset.PositionerMotion = "STATIC"
    if settings.table_mm:
        dataset.TableMotion = "DYNAMIC"
        dataset.TableVerticalIncrement = dataset.TableLateralIncrement = ["0"] * settings.frames
        dataset.TableLongitudinalIncrement = decimals(list(settings.table_mm))
    dataset.PositionerPrimaryAngle = decimals([carm.primary_deg])[0]
    dataset.PositionerSecondaryAngle = decimals([carm.secondary_deg])[0]
    dataset.FrameTime = decimals([1000.0 / settings.frames_per_s])[0]
    dataset.FrameIncrementPointer = Tag("FrameTime")
    dataset.CineRate = max(round(settings.frames_per_s), 1)
    if series.calibrated_mm is not None:
        dataset.PixelSpacing = decimals([series.calibrated_mm] * 2)
        dataset.PixelSpacingCalibrationType = "FIDUCIAL"
        dataset.PixelSpacingCalibrationDescription = "Marker catheter in the vein"
    return dataset


def secondary_capture_dataset(run: XaRun, visit: Visit, series: XaSeries, frame: int) -> Dataset:
    """Return one frame as a screen would show it: 8 bits, no geometry."""
    dataset = common_header(run, visit, series)
    for name in ("MaskSubtractionSequence", "RecommendedViewingMode", "NumberOfFrames"):
        if name in dataset:
            del dataset[name]
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.SOPInstanceUID = visit.uid("sc", series.number, frame)
    dataset.SeriesInstanceUID = visit.uid("sc", series.number)
    dataset.SeriesNumber = 900 + series.number
    dataset.SeriesDescription = "Screen shot"
    dataset.Modality = "OT"
    dataset.ConversionType = "WSD"
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    shown = run.pixels[frame].astype(np.float64)
    top = np.percentile(shown, 99.5)
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelData = np.clip(255 * shown / top, 0, 255).astype(np.uint8).tobytes()
    return dataset


def common_header(run: XaRun, visit: Visit, series: XaSeries) -> Dataset:
    """Return what every kind of image of a run says, pixel data and mask included."""
    dataset = visit.header()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.Modality = "XA"
    dataset.SeriesInstanceUID = visit.uid("xa", series.number)
    dataset.SOPInstanceUID = visit.uid("xa", series.number, "image")
    dataset.SeriesNumber = series.number
    dataset.InstanceNumber = 1
    dataset.SeriesDescription = series.description
    dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = visit.date
    dataset.SeriesTime = dataset.AcquisitionTime = dataset.ContentTime = "100500"
    dataset.BodyPartExamined = "PELVIS"
    dataset.PatientOrientation = ["L", "F"]
    dataset.BurnedInAnnotation = "NO"
    dataset.ContrastBolusAgent = "Synthetic iodine"
    frames, rows, columns = run.pixels.shape
    dataset.NumberOfFrames = frames
    dataset.Rows, dataset.Columns = rows, columns
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    if not run.settings.table_mm:
        dataset.RecommendedViewingMode = "SUB"
        dataset.MaskSubtractionSequence = Sequence([_mask(run)])
    dataset.PixelData = run.pixels.astype("<u2").tobytes()
    return dataset


def _mask(run: XaRun) -> Dataset:
    item = Dataset()
    item.MaskOperation = "AVG_SUB"
    item.ApplicableFrameRange = [run.settings.mask_frames + 1, run.settings.frames]
    item.MaskFrameNumbers = list(range(1, run.settings.mask_frames + 1))
    item.ContrastFrameAveraging = 1
    item.SubtractionItemID = 1
    return item
