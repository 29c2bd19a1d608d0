"""The veins: names, sides, neighbours, DICOM codes, colours and reference calibres.

This is the one list; every other module takes its vessels from here.

Sources of the reference areas: the convention values in square millimetres used for grading on
intravascular ultrasound (Jayaraj 2021, J Vasc Surg Venous Lymphat Disord 9:1408), and for the
infrarenal inferior vena cava, for which no convention was found, the median of 33 adults without
venous disease on intravascular ultrasound (265 mm2). They are defaults, not truths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Side = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Code:
    """A DICOM coded concept: value, scheme designator, meaning."""

    value: str
    scheme: str
    meaning: str


@dataclass(frozen=True, slots=True)
class ReferenceArea:
    """An expected normal lumen area and where the figure comes from."""

    area_mm2: float
    source: str


@dataclass(frozen=True, slots=True)
class Vessel:
    """One vein of the contract.

    Attributes
    ----------
    name
        The name in every table.
    title
        The name for people.
    side
        ``left`` or ``right``; None for the inferior vena cava.
    parents
        Names of the veins it can drain into, the likeliest first; empty for the root.
    code
        SNOMED CT code of the vein (the side goes into a separate laterality code).
    colour_rgb
        0 to 255 each; the colour in every picture and in exported segmentations.
    reference
        Expected normal area of the lumen, None where no figure was found.
    """

    name: str
    title: str
    side: Side | None
    parents: tuple[str, ...]
    code: Code
    colour_rgb: tuple[int, int, int]
    reference: ReferenceArea | None


IVC_CODE = Code("64131007", "SCT", "Inferior vena cava")
COMMON_ILIAC_CODE = Code("46027005", "SCT", "Common iliac vein")
EXTERNAL_ILIAC_CODE = Code("63507001", "SCT", "External iliac vein")
INTERNAL_ILIAC_CODE = Code("40300007", "SCT", "Internal iliac vein")
COMMON_FEMORAL_CODE = Code("397363009", "SCT", "Common Femoral Vein")
ILIAC_CODE = Code("244411005", "SCT", "Iliac vein")

LATERALITY_CODES: dict[Side, Code] = {
    "left": Code("7771000", "SCT", "Left"),
    "right": Code("24028007", "SCT", "Right"),
}

_CONVENTION = "IVUS convention, Jayaraj 2021"
_IVC_MEDIAN = "IVUS median of 33 adults without venous disease"


def _pair(
    part: str,
    title: str,
    parents: tuple[str, ...],
    code: Code,
    colours: tuple[tuple[int, int, int], tuple[int, int, int]],
    area_mm2: float | None,
) -> tuple[Vessel, Vessel]:
    reference = None if area_mm2 is None else ReferenceArea(area_mm2, _CONVENTION)

    def one(side: Side, colour: tuple[int, int, int]) -> Vessel:
        return Vessel(
            name=f"{side}_{part}",
            title=f"{side.capitalize()} {title}",
            side=side,
            parents=tuple(p if p == "ivc" else f"{side}_{p}" for p in parents),
            code=code,
            colour_rgb=colour,
            reference=reference,
        )

    return one("left", colours[0]), one("right", colours[1])


VESSELS: tuple[Vessel, ...] = (
    Vessel(
        name="ivc",
        title="Inferior vena cava",
        side=None,
        parents=(),
        code=IVC_CODE,
        colour_rgb=(0, 94, 184),
        reference=ReferenceArea(265.0, _IVC_MEDIAN),
    ),
    *_pair(
        "common_iliac_vein",
        "common iliac vein",
        ("ivc",),
        COMMON_ILIAC_CODE,
        ((213, 94, 0), (0, 158, 115)),
        200.0,
    ),
    *_pair(
        "external_iliac_vein",
        "external iliac vein",
        ("common_iliac_vein", "ivc"),
        EXTERNAL_ILIAC_CODE,
        ((240, 160, 60), (90, 200, 160)),
        150.0,
    ),
    *_pair(
        "internal_iliac_vein",
        "internal iliac vein",
        ("common_iliac_vein", "iliac_vein"),
        INTERNAL_ILIAC_CODE,
        ((170, 70, 130), (110, 110, 200)),
        None,
    ),
    *_pair(
        "common_femoral_vein",
        "common femoral vein",
        ("external_iliac_vein", "iliac_vein"),
        COMMON_FEMORAL_CODE,
        ((250, 210, 120), (160, 225, 200)),
        125.0,
    ),
    *_pair(
        "iliac_vein",
        "iliac vein (common and external)",
        ("ivc",),
        ILIAC_CODE,
        ((213, 94, 0), (0, 158, 115)),
        None,
    ),
)

BY_NAME: dict[str, Vessel] = {vessel.name: vessel for vessel in VESSELS}

NAMES: tuple[str, ...] = tuple(BY_NAME)


# Veins that are one tube under changing names: central first. Each is traced as one piece.
CHAINS: tuple[tuple[str, ...], ...] = (
    ("ivc",),
    *(
        tuple(f"{side}_{part}" for part in parts)
        for side in ("left", "right")
        for parts in (
            ("common_iliac_vein", "iliac_vein", "external_iliac_vein", "common_femoral_vein"),
            ("internal_iliac_vein",),
        )
    ),
)
