"""What is blood, and whose: veins and arteries held apart by the walls between them.

A wall between an artery and a vein that touch is thinner than a voxel of the coarse picture and
shows as a faint dark line. The coarse picture here keeps the darkest value near each place, so that
such lines stay closed. Arteries and veins then grow from points inside them, and every place falls
to the one that reaches it over the lower wall (watershed by flooding). Where no wall shows at all
that fails; there it also counts which of the two comes first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from venoseg.segmentation.blood import TISSUE_HU
from venoseg.segmentation.together import both, each
from venoseg.segmentation.voxels.growing import closed_along
from venoseg.segmentation.voxels.slicewise import closed_in_slices, filled_in_slices
from venoseg.segmentation.working import (
    Box,
    Float32Array,
    blocks_of,
    blockwise,
    box_around,
    box_of,
    factors,
    reach_of,
    smoothed,
    upright,
    with_blocks,
)
from venoseg.volume import BoolArray, FloatArray, Grid, Volume

SPACING_MM = 2.0
_FINE_MM = 1.0
_AT_ONCE = 24
_SMOOTH_MM = 0.7
# A dark line is narrower than three voxels, and darker than both sides by more than this.
_LINE_HU = 8.0
# So much darker costs as much again as the way itself.
_WALL_HU = 3.0
# What blood varies by: that of arteries is well mixed.
_ARTERY_HU, _VEIN_HU = 20.0, 35.0
# A vein that an artery crosses is not reached from its end: blood of the aorta must come sooner by
# this way. Where it comes later by less than the second, an artery may be.
_AHEAD = 0.8
SURE_LEAD_MM, POSSIBLE_LEAD_MM = 8.0, -25.0
# Where both set out at every height nothing is asked, and nothing comes sooner, from farther aside.
_BESIDE_STARTS_MM = 35.0
_BESIDE_BLOOD = 3.0
# Compact bone is brighter than blood by this; a shell of it is closed over this distance.
_BONE_OVER_HU, _SHELL_MM, _LEAST_BONE_MM3 = 90.0, 8.0, 40_000.0
_DISC_MM = 16.0
_NEVER_MM = 1e6


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A coarse upright picture of a part of a volume.

    Attributes
    ----------
    mean_hu, darkest_hu
        (slices, rows, columns) the average, and the darkest smoothed value, of each block.
    grid
        Their place.
    """

    mean_hu: Float32Array
    darkest_hu: Float32Array
    grid: Grid

    def index(self, points_lps_mm: FloatArray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the voxels nearest to (n, 3) points, those outside moved to the border."""
        top = np.array(self.grid.shape) - 1
        at = np.clip(np.rint(self.grid.to_index(points_lps_mm)), 0, top).astype(int)
        return at[:, 0], at[:, 1], at[:, 2]


def picture_of(volume: Volume, box: Box) -> Picture:
    """Make the coarse picture of a box of a volume.

    Voxels much smaller than a millimetre are averaged first: smoothing would do the same, slowly.
    """
    part = volume.crop(box)
    fine = factors(part.grid, _FINE_MM)
    place = blocks_of(part.grid, fine)
    coarse = factors(place, SPACING_MM)
    sigma = _SMOOTH_MM / place.spacing_mm
    count, deep = place.shape[0], int(coarse[0])
    step, reach = deep * max(1, _AT_ONCE // deep), reach_of(float(sigma[0]))

    def slab(start: int) -> tuple[Float32Array, Float32Array]:
        """Return the mean and the darkest of the blocks of a few slices; few are held at a time."""
        low, stop = max(start - reach, 0), min(start + step, count)
        held = slice(low * int(fine[0]), min(stop + reach, count) * int(fine[0]))
        near = with_blocks(part.crop((held, *box_of(part.grid)[1:])), fine)
        own = near.crop((slice(start - low, stop - low), *box_of(near.grid)[1:]))
        smooth = smoothed(near.voxels, sigma)[start - low : stop - low]
        mean = with_blocks(own, coarse).voxels.astype(np.float32, copy=False)
        return mean, blockwise(np.minimum, smooth, coarse)

    # What is left over beside the last whole block is cut.
    slabs = each(slab, range(0, count - deep + 1, step))
    means, darkest = (np.concatenate(parts) for parts in zip(*slabs, strict=True))
    place = blocks_of(place, coarse)
    darkest, _ = upright(darkest, place)
    mean, grid = upright(means, place)
    return Picture(mean, np.ascontiguousarray(darkest), grid)


def bones_in(picture: Picture, level_hu: float) -> BoolArray:
    """Return bones with their marrow, which is as bright as blood; stents are smaller.

    Parameters
    ----------
    picture
        The coarse picture.
    level_hu
        Grey value of the brightest blood.
    """
    pieces, _ = ndimage.label(picture.mean_hu > level_hu + _BONE_OVER_HU)
    large = np.bincount(pieces.ravel()) * picture.grid.voxel_volume_mm3 > _LEAST_BONE_MM3
    large[0] = False
    shell = large[pieces]
    reach = max(1, round(_SHELL_MM / float(picture.grid.spacing_mm[1])))
    disc = np.hypot(*np.mgrid[-reach : reach + 1, -reach : reach + 1]) <= reach
    held = np.flatnonzero(shell.any(axis=(1, 2)))
    filled = shell.copy()
    if len(held):
        high = slice(held[0], held[-1] + 1)
        filled[high] |= filled_in_slices(closed_in_slices(shell[high], disc))
    # What lies between one vertebra and the next is no vein either.
    gap = max(1, round(_DISC_MM / 2 / float(picture.grid.spacing_mm[0])))
    return closed_along(filled, gap)


def arteries_in(
    picture: Picture, arteries_lps_mm: FloatArray, veins_lps_mm: FloatArray, level_hu: float
) -> BoolArray:
    """Return where arteries are, as far as walls part them from veins.

    Parameters
    ----------
    picture
        The coarse picture.
    arteries_lps_mm, veins_lps_mm
        (n, 3) and (m, 3) points inside the aorta and inside veins.
    level_hu
        Grey value of the fainter of the two.

    Returns
    -------
    BoolArray
        (slices, rows, columns) of the picture: blood of the arteries.
    """
    from skimage.segmentation import watershed

    markers = np.zeros(picture.grid.shape, dtype=np.int32)
    markers[picture.index(arteries_lps_mm)] = 1
    markers[picture.index(veins_lps_mm)] = 2
    # Whole levels of 5 HU let the flood come evenly where nothing parts the two.
    wall = np.clip(np.rint((level_hu - picture.darkest_hu) / 5.0), 0, 60).astype(np.int16)
    # A point at the end of a vein must not have to climb out of the wall first.
    wall[markers > 0] = 0
    blood = picture.mean_hu > 0.5 * (level_hu + 40.0)
    domain = watershed(wall, markers, mask=blood | (markers > 0))
    arteries: BoolArray = domain == 1
    return arteries


def lead_of_arteries(
    picture: Picture,
    arteries_lps_mm: FloatArray,
    artery_hu: float,
    veins_lps_mm: FloatArray,
    ends_lps_mm: FloatArray,
    bones: BoolArray,
) -> Float32Array:
    """Return by how much blood of the aorta comes sooner to each place than that of the veins.

    Both set out from points at the same heights and advance at the same pace through what looks
    like their blood, slowly through dark lines. Arteries and veins run side by side, so that each
    comes first in its own, even where no wall shows between them.

    Parameters
    ----------
    picture
        The coarse picture.
    arteries_lps_mm
        (n, 3) points inside the aorta.
    artery_hu
        Grey value of its blood.
    veins_lps_mm
        (m, 3) points inside the cava.
    ends_lps_mm
        (k, 3) points in veins farther down. Blood sets out from each somewhat before it can have
        come there from ``veins_lps_mm``.
    bones
        (slices, rows, columns) where bones are: marrow may be as bright as blood, but no vessel
        leads through it.

    Returns
    -------
    Float32Array
        (slices, rows, columns) of the picture, mm of way through blood; -infinity where no blood of
        the aorta comes. Above `SURE_LEAD_MM` it is an artery; above `POSSIBLE_LEAD_MM` it may be.
    """
    at = np.concatenate([veins_lps_mm, ends_lps_mm])
    vein_hu = float(np.median(picture.mean_hu[picture.index(at)]))
    dark = _without_lines(picture.darkest_hu) - picture.darkest_hu
    wall = np.maximum(dark - float(np.median(dark)) - _LINE_HU, 0.0) / _WALL_HU
    least = min(artery_hu, vein_hu)
    blood = (picture.mean_hu > 0.5 * (least + TISSUE_HU)) & ~bones
    # Whichever is known farther down would have a start over the other.
    low = max(arteries_lps_mm[:, 2].min(), veins_lps_mm[:, 2].min())
    arteries, veins = _above(arteries_lps_mm, low), _above(veins_lps_mm, low)
    blood &= _near_or_below(picture.grid, np.concatenate([arteries, veins]), low)
    pace = []
    for hu, usual in ((artery_hu, _ARTERY_HU), (vein_hu, _VEIN_HU)):
        unlike = np.maximum(np.abs(picture.mean_hu - hu) - usual, 0.0) / usual
        pace.append(np.where(blood, 1.0 + wall + unlike, -1.0))
    lowest = veins_lps_mm[np.argmin(veins_lps_mm[:, 2])]
    ahead = _AHEAD * np.linalg.norm(ends_lps_mm - lowest, axis=1)
    starts, begin = np.concatenate([veins, ends_lps_mm]), np.append(np.zeros(len(veins)), ahead)
    from_aorta, from_veins = both(
        lambda: _time_from(pace[0], picture, arteries, np.zeros(len(arteries))),
        lambda: _time_from(pace[1], picture, starts, begin),
    )
    reached = np.isfinite(from_aorta)
    lead = np.full_like(from_aorta, -np.inf)
    np.subtract(from_veins, from_aorta, out=lead, where=reached)
    return lead


def _without_lines(image: Float32Array) -> Float32Array:
    """Return an image without dark lines: closed over cubes of three voxels."""
    closed = image
    for join in (np.maximum, np.minimum):
        for axis in range(image.ndim):
            along = np.moveaxis(closed, axis, 0)
            closed = closed.copy()
            out = np.moveaxis(closed, axis, 0)
            join(out[1:], along[:-1], out=out[1:])
            join(out[:-1], along[1:], out=out[:-1])
    return closed


def _above(points: FloatArray, low_mm: float) -> FloatArray:
    above: FloatArray = points[points[:, 2] >= min(low_mm, points[:, 2].max()) - 1.0]
    return above


def _near_or_below(grid: Grid, points_lps_mm: FloatArray, low_mm: float) -> BoolArray:
    """Return where a place lies below a height, or not far aside of (n, 3) points."""
    near = np.zeros(grid.shape, dtype=bool)
    near[box_around(grid, points_lps_mm, _BESIDE_STARTS_MM)] = True
    z = grid.to_lps(np.column_stack([np.arange(grid.shape[0])] * 3))[:, 2]
    near[z < low_mm] = True
    return near


def _time_from(
    pace: Float32Array, picture: Picture, points: FloatArray, begin: FloatArray
) -> Float32Array:
    """Return when a front that sets out from each point at its own time comes to each place.

    By fast marching (Sethian 1996, doi:10.1073/pnas.93.4.1591). Infinite where none comes.
    """
    import SimpleITK as sitk

    speed = np.where(pace > 0, 1.0 / np.maximum(pace, 1.0), 0.0).astype(np.float32)
    first: dict[tuple[int, int, int], float] = {}
    for k, j, i, time in zip(*picture.index(points), begin, strict=True):
        # A point at the end of a vein may lie beside the blood.
        near = speed[tuple(slice(max(int(n) - 1, 0), int(n) + 2) for n in (k, j, i))]
        near[near == 0] = 1.0 / _BESIDE_BLOOD
        place = (int(i), int(j), int(k))
        first[place] = min(first.get(place, np.inf), float(time))
    image = sitk.GetImageFromArray(speed)
    image.SetSpacing([float(size) for size in picture.grid.spacing_mm[::-1]])
    march = sitk.FastMarchingImageFilter()
    march.SetTrialPoints(list(first))
    march.SetInitialTrialValues(list(first.values()))
    time_mm: Float32Array = sitk.GetArrayFromImage(march.Execute(image))
    time_mm[time_mm >= _NEVER_MM] = np.inf
    return time_mm
