"""From tubes to voxels."""

from __future__ import annotations

import math
import mmap
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.segmentation.model import LabelArray, Segmentation
from venoseg.segmentation.together import each
from venoseg.segmentation.trust.judging import Judged
from venoseg.segmentation.tubes.inside import voxels_inside
from venoseg.segmentation.tubes.wall import Tube
from venoseg.segmentation.voxels.balls import Depths
from venoseg.segmentation.voxels.domains import Picture
from venoseg.segmentation.voxels.drawn import Drawn
from venoseg.volume import BoolArray, FloatArray, Grid, Volume

_DARKER_HU, _MUCH_DARKER_HU, _CORE_PERCENT = 25.0, 40.0, 65
# A tube goes on so far beyond the seeds; where the labels end a plane decides.
_END_MM = 15.0
_TOGETHER = 0.4
_FAT_HU = -100
_METAL_HU, _BESIDE_METAL_MM = 450.0, 5.0
# In so many steps depths are told.
_DEPTHS = 250.0
# So many slices are copied at once.
_SLICES = 64


def painted(
    grid: Grid,
    found: Sequence[Judged],
    tubes: Sequence[Tube],
    names: Sequence[str],
) -> tuple[Drawn, npt.NDArray[np.uint8]]:
    """Label the voxels inside the open stretches; one that several tubes claim goes to the deepest.

    Returns
    -------
    drawn
        These voxels; ``names[n]`` has the value n + 1.
    deepest
        (slices, rows, columns) how deep each lies in its tube: 1 at the wall, 251 in the middle, 0
        outside.
    """
    deepest = np.zeros(math.prod(grid.shape), dtype=np.uint8)
    values = [_values(number, tube, found, names) for number, tube in enumerate(tubes)]
    claims = each(lambda n: voxels_inside(tubes[n], grid, values[n] > 0), range(len(tubes)))
    places = [np.ravel_multi_index(tuple(inside.index.T), grid.shape) for inside in claims]
    depths = [(1.0 + _DEPTHS * inside.depth).astype(np.uint8) for inside in claims]
    first = []
    for at, deep in zip(places, depths, strict=True):
        # Of equal depth the first tube's claim counts.
        first.append(deep > deepest[at])
        deepest[at[first[-1]]] = deep[first[-1]]
    index, label = [np.empty((0, 3), dtype=np.int64)], [np.empty(0, dtype=np.uint8)]
    for value, inside, at, deep, own in zip(values, claims, places, depths, first, strict=True):
        kept = own & (deep == deepest[at])
        index.append(np.compress(kept, inside.index, axis=0))
        label.append(value[inside.station[kept]])
    drawn = Drawn(grid, np.concatenate(index), np.concatenate(label))
    return drawn, deepest.reshape(grid.shape)


def without_deeper(
    drawn: Drawn, deepest: npt.NDArray[np.uint8], arteries: Sequence[Depths]
) -> Drawn:
    """Return voxels without those that lie deeper in an artery.

    ``deepest`` is `painted`'s; afterwards it is 0 in these arteries.
    """
    flat = deepest.ravel()

    def deeper_in(artery: Depths) -> npt.NDArray[np.intp]:
        at = np.ravel_multi_index(tuple(artery.index.T), deepest.shape)
        found: npt.NDArray[np.intp] = at[1.0 + _DEPTHS * artery.depth > flat[at]]
        return found

    for deeper in each(deeper_in, arteries):
        flat[deeper] = 0
    return drawn.without(deepest[tuple(drawn.index.T)] == 0)


def _values(
    number: int, tube: Tube, found: Sequence[Judged], names: Sequence[str]
) -> npt.NDArray[np.uint8]:
    """Return (n,) the label of each station of a tube, 0 where it has no lumen."""
    own = [one for one in found if one.stretch.tube == number]
    value = np.zeros(len(tube.course.points_lps_mm), dtype=np.uint8)
    for one in own:
        value[one.open_stations] = names.index(one.stretch.vessel) + 1
    _prolong(value, own, tube)
    return value


def on_grid(segmentation: Segmentation, grid: Grid) -> Segmentation:
    """Place labels on the whole grid that theirs is a part of."""
    first = np.rint(grid.to_index(segmentation.grid.to_lps([0, 0, 0]))).astype(int)
    # Pages of a memory map that nothing is written to take no memory.
    blank = mmap.mmap(-1, math.prod(grid.shape))
    labels = np.frombuffer(blank, dtype=np.uint8).reshape(grid.shape)
    part = segmentation.labels
    k, j = np.nonzero(part.max(axis=2))
    columns = slice(first[2], first[2] + part.shape[2])
    labels[k + first[0], j + first[1], columns] = part[k, j]
    return replace(segmentation, labels=labels, grid=grid)


def _prolong(value: LabelArray, stretches: Sequence[Judged], tube: Tube) -> None:
    """Let open ends go on, in place: a slice cuts an oblique vein beyond the last station too."""
    starts = [one.stretch.start for one in stretches]
    stops = [one.stretch.stop for one in stretches]
    if not stretches:
        return
    first, stop = min(starts), max(stops)
    if first * tube.course.step_mm <= _END_MM:
        value[:first] = value[first]
    value[stop:] = value[stop - 1]


def arteries_erased(part: Volume, arteries: Sequence[Depths], depth: float) -> Volume:
    """Return an image with fat in arteries, where that is deeper than a share of their radius."""
    if not arteries:
        return part
    voxels = np.empty(part.voxels.shape, part.voxels.dtype)
    starts = range(0, len(voxels), _SLICES)
    each(lambda n: np.copyto(voxels[n : n + _SLICES], part.voxels[n : n + _SLICES]), starts)
    for artery in arteries:
        voxels[tuple(artery.deeper_than(depth).T)] = _FAT_HU
    return replace(part, voxels=voxels)


def without_arteries(
    drawn: Drawn, picture: Picture, perhaps: BoolArray, artery_hu: float, names: Sequence[str]
) -> Drawn:
    """Take away what is as bright as the arteries where they may be.

    Only of veins that are darker than the arteries by more than 25 HU. In an iliac vein darker by
    more than 40 HU that is so anywhere but around metal, whose blur is as bright.

    Parameters
    ----------
    drawn
        Painted veins.
    picture
        The coarse picture.
    perhaps
        Where arteries may be in it.
    artery_hu
        Grey value of their blood.
    names
        ``names[n]`` has the label n + 1.
    """
    owns = [np.flatnonzero(drawn.value == number) for number, _ in enumerate(names, start=1)]

    def bright(number: int) -> BoolArray:
        points = drawn.grid.to_lps(np.take(drawn.index, owns[number], axis=0))
        return _like_artery(points, picture, perhaps, artery_hu, names[number] != "ivc")

    gone = np.zeros(len(drawn.value), dtype=bool)
    seen = [number for number, own in enumerate(owns) if len(own)]
    for number, like in zip(seen, each(bright, seen), strict=True):
        gone[owns[number]] = like
    return drawn.without(gone)


def _like_artery(
    points_lps_mm: FloatArray, picture: Picture, perhaps: BoolArray, artery_hu: float, iliac: bool
) -> BoolArray:
    """Tell which of (n, 3) places in a vein `without_arteries` takes away."""
    index = picture.grid.to_index(points_lps_mm)
    level = ndimage.map_coordinates(picture.mean_hu, index.T, order=1, mode="nearest")
    # Half of a thin vein lies in its blurred edge.
    vein_hu = float(np.percentile(level, _CORE_PERCENT))
    if artery_hu - vein_hu < _DARKER_HU:
        return np.zeros(len(level), dtype=bool)
    # What lies farther from the vein than metal's blur reaches does not count.
    reach = np.maximum(1, np.round(_BESIDE_METAL_MM / picture.grid.spacing_mm)).astype(int)
    near = np.clip(np.rint(index), 0, np.array(picture.grid.shape) - 1).astype(np.intp)
    corner = np.maximum(near.min(axis=0) - reach, 0)
    k, j, i = (
        slice(low, high) for low, high in zip(corner, near.max(axis=0) + reach + 1, strict=True)
    )
    mean_hu, where, at = picture.mean_hu[k, j, i], perhaps[k, j, i], tuple((near - corner).T)
    if iliac and artery_hu - vein_hu > _MUCH_DARKER_HU:
        where = where | ~(ndimage.maximum_filter(mean_hu, tuple(2 * reach + 1)) > _METAL_HU)
    low, high = 0.5 * (artery_hu + vein_hu), artery_hu + 2 * _DARKER_HU
    like = where & (mean_hu > low) & (mean_hu < high)
    # Single voxels of noise are no artery.
    share = ndimage.uniform_filter(like.astype(np.float32), 3, mode="nearest")
    bright: BoolArray = (level > low) & (level < high) & where[at] & (share[at] > _TOGETHER)
    return bright
