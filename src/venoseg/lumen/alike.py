"""Over how much of a vein's wall noise is alike, and what averages leave of it.

Interpolation between voxels makes neighbouring rays see the same noise, and the grain that it has
in the image makes still farther ones see it. The edge of labels is rounded to voxels, in the same
way for as long as the vein runs straight along them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy import ndimage

from venoseg.centerline.curve import Curve
from venoseg.lumen.edges import Blur
from venoseg.lumen.grain import Grain
from venoseg.lumen.smoothing import WALL_SMOOTHING_MM
from venoseg.volume import FloatArray, Grid

# Steps are alike over this share of the way on which the vein moves by a voxel.
_STEP_ALIKE = 0.15

# A single draw of an exponential distribution is with 95 % less than three times its mean.
_CHANCE = 2.0

# Over this much of a vein the steps of labels may be the same.
_LONGEST_REPEAT_MM = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """Where an edge was sought: in the image or in the labels, with which blur, on which grid.

    Attributes
    ----------
    source
        The image or the labels.
    blur
        How blurred the edge is there.
    grid
        Of what it was sought in.
    grain
        What the noise of neighbouring voxels has in common.
    """

    source: Literal["gray", "mask"]
    blur: Blur
    grid: Grid
    grain: Grain = field(default_factory=Grain)


def alike_mm(edge: Edge) -> tuple[float, float]:
    """Return over how much along a vein and around it rays see the same noise."""
    through, pixel = edge.grid.slice_and_pixel_mm
    grain = edge.grain
    return (
        float(np.hypot(0.5 * through, grain.through_plane_mm)),
        float(np.hypot(0.5 * pixel, grain.in_plane_mm)),
    )


def alike_along_mm(curve: Curve, edge: Edge) -> FloatArray:
    """Return (n,) over how much along the vein rays see the same noise.

    Askew to the slices other voxels of the same slice are met long before those of the next.
    """
    grid = edge.grid
    alike_mm = np.hypot(0.5 * grid.spacing_mm, edge.grain.along_axes_mm(grid))
    frequency = (curve.tangents @ grid.directions) / alike_mm
    alike: FloatArray = 1.0 / np.sqrt((frequency**2).sum(axis=1))
    return alike


def left_by_average(noise_mm: float | FloatArray, over_mm: float | FloatArray) -> FloatArray:
    """Return what an average over so much leaves of the variance of noise that is so far alike."""
    return np.asarray(noise_mm / np.hypot(noise_mm, over_mm))


def scatter_left(along_mm: FloatArray, around_mm: float) -> FloatArray:
    """Return (n,) how far noise of unit scatter scatters about its average over the wall.

    Of the average A of noise N the rest has var(N - A) = var N - 2 cov(N, A) + var A, and the
    covariance is the variance of an average over less by the root of 2.

    Parameters
    ----------
    along_mm, around_mm
        Over how much along the vein, at n stations, and around it the noise is alike.
    """
    along, around = WALL_SMOOTHING_MM
    average = left_by_average(along_mm, along) * left_by_average(around_mm, around)
    root = np.sqrt(2.0)
    covariance = left_by_average(along_mm, along / root) * left_by_average(around_mm, around / root)
    scatter: FloatArray = np.sqrt(1.0 - 2.0 * covariance + average)
    return scatter


def repeated(curve: Curve, grid: Grid, own_mm: FloatArray) -> FloatArray:
    """Return (n,) how much more variance averaging leaves where slices repeat the labels' steps.

    Parameters
    ----------
    curve, grid
        n stations and the labels' grid.
    own_mm
        (n,) standard deviation of what correlates noise that each voxel has of its own.
    """
    over_mm = WALL_SMOOTHING_MM[0]
    repeat_mm = np.maximum(_repeat_mm(curve, grid), own_mm)
    more: FloatArray = left_by_average(repeat_mm, over_mm) / left_by_average(own_mm, over_mm)
    return more


def by_chance(curve: Curve, grid: Grid, over_mm: float) -> FloatArray:
    """Return (n,) how many times its mean the power of noise may be where it is taken.

    Where the labels' steps are the same all along, averaging along the vein meets but one draw of
    them: such powers are distributed exponentially. In draw after draw they come near their mean.
    """
    alone = left_by_average(_repeat_mm(curve, grid), over_mm)
    more: FloatArray = 1.0 + _CHANCE * np.sqrt(alone)
    return more


def _repeat_mm(curve: Curve, grid: Grid) -> FloatArray:
    """Return (n,) over how much along the vein the labels' steps are alike.

    The edge of labels is rounded to voxels. Along a vein that runs straight across the slices it is
    rounded in the same way in all of them.
    """
    over_mm = WALL_SMOOTHING_MM[0]
    along = np.abs(curve.tangents @ grid.directions) / grid.spacing_mm
    station_mm = float(curve.position_mm[1] - curve.position_mm[0])
    speed = np.sqrt(ndimage.gaussian_filter1d(along**2, over_mm / station_mm, axis=0))
    # Rounding is new once the vein has moved by a voxel in a second direction.
    second = np.maximum(np.sort(speed, axis=1)[:, 1], 1.0 / _LONGEST_REPEAT_MM)
    repeat: FloatArray = _STEP_ALIKE / second
    return repeat
