"""Measurements and centerlines as JSON documents."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from venoseg.anatomy import BY_NAME
from venoseg.centerline import Branch, VesselTree
from venoseg.lumen import Measurements, VesselProfile
from venoseg.lumen.assess import ENHANCED_HU
from venoseg.lumen.tables.lesions import STENOTIC_DIAMETER_PERCENT, compression_index
from venoseg.lumen.tables.references import ReferenceLine
from venoseg.lumen.tables.stenosis import STENOTIC_AREA_PERCENT
from venoseg.segmentation import Level
from venoseg.tables import Table

NOTICE = "Research software, not a medical device."

_METHODS = {
    "centerline": "centres of area of the labels' sections across the vein, smoothed by a cubic "
    "spline; stations at equal arc length from the central end",
    "gray": "the edge where a step blurred like the image fits best along the normals of the "
    "outline, averaged over the neighbouring wall, corrected for the blur of a curved edge "
    "and, in fat, for the vein's own wall",
    "mask": "the labels' own edge, found in the same way in the labels",
    "interval": "95 %, from the scatter of the edge along the wall, the blur, the sampling and the "
    "unknown thickness of a wall in fat; it does not hold errors of the labels' anatomy or of "
    "breathing",
    "stent": "middle of the wires, a line as wide as the blur along the normals, led through the "
    "struts; the lumen inside from a joint fit of blurred lumen, tissue of 55 HU and wire, the "
    "metal free on every ray",
    "area_stenosis": "100 (1 - smallest area / reference area)",
    "diameter_stenosis": "100 (1 - smallest least width / diameter of the reference circle)",
    "compression": "least width / greatest width of one section (Feret): 1 is round. The place "
    "where an artery crosses is not sought; the flattest place of each vein is given",
}


def measurements_document(found: Measurements) -> dict[str, Any]:
    """Return everything measured, with definitions, provenance, parameters and warnings."""
    source = {k: v for k, v in asdict(found.source).items() if k != "sop_instance_uids"}
    return {
        "notice": NOTICE,
        "software": {"name": "venoseg", "version": version("venoseg")},
        "frame": "patient coordinates, DICOM LPS, mm",
        "source": source
        | {
            "shape": list(found.volume.grid.shape),
            "spacing_mm": _rounded(found.volume.grid.spacing_mm),
            "unit": found.volume.unit,
        },
        "labels": {
            "origin": found.segmentation.origin,
            "vessels": sorted(set(found.segmentation.names.values())),
            "flags": list(found.segmentation.flags),
        },
        "levels": [_level(level, found.tree) for level in found.segmentation.levels],
        "parameters": dict(found.parameters)
        | {
            "stenotic_area_percent": STENOTIC_AREA_PERCENT,
            "stenotic_diameter_percent": STENOTIC_DIAMETER_PERCENT,
            "enhanced_hu": ENHANCED_HU,
        },
        "references": _references(found),
        "methods": _METHODS,
        "definitions": {
            column.name: column.meaning
            for table in (found.lesions, found.cross_sections, found.segments)
            for column in table.columns
        },
        "lumen_definitions": {c.name: c.meaning for c in found.lumens.columns},
        "stent_definitions": {c.name: c.meaning for c in found.stents.columns},
        "collateral_definitions": {c.name: c.meaning for c in found.collaterals.columns},
        "warnings": list(found.warnings),
        "segments": _rows(found.segments),
        "lesions": _rows(found.lesions),
        "compression": [_compression(profile) for profile in found.profiles],
        "lumens": _rows(found.lumens),
        "stents": _rows(found.stents),
        "collaterals": _rows(found.collaterals),
        "cross_sections": _rows(found.cross_sections),
    }


def centerline_document(tree: VesselTree) -> dict[str, Any]:
    """Return the tree of centerlines."""
    confluence = tree.confluence_lps_mm
    return {
        "notice": NOTICE,
        "frame": "patient coordinates, DICOM LPS, mm; points and tangents from the central end",
        "confluence_lps_mm": None if confluence is None else _rounded(confluence),
        "branches": [_branch(branch) for branch in tree.branches],
    }


def to_json(document: dict[str, Any]) -> str:
    """Return a document as text; the same document gives the same bytes."""
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _branch(branch: Branch) -> dict[str, Any]:
    return {
        "vessel": branch.vessel,
        "title": BY_NAME[branch.vessel].title,
        "parent": branch.parent,
        "central_end": branch.central_end,
        "peripheral_end": branch.peripheral_end,
        "length_mm": round(branch.curve.length_mm, 3),
        "position_mm": _rounded(branch.curve.position_mm),
        "points_lps_mm": _rounded(branch.curve.points_lps_mm),
        "tangents": _rounded(branch.curve.tangents, 6),
        "flags": list(branch.flags),
    }


def _level(level: Level, tree: VesselTree) -> dict[str, Any]:
    """Return a level, with the vein and the position on its centerline that it lies nearest to."""
    side = next((side for side in ("left", "right") if level.name.startswith(side)), "ivc")
    vessel, position = None, None
    if level.lps_mm is not None:
        nearest = [
            (float(away.min()), branch.vessel, float(branch.curve.position_mm[np.argmin(away)]))
            for branch in tree.branches
            if branch.vessel.startswith(side) and "internal" not in branch.vessel
            for away in [np.linalg.norm(branch.curve.points_lps_mm - level.lps_mm, axis=1)]
        ]
        _, vessel, position = min(nearest, default=(0.0, None, None))
    return {
        "name": level.name,
        "vessel": vessel,
        "position_mm": None if position is None else round(position, 2),
        "lps_mm": None if level.lps_mm is None else list(level.lps_mm),
        "uncertainty_mm": level.uncertainty_mm,
        "confidence": level.confidence,
        "reasons": list(level.reasons),
    }


def _references(found: Measurements) -> dict[str, Any]:
    return {vessel: _reference(line) for vessel, line in found.references.items()}


def _reference(line: ReferenceLine | None) -> dict[str, Any] | None:
    """Return a reference; where it changes along the vein, the station's area is in ``lesions``."""
    if line is None:
        return None
    known = line.areas_mm2[~np.isnan(line.areas_mm2)]
    return {
        "kind": line.kind,
        "area_mm2": round(float(known[0]), 2) if np.ptp(known) == 0.0 else None,
        "least_area_mm2": round(float(known.min()), 2),
        "greatest_area_mm2": round(float(known.max()), 2),
        "source": line.source,
        "flags": list(line.flags),
    }


def _compression(profile: VesselProfile) -> dict[str, Any]:
    """Return where a vein is flattest."""
    index = compression_index(profile)
    known = bool(profile.measured.any())
    n = int(np.nanargmin(index)) if known else 0
    return {
        "vessel": profile.vessel,
        "least_compression_index": round(float(index[n]), 3) if known else None,
        "position_mm": round(float(profile.branch.curve.position_mm[n]), 2) if known else None,
        "least_width_mm": round(float(profile.shapes.minimum_mm[n]), 3) if known else None,
        "greatest_width_mm": round(float(profile.shapes.maximum_mm[n]), 3) if known else None,
    }


def _rows(table: Table) -> list[dict[str, Any]]:
    return [dict(row) for row in table.rows]


def _rounded(values: npt.ArrayLike, decimals: int = 4) -> Any:
    return (np.round(np.asarray(values, dtype=np.float64), decimals) + 0.0).tolist()
