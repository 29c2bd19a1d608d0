"""Where along the normals of a contour the edge of the lumen lies, at sub-voxel precision.

The image near the wall is the sharp lumen blurred by the scanner and by interpolation. Along a
normal it rises as the integral of a Gaussian between the level outside and the level inside; the
position that fits best in the least-squares sense (the matched filter) is the one of least variance
under white noise. A blurred edge of curvature k lies inwards of the true one by k s^2 / 2, with s
the blur along the contour; this is added back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from venoseg.centerline.curve import Curve
from venoseg.interpolation import Float32Array, trilinear
from venoseg.lumen.rays.gaussian import share_beyond
from venoseg.volume import FloatArray, Grid

# Distance of the samples along a normal.
SAMPLE_MM = 0.4

FIT_ROUNDS = 4

# So many places in the image at a time.
_POINTS_AT_ONCE = 65_536

# So many voxels for each of these places are worth a copy at most.
_COPIED_A_PLACE = 8

# So many sections at a time: what is computed on the way then stays in the processor's cache.
_STATIONS_AT_ONCE = 32


@dataclass(frozen=True, slots=True, eq=False)
class Blur:
    """Standard deviation of the blur along the axes of the image.

    Attributes
    ----------
    in_plane_mm, through_plane_mm
        Along rows and columns, and along the slices.
    """

    in_plane_mm: float
    through_plane_mm: float

    def along(self, directions_lps: FloatArray, grid: Grid) -> FloatArray:
        """Return the blur in mm along (..., 3) unit vectors."""
        through = (directions_lps @ grid.directions[:, grid.through_axis]) ** 2
        variance = self.in_plane_mm**2 * (1.0 - through) + self.through_plane_mm**2 * through
        result: FloatArray = np.sqrt(variance)
        return result


@dataclass(frozen=True, slots=True, eq=False)
class Profiles:
    """The image along the normals of n contours of m points.

    Attributes
    ----------
    depths_mm
        (d,) positions along the normal, negative inside.
    values
        (n, m, d) float32.
    """

    depths_mm: FloatArray
    values: npt.NDArray[np.float32]


def to_lps(vectors_mm: FloatArray, curve: Curve) -> FloatArray:
    """Turn (n, m, 2) in-plane vectors of n stations into (n, m, 3) LPS vectors."""
    return (
        vectors_mm[..., :1] * curve.across[:, None, :]
        + vectors_mm[..., 1:] * curve.upward[:, None, :]
    )


def sample_profiles(
    array: npt.NDArray[Any],
    grid: Grid,
    curve: Curve,
    contours_mm: FloatArray,
    normals: FloatArray,
    depths_mm: FloatArray,
) -> Profiles:
    """Sample an image along the normals of the contours at the given depths.

    Parameters
    ----------
    array
        (slices, rows, columns) on ``grid``.
    curve
        n stations.
    contours_mm, normals
        (n, m, 2) in the planes of the stations.
    depths_mm
        (d,) along the normals.
    """
    middle, across, upward = (
        np.ascontiguousarray(grid.to_index(places).T)[..., None]
        for places in (
            curve.points_lps_mm,
            curve.points_lps_mm + curve.across,
            curve.points_lps_mm + curve.upward,
        )
    )
    across, upward = across - middle, upward - middle
    along = across * normals[..., 0] + upward * normals[..., 1]
    start = middle + across * contours_mm[..., 0] + upward * contours_mm[..., 1]
    ends = np.stack([start + depth * along for depth in depths_mm[[0, -1]]])
    array, begin = _voxels_around(array, ends, depths_mm.size * start[0].size)
    start -= begin
    values = np.empty((len(depths_mm), *contours_mm.shape[:2]), dtype=np.float32)
    at_once = max(1, _POINTS_AT_ONCE // max(1, start[0].size))
    for n in range(0, len(depths_mm), at_once):
        depth = depths_mm[n : n + at_once, None, None]
        values[n : n + at_once] = trilinear(array, start[:, None] + depth * along[:, None])
    return Profiles(depths_mm, np.moveaxis(values, 0, -1))


def _voxels_around(
    array: npt.NDArray[Any], ends: FloatArray, count: int
) -> tuple[npt.NDArray[Any], FloatArray]:
    """Return a copy of the part of an image that rays meet, and (3, 1, 1) where it begins.

    Slices and rows of a large image lie so far apart in memory that most of the time goes into
    waiting for them. For rays too few or too far apart it is the image itself.

    Parameters
    ----------
    array
        (slices, rows, columns).
    ends
        (2, 3, n, m) indices of both ends of the rays.
    count
        How many places along them are looked at.
    """
    whole = array, np.zeros((3, 1, 1))
    if ends.size == 0:
        return whole
    last = np.array(array.shape) - 1
    first = np.clip(np.floor(ends.min(axis=(0, 2, 3))), 0, last).astype(np.intp)
    stop = np.clip(np.floor(ends.max(axis=(0, 2, 3))) + 1, 0, last).astype(np.intp) + 1
    if (stop - first).prod() > _COPIED_A_PLACE * count:
        return whole
    box = tuple(slice(a, b) for a, b in zip(first.tolist(), stop.tolist(), strict=True))
    return array[box].copy(), first[:, None, None].astype(np.float64)


def matched_offsets(
    profiles: Profiles,
    inside: FloatArray,
    outside: FloatArray,
    blur_mm: FloatArray,
    deepest_mm: FloatArray,
    rounds: int = FIT_ROUNDS,
) -> FloatArray:
    """Fit a blurred step to every profile.

    Parameters
    ----------
    profiles
        (n, m, d) values.
    inside, outside, blur_mm
        (n, m) levels on either side and the blur along the normal.
    deepest_mm
        (n,) how far inwards a profile may be followed before it nears the opposite wall.
    rounds
        Steps of the fit; fewer where the contour is only brought nearer to the edge.

    Returns
    -------
    FloatArray
        (n, m) offset of the edge along the normal, outwards positive.
    """
    contrast = inside - outside
    safe = np.where(np.abs(contrast) > 1e-6, contrast, 1e-6)
    offsets = np.empty(inside.shape)
    for start in range(0, len(offsets), _STATIONS_AT_ONCE):
        part = slice(start, start + _STATIONS_AT_ONCE)
        values = np.moveaxis(profiles.values[part], -1, 0)
        share = (values - as_float32(outside[part])) / as_float32(safe[part])
        offsets[part] = _fit(share, profiles.depths_mm, blur_mm[part], deepest_mm[part], rounds)
    return offsets


def _fit(
    share: Float32Array,
    depths_mm: FloatArray,
    blur_mm: FloatArray,
    deepest_mm: FloatArray,
    rounds: int,
) -> Float32Array:
    """Fit a blurred step from 1 to 0 to (d, n, m) profiles, and return its (n, m) offsets."""
    depth, blur = as_float32(depths_mm)[:, None, None], as_float32(blur_mm)
    limit = float(depths_mm[-1]) - SAMPLE_MM
    reached = depth >= -as_float32(np.maximum(deepest_mm, SAMPLE_MM))[:, None]
    counting = reached.astype(np.float32)
    offset = np.zeros(blur.shape, dtype=np.float32)
    for _ in range(rounds):
        scaled = depth - offset
        scaled /= blur
        missed = share - share_beyond(scaled)
        slope = np.square(scaled, out=scaled)
        slope *= np.float32(-0.5)
        np.exp(slope, out=slope)
        slope *= counting
        missed *= slope
        power = np.maximum(np.square(slope, out=slope).sum(axis=0), np.float32(1e-9))
        step = np.float32(np.sqrt(2.0 * np.pi)) * blur * missed.sum(axis=0) / power
        offset = np.clip(offset + np.clip(step, -1.0, 1.0), -limit, limit)
    return offset


def as_float32(values: FloatArray) -> Float32Array:
    """Return the values in single precision, in which fits are several times as fast."""
    return values.astype(np.float32)


def curvature_shift(
    curvature_per_mm: FloatArray, tangents_lps: FloatArray, blur: Blur, grid: Grid
) -> FloatArray:
    """Return (n, m) how far inwards blur has moved the edge of a curved contour, in mm."""
    return curvature_pull(curvature_per_mm, blur.along(tangents_lps, grid))


def curvature_pull(curvature_per_mm: FloatArray, along_mm: FloatArray | float) -> FloatArray:
    """Return how far inwards a blur of so much along a contour has moved its edge, in mm."""
    pull: FloatArray = np.clip(curvature_per_mm, -0.5, 0.5) * along_mm**2 / 2.0
    return pull
