"""From labels to regions: each chain's own voxels, cleaned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.anatomy import CHAINS
from venoseg.centerline.cavities import without_holes
from venoseg.centerline.divided import sheets_between
from venoseg.centerline.regions import (
    CONNECTIVITY,
    ISLAND_SHARE,
    Box,
    Region,
    shifted,
    touching_mm,
)
from venoseg.errors import LabelError
from venoseg.segmentation import Segmentation
from venoseg.volume import BoolArray, Grid

# Margin of a region's box: enough to see a neighbour that the vein touches.
_MARGIN = 3

# Below this many voxels no direction can be told.
_LEAST_VOXELS = 30

Task = Callable[[tuple[str, ...]], Region]


def vein_regions(
    segmentation: Segmentation,
    whole: Box,
    each: Callable[[Task, Iterable[tuple[str, ...]]], Iterable[Region]] = map,
) -> tuple[tuple[Region, ...], tuple[str, ...]]:
    """Return a region for every chain of veins, and the veins too small to be one.

    Parameters
    ----------
    segmentation
        The labels.
    whole
        What holds every labelled voxel.
    each
        Makes the regions: one after the other, or side by side as a pool's ``map`` does.

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
    labels = segmentation.labels[whole]
    boxes, sizes = _extents(labels, segmentation.names)
    too_small = tuple(name for name, size in sizes.items() if size < _LEAST_VOXELS)
    if len(too_small) == len(sizes):
        raise LabelError(
            f"the largest vein has {max(sizes.values())} voxels, at least {_LEAST_VOXELS} are "
            "needed",
            remedy="check that the label map is the right one for this image",
        )

    def region(vessels: tuple[str, ...]) -> Region:
        local = _union([box for v, box in boxes.items() if segmentation.names[v] in vessels])
        part = _padded(labels, local)
        owner, foreign = np.zeros_like(part), np.zeros(part.shape, dtype=bool)
        for value in boxes:
            if segmentation.names[value] in vessels:
                owner[part == value] = vessels.index(segmentation.names[value]) + 1
            else:
                foreign |= part == value
        return _cleaned(vessels, shifted(local, whole), owner, foreign, segmentation.grid)

    chains = (tuple(n for n in chain if sizes.get(n, 0) >= _LEAST_VOXELS) for chain in CHAINS)
    return tuple(each(region, [vessels for vessels in chains if vessels])), too_small


def _extents(
    labels: npt.NDArray[np.uint8], names: Mapping[int, str]
) -> tuple[dict[int, Box], dict[str, int]]:
    """Return the box around each label that has voxels, and how many each vein has."""
    voxels = np.flatnonzero(labels > 0)
    values = labels.ravel().take(voxels)
    boxes: dict[int, Box] = {}
    sizes: dict[str, int] = {}
    for value, name in names.items():
        own = np.unravel_index(voxels[values == value], labels.shape)
        if len(own[0]):
            a, b, c = (slice(int(at.min()), int(at.max()) + 1) for at in own)
            boxes[value] = (a, b, c)
            sizes[name] = sizes.get(name, 0) + len(own[0])
    return boxes, sizes


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
    pieces, count = _numbered(filled)
    if count > 1 and len(vessels) > 1:
        bridged = _bridged(owner, foreign, grid)
        if not np.array_equal(bridged, owner):
            flags.append("gap_bridged")
            owner = bridged
            pieces, count = _numbered(owner > 0)
    if count > 1:
        pieces, islands = _largest_first(pieces, count)
        owner = owner * (pieces > 0)
        if islands:
            flags.append("islands_removed")
    few = pieces.astype(np.uint8)
    return Region(vessels, box, owner, foreign, few, grid.crop(box), tuple(flags), sheets)


def _numbered(inside: BoolArray) -> tuple[npt.NDArray[np.int32], int]:
    """Return the number of each voxel's piece, and how many there are: corners hold together."""
    pieces, count = ndimage.label(inside)
    # Most veins are one piece by their faces alone, which is seen in less time.
    if count > 1:
        pieces, count = ndimage.label(inside, structure=CONNECTIVITY)
    return pieces, count


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
