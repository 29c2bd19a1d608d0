"""What an edit of the labels changes in the voxels of a vein, without looking at all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.centerline.curve import Curve
from venoseg.centerline.regions import CONNECTIVITY, ISLAND_SHARE, Box, Region
from venoseg.segmentation import Segmentation
from venoseg.volume import BoolArray, Grid

# Around the changed voxels this many more are looked at for what they hang together with.
_AROUND = 2


@dataclass(frozen=True, slots=True, eq=False)
class RegionUpdate:
    """A region after an edit.

    Attributes
    ----------
    region
        The new voxels.
    box
        In the region's array, what holds every voxel that changed; None when none did.
    reasons
        Why the course of the vein may have changed too, in words; empty when it has not.
    """

    region: Region
    box: Box | None
    reasons: tuple[str, ...]


def updated_region(region: Region, segmentation: Segmentation, box: Box) -> RegionUpdate:
    """Bring a region up to date after an edit.

    Parameters
    ----------
    region
        The voxels before.
    segmentation
        The edited labels.
    box
        Slices, rows and columns that hold every voxel that was edited.
    """
    wide = _reaching(region, segmentation, box)
    inner = _within(box, wide.box)
    owner, foreign = _read(segmentation, wide, box)
    sheets = None if wide.sheets is None else wide.sheets[inner] & (owner == 0) & ~foreign
    differs = np.zeros(owner.shape, dtype=bool)
    if wide.sheets is not None and sheets is not None:
        differs |= sheets != wide.sheets[inner]
        owner[sheets] = wide.owner[inner][sheets]
    differs |= (owner != wide.owner[inner]) | (foreign != wide.foreign[inner])
    if not differs.any():
        return RegionUpdate(region, None, ())
    changed = _bounds(differs, inner)
    a, b, c = (
        slice(s.start - i.start, s.stop - i.start) for s, i in zip(changed, inner, strict=True)
    )
    new_owner, new_foreign = wide.owner.copy(), wide.foreign.copy()
    new_owner[changed], new_foreign[changed] = owner[a, b, c], foreign[a, b, c]
    window = _clipped(_grown(changed, _AROUND), wide.owner.shape)
    pieces, reasons = _clean(wide, new_owner, new_foreign, window)
    new = replace(wide, owner=new_owner, foreign=new_foreign, pieces=pieces)
    stays = (new_owner[window] == wide.owner[window]) & (
        new_foreign[window] == wide.foreign[window]
    )
    if wide.sheets is not None and sheets is not None:
        new_sheets = wide.sheets.copy()
        new_sheets[inner] = sheets
        stays &= new_sheets[window] == wide.sheets[window]
        new = replace(new, sheets=new_sheets)
    if stays.all():
        return RegionUpdate(region, None, tuple(reasons))
    return RegionUpdate(new, _bounds(~stays, window), tuple(reasons))


def stations_met(curve: Curve, half_width_mm: float, grid: Grid, box: Box) -> npt.NDArray[np.intp]:
    """Return the stations in whose planes a box of voxels can be seen.

    Parameters
    ----------
    curve
        n stations.
    half_width_mm
        How far the planes reach to either side.
    grid, box
        The voxels.
    """
    lowest = np.array([s.start - 1.5 for s in box])
    highest = np.array([s.stop + 0.5 for s in box])
    corners = np.stack(np.meshgrid(*zip(lowest, highest, strict=True), indexing="ij"), axis=-1)
    offset = grid.to_lps(corners.reshape(-1, 3))[None] - curve.points_lps_mm[:, None]
    along = np.einsum("nci,ni->nc", offset, curve.tangents)
    index = grid.to_index(curve.points_lps_mm)
    nearest = grid.to_lps(np.clip(index, lowest, highest))
    distance = np.linalg.norm(nearest - curve.points_lps_mm, axis=1)
    met = (along.min(axis=1) <= 0) & (along.max(axis=1) >= 0)
    return np.flatnonzero(met & (distance <= np.sqrt(2.0) * half_width_mm))


def _reaching(region: Region, segmentation: Segmentation, box: Box) -> Region:
    """Return the region with a box wide enough for new voxels in the edited one."""
    named = np.zeros(256, dtype=bool)
    named[list(_numbers(segmentation, region.vessels))] = True
    part = named[segmentation.labels[box]]
    if not part.any():
        return region
    wanted = _grown(_bounds(part, box), _AROUND + 1)
    margins = [
        (max(own.start - want.start, 0), max(want.stop - own.stop, 0))
        for own, want in zip(region.box, wanted, strict=True)
    ]
    if not any(low or high for low, high in margins):
        return region
    a, b, c = (
        slice(own.start - low, own.stop + high)
        for own, (low, high) in zip(region.box, margins, strict=True)
    )
    return replace(
        region,
        box=(a, b, c),
        owner=np.pad(region.owner, margins),
        foreign=_foreign_in(segmentation, region.vessels, (a, b, c)),
        pieces=np.pad(region.pieces, margins),
        sheets=None if region.sheets is None else np.pad(region.sheets, margins),
        grid=segmentation.grid.crop((a, b, c)),
    )


def _foreign_in(segmentation: Segmentation, vessels: tuple[str, ...], box: Box) -> BoolArray:
    """Return the voxels of other veins in a box that may reach beyond the labels."""
    others = [v for v, name in segmentation.names.items() if name not in vessels]
    result = np.zeros([s.stop - s.start for s in box], dtype=bool)
    shape = segmentation.labels.shape
    inside = tuple(slice(max(s.start, 0), min(s.stop, n)) for s, n in zip(box, shape, strict=True))
    a, b, c = (slice(i.start - s.start, i.stop - s.start) for i, s in zip(inside, box, strict=True))
    result[a, b, c] = np.isin(segmentation.labels[inside], others)
    return result


def _read(
    segmentation: Segmentation, region: Region, box: Box
) -> tuple[npt.NDArray[np.uint8], BoolArray]:
    """Return owners and voxels of other veins in the part of the edited box in the region's."""
    a, b, c = (
        slice(max(e.start, own.start), max(min(e.stop, own.stop), max(e.start, own.start)))
        for e, own in zip(box, region.box, strict=True)
    )
    labels = segmentation.labels[a, b, c]
    lookup = np.zeros(256, dtype=np.uint8)
    for value, number in _numbers(segmentation, region.vessels).items():
        lookup[value] = number
    vein = np.zeros(256, dtype=bool)
    vein[list(segmentation.names)] = True
    owner = lookup[labels]
    return owner, vein[labels] & (owner == 0)


def _numbers(segmentation: Segmentation, vessels: tuple[str, ...]) -> dict[int, int]:
    return {v: vessels.index(n) + 1 for v, n in segmentation.names.items() if n in vessels}


def _clean(
    region: Region, owner: npt.NDArray[np.uint8], foreign: BoolArray, window: Box
) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """Fill holes and remove islands near the change, in place; tell what else it has done.

    Returns
    -------
    tuple
        The numbers of the pieces, and why the course may have changed.
    """
    reasons = []
    before, after = region.owner[window] > 0, owner[window] > 0
    shell = _shell(after.shape)
    cavities, count = ndimage.label(~after)
    filled = _inmost(cavities, count, shell)[cavities] & ~foreign[window]
    if filled.any():
        nearest = ndimage.distance_transform_edt(
            ~after, return_distances=False, return_indices=True
        )
        owner[window][filled] = owner[window][tuple(nearest)][filled]
        after |= filled
    old = ndimage.label(before, structure=CONNECTIVITY)[0]
    new, new_count = ndimage.label(after, structure=CONNECTIVITY)
    if not _same_partition(old[shell], new[shell]):
        reasons.append("the edit joins or parts pieces of the vein")
    loose = _inmost(new, new_count, shell)
    if loose.any():
        sizes = np.bincount(new.ravel(), minlength=new_count + 1)[loose]
        if sizes.max() >= ISLAND_SHARE * np.count_nonzero(owner):
            reasons.append("the edit leaves a piece of the vein by itself")
        island = loose[new]
        owner[window][island] = 0
        after &= ~island
    pieces = region.pieces.copy()
    number = np.zeros(new_count + 1, dtype=np.uint8)
    np.maximum.at(number, new, region.pieces[window])
    pieces[window] = np.where(after, number[new], 0)
    if not after.any() and before.any() and not before[shell].any():
        reasons.append("the edit erases a vein")
    return pieces, reasons


def _inmost(numbers: npt.NDArray[np.int32], count: int, shell: BoolArray) -> BoolArray:
    """Tell (count + 1,) which numbered parts of a window do not reach its shell; 0 is none."""
    inmost = np.ones(count + 1, dtype=bool)
    inmost[numbers[shell]] = False
    inmost[0] = False
    return inmost


def _same_partition(old: npt.NDArray[np.integer], new: npt.NDArray[np.integer]) -> bool:
    """Tell whether voxels that hang together in one labelling do so in the other."""
    both = (old > 0) & (new > 0)
    first, second, count = old[both], new[both], int(new.max(initial=0)) + 1
    pairs = np.unique(first.astype(np.int64) * count + second)
    return len(np.unique(first)) == len(pairs) == len(np.unique(second))


def _shell(shape: tuple[int, ...]) -> BoolArray:
    shell = np.ones(shape, dtype=bool)
    shell[1:-1, 1:-1, 1:-1] = False
    return shell


def _within(box: Box, outer: Box) -> Box:
    """Return the part of a box of the labels that lies in another, counted from its start."""
    a, b, c = (
        slice(
            max(e.start, own.start) - own.start,
            max(min(e.stop, own.stop), max(e.start, own.start)) - own.start,
        )
        for e, own in zip(box, outer, strict=True)
    )
    return a, b, c


def _bounds(inside: BoolArray, box: Box) -> Box:
    """Return the box around the True voxels of an array that lies at a box."""
    a, b, c = (
        slice(
            int(found[0]) + s.start,
            int(found[-1]) + 1 + s.start,
        )
        for s, found in zip(
            box,
            (np.flatnonzero(inside.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))),
            strict=True,
        )
    )
    return a, b, c


def _clipped(box: Box, shape: tuple[int, ...]) -> Box:
    a, b, c = (slice(max(s.start, 0), min(s.stop, n)) for s, n in zip(box, shape, strict=True))
    return a, b, c


def _grown(box: Box, by: int) -> Box:
    a, b, c = (slice(s.start - by, s.stop + by) for s in box)
    return a, b, c
