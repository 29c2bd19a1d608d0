"""What the coded segments of a DICOM segmentation mean."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset

from venoseg.anatomy import Code, Side
from venoseg.interchange.structures import Kind
from venoseg.interchange.vein_names import STENT, name_from_code, name_from_text, side_from_code

LUMEN_CODE = Code("91747007", "SCT", "Lumen of blood vessel")
STENT_CODE = Code("65818007", "SCT", "Stent")

# Types that say too little; the segment's region or label may say more.
_VAGUE_TYPES = frozenset(
    {
        "29092000",  # vein
        "360592004",  # systemic vein
        "59820001",  # blood vessel
        "85756007",  # tissue, what 3D Slicer writes for a segment that nobody coded
        "123037004",  # anatomical structure, older category code
        "91723000",  # anatomical structure
    }
)
# Designators under which older files carry SNOMED RT codes.
_OLD_SCHEMES = frozenset({"SRT", "SNM3", "99SDM"})
_SNOMED_CT = {
    "A-25500": "65818007",
    "G-035B": "397363009",
    "G-A100": "24028007",
    "G-A101": "7771000",
    "T-40000": "59820001",
    "T-40230": "91747007",
    "T-48000": "29092000",
    "T-48710": "64131007",
    "T-48920": "46027005",
    "T-48930": "63507001",
    "T-48940": "40300007",
    "T-4940E": "244411005",
    "T-D0050": "85756007",
}


@dataclass(frozen=True, slots=True)
class SegmentMeaning:
    """A vein of the contract, or ``stent``, and whether the open lumen alone was drawn."""

    name: str
    kind: Kind


def segment_meaning(segment: Dataset) -> SegmentMeaning | None:
    """Return what an item of a Segment Sequence means, None when it is no vein and no stent.

    The type's code decides; for a lumen the anatomic region's code; the label only where the
    codes are vague. The category is not looked at, since writers use several codes for it.
    TotalSegmentator codes its "iliac vena", which runs down to the inguinal ligament, as common
    iliac vein; its label tells, and it is read as the undivided iliac vein.
    """
    label = str(segment.get("SegmentLabel", ""))
    if label in ("iliac_vena_left", "iliac_vena_right"):
        return _meaning(name_from_text(label), "vein")
    kind = _coded(segment, "SegmentedPropertyTypeCodeSequence")
    if kind is None:
        return _meaning(name_from_text(label), "vein")
    if kind.value == STENT_CODE.value:
        return SegmentMeaning(STENT, "stent")
    side = _side(segment)
    if kind.value == LUMEN_CODE.value or kind.value in _VAGUE_TYPES:
        region = _coded(segment, "AnatomicRegionSequence")
        name = name_from_code(region, side) if region else None
        drawn: Kind = "lumen" if kind.value == LUMEN_CODE.value else "vein"
        return _meaning(name or name_from_text(label), drawn)
    return _meaning(name_from_code(kind, side), "vein")


def normalised(code: Code) -> Code:
    """Return the SNOMED CT code of an older SNOMED RT one; other codes come back as they are."""
    if code.scheme in _OLD_SCHEMES and code.value in _SNOMED_CT:
        return Code(_SNOMED_CT[code.value], "SCT", code.meaning)
    return code


def _coded(item: Dataset, keyword: str) -> Code | None:
    sequence = item.get(keyword)
    if not sequence:
        return None
    code = sequence[0]
    return normalised(
        Code(
            str(code.get("CodeValue", "")),
            str(code.get("CodingSchemeDesignator", "")),
            str(code.get("CodeMeaning", "")),
        )
    )


def _side(segment: Dataset) -> Side | None:
    """Return the side from the type's or the region's modifier, None when none is coded."""
    places = (
        ("SegmentedPropertyTypeCodeSequence", "SegmentedPropertyTypeModifierCodeSequence"),
        ("AnatomicRegionSequence", "AnatomicRegionModifierSequence"),
    )
    for sequence, modifiers in places:
        item = segment.get(sequence)
        modifier = _coded(item[0], modifiers) if item else None
        side = None if modifier is None else side_from_code(modifier)
        if side is not None:
            return side
    return None


def _meaning(name: str | None, kind: Kind) -> SegmentMeaning | None:
    if name is None:
        return None
    return SegmentMeaning(name, "stent" if name == STENT else kind)
