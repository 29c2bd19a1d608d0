"""Thin wires, placed into voxels by their exact volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from venoseg.volume import FloatArray, Grid

SPACING_MM = 0.1
"""Distance of the points that stand for a wire."""


@dataclass(frozen=True, slots=True, eq=False)
class Filaments:
    """Wires as (n, 3) points in LPS mm, each of which stands for a small volume of metal."""

    points_lps_mm: FloatArray
    volumes_mm3: FloatArray

    @classmethod
    def along(cls, lines: list[FloatArray], thickness_mm: float) -> Filaments:
        """Return round wires along (m, 3) polylines whose points lie close together."""
        middles = [(line[1:] + line[:-1]) / 2 for line in lines]
        lengths = [np.linalg.norm(np.diff(line, axis=0), axis=1) for line in lines]
        points, length = np.concatenate(middles), np.concatenate(lengths)
        # Seven points spread each piece over its thickness: the middle and six around it.
        offsets = np.concatenate([np.zeros((1, 3)), np.vstack([np.eye(3), -np.eye(3)])])
        spread = (points[:, None, :] + 0.35 * thickness_mm * offsets).reshape(-1, 3)
        volume = np.repeat(length * np.pi * thickness_mm**2 / 4 / len(offsets), len(offsets))
        return cls(spread, volume)

    def bounds(self) -> FloatArray:
        """Return the (2, 3) smallest and largest LPS coordinates."""
        return np.array([self.points_lps_mm.min(axis=0), self.points_lps_mm.max(axis=0)])

    def share(self, grid: Grid) -> npt.NDArray[np.float32]:
        """Return for each voxel of a grid the share that is metal, at most 1."""
        index = np.rint(grid.to_index(self.points_lps_mm)).astype(np.int64)
        inside = ((index >= 0) & (index < grid.shape)).all(axis=1)
        flat = np.ravel_multi_index(tuple(index[inside].T), grid.shape)
        metal = np.bincount(flat, self.volumes_mm3[inside], minlength=int(np.prod(grid.shape)))
        share = np.minimum(metal / grid.voxel_volume_mm3, 1.0).astype(np.float32)
        return share.reshape(grid.shape)
