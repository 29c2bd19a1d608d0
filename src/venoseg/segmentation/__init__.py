"""Which voxel belongs to which vein."""

from __future__ import annotations

from venoseg.segmentation.model import OccludedCourse, Segmentation, VesselConfidence
from venoseg.segmentation.seeds import ROLES, Role, Seed

__all__ = ["ROLES", "OccludedCourse", "Role", "Seed", "Segmentation", "VesselConfidence"]
