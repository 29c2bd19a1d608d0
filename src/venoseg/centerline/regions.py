"""Each vein's own voxels, cleaned, and where the veins touch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.anatomy import CHAINS
from venoseg.centerline.cavities import without_holes
from venoseg.centerline.divided import sheets_between
from venoseg.errors import LabelError
from venoseg.segmentation import Segmentation
from venoseg.volume import BoolArray, FloatArray, Grid

Box = tuple[slice, slice, slice]

# A separate piece smaller than this share of the whole vein is an island of the segmentation, not a
# part of the vein.
ISLAND_SHARE = 0.03

# Margin of a region's box: enough to see a neighbour that the vein touches.
_MARGIN = 3

# Two labels drawn with a gap up to this wide, or this many voxels, still belong together.
_TOUCHING_MM = 3.0
_TOUCHING_VOXELS = 2.5

# Below this many voxels no direction can be told.
_LEAST_VOXELS = 30

CONNECTIVITY = ndimage.generate_binary_structure(3, 3)


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
        uint8, 0 outside; n + 1 in the voxels of ``vessels[n]``; holes and sheets between lumens
        filled, islands removed.
    foreign
        bool, voxels of veins outside the chain.
    pieces
        int32 labels of the connected pieces, 1 is the largest.
    grid
        The grid of the box.
    flags
        ``holes_filled``, ``gap_bridged``, ``islands_removed``, ``divided_lumen``.
    sheets
        bool, what was filled between lumens side by side; None where nothing was.
    """

    vessels: tuple[str, ...]
    box: Box
    owner: npt.NDArray[np.uint8]
    foreign: BoolArray
    pieces: npt.NDArray[np.int32]
    grid: Grid
    flags: tuple[str, ...]
    sheets: BoolArray | None = None

    @property
    def mask(self) -> BoolArray:
        """Voxels of the chain."""
        inside: BoolArray = self.owner > 0
        return inside

    @property
    def piece_count(self) -> int:
        """Number of separate pieces."""
        return int(self.pieces.max())

    def some_voxels(self, count: int) -> npt.NDArray[np.intp]:
        """Return (about ``count``, 3) indices of voxels of the chain, evenly taken from all."""
        voxels = np.flatnonzero(self.mask)
        thinned = voxels[:: max(1, len(voxels) // count)]
        return np.stack(np.unravel_index(thinned, self.owner.shape), axis=-1)


def vein_box(segmentation: Segmentation) -> Box:
    """Return the box around every labelled voxel.

    Raises
    ------
    LabelError
        When no voxel is labelled.
    """
    box = box_around(segmentation.labels)
    if box is None:
        raise LabelError(
            "the labels hold no voxel of a vein",
            remedy="name the veins with --label-names, e.g. 1=ivc,2=left_common_iliac_vein",
        )
    return box


def box_around(values: npt.NDArray[np.uint8]) -> Box | None:
    """Return the box around all voxels that are not 0; None where all are."""
    # The greatest value of bytes is found several times faster than whether there is any.
    slices = np.flatnonzero(values.max(axis=(1, 2)))
    if len(slices) == 0:
        return None
    shadow = values[slices[0] : slices[-1] + 1].max(axis=0)
    rows, columns = np.flatnonzero(shadow.any(axis=1)), np.flatnonzero(shadow.any(axis=0))
    ends = ((slices[0], slices[-1]), (rows[0], rows[-1]), (columns[0], columns[-1]))
    a, b, c = (slice(int(first), int(last) + 1) for first, last in ends)
    return a, b, c


def vein_regions(segmentation: Segmentation) -> tuple[tuple[Region, ...], tuple[str, ...]]:
    """Return a region for every chain of veins, and the veins too small to be one.

    Returns
    -------
    tuple
        The regions in the order of the anatomy, and the names of the labelled veins with so few
        voxels that no direction can be told.

    Raises
    ------
    LabelError
        When there is no vein, or none large enough to have a direction.
    """
    whole = vein_box(segmentation)
    labels = segmentation.labels[whole]
    boxes = ndimage.find_objects(labels, max_label=int(max(segmentation.names)))
    sizes: dict[str, int] = {}
    for value, name in segmentation.names.items():
        if boxes[value - 1] is not None:
            count = int(np.count_nonzero(labels[boxes[value - 1]] == value))
            sizes[name] = sizes.get(name, 0) + count
    too_small = tuple(name for name, size in sizes.items() if size < _LEAST_VOXELS)
    if len(too_small) == len(sizes):
        raise LabelError(
            f"the largest vein has {max(sizes.values())} voxels, at least {_LEAST_VOXELS} are "
            "needed",
            remedy="check that the label map is the right one for this image",
        )
    regions = []
    for chain in CHAINS:
        vessels = tuple(name for name in chain if sizes.get(name, 0) >= _LEAST_VOXELS)
        values = {v: name for v, name in segmentation.names.items() if name in vessels}
        if not vessels:
            continue
        local = _union([boxes[v - 1] for v in values if boxes[v - 1] is not None])
        part = _padded(labels, local)
        owner, foreign = np.zeros_like(part), np.zeros(part.shape, dtype=bool)
        for value, name in segmentation.names.items():
            if name in vessels:
                owner[part == value] = vessels.index(name) + 1
            elif boxes[value - 1] is not None:
                foreign |= part == value
        box = shifted(local, whole)
        regions.append(_cleaned(vessels, box, owner, foreign, segmentation.grid))
    return tuple(regions), too_small


def touching_mm(grid: Grid) -> float:
    """Return the distance up to which voxels count as touching: labels may leave a thin gap."""
    return max(_TOUCHING_MM, _TOUCHING_VOXELS * float(grid.spacing_mm.max()))


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
    sheets = sheets_between(owner > 0, foreign, grid)
    if sheets is not None:
        flags.append("divided_lumen")
        owner = _filled(owner, (owner > 0) | sheets)
    filled = without_holes(owner > 0) & ~foreign
    if np.count_nonzero(filled) > np.count_nonzero(owner):
        flags.append("holes_filled")
        owner = _filled(owner, filled)
    pieces, count = ndimage.label(filled, structure=CONNECTIVITY)
    if count > 1 and len(vessels) > 1:
        bridged = _bridged(owner, foreign, grid)
        if not np.array_equal(bridged, owner):
            flags.append("gap_bridged")
            owner = bridged
            pieces, count = ndimage.label(owner > 0, structure=CONNECTIVITY)
    if count > 1:
        pieces, islands = _largest_first(pieces, count)
        owner = owner * (pieces > 0)
        if islands:
            flags.append("islands_removed")
    return Region(vessels, box, owner, foreign, pieces, grid.crop(box), tuple(flags), sheets)


def _filled(owner: npt.NDArray[np.uint8], filled: BoolArray) -> npt.NDArray[np.uint8]:
    """Give voxels that are filled to the vein of the nearest one that has any."""
    nearest = ndimage.distance_transform_edt(
        owner == 0, return_distances=False, return_indices=True
    )
    return np.where(filled, owner[tuple(nearest)], 0).astype(np.uint8)


def _largest_first(pieces: npt.NDArray[np.int32], count: int) -> tuple[npt.NDArray[np.int32], bool]:
    """Drop the islands, number the rest from the largest down, and tell whether there were any."""
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)[1:]
    keep = np.flatnonzero(sizes >= ISLAND_SHARE * sizes.sum())
    order = keep[np.argsort(-sizes[keep], kind="stable")]
    renumber = np.zeros(count + 1, dtype=np.int32)
    renumber[order + 1] = np.arange(1, len(order) + 1)
    return renumber[pieces], len(keep) < count


def _bridged(owner: npt.NDArray[np.uint8], foreign: BoolArray, grid: Grid) -> npt.NDArray[np.uint8]:
    """Fill thin gaps between one vein of a chain and the next, half to either."""
    result = owner.copy()
    for number in range(1, int(owner.max())):
        here, next_one = (owner == n for n in (number, number + 1))
        to_here, to_next = (
            ndimage.distance_transform_edt(~vein, sampling=grid.spacing_mm)
            for vein in (here, next_one)
        )
        nearest = float(to_here[next_one].min())
        if nearest <= touching_mm(grid):
            reach = nearest + 0.25 * float(grid.spacing_mm.min())
            between = (owner == 0) & ~foreign & (to_here + to_next <= reach)
            result[between] = np.where(to_here <= to_next, number, number + 1)[between]
    return result


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


def shifted(local: Box, whole: Box) -> Box:
    """Return a box in part of an array as one in the whole."""
    a, b, c = (
        slice(inner.start + outer.start, inner.stop + outer.start)
        for inner, outer in zip(local, whole, strict=True)
    )
    return a, b, c
