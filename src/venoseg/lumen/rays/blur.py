"""How blurred the image is, told from the walls of the vein itself."""

from __future__ import annotations

import numpy as np
from scipy.optimize import least_squares
from scipy.special import ndtr

from venoseg.lumen.rays.edges import Blur, Profiles
from venoseg.lumen.rays.sight import expected_beyond, inner_depths
from venoseg.volume import BoolArray, FloatArray, Grid

SCANNER_MM = 0.6
"""Standard deviation of the point spread of a soft body kernel."""

# Standard deviations in mm that a body CT can have; what comes out at a bound is not an estimate.
_LEAST_MM, _MOST_MM = 0.3, 3.0

# Bins of a ray's lean (squared cosine to the slice direction) and of the distance to the edge.
_LEAN_BINS = np.array([0.0, 0.05, 0.2, 0.4, 0.7, 1.0001])
_FARTHEST_MM, _BIN_MM = 2.4, 0.2

# A bin with fewer samples says nothing.
_LEAST_SAMPLES = 50

# Without rays that lean more than this (squared cosine) the blur along the slices cannot be told.
_LEAST_LEAN = 0.2


def default_blur(grid: Grid, slice_thickness_mm: float | None) -> Blur:
    """Return the blur of a soft body kernel on this grid, for want of an estimate.

    Its point spread is joined in quadrature by the voxel's own width and by linear
    interpolation between voxels (h2/12 and on average h2/8 of variance).
    """
    through, pixel = grid.slice_and_pixel_mm
    thickness = through if slice_thickness_mm is None else slice_thickness_mm
    spread_mm2 = SCANNER_MM**2
    return Blur(
        in_plane_mm=float(np.sqrt(spread_mm2 + pixel**2 * (1 / 12 + 1 / 8))),
        through_plane_mm=float(np.sqrt(spread_mm2 + thickness**2 / 12 + through**2 / 8)),
    )


def label_blur(grid: Grid) -> Blur:
    """Return the blur of a label's edge: linear interpolation between its voxels."""
    through, pixel = grid.slice_and_pixel_mm
    return Blur(pixel / np.sqrt(7.5), through / np.sqrt(7.5))


def label_pull(grid: Grid) -> Blur:
    """Return the blur that moves a label's edge on a curved wall.

    A voxel is labelled where at least half of it lies inside: its own width (h2/12 of variance)
    joins the interpolation.
    """
    interpolated = label_blur(grid)
    through, pixel = grid.slice_and_pixel_mm
    return Blur(
        in_plane_mm=float(np.hypot(interpolated.in_plane_mm, pixel / np.sqrt(12.0))),
        through_plane_mm=float(np.hypot(interpolated.through_plane_mm, through / np.sqrt(12.0))),
    )


def estimate_blur(
    profiles: Profiles,
    share_inside: FloatArray,
    offsets_mm: FloatArray,
    lean: FloatArray,
    usable: BoolArray,
    radius_mm: FloatArray,
    start: Blur,
) -> Blur:
    """Fit the blur to profiles across the wall.

    The more blurred the image is, the more of the rise reaches to where the levels on either side
    were read. Between such levels it looks steeper than it is, by as much as the blur tells.

    Parameters
    ----------
    profiles
        (n, m, d); only the depths are used.
    share_inside
        (n, m, d) the values scaled to 1 inside and 0 outside.
    offsets_mm
        (n, m) where the edge is, smoothed over the wall: single noisy offsets would sharpen it.
    lean
        (n, m) squared cosine between the normal and the slice direction.
    usable
        (n, m) rays with contrast.
    radius_mm
        (n,) of the sections: it tells where their levels inside were read.
    start
        First guess, kept for a direction that no ray shows.
    """
    distance = profiles.depths_mm - offsets_mm[usable][:, None]
    share = share_inside[usable]
    leaning = np.broadcast_to(lean[usable][:, None], share.shape)
    columns, rows = round(2.0 * _FARTHEST_MM / _BIN_MM), len(_LEAN_BINS) - 1
    which = np.floor((distance + _FARTHEST_MM) / _BIN_MM).astype(np.int64)
    row = np.clip(np.digitize(lean[usable], _LEAN_BINS) - 1, 0, rows - 1)[:, None]
    size = rows * columns
    # What lies farther from the edge falls into one more cell, which is left out.
    cell = np.where((which >= 0) & (which < columns), row * columns + which, size).ravel()
    count = np.bincount(cell, minlength=size + 1)[:size]
    known = count >= _LEAST_SAMPLES
    if known.sum() < columns // 2:
        return start

    def mean(values: FloatArray) -> FloatArray:
        summed = np.bincount(cell, weights=values.ravel(), minlength=size + 1)[:size]
        return np.asarray(summed[known] / count[known], dtype=np.float64)

    x, height, q = mean(distance), mean(share), mean(leaning)
    weight = np.sqrt(count[known])

    leans = bool(q.max() > _LEAST_LEAN)
    mean_lean = float(np.average(q, weights=count[known]))
    read_inside = _read_inside(profiles.depths_mm, radius_mm, usable)

    def misfit(variances: FloatArray) -> FloatArray:
        through = variances[1] if leans else start.through_plane_mm**2
        blur = np.sqrt(variances[0] * (1.0 - q) + through * q)
        around = np.sqrt(variances[0] * (1.0 - mean_lean) + through * mean_lean)
        rise = ndtr(-profiles.depths_mm / around)
        inside, outside = float(read_inside @ rise), float(expected_beyond(rise))
        seen = (ndtr(-x / blur) - outside) / (inside - outside)
        return np.asarray((seen - height) * weight, dtype=np.float64)

    bounds = (_LEAST_MM**2, _MOST_MM**2)
    guess = np.clip([start.in_plane_mm**2, start.through_plane_mm**2], *bounds)
    found = np.sqrt(least_squares(misfit, guess[: 1 + leans], bounds=bounds, method="dogbox").x)
    return Blur(float(found[0]), float(found[1]) if leans else start.through_plane_mm)


def _read_inside(depths_mm: FloatArray, radius_mm: FloatArray, usable: BoolArray) -> FloatArray:
    """Return (d,) how much each depth counts in the levels inside of the rays that are used."""
    inner = inner_depths(depths_mm, radius_mm).astype(np.float64)
    inner /= np.maximum(inner.sum(axis=1, keepdims=True), 1.0)
    counts: FloatArray = usable.sum(axis=1) @ inner
    return counts / max(float(counts.sum()), 1e-9)
