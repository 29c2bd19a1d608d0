"""The most plausible way of a shut vein through the image.

A chronically occluded vein is a thin cord of soft tissue in the fat, here and there calcified; a
fresh clot fills the vein and does not enhance. Both are tubes of soft tissue. The way is the
cheapest path through a field in which such tubes are cheap, formless soft tissue dear, fat dearer,
and whatever enhances like blood (arteries, collaterals) or is as bright as bone dearest; air bars
the way. Tubes are told by the second derivatives of the image at several scales (Frangi 1998,
doi:10.1007/BFb0056195).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.graph import MCP_Geometric

from venoseg.errors import MeasurementError
from venoseg.volume import BoolArray, FloatArray, Grid, Volume

# Voxels are pooled to about this size: half the radius of a thin cord.
_POOLED_MM = 1.6

# The way stays within this many times the direct distance, and this much more.
_DETOUR = 1.35
_MARGIN_MM = 40.0

# Unenhanced blood, clot, wall and muscle lie about here; lumen begins half way up to its level.
TISSUE_HU = 50.0

# Calcium of a cord: spots of at most this size that are brighter than contrast makes a thin vein.
CALCIUM_ABOVE_LUMEN_HU = 120.0
_CALCIUM_MM3 = 120.0

# The image is cut off at these values before its tubes are sought: air, contrast and bone would
# outshine the cord.
_FLOOR_HU, _CEILING_HU = -100.0, 60.0
_SCALES_MM = (1.6, 3.0, 5.0)
# A tube of soft tissue in fat reaches this.
_FULL_TUBE_HU = 35.0

# What a millimetre costs in a perfect tube, in formless soft tissue, in fat and in what is bright.
_TUBE, _TISSUE, _FAT, _BRIGHT = 1.0, 9.0, 18.0, 60.0
_AIR_HU = -300.0
_FAT_HU = -60.0

# A lumen that the labels miss counts as a way when it is at least this share as wide as the lumen
# that is labelled: collaterals are narrower.
_LUMEN_SHARE = 0.6

# How far around an end its width is looked at.
_END_WITHIN_MM = 15.0

# Blood of one phase differs by less than this.
_LUMEN_SPREAD_HU = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class CordField:
    """What a step costs around the ends of a shut stretch.

    Attributes
    ----------
    cost
        (slices, rows, columns) per mm; negative where no way leads.
    grid
        The pooled grid.
    """

    cost: npt.NDArray[np.float32]
    grid: Grid

    def voxel(self, point_lps_mm: FloatArray) -> tuple[int, int, int]:
        """Return the voxel of a point, or the one nearest to it."""
        index = np.round(self.grid.to_index(point_lps_mm)).astype(int)
        k, j, i = (int(v) for v in np.clip(index, 0, np.array(self.grid.shape) - 1))
        return k, j, i


def cord_field(
    volume: Volume,
    labelled: BoolArray,
    stops_lps_mm: FloatArray,
    ends_lps_mm: FloatArray,
    lumen_hu: float,
) -> CordField:
    """Build the field between the ends of a shut stretch.

    Parameters
    ----------
    volume
        The image, in Hounsfield units.
    labelled
        Voxels of labelled lumen on its grid, which a way may use freely.
    stops_lps_mm
        (n, 3) two or more points that the ways lead through.
    ends_lps_mm
        (m, 3) where the lumen ends.
    lumen_hu
        Level of the lumen.

    Raises
    ------
    MeasurementError
        When the image is not in Hounsfield units.
    """
    if volume.unit != "HU":
        raise MeasurementError(
            "the image is not in Hounsfield units, so no way of a shut vein can be sought in it",
            remedy="lead through the gap with waypoints (--seeds)",
        )
    box = _box(volume.grid, stops_lps_mm)
    factor = np.maximum(1, np.round(_POOLED_MM / volume.grid.spacing_mm)).astype(int)
    values = volume.voxels[box].astype(np.float32)
    if volume.missing is not None:
        values[volume.missing[box]] = 2.0 * _AIR_HU
    blocks = _blocks(values, factor)
    mean, most = blocks.mean(axis=(1, 3, 5)), blocks.max(axis=(1, 3, 5))
    own = _blocks(labelled[box].astype(np.float32), factor).mean(axis=(1, 3, 5)) > 0.5
    grid = _pooled_grid(volume.grid.crop(box), mean.shape, factor)
    bright = mean > (lumen_hu + TISSUE_HU) / 2.0
    calcium = _spots(bright, most > lumen_hu + CALCIUM_ABOVE_LUMEN_HU, grid)
    mean[calcium] = TISSUE_HU
    bright &= ~calcium
    reach = _within_reach(grid, stops_lps_mm) & (mean >= _AIR_HU)
    cost = _cost(mean, bright & ~own, reach, grid)
    blood = (bright & (mean < lumen_hu + _LUMEN_SPREAD_HU)) | own
    cost[own | _wide_lumen(blood, own, grid, ends_lps_mm)] = _TUBE
    cost[~reach] = -1.0
    return CordField(cost, grid)


def way_between(
    field: CordField, start_lps_mm: FloatArray, end_lps_mm: FloatArray
) -> FloatArray | None:
    """Return (n, 3) points of the cheapest way from one point to another; None without one."""
    start, end = field.voxel(start_lps_mm), field.voxel(end_lps_mm)
    ways = MCP_Geometric(field.cost, sampling=tuple(field.grid.spacing_mm))
    costs, _ = ways.find_costs([start], [end])
    if not np.isfinite(costs[end]):
        return None
    path = np.array(ways.traceback(end))
    return _ended(field.grid.to_lps(path), start_lps_mm, end_lps_mm)


def ways_that_meet(field: CordField, ends_lps_mm: Sequence[FloatArray]) -> list[FloatArray] | None:
    """Return the ways from several ends to the one point that is cheapest to reach from them all.

    Parameters
    ----------
    field
        The field around the ends.
    ends_lps_mm
        Points (3,).

    Returns
    -------
    list of FloatArray or None
        (n, 3) points from each end to the point where they meet; None when they cannot meet.
    """
    found = [MCP_Geometric(field.cost, sampling=tuple(field.grid.spacing_mm)) for _ in ends_lps_mm]
    total = np.zeros(field.cost.shape)
    for ways, end in zip(found, ends_lps_mm, strict=True):
        total += ways.find_costs([field.voxel(end)])[0]
    meeting = np.unravel_index(int(np.argmin(total)), total.shape)
    if not np.isfinite(total[meeting]):
        return None
    place = field.grid.to_lps(meeting)
    return [
        _ended(field.grid.to_lps(np.array(ways.traceback(meeting))), end, place)
        for ways, end in zip(found, ends_lps_mm, strict=True)
    ]


def _ended(path: FloatArray, start: FloatArray, end: FloatArray) -> FloatArray:
    """Put the exact ends in place of their voxels."""
    return np.vstack([start, path[1:-1], end])


def _box(grid: Grid, points_lps_mm: FloatArray) -> tuple[slice, slice, slice]:
    """Return the part of the grid that a way between points may use."""
    index = grid.to_index(points_lps_mm)
    margin = _MARGIN_MM / grid.spacing_mm
    low = np.clip(np.floor(index.min(axis=0) - margin), 0, None).astype(int)
    high = np.minimum(np.ceil(index.max(axis=0) + margin).astype(int) + 1, grid.shape)
    a, b, c = (slice(int(first), int(last)) for first, last in zip(low, high, strict=True))
    return a, b, c


def _blocks(values: npt.NDArray[np.float32], factor: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Return (k, f, j, f, i, f) blocks of voxels; those at the far border may be left out."""
    k, j, i = (size // f for size, f in zip(values.shape, factor, strict=True))
    whole = values[: k * factor[0], : j * factor[1], : i * factor[2]]
    return whole.reshape(k, factor[0], j, factor[1], i, factor[2])


def _pooled_grid(grid: Grid, shape: tuple[int, ...], factor: npt.NDArray[np.int64]) -> Grid:
    affine = grid.affine.copy()
    affine[:3, :3] *= factor
    affine[:3, 3] = grid.to_lps((factor - 1) / 2.0)
    slices, rows, columns = shape
    return Grid((slices, rows, columns), affine)


def _spots(bright: BoolArray, very_bright: BoolArray, grid: Grid) -> BoolArray:
    """Tell which bright voxels belong to small spots with a very bright middle."""
    labels, count = ndimage.label(bright)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    shines = np.bincount(labels.ravel(), weights=very_bright.ravel(), minlength=count + 1) > 0
    spot = shines & (sizes * grid.voxel_volume_mm3 <= _CALCIUM_MM3)
    spot[0] = False
    return np.asarray(spot[labels])


def _cost(
    mean: npt.NDArray[np.float32], bright: BoolArray, reach: BoolArray, grid: Grid
) -> npt.NDArray[np.float32]:
    soft = reach & ~bright & (mean > _FAT_HU)
    tube = _tubeness(np.clip(mean, _FLOOR_HU, _CEILING_HU), soft, grid)
    fat = np.clip((TISSUE_HU / 2.0 - mean) / (TISSUE_HU / 2.0 - _FAT_HU), 0.0, 1.0)
    cost = _TUBE + (_TISSUE - _TUBE) * (1.0 - tube) ** 2 + (_FAT - _TISSUE) * fat
    cost[bright] = _BRIGHT
    # The blurred rim of what is bright has the value of tissue.
    rim = ndimage.binary_dilation(bright) & ~bright
    cost[rim] += _TISSUE
    result: npt.NDArray[np.float32] = cost.astype(np.float32)
    return result


def _tubeness(
    values: npt.NDArray[np.float32], where: BoolArray, grid: Grid
) -> npt.NDArray[np.float32]:
    """Return 0 to 1: how far a voxel of ``where`` lies in the middle of a tube of soft tissue."""
    best = np.zeros(int(where.sum()), dtype=np.float32)
    for scale in _SCALES_MM:
        sigma = scale / grid.spacing_mm
        hessian = np.empty((len(best), 3, 3), dtype=np.float32)
        for a, b in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)):
            order = [(axis == a) + (axis == b) for axis in range(3)]
            second = ndimage.gaussian_filter(values, sigma, order=order, truncate=3.0)
            hessian[:, a, b] = hessian[:, b, a] = second[where] * sigma[a] * sigma[b]
        lowest, middle = np.linalg.eigvalsh(hessian)[:, :2].T
        np.maximum(best, np.sqrt(np.clip(lowest, None, 0) * np.clip(middle, None, 0)), out=best)
    tube = np.zeros(values.shape, dtype=np.float32)
    tube[where] = np.clip(best / _FULL_TUBE_HU, 0.0, 1.0)
    return tube


def _wide_lumen(blood: BoolArray, own: BoolArray, grid: Grid, ends_lps_mm: FloatArray) -> BoolArray:
    """Return the lumen outside the labels that leads, as wide as they, from one end to another."""
    depth = ndimage.distance_transform_edt(np.pad(own, 1), sampling=grid.spacing_mm)
    depth = depth[1:-1, 1:-1, 1:-1]
    radius = _LUMEN_SHARE * min(_radius_near(depth, grid, end) for end in ends_lps_mm)
    found: BoolArray = np.zeros(blood.shape, dtype=bool)
    core = ndimage.distance_transform_edt(np.pad(blood, 1), sampling=grid.spacing_mm)
    labels, count = ndimage.label(core[1:-1, 1:-1, 1:-1] >= radius, structure=np.ones((3, 3, 3)))
    if count == 0 or radius <= 0.0:
        return found
    near = ndimage.distance_transform_edt(labels == 0, return_distances=False, return_indices=True)
    reached = []
    for end in ends_lps_mm:
        index = np.clip(np.round(grid.to_index(end)).astype(int), 0, np.array(grid.shape) - 1)
        place = near[:, index[0], index[1], index[2]]
        away = float(np.linalg.norm((place - index) * grid.spacing_mm))
        reached.append(int(labels[tuple(place)]) if away <= _END_WITHIN_MM else 0)
    for number in {a for a, b in combinations(reached, 2) if a == b and a > 0}:
        found |= labels == number
    return found


def _radius_near(depth: FloatArray, grid: Grid, end_lps_mm: FloatArray) -> float:
    """Return the radius of the labelled lumen at one of its ends."""
    index = np.round(grid.to_index(end_lps_mm)).astype(int)
    half = np.ceil(_END_WITHIN_MM / grid.spacing_mm).astype(int)
    box = tuple(
        slice(max(0, int(n - h)), max(0, int(n + h) + 1)) for n, h in zip(index, half, strict=True)
    )
    return float(depth[box].max(initial=0.0))


def _within_reach(grid: Grid, ends_lps_mm: FloatArray) -> BoolArray:
    """Tell which voxels lie near the direct way between any two ends."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1)
    points = grid.to_lps(index)
    away = [np.linalg.norm(points - end, axis=-1) for end in ends_lps_mm]
    near: BoolArray = np.zeros(grid.shape, dtype=bool)
    for a, b in combinations(range(len(ends_lps_mm)), 2):
        direct = float(np.linalg.norm(ends_lps_mm[a] - ends_lps_mm[b]))
        near |= away[a] + away[b] <= _DETOUR * direct + _MARGIN_MM
    return near
