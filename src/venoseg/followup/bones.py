"""The bones that a CT shows, as far as they tell where in the patient a level lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from venoseg.segmentation import Segmentation
from venoseg.volume import BoolArray, FloatArray, Grid, Volume

# Cortical bone and much of the spongy one lie above the first, blood and kidneys mostly below; from
# the second on a voxel is bone altogether, so that metal and teeth weigh no more than bone.
_BONE_HU = (180.0, 480.0)

# Bones are looked at on voxels about this fine.
_VOXEL_MM = 2.0

# Veins, their stents and contrast medium are no bones; nothing near them is taken for one.
_AROUND_VEINS_MM = 6.0

# Less bone than this does not tell where it belongs.
_LEAST_VOLUME_MM3 = 15_000.0

# The density at which a bone's surface lies, and how much the surface is smoothed.
SURFACE = 0.4
_SURFACE_BLUR_MM = 1.2


@dataclass(frozen=True, slots=True, eq=False)
class Bones:
    """The bones of a scan.

    Attributes
    ----------
    density
        (slices, rows, columns) float32, 0 where there is no bone to 1.
    known
        (slices, rows, columns) float32, 1 where the scan tells, 0 near veins and where it shows
        nothing.
    grid
        Of both.
    """

    density: FloatArray
    known: FloatArray
    grid: Grid

    @property
    def volume_mm3(self) -> float:
        """Volume of the bones."""
        return float((self.density > SURFACE).sum()) * self.grid.voxel_volume_mm3

    def blurred(self, blur_mm: float) -> Bones:
        """Return the bones as a coarser scan would show them."""
        sigma = blur_mm / self.grid.spacing_mm
        density = ndimage.gaussian_filter(self.density, sigma, mode="nearest")
        return Bones(density, self.known, self.grid)

    def tells(self, points_lps_mm: FloatArray) -> BoolArray:
        """Tell at which of (n, 3) points the scan shows whether there is bone."""
        index = self.grid.to_index(points_lps_mm).T
        known = ndimage.map_coordinates(self.known, index, order=1, mode="constant", cval=0.0)
        tells: BoolArray = known > 0.99
        return tells

    def at(self, points_lps_mm: FloatArray) -> FloatArray:
        """Return the (n,) densities at (n, 3) points."""
        return interpolated(self.density, self.grid, points_lps_mm)

    def slopes(self) -> Slopes:
        """Return the change of density a mm."""
        return Slopes([np.asarray(one) for one in np.gradient(self.density)], self.grid)


@dataclass(frozen=True, slots=True, eq=False)
class Slopes:
    """Change of density by index, one array for each axis of ``grid``."""

    by_index: list[FloatArray]
    grid: Grid

    def at(self, points_lps_mm: FloatArray) -> FloatArray:
        """Return the (n, 3) change a mm in patient directions at (n, 3) points."""
        change = [interpolated(one, self.grid, points_lps_mm) for one in self.by_index]
        slopes: FloatArray = np.stack(change, axis=1) @ np.linalg.inv(self.grid.affine[:3, :3])
        return slopes


def interpolated(array: FloatArray, grid: Grid, points_lps_mm: FloatArray) -> FloatArray:
    """Return (n,) values at (n, 3) points; edge values outside."""
    index = grid.to_index(points_lps_mm).T
    values: FloatArray = ndimage.map_coordinates(
        array, index, order=1, mode="nearest", output=np.float64
    )
    return values


def bones_of(volume: Volume, segmentation: Segmentation) -> Bones | None:
    """Return the bones of a scan; None where it shows too little of them.

    Parameters
    ----------
    volume
        In Hounsfield units; in others nothing is known of bones.
    segmentation
        The veins, which are left out with what lies in and next to them.
    """
    if volume.unit != "HU":
        return None
    step = np.maximum(np.floor(_VOXEL_MM / volume.grid.spacing_mm + 0.5), 1).astype(int)
    thin = tuple(slice(None, None, int(n)) for n in step)
    # Neighbours are averaged before they are left out.
    values = ndimage.uniform_filter(volume.voxels.astype(np.float32), step)[thin]
    low, high = _BONE_HU
    density = np.clip((values - low) / (high - low), 0.0, 1.0)
    grid = _thinned(volume.grid, step, values.shape)
    unknown = _near(_veins(segmentation)[thin], grid)
    if volume.missing is not None:
        unknown |= volume.missing[thin]
    density[unknown] = 0.0
    found = Bones(density, (~unknown).astype(np.float32), grid)
    return found if found.volume_mm3 >= _LEAST_VOLUME_MM3 else None


def surface_of(bones: Bones) -> tuple[FloatArray, FloatArray]:
    """Return (n, 3) points where the density crosses the surface's level, and the normals there."""
    smooth = bones.blurred(_SURFACE_BLUR_MM)
    over = smooth.density - SURFACE
    points = []
    for axis in range(3):
        before = np.take(over, range(over.shape[axis] - 1), axis=axis)
        after = np.take(over, range(1, over.shape[axis]), axis=axis)
        index = np.argwhere((before > 0) != (after > 0)).astype(np.float64)
        at = tuple(index.astype(int).T)
        index[:, axis] += before[at] / (before[at] - after[at])
        points.append(index)
    crossing = bones.grid.to_lps(np.concatenate(points))
    crossing = crossing[bones.tells(crossing)]
    slope = smooth.slopes().at(crossing)
    return crossing, slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-9)


def _thinned(grid: Grid, step: FloatArray, shape: tuple[int, ...]) -> Grid:
    affine = grid.affine.copy()
    affine[:3, :3] *= step
    # The mean over an even number of voxels lies half a voxel before the one that is kept.
    affine[:3, 3] += grid.affine[:3, :3] @ np.where(step % 2 == 0, -0.5, 0.0)
    return Grid((shape[0], shape[1], shape[2]), affine)


def _veins(segmentation: Segmentation) -> BoolArray:
    veins: BoolArray = segmentation.labels > 0
    return veins if segmentation.stent is None else veins | segmentation.stent


def _near(mask: BoolArray, grid: Grid) -> BoolArray:
    if not mask.any():
        return mask
    distance = ndimage.distance_transform_edt(~mask, sampling=grid.spacing_mm)
    near: BoolArray = distance <= _AROUND_VEINS_MM
    return near
