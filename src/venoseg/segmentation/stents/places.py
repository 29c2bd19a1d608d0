"""How a device lies to the labelled veins: in one, or only beside it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.segmentation.model import Segmentation
from venoseg.segmentation.stents.lattice import Lattice
from venoseg.volume import BoolArray, FloatArray, Grid

# How far from a labelled vein a stent in it can lie: it may be wider than the lumen inside.
REACH_MM = 8.0

# Lumen lies within a device where it comes nearer to the middle line than this share of the radius.
# That of a vein beside which the stent of an artery lies begins beyond the wires.
_WITHIN = 0.8

# A device belongs to a vein when at least this share of its length runs in, or beside, its labels,
# and it holds lumen along so much of that: where the vein is occluded there is none to hold.
_LEAST_BESIDE = 0.5
_LEAST_HELD = 0.5

# What is too faint to be a stent anywhere is one when so much of it runs there.
_SURELY_BESIDE = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class Veins:
    """Labelled veins of a box, all of them or some.

    Attributes
    ----------
    lumen, near
        (slices, rows, columns) bool, the veins, and they with what lies next to them.
    grid
        The box.
    """

    lumen: BoolArray
    near: BoolArray
    grid: Grid

    @classmethod
    def of(
        cls,
        segmentation: Segmentation,
        box: tuple[slice, slice, slice],
        vessels: Collection[str] | None = None,
    ) -> Veins:
        """Return the veins of these names, or all, in a box of a segmentation."""
        names = segmentation.names.items()
        wanted = [label for label, name in names if vessels is None or name in vessels]
        lumen = np.isin(segmentation.labels[box], wanted)
        grid = segmentation.grid.crop(box)
        return cls(lumen, grown(lumen, grid, REACH_MM), grid)

    def hold(self, lattice: Lattice) -> bool:
        """Tell whether a device lies in one of the veins."""
        return self._hold(lattice, _LEAST_BESIDE)

    def surely_hold(self, lattice: Lattice) -> bool:
        """Tell whether nearly all of a device lies in one of the veins."""
        return self._hold(lattice, _SURELY_BESIDE)

    def _hold(self, lattice: Lattice, least: float) -> bool:
        middle = np.rint(self.grid.to_index(lattice.line_lps_mm)).astype(int)
        beside = self._any(self.near, middle[:, None])
        within = middle[:, None] + _ball(self.grid.spacing_mm, _WITHIN * lattice.radius_mm)
        held = self._any(self.lumen, within)
        return bool(beside.mean() >= least and held.mean() >= _LEAST_HELD * beside.mean())

    def _any(self, mask: BoolArray, index: npt.NDArray[np.intp]) -> BoolArray:
        """Tell (n,) for which of (n, k, 3) places some lie in a mask."""
        index = np.clip(index, 0, np.array(self.grid.shape) - 1)
        found: BoolArray = mask[tuple(np.moveaxis(index, -1, 0))].any(axis=1)
        return found


def grown(mask: BoolArray, grid: Grid, by_mm: float) -> BoolArray:
    """Grow a mask by a box: quick, and a little farther along the diagonals."""
    size = [2 * max(1, round(by_mm / s)) + 1 for s in grid.spacing_mm]
    larger: BoolArray = ndimage.maximum_filter(mask.view(np.uint8), size=size).view(bool)
    return larger


def _ball(spacing_mm: FloatArray, radius_mm: float) -> npt.NDArray[np.intp]:
    """Return (k, 3) the steps in voxels to all places within a radius."""
    most = np.floor(radius_mm / spacing_mm).astype(int)
    z, y, x = (np.arange(-m, m + 1) for m in most)
    steps = np.stack(np.meshgrid(z, y, x), axis=-1).reshape(-1, 3)
    near: npt.NDArray[np.intp] = steps[np.linalg.norm(steps * spacing_mm, axis=1) <= radius_mm]
    return near
