"""Changes of a label map as small records that can be done, undone and done again.

Every editing operation looks at an array of labels, changes nothing, and returns an `Edit`: the
box that changes and the voxels' labels before and after. `apply` writes it, `undo` takes it back.
An operation works in the box around what it may change, so that a stroke costs the same in a
small and in a large image. Lengths are millimetres in the patient whatever the voxels' shape and
the grid's direction.

The array is that of `Segmentation.labels`, or the stent's mask seen as uint8 (0 and 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from venoseg.errors import LabelError, UsageError
from venoseg.volume import BoolArray, FloatArray, Grid, Volume

LabelArray = npt.NDArray[np.uint8]

Box = tuple[slice, slice, slice]

EMPTY_BOX: Box = (slice(0, 0), slice(0, 0), slice(0, 0))


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """What an operation changes.

    Attributes
    ----------
    box
        The smallest box around the n changed voxels, step 1, explicit ends; empty when none.
    places
        (n,) uint32, ascending: the voxels' places in the box, counted along its rows.
    old, new
        (n,) uint8, their labels before and after.
    """

    box: Box
    places: npt.NDArray[np.uint32]
    old: npt.NDArray[np.uint8]
    new: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.places)

    @property
    def reverse(self) -> Edit:
        """The edit that takes this one back."""
        return replace(self, old=self.new, new=self.old)

    @property
    def values(self) -> tuple[int, ...]:
        """The labels that lose or gain voxels, background aside."""
        return tuple(int(v) for v in np.union1d(self.old, self.new) if v)


@dataclass(frozen=True, slots=True)
class Pen:
    """What is written, and where writing is allowed.

    Attributes
    ----------
    value
        The label that is written; 0 erases.
    over
        The labels that may be written over; by default background alone, so that no other vein
        is touched. None: every label.
    window_hu
        The lowest and the highest gray value on which is written; None: every one.
    """

    value: int
    over: tuple[int, ...] | None = (0,)
    window_hu: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.value <= 255:
            raise UsageError(f"{self.value} is no label", remedy="use a number from 0 to 255")


def eraser(*values: int) -> Pen:
    """Return the pen that erases the labels ``values``, or every label when none is given."""
    return Pen(0, over=values or None)


def apply(labels: LabelArray, edit: Edit) -> None:
    """Write an edit into ``labels``.

    Raises
    ------
    LabelError
        When the voxels do not carry the labels that the edit was made on; nothing is written.
    """
    if not len(edit):
        return
    part = labels[edit.box]
    where = np.unravel_index(edit.places, part.shape)
    if not np.array_equal(part[where], edit.old):
        raise LabelError(
            "the labels are not those that this change was made on",
            remedy="open the case again; changes are applied in the order they were made",
        )
    part[where] = edit.new


def undo(labels: LabelArray, edit: Edit) -> None:
    """Take an edit back; the last one applied first."""
    apply(labels, edit.reverse)


def written(
    labels: LabelArray, box: Box, mask: BoolArray, pen: Pen, image: Volume | None = None
) -> Edit:
    """Return the edit by which a pen writes on the voxels of a mask.

    Parameters
    ----------
    labels
        (slices, rows, columns).
    box
        Within the array.
    mask
        Of the box's shape, where the pen was.
    pen
        What it writes and where it may.
    image
        The image on the same grid; needed when the pen has a window.

    Raises
    ------
    UsageError
        When the pen has a window and there is no image.
    """
    part = labels[box]
    if pen.over is not None:
        allowed = np.zeros(256, dtype=bool)
        allowed[list(pen.over)] = True
        mask = mask & allowed[part]
    if pen.window_hu is not None:
        if image is None:
            raise UsageError("a brush with a window of gray values needs the image")
        low, high = pen.window_hu
        voxels = image.voxels[box]
        mask = mask & (voxels >= low) & (voxels <= high)
        if image.missing is not None:
            mask = mask & ~image.missing[box]
    return edit_to(labels, box, np.where(mask, np.uint8(pen.value), part))


def edit_to(labels: LabelArray, box: Box, wanted: LabelArray) -> Edit:
    """Return the edit that turns ``labels[box]`` into ``wanted``."""
    part = labels[box]
    changed = part != wanted
    inner = _tight(changed)
    if inner is None:
        nothing = np.zeros(0, dtype=np.uint8)
        return Edit(EMPTY_BOX, np.zeros(0, dtype=np.uint32), nothing, nothing)
    where = np.flatnonzero(changed[inner])
    old, new = part[inner].ravel()[where], wanted[inner].ravel()[where]
    a, b, c = (
        slice(outer.start + s.start, outer.start + s.stop)
        for outer, s in zip(box, inner, strict=True)
    )
    return Edit((a, b, c), where.astype(np.uint32), old, new.astype(np.uint8))


def merged(labels: LabelArray, edits: Sequence[Edit]) -> Edit:
    """Return one edit that does what several do one after the other, e.g. a whole stroke.

    ``labels`` are those before the first of them.
    """
    filled = [edit for edit in edits if len(edit)]
    box = union([edit.box for edit in filled])
    part = labels[box].copy()
    for edit in filled:
        inner = tuple(
            slice(s.start - outer.start, s.stop - outer.start)
            for s, outer in zip(edit.box, box, strict=True)
        )
        view = part[inner]
        view[np.unravel_index(edit.places, view.shape)] = edit.new
    return edit_to(labels, box, part)


def union(boxes: Sequence[Box]) -> Box:
    """Return the smallest box around boxes; an empty one when there is none."""
    if not boxes:
        return EMPTY_BOX
    a, b, c = (
        slice(min(box[axis].start for box in boxes), max(box[axis].stop for box in boxes))
        for axis in range(3)
    )
    return a, b, c


def box_around(grid: Grid, points_lps_mm: FloatArray, reach_mm: float) -> Box:
    """Return the box of the voxels within ``reach_mm`` of (n, 3) points, cut to the grid."""
    index = grid.to_index(points_lps_mm)
    reach = reach_mm / grid.spacing_mm
    first = np.ceil(index.min(axis=0) - reach).astype(int)
    stop = np.floor(index.max(axis=0) + reach).astype(int) + 1
    a, b, c = (
        slice(int(np.clip(start, 0, n)), int(np.clip(max(end, start), 0, n)))
        for start, end, n in zip(first, stop, grid.shape, strict=True)
    )
    return a, b, c


def label_box(labels: LabelArray, value: int, within: Box | None = None) -> Box:
    """Return the smallest box around the voxels of a label; an empty one when there is none.

    With ``within`` only that part of the array is looked at.
    """
    start = (0, 0, 0) if within is None else tuple(s.start for s in within)
    inner = _tight(labels[within or ...] == value)
    if inner is None:
        return EMPTY_BOX
    a, b, c = (slice(s.start + n, s.stop + n) for s, n in zip(inner, start, strict=True))
    return a, b, c


def enlarged(box: Box, grid: Grid, margin_mm: float) -> Box:
    """Return a box with a margin of at least one voxel, cut to the grid."""
    margin = np.maximum(1, np.ceil(margin_mm / grid.spacing_mm)).astype(int)
    a, b, c = (
        slice(max(0, s.start - int(m)), min(n, s.stop + int(m)))
        for s, m, n in zip(box, margin, grid.shape, strict=True)
    )
    return a, b, c


def is_empty(box: Box) -> bool:
    """Tell whether a box holds no voxel."""
    return any(s.stop <= s.start for s in box)


def _tight(mask: BoolArray) -> Box | None:
    slices = np.flatnonzero(mask.any(axis=(1, 2)))
    if len(slices) == 0:
        return None
    shadow: BoolArray = np.any(mask[slices[0] : slices[-1] + 1], axis=0)
    rows, columns = np.flatnonzero(shadow.any(axis=1)), np.flatnonzero(shadow.any(axis=0))
    a, b, c = (slice(int(at[0]), int(at[-1]) + 1) for at in (slices, rows, columns))
    return a, b, c
