"""Each vein's own voxels, and where the veins touch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.errors import LabelError
from venoseg.segmentation import Segmentation
from venoseg.volume import BoolArray, FloatArray, Grid

Box = tuple[slice, slice, slice]

# A separate piece smaller than this share of the whole vein is an island of the segmentation, not a
# part of the vein.
ISLAND_SHARE = 0.03

# Two labels drawn with a gap up to this wide, or this many voxels, still belong together.
_TOUCHING_MM = 3.0
_TOUCHING_VOXELS = 2.5

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
        uint8 labels of the connected pieces, 1 is the largest; `ISLAND_SHARE` leaves few.
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
    pieces: npt.NDArray[np.uint8]
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


def shifted(local: Box, whole: Box) -> Box:
    """Return a box in part of an array as one in the whole."""
    a, b, c = (
        slice(inner.start + outer.start, inner.stop + outer.start)
        for inner, outer in zip(local, whole, strict=True)
    )
    return a, b, c
