"""Which voxel belongs to which vein."""

from __future__ import annotations

from venoseg.segmentation.model import Segmentation

__all__ = ["Segmentation"]
