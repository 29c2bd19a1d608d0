"""What is smooth about a vein's wall: averages over it, and how it bends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from venoseg.centerline.curve import Curve
from venoseg.lumen.geometry.contours import curvatures_per_mm, perimeters_mm
from venoseg.lumen.geometry.rings import lengths, middles
from venoseg.lumen.rays.averages import average_along, average_around, mean_of, sums_nearby
from venoseg.lumen.rays.edges import SAMPLE_MM
from venoseg.volume import BoolArray, FloatArray, Grid

# Offsets are averaged over this much along the vein and around it. Around it no more: what their
# average is too smooth to correct stays as the labels have it. The noise that is left is taken off
# afterwards (`shape_noise`).
WALL_SMOOTHING_MM = (3.5, 1.5)

# At the tips of a slit, where the outline bends this many times as much as a circle of its length,
# they are averaged over this much around instead.
_TIP_BEND = (2.0, 4.0)
TIP_SMOOTHING_MM = 1.0

# Where fewer than these shares of the rays nearby show an edge, they are averaged over this much
# around.
_FEW_SHOWN = (0.2, 0.5)
_GAP_SMOOTHING_MM = 3.0

# Weight of "the edge is where the outline is" against that of one ray that shows it: it decides
# only where no ray nearby does.
_STAYING = 0.01

# Where the radius bends this much along the vein (1/mm), as in a focal stenosis, they are averaged
# over this much along it instead.
_FOCAL_BEND_PER_MM = (0.010, 0.030)
FOCAL_SMOOTHING_MM = (1.5, WALL_SMOOTHING_MM[1])
_FOCAL_SCALE_MM = 2.5

# Steps from slice to slice that bend the wall by less do not count; longer ones than these (with a
# ramp) cannot be told from a stenosis.
_LEAST_STEPS_PER_MM = 0.001
_LONG_STEPS_MM = (11.0, 13.0)

# What bends is seen over this much of a turn around the vein: the tips of slits, and along it.
_TIP_BEND_SCALE, _BEND_SCALE = 1 / 96, 6 / 96

# Steps of the labels along the vein are smoothed over this much, and where it bends abruptly over
# the second: so often, what each time leaves behind, that a stenosis stays as it is.
STEPS_MM = 2.5
FOCAL_STEPS_MM, FOCAL_ROUNDS = 1.0, 3

# Bumps of the outline shorter than this along it are steps of the labels' voxels, but for the tips
# of a slit: a share of the way around it, within limits. What averages of offsets are too smooth to
# correct must not come from the labels.
_BUMP_OF_TURN = 1 / 6
_BUMP_MM = (5.0, 11.0)
_TIP_BUMP_MM = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Spacing:
    """How far apart the places on a wall are at which m rays of n sections look at it.

    Attributes
    ----------
    station_mm, point_mm
        Along the vein, and (n,) around it.
    """

    station_mm: float
    point_mm: FloatArray

    @classmethod
    def of(cls, curve: Curve, contours: FloatArray) -> Spacing:
        """Return that of (n, m, 2) contours at n stations."""
        station_mm = curve.step_mm
        perimeter = np.maximum(perimeters_mm(contours), SAMPLE_MM)
        return cls(station_mm, perimeter / contours.shape[1])


def settled(contours: FloatArray, curve: Curve, grid: Grid) -> FloatArray:
    """Take the steps of the labels' voxels out of contours, around and along the vein."""
    perimeter = np.maximum(perimeters_mm(contours), SAMPLE_MM)
    smooth = _without_bumps(contours, np.clip(_BUMP_OF_TURN * perimeter, *_BUMP_MM) / perimeter)
    tips = tip_share(contours)
    if tips.any():
        sharper = _without_bumps(contours, _TIP_BUMP_MM / perimeter)
        smooth = smooth + tips[..., None] * (sharper - smooth)
    station_mm = curve.step_mm
    sigma = STEPS_MM / station_mm
    along = average_along(smooth, sigma)
    sharp = focal_share(curve, smooth, grid)[..., None]
    if not sharp.any():
        return along
    fine = np.zeros_like(smooth)
    for _ in range(FOCAL_ROUNDS):
        fine += average_along(smooth - fine, FOCAL_STEPS_MM / station_mm)
    result: FloatArray = along + sharp * (fine - along)
    return result


def _without_bumps(contours: FloatArray, of_turn: FloatArray) -> FloatArray:
    """Remove what is shorter than (n,) shares of a turn from contours (n, m, 2), evenly spaced.

    A low-pass filter on the Fourier descriptors: unlike averaging, it does not shrink a circle.
    """
    around = np.fft.fft(contours[..., 0] + 1j * contours[..., 1], axis=1)
    count = contours.shape[1]
    harmonic = np.abs(np.fft.fftfreq(count, 1.0 / count))
    smooth = np.fft.ifft(around / (1.0 + (harmonic * of_turn[:, None]) ** 8), axis=1)
    return np.stack([smooth.real, smooth.imag], axis=-1)


def with_more_points(contours: FloatArray, times: int) -> FloatArray:
    """Return contours (n, m, 2) with ``times`` as many points, on the waves that the m describe."""
    count = contours.shape[1]
    waves = np.fft.fftshift(np.fft.fft(contours[..., 0] + 1j * contours[..., 1], axis=1), axes=1)
    around = ((count * (times - 1) + 1) // 2, count * (times - 1) // 2)
    finer = np.fft.ifftshift(np.pad(waves, ((0, 0), around)), axes=1)
    smooth = np.fft.ifft(finer, axis=1) * times
    return np.stack([smooth.real, smooth.imag], axis=-1)


def smooth_offsets(
    offsets: FloatArray, shown: BoolArray, curve: Curve, contours: FloatArray, grid: Grid
) -> FloatArray:
    """Average offsets over the wall, over less of it at tips of a slit and in a focal stenosis.

    Parameters
    ----------
    offsets
        (n, m) in mm.
    shown
        (n, m) where the edge is seen. In wider gaps between such places they are averaged over more
        of the wall, and far from all of them the edge stays where it is.
    curve, contours
        n stations and their (n, m, 2) contours.
    grid
        Of what the edge was sought in.
    """
    weights = np.where(shown, 1.0, 0.0) + _STAYING
    along_mm, spacing = WALL_SMOOTHING_MM[0], Spacing.of(curve, contours)
    smooth = over_wall(offsets, weights, spacing, WALL_SMOOTHING_MM)
    for share, over_mm in (
        (_gaps(shown, spacing), (along_mm, _GAP_SMOOTHING_MM)),
        (tip_share(contours), (along_mm, TIP_SMOOTHING_MM)),
        (focal_share(curve, contours, grid), FOCAL_SMOOTHING_MM),
    ):
        if share.any():
            other = over_wall(offsets, weights, spacing, over_mm)
            smooth = smooth + share * (other - smooth)
    return smooth


def _gaps(shown: BoolArray, spacing: Spacing) -> FloatArray:
    """Return (n, m) 1 where few rays nearby show an edge, 0 where enough do, with a ramp."""
    if shown.all():
        return np.zeros(shown.shape)
    weights = np.ones(shown.shape)
    here = over_wall(shown.astype(np.float64), weights, spacing, WALL_SMOOTHING_MM)
    return 1.0 - ramp(here, _FEW_SHOWN)


def tip_share(contours: FloatArray) -> FloatArray:
    """Return (n, m) 1 at the tips of slits, 0 elsewhere, with a ramp between."""
    bend = over_turn(curvatures_per_mm(contours), _TIP_BEND_SCALE)
    return ramp(bend * perimeters_mm(contours)[:, None] / (2.0 * np.pi), _TIP_BEND)


def focal_share(curve: Curve, contours: FloatArray, grid: Grid) -> FloatArray:
    """Return (n, m) 1 where the wall bends abruptly along the vein, 0 elsewhere, with a ramp.

    Where steps from slice to slice may bend it as much, what is left counts when they are averaged.
    """
    station_mm = curve.step_mm
    bend = bend_along(curve, contours, _FOCAL_SCALE_MM)
    if np.abs(bend).max() <= _FOCAL_BEND_PER_MM[0]:
        return np.zeros(bend.shape)
    most = _most_nearby(bend, station_mm)
    focal = ramp(most, _FOCAL_BEND_PER_MM)
    if not focal.any():
        return focal
    length_mm, steps = _steps_along(curve, grid)
    if steps.max() > _LEAST_STEPS_PER_MM:
        beyond = most - steps[:, None]
        left = _most_nearby(_over_lengths(bend, length_mm / station_mm), station_mm)
        focal = np.minimum(focal, ramp(np.maximum(beyond, left), _FOCAL_BEND_PER_MM))
    return focal


def _most_nearby(bend: FloatArray, station_mm: float) -> FloatArray:
    """Return (n, m) how much a wall bends most within reach of the scale it is seen at."""
    reach = 2 * round(2.0 * _FOCAL_SCALE_MM / station_mm) + 1
    most: FloatArray = ndimage.maximum_filter1d(np.abs(bend), reach, axis=0, mode="nearest")
    return most


def _steps_along(curve: Curve, grid: Grid) -> tuple[FloatArray, FloatArray]:
    """Return how long the steps from slice to slice are along n stations, and how much they bend.

    At an angle t to the normal of slices h apart a wall is a sawtooth, whose first wave is
    h / cos(t) long and h sin(t) / pi high.

    Returns
    -------
    tuple
        (n,) mm, and (n,) 1/mm.
    """
    slice_mm = grid.slice_and_pixel_mm[0]
    upright = np.abs(curve.tangents @ grid.directions[:, grid.through_axis])
    length_mm = slice_mm / np.clip(upright, 1e-3, 1.0)
    height_mm = slice_mm / np.pi * np.sqrt(np.maximum(1.0 - upright**2, 0.0))
    turns = 2.0 * np.pi / length_mm
    bend = height_mm * turns**2 * np.exp(-0.5 * (turns * _FOCAL_SCALE_MM) ** 2)
    return length_mm, bend * (1.0 - ramp(length_mm, _LONG_STEPS_MM))


def _over_lengths(values: FloatArray, lengths: FloatArray) -> FloatArray:
    """Average (n, m) values evenly over (n,) lengths, in stations, as far as there are stations."""
    count = len(values)
    summed = np.vstack([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])
    ends = np.clip(np.arange(count) + 0.5 + np.multiply.outer([-0.5, 0.5], lengths), 0.0, count)
    whole = np.minimum(ends.astype(np.intp), count - 1)
    low, high = summed[whole] + (ends - whole)[..., None] * values[whole]
    averaged: FloatArray = (high - low) / (ends[1] - ends[0])[:, None]
    return averaged


def ramp(values: FloatArray, ends: tuple[float, float]) -> FloatArray:
    """Return 0 below the first end, 1 above the second, with a straight line between."""
    return np.clip((values - ends[0]) / (ends[1] - ends[0]), 0.0, 1.0)


def over_wall(
    values: FloatArray, weights: FloatArray, spacing: Spacing, over_mm: tuple[float, float]
) -> FloatArray:
    """Average (n, m) values over so much along the vein and around it."""
    return mean_of(*sums_over_wall(values, weights, spacing, over_mm))


def sums_over_wall(
    values: FloatArray, weights: FloatArray, spacing: Spacing, over_mm: tuple[float, float]
) -> tuple[FloatArray, FloatArray]:
    """Return (n, m) sums of weights over so much along the vein and around it, and of values."""
    along_mm, around_mm = over_mm
    return sums_nearby(values, weights, along_mm / spacing.station_mm, around_mm / spacing.point_mm)


def bend_along(curve: Curve, contours: FloatArray, scale_mm: float) -> FloatArray:
    """Return (n, m) how the radius bends along the vein, 1/mm; positive in a narrow place."""
    station_mm = curve.step_mm
    radius = lengths(contours - middles(contours))
    around = over_turn(radius, _BEND_SCALE)
    bend = average_along(around, scale_mm / station_mm, order=2)
    result: FloatArray = bend / station_mm**2
    return result


def over_turn(values: FloatArray, turns: float) -> FloatArray:
    """Average (n, m) values over their neighbours around the vein: so much of a turn."""
    return average_around(values, turns * values.shape[1])
