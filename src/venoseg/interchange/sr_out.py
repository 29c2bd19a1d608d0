"""Measurements as a DICOM structured report, TID 1500 "Measurement Report"."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from venoseg.anatomy import BY_NAME, LATERALITY_CODES, Code
from venoseg.errors import OutputError
from venoseg.interchange.dicom_codes import LUMEN_CODE
from venoseg.interchange.provenance import equipment, site_uid
from venoseg.interchange.source_headers import odd_headers_refused, source_headers

if TYPE_CHECKING:
    from highdicom.sr import (
        Comprehensive3DSR,
        Measurement,
        MeasurementProperties,
        MeasurementsAndQualitativeEvaluations,
        ObservationContext,
        PlanarROIMeasurementsAndQualitativeEvaluations,
        VolumetricROIMeasurementsAndQualitativeEvaluations,
    )

_TITLE = Code("126000", "DCM", "Imaging Measurement Report")
_PROCEDURES = {
    "CT": Code("77477000", "SCT", "Computed tomography"),
    "XA": Code("77343006", "SCT", "Angiography"),
}
_ANY_PROCEDURE = Code("363679005", "SCT", "Imaging procedure")
_UNNAMED_VEIN = Code("29092000", "SCT", "Vein")
_SERIES_NUMBER = 901


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number with everything a reader needs to use it.

    Attributes
    ----------
    name, unit
        Codes, from `venoseg.interchange.sr_codes`; the unit is a UCUM code.
    value
        A finite number. What could not be measured is left out of the report.
    derivation
        Minimum, maximum or mean along the vein; None for a single quantity.
    method
        How it was derived, e.g. area based; None where the name says it.
    low, high
        The 95 % interval; None where none is defined.
    """

    name: Code
    value: float
    unit: Code
    derivation: Code | None = None
    method: Code | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One coded statement: what is judged, and the judgement."""

    name: Code
    value: Code


@dataclass(frozen=True, slots=True)
class Outline:
    """A closed line in one frame of the image.

    Attributes
    ----------
    corners
        Column and row as DICOM counts them: from 0 at the corner of the first pixel; the last
        corner is the first.
    frame
        Number of the frame, from 1.
    """

    corners: tuple[tuple[float, float], ...]
    frame: int


@dataclass(frozen=True, slots=True)
class VesselReport:
    """What is reported of one vein.

    Attributes
    ----------
    vessel
        A name of `venoseg.anatomy.NAMES`; any other stands for a vein that nobody named.
    quantities, evaluations
        In the order in which they should be read.
    outline
        Where it was measured on a projection; None where a segmentation says it.
    """

    vessel: str
    quantities: tuple[Quantity, ...]
    evaluations: tuple[Evaluation, ...] = ()
    outline: Outline | None = None


def write_structured_report(
    vessels: Sequence[VesselReport],
    headers: Sequence[Dataset],
    path: str | Path,
    *,
    segmentation: Dataset | None = None,
    identified: bool = False,
    tracking_root: str | None = None,
) -> Dataset:
    """Write measurements as a Comprehensive 3D SR.

    Parameters
    ----------
    vessels
        One group of measurements each.
    headers
        Of all images of the series that was measured, without pixels.
    segmentation
        What `write_dicom_seg` returned; the measurements then refer to its segments.
    identified
        Whether the patient's identity and the dates are taken over from the headers.
    tracking_root
        What the tracking UIDs follow from, the same for all visits of a patient; None: the frame of
        reference.

    Returns
    -------
    pydicom.dataset.Dataset
        What was written. A vein that the segmentation does not hold is reported without a region.

    Raises
    ------
    OutputError
        When there is nothing to report, the headers lack what the report must refer to, or the
        file cannot be written.
    """
    path = Path(path)
    with odd_headers_refused(path.name):
        report = structured_report(
            vessels,
            headers,
            segmentation=segmentation,
            identified=identified,
            tracking_root=tracking_root,
        )
    try:
        report.save_as(path, enforce_file_format=True)
    except OSError as error:
        raise OutputError("the report cannot be written", where=path.name) from error
    return report


def structured_report(
    vessels: Sequence[VesselReport],
    headers: Sequence[Dataset],
    *,
    segmentation: Dataset | None = None,
    identified: bool = False,
    tracking_root: str | None = None,
) -> Comprehensive3DSR:
    """Return what `write_structured_report` writes."""
    from highdicom.sr import Comprehensive3DSR, MeasurementReport

    if not any(vessel.quantities or vessel.evaluations for vessel in vessels):
        raise OutputError("there is no measurement to report")
    sources = source_headers(headers, identified=identified)
    root = tracking_root or sources[0].FrameOfReferenceUID
    content = MeasurementReport(
        observation_context=_observer(),
        procedure_reported=_concept(_PROCEDURES.get(sources[0].Modality, _ANY_PROCEDURE)),
        imaging_measurements=[_group(vessel, sources, segmentation, root) for vessel in vessels],
        title=_concept(_TITLE),
    )
    digest = hashlib.sha256(repr(vessels).encode()).hexdigest()
    entropy = [sources[0].SeriesInstanceUID, digest, *([tracking_root] if tracking_root else [])]
    return Comprehensive3DSR(
        evidence=[*sources, *([] if segmentation is None else [segmentation])],
        content=content,
        series_instance_uid=generate_uid(entropy_srcs=["report series", *entropy]),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=generate_uid(entropy_srcs=["report", *entropy]),
        instance_number=1,
        series_description="Vein measurements",
        is_complete=True,
        **equipment(),
    )


def _observer() -> ObservationContext:
    from highdicom.sr import (
        DeviceObserverIdentifyingAttributes,
        ObservationContext,
        ObserverContext,
    )

    made_by = equipment()
    device = DeviceObserverIdentifyingAttributes(
        uid=generate_uid(entropy_srcs=["device", "venoseg", made_by["software_versions"]]),
        name="venoseg",
        manufacturer_name=made_by["manufacturer"],
        model_name=made_by["manufacturer_model_name"],
    )
    kind = _concept(Code("121007", "DCM", "Device"))
    return ObservationContext(
        observer_device_context=ObserverContext(
            observer_type=kind, observer_identifying_attributes=device
        )
    )


def _group(
    vessel: VesselReport, sources: Sequence[Dataset], segmentation: Dataset | None, root: str
) -> (
    PlanarROIMeasurementsAndQualitativeEvaluations
    | VolumetricROIMeasurementsAndQualitativeEvaluations
    | MeasurementsAndQualitativeEvaluations
):
    """Return TID 1411 with the vein's segment, TID 1410 with its outline, or else TID 1501."""
    from highdicom import sr

    made_by = equipment()
    anatomy = BY_NAME.get(vessel.vessel)
    side = None if anatomy is None else anatomy.side
    common: dict[str, Any] = {
        "tracking_identifier": sr.TrackingIdentifier(
            uid=site_uid(root, vessel.vessel), identifier=vessel.vessel
        ),
        "finding_type": _concept(LUMEN_CODE),
        "finding_sites": [
            sr.FindingSite(
                _concept(_UNNAMED_VEIN if anatomy is None else anatomy.code),
                None if side is None else _concept(LATERALITY_CODES[side]),
            )
        ],
        "algorithm_id": sr.AlgorithmIdentification("venoseg", made_by["software_versions"]),
        "measurements": [_measurement(quantity) for quantity in vessel.quantities],
        "qualitative_evaluations": [
            sr.QualitativeEvaluation(_concept(e.name), _concept(e.value))
            for e in vessel.evaluations
        ],
    }
    if vessel.outline is not None:
        region = sr.ImageRegion(
            sr.GraphicTypeValues.POLYLINE,
            np.array(vessel.outline.corners),
            sr.SourceImageForRegion(
                sources[0].SOPClassUID, sources[0].SOPInstanceUID, [vessel.outline.frame]
            ),
        )
        return sr.PlanarROIMeasurementsAndQualitativeEvaluations(referenced_region=region, **common)
    number = None if segmentation is None else _segment_number(segmentation, vessel.vessel)
    if segmentation is None or number is None:
        return sr.MeasurementsAndQualitativeEvaluations(**common)
    segment = sr.ReferencedSegment(
        segmentation.SOPClassUID,
        segmentation.SOPInstanceUID,
        number,
        source_series=sr.SourceSeriesForSegmentation(sources[0].SeriesInstanceUID),
    )
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        referenced_segment=segment, **common
    )


def _segment_number(segmentation: Dataset, vessel: str) -> int | None:
    for segment in segmentation.SegmentSequence:
        if segment.get("TrackingID") == vessel:
            return int(segment.SegmentNumber)
    return None


def _measurement(quantity: Quantity) -> Measurement:
    from highdicom.sr import Measurement

    return Measurement(
        name=_concept(quantity.name),
        value=quantity.value,
        unit=_concept(quantity.unit),
        derivation=None if quantity.derivation is None else _concept(quantity.derivation),
        method=None if quantity.method is None else _concept(quantity.method),
        properties=_interval(quantity),
    )


def _interval(quantity: Quantity) -> MeasurementProperties | None:
    from highdicom.sr import MeasurementProperties

    if quantity.low is None or quantity.high is None:
        return None
    interval = MeasurementProperties(
        upper_measurement_uncertainty=round(quantity.high - quantity.value, 6),
        lower_measurement_uncertainty=round(quantity.value - quantity.low, 6),
    )
    for item in interval:
        # highdicom gives them no unit; they have the unit of the quantity.
        item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence = [_concept(quantity.unit)]
    return interval


def _concept(code: Code) -> Any:
    from highdicom.sr import CodedConcept

    return CodedConcept(code.value, code.scheme, code.meaning)
