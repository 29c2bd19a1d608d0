"""Which voxel belongs to which vein."""

from __future__ import annotations

from venoseg.segmentation.edits import Edit, Pen, apply, eraser, undo
from venoseg.segmentation.edits_brush import paint_ball, paint_disc
from venoseg.segmentation.edits_contour import draw_contour
from venoseg.segmentation.edits_cut import cut_with_plane, relabel_branch
from venoseg.segmentation.edits_shape import (
    fill_between_slices,
    fill_holes,
    grow,
    remove_islands,
    shrink,
    smooth,
)
from venoseg.segmentation.model import OccludedCourse, Segmentation, VesselConfidence
from venoseg.segmentation.seeds import ROLES, Role, Seed
from venoseg.segmentation.stents import FoundStents, StentDevice, find_stents

__all__ = [
    "ROLES",
    "Edit",
    "FoundStents",
    "OccludedCourse",
    "Pen",
    "Role",
    "Seed",
    "Segmentation",
    "StentDevice",
    "VesselConfidence",
    "apply",
    "cut_with_plane",
    "draw_contour",
    "eraser",
    "fill_between_slices",
    "fill_holes",
    "find_stents",
    "grow",
    "paint_ball",
    "paint_disc",
    "relabel_branch",
    "remove_islands",
    "shrink",
    "smooth",
    "undo",
]
