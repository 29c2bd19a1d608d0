"""Drawing the outline of a vein on an oblique plane and writing it back into the voxels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from skimage.measure import points_in_poly

from venoseg.errors import UsageError
from venoseg.segmentation.edits.brush import (
    half_thickness_mm,
    heights_mm,
    in_slab,
    unit_vector,
)
from venoseg.segmentation.edits.records import Edit, LabelArray, Pen, box_around, edit_to, written
from venoseg.volume import FloatArray, Grid

_LEAST_POINTS = 3


def draw_contour(
    labels: LabelArray,
    grid: Grid,
    pen: Pen,
    contour_lps_mm: npt.ArrayLike,
    normal: npt.ArrayLike,
    *,
    thickness_mm: float | None = None,
    replace_within_mm: float = 0.0,
) -> Edit:
    """Make a label fill an outline that was drawn on a plane.

    Parameters
    ----------
    labels
        (slices, rows, columns); not changed.
    grid
        Its place in the patient.
    pen
        The label and over which others it may be written; the window is not looked at, since the
        outline says where the edge is.
    contour_lps_mm
        (n, 3) corners of a closed outline in one plane, in order; first and last are joined.
    normal
        (3,) across the plane.
    thickness_mm
        Of the slab that is written, half of it on either side of the plane; None: just thick
        enough to leave no gaps.
    replace_within_mm
        In the slab, voxels of the label outside the outline, but no further from it than this,
        are erased: the outline takes the place of the old one.

    Raises
    ------
    UsageError
        When there are fewer than 3 corners or they do not lie in the plane.
    """
    contour = np.asarray(contour_lps_mm, dtype=np.float64)
    if contour.ndim != 2 or contour.shape[1] != 3 or len(contour) < _LEAST_POINTS:
        raise UsageError("an outline needs at least three corners")
    axis = unit_vector(normal)
    middle: FloatArray = contour.mean(axis=0)
    if float(np.abs((contour - middle) @ axis).max()) > float(grid.spacing_mm.max()):
        raise UsageError("the corners of the outline do not lie in its plane")
    half = half_thickness_mm(grid, axis) if thickness_mm is None else thickness_mm / 2.0
    box = box_around(grid, contour, half + replace_within_mm)
    across, upward = _plane_axes(axis)
    height = heights_mm(box, grid, middle, axis)
    slab = in_slab(height, half)
    x, y = heights_mm(box, grid, middle, across), heights_mm(box, grid, middle, upward)
    corners = np.column_stack([(contour - middle) @ across, (contour - middle) @ upward])
    points = np.column_stack([x[slab], y[slab]])
    inside = np.zeros(slab.shape, dtype=bool)
    inside[slab] = points_in_poly(points, corners)
    drawn = written(labels, box, inside, Pen(pen.value, pen.over))
    if replace_within_mm <= 0.0:
        return drawn
    near = np.zeros(slab.shape, dtype=bool)
    near[slab] = _distance_mm(points, corners) <= replace_within_mm
    wanted = labels[box].copy()
    wanted[near & ~inside & (wanted == pen.value)] = 0
    allowed = np.ones(slab.shape, dtype=bool)
    if pen.over is not None:
        allowed = np.isin(labels[box], pen.over)
    wanted[inside & allowed] = pen.value
    return edit_to(labels, box, wanted)


def _plane_axes(normal: FloatArray) -> tuple[FloatArray, FloatArray]:
    least = np.eye(3)[int(np.argmin(np.abs(normal)))]
    across = unit_vector(np.cross(normal, least))
    return across, np.cross(normal, across)


def _distance_mm(points: FloatArray, corners: FloatArray) -> FloatArray:
    """Return (n,) the distances of (n, 2) points from a closed polygon's edges."""
    ends = np.roll(corners, -1, axis=0)
    way = ends - corners
    squared = np.maximum(np.einsum("ij,ij->i", way, way), 1e-18)
    offsets = points[:, None, :] - corners
    share = np.clip(np.einsum("nij,ij->ni", offsets, way) / squared, 0.0, 1.0)
    gap = offsets - share[..., None] * way
    nearest: FloatArray = np.sqrt(np.einsum("nij,nij->ni", gap, gap).min(axis=1))
    return nearest
