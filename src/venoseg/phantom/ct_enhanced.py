"""A rendered CT as one Enhanced CT image."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedCTImageStorage

from venoseg.phantom.ct_dicom import CtSeries, decimals
from venoseg.phantom.encode import sequence_item
from venoseg.phantom.identity import Visit
from venoseg.volume import Volume


def enhanced_ct_dataset(volume: Volume, visit: Visit, series: CtSeries) -> Dataset:
    """Return a CT as one multi-frame Enhanced CT image, uncompressed."""
    dataset = visit.header()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = EnhancedCTImageStorage
    dataset.SOPInstanceUID = visit.uid("ect", series.number, "image")
    dataset.Modality = "CT"
    dataset.SeriesInstanceUID = visit.uid("ect", series.number)
    dataset.SeriesNumber = 600 + series.number
    dataset.SeriesDescription = series.description
    dataset.SeriesDate = dataset.ContentDate = visit.date
    dataset.SeriesTime = dataset.ContentTime = "101500"
    dataset.AcquisitionDateTime = f"{visit.date}101500"
    dataset.AcquisitionDuration = 5.0
    dataset.AcquisitionNumber = dataset.InstanceNumber = 1
    dataset.FrameOfReferenceUID = visit.uid("frame of reference")
    dataset.PositionReferenceIndicator = ""
    dataset.PatientPosition = "HFS"
    dataset.BodyPartExamined = "ABDOMEN"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    for name, value in _WORDS.items():
        setattr(dataset, name, value)
    _add_pixels(dataset, volume)
    _add_dimensions(dataset, visit)
    dataset.AcquisitionContextSequence = Sequence([])
    dataset.SharedFunctionalGroupsSequence = Sequence([_shared(volume, visit)])
    frames = [_frame(volume, visit, index) for index in range(volume.grid.shape[0])]
    dataset.PerFrameFunctionalGroupsSequence = Sequence(frames)
    return dataset


_WORDS = {
    "PixelPresentation": "MONOCHROME",
    "VolumetricProperties": "VOLUME",
    "VolumeBasedCalculationTechnique": "NONE",
    "ContentQualification": "RESEARCH",
    "PresentationLUTShape": "IDENTITY",
    "LossyImageCompression": "00",
    "BurnedInAnnotation": "NO",
}


def _add_pixels(dataset: Dataset, volume: Volume) -> None:
    frames, rows, columns = volume.voxels.shape
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = frames, rows, columns
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    dataset.PixelData = (volume.voxels.astype(np.int32) + 1024).astype("<u2").tobytes()


def _add_dimensions(dataset: Dataset, visit: Visit) -> None:
    organization = visit.uid("dimensions")
    dataset.DimensionOrganizationSequence = Sequence(
        [sequence_item(DimensionOrganizationUID=organization)]
    )
    index = sequence_item(
        DimensionOrganizationUID=organization,
        DimensionIndexPointer=0x00209057,
        FunctionalGroupPointer=0x00209111,
        DimensionDescriptionLabel="In-Stack Position",
    )
    dataset.DimensionIndexSequence = Sequence([index])


def _shared(volume: Volume, visit: Visit) -> Dataset:
    grid = volume.grid
    kind = {
        "PixelPresentation": "MONOCHROME",
        "VolumetricProperties": "VOLUME",
        "VolumeBasedCalculationTechnique": "NONE",
    }
    region = sequence_item(
        CodeValue="113345001", CodingSchemeDesignator="SCT", CodeMeaning="Abdominal structure"
    )
    groups = {
        "PixelMeasuresSequence": sequence_item(
            PixelSpacing=decimals(grid.spacing_mm[1:]),
            SliceThickness=decimals(grid.spacing_mm[:1])[0],
        ),
        "PlaneOrientationSequence": sequence_item(
            ImageOrientationPatient=decimals([*grid.directions[:, 2], *grid.directions[:, 1]])
        ),
        "PixelValueTransformationSequence": sequence_item(
            RescaleIntercept="-1024", RescaleSlope="1", RescaleType="HU"
        ),
        "FrameVOILUTSequence": sequence_item(WindowCenter="60", WindowWidth="400"),
        "FrameAnatomySequence": sequence_item(
            FrameLaterality="U", AnatomicRegionSequence=Sequence([region])
        ),
        "IrradiationEventIdentificationSequence": sequence_item(
            IrradiationEventUID=visit.uid("event")
        ),
        "CTImageFrameTypeSequence": sequence_item(
            FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"], **kind
        ),
        "CTAcquisitionTypeSequence": sequence_item(
            AcquisitionType="SPIRAL", ConstantVolumeFlag="NO", FluoroscopyFlag="NO"
        ),
        "CTReconstructionSequence": sequence_item(
            ReconstructionAlgorithm="FILTER_BACK_PROJ",
            ConvolutionKernel=volume.source.convolution_kernel or "SMOOTH",
            ConvolutionKernelGroup="SOFT_TISSUE",
            ReconstructionDiameter=decimals([grid.shape[2] * grid.spacing_mm[2]])[0],
            ReconstructionAngle=360.0,
            ReconstructionPixelSpacing=grid.spacing_mm[1:].tolist(),
            ImageFilter="NONE",
        ),
        "CTExposureSequence": sequence_item(
            ExposureTimeInms=500.0,
            XRayTubeCurrentInmA=300.0,
            ExposureInmAs=150.0,
            ExposureModulationType="NONE",
        ),
        "CTXRayDetailsSequence": sequence_item(
            KVP="100", FocalSpots=1.0, FilterType="WEDGE", FilterMaterial="ALUMINUM"
        ),
        "CTAcquisitionDetailsSequence": sequence_item(
            RotationDirection="CW",
            RevolutionTime=0.5,
            SingleCollimationWidth=0.6,
            TotalCollimationWidth=38.4,
            TableHeight="150",
            GantryDetectorTilt="0",
            DataCollectionDiameter="500",
        ),
        "CTTableDynamicsSequence": sequence_item(
            TableSpeed=50.0, TableFeedPerRotation=25.0, SpiralPitchFactor=0.65
        ),
        "CTPositionSequence": sequence_item(
            TablePosition=0.0,
            ReconstructionTargetCenterPatient=[0.0, 0.0, 0.0],
            DataCollectionCenterPatient=[0.0, 0.0, 0.0],
        ),
        "CTGeometrySequence": sequence_item(
            DistanceSourceToDetector="1100", DistanceSourceToDataCollectionCenter=600.0
        ),
    }
    shared = Dataset()
    for name, item in groups.items():
        setattr(shared, name, Sequence([item]))
    return shared


def _frame(volume: Volume, visit: Visit, index: int) -> Dataset:
    content = sequence_item(
        StackID="1",
        InStackPositionNumber=index + 1,
        DimensionIndexValues=[index + 1],
        FrameAcquisitionNumber=1,
        FrameAcquisitionDateTime=f"{visit.date}101500",
        FrameReferenceDateTime=f"{visit.date}101500",
        FrameAcquisitionDuration=500.0,
    )
    position = sequence_item(ImagePositionPatient=decimals(volume.grid.to_lps((index, 0, 0))))
    return sequence_item(
        FrameContentSequence=Sequence([content]), PlanePositionSequence=Sequence([position])
    )
