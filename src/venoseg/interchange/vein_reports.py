"""What a structured report says of each vein: the figures of the segments' table, coded."""

from __future__ import annotations

import numpy as np

from venoseg.anatomy import Code
from venoseg.interchange import sr_codes as codes
from venoseg.interchange.sr_out import Evaluation, Quantity, VesselReport
from venoseg.lumen import Measurements
from venoseg.lumen.profile import VesselProfile
from venoseg.lumen.tables.least import least_area, least_width
from venoseg.tables import Row

_FINDINGS: dict[str, Code] = {"stenotic": codes.STENOSIS, "occluded": codes.OCCLUSION}


def vein_reports(found: Measurements) -> tuple[VesselReport, ...]:
    """Return one report for every vein in which anything was measured."""
    rows = {row["vessel"]: row for row in found.segments.rows}
    reports = []
    for profile in found.profiles:
        row = rows[profile.vessel]
        evaluations = _evaluations(row)
        quantities = _quantities(profile, row)
        if profile.measured.any() or evaluations:
            reports.append(VesselReport(profile.vessel, quantities, evaluations))
    return tuple(reports)


def _quantities(profile: VesselProfile, row: Row) -> tuple[Quantity, ...]:
    quantities = [_plain(codes.SEGMENT_LENGTH, row["length_mm"], codes.MILLIMETRE)]
    if row["occluded_length_mm"]:
        # Figures of the open part alone would be taken for those of the vein.
        quantities += _without_lumen(row)
    elif profile.measured.any():
        area, width = least_area(profile), least_width(profile)
        quantities += [
            Quantity(
                codes.LUMEN_AREA,
                round(area.value, 2),
                codes.SQUARE_MILLIMETRE,
                derivation=codes.MINIMUM,
                low=_defined(area.low, 2),
                high=_defined(area.high, 2),
            ),
            Quantity(
                codes.LUMEN_DIAMETER,
                round(width.value, 3),
                codes.MILLIMETRE,
                derivation=codes.MINIMUM,
                low=_defined(width.low, 3),
                high=_defined(width.high, 3),
            ),
            _plain(codes.LUMEN_AREA, row["mean_area_mm2"], codes.SQUARE_MILLIMETRE, codes.MEAN),
            _plain(
                codes.LUMEN_AREA, row["maximum_area_mm2"], codes.SQUARE_MILLIMETRE, codes.MAXIMUM
            ),
            *_stenosis(row),
            *_stent(row),
        ]
    return tuple(quantity for quantity in quantities if quantity is not None)


def _without_lumen(row: Row) -> list[Quantity | None]:
    """Return how much of a vein has no lumen; where that is an occlusion, its area is 0."""
    quantities = [_plain(codes.OCCLUDED_LENGTH, row["occluded_length_mm"], codes.MILLIMETRE)]
    if row["state"] == "occluded":
        quantities += [
            _plain(codes.LUMEN_AREA, 0.0, codes.SQUARE_MILLIMETRE, codes.MINIMUM),
            *_stenosis(row),
        ]
    return quantities + _stent(row)


def _defined(value: float, decimals: int) -> float | None:
    """Return the end of an interval; None where there is none, as for a drawn contour."""
    return None if np.isnan(value) else round(float(value), decimals)


def _stenosis(row: Row) -> list[Quantity | None]:
    """Return the reference and the stenoses measured against it."""
    return [
        _plain(codes.REFERENCE_AREA, row["reference_area_mm2"], codes.SQUARE_MILLIMETRE),
        _plain(
            codes.AREA_STENOSIS,
            row["area_stenosis_percent"],
            codes.PERCENT,
            method=codes.AREA_METHOD,
        ),
        _plain(
            codes.DIAMETER_STENOSIS,
            row["diameter_stenosis_percent"],
            codes.PERCENT,
            method=codes.DIAMETER_METHOD,
        ),
    ]


def _stent(row: Row) -> list[Quantity | None]:
    return [
        _plain(codes.STENT_LENGTH, row["stented_length_mm"], codes.MILLIMETRE),
        _plain(
            codes.STENT_AREA,
            row["stent_minimum_area_mm2"],
            codes.SQUARE_MILLIMETRE,
            codes.MINIMUM,
        ),
        _plain(
            codes.IN_STENT_STENOSIS,
            row["in_stent_area_stenosis_percent"],
            codes.PERCENT,
            codes.MAXIMUM,
        ),
    ]


def _evaluations(row: Row) -> tuple[Evaluation, ...]:
    """Return the finding, and what kind of reference a stenosis is measured against."""
    evaluations = []
    finding = _FINDINGS.get(str(row["state"]))
    if finding is not None:
        evaluations.append(Evaluation(codes.FINDING, finding))
    kind = row["reference_kind"]
    if isinstance(kind, str) and row["area_stenosis_percent"] is not None:
        value = Code(kind, codes.PRIVATE_SCHEME, kind.replace("_", " "))
        evaluations.append(Evaluation(codes.REFERENCE_KIND, value))
    return tuple(evaluations)


def _plain(
    name: Code,
    value: object,
    unit: Code,
    derivation: Code | None = None,
    method: Code | None = None,
) -> Quantity | None:
    """Return a quantity without an interval; None for what was not measured."""
    if not isinstance(value, float | int):
        return None
    return Quantity(name, float(value), unit, derivation=derivation, method=method)
