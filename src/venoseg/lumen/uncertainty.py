"""What noise does to the figures, found by doing it again.

The wall that was measured is displaced, a few times over, by made-up noise with the scatter and the
correlation of the real one. The spread of the figures is their standard deviation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import ndimage

from venoseg.centerline.curve import Curve
from venoseg.lumen.contours import (
    area_and_centroid,
    feret_diameters_mm,
    outward_normals,
    perimeters_mm,
)
from venoseg.lumen.edges import smooth_over_wall
from venoseg.lumen.wall import WALL_SMOOTHING_MM, Wall
from venoseg.volume import FloatArray, Grid

_REPLICATES = 6

# Figures of neighbouring stations are pooled over this length for their spread.
_POOLING_MM = 15.0

# The scatter of single edges does not hold the errors that neighbouring rays share, through the
# levels on either side and the outline they start from. On phantoms figures spread this much more:
# the equivalent and the minimum diameter, with the edge from gray values and from labels, whose
# steps are alike over long stretches.
_SHARED_ERRORS = {"gray": (1.3, 1.8), "mask": (1.4, 3.0)}

# What remains of the wall's position when noise is gone: sampling, the model of the blur.
_WALL_FLOOR_MM = 0.02

# Share of the correction for blur on a curved wall that may be wrong.
_BLUR_DOUBT = 0.2

# One fixed stream, so that the same input gives the same table.
_SEED = 20_260_101

_NORMAL_95 = 1.96


@dataclass(frozen=True, slots=True, eq=False)
class Interval:
    """Half widths of the 95 % intervals of n sections, each (n,) in mm."""

    equivalent_mm: FloatArray
    minimum_mm: FloatArray


def intervals_of(wall: Wall, curve: Curve, grid: Grid, edge: Literal["gray", "mask"]) -> Interval:
    """Find how far the figures of n sections can be off.

    Parameters
    ----------
    wall
        n sections.
    curve
        Their stations.
    grid
        The grid of the image in which the edges were found: its voxels correlate the noise.
    edge
        Whether that was the image or the labels.
    """
    contours = wall.contours_mm
    normals = outward_normals(contours)
    station_mm = float(curve.position_mm[1] - curve.position_mm[0])
    point_mm = float(perimeters_mm(contours).mean()) / contours.shape[1]
    rng = np.random.default_rng(_SEED)
    figures = _figures(contours)
    changes = np.empty((_REPLICATES, *figures.shape))
    for n in range(_REPLICATES):
        noise = _wall_noise(rng, contours.shape[:2], (station_mm, point_mm), grid)
        moved = contours + normals * (noise * wall.ray_sd_mm[:, None])[..., None]
        changes[n] = _figures(moved) - figures
    pooled = _POOLING_MM / station_mm
    variance = ndimage.gaussian_filter1d(changes.var(axis=0, ddof=1), pooled, mode="nearest")
    radius = np.maximum(figures[0] / 2.0, 0.5)
    shift = wall.blur.in_plane_mm**2 / (2.0 * radius)
    systematic = 2.0 * np.hypot(_WALL_FLOOR_MM, _BLUR_DOUBT * shift)
    shared = np.array(_SHARED_ERRORS[edge])[:, None]
    half = _NORMAL_95 * np.sqrt(shared**2 * variance + systematic**2)
    return Interval(half[0], half[1])


def _figures(contours: FloatArray) -> FloatArray:
    """Return (2, n): equivalent and minimum diameter."""
    area = area_and_centroid(contours)[0]
    minimum = feret_diameters_mm(contours)[0]
    return np.stack([2.0 * np.sqrt(np.maximum(area, 0.0) / np.pi), minimum])


def _wall_noise(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    spacing_mm: tuple[float, float],
    grid: Grid,
) -> FloatArray:
    """Return (n, m) what averaging over the wall leaves of edge positions of unit scatter."""
    through, *in_plane = grid.spacing_mm
    # Interpolation makes rays within a voxel see the same noise.
    alike = (0.5 * through / spacing_mm[0], 0.5 * float(np.mean(in_plane)) / spacing_mm[1])
    white = rng.standard_normal(shape)
    correlated = ndimage.gaussian_filter(white, alike, mode=("nearest", "wrap"))
    correlated /= correlated.std()
    return smooth_over_wall(correlated, np.ones(shape), spacing_mm, WALL_SMOOTHING_MM)
