"""From centerlines and gray values to diameters, areas and their intervals."""

from __future__ import annotations

from venoseg.lumen.collaterals import Collaterals, find_collaterals
from venoseg.lumen.measure import Measurements, measure, measure_along, with_reference
from venoseg.lumen.profile import VesselProfile
from venoseg.lumen.tables.references import ReferenceRule
from venoseg.lumen.update import remeasure, with_contour

__all__ = [
    "Collaterals",
    "Measurements",
    "ReferenceRule",
    "VesselProfile",
    "find_collaterals",
    "measure",
    "measure_along",
    "remeasure",
    "with_contour",
    "with_reference",
]
