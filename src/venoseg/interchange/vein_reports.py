"""What a structured report says of each vein: the figures of the segments' table, coded."""

from __future__ import annotations

import numpy as np

from venoseg.anatomy import Code
from venoseg.interchange import sr_codes as codes
from venoseg.interchange.sr_out import Evaluation, Quantity, VesselReport
from venoseg.lumen import Measurements
from venoseg.lumen.profile import VesselProfile
from venoseg.tables import Row

_FINDINGS: dict[str, Code] = {"stenotic": codes.STENOSIS, "occluded": codes.OCCLUSION}


def vein_reports(found: Measurements) -> tuple[VesselReport, ...]:
    """Return one report for every vein in which anything was measured."""
    rows = {row["vessel"]: row for row in found.segments.rows}
    reports = []
    for profile in found.profiles:
        row = rows[profile.vessel]
        finding = _FINDINGS.get(str(row["state"]))
        evaluations = () if finding is None else (Evaluation(codes.FINDING, finding),)
        quantities = _quantities(profile, row)
        if profile.measured.any() or evaluations:
            reports.append(VesselReport(profile.vessel, quantities, evaluations))
    return tuple(reports)


def _quantities(profile: VesselProfile, row: Row) -> tuple[Quantity, ...]:
    quantities = [_plain(codes.SEGMENT_LENGTH, row["length_mm"], codes.MILLIMETRE)]
    if profile.measured.any():
        least_area = int(np.nanargmin(profile.shapes.area_mm2))
        least_width = int(np.nanargmin(profile.shapes.minimum_mm))
        area_low, area_high = profile.area_interval_mm2[least_area]
        width_low, width_high = profile.minimum_interval_mm[least_width]
        quantities += [
            Quantity(
                codes.LUMEN_AREA,
                round(float(profile.shapes.area_mm2[least_area]), 2),
                codes.SQUARE_MILLIMETRE,
                derivation=codes.MINIMUM,
                low=round(float(area_low), 2),
                high=round(float(area_high), 2),
            ),
            Quantity(
                codes.LUMEN_DIAMETER,
                round(float(profile.shapes.minimum_mm[least_width]), 3),
                codes.MILLIMETRE,
                derivation=codes.MINIMUM,
                low=round(float(width_low), 3),
                high=round(float(width_high), 3),
            ),
            _plain(codes.LUMEN_AREA, row["mean_area_mm2"], codes.SQUARE_MILLIMETRE, codes.MEAN),
            _plain(
                codes.LUMEN_AREA, row["maximum_area_mm2"], codes.SQUARE_MILLIMETRE, codes.MAXIMUM
            ),
            _plain(codes.AREA_STENOSIS, row["area_stenosis_percent"], codes.PERCENT),
            _plain(codes.DIAMETER_STENOSIS, row["diameter_stenosis_percent"], codes.PERCENT),
        ]
    return tuple(quantity for quantity in quantities if quantity is not None)


def _plain(
    name: Code, value: object, unit: Code, derivation: Code | None = None
) -> Quantity | None:
    """Return a quantity without an interval; None for what was not measured."""
    if not isinstance(value, float | int):
        return None
    return Quantity(name, float(value), unit, derivation=derivation)
