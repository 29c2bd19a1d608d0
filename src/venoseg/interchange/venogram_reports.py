"""What a structured report says of a measured run: each vein with its outline and its figures."""

from __future__ import annotations

import numpy as np

from venoseg.anatomy import Code
from venoseg.angiography import Venogram
from venoseg.angiography.lesions import Lesion
from venoseg.angiography.projection import Projection
from venoseg.dicom.calibration import Calibration, CalibrationKind
from venoseg.interchange import sr_codes as codes
from venoseg.interchange.sr_out import Evaluation, Outline, Quantity, VesselReport

_METHODS: dict[str, Code] = {
    "computer_calculated": codes.CURVE_FITTED_REFERENCE,
    "interpolated_local": codes.INTERPOLATED_REFERENCE,
    "mean_local": codes.MEAN_LOCAL_REFERENCE,
}
_OUTLINE_CORNERS = 200

# The rungs of the ladder of calibrations that DICOM has a code for; the others keep their own word.
_CALIBRATION_METHODS: dict[CalibrationKind, Code] = {
    "catheter": codes.BY_OBJECT,
    "marker": codes.BY_OBJECT,
    "ruler": codes.BY_OBJECT,
    "stent": codes.BY_OBJECT,
    "fiducial": codes.BY_OBJECT,
    "geometry": codes.AWAY_FROM_ISOCENTRE,
    "isocentre": codes.AT_ISOCENTRE,
}
_CALIBRATION_OBJECTS: dict[CalibrationKind, Code] = {
    "catheter": codes.CATHETER,
    "ruler": codes.RULER,
    "stent": codes.STENT,
}


def venogram_reports(found: Venogram) -> tuple[VesselReport, ...]:
    """Return one report for every vein of which a diameter was measured.

    Diameters are in millimetres where a calibration gives them, else in pixels.
    """
    frame = _fullest_frame(found)
    pairs = zip(found.projections, found.lesions, strict=True)
    return tuple(
        VesselReport(
            projection.vessel,
            (
                *_widths(projection),
                *_stenoses(projection, lesions),
                *_calibration(found.calibration),
            ),
            _evaluations(projection, lesions, found.calibration),
            outline=_outline(projection, frame),
        )
        for projection, lesions in pairs
        if (projection.diameter_px > 0).any()
    )


def _fullest_frame(found: Venogram) -> int:
    """Return the number, from 1, of the frame with most contrast medium."""
    pairing = found.subtraction.plan.pairings[int(found.composite.filling.argmax())]
    return pairing.contrast[0] + 1


def _widths(projection: Projection) -> list[Quantity]:
    in_mm = projection.diameters_mm()
    if in_mm is None:
        width, half = projection.diameter_px, projection.half_px
        middle, low, high, unit = width, width - half, width + half, codes.PIXEL
    else:
        middle, low, high = in_mm
        unit = codes.MILLIMETRE
    open_lumen = np.where(projection.diameter_px > 0, middle, np.nan)
    chosen = (
        (codes.MINIMUM, int(np.nanargmin(open_lumen))),
        (codes.MAXIMUM, int(np.nanargmax(open_lumen))),
    )
    return [
        Quantity(
            codes.LUMEN_DIAMETER,
            round(float(middle[at]), 3),
            unit,
            derivation=derivation,
            low=round(float(low[at]), 3),
            high=round(float(high[at]), 3),
        )
        for derivation, at in chosen
    ]


def _stenoses(projection: Projection, lesions: tuple[Lesion, ...]) -> list[Quantity]:
    """Return the stenosis of the tightest lesion by each reference that DICOM has a code for."""
    if not lesions:
        return []
    tightest = min(lesions, key=lambda lesion: float(projection.diameter_px[lesion.smallest]))
    smallest = float(projection.diameter_px[tightest.smallest])
    return [
        Quantity(
            codes.DIAMETER_STENOSIS,
            round(100.0 * (1.0 - smallest / reference), 2),
            codes.PERCENT,
            method=_METHODS[kind],
        )
        for kind, reference in tightest.references_px.items()
        if kind in _METHODS
    ]


def _calibration(calibration: Calibration) -> list[Quantity]:
    """Return the size of a pixel with its interval, where it is one in the patient."""
    size, share = calibration.mm_per_pixel, calibration.relative_uncertainty
    if not calibration.is_patient_length or size is None or share is None:
        return []
    return [
        Quantity(
            codes.CALIBRATION_FACTOR,
            round(size[1], 6),
            codes.MILLIMETRE_PER_PIXEL,
            low=round(size[1] * (1.0 - share), 6),
            high=round(size[1] * (1.0 + share), 6),
        )
    ]


def _evaluations(
    projection: Projection, lesions: tuple[Lesion, ...], calibration: Calibration
) -> tuple[Evaluation, ...]:
    finding = None
    if "occluded" in projection.state:
        finding = codes.OCCLUSION
    elif lesions:
        finding = codes.STENOSIS
    found = () if finding is None else (Evaluation(codes.FINDING, finding),)
    return (*found, *calibration_evaluations(calibration.kind))


def calibration_evaluations(kind: CalibrationKind) -> tuple[Evaluation, ...]:
    """Return how a run was calibrated, and by which object where DICOM has a code for it."""
    own = Code(kind, codes.PRIVATE_SCHEME, kind.replace("_", " "))
    method = Evaluation(codes.CALIBRATION_METHOD, _CALIBRATION_METHODS.get(kind, own))
    used = _CALIBRATION_OBJECTS.get(kind)
    return (method,) if used is None else (method, Evaluation(codes.CALIBRATION_OBJECT, used))


def _outline(projection: Projection, frame: int) -> Outline:
    """Return the edges of the measured stretch as one closed line."""
    measured = np.flatnonzero(projection.diameter_px > 0)
    span = np.arange(measured[0], measured[-1] + 1)
    span = span[:: max(len(span) // (_OUTLINE_CORNERS // 2), 1)]
    contours = projection.edges.contours_px()[span]
    ring = np.concatenate([contours[:, 0], contours[::-1, 1], contours[:1, 0]])
    # DICOM counts from the corner of the first pixel, not from its centre.
    corners = tuple((round(float(x) + 0.5, 3), round(float(y) + 0.5, 3)) for x, y in ring)
    return Outline(corners, frame)
