"""The truth beside a digital twin, in the columns of the contract's tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from venoseg.anatomy import BY_NAME
from venoseg.phantom.scene import Scene
from venoseg.phantom.sections import (
    Sections,
    contour_at,
    is_occluded,
    lumen_along,
    stent_along,
)
from venoseg.phantom.tube import Span, Tube
from venoseg.tables import Column, Row, Table, Value
from venoseg.volume import BoolArray, FloatArray

STENOTIC_PERCENT = 50.0
"""A section is called stenotic, as by `venoseg measure`, when it lacks at least this share of the
area that is expected of its vein; of a vein of which nothing is expected, of its healthy area."""

STATE_MEANS = "occluded; stenotic: half of the vein's expected normal area or less; else patent"

CROSS_SECTION_COLUMNS = (
    Column("vessel", "name of the vein"),
    Column("position_mm", "arc length from the vein's central end", 3),
    Column("x_mm", "centre of the lumen, LPS", 4),
    Column("y_mm", "centre of the lumen, LPS", 4),
    Column("z_mm", "centre of the lumen, LPS", 4),
    Column("nx", "unit tangent, pointing peripherally", 6),
    Column("ny", "unit tangent, pointing peripherally", 6),
    Column("nz", "unit tangent, pointing peripherally", 6),
    Column("state", STATE_MEANS),
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
    Column("state", STATE_MEANS),
    Column("flags", "empty"),
)

COLLATERAL_COLUMNS = (
    Column("collateral", "name of the vessel"),
    Column("from_node", "where its central end joins"),
    Column("to_node", "where its peripheral end joins"),
    Column("length_mm", "arc length", 2),
    Column("mean_diameter_mm", "mean equivalent diameter", 3),
    Column("volume_mm3", "volume of its lumen", 1),
)


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known about a twin, in tables with the columns of the contract.

    Each vein is described as its own tube. Where veins join, their lumens overlap and the section
    of one reaches into the other; such rows carry the flag ``junction`` and should not be scored.
    Further flags: ``channels`` (several lumens), ``thrombus`` (contrast around a clot), ``stent``.

    Attributes
    ----------
    cross_sections, segments
        The contract's tables.
    collaterals
        One row per vessel of the collateral network; empty when there is none.
    collateral_loops
        How many independent loops the network has.
    """

    cross_sections: Table
    segments: Table
    collaterals: Table
    collateral_loops: int = 0


def truth_of(scene: Scene, step_mm: float = 1.0) -> Truth:
    """Tabulate the truth of a scene's veins every ``step_mm`` along their centrelines."""
    sections: list[Row] = []
    segments: list[Row] = []
    for tube, span in _axes(scene):
        sections.extend(_section_rows(scene, tube, span, step_mm))
        segments.append(_segment_row(scene, tube, span))
    return Truth(
        Table.from_rows(CROSS_SECTION_COLUMNS, sections),
        Table.from_rows(SEGMENT_COLUMNS, segments),
        Table.from_rows(COLLATERAL_COLUMNS, _collateral_rows(scene)),
        _loops(scene),
    )


def _axes(scene: Scene) -> Iterator[tuple[Tube, Span]]:
    """Give the tube that is the axis of each vein: the first one that holds it."""
    seen: set[str] = set()
    for tube in scene.tubes:
        for span in tube.spans:
            if span.name not in seen:
                seen.add(span.name)
                yield tube, span


def _section_rows(scene: Scene, tube: Tube, span: Span, step_mm: float) -> Iterator[Row]:
    along = np.arange(0.0, span.stop_mm - span.start_mm + 1e-6, step_mm)
    at = span.start_mm + along
    found = lumen_along(scene, tube, span, at)
    stent = stent_along(scene, tube, at)
    shut = is_occluded(tube, at)
    for index, position in enumerate(along):
        row: dict[str, Value] = {column.name: None for column in CROSS_SECTION_COLUMNS}
        row |= dict(zip(("x_mm", "y_mm", "z_mm"), found.centres_lps_mm[index], strict=True))
        row |= dict(zip(("nx", "ny", "nz"), found.tangents[index], strict=True))
        row |= {"vessel": span.name, "position_mm": float(position)}
        row |= _lumen_values(found, index, _state(span.name, found, index, bool(shut[index])))
        row |= _stent_values(found, stent, index)
        row["flags"] = " ".join(_flags(scene, tube, float(at[index]), row))
        yield row


def _lumen_values(found: Sections, index: int, state: str) -> dict[str, Value]:
    area = float(found.area_mm2[index])
    return {
        "state": state,
        "lumen_area_mm2": area,
        "equivalent_diameter_mm": 2 * float(np.sqrt(area / np.pi)),
        "minimum_diameter_mm": float(found.minimum_mm[index]),
        "maximum_diameter_mm": float(found.maximum_mm[index]),
        "perimeter_mm": float(found.perimeter_mm[index]),
        "inscribed_diameter_mm": float(found.inscribed_mm[index]),
        "lumen_components": int(found.components[index]),
    }


def _stent_values(found: Sections, stent: Sections | None, index: int) -> dict[str, Value]:
    if stent is None or stent.area_mm2[index] == 0:
        return {}
    inside = float(stent.area_mm2[index])
    return {
        "stent_area_mm2": inside,
        "stent_minimum_diameter_mm": float(stent.minimum_mm[index]),
        "stent_maximum_diameter_mm": float(stent.maximum_mm[index]),
        "in_stent_area_stenosis_percent": 100 * (1 - float(found.area_mm2[index]) / inside),
    }


def _flags(scene: Scene, tube: Tube, at_mm: float, row: Row) -> Iterator[str]:
    contour = contour_at(tube, at_mm)
    others = [other for other in scene.tubes if other is not tube]
    components = row["lumen_components"]
    if isinstance(components, int) and components > 1:
        yield "channels"
    elif any((other.distance(contour) < max(scene.fillet_mm, 0.05)).any() for other in others):
        yield "junction"
    centre = tube.curve.at(at_mm)[None]
    if any(core.curve is tube.curve and core.distance(centre)[0] < 0 for core in scene.cores):
        yield "thrombus"
    if row["stent_area_mm2"] is not None:
        yield "stent"


def _segment_row(scene: Scene, tube: Tube, span: Span) -> Row:
    positions = np.linspace(span.start_mm, span.stop_mm, 4001)
    found = lumen_along(scene, tube, span, positions)
    shut = is_occluded(tube, positions)
    length = span.stop_mm - span.start_mm
    # A vein that is narrow everywhere is not stenosed: the reference is the same site unharmed.
    worst = int(np.argmin(found.area_mm2 / found.healthy_area_mm2))
    smallest = int(np.argmin(found.area_mm2))
    area, healthy = float(found.area_mm2[worst]), float(found.healthy_area_mm2[worst])
    return {
        "vessel": span.name,
        "length_mm": length,
        "covered": True,
        "minimum_area_mm2": float(found.area_mm2[smallest]),
        "minimum_area_position_mm": float(positions[smallest] - span.start_mm),
        "minimum_diameter_mm": float(found.minimum_mm.min()),
        "mean_area_mm2": float(found.area_mm2.mean()),
        "maximum_area_mm2": float(found.area_mm2.max()),
        "reference_kind": "same_site_healthy",
        "reference_area_mm2": healthy,
        "area_stenosis_percent": 100 * (1 - area / healthy),
        "diameter_stenosis_percent": 100 * (1 - float(np.sqrt(area / healthy))),
        "occluded_length_mm": length * float(shut.mean()),
        **_stent_summary(found, stent_along(scene, tube, positions), length),
        "state": _state(span.name, found, smallest, bool(shut.any())),
        "flags": "",
    }


def _stent_summary(found: Sections, stent: Sections | None, length_mm: float) -> dict[str, Value]:
    inside: BoolArray = np.zeros(1, bool) if stent is None else stent.area_mm2 > 0
    if stent is None or not inside.any():
        return {
            "stented_length_mm": 0.0,
            "stent_minimum_area_mm2": None,
            "in_stent_area_stenosis_percent": None,
        }
    lost: FloatArray = 1 - found.area_mm2[inside] / stent.area_mm2[inside]
    return {
        "stented_length_mm": length_mm * float(inside.mean()),
        "stent_minimum_area_mm2": float(stent.area_mm2[inside].min()),
        "in_stent_area_stenosis_percent": 100 * float(lost.max()),
    }


def _state(vessel: str, found: Sections, index: int, shut: bool) -> str:
    if shut:
        return "occluded"
    expected = BY_NAME[vessel].reference if vessel in BY_NAME else None
    whole = float(found.healthy_area_mm2[index]) if expected is None else expected.area_mm2
    lost = 100 * (1 - float(found.area_mm2[index]) / whole)
    return "stenotic" if lost >= STENOTIC_PERCENT - 1e-9 else "patent"


def _collateral_rows(scene: Scene) -> Iterator[Row]:
    for link in scene.collaterals:
        area = np.pi * link.tube.profile.first_mm * link.tube.profile.second_mm
        length = link.tube.curve.length_mm
        yield {
            "collateral": link.name,
            "from_node": link.central.node,
            "to_node": link.peripheral.node,
            "length_mm": length,
            "mean_diameter_mm": 2 * float(np.sqrt(area / np.pi).mean()),
            "volume_mm3": float(area.mean()) * length,
        }


def _loops(scene: Scene) -> int:
    """Count independent loops of the collaterals: links minus nodes plus connected parts."""
    joined: dict[str, str] = {}

    def root(node: str) -> str:
        joined.setdefault(node, node)
        while joined[node] != node:
            node = joined[node]
        return node

    loops = 0
    for link in scene.collaterals:
        first, second = root(link.central.node), root(link.peripheral.node)
        loops += first == second
        joined[first] = second
    return loops
