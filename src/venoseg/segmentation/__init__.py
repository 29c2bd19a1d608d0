"""Which voxel belongs to which vein."""

from __future__ import annotations

from venoseg.segmentation.automatic import automatic
from venoseg.segmentation.edits import (
    Edit,
    Pen,
    apply,
    cut_with_plane,
    draw_contour,
    eraser,
    fill_between_slices,
    fill_holes,
    grow,
    paint_ball,
    paint_disc,
    relabel_branch,
    remove_islands,
    shrink,
    smooth,
    undo,
)
from venoseg.segmentation.extending import extend, with_levels
from venoseg.segmentation.guided import guided
from venoseg.segmentation.model import (
    LEAST_CONFIDENCE,
    CourseSource,
    Level,
    OccludedCourse,
    Segmentation,
    VesselConfidence,
)
from venoseg.segmentation.plugins import GROUP, outside_segmenter, segmenter_names
from venoseg.segmentation.refining import refine
from venoseg.segmentation.seeds import ROLES, Role, Seed
from venoseg.segmentation.segmenting import segment
from venoseg.segmentation.stents import FoundStents, StentDevice, find_stents

__all__ = [
    "GROUP",
    "LEAST_CONFIDENCE",
    "ROLES",
    "CourseSource",
    "Edit",
    "FoundStents",
    "Level",
    "OccludedCourse",
    "Pen",
    "Role",
    "Seed",
    "Segmentation",
    "StentDevice",
    "VesselConfidence",
    "apply",
    "automatic",
    "cut_with_plane",
    "draw_contour",
    "eraser",
    "extend",
    "fill_between_slices",
    "fill_holes",
    "find_stents",
    "grow",
    "guided",
    "outside_segmenter",
    "paint_ball",
    "paint_disc",
    "refine",
    "relabel_branch",
    "remove_islands",
    "segment",
    "segmenter_names",
    "shrink",
    "smooth",
    "undo",
    "with_levels",
]
