"""Collateral veins beside the spine, which carry the blood past a narrow or shut cava.

Collaterals run along many ways; most of these (pelvis, belly wall, gonadal and portal veins) hold
normal vessels of the same look and size, so that what is found there would not tell anything.
Beside the vertebral bodies, behind their front, a healthy person has no vein that is 3 mm wide:
there the ascending lumbar veins widen when the cava is shut. Only they are sought.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree
from skimage.morphology import skeletonize

from venoseg.segmentation import Segmentation
from venoseg.segmentation.landmarks.spine import body_of, spine_of
from venoseg.segmentation.working import Box, Float32Array, box_around, pooled
from venoseg.tables import Column, Row, Table
from venoseg.volume import BoolArray, FloatArray, Grid, Volume

COLLATERAL_COLUMNS = (
    Column(
        "side",
        "left or right of the vertebral bodies, whose paravertebral space is searched from the "
        "highest labelled iliac vein up: to 65 mm from the midline, 6 to 70 mm behind the front "
        "of the bodies",
    ),
    Column(
        "count",
        "separate tubes of blood, at least 3 mm wide and 20 mm long, that are neither labelled "
        "veins nor bone nor part of anything wider than 10 mm",
    ),
    Column("total_length_mm", "length of their middle lines, branches included", 1),
    Column(
        "volume_mm3",
        "of the voxels at least half of the way from tissue to the labelled lumen: a lower bound",
        0,
    ),
    Column("maximum_area_mm2", "largest area that crosses an axial plane", 1),
    Column("maximum_area_z_mm", "patient coordinate (LPS) of that plane", 1),
    Column("reason", "why nothing can be told; the figures are empty then"),
)
"""The columns of ``collaterals.csv``."""

# The lumen must stand out as much as this for collaterals of the same blood to be seen.
_LEAST_LUMEN_HU = 110.0
_TISSUE_HU = 55.0
_BLOOD_SHARE = 0.5

_SPINE_MM, _FINE_MM = 3.0, 1.5
_ASIDE_MM, _BEHIND_MM = 65.0, (6.0, 70.0)
_MARGIN_MM = 30.0

# As far from the labels nothing counts: there it is the same vein, or its wall.
_VEIN_RIM_MM = 3.0
_WIDEST_MM, _NARROWEST_MM, _SHORTEST_MM = 10.0, 3.0, 20.0
_SMOOTHING_MM = 1.2

# Bone is brighter than blood by this, and its marrow lies within what this closes.
_BONE_ABOVE_HU = 130.0
_BONE_MM3, _CLOSING_MM, _BONE_RIM_MM = 500.0, 6.0, 2.5

# Vessels of an organ, such as a kidney's, lie within this of it; a tube that does so over half of
# its volume is one.
_ORGAN_MM3, _ORGAN_RIM_MM, _ORGAN_SHARE = 20_000.0, 12.0, 0.5

_CONNECTED = np.ones((3, 3, 3), dtype=bool)


@dataclass(frozen=True, slots=True, eq=False)
class Collaterals:
    """The collaterals beside the spine.

    Attributes
    ----------
    table
        ``collaterals.csv``, one row for either side.
    mask, grid
        Their voxels in a part of the image, slices to the head, rows to the back, columns to the
        left; None where nothing can be told.
    """

    table: Table
    mask: BoolArray | None = None
    grid: Grid | None = None

    def area_mm2(self, z_mm: float) -> float | None:
        """Return the area that crosses the axial plane at z (LPS); None outside of the search."""
        if self.mask is None or self.grid is None:
            return None
        heights = _heights_mm(self.grid)
        if not heights.min() <= z_mm <= heights.max():
            return None
        areas = self.mask.sum(axis=(1, 2)) * float(np.prod(self.grid.spacing_mm[1:]))
        return float(np.interp(z_mm, heights, areas))


def find_collaterals(volume: Volume, segmentation: Segmentation) -> Collaterals:
    """Find the collaterals beside the spine.

    Parameters
    ----------
    volume
        The image.
    segmentation
        The veins' labels on its grid.
    """
    if volume.unit != "HU":
        return _unknown("the image is not in Hounsfield units")
    level_hu = _lumen_hu(volume, segmentation)
    if level_hu is None or level_hu < _LEAST_LUMEN_HU:
        return _unknown("the labelled veins are not enhanced enough")
    spine = _spine(volume)
    if spine is None:
        return _unknown("the vertebral bodies are not in the image")
    lowest_mm = _lowest_mm(segmentation)
    spine = spine[spine[:, 2] >= lowest_mm]
    if len(spine) * _SPINE_MM < 2.0 * _SHORTEST_MM:
        return _unknown("the image shows too little of the spine above the iliac veins")
    box = _box(volume.grid, spine)
    values, grid = pooled(volume, box, _FINE_MM)
    veins = _share(segmentation, volume, box) > 0.0
    space = _paravertebral(grid, spine)
    mask = _tubes(values, grid, veins, space, level_hu)
    return Collaterals(Table.from_rows(COLLATERAL_COLUMNS, _rows(mask, grid, spine)), mask, grid)


def _unknown(reason: str) -> Collaterals:
    blank: Row = {column.name: None for column in COLLATERAL_COLUMNS}
    rows: list[Row] = [{**blank, "side": side, "reason": reason} for side in ("left", "right")]
    return Collaterals(Table.from_rows(COLLATERAL_COLUMNS, rows))


def _lumen_hu(volume: Volume, segmentation: Segmentation) -> float | None:
    core = ndimage.binary_erosion(_veins(segmentation), iterations=2)
    if volume.missing is not None:
        core &= ~volume.missing
    return float(np.median(volume.voxels[core])) if core.any() else None


def _veins(segmentation: Segmentation) -> BoolArray:
    return np.isin(segmentation.labels, list(segmentation.names))


def _spine(volume: Volume) -> FloatArray | None:
    """Return (n, 3) the middle of the vertebral bodies' front, from the feet up."""
    image, grid = pooled(volume, _whole(volume.grid), _SPINE_MM)
    column, row = spine_of(image, grid, body_of(image))
    known = np.flatnonzero(~np.isnan(column) & ~np.isnan(row))
    if len(known) == 0:
        return None
    every = np.arange(known[0], known[-1] + 1)
    index = np.stack([every, np.interp(every, known, row[known])], axis=1)
    return grid.to_lps(np.column_stack([index, np.interp(every, known, column[known])]))


def _whole(grid: Grid) -> Box:
    k, j, i = (slice(0, n) for n in grid.shape)
    return k, j, i


def _lowest_mm(segmentation: Segmentation) -> float:
    """Return the height from which on the iliac veins and their branches do not disturb."""
    iliac = [value for value, name in segmentation.names.items() if "iliac" in name]
    boxes = ndimage.find_objects(segmentation.labels)
    ends = [
        segmentation.grid.to_lps(np.array(corner, dtype=float))[2]
        for value in iliac
        if value <= len(boxes) and boxes[value - 1] is not None
        for corner in zip(*((s.start, s.stop - 1) for s in boxes[value - 1]), strict=True)
    ]
    return max(ends, default=-np.inf)


def _box(grid: Grid, spine: FloatArray) -> Box:
    beside = _ASIDE_MM + _MARGIN_MM
    left = spine + np.array([beside, _BEHIND_MM[1] + _MARGIN_MM, 0.0])
    right = spine + np.array([-beside, _BEHIND_MM[0] - _MARGIN_MM, 0.0])
    return box_around(grid, np.concatenate([left, right]), 0.0)


def _share(segmentation: Segmentation, volume: Volume, box: Box) -> Float32Array:
    labels = _veins(segmentation).astype(np.float32)
    return pooled(replace(volume, voxels=labels, missing=None), box, _FINE_MM)[0]


def _heights_mm(grid: Grid) -> FloatArray:
    index = np.zeros((grid.shape[0], 3))
    index[:, 0] = np.arange(grid.shape[0])
    return grid.to_lps(index)[:, 2]


def _paravertebral(grid: Grid, spine: FloatArray) -> BoolArray:
    """Return where collaterals are sought."""
    points = grid.to_lps(np.moveaxis(np.indices(grid.shape), 0, -1).astype(np.float64))
    height = points[..., 2]
    aside = points[..., 0] - np.interp(height, spine[:, 2], spine[:, 0])
    behind = points[..., 1] - np.interp(height, spine[:, 2], spine[:, 1])
    within = (height >= spine[0, 2]) & (height <= spine[-1, 2]) & (np.abs(aside) <= _ASIDE_MM)
    space: BoolArray = within & (behind >= _BEHIND_MM[0]) & (behind <= _BEHIND_MM[1])
    return space


def _tubes(
    values: Float32Array, grid: Grid, veins: BoolArray, space: BoolArray, level_hu: float
) -> BoolArray:
    """Return the voxels of tubes of blood within a space."""
    threshold = _TISSUE_HU + _BLOOD_SHARE * (level_hu - _TISSUE_HU)
    vein = _within(veins, grid, _VEIN_RIM_MM)
    smooth = ndimage.gaussian_filter(values, _SMOOTHING_MM / grid.spacing_mm)
    solid = (smooth > threshold) & ~vein
    depth = ndimage.distance_transform_edt(solid, sampling=grid.spacing_mm)
    wide = _within(depth > _WIDEST_MM / 2.0, grid, _WIDEST_MM / 2.0 + 2.0)
    bone = _bone(values, grid, level_hu)
    organ = _within(_large(wide & ~bone, grid, _ORGAN_MM3), grid, _ORGAN_RIM_MM)
    blood = (values > threshold) & space & ~vein & ~wide & ~bone
    parts, count = ndimage.label(blood, structure=_CONNECTED)
    kept = np.zeros(count + 1, dtype=bool)
    for n, place in enumerate(ndimage.find_objects(parts), start=1):
        part = parts[place] == n
        kept[n] = bool(organ[place][part].mean() < _ORGAN_SHARE) and _is_tube(part, grid)
    tubes: BoolArray = kept[parts]
    return tubes


def _within(inside: BoolArray, grid: Grid, distance_mm: float) -> BoolArray:
    if not inside.any():
        return np.zeros(inside.shape, dtype=bool)
    near: BoolArray = (
        ndimage.distance_transform_edt(~inside, sampling=grid.spacing_mm) <= distance_mm
    )
    return near


def _large(mask: BoolArray, grid: Grid, least_mm3: float) -> BoolArray:
    parts, _ = ndimage.label(mask)
    large = np.bincount(parts.ravel()) * grid.voxel_volume_mm3 >= least_mm3
    large[0] = False
    result: BoolArray = large[parts]
    return result


def _bone(values: Float32Array, grid: Grid, level_hu: float) -> BoolArray:
    """Return bone with its marrow and its blurred rim."""
    cortex = _large(values > level_hu + _BONE_ABOVE_HU, grid, _BONE_MM3)
    away = ndimage.distance_transform_edt(~np.pad(cortex, 8), sampling=grid.spacing_mm)
    grown = away <= _CLOSING_MM
    back = ndimage.distance_transform_edt(grown, sampling=grid.spacing_mm)
    closed = (back > _CLOSING_MM)[8:-8, 8:-8, 8:-8] | cortex
    filled = np.stack([ndimage.binary_fill_holes(plane) for plane in closed])
    return _within(filled, grid, _BONE_RIM_MM)


def _is_tube(part: BoolArray, grid: Grid) -> bool:
    volume_mm3 = float(part.sum()) * grid.voxel_volume_mm3
    if volume_mm3 < np.pi / 4.0 * _NARROWEST_MM**2 * _SHORTEST_MM:
        return False
    length_mm = _length_mm(part, grid)
    width_mm = 2.0 * np.sqrt(volume_mm3 / np.pi / max(length_mm, grid.spacing_mm[0]))
    return bool(length_mm >= _SHORTEST_MM and _NARROWEST_MM <= width_mm <= _WIDEST_MM)


def _length_mm(part: BoolArray, grid: Grid) -> float:
    """Return the length of the middle lines: the shortest tree through the skeleton's voxels."""
    skeleton = skeletonize(np.pad(part, 1))
    index = np.argwhere(skeleton)
    number = np.full(np.array(part.shape) + 4, -1)
    number[tuple(index.T + 1)] = np.arange(len(index))
    first, second, step_mm = [], [], []
    for offset in np.argwhere(_CONNECTED) - 1:
        if tuple(offset) > (0, 0, 0):
            other = number[tuple((index + 1 + offset).T)]
            pairs = np.flatnonzero(other >= 0)
            first.append(pairs)
            second.append(other[pairs])
            step_mm.append(np.full(len(pairs), np.linalg.norm(offset * grid.spacing_mm)))
    ends = np.concatenate(first), np.concatenate(second)
    graph = coo_array((np.concatenate(step_mm), ends), shape=(len(index), len(index)))
    return float(minimum_spanning_tree(graph.tocsr()).sum())


def _rows(mask: BoolArray, grid: Grid, spine: FloatArray) -> Iterator[Row]:
    """Return one row for either side; a tube belongs to the side of its middle."""
    parts, count = ndimage.label(mask, structure=_CONNECTED)
    centres = np.array(ndimage.center_of_mass(mask, parts, range(1, count + 1))).reshape(-1, 3)
    middles = grid.to_lps(centres)
    is_left = middles[:, 0] > np.interp(middles[:, 2], spine[:, 2], spine[:, 0])
    heights, pixel_mm2 = _heights_mm(grid), float(np.prod(grid.spacing_mm[1:]))
    for side, chosen in (("left", is_left), ("right", ~is_left)):
        which = np.flatnonzero(chosen) + 1
        places = ndimage.find_objects(parts)
        lengths = [_length_mm(parts[places[n - 1]] == n, grid) for n in which]
        area = np.isin(parts, which).sum(axis=(1, 2)) * pixel_mm2
        yield {
            "side": side,
            "count": len(which),
            "total_length_mm": float(sum(lengths)),
            "volume_mm3": float(area.sum() * grid.spacing_mm[0]),
            "maximum_area_mm2": float(area.max()),
            "maximum_area_z_mm": float(heights[int(area.argmax())]) if len(which) else None,
            "reason": None,
        }
