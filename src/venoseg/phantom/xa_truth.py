"""The truth beside a run: projected diameters, positions and arrival times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from venoseg.phantom.scene import Scene
from venoseg.phantom.sections import is_occluded, sections_at
from venoseg.phantom.tube import Span, Tube
from venoseg.phantom.xa import XaRun
from venoseg.phantom.xa_geometry import Carm
from venoseg.tables import Column, Row, Table
from venoseg.volume import FloatArray

PROJECTION_COLUMNS = (
    Column("vessel", "name of the vein"),
    Column("position_px", "length along the projected centreline from the central end", 3),
    Column("column_px", "of the projected centre, from 0 at the centre of the first pixel", 3),
    Column("row_px", "of the projected centre", 3),
    Column("diameter_px", "projected width", 4),
    Column("diameter_mm", "width in the patient, across the vein and the ray", 4),
    Column("diameter_low_mm", "empty: the truth has no interval", 4),
    Column("diameter_high_mm", "empty: the truth has no interval", 4),
    Column("length_kind", "calibrated: true millimetres in the vein's own plane"),
    Column("state", "patent, stenotic or occluded"),
    Column("flags", "outside_image where the centre is not on the detector"),
    Column("position_mm", "arc length in the patient from the vein's central end", 3),
    Column("mm_per_px", "size of a pixel at the vein", 6),
    Column("arrival_s", "contrast arrives so long after injection; empty for never", 3),
)

FLOW_COLUMNS = (
    Column("time_s", "since the injection began", 4),
    Column("region", "main or collateral"),
    Column("opacity", "mean share of full contrast", 5),
)


@dataclass(frozen=True, slots=True)
class XaTruth:
    """Tables of a run's truth: projected diameters along the veins, and filling over time."""

    projection: Table
    flow: Table


def xa_truth_of(scene: Scene, run: XaRun, step_mm: float = 1.0) -> XaTruth:
    """Tabulate what a run of a scene shows; positions are those at the table's first place."""
    rows = [
        row
        for number, tube in enumerate(scene.tubes)
        for span in tube.spans
        for row in _projected(tube, number, span, run, step_mm)
    ]
    flow: list[Row] = []
    for name, opacity in (("main", run.main_opacity), ("collateral", run.collateral_opacity)):
        for time, value in zip(run.times_s, opacity, strict=True):
            flow.append({"time_s": float(time), "region": name, "opacity": float(value)})
    return XaTruth(Table.from_rows(PROJECTION_COLUMNS, rows), Table.from_rows(FLOW_COLUMNS, flow))


def projected_width_mm(tube: Tube, carm: Carm, positions_mm: FloatArray) -> FloatArray:
    """Return the (n,) widths in the patient that a C-arm sees at arc lengths of a tube.

    The width of the section's ellipse in the direction across both the vein and the ray.
    """
    centre, tangent = tube.curve.at(positions_mm), tube.curve.tangent_at(positions_mm)
    across = np.cross(tangent, centre - carm.source_lps_mm)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    first, second = tube.curve.axes_at(positions_mm)
    known, profile = tube.curve.positions_mm, tube.profile
    angle = np.interp(positions_mm, known, profile.angle_rad)
    x, y = np.einsum("ij,ij->i", across, first), np.einsum("ij,ij->i", across, second)
    along = np.interp(positions_mm, known, profile.first_mm) * (
        x * np.cos(angle) + y * np.sin(angle)
    )
    beside = np.interp(positions_mm, known, profile.second_mm) * (
        y * np.cos(angle) - x * np.sin(angle)
    )
    width: FloatArray = 2 * np.hypot(along, beside)
    return width


def _projected(tube: Tube, number: int, span: Span, run: XaRun, step_mm: float) -> Iterator[Row]:
    carm = run.settings.carm
    along = np.arange(0.0, span.stop_mm - span.start_mm + 1e-6, step_mm)
    at = span.start_mm + along
    centre = tube.curve.at(at)
    place = carm.project(centre)
    steps = np.linalg.norm(np.diff(place, axis=0), axis=1)
    position_px = np.concatenate([[0.0], np.cumsum(steps)])
    shut = is_occluded(tube, at)
    width = np.where(shut, 0.0, projected_width_mm(tube, carm, at))
    scale = carm.pixel_mm / carm.magnification(centre)
    arrival = run.flow.arrival(number, at)
    size = sections_at(tube, at)
    lost = 1 - size.area_mm2 / size.healthy_area_mm2
    for index in range(len(at)):
        column, row = (float(value) for value in place[index])
        seen = -0.5 <= column < carm.columns - 0.5 and -0.5 <= row < carm.rows - 0.5
        narrow = "stenotic" if lost[index] >= 0.5 - 1e-9 else "patent"
        yield {
            "vessel": span.name,
            "position_px": float(position_px[index]),
            "column_px": column,
            "row_px": row,
            "diameter_px": float(width[index] / scale[index]),
            "diameter_mm": float(width[index]),
            "diameter_low_mm": None,
            "diameter_high_mm": None,
            "length_kind": "calibrated",
            "state": "occluded" if shut[index] else narrow,
            "flags": "" if seen else "outside_image",
            "position_mm": float(along[index]),
            "mm_per_px": float(scale[index]),
            "arrival_s": float(arrival[index]) if np.isfinite(arrival[index]) else None,
        }
