"""A measured run as a JSON document."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import numpy as np

from venoseg.angiography.collaterals import CollateralFilling
from venoseg.angiography.densitometry import ASSUMPTION, relative_area
from venoseg.angiography.flow import Curve
from venoseg.angiography.lesions import STENOTIC_PERCENT, Lesion, occluded_length_px
from venoseg.angiography.projection import Projection
from venoseg.angiography.transit import transits
from venoseg.angiography.venogram import Venogram
from venoseg.dicom.angiogram import Angiogram
from venoseg.interchange.documents import NOTICE
from venoseg.tables import Table

_METHODS = {
    "subtraction": "difference of attenuations, the mask brought to lie on the frames; lengths of "
    "motion in pixels",
    "composite": "mean of the most opaque frames at each pixel",
    "edges": "fit of the projection of an elliptic or boxier section, blurred and with scatter, "
    "across the vein at every pixel along it, averaged over neighbouring stations",
    "interval": "95 %: noise along the edges, the profile's model, the calibration with its depth",
    "stents": "fit of a blurred round shell of wire across the vein in the frames before contrast "
    "medium; widths between the middles of the outermost wires, as projected in this view",
    "arrival": "a logistic rise is fitted; its tangent at the steepest place meets the base line",
    "transit": "between the arrivals at both ends of a vein; antegrade: at its peripheral end "
    "first; interval: an arrival is known to a frame",
    "collateral_fraction": "sum of opacity over all other filled vessels / sum over these and the "
    "measured stretches of veins; within 1.2 widths of the end of a stretch the vein goes on and "
    "counts for neither; other veins in the picture count as other vessels, what crosses a "
    "measured stretch as vein; of the run: sums over all pictures; interval: background, what is "
    "too faint to be outlined, crossings",
    "reference": "computer_calculated: robust straight line along the vein; interpolated_local and "
    "mean_local: the vein next to either end of the lesion (DICOM PS3.16 CID 3465); nominal: given",
    "area": "not given from widths: one view shows one; densitometric_areas hold the opacity "
    "summed across the vein at a lesion over that of the healthy vein on both sides",
}


def venogram_document(found: Venogram, angiogram: Angiogram) -> dict[str, Any]:
    """Return everything measured, with definitions, provenance and warnings."""
    times = found.subtraction.times_s
    timed = found.subtraction.run.timed
    return {
        "notice": NOTICE,
        "software": {"name": "venoseg", "version": version("venoseg")},
        "frame": "pixels: column to the right, row down, from 0 at the centre of the first pixel; "
        "frames from 1; positions from the central end",
        "source": _source(angiogram),
        "calibration": asdict(found.calibration) | {"length_kind": found.calibration.length_kind},
        "subtraction": _subtraction(found),
        "parameters": {"stenotic_diameter_percent": STENOTIC_PERCENT},
        "methods": _METHODS,
        "definitions": {
            column.name: column.meaning
            for table in (
                found.projection_table,
                found.lesion_table,
                found.stent_table,
                found.flow_table,
            )
            for column in table.columns
        },
        "warnings": list(found.warnings),
        "veins": [
            _vein(projection, lesions)
            for projection, lesions in zip(found.projections, found.lesions, strict=True)
        ],
        "lesions": _rows(found.lesion_table),
        "stents": _rows(found.stent_table),
        "densitometric_areas": _areas(found),
        "flow": {
            "time_base": "seconds" if timed else "frames: the header states no time base",
            "curves": [_curve(curve) for curve in found.curves] if timed else [],
            "transits": _transits(found) if timed else [],
            "collateral_fraction": _fractions(found.collaterals, times),
            "collateral_fraction_of_the_run": _whole(found.collaterals),
        },
        "projection": _rows(found.projection_table),
    }


def _source(angiogram: Angiogram) -> dict[str, Any]:
    return {
        "study_uid": angiogram.study_uid,
        "series_uid": angiogram.series_uid,
        "sop_uid": angiogram.sop_uid,
        "modality": angiogram.modality,
        "frames": angiogram.frame_count,
        "rows": angiogram.rows,
        "columns": angiogram.columns,
        "pixel_intensity_relationship": angiogram.intensity,
        "primary_angle_degrees": _first(angiogram.primary_angles_degrees),
        "secondary_angle_degrees": _first(angiogram.secondary_angles_degrees),
        "plane": angiogram.biplane,
        "lossy": angiogram.lossy,
        "problems": list(angiogram.problems),
        "foreshortening": "unknown from one view; it shortens lengths along the vein, not widths",
    }


def _first(angles: Any) -> float | None:
    return None if angles is None else round(float(angles[0]), 3)


def _subtraction(found: Venogram) -> dict[str, Any]:
    subtraction = found.subtraction
    pairings = subtraction.plan.pairings
    return {
        "operation": subtraction.plan.operation,
        "mask_frames": sorted({frame + 1 for pair in pairings for frame in pair.mask}),
        "contrast_frames": [pairings[0].contrast[0] + 1, pairings[-1].contrast[0] + 1],
        "mask_shift_px": [round(part, 3) for part in subtraction.mask_shift_px],
        "largest_frame_shift_px": round(float(np.abs(subtraction.shifts_px).max()), 3),
        "mask_warped_in_parts": subtraction.locally_warped,
        "polarity": subtraction.curve.polarity,
        "densitometric": subtraction.curve.densitometric,
        "flags": list(subtraction.flags),
    }


def _vein(projection: Projection, lesions: tuple[Lesion, ...]) -> dict[str, Any]:
    look = projection.edges.look
    measured = projection.diameter_px[projection.diameter_px > 0]
    return {
        "vessel": projection.vessel,
        "length_px": round(float(projection.position_px[-1]), 2),
        "minimum_diameter_px": _least(measured, np.min),
        "maximum_diameter_px": _least(measured, np.max),
        "blur_px": round(look.blur_px, 3),
        "scatter_share": look.scatter,
        "occluded_length_px": round(sum(occluded_length_px(projection, n) for n in lesions), 2),
    }


def _areas(found: Venogram) -> dict[str, Any]:
    subtraction = found.subtraction
    natural = subtraction.plan.operation == "natural"
    known = subtraction.curve.densitometric and not natural
    lesions = []
    for projection, narrowed in zip(found.projections, found.lesions, strict=True):
        for lesion in narrowed:
            area = relative_area(projection, lesion, densitometric=known)
            lesions.append(
                {
                    "vessel": projection.vessel,
                    "position_px": round(float(projection.position_px[lesion.smallest]), 2),
                    "relative_area": _rounded(area.relative_area),
                    "area_mm2_assumed_circular": _rounded(area.area_mm2_assumed_circular),
                    "reason": area.reason or None,
                }
            )
    return {"assumption": ASSUMPTION, "lesions": lesions}


def _least(values: Any, of: Any) -> float | None:
    return round(float(of(values)), 3) if len(values) else None


def _curve(curve: Curve) -> dict[str, Any]:
    return {
        "region": curve.name,
        "area_px": curve.area_px,
        "arrival_s": _rounded(curve.arrival_s),
        "peak_s": _rounded(curve.peak_s),
        "washout_half_s": _rounded(curve.washout_s),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _transits(found: Venogram) -> list[dict[str, Any]]:
    vessels = [projection.vessel for projection in found.projections]
    return [
        {
            "vessel": transit.vessel,
            "direction": transit.direction,
            "transit_s": _rounded(transit.transit_s),
            "low_s": _rounded(transit.low_s),
            "high_s": _rounded(transit.high_s),
        }
        for transit in transits(vessels, found.curves, found.subtraction.times_s)
    ]


def _fractions(
    filling: CollateralFilling | None, times: Any
) -> list[dict[str, float | None]] | None:
    if filling is None:
        return None
    parts = zip(times, filling.by_picture, filling.low, filling.high, strict=True)
    return [
        {
            "time_s": round(float(time), 4),
            "fraction": _known(value),
            "low": _known(low),
            "high": _known(high),
        }
        for time, value, low, high in parts
    ]


def _whole(filling: CollateralFilling | None) -> dict[str, float | None] | None:
    if filling is None:
        return None
    return {
        "fraction": _known(filling.whole),
        "low": _known(filling.whole_low),
        "high": _known(filling.whole_high),
        "area_px": filling.area_px,
    }


def _known(value: Any) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)


def _rows(table: Table) -> list[dict[str, Any]]:
    return [dict(row) for row in table.rows]
