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
from scipy import ndimage
from scipy.special import ndtr

from venoseg.centerline.curve import Curve
from venoseg.centerline.sections import sample_at_index
from venoseg.volume import FloatArray, Grid

# Distance of the samples along a normal.
SAMPLE_MM = 0.4

FIT_ROUNDS = 4


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
    start = grid.to_index(curve.points_lps_mm[:, None, :] + to_lps(contours_mm, curve))
    along = grid.to_index(to_lps(normals, curve)) - grid.to_index(np.zeros(3))
    values = np.empty((*contours_mm.shape[:2], len(depths_mm)), dtype=np.float32)
    for n, depth in enumerate(depths_mm):
        values[..., n] = sample_at_index(array, start + depth * along)
    return Profiles(depths_mm, values)


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
    depth = profiles.depths_mm.astype(np.float32)
    contrast = inside - outside
    safe = np.where(np.abs(contrast) > 1e-6, contrast, 1e-6).astype(np.float32)
    share = (profiles.values - outside.astype(np.float32)[..., None]) / safe[..., None]
    blur = blur_mm.astype(np.float32)[..., None]
    offset = np.zeros((*inside.shape, 1), dtype=np.float32)
    limit = float(depth[-1]) - SAMPLE_MM
    reached = (depth >= -np.maximum(deepest_mm, SAMPLE_MM)[:, None])[:, None, :]
    for _ in range(rounds):
        scaled = (depth - offset) / blur
        slope = np.exp(-0.5 * scaled**2) * reached
        missed = np.einsum("nmd,nmd->nm", slope, share - ndtr(-scaled))[..., None]
        power = np.einsum("nmd,nmd->nm", slope, slope)[..., None]
        step = np.float32(np.sqrt(2.0 * np.pi)) * blur * missed / np.maximum(power, 1e-9)
        offset = np.clip(offset + np.clip(step, -1.0, 1.0), -limit, limit)
    return offset[..., 0].astype(np.float64)


def curvature_shift(
    curvature_per_mm: FloatArray, tangents_lps: FloatArray, blur: Blur, grid: Grid
) -> FloatArray:
    """Return (n, m) how far inwards blur has moved the edge of a curved contour, in mm."""
    along = blur.along(tangents_lps, grid)
    return np.clip(curvature_per_mm, -0.5, 0.5) * along**2 / 2.0


def smooth_over_wall(
    values: FloatArray,
    weights: FloatArray,
    station_mm: float,
    point_mm: FloatArray,
    over_mm: tuple[float, float],
) -> FloatArray:
    """Average a quantity given at (n, m) places of the wall over its neighbourhood.

    Parameters
    ----------
    values, weights
        (n, m), along the vein and around it; weight 0 where there is no value.
    station_mm
        Distance of the stations.
    point_mm
        (n,) distance of the points of each contour.
    over_mm
        Standard deviation of the neighbourhood along and around.

    Returns
    -------
    FloatArray
        (n, m) weighted averages; 0 where all weights nearby are 0.
    """
    both = np.stack([weights, weights * np.where(weights > 0, values, 0.0)])
    along = ndimage.gaussian_filter1d(both, over_mm[0] / station_mm, axis=1, mode="nearest")
    total, summed = _average_around(along, over_mm[1] / point_mm)
    # Less than this is what rounding leaves of weights of 0.
    known = total > 1e-6
    return np.where(known, summed / np.where(known, total, 1.0), 0.0)


def _average_around(values: FloatArray, sigma: FloatArray) -> FloatArray:
    """Average (..., n, m) closed rows with Gaussians of (n,) standard deviations, in points."""
    count = values.shape[-1]
    frequency = 2.0 * np.pi * np.fft.rfftfreq(count)
    gain = np.exp(-0.5 * (frequency * sigma[:, None]) ** 2)
    average: FloatArray = np.fft.irfft(np.fft.rfft(values, axis=-1) * gain, count, axis=-1)
    return average
