"""From centerlines and gray values to diameters, areas and their intervals."""

from __future__ import annotations

from venoseg.lumen.measure import Measurements, measure
from venoseg.lumen.profile import VesselProfile

__all__ = ["Measurements", "VesselProfile", "measure"]
