"""Over how much of a vein's wall noise is alike, and what averages leave of it.

Interpolation between voxels makes neighbouring rays see the same noise, and the grain that it has
in the image makes still farther ones see it. The edge of labels is rounded to voxels, in the same
way for as long as the vein runs straight along them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy import ndimage

from venoseg.centerline.curve import Curve
from venoseg.lumen.rays.edges import Blur
from venoseg.lumen.rays.grain import Grain
from venoseg.lumen.rays.smoothing import FOCAL_SMOOTHING_MM, WALL_SMOOTHING_MM
from venoseg.volume import FloatArray, Grid

# Steps are alike over this share of the way on which the vein moves by a voxel.
_STEP_ALIKE = 0.15

# A single draw of an exponential distribution is with 95 % less than three times its mean.
_CHANCE = 2.0

# At so many places, over half a turn, it is asked what an average over the wall leaves.
_PLACES_AROUND = 4

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


def left_by_average(noise_mm: float | FloatArray, over_mm: float | FloatArray) -> FloatArray:
    """Return what an average over so much leaves of the variance of noise that is so far alike."""
    return np.asarray(noise_mm / np.hypot(noise_mm, over_mm))


def left_on_wall(curve: Curve, edge: Edge, over_mm: Sequence[tuple[float, float]]) -> FloatArray:
    """Return (k, n) what averages over the wall leave of the variance of an edge's position.

    Noise is alike over an ellipsoid that lies along the image's axes, and edges average it across
    the wall. Of noise whose likeness has covariance A a Gaussian average of covariance W leaves
    sqrt(det A / det(A + W)) of the variance: how the vein leans to the slices matters, and where
    around it the edge lies, over which the mean is taken.

    Parameters
    ----------
    curve
        n stations.
    edge
        Where it was sought.
    over_mm
        Standard deviations of each of k averages along the vein and around it.
    """
    grid = edge.grid
    alike_mm2 = (0.5 * grid.spacing_mm) ** 2 + edge.grain.along_axes_mm(grid) ** 2
    turn = (np.arange(_PLACES_AROUND) + 0.5) * np.pi / _PLACES_AROUND
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
    across, upward = curve.across[:, None], curve.upward[:, None]
    axes = np.stack(
        np.broadcast_arrays(
            curve.tangents[:, None], cos * upward - sin * across, cos * across + sin * upward
        ),
        axis=-2,
    )
    lean = (axes @ grid.directions) ** 2
    a, b = np.array([(0.0, 0.0), *over_mm]).T ** 2
    c = np.full_like(a, edge.blur.in_plane_mm**2)
    # W is diagonal: det(A + W) follows from the determinant, the minors and the diagonal of A.
    whole = float(alike_mm2.prod())
    minors, diagonal = lean @ (whole / alike_mm2), lean @ alike_mm2
    size = minors @ np.stack([a, b, c]) + diagonal @ np.stack([b * c, c * a, a * b])
    size += whole + a * b * c
    left: FloatArray = np.sqrt(size[..., :1] / size[..., 1:]).mean(axis=1)
    return left.T


def left_to_wall(curve: Curve, edge: Edge, focal: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (n,) what the average of the wall leaves, and how far from it single edges scatter.

    The first is a share of the variance of single edges, the second one of their deviation. Of the
    average A of noise N the rest has var(N - A) = var N - 2 cov(N, A) + var A, and the covariance
    is the variance of an average over less by the root of 2.

    Parameters
    ----------
    curve, edge
        n stations, and where the edge was sought.
    focal
        (n,) how far the wall is averaged over less, as in a focal stenosis: more of the noise is
        left there, and single edges scatter less about what follows it.
    """
    over_mm = [WALL_SMOOTHING_MM, FOCAL_SMOOTHING_MM] if focal.any() else [WALL_SMOOTHING_MM]
    less_mm = [(along / np.sqrt(2.0), around / np.sqrt(2.0)) for along, around in over_mm]
    average, covariance = np.split(left_on_wall(curve, edge, over_mm + less_mm), 2)
    rest = 1.0 - 2.0 * covariance + average
    # The last is that of a focal stenosis, if there is any.
    left, about = (kind[0] + focal * (kind[-1] - kind[0]) for kind in (average, rest))
    return left, np.sqrt(about)


def repeated(curve: Curve, grid: Grid) -> FloatArray:
    """Return (n,) how much more variance averaging leaves where slices repeat the labels' steps.

    Parameters
    ----------
    curve, grid
        n stations and the labels' grid.
    """
    over_mm = WALL_SMOOTHING_MM[0]
    # Askew to the slices other voxels of the same slice are met long before those of the next.
    each = (curve.tangents @ grid.directions) / (0.5 * grid.spacing_mm)
    own_mm = 1.0 / np.sqrt((each**2).sum(axis=1))
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
    station_mm = curve.step_mm
    speed = np.sqrt(ndimage.gaussian_filter1d(along**2, over_mm / station_mm, axis=0))
    # Rounding is new once the vein has moved by a voxel in a second direction.
    second = np.maximum(np.sort(speed, axis=1)[:, 1], 1.0 / _LONGEST_REPEAT_MM)
    repeat: FloatArray = _STEP_ALIKE / second
    return repeat
