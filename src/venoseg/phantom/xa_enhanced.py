"""A run as an Enhanced XA image: geometry and times in functional groups."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedXAImageStorage

from venoseg.phantom.ct_dicom import decimals
from venoseg.phantom.encode import sequence_item
from venoseg.phantom.identity import Visit
from venoseg.phantom.xa import XaRun
from venoseg.phantom.xa_dicom import XaSeries, common_header
from venoseg.phantom.xa_geometry import Carm

_ACQUISITION = {
    "PlanesInAcquisition": "MONOPLANE",
    "PlaneIdentification": "MONOPLANE",
    "PositionerType": "CARM",
    "CArmPositionerTabletopRelationship": "NO",
    "ContentQualification": "RESEARCH",
    "RadiationSetting": "GR",
    "RadiationMode": "PULSED",
    "KVP": "70",
    "ExposureInmAs": 3.2,
    "AveragePulseWidth": 8.0,
    "AcquiredImageAreaDoseProduct": None,
    "DistanceReceptorPlaneToDetectorHousing": None,
    "PresentationLUTShape": "IDENTITY",
    "LossyImageCompression": "00",
}


def enhanced_xa_dataset(run: XaRun, visit: Visit, series: XaSeries) -> Dataset:
    """Return a run as one Enhanced XA image, uncompressed."""
    dataset = common_header(run, visit, series)
    for name in ("PatientOrientation", "ContrastBolusAgent", "AcquisitionDate", "AcquisitionTime"):
        del dataset[name]
    dataset.SOPClassUID = EnhancedXAImageStorage
    dataset.SOPInstanceUID = visit.uid("exa", series.number, "image")
    dataset.SeriesInstanceUID = visit.uid("exa", series.number)
    dataset.SeriesNumber = 500 + series.number
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "", "NONE"]
    for name, value in _ACQUISITION.items():
        setattr(dataset, name, value)
    dataset.AcquisitionDateTime = f"{visit.date}100500"
    dataset.AcquisitionDuration = 1000.0 * run.settings.frames / run.settings.frames_per_s
    dataset.AcquisitionContextSequence = Sequence([])
    dataset.SharedFunctionalGroupsSequence = Sequence([_shared_groups(run, visit, series)])
    dataset.PerFrameFunctionalGroupsSequence = Sequence(
        [_frame_group(run, number, visit) for number in range(run.settings.frames)]
    )
    return dataset


def _shared_groups(run: XaRun, visit: Visit, series: XaSeries) -> Dataset:
    carm = run.settings.carm
    pixel = decimals([carm.pixel_mm, carm.pixel_mm])
    relationship = run.settings.relationship
    groups = {
        "XRayGeometrySequence": sequence_item(
            DistanceSourceToDetector=decimals([carm.source_to_detector_mm])[0],
            DistanceSourceToIsocenter=float(carm.source_to_isocenter_mm),
        ),
        "PositionerPositionSequence": sequence_item(
            PositionerPrimaryAngle=decimals([carm.primary_deg])[0],
            PositionerSecondaryAngle=decimals([carm.secondary_deg])[0],
        ),
        "FramePixelDataPropertiesSequence": sequence_item(
            FrameType=["ORIGINAL", "PRIMARY", "", "NONE"],
            PixelIntensityRelationship="OTHER" if relationship == "DISP" else relationship,
            PixelIntensityRelationshipSign=1,
            ImagerPixelSpacing=pixel,
            GeometricalProperties="UNIFORM",
            ImageProcessingApplied="NONE",
        ),
        "FrameAnatomySequence": _anatomy(),
        "CollimatorShapeSequence": sequence_item(
            CollimatorShape="RECTANGULAR",
            CollimatorLeftVerticalEdge=0,
            CollimatorRightVerticalEdge=carm.columns + 1,
            CollimatorUpperHorizontalEdge=0,
            CollimatorLowerHorizontalEdge=carm.rows + 1,
        ),
        "FrameVOILUTSequence": sequence_item(WindowCenter="1000", WindowWidth="2000"),
        "IrradiationEventIdentificationSequence": sequence_item(
            IrradiationEventUID=visit.uid("event", series.number)
        ),
        "PatientOrientationInFrameSequence": sequence_item(PatientOrientation=["L", "F"]),
        "ProjectionPixelCalibrationSequence": sequence_item(
            DistanceObjectToTableTop=100.0,
            ObjectPixelSpacingInCenterOfBeam=[
                carm.pixel_mm * carm.source_to_isocenter_mm / carm.source_to_detector_mm
            ]
            * 2,
            TableHeight="0",
            BeamAngle=_beam_angle(carm),
        ),
        "TablePositionSequence": sequence_item(
            TableTopVerticalPosition=0.0,
            TableTopLongitudinalPosition=0.0,
            TableTopLateralPosition=0.0,
            TableHorizontalRotationAngle=0.0,
            TableHeadTiltAngle=0.0,
            TableCradleTiltAngle=0.0,
        ),
    }
    shared = Dataset()
    for name, item in groups.items():
        setattr(shared, name, Sequence([item]))
    return shared


def _beam_angle(carm: Carm) -> float:
    level = abs(np.cos(np.radians(carm.primary_deg)) * np.cos(np.radians(carm.secondary_deg)))
    return float(np.degrees(np.arccos(min(level, 1.0))))


def _anatomy() -> Dataset:
    region = sequence_item(
        CodeValue="64131007", CodingSchemeDesignator="SCT", CodeMeaning="Inferior vena cava"
    )
    return sequence_item(FrameLaterality="U", AnatomicRegionSequence=Sequence([region]))


def _frame_group(run: XaRun, number: int, visit: Visit) -> Dataset:
    minutes, seconds = divmod(300.0 + number / run.settings.frames_per_s, 60)
    stamp = f"{visit.date}10{int(minutes):02d}{seconds:09.6f}"
    content = sequence_item(
        FrameAcquisitionNumber=1,
        FrameAcquisitionDateTime=stamp,
        FrameReferenceDateTime=stamp,
        FrameAcquisitionDuration=8.0,
    )
    return sequence_item(FrameContentSequence=Sequence([content]))
