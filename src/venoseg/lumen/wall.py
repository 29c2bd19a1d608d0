"""From the outline of the labels to the wall of the lumen, in every section at once."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from scipy import ndimage

from venoseg.centerline.curve import Curve
from venoseg.centerline.regions import Region
from venoseg.lumen.blur import default_blur, estimate_blur, label_blur
from venoseg.lumen.contours import (
    area_and_centroid,
    curvatures_per_mm,
    outward_normals,
    perimeters_mm,
)
from venoseg.lumen.edges import (
    FIT_ROUNDS,
    SAMPLE_MM,
    Blur,
    Profiles,
    curvature_shift,
    matched_offsets,
    sample_profiles,
    smooth_over_wall,
    to_lps,
)
from venoseg.lumen.outline import CONTOUR_POINTS
from venoseg.volume import BoolArray, FloatArray, Grid, Volume

# The wall is smooth over this much along the vein and around it: offsets are averaged so far.
WALL_SMOOTHING_MM = (3.5, 3.0)

# At the tips of a slit, where the outline bends this many times as much as a circle of its length,
# they are averaged over this much around instead.
_TIP_BEND = (2.0, 4.0)
_TIP_SMOOTHING_MM = 1.0

# Where the radius bends this much along the vein (1/mm), as in a focal stenosis, they are averaged
# over this much along it instead.
_FOCAL_BEND_PER_MM = (0.010, 0.030)
_FOCAL_SMOOTHING_MM = 1.5
_FOCAL_SCALE_MM = 2.5

# The bend that blur along the vein acts on is seen at this scale.
_SHIFT_SCALE_MM = 1.5

# Elsewhere steps of the labels along the vein are smoothed over this much.
_STEPS_MM = 2.5

# Bumps of the outline shorter than this along it are steps of the labels' voxels, but for the tips
# of a slit.
_BUMP_MM = 5.0
_TIP_BUMP_MM = 2.0

# How far to either side of the outline the edge is sought.
_REACH_MM = 3.2
_LABEL_REACH_MM = 2.0

# A profile is followed inwards over this share of the lumen's radius.
_DEEPEST = 1.2

# Levels on either side are read beyond this distance from the edge, where blur hardly reaches.
_CLEAR_OF_EDGE_MM = 1.5
_LEVEL_SMOOTHING_INSIDE_MM = (6.0, 4.0)
_LEVEL_SMOOTHING_OUTSIDE_MM = (4.0, 3.0)

# A ray needs this contrast, and this many times the noise of a voxel, to show an edge.
LEAST_CONTRAST_HU = 20.0
_LEAST_CONTRAST_TO_NOISE = 1.0

# What exceeds the lumen by this much, and this many times the noise, is not blood: a stent's wires
# show 100 to 600 HU above it on a body kernel.
_BRIGHT_HU = 80.0
_BRIGHT_TO_NOISE = 4.0

# Weight of "the edge is where the outline is" against that of one ray with contrast: it decides
# only where no ray nearby shows an edge.
_PRIOR_WEIGHT = 0.01

_ROUNDS = 2

# Steps of the fit while the contour is brought nearer.
_NEARING_ROUNDS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Wall:
    """The wall at n stations; NaN where it was not sought.

    Attributes
    ----------
    contours_mm
        (n, m, 2) in (across, upward) mm from the stations.
    rim
        (n,) share of the rays on which the image (or the label) shows an edge.
    ray_sd_mm
        (n,) scatter of single edge positions about the smooth wall.
    inside, outside
        (n,) median level on either side of the wall.
    bright
        (n,) share of the rim beside which something far brighter than the lumen lies: metal, bone,
        calcium.
    """

    contours_mm: FloatArray
    rim: FloatArray
    ray_sd_mm: FloatArray
    inside: FloatArray
    outside: FloatArray
    bright: FloatArray

    @classmethod
    def unknown(cls, count: int) -> Wall:
        """Return stations at which nothing is known."""
        blank = np.full(count, np.nan)
        return cls(np.full((count, CONTOUR_POINTS, 2), np.nan), *(blank.copy() for _ in range(5)))

    def part(self, keep: slice) -> Wall:
        """Return the stations of ``keep``."""
        return Wall(*(getattr(self, f.name)[keep] for f in fields(self)))

    def replaced(self, stations: slice, part: Wall) -> Wall:
        """Return the wall with other ``stations``."""
        arrays = [getattr(self, f.name).copy() for f in fields(self)]
        for array, f in zip(arrays, fields(self), strict=True):
            array[stations] = getattr(part, f.name)
        return Wall(*arrays)


def wall_of_labels(region: Region, curve: Curve, outlines_mm: FloatArray) -> Wall:
    """Find the labels' own edge, free of the steps of their voxels."""
    blur = label_blur(region.grid)
    array = region.mask.view(np.uint8)
    contours = _settled(outlines_mm, curve)
    depths = _depths(_LABEL_REACH_MM)
    shape = contours.shape[:2]
    inside, outside, usable = np.ones(shape), np.zeros(shape), np.ones(shape, dtype=bool)
    for _ in range(_ROUNDS):
        normals = outward_normals(contours)
        profiles = sample_profiles(array, region.grid, curve, contours, normals, depths)
        width = blur.along(to_lps(normals, curve), region.grid)
        deepest = _DEEPEST * _radii(contours)
        offsets = matched_offsets(profiles, inside, outside, width, deepest)
        mean = _smooth_offsets(offsets, np.ones(shape), curve, contours)
        moved = contours + normals * mean[..., None]
        contours = _settled(moved, curve)
    shift = _shift(moved, curve, blur, region.grid)
    return Wall(
        contours_mm=moved + outward_normals(moved) * shift[..., None],
        rim=np.ones(len(curve)),
        ray_sd_mm=_scatter(offsets, mean, usable),
        inside=np.ones(len(curve)),
        outside=np.zeros(len(curve)),
        bright=np.zeros(len(curve)),
    )


def wall_of_image(
    volume: Volume, curve: Curve, start_mm: FloatArray, known: Blur | None = None
) -> tuple[Wall, Blur]:
    """Find the edge of the bright lumen in the image, and how blurred the image is.

    Parameters
    ----------
    volume
        The image.
    curve
        n stations.
    start_mm
        (n, m, 2) contours near the edge.
    known
        The blur, if it is known; otherwise it is estimated from the wall.
    """
    grid = volume.grid
    blur = default_blur(grid, volume.source.slice_thickness_mm)
    contours = _settled(start_mm, curve)
    depths = _depths(_REACH_MM)
    for turn in range(_ROUNDS + 1):
        normals = outward_normals(contours)
        normals_lps = to_lps(normals, curve)
        profiles = sample_profiles(volume.voxels, grid, curve, contours, normals, depths)
        seen = _seen(volume, curve, contours, normals, depths[-1])
        radius = _radii(contours)
        inner, outer, noise = _levels(profiles, curve, contours, radius, seen)
        if turn == 0:
            # Judged where the labels put the lumen: an edge drawn to metal has metal inside.
            bright = _bright_share(profiles, np.median(inner, axis=1), noise)
        need = np.maximum(LEAST_CONTRAST_HU, _LEAST_CONTRAST_TO_NOISE * noise)[:, None]
        usable = seen & (inner - outer >= need)
        width = blur.along(normals_lps, grid)
        fits = FIT_ROUNDS if turn == _ROUNDS else _NEARING_ROUNDS
        offsets = matched_offsets(profiles, inner, outer, width, _DEEPEST * radius, fits)
        usable &= np.abs(offsets) < _REACH_MM - 2.0 * SAMPLE_MM
        weights = np.where(usable, 1.0, 0.0)
        offsets = np.where(usable, offsets, 0.0)
        mean = _smooth_offsets(offsets, weights + _PRIOR_WEIGHT, curve, contours)
        moved = contours + normals * mean[..., None]
        if turn < _ROUNDS:
            contours = _settled(moved, curve)
        if turn == _ROUNDS - 1 and known is not None:
            blur = known
        elif turn == _ROUNDS - 1:
            share = (profiles.values - outer[..., None]) / np.maximum(inner - outer, 1.0)[..., None]
            lean = (normals_lps @ grid.directions[:, grid.through_axis]) ** 2
            blur = estimate_blur(profiles, share, mean, lean, usable, blur)
    shift = _shift(moved, curve, blur, grid)
    wall = Wall(
        contours_mm=moved + outward_normals(moved) * shift[..., None],
        rim=usable.mean(axis=1),
        ray_sd_mm=_scatter(offsets, mean, usable),
        inside=np.median(inner, axis=1),
        outside=np.median(outer, axis=1),
        bright=bright,
    )
    return wall, blur


def _depths(reach_mm: float) -> FloatArray:
    count = round(reach_mm / SAMPLE_MM)
    return np.linspace(-count, count, 2 * count + 1) * SAMPLE_MM


def _settled(contours: FloatArray, curve: Curve) -> FloatArray:
    """Take the steps of the labels' voxels out of contours, around and along the vein."""
    smooth = _without_bumps(contours, _BUMP_MM)
    tips = _tips(contours)
    if tips.any():
        sharper = _without_bumps(contours, _TIP_BUMP_MM)
        smooth = smooth + tips[..., None] * (sharper - smooth)
    station_mm = float(curve.position_mm[1] - curve.position_mm[0])
    sigma = _STEPS_MM / station_mm
    along = ndimage.gaussian_filter1d(smooth, sigma, axis=0, mode="nearest")
    sharp = _focal(curve, smooth)[..., None]
    settled: FloatArray = along + sharp * (smooth - along)
    return settled


def _without_bumps(contours: FloatArray, bump_mm: float) -> FloatArray:
    """Remove what is shorter than ``bump_mm`` along contours (n, m, 2) of nearly even spacing.

    A low-pass filter on the Fourier descriptors: unlike averaging, it does not shrink a circle.
    """
    around = np.fft.fft(contours[..., 0] + 1j * contours[..., 1], axis=1)
    count = contours.shape[1]
    harmonic = np.abs(np.fft.fftfreq(count, 1.0 / count))
    relative = harmonic * bump_mm / np.maximum(perimeters_mm(contours), SAMPLE_MM)[:, None]
    smooth = np.fft.ifft(around / (1.0 + relative**8), axis=1)
    return np.stack([smooth.real, smooth.imag], axis=-1)


def _bright_share(profiles: Profiles, inside: FloatArray, noise: FloatArray) -> FloatArray:
    """Return (n,) the share of rays that meet something far brighter than the lumen."""
    excess = profiles.values.max(axis=-1) - inside[:, None]
    threshold = np.maximum(_BRIGHT_HU, _BRIGHT_TO_NOISE * noise)[:, None]
    share: FloatArray = np.mean(excess > threshold, axis=1)
    return share


def _smooth_offsets(
    offsets: FloatArray, weights: FloatArray, curve: Curve, contours: FloatArray
) -> FloatArray:
    """Average offsets over the wall, over less of it at tips of a slit and in a focal stenosis."""
    along_mm, around_mm = WALL_SMOOTHING_MM
    smooth = _over_wall(offsets, weights, curve, contours, WALL_SMOOTHING_MM)
    for share, over_mm in (
        (_tips(contours), (along_mm, _TIP_SMOOTHING_MM)),
        (_focal(curve, contours), (_FOCAL_SMOOTHING_MM, around_mm)),
    ):
        if share.any():
            sharper = _over_wall(offsets, weights, curve, contours, over_mm)
            smooth = smooth + share * (sharper - smooth)
    return smooth


def _tips(contours: FloatArray) -> FloatArray:
    """Return (n, m) 1 at the tips of slits, 0 elsewhere, with a ramp between."""
    bend = ndimage.gaussian_filter1d(curvatures_per_mm(contours), 1.0, axis=1, mode="wrap")
    return _ramp(bend * perimeters_mm(contours)[:, None] / (2.0 * np.pi), _TIP_BEND)


def _focal(curve: Curve, contours: FloatArray) -> FloatArray:
    """Return (n, m) 1 where the wall bends abruptly along the vein, 0 elsewhere, with a ramp."""
    station_mm = float(curve.position_mm[1] - curve.position_mm[0])
    bend = np.abs(_bend_along(curve, contours, _FOCAL_SCALE_MM))
    reach = 2 * round(2.0 * _FOCAL_SCALE_MM / station_mm) + 1
    most = ndimage.maximum_filter1d(bend, reach, axis=0, mode="nearest")
    return _ramp(most, _FOCAL_BEND_PER_MM)


def _ramp(values: FloatArray, ends: tuple[float, float]) -> FloatArray:
    return np.clip((values - ends[0]) / (ends[1] - ends[0]), 0.0, 1.0)


def _over_wall(
    values: FloatArray,
    weights: FloatArray,
    curve: Curve,
    contours: FloatArray,
    over_mm: tuple[float, float],
) -> FloatArray:
    station_mm = float(curve.position_mm[1] - curve.position_mm[0])
    point_mm = np.maximum(perimeters_mm(contours), SAMPLE_MM) / contours.shape[1]
    return smooth_over_wall(values, weights, station_mm, point_mm, over_mm)


def _seen(
    volume: Volume, curve: Curve, contours: FloatArray, normals: FloatArray, reach_mm: float
) -> BoolArray:
    """Tell (n, m) which rays lie within the image and meet no missing voxel."""
    seen = np.ones(contours.shape[:2], dtype=bool)
    for depth in (-reach_mm, 0.0, reach_mm):
        ends = curve.points_lps_mm[:, None, :] + to_lps(contours + depth * normals, curve)
        seen &= volume.grid.contains(ends)
        if volume.missing is not None:
            index = np.moveaxis(volume.grid.to_index(ends), -1, 0)
            seen &= ndimage.map_coordinates(volume.missing.view(np.uint8), index, order=0) == 0
    return seen


def _radii(contours: FloatArray) -> FloatArray:
    """Return (n,) the radius of a circle, about half the width of an ellipse or slit.

    Twice the area over the perimeter is the radius of a circle, but 1.4 times half the width of an
    ellipse three times as long as wide; its lack of roundness tells by how much.
    """
    area = np.maximum(area_and_centroid(contours)[0], 0.0)
    perimeter = np.maximum(perimeters_mm(contours), SAMPLE_MM)
    roundness = np.clip(4.0 * np.pi * area / perimeter**2, 0.0, 1.0)
    radius: FloatArray = 2.0 * area / perimeter * roundness**0.8
    return radius


def _levels(
    profiles: Profiles, curve: Curve, contours: FloatArray, radius: FloatArray, seen: BoolArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return (n, m) levels inside and outside near every point, and (n,) noise inside."""
    depth = profiles.depths_mm
    outer = depth >= _CLEAR_OF_EDGE_MM
    nearest = np.minimum(_CLEAR_OF_EDGE_MM, 0.7 * radius)[:, None]
    inner = (depth <= -nearest + 1e-6) & (depth >= -np.maximum(1.2 * radius, SAMPLE_MM)[:, None])
    count = np.maximum(inner.sum(axis=1), 1)[:, None]
    within = np.where(inner[:, None, :], profiles.values, 0.0).sum(axis=2) / count
    beyond = profiles.values[..., outer].mean(axis=2)
    known = np.where(seen, 1.0, 0.0)
    inside = _over_wall(within, known, curve, contours, _LEVEL_SMOOTHING_INSIDE_MM)
    outside = _over_wall(beyond, known, curve, contours, _LEVEL_SMOOTHING_OUTSIDE_MM)
    residual = np.where(inner[:, None, :], profiles.values - inside[..., None], 0.0)
    variance = (residual**2).sum(axis=(1, 2)) / (count[:, 0] * contours.shape[1])
    # Linear interpolation averages neighbouring voxels and takes about half of the variance.
    return inside, outside, np.sqrt(2.0 * variance)


def _scatter(offsets: FloatArray, mean: FloatArray, usable: BoolArray) -> FloatArray:
    """Return (n,) a robust standard deviation of single offsets, smoothed along the vein."""
    deviation = np.where(usable, np.abs(offsets - mean), np.nan)
    typical = np.full(len(offsets), np.nan)
    some = usable.any(axis=1)
    typical[some] = 1.4826 * np.nanmedian(deviation[some], axis=1)
    known = ~np.isnan(typical)
    if not known.any():
        return np.zeros(len(offsets))
    positions = np.arange(len(typical))
    filled = np.interp(positions, positions[known], typical[known])
    smooth: FloatArray = ndimage.gaussian_filter1d(filled, 3.0, mode="nearest")
    return smooth


def _shift(contours: FloatArray, curve: Curve, blur: Blur, grid: Grid) -> FloatArray:
    """Return (n, m) how far blur has moved the edge inwards.

    Around the vein the wall bulges out and blur moves its edge inwards; along it, in a narrow
    place, the wall bulges inwards and blur moves the edge outwards.
    """
    normals = outward_normals(contours)
    tangents = np.stack([-normals[..., 1], normals[..., 0]], axis=-1)
    curvature = curvatures_per_mm(contours)
    smooth = ndimage.gaussian_filter1d(curvature, 2.0, axis=1, mode="wrap")
    around = curvature_shift(smooth, to_lps(tangents, curve), blur, grid)
    bend = -_bend_along(curve, contours, _SHIFT_SCALE_MM)
    return around + curvature_shift(bend, curve.tangents[:, None, :], blur, grid)


def _bend_along(curve: Curve, contours: FloatArray, scale_mm: float) -> FloatArray:
    """Return (n, m) how the radius bends along the vein, 1/mm; positive in a narrow place."""
    station_mm = float(curve.position_mm[1] - curve.position_mm[0])
    radius = np.linalg.norm(contours - contours.mean(axis=1, keepdims=True), axis=-1)
    around = ndimage.gaussian_filter1d(radius, contours.shape[1] / 16.0, axis=1, mode="wrap")
    bend = ndimage.gaussian_filter1d(around, scale_mm / station_mm, axis=0, order=2, mode="nearest")
    result: FloatArray = bend / station_mm**2
    return result
