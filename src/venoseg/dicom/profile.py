"""Which attributes a de-identified copy keeps: all that measurement needs, and nothing else.

PS3.15 table E.1-1 lists what the Basic Application Level Confidentiality Profile takes away. Here
it is the other way round: an attribute that is not on these lists goes, whether the table knows it
or not. What stays is numbers of the acquisition and geometry, coded words, and the options Retain
Longitudinal Temporal Information with Modified Dates and Clean Descriptors.
"""

from __future__ import annotations

import re
from typing import Literal

from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_for_tag
from pydicom.tag import BaseTag

Action = Literal[
    "keep", "number", "code", "text", "uid", "date", "datetime", "time", "words", "dummy", "empty",
    "sequence", "remove",
]  # fmt: skip

# Groups whose numbers and coded words describe the acquisition, its geometry or its pixels.
_TECHNICAL = {0x0018, 0x0020, 0x0028, 0x0050, 0x0062, 0x5200}
_NUMBERS = {"DS", "IS", "FD", "FL", "US", "SS", "UL", "SL", "SV", "UV", "AT"}

# Attributes that every patient, study or equipment module must have, if only empty.
_EMPTY = {
    "PatientBirthDate",
    "PatientSex",
    "ReferringPhysicianName",
    "AccessionNumber",
    "StudyID",
    "PositionReferenceIndicator",
}
_DATES = {"StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"}
_DATETIMES = {"AcquisitionDateTime", "FrameAcquisitionDateTime", "FrameReferenceDateTime"}
_TIMES = {
    "StudyTime",
    "SeriesTime",
    "AcquisitionTime",
    "ContentTime",
    "ContrastBolusStartTime",
    "ContrastBolusStopTime",
}
_CODES = {"ImageType", "Modality", "SpecificCharacterSet", "VolumetricProperties"}
_TEXTS = {
    "Manufacturer",
    "ManufacturerModelName",
    "SoftwareVersions",
    "ConvolutionKernel",
    "FilterType",
    "RescaleType",
    "StackID",
    "CodeValue",
    "CodingSchemeDesignator",
    "CodingSchemeVersion",
    "CodeMeaning",
    "SegmentLabel",
    "SegmentAlgorithmName",
}
_WORDS = {
    "SeriesDescription",
    "AcquisitionDeviceProcessingDescription",
    "DerivationDescription",
    "PixelSpacingCalibrationDescription",
    "LUTExplanation",
}
_PIXELS = {
    "PixelData",
    "FloatPixelData",
    "DoubleFloatPixelData",
    "LUTData",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
}
# Outside the technical groups.
_SEQUENCES = {
    "ReferencedImageSequence",
    "SourceImageSequence",
    "ReferencedSeriesSequence",
    "ReferencedInstanceSequence",
    "DerivationImageSequence",
    "DerivationCodeSequence",
    "PurposeOfReferenceCodeSequence",
    "AnatomicRegionSequence",
    "AnatomicRegionModifierSequence",
}

# Words of a description that say what was scanned and how; all others may be a name. Whole words:
# many a name begins like one of them. A number needs its unit, or it may be part of a date.
_KNOWN = re.compile(
    r"(?i)\b(abd|abdo|abdomen|abdominal|pelvis|pelvic|pelv|thorax|thoracic|thor|chest|leg|legs|"
    r"iliac|iliacal|iliocaval|ivc|cava|caval|ven|venous|venoes|venös|venogram|venography|"
    r"portal|portalvenous|portovenous|portvenös|pv|pvp|ctv|cta|ct|art|arterial|arteriell|angio|"
    r"angiography|aorta|aortic|early|late|delay|delayed|excretory|spaet|spät|spaetphase|spätphase|"
    r"tardif|tardive|nativ|native|nativphase|plain|unenhanced|ohne|km|non|contrast|with|without|axial|ax|coronal|cor|sagittal|sag|mpr|mip|"
    r"thin|thick|soft|sharp|bone|lung|standard|localizer|scout|topogram|dsa|subtracted|run|"
    r"\d{1,2}([.,]\d{1,2})? ?(mm|s|sec|min)|[BDHIQTU][a-z]?\d{2}[a-z]?)\b"
)


def action_for(tag: BaseTag) -> tuple[Action, str]:
    """Return what is done with an attribute, and its keyword."""
    if tag.is_private or tag.group % 2 or not dictionary_has_tag(tag):
        return "remove", ""
    keyword = keyword_for_tag(tag)
    return _by_name(keyword) or _by_kind(tag, dictionary_VR(tag)), keyword


def _by_name(keyword: str) -> Action | None:
    named: tuple[tuple[Action, set[str]], ...] = (
        ("empty", _EMPTY),
        ("date", _DATES),
        ("datetime", _DATETIMES),
        ("keep", _PIXELS),
        ("time", _TIMES),
        ("code", _CODES),
        ("text", _TEXTS),
        ("words", _WORDS),
        ("dummy", {"ContrastBolusAgent"}),
        ("sequence", _SEQUENCES),
    )
    return next((action for action, names in named if keyword in names), None)


def _by_kind(tag: BaseTag, representation: str) -> Action:
    if representation == "UI":
        return "uid"
    if tag.group not in _TECHNICAL:
        return "remove"
    kinds = set(representation.split(" or "))
    if kinds & _NUMBERS:
        return "number"
    if representation == "CS":
        return "code"
    return "sequence" if representation == "SQ" else "remove"


def known_words(description: str) -> str:
    """Return the words of a description that say what was scanned, without all others."""
    return " ".join(match.group(0) for match in _KNOWN.finditer(description))[:64]
