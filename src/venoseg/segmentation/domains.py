"""What is blood, and whose: veins and arteries held apart by the walls between them.

A wall between an artery and a vein that touch is thinner than a voxel of the coarse picture and
shows as a faint dark line. The coarse picture here keeps the darkest value near each place, so that
such lines stay closed. Arteries and veins then grow from points inside them, and every place falls
to the one that reaches it over the lower wall (watershed by flooding).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from venoseg.segmentation.working import Box, Float32Array, pooled, upright
from venoseg.volume import BoolArray, FloatArray, Grid, Volume

SPACING_MM = 2.0
_SMOOTH_MM = 0.7


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
    """Make the coarse picture of a box of a volume."""
    part = volume.crop(box)
    mean, grid = pooled(volume, box, SPACING_MM)
    smooth = ndimage.gaussian_filter(
        part.voxels, _SMOOTH_MM / part.grid.spacing_mm, output=np.float32, truncate=2.0
    )
    factor = np.maximum(1, np.round(SPACING_MM / part.grid.spacing_mm)).astype(int)
    factor = np.minimum(factor, smooth.shape)
    size = np.array(smooth.shape) // factor
    k, j, i = size * factor
    darkest = smooth[:k, :j, :i]
    for axis in (2, 1, 0):
        shape = list(darkest.shape)
        shape[axis : axis + 1] = [size[axis], factor[axis]]
        darkest = darkest.reshape(shape).min(axis=axis + 1)
    affine = part.grid.affine.copy()
    darkest, _ = upright(darkest, Grid(darkest.shape, affine))
    return Picture(mean, np.ascontiguousarray(darkest), grid)


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
    domain = watershed(wall, markers, mask=blood | (markers > 0))  # type: ignore[no-untyped-call]
    arteries: BoolArray = domain == 1
    return arteries
