"""The truth beside a digital twin, in the columns of the contract's tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from venoseg.phantom.scene import Scene
from venoseg.phantom.tube import Span, Tube
from venoseg.tables import Column, Row, Table
from venoseg.volume import FloatArray

STENOTIC_PERCENT = 50.0
"""A section is called stenotic when it has lost at least this share of its healthy area."""

CROSS_SECTION_COLUMNS = (
    Column("vessel", "name of the vein"),
    Column("position_mm", "arc length from the vein's central end", 3),
    Column("x_mm", "centre of the lumen, LPS", 4),
    Column("y_mm", "centre of the lumen, LPS", 4),
    Column("z_mm", "centre of the lumen, LPS", 4),
    Column("nx", "unit tangent, pointing peripherally", 6),
    Column("ny", "unit tangent, pointing peripherally", 6),
    Column("nz", "unit tangent, pointing peripherally", 6),
    Column("state", "patent, stenotic or occluded"),
    Column("lumen_area_mm2", "area of the lumen across the tangent", 4),
    Column("lumen_area_low_mm2", "empty: the truth has no interval", 4),
    Column("lumen_area_high_mm2", "empty: the truth has no interval", 4),
    Column("equivalent_diameter_mm", "2 sqrt(area / pi)", 4),
    Column("minimum_diameter_mm", "smallest Feret diameter", 4),
    Column("minimum_diameter_low_mm", "empty: the truth has no interval", 4),
    Column("minimum_diameter_high_mm", "empty: the truth has no interval", 4),
    Column("maximum_diameter_mm", "largest Feret diameter", 4),
    Column("perimeter_mm", "length of the contour", 4),
    Column("inscribed_diameter_mm", "largest inscribed circle", 4),
    Column("lumen_components", "number of separate lumens"),
    Column("stent_area_mm2", "area inside the stent", 4),
    Column("stent_minimum_diameter_mm", "smallest Feret diameter of the stent", 4),
    Column("stent_maximum_diameter_mm", "largest Feret diameter of the stent", 4),
    Column("in_stent_area_stenosis_percent", "100 (1 - lumen area / stent area)", 3),
    Column("flags", "junction: another vein's lumen reaches into this section"),
)

SEGMENT_COLUMNS = (
    Column("vessel", "name of the vein"),
    Column("length_mm", "arc length", 3),
    Column("covered", "whether the twin shows the whole vein"),
    Column("minimum_area_mm2", "smallest area", 4),
    Column("minimum_area_position_mm", "where, from the central end", 3),
    Column("minimum_diameter_mm", "smallest minimum diameter", 4),
    Column("mean_area_mm2", "mean area along the length", 4),
    Column("maximum_area_mm2", "largest area", 4),
    Column("reference_kind", "same_site_healthy: the section without its lesion"),
    Column("reference_area_mm2", "area of the reference", 4),
    Column("area_stenosis_percent", "100 (1 - minimum / reference)", 3),
    Column("diameter_stenosis_percent", "the same of equivalent diameters", 3),
    Column("occluded_length_mm", "length without lumen", 3),
    Column("stented_length_mm", "length inside a stent", 3),
    Column("stent_minimum_area_mm2", "smallest area inside the stent", 4),
    Column("in_stent_area_stenosis_percent", "largest along the vein", 3),
    Column("state", "patent, stenotic or occluded"),
    Column("flags", "empty"),
)


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known about a twin: two tables with the columns of the contract.

    Each vein is described as its own tube. Where veins join, their lumens overlap and the section
    of one reaches into the other; such rows carry the flag ``junction`` and should not be scored.
    """

    cross_sections: Table
    segments: Table


def truth_of(scene: Scene, step_mm: float = 1.0) -> Truth:
    """Tabulate the truth of a scene's veins every ``step_mm`` along their centrelines."""
    sections: list[Row] = []
    segments: list[Row] = []
    for tube, span in _spans(scene):
        others = tuple(other for other in scene.tubes if other is not tube)
        sections.extend(_section_rows(tube, span, others, scene.fillet_mm, step_mm))
        segments.append(_segment_row(tube, span))
    return Truth(
        Table.from_rows(CROSS_SECTION_COLUMNS, sections),
        Table.from_rows(SEGMENT_COLUMNS, segments),
    )


def _spans(scene: Scene) -> Iterator[tuple[Tube, Span]]:
    for tube in scene.tubes:
        for span in tube.spans:
            yield tube, span


@dataclass(frozen=True, slots=True, eq=False)
class Sections:
    """Exact cross-sections of a tube at (n,) positions; lengths in mm, areas in mm2."""

    centres_lps_mm: FloatArray
    tangents: FloatArray
    area_mm2: FloatArray
    minimum_mm: FloatArray
    maximum_mm: FloatArray
    perimeter_mm: FloatArray
    healthy_area_mm2: FloatArray


def sections_at(tube: Tube, positions_mm: FloatArray) -> Sections:
    """Return the exact cross-sections of a tube at arc lengths from its central end."""
    from scipy.special import ellipe

    known = tube.curve.positions_mm
    first = np.interp(positions_mm, known, tube.profile.first_mm)
    second = np.interp(positions_mm, known, tube.profile.second_mm)
    small, large = np.minimum(first, second), np.maximum(first, second)
    return Sections(
        centres_lps_mm=tube.curve.at(positions_mm),
        tangents=tube.curve.tangent_at(positions_mm),
        area_mm2=np.pi * first * second,
        minimum_mm=2 * small,
        maximum_mm=2 * large,
        perimeter_mm=4 * large * ellipe(1 - (small / large) ** 2),
        healthy_area_mm2=np.interp(positions_mm, known, tube.profile.healthy_area_mm2),
    )


def contour_at(tube: Tube, position_mm: float, count: int = 90) -> FloatArray:
    """Return (count, 3) LPS points on the lumen's contour at one arc length."""
    at = np.array(position_mm)
    first, second = tube.curve.axes_at(at)
    known, profile = tube.curve.positions_mm, tube.profile
    angle = np.interp(position_mm, known, profile.angle_rad)
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    x = np.interp(position_mm, known, profile.first_mm) * np.cos(turn)
    y = np.interp(position_mm, known, profile.second_mm) * np.sin(turn)
    along, across = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
    contour: FloatArray = tube.curve.at(at) + along[:, None] * first + across[:, None] * second
    return contour


def _section_rows(
    tube: Tube, span: Span, others: tuple[Tube, ...], fillet_mm: float, step_mm: float
) -> Iterator[Row]:
    length = span.stop_mm - span.start_mm
    along = np.arange(0.0, length + 1e-6, step_mm)
    found = sections_at(tube, span.start_mm + along)
    for index, position in enumerate(along):
        area, healthy = float(found.area_mm2[index]), float(found.healthy_area_mm2[index])
        contour = contour_at(tube, float(span.start_mm + position))
        joins = any((other.distance(contour) < max(fillet_mm, 0.05)).any() for other in others)
        row: dict[str, str | float | int | bool | None] = {
            column.name: None for column in CROSS_SECTION_COLUMNS
        }
        row |= dict(zip(("x_mm", "y_mm", "z_mm"), found.centres_lps_mm[index], strict=True))
        row |= dict(zip(("nx", "ny", "nz"), found.tangents[index], strict=True))
        yield row | {
            "vessel": span.name,
            "position_mm": float(position),
            "state": _state(area, healthy),
            "lumen_area_mm2": area,
            "equivalent_diameter_mm": 2 * np.sqrt(area / np.pi),
            "minimum_diameter_mm": float(found.minimum_mm[index]),
            "maximum_diameter_mm": float(found.maximum_mm[index]),
            "perimeter_mm": float(found.perimeter_mm[index]),
            "inscribed_diameter_mm": float(found.minimum_mm[index]),
            "lumen_components": 1,
            "flags": "junction" if joins else "",
        }


def _segment_row(tube: Tube, span: Span) -> Row:
    positions = np.linspace(span.start_mm, span.stop_mm, 4001)
    found = sections_at(tube, positions)
    # A vein that is narrow everywhere is not stenosed: the reference is the same site unharmed.
    worst = int(np.argmin(found.area_mm2 / found.healthy_area_mm2))
    smallest = int(np.argmin(found.area_mm2))
    area, healthy = float(found.area_mm2[worst]), float(found.healthy_area_mm2[worst])
    lost = 100 * (1 - area / healthy)
    return {
        "vessel": span.name,
        "length_mm": span.stop_mm - span.start_mm,
        "covered": True,
        "minimum_area_mm2": float(found.area_mm2[smallest]),
        "minimum_area_position_mm": float(positions[smallest] - span.start_mm),
        "minimum_diameter_mm": float(found.minimum_mm.min()),
        "mean_area_mm2": float(found.area_mm2.mean()),
        "maximum_area_mm2": float(found.area_mm2.max()),
        "reference_kind": "same_site_healthy",
        "reference_area_mm2": healthy,
        "area_stenosis_percent": lost,
        "diameter_stenosis_percent": 100 * (1 - np.sqrt(area / healthy)),
        "occluded_length_mm": 0.0,
        "stented_length_mm": 0.0,
        "stent_minimum_area_mm2": None,
        "in_stent_area_stenosis_percent": None,
        "state": _state(area, healthy),
        "flags": "",
    }


def _state(area_mm2: float, healthy_mm2: float) -> str:
    lost = 100 * (1 - area_mm2 / healthy_mm2)
    return "stenotic" if lost >= STENOTIC_PERCENT - 1e-9 else "patent"
