"""From centerlines and gray values to diameters, areas and their intervals."""

from __future__ import annotations

from venoseg.lumen.measure import Measurements, measure, measure_along
from venoseg.lumen.profile import VesselProfile
from venoseg.lumen.update import remeasure, with_contour

__all__ = [
    "Measurements",
    "VesselProfile",
    "measure",
    "measure_along",
    "remeasure",
    "with_contour",
]
