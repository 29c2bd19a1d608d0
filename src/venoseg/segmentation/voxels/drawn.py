"""Veins as a list of labelled voxels, while they are drawn.

They fill a fiftieth of the part of the image that holds them: what is asked about each voxel is
asked about these alone, and nobody has to look for them in the whole part again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from venoseg.segmentation.model import LabelArray
from venoseg.volume import BoolArray, Grid


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """The m voxels of a grid that have labels.

    Attributes
    ----------
    grid
        The grid.
    index
        (m, 3) the voxels.
    value
        (m,) the label of each, above 0.
    """

    grid: Grid
    index: npt.NDArray[np.int64]
    value: LabelArray

    @property
    def labels(self) -> LabelArray:
        """(slices, rows, columns) the labels of all voxels of the grid, 0 where there is none."""
        labels = np.zeros(self.grid.shape, dtype=np.uint8)
        labels[tuple(self.index.T)] = self.value
        return labels

    def without(self, gone: BoolArray) -> Drawn:
        """Return all but some of the voxels, (m,)."""
        if not gone.any():
            return self
        kept = ~gone
        # Five times as fast as to index by a mask.
        index = np.compress(kept, self.index, axis=0)
        return Drawn(self.grid, index, self.value[kept])

    def blocks(self, factor: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], ...]:
        """Return slice, row and column of the block of ``factor`` voxels that holds each."""
        return tuple(axis // int(size) for axis, size in zip(self.index.T, factor, strict=True))

    def counts(self, labels: int) -> npt.NDArray[np.int64]:
        """Return (labels + 1,) how many voxels have each label; none has label 0."""
        counts: npt.NDArray[np.int64] = np.bincount(self.value, minlength=labels + 1)
        return counts
