"""How long a pixel of a radiograph is, in which plane, and how sure that is.

A radiograph magnifies: a length on the detector is not a length in the patient. Every factor here
says which plane it holds in, and one that holds only on the detector is never called a length in
the patient. The ladder (best first) follows DICOM PS3.3 10.7.1 and C.8.19.6.9, PS3.17 FFF.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

CalibrationKind = Literal[
    "catheter",
    "marker",
    "ruler",
    "stent",
    "object_spacing",
    "fiducial",
    "geometry",
    "isocentre",
    "detector",
    "none",
]
LengthKind = Literal["calibrated", "isocentre", "detector", "pixel"]

LENGTH_KINDS: dict[CalibrationKind, LengthKind] = {
    "catheter": "calibrated",
    "marker": "calibrated",
    "ruler": "calibrated",
    "stent": "calibrated",
    "object_spacing": "calibrated",
    "fiducial": "calibrated",
    "geometry": "calibrated",
    "isocentre": "isocentre",
    "detector": "detector",
    "none": "pixel",
}

# Half widths of the 95 % interval, relative. A fiducial carries its own measurement error; what a
# header calls calibrated by geometry assumes a depth; a vein lies up to 10 cm from the isocentre,
# which at 750 mm from the source is 13 %.
FIDUCIAL_UNCERTAINTY = 0.05
OBJECT_SPACING_UNCERTAINTY = 0.07
GEOMETRY_UNCERTAINTY = 0.13
ISOCENTRE_UNCERTAINTY = 0.13
UNKNOWN_METHOD_UNCERTAINTY = 0.2
# Two statements about one length agree when they differ by less than this share.
AGREEMENT = 0.01
MAGNIFICATION_AGREEMENT = 0.03
# A calibrated object lies this far from the isocentre at most, as a share of its distance from the
# source: a spacing that needs more was not made for this geometry.
DEEPEST = 0.3
# No radiograph has smaller or larger pixels.
SMALLEST_MM, LARGEST_MM = 0.005, 2.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """The length of a pixel.

    Attributes
    ----------
    kind
        Where the factor comes from, down the ladder: a fiducial in the frame (``catheter``,
        ``marker``, ``ruler``, ``stent``), the header's ``object_spacing``, ``fiducial`` or
        ``geometry`` calibration, ``isocentre`` geometry, bare ``detector`` spacing, ``none``.
    mm_per_pixel
        (between rows, between columns); None when the kind is ``none``.
    relative_uncertainty
        Half width of the 95 % interval as a share of the factor; None when it cannot be stated.
    plane
        Where in the patient the factor holds, in words.
    valid_frames
        First and last frame, counted from 0, for which it holds; None for all.
    reason
        How the factor was found, or why there is none.
    """

    kind: CalibrationKind
    mm_per_pixel: tuple[float, float] | None
    relative_uncertainty: float | None
    plane: str
    valid_frames: tuple[int, int] | None
    reason: str

    @property
    def length_kind(self) -> LengthKind:
        """What a length measured with it may be called."""
        return LENGTH_KINDS[self.kind]

    @property
    def is_patient_length(self) -> bool:
        """Whether a length measured with it is one in the patient, within its uncertainty."""
        return self.length_kind in ("calibrated", "isocentre")


@dataclass(frozen=True, slots=True)
class StatedSpacing:
    """What a header says about lengths and distances; None or empty where it is silent.

    Attributes
    ----------
    pixel_mm, imager_mm, object_mm
        Pixel Spacing, Imager Pixel Spacing and Object Pixel Spacing in Center of Beam, between
        (rows, columns).
    calibration_type
        ``FIDUCIAL``, ``GEOMETRY`` or empty.
    source_to_detector_mm, source_to_patient_mm, magnification
        As stated.
    """

    pixel_mm: tuple[float, float] | None = None
    imager_mm: tuple[float, float] | None = None
    object_mm: tuple[float, float] | None = None
    calibration_type: str = ""
    source_to_detector_mm: float | None = None
    source_to_patient_mm: float | None = None
    magnification: float | None = None


def calibrations_of(stated: StatedSpacing) -> tuple[tuple[Calibration, ...], tuple[str, ...]]:
    """Return every calibration that a header allows, best first, and its contradictions.

    The first is the one to use when no fiducial in the frame is measured; the last is ``none`` when
    nothing better exists. Nothing is ever upgraded: a detector spacing stays one.
    """
    problems = _impossible(stated)
    found = [
        *_object_spacing(stated),
        *_pixel_spacing(stated, problems),
        *_isocentre(stated, problems),
        *_detector(stated),
    ]
    problems += _contradictions(stated, found)
    return tuple(found) or (_none(stated),), tuple(problems)


def _impossible(stated: StatedSpacing) -> list[str]:
    """Name spacings that no radiograph has."""
    named = {
        "pixel spacing": stated.pixel_mm,
        "pixel spacing at the detector": stated.imager_mm,
        "pixel spacing of the object": stated.object_mm,
    }
    return [
        f"the stated {name} of {max(spacing):g} mm is impossible"
        for name, spacing in named.items()
        if spacing is not None and not _is_length(spacing)
    ]


def _contradictions(stated: StatedSpacing, found: list[Calibration]) -> list[str]:
    """Name spacings of the patient that the detector or the geometry does not allow."""
    imager = stated.imager_mm
    if not _is_length(imager) or imager is None:
        return []
    named = [one for one in found if one.kind in ("object_spacing", "fiducial", "geometry")]
    if any(
        own > detector * (1.0 + AGREEMENT)
        for one in named
        for own, detector in zip(one.mm_per_pixel or (), imager, strict=True)
    ):
        return ["the patient's pixel spacing contradicts the detector's, which it is larger than"]
    isocentre = next((one.mm_per_pixel for one in found if one.kind == "isocentre"), None)
    if isocentre and not all(_agree(one.mm_per_pixel, isocentre, DEEPEST) for one in named):
        return ["the patient's pixel spacing contradicts the stated distances or magnification"]
    return []


def _object_spacing(stated: StatedSpacing) -> list[Calibration]:
    if not _is_length(stated.object_mm):
        return []
    return [
        Calibration(
            "object_spacing",
            stated.object_mm,
            OBJECT_SPACING_UNCERTAINTY,
            "the object on the table, in the centre of the beam",
            None,
            "stated by the scanner for the object in the centre of the beam",
        )
    ]


def _pixel_spacing(stated: StatedSpacing, problems: list[str]) -> list[Calibration]:
    spacing = stated.pixel_mm
    if not _is_length(spacing):
        return []
    if stated.calibration_type == "FIDUCIAL":
        return [
            _patient("fiducial", spacing, FIDUCIAL_UNCERTAINTY, "calibrated with a fiducial"),
        ]
    if stated.calibration_type == "GEOMETRY":
        return [_patient("geometry", spacing, GEOMETRY_UNCERTAINTY, "calibrated by geometry")]
    if stated.imager_mm is None:
        problems.append("a pixel spacing is stated without saying in which plane; not used")
        return []
    if _agree(spacing, stated.imager_mm, AGREEMENT):
        return []
    problems.append("pixel spacing differs from the detector's without saying how it was found")
    words = "corrected by an unstated method"
    return [_patient("geometry", spacing, UNKNOWN_METHOD_UNCERTAINTY, words)]


def _patient(
    kind: CalibrationKind, spacing: tuple[float, float] | None, uncertainty: float, words: str
) -> Calibration:
    return Calibration(kind, spacing, uncertainty, "the calibrated object", None, words)


def _isocentre(stated: StatedSpacing, problems: list[str]) -> list[Calibration]:
    magnification, words = _magnification(stated, problems)
    if magnification is None or not _is_length(stated.imager_mm):
        return []
    assert stated.imager_mm is not None
    spacing = (stated.imager_mm[0] / magnification, stated.imager_mm[1] / magnification)
    return [
        Calibration("isocentre", spacing, ISOCENTRE_UNCERTAINTY, "the isocentre", None, words),
    ]


def _magnification(stated: StatedSpacing, problems: list[str]) -> tuple[float | None, str]:
    """Return the magnification at the isocentre; None when unknown or impossible."""
    detector, patient = stated.source_to_detector_mm, stated.source_to_patient_mm
    ratio = detector / patient if detector and patient and patient > 0 else None
    if ratio is not None and not 1.0 < ratio < 5.0:
        problems.append("the stated distances from the source are impossible; not used")
        ratio = None
    factor = stated.magnification
    if factor is not None and not 1.0 < factor < 5.0:
        if factor != 1.0:
            problems.append("the stated magnification is impossible; not used")
        factor = None
    if ratio and factor and abs(ratio / factor - 1) > MAGNIFICATION_AGREEMENT:
        problems.append("the stated magnification contradicts the distances from the source")
    if ratio is not None:
        return ratio, "detector spacing over the magnification from the distances of the source"
    return factor, "detector spacing over the stated magnification"


def _detector(stated: StatedSpacing) -> list[Calibration]:
    if not _is_length(stated.imager_mm):
        return []
    words = "spacing at the detector; the patient is magnified by an unknown factor"
    return [Calibration("detector", stated.imager_mm, None, "the detector", None, words)]


def _none(stated: StatedSpacing) -> Calibration:
    words = "the header states no pixel spacing"
    if stated.pixel_mm:
        words = "the only pixel spacing stated does not say in which plane it holds"
    words = next(iter(_impossible(stated)), words)
    return Calibration("none", None, None, "", None, words)


def _is_length(spacing: Sequence[float] | None) -> bool:
    return spacing is not None and all(SMALLEST_MM <= value <= LARGEST_MM for value in spacing)


def _agree(a: Sequence[float] | None, b: Sequence[float], limit: float) -> bool:
    return a is not None and all(abs(x / y - 1) <= limit for x, y in zip(a, b, strict=True) if y)
