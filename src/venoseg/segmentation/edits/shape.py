"""Changes of the shape of one label: grow, shrink, smooth, fill gaps, drop islands, close holes.

Each returns an `Edit` and changes nothing. A label is looked for in the whole array unless a box
is named, in which case nothing outside that box is changed.
"""

from __future__ import annotations

import itertools

import numpy as np
from scipy import ndimage

from venoseg.errors import UsageError
from venoseg.segmentation.edits.records import (
    Box,
    Edit,
    LabelArray,
    Pen,
    edit_to,
    enlarged,
    is_empty,
    label_box,
    written,
)
from venoseg.volume import BoolArray, FloatArray, Grid, Volume

_CORNERS = ndimage.generate_binary_structure(3, 3)


def grow(
    labels: LabelArray,
    grid: Grid,
    pen: Pen,
    distance_mm: float,
    image: Volume | None = None,
    *,
    within: Box | None = None,
) -> Edit:
    """Let the pen's label grow in all directions.

    Parameters
    ----------
    labels
        (slices, rows, columns); not changed.
    pen
        The label that grows, over which labels it may, and on which gray values.
    distance_mm
        Voxels whose centres lie this near to the centre of a voxel of the label are added.
    image
        The image on the same grid; needed when the pen has a window.
    within
        The box that may change; None: all of the array.
    """
    _checked(distance_mm)
    start = label_box(labels, pen.value, within)
    if is_empty(start):
        return edit_to(labels, start, labels[start])
    box = _cut(enlarged(start, grid, distance_mm), within)
    inside = labels[box] == pen.value
    distance = ndimage.distance_transform_edt(~inside, sampling=grid.spacing_mm)
    return written(labels, box, ~inside & (distance <= distance_mm + _HAIR_MM), pen, image)


def shrink(
    labels: LabelArray, grid: Grid, value: int, distance_mm: float, *, within: Box | None = None
) -> Edit:
    """Take a layer off a label wherever it borders on background.

    Voxels whose centres lie within ``distance_mm`` of the centre of a background voxel are
    removed. Where the label goes on in another label, or at the edge of the image, it is not
    shortened.
    """
    _checked(distance_mm)
    start = label_box(labels, value, within)
    box = start if is_empty(start) else enlarged(start, grid, distance_mm)
    part = labels[box]
    if is_empty(start) or part.all():
        return edit_to(labels, box, part)
    distance = ndimage.distance_transform_edt(part > 0, sampling=grid.spacing_mm)
    thin = (part == value) & (distance <= distance_mm + _HAIR_MM) & _allowed(box, within)
    return edit_to(labels, box, np.where(thin, np.uint8(0), part))


def smooth(
    labels: LabelArray, grid: Grid, value: int, detail_mm: float, *, within: Box | None = None
) -> Edit:
    """Smooth the surface of a label, keeping its border with other labels where it is.

    The voxels of all labels are blurred together by a Gaussian and cut where as many voxels lie
    inside as before: cut at one half, a vein of radius R would lose about s^2 / 2R of it. Of what
    that adds or removes, only what belongs to, or lies nearest to, ``value`` is changed.

    Parameters
    ----------
    labels, grid, value, within
        As for `shrink`.
    detail_mm
        Standard deviation s of the Gaussian: bumps much smaller than this go.
    """
    _checked(detail_mm)
    start = label_box(labels, value, within)
    if is_empty(start):
        return edit_to(labels, start, labels[start])
    box = enlarged(start, grid, 3.0 * detail_mm)
    part = labels[box]
    blurred = ndimage.gaussian_filter(
        (part > 0).astype(np.float32), detail_mm / grid.spacing_mm, mode="nearest", truncate=3.0
    )
    kept = np.count_nonzero(part)
    threshold = np.partition(blurred, -kept, axis=None)[-kept]
    inside = (blurred >= threshold) & _allowed(box, within)
    outside = (blurred < threshold) & _allowed(box, within)
    nearest = ndimage.distance_transform_edt(
        part == 0, sampling=grid.spacing_mm, return_distances=False, return_indices=True
    )
    own = part[tuple(nearest)] == value
    wanted = np.where(outside & (part == value), np.uint8(0), part)
    return edit_to(labels, box, np.where(inside & (part == 0) & own, np.uint8(value), wanted))


def fill_between_slices(
    labels: LabelArray, grid: Grid, pen: Pen, *, axis: int = 0, within: Box | None = None
) -> Edit:
    """Fill the slices between drawn ones with shapes that lead from one to the next.

    Between two drawn slices the signed distances from their outlines are mixed linearly (Raya and
    Udupa 1990, doi:10.1109/42.52980), about middles that move on a straight line, so that a vein
    that runs askew is followed.

    Parameters
    ----------
    labels, within
        As for `shrink`.
    pen
        The label, and over which labels it may be written.
    axis
        Index axis across the slices.
    """
    box = label_box(labels, pen.value, within)
    part = np.moveaxis(labels[box], axis, 0) == pen.value
    drawn = np.flatnonzero(part.any(axis=(1, 2)))
    filled = part.copy()
    spacing = np.delete(grid.spacing_mm, axis)
    for first, last in itertools.pairwise(drawn.tolist()):
        if last - first > 1:
            _fill_gap(filled, first, last, spacing)
    return written(labels, box, np.moveaxis(filled & ~part, 0, axis), pen)


def remove_islands(
    labels: LabelArray,
    grid: Grid,
    value: int,
    *,
    least_volume_mm3: float | None = None,
    within: Box | None = None,
) -> Edit:
    """Remove the pieces of a label that hang on nothing.

    Parameters
    ----------
    labels, grid, value, within
        As for `shrink`.
    least_volume_mm3
        Pieces smaller than this go; None: all but the largest.
    """
    box = label_box(labels, value, within)
    part = labels[box]
    pieces, count = ndimage.label(part == value, structure=_CORNERS)
    if count == 0:
        return edit_to(labels, box, part)
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    if least_volume_mm3 is None:
        keep = np.arange(count + 1) == 1 + int(np.argmax(sizes[1:]))
    else:
        keep = sizes * grid.voxel_volume_mm3 >= least_volume_mm3
    keep[0] = True
    return edit_to(labels, box, np.where(keep[pieces], part, np.uint8(0)))


def fill_holes(labels: LabelArray, value: int, *, within: Box | None = None) -> Edit:
    """Fill the cavities of a label: background from which no way leads out of it."""
    box = label_box(labels, value, within)
    part = labels[box]
    closed = ndimage.binary_fill_holes(part == value) & (part == 0)
    return edit_to(labels, box, np.where(closed, np.uint8(value), part))


# Distances are compared with this much to spare, so that 1 mm reaches a voxel 1 mm away.
_HAIR_MM = 1e-6


def _checked(length_mm: float) -> None:
    if not (np.isfinite(length_mm) and length_mm > 0):
        raise UsageError(f"{length_mm} mm is no length to change by", remedy="use one above 0")


def _cut(box: Box, within: Box | None) -> Box:
    if within is None:
        return box
    a, b, c = (
        slice(max(s.start, w.start), max(s.start, w.start, min(s.stop, w.stop)))
        for s, w in zip(box, within, strict=True)
    )
    return a, b, c


def _allowed(box: Box, within: Box | None) -> BoolArray:
    """Return True in the voxels of ``box`` that lie in ``within``."""
    if within is None:
        return np.ones([1, 1, 1], dtype=bool)
    sides = [
        (np.arange(s.start, s.stop) >= w.start) & (np.arange(s.start, s.stop) < w.stop)
        for s, w in zip(box, within, strict=True)
    ]
    allowed: BoolArray = sides[0][:, None, None] & sides[1][None, :, None] & sides[2]
    return allowed


def _fill_gap(filled: BoolArray, first: int, last: int, spacing_mm: FloatArray) -> None:
    """Fill the slices strictly between two drawn ones."""
    ends = [_signed_distance_mm(filled[n], spacing_mm) for n in (first, last)]
    middles = [np.argwhere(filled[n]).mean(axis=0) for n in (first, last)]
    for n in range(first + 1, last):
        share = (n - first) / (last - first)
        middle = (1 - share) * middles[0] + share * middles[1]
        moved = [
            ndimage.shift(end, middle - own, order=1, mode="nearest")
            for end, own in zip(ends, middles, strict=True)
        ]
        filled[n] = (1 - share) * moved[0] + share * moved[1] > 0


def _signed_distance_mm(mask: BoolArray, spacing_mm: FloatArray) -> FloatArray:
    """Return the distance to the outline, positive inside, 0 half way between voxels."""
    padded = np.pad(mask, 1)
    inside = ndimage.distance_transform_edt(padded, sampling=spacing_mm)
    outside = ndimage.distance_transform_edt(~padded, sampling=spacing_mm)
    signed: FloatArray = (inside - outside)[1:-1, 1:-1]
    return signed
