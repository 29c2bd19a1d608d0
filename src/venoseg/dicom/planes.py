"""The frames of a header: their place in the patient and the meaning of their values."""

from __future__ import annotations

from pydicom import Dataset

from venoseg.dicom.elements import Elements
from venoseg.dicom.image import Plane, Vector

ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
LEGACY_ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.2"
FRAMES_LIMIT = 100_000

Orientation = tuple[Vector, Vector]
NOTHING = Elements(Dataset())


def planes_of(elements: Elements, sop_class: str, frames: int) -> tuple[Plane, ...]:
    """Return the planes of a CT header: one, or one per frame of an enhanced multi-frame image.

    Raises
    ------
    ValueError
        When a multi-frame header describes another number of frames than it holds.
    """
    if sop_class in (ENHANCED_CT, LEGACY_ENHANCED_CT):
        return _enhanced(elements, frames)
    return (_single(elements),) if frames == 1 else ()


def _single(elements: Elements) -> Plane:
    orientation = _orientation(elements)
    return Plane(
        frame=0,
        position_lps_mm=elements.vector("ImagePositionPatient"),
        row_lps=orientation[0] if orientation else None,
        column_lps=orientation[1] if orientation else None,
        spacing_mm=elements.pair("PixelSpacing"),
        thickness_mm=elements.decimal("SliceThickness"),
        slope=elements.decimal("RescaleSlope"),
        intercept=elements.decimal("RescaleIntercept"),
        rescale_type=elements.text("RescaleType"),
        has_lookup=elements.has("ModalityLUTSequence"),
        image_type=elements.texts("ImageType"),
        acquisition=elements.text("AcquisitionNumber"),
        temporal_position=elements.text("TemporalPositionIdentifier"),
        kernel="\\".join(elements.texts("ConvolutionKernel")),
        time=elements.text("AcquisitionDateTime")
        or elements.text("AcquisitionDate") + elements.text("AcquisitionTime")
        or elements.text("ContentTime"),
        kvp=elements.text("KVP"),
    )


def _orientation(elements: Elements) -> Orientation | None:
    cosines = elements.decimals("ImageOrientationPatient", 6)
    if cosines is None:
        return None
    row, column = cosines[:3], cosines[3:]
    return (row[0], row[1], row[2]), (column[0], column[1], column[2])


def _enhanced(elements: Elements, frames: int) -> tuple[Plane, ...]:
    shared = elements.item("SharedFunctionalGroupsSequence")
    per_frame = list(elements.items("PerFrameFunctionalGroupsSequence"))
    if not 0 < frames <= FRAMES_LIMIT or len(per_frame) != frames:
        raise ValueError("the frames and their descriptions differ in number")
    return tuple(_frame(k, groups, shared, elements) for k, groups in enumerate(per_frame))


def _frame(index: int, own: Elements, shared: Elements | None, top: Elements) -> Plane:
    """Return one frame; what it says itself goes before what it shares."""

    def group(name: str) -> Elements:
        found = own.item(name) or (shared.item(name) if shared else None)
        return found or NOTHING

    orientation = _orientation(group("PlaneOrientationSequence"))
    measures = group("PixelMeasuresSequence")
    rescale = group("PixelValueTransformationSequence")
    content = group("FrameContentSequence")
    frame_type = group("CTImageFrameTypeSequence").texts("FrameType")
    return Plane(
        frame=index,
        position_lps_mm=group("PlanePositionSequence").vector("ImagePositionPatient"),
        row_lps=orientation[0] if orientation else None,
        column_lps=orientation[1] if orientation else None,
        spacing_mm=measures.pair("PixelSpacing"),
        thickness_mm=measures.decimal("SliceThickness"),
        slope=rescale.decimal("RescaleSlope"),
        intercept=rescale.decimal("RescaleIntercept"),
        rescale_type=rescale.text("RescaleType"),
        image_type=frame_type or top.texts("ImageType"),
        acquisition=str(content.binary("FrameAcquisitionNumber") or ""),
        temporal_position=str(content.binary("TemporalPositionIndex") or ""),
        stack=content.text("StackID"),
        kernel="\\".join(group("CTReconstructionSequence").texts("ConvolutionKernel")),
        time=content.text("FrameAcquisitionDateTime"),
        kvp=group("CTXRayDetailsSequence").text("KVP"),
    )
