"""Changes of a label map as small records that can be done, undone and done again."""

from __future__ import annotations

from venoseg.segmentation.edits.brush import paint_ball, paint_disc
from venoseg.segmentation.edits.contour import draw_contour
from venoseg.segmentation.edits.cut import cut_with_plane, relabel_branch
from venoseg.segmentation.edits.records import (
    EMPTY_BOX,
    Box,
    Edit,
    LabelArray,
    Pen,
    apply,
    box_around,
    edit_to,
    enlarged,
    eraser,
    is_empty,
    label_box,
    merged,
    undo,
    union,
)
from venoseg.segmentation.edits.shape import (
    fill_between_slices,
    fill_holes,
    grow,
    remove_islands,
    shrink,
    smooth,
)

__all__ = [
    "EMPTY_BOX",
    "Box",
    "Edit",
    "LabelArray",
    "Pen",
    "apply",
    "box_around",
    "cut_with_plane",
    "draw_contour",
    "edit_to",
    "enlarged",
    "eraser",
    "fill_between_slices",
    "fill_holes",
    "grow",
    "is_empty",
    "label_box",
    "merged",
    "paint_ball",
    "paint_disc",
    "relabel_branch",
    "remove_islands",
    "shrink",
    "smooth",
    "undo",
    "union",
]
