"""Cutting a label with a plane, and giving a piece of it another name."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.errors import UsageError
from venoseg.segmentation.edits.brush import half_thickness_mm, heights_mm, unit_vector
from venoseg.segmentation.edits.records import Edit, LabelArray, edit_to, is_empty, label_box
from venoseg.volume import Grid

_CORNERS = ndimage.generate_binary_structure(3, 3)


def cut_with_plane(
    labels: LabelArray,
    grid: Grid,
    value: int,
    point_lps_mm: npt.ArrayLike,
    normal: npt.ArrayLike,
    *,
    new_value: int = 0,
    reach_mm: float = 40.0,
) -> Edit:
    """Cut a label with a plane and remove, or rename, the part behind it.

    Only the part goes that hangs together with the cut: a stretch of the same vein that bends
    back behind the plane elsewhere stays.

    Parameters
    ----------
    labels
        (slices, rows, columns); not changed.
    value
        The label that is cut.
    point_lps_mm
        (3,) where the vein is cut.
    normal
        (3,) across the plane; it points to the part that goes.
    new_value
        What the part becomes; 0 removes it.
    reach_mm
        The cut reaches this far from the point within the plane.
    """
    axis, point = unit_vector(normal), _point(point_lps_mm)
    box = label_box(labels, value)
    part = labels[box]
    if is_empty(box):
        return edit_to(labels, box, part)
    height = heights_mm(box, grid, point, axis)
    behind = (part == value) & (height > 0)
    pieces, count = ndimage.label(behind, structure=_CORNERS)
    # One voxel deep behind the plane, and within reach of the point.
    index = np.argwhere(behind & (height <= 2.0 * half_thickness_mm(grid, axis)))
    places = grid.to_lps(index + [s.start for s in box])
    near = index[np.linalg.norm(places - point, axis=1) <= reach_mm]
    goes = np.zeros(count + 1, dtype=bool)
    goes[pieces[tuple(near.T)]] = True
    goes[0] = False
    return edit_to(labels, box, np.where(goes[pieces], np.uint8(new_value), part))


def relabel_branch(
    labels: LabelArray, grid: Grid, point_lps_mm: npt.ArrayLike, new_value: int
) -> Edit:
    """Give the connected piece of a label at a point another label.

    Raises
    ------
    UsageError
        When there is no label at the point.
    """
    index = np.rint(grid.to_index(_point(point_lps_mm))).astype(int)
    inside = bool(np.all((index >= 0) & (index < labels.shape)))
    value = int(labels[tuple(index)]) if inside else 0
    if value == 0:
        raise UsageError("there is no label at this place", remedy="click on a coloured vein")
    box = label_box(labels, value)
    part = labels[box]
    pieces, _ = ndimage.label(part == value, structure=_CORNERS)
    chosen = pieces[tuple(int(n) - s.start for n, s in zip(index, box, strict=True))]
    return edit_to(labels, box, np.where(pieces == chosen, np.uint8(new_value), part))


def _point(point_lps_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
    point = np.asarray(point_lps_mm, dtype=np.float64)
    if point.shape != (3,) or not np.isfinite(point).all():
        raise UsageError("a place is a point (x, y, z) in millimetres")
    return point
