"""Veins that have labels: their voxels, where these lie, and the course through their middle."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.segmentation.courses.plan import ORDER
from venoseg.segmentation.model import OccludedCourse, Segmentation
from venoseg.segmentation.together import both
from venoseg.segmentation.working import Box, held_by
from venoseg.volume import BoolArray, FloatArray, Grid

_STEP_MM, _EVEN_MM = 2.0, 3.0
# Voxels of one slice so far from their mean are of two veins.
_TWO_PIECES_MM = 24.0


@dataclass(frozen=True, slots=True, eq=False)
class Veins:
    """The labelled voxels of a segmentation, and its courses without lumen.

    Attributes
    ----------
    index
        (m, 3) of each labelled voxel.
    points_lps_mm
        (m, 3) where it lies.
    vessel
        (m,) its vein, as a position in ``names``.
    names
        The veins.
    occluded
        Courses where they have no lumen.
    step_mm
        Distance of the slices.
    """

    index: npt.NDArray[np.int64]
    points_lps_mm: FloatArray
    vessel: npt.NDArray[np.intp]
    names: tuple[str, ...]
    occluded: tuple[OccludedCourse, ...]
    step_mm: float

    @classmethod
    def of(cls, segmentation: Segmentation, box: Box) -> Veins:
        """Take the voxels of a segmentation that lie in a box."""
        grid, (slices, rows, columns) = segmentation.grid, box
        names = tuple(dict.fromkeys(segmentation.names.values()))
        number = np.full(256, -1, dtype=np.intp)
        for value, name in segmentation.names.items():
            number[value] = names.index(name)

        def voxels(
            start: int, stop: int
        ) -> tuple[npt.NDArray[np.int64], FloatArray, npt.NDArray[np.intp]]:
            part = segmentation.labels[start:stop, rows, columns]
            corner = np.array([start, rows.start, columns.start])
            index = held_by(part > 0)
            vessel = number[part[tuple(index.T)]]
            known = vessel >= 0
            index = np.compress(known, index, axis=0) + corner
            return index, grid.to_lps(index), vessel[known]

        middle = (slices.start + slices.stop) // 2
        halves = both(lambda: voxels(slices.start, middle), lambda: voxels(middle, slices.stop))
        index, points, vessel = (np.concatenate(two) for two in zip(*halves, strict=True))
        step_mm = float(grid.spacing_mm[grid.axial_axis])
        return cls(index, points, vessel, names, segmentation.occluded, step_mm)

    def own(self, names: Collection[str]) -> BoolArray:
        """Tell which of the voxels are of some veins."""
        wanted: BoolArray = np.array([name in names for name in self.names], dtype=bool)
        return wanted[self.vessel]

    def points_of(self, names: Collection[str]) -> FloatArray:
        """Return (n, 3) the voxels of some veins."""
        points: FloatArray = self.points_lps_mm[self.own(names)]
        return points

    def course(self, names: Collection[str]) -> FloatArray:
        """Return (n, 3) their middle every 2 mm from the head down, through where they are shut.

        Of two cavae the right one's. Empty where they have no label.
        """
        points = self.points_of(names)
        size = max(_STEP_MM, self.step_mm)
        middles = _middles(points, size) if len(points) else points
        if len(middles) < 2:
            return np.empty((0, 3))
        for one in self.occluded:
            if one.vessel in names:
                course = one.points_lps_mm
                away = np.abs(course[:, None, 2] - middles[None, :, 2]).min(axis=1)
                middles = np.concatenate([middles, course[away > size]])
        middles = middles[np.argsort(-middles[:, 2])]
        z = np.arange(middles[0, 2], middles[-1, 2] - 1e-6, -_STEP_MM)
        across = [np.interp(-z, -middles[:, 2], middles[:, n]) for n in range(2)]
        smooth: FloatArray = ndimage.gaussian_filter1d(
            np.column_stack([*across, z]), _EVEN_MM / _STEP_MM, axis=0
        )
        return smooth

    def on(self, grid: Grid) -> VeinsOn:
        """Find the voxels of a coarser grid that the labelled voxels lie in."""
        k, j, i = np.rint(grid.to_index(self.points_lps_mm).T).astype(np.int64)
        inner = np.ones(len(k), dtype=bool)
        for axis, size in zip((k, j, i), grid.shape, strict=True):
            inner &= (axis >= 0) & (axis < size)
        held = np.zeros((len(self.names), *grid.shape), dtype=bool)
        held[self.vessel[inner], k[inner], j[inner], i[inner]] = True
        return VeinsOn(held, self.names)


@dataclass(frozen=True, slots=True, eq=False)
class VeinsOn:
    """Labelled veins on a coarser grid.

    Attributes
    ----------
    held
        (names, slices, rows, columns) whether a voxel of the grid holds some of each vein.
    names
        The veins.
    """

    held: BoolArray
    names: tuple[str, ...]

    def within(self, names: Collection[str]) -> BoolArray:
        """Return (slices, rows, columns), True where some veins are."""
        wanted = [n for n, name in enumerate(self.names) if name in names]
        inside: BoolArray = np.logical_or.reduce(self.held[wanted])
        return inside


def side_names(side: str) -> tuple[str, ...]:
    """Return the veins of a side that are one tube, from the central end."""
    return tuple(f"{side}_{part}" for part in ORDER)


def _middles(points: FloatArray, size_mm: float) -> FloatArray:
    """Return the middle of the points in each layer of a height; of two pieces the right one's."""
    layer = np.floor((points[:, 2] - points[:, 2].min()) / size_mm).astype(int)
    count = np.bincount(layer)
    means = np.stack(
        [np.bincount(layer, points[:, n]) / np.maximum(count, 1) for n in range(3)], axis=-1
    )
    far = np.abs(points[:, 0] - means[layer, 0]) > _TWO_PIECES_MM
    for one in np.unique(layer[far]):
        own = points[layer == one]
        means[one] = own[own[:, 0] < own[:, 0].min() + _TWO_PIECES_MM].mean(axis=0)
    kept: FloatArray = means[count > 0]
    return kept
