"""Each vein's own voxels, cleaned, and where the veins touch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.anatomy import CHAINS
from venoseg.errors import LabelError
from venoseg.segmentation import Segmentation
from venoseg.volume import BoolArray, FloatArray, Grid

Box = tuple[slice, slice, slice]

# A separate piece smaller than this share of the whole vein is an island of the segmentation, not a
# part of the vein.
ISLAND_SHARE = 0.03

# Margin of a region's box: enough to see a neighbour that the vein touches.
_MARGIN = 3

# Below this many voxels no direction, let alone a diameter, can be told.
_LEAST_VOXELS = 30

_CONNECTIVITY = ndimage.generate_binary_structure(3, 3)


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """The voxels of one chain of veins in their box.

    Attributes
    ----------
    vessels
        The veins of the chain that have voxels, central first.
    box
        Where the arrays lie in the label array, with a margin of empty voxels that may reach beyond
        the array.
    owner
        uint8, 0 outside; n + 1 in the voxels of ``vessels[n]``; holes filled, islands removed.
    foreign
        bool, voxels of veins outside the chain.
    pieces
        int32 labels of the connected pieces, 1 is the largest.
    grid
        The grid of the box.
    flags
        ``islands_removed``, ``holes_filled``.
    """

    vessels: tuple[str, ...]
    box: Box
    owner: npt.NDArray[np.uint8]
    foreign: BoolArray
    pieces: npt.NDArray[np.int32]
    grid: Grid
    flags: tuple[str, ...]

    @property
    def mask(self) -> BoolArray:
        """Voxels of the chain."""
        inside: BoolArray = self.owner > 0
        return inside

    @property
    def piece_count(self) -> int:
        """Number of separate pieces."""
        return int(self.pieces.max())


def vein_box(segmentation: Segmentation) -> Box:
    """Return the box around every labelled voxel.

    Raises
    ------
    LabelError
        When no voxel is labelled.
    """
    slices = np.flatnonzero(segmentation.labels.any(axis=(1, 2)))
    if len(slices) == 0:
        raise LabelError(
            "the labels hold no voxel of a vein",
            remedy="name the veins with --label-names, e.g. 1=ivc,2=left_common_iliac_vein",
        )
    shadow = segmentation.labels[slices[0] : slices[-1] + 1].max(axis=0)
    rows, columns = np.flatnonzero(shadow.any(axis=1)), np.flatnonzero(shadow.any(axis=0))
    ends = ((slices[0], slices[-1]), (rows[0], rows[-1]), (columns[0], columns[-1]))
    a, b, c = (slice(int(first), int(last) + 1) for first, last in ends)
    return a, b, c


def vein_regions(segmentation: Segmentation) -> tuple[Region, ...]:
    """Return a region for every chain of veins with enough voxels, in the order of the anatomy.

    Raises
    ------
    LabelError
        When there is no vein, or none large enough to have a direction.
    """
    whole = vein_box(segmentation)
    labels = segmentation.labels[whole]
    boxes = ndimage.find_objects(labels, max_label=int(max(segmentation.names)))
    is_vein = np.zeros(256, dtype=bool)
    is_vein[list(segmentation.names)] = True
    regions, largest = [], 0
    for chain in CHAINS:
        values = {
            value: name
            for value, name in segmentation.names.items()
            if name in chain and boxes[value - 1] is not None
        }
        if not values:
            continue
        vessels = tuple(name for name in chain if name in values.values())
        local = _union([boxes[value - 1] for value in values])
        lookup = np.zeros(256, dtype=np.uint8)
        for value, name in values.items():
            lookup[value] = vessels.index(name) + 1
        part = _padded(labels, local)
        owner = lookup[part]
        size = int(np.count_nonzero(owner))
        largest = max(largest, size)
        if size >= _LEAST_VOXELS:
            box = _shifted(local, whole)
            foreign = is_vein[part] & (owner == 0)
            regions.append(_cleaned(vessels, box, owner, foreign, segmentation.grid))
    if not regions:
        raise LabelError(
            f"the largest vein has {largest} voxels, at least {_LEAST_VOXELS} are needed",
            remedy="check that the label map is the right one for this image",
        )
    return tuple(regions)


def contact(first: Region, second: Region, within_mm: float) -> FloatArray | None:
    """Return the place where two veins touch.

    Parameters
    ----------
    first, second
        Two regions of the same segmentation.
    within_mm
        Voxels this near to one another count as touching: labels of two veins may be drawn with a
        thin gap between them.

    Returns
    -------
    FloatArray or None
        (3,) LPS mm, the middle of the touching voxels of the second; None when they do not touch.
    """
    spacing = first.grid.spacing_mm
    reach = np.maximum(1, np.ceil(within_mm / spacing)).astype(int)
    box: list[slice] = []
    for a, b, r in zip(first.box, second.box, reach, strict=True):
        start, stop = max(a.start, b.start) - r, min(a.stop, b.stop) + r
        if start >= stop:
            return None
        box.append(slice(int(start), int(stop)))
    one = _in_box(first, box)
    other = _in_box(second, box)
    if not one.any() or not other.any():
        return None
    distance = ndimage.distance_transform_edt(~one, sampling=spacing)
    nearest = distance[other].min()
    if nearest > within_mm:
        return None
    touching = np.argwhere(other & (distance <= nearest + spacing.min() * 0.75))
    index = touching.mean(axis=0) + [s.start for s in box]
    return first.grid.to_lps(index - [s.start for s in first.box])


def _cleaned(
    vessels: tuple[str, ...],
    box: Box,
    owner: npt.NDArray[np.uint8],
    foreign: BoolArray,
    grid: Grid,
) -> Region:
    flags = []
    filled = _without_holes(owner > 0) & ~foreign
    if np.count_nonzero(filled) > np.count_nonzero(owner):
        flags.append("holes_filled")
        nearest = ndimage.distance_transform_edt(owner == 0, False, True)[1]
        owner = np.where(filled, owner[tuple(nearest)], 0).astype(np.uint8)
    pieces, count = ndimage.label(filled, structure=_CONNECTIVITY)
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)[1:]
    keep = np.flatnonzero(sizes >= ISLAND_SHARE * sizes.sum())
    if len(keep) < count:
        flags.append("islands_removed")
    order = keep[np.argsort(-sizes[keep], kind="stable")]
    renumber = np.zeros(count + 1, dtype=np.int32)
    renumber[order + 1] = np.arange(1, len(order) + 1)
    pieces = renumber[pieces]
    owner = owner * (pieces > 0)
    return Region(vessels, box, owner, foreign, pieces, grid.crop(box), tuple(flags))


def _without_holes(mask: BoolArray) -> BoolArray:
    """Fill cavities that no face of the box reaches."""
    outside, count = ndimage.label(np.pad(~mask, 1, constant_values=True))
    if count <= 1:
        return mask
    reached = outside == outside[0, 0, 0]
    filled: BoolArray = ~reached[1:-1, 1:-1, 1:-1]
    return filled


def _in_box(region: Region, box: list[slice]) -> BoolArray:
    """Return the region's mask in a box of the array, False outside its own box."""
    result = np.zeros([s.stop - s.start for s in box], dtype=bool)
    source, target = [], []
    for own, wanted in zip(region.box, box, strict=True):
        start, stop = max(own.start, wanted.start), min(own.stop, wanted.stop)
        if start >= stop:
            return result
        source.append(slice(start - own.start, stop - own.start))
        target.append(slice(start - wanted.start, stop - wanted.start))
    result[tuple(target)] = region.owner[tuple(source)] > 0
    return result


def _union(boxes: list[Box]) -> Box:
    """Return the box around boxes, with a margin."""
    a, b, c = (
        slice(
            min(box[axis].start for box in boxes) - _MARGIN,
            max(box[axis].stop for box in boxes) + _MARGIN,
        )
        for axis in range(3)
    )
    return a, b, c


def _padded(labels: npt.NDArray[np.uint8], box: Box) -> npt.NDArray[np.uint8]:
    """Return the labels of a box that may reach beyond the array; 0 there."""
    result = np.zeros([s.stop - s.start for s in box], dtype=labels.dtype)
    inside = tuple(slice(max(s.start, 0), s.stop) for s in box)
    part = labels[inside]
    target = tuple(
        slice(s.start - wanted.start, s.start - wanted.start + size)
        for s, wanted, size in zip(inside, box, part.shape, strict=True)
    )
    result[target] = part
    return result


def _shifted(local: Box, whole: Box) -> Box:
    a, b, c = (
        slice(inner.start + outer.start, inner.stop + outer.start)
        for inner, outer in zip(local, whole, strict=True)
    )
    return a, b, c
