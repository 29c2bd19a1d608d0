"""A mask from its own grid onto the grid of the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.interchange.structures import Box, Structure
from venoseg.volume import BoolArray, FloatArray, Grid

# Lattices that agree to within this part of a voxel are the same: what is left is the rounding of
# positions in a file header.
_SAME_VOXEL = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """One structure on the image's grid.

    Attributes
    ----------
    name
        As in the structure.
    box
        Where ``fraction`` lies in the image's array.
    fraction
        float32, the part of each voxel that the structure fills, by linear interpolation.
    resampled
        False when every voxel of the mask is a voxel of the image.
    cut
        True when part of the structure lies outside the image.
    """

    name: str
    box: Box
    fraction: npt.NDArray[np.float32]
    resampled: bool
    cut: bool


def place(structure: Structure, grid: Grid) -> Placed | None:
    """Put a structure onto ``grid``; None when it lies outside.

    A mask whose voxels are the image's, with other axis order or directions, is only turned.
    Otherwise its indicator is interpolated linearly at the image's voxel centres, inside the
    structure's bounding box.
    """
    # Target index (k, j, i, 1) -> index in the structure's mask.
    mapping = np.linalg.inv(structure.grid.affine) @ grid.affine
    first, last, cut = _target_bounds(mapping, structure.mask.shape, grid.shape)
    if (last <= first).any():
        return None
    box = (slice(first[0], last[0]), slice(first[1], last[1]), slice(first[2], last[2]))
    exact = _rounded_if_same_lattice(mapping, first, last)
    fraction = (
        _interpolated(structure, mapping, box)
        if exact is None
        else _turned(structure, exact, first, last)
    )
    if not (fraction >= 0.5).any():
        return None
    return Placed(structure.name, box, fraction, resampled=exact is None, cut=cut)


def _target_bounds(
    mapping: FloatArray, source_shape: tuple[int, ...], target_shape: tuple[int, int, int]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], bool]:
    """Return the target's index range that the mask's voxels reach, and whether it was cut."""
    back = np.linalg.inv(mapping)
    ends = [(-0.5, n - 0.5) for n in source_shape]
    corners = np.array(np.meshgrid(*ends)).reshape(3, -1)
    reached = back[:3, :3] @ corners + back[:3, 3:]
    low, high = reached.min(axis=1), reached.max(axis=1)
    size = np.array(target_shape)
    cut = bool((low < -0.5 - _SAME_VOXEL).any() or (high > size - 0.5 + _SAME_VOXEL).any())
    first = np.clip(np.ceil(low - _SAME_VOXEL), 0, size).astype(np.intp)
    last = np.clip(np.floor(high + _SAME_VOXEL) + 1, 0, size).astype(np.intp)
    return first, last, cut


def _rounded_if_same_lattice(
    mapping: FloatArray, first: npt.NDArray[np.intp], last: npt.NDArray[np.intp]
) -> FloatArray | None:
    """Return the mapping in whole numbers where it maps voxel centres onto voxel centres."""
    whole: FloatArray = np.rint(mapping)
    if not np.allclose(np.abs(whole[:3, :3]).sum(axis=0), 1.0):
        return None
    if abs(abs(np.linalg.det(whole[:3, :3])) - 1.0) > 1e-6:
        return None
    corners = np.array(np.meshgrid(*zip(first, last - 1, strict=True))).reshape(3, -1)
    difference = (mapping - whole)[:3, :3] @ corners + (mapping - whole)[:3, 3:]
    return whole if np.abs(difference).max() <= _SAME_VOXEL else None


def _turned(
    structure: Structure,
    mapping: FloatArray,
    first: npt.NDArray[np.intp],
    last: npt.NDArray[np.intp],
) -> npt.NDArray[np.float32]:
    ends = np.stack([mapping[:3, :3] @ end + mapping[:3, 3] for end in (first, last - 1)])
    low, high = ends.min(axis=0).astype(np.intp), ends.max(axis=0).astype(np.intp) + 1
    part = structure.mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    axes = np.abs(mapping[:3, :3]).argmax(axis=0)
    mirrored = tuple(a for a in range(3) if mapping[axes[a], a] < 0)
    turned: BoolArray = np.flip(part.transpose(axes), mirrored)
    return turned.astype(np.float32)


def _interpolated(structure: Structure, mapping: FloatArray, box: Box) -> npt.NDArray[np.float32]:
    start = np.array([s.start for s in box], dtype=np.float64)
    offset = mapping[:3, :3] @ start + mapping[:3, 3] + 1.0
    shape = tuple(s.stop - s.start for s in box)
    padded = np.pad(structure.mask, 1).astype(np.float32)
    result: npt.NDArray[np.float32] = ndimage.affine_transform(
        padded, mapping[:3, :3], offset, output_shape=shape, order=1, prefilter=False
    )
    return result
