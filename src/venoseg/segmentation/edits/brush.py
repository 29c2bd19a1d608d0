"""Brushes: balls and discs of a size in millimetres, drawn along a stroke."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from venoseg.errors import UsageError
from venoseg.segmentation.edits.records import (
    Box,
    Edit,
    LabelArray,
    Pen,
    box_around,
    is_empty,
    merged,
    written,
)
from venoseg.volume import BoolArray, FloatArray, Grid, Volume


def paint_ball(
    labels: LabelArray,
    grid: Grid,
    stroke_lps_mm: npt.ArrayLike,
    radius_mm: float,
    pen: Pen,
    image: Volume | None = None,
) -> Edit:
    """Paint with a ball that was drawn along a stroke.

    Parameters
    ----------
    labels
        (slices, rows, columns); not changed.
    grid
        Its place in the patient.
    stroke_lps_mm
        (3,) one place or (n, 3) places of the ball's middle; between them it moves straight.
    radius_mm
        Of the ball: every voxel whose centre it covered is painted.
    pen
        The label, and where it may be written.
    image
        The image on the same grid; needed when the pen has a window.

    Raises
    ------
    UsageError
        When the radius is not a length, or the pen has a window and there is no image.
    """
    stroke = _checked(stroke_lps_mm, radius_mm)
    edits = []
    for first, last in _moves(stroke):
        ends = np.stack([first, last])
        box = box_around(grid, ends, radius_mm)
        if is_empty(box):
            continue
        centers = grid.to_index(ends)
        near = _distance_squared(box, grid, centers[0], centers[1]) <= radius_mm**2
        edits.append(written(labels, box, near, pen, image))
    return merged(labels, edits)


def paint_disc(
    labels: LabelArray,
    grid: Grid,
    stroke_lps_mm: npt.ArrayLike,
    radius_mm: float,
    normal: npt.ArrayLike,
    pen: Pen,
    image: Volume | None = None,
) -> Edit:
    """Paint with a disc that was drawn along a stroke in its plane.

    The disc is as thick as the voxels are across it, so that on a slice it paints that slice alone
    and on an oblique plane it leaves no gaps.

    Parameters
    ----------
    labels, grid, stroke_lps_mm, radius_mm, pen, image
        As for `paint_ball`.
    normal
        (3,) LPS direction across the disc, of any length.

    Raises
    ------
    UsageError
        When the radius or the normal has no length, or the pen has a window and there is no image.
    """
    stroke = _checked(stroke_lps_mm, radius_mm)
    axis = unit_vector(normal)
    half_mm = half_thickness_mm(grid, axis)
    edits = []
    for first, last in _moves(stroke):
        ends = np.stack([first, last])
        box = box_around(grid, ends, radius_mm + half_mm)
        if is_empty(box):
            continue
        height = heights_mm(box, grid, first, axis)
        centers = grid.to_index(ends)
        squared = _distance_squared(box, grid, centers[0], centers[1]) - height**2
        near = (squared <= radius_mm**2) & in_slab(height, half_mm)
        edits.append(written(labels, box, near, pen, image))
    return merged(labels, edits)


def unit_vector(direction: npt.ArrayLike) -> FloatArray:
    """Return a direction at length one.

    Raises
    ------
    UsageError
        When it has no length.
    """
    vector = np.asarray(direction, dtype=np.float64)
    length = float(np.linalg.norm(vector))
    if not (np.isfinite(length) and length > 0):
        raise UsageError("the direction of the plane has no length")
    return vector / length


def half_thickness_mm(grid: Grid, normal: FloatArray) -> float:
    """Return half the thickness a plane needs to be drawn without gaps.

    Along an axis of the grid it is half a voxel; across a corner, half the voxel's width there.
    """
    return 0.5 * float(np.abs(grid.directions.T @ normal) @ grid.spacing_mm)


def heights_mm(box: Box, grid: Grid, point_lps_mm: npt.ArrayLike, normal: FloatArray) -> FloatArray:
    """Return for every voxel of a box its distance from a plane, positive along the normal."""
    along = (grid.directions.T @ normal) * grid.spacing_mm
    center = grid.to_index(point_lps_mm)
    parts = [
        (np.arange(s.start, s.stop) - c) * a for s, c, a in zip(box, center, along, strict=True)
    ]
    heights: FloatArray = parts[0][:, None, None] + parts[1][None, :, None] + parts[2]
    return heights


def in_slab(heights: FloatArray, half_mm: float) -> BoolArray:
    """Tell which heights lie in a slab; of two slices that it just touches it holds one."""
    hair = 1e-6
    inside: BoolArray = (heights <= half_mm + hair) & (heights > -half_mm + hair)
    return inside


def _checked(stroke_lps_mm: npt.ArrayLike, radius_mm: float) -> FloatArray:
    if not (np.isfinite(radius_mm) and radius_mm > 0):
        raise UsageError(f"a brush of {radius_mm} mm has no size", remedy="use a radius above 0")
    stroke = np.atleast_2d(np.asarray(stroke_lps_mm, dtype=np.float64))
    if stroke.ndim != 2 or stroke.shape[1] != 3 or not np.isfinite(stroke).all():
        raise UsageError("a stroke is made of points (x, y, z) in millimetres")
    return stroke


def _moves(stroke: FloatArray) -> list[tuple[FloatArray, FloatArray]]:
    if len(stroke) == 1:
        return [(stroke[0], stroke[0])]
    return list(itertools.pairwise(stroke))


def _distance_squared(box: Box, grid: Grid, first: FloatArray, last: FloatArray) -> FloatArray:
    """Return for every voxel of a box its squared distance in mm from a line of indices."""
    spacing = grid.spacing_mm
    offsets = [
        (np.arange(s.start, s.stop) - p) * mm for s, p, mm in zip(box, first, spacing, strict=True)
    ]
    way = (last - first) * spacing
    length_squared = float(way @ way)
    squared: FloatArray = (
        (offsets[0] ** 2)[:, None, None] + (offsets[1] ** 2)[None, :, None] + offsets[2] ** 2
    )
    if length_squared == 0.0:
        return squared
    along = (
        (offsets[0] * way[0])[:, None, None]
        + (offsets[1] * way[1])[None, :, None]
        + offsets[2] * way[2]
    ) / length_squared
    share = np.clip(along, 0.0, 1.0)
    nearest: FloatArray = squared + share * (share - 2.0 * along) * length_squared
    return nearest
