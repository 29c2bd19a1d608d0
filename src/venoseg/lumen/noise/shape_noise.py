"""What noise does to the shape of an outline, and taking it off again.

Noise leaves waves on the wall. Their mean is nothing, but the least width of a wavy outline is less
than that of a smooth one: of a round lumen the minimum diameter comes out too small and the maximum
too large. Each wave around the vein is made smaller by the share of its power that noise explains,
so that a round lumen is round. A Wiener filter would take that whole share off, and makes an oval
rounder by as much all along a vein; the square of the share is taken off: next to nothing where a
wave stands out, all where noise explains it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from venoseg.centerline.curve import Curve
from venoseg.lumen.boundary.rounding import rounded_moves
from venoseg.lumen.geometry.contours import curvatures_per_mm, outward_normals, perimeters_mm
from venoseg.lumen.geometry.ovals import ellipse_waves
from venoseg.lumen.noise.alike import (
    Edge,
    alike_mm,
    by_chance,
    left_by_average,
    left_to_wall,
    repeated,
)
from venoseg.lumen.rays.averages import average_along
from venoseg.lumen.rays.edges import SAMPLE_MM
from venoseg.lumen.rays.smoothing import WALL_SMOOTHING_MM, focal_share
from venoseg.volume import FloatArray, Grid

REPLICATES = 6

# The power of a wave is taken over this much along the vein.
_POWER_MM = 5.0

# Waves of the wall are higher than the scatter of single edges tells, which does not hold what
# neighbouring rays share: by this factor on phantoms, in the image and in labels with their steps.
_SHARED_WAVES = {"gray": 2.5, "mask": 2.5}

# What of them is kept, or left when they are taken off, is as high as this. How labels are rounded
# is told apart.
_LEFT_WAVES = {"gray": 1.4, "mask": 1.0}

# Of the power of a wave that noise would explain so much may be the vein's own.
_LOST_TRUTH = 0.5

# Whether a vein is oval is told over this much along it, where noise has on average so much of the
# power that it may have.
_OVAL_MM, _TYPICAL = 15.0, 0.55

# An oval moves evenly spaced points along the outline too: its wave is so many times as high as
# half of what it takes off the radius where that is least.
_OVAL_WAVE = 0.75

# The first waves are where an outline lies and how large it is.
_SIZE_AND_PLACE = 2

# One fixed stream, so that the same input gives the same table.
_SEED = 20_260_101
_NOISE_PERIOD = 256


@dataclass(frozen=True, slots=True, eq=False)
class Waves:
    """How far waves on the outlines of n sections can be trusted.

    Attributes
    ----------
    true
        (n, m) what is kept of each wave: 1 minus the square of the share of its power that is
        noise, in the order of `numpy.fft.fft` over the points of an outline as complex numbers. 1
        for its place and its size.
    left
        (n, m) what is then still wrong with a wave, for what noise as high as single edges tell
        moves it by.
    heights
        (n, m) how high waves of white noise are once rays have seen and averaged it.
    oval_sd_mm
        (n,) how uncertain half the least width is for an oval that noise would explain.
    """

    true: FloatArray
    left: FloatArray
    heights: FloatArray
    oval_sd_mm: FloatArray

    def without_noise(self, contours_mm: FloatArray) -> FloatArray:
        """Return (n, m, 2) outlines of the same place and size, free of what is noise in them."""
        waves = _transformed(contours_mm)
        oval = ellipse_waves(waves[:, 1], waves[:, -1], waves.shape[1])
        kept = (waves - oval) * self.true
        plain = ellipse_waves(waves[:, 1], waves[:, -1] * self.true[:, -1], waves.shape[1])
        return _points(kept + plain)

    def doubt(self, moves_mm: FloatArray) -> FloatArray:
        """Return what is left of (n, m, 2) moves of an outline when noise is taken off."""
        return _scaled(moves_mm, self.left)

    def part(self, keep: slice) -> Waves:
        """Return the sections of ``keep``."""
        return Waves(*(getattr(self, f.name)[keep] for f in fields(self)))


def tell_waves(
    contours_mm: FloatArray,
    scatter_mm: FloatArray,
    curve: Curve,
    edge: Edge,
) -> Waves:
    """Tell waves on the outlines of consecutive sections from noise.

    Parameters
    ----------
    contours_mm
        (n, m, 2) outlines.
    scatter_mm
        (n,) scatter of single edge positions about them.
    curve
        Their stations.
    edge
        What the edges were found in: its voxels and its grain correlate the noise.
    """
    count = contours_mm.shape[1]
    station_mm = curve.step_mm
    waves = _transformed(contours_mm) / count
    oval = ellipse_waves(waves[:, 1], waves[:, -1], count)
    beyond = waves - oval
    beyond[:, -1] = oval[:, -1]
    focal = focal_share(curve, contours_mm, edge.grid).mean(axis=1)
    noise_heights = wave_heights(contours_mm, curve, edge, focal)
    # The power that `wall_noise` has in each wave, on average.
    along = left_by_average(alike_mm(edge)[0], WALL_SMOOTHING_MM[0])
    noise = along / count * (noise_heights * scatter_mm[:, None]) ** 2
    # A wave of the radius with k crests turns once more than k in the plane.
    noise = _SHARED_WAVES[edge.source] ** 2 * np.roll(noise, 1, axis=1)
    chance = np.ones((len(curve), 1))
    if edge.source == "mask":
        # The steps of labels scatter single edges too: of the two that tell of them the larger.
        noise = np.maximum(noise, _rounded_powers(contours_mm, curve, edge.grid))
        chance = by_chance(curve, edge.grid, _POWER_MM)[:, None]
    heights, over = np.abs(beyond) ** 2, _POWER_MM / station_mm
    power, expected = (average_along(values, over) for values in (heights, chance * noise))
    true = 1.0 - np.minimum(expected / np.maximum(power, 1e-12), 1.0) ** 2
    # Of a wave that is kept in part its noise is left in part, and part of its truth is lost.
    lost = _LOST_TRUTH * (1.0 - true) ** 2 * power / np.maximum(expected, 1e-12)
    # Veins are ovals, seldom of other shapes: how much of one was lost is told apart.
    lost[:, -1] = 0.0
    own = average_along(heights[:, -1] - _TYPICAL * noise[:, -1], _OVAL_MM / station_mm)
    oval_sd = (1.0 - true[:, -1]) * np.sqrt(np.maximum(own, 0.0)) / _OVAL_WAVE
    left = _LEFT_WAVES[edge.source] * np.sqrt(true**2 + lost)
    true[:, :_SIZE_AND_PLACE] = left[:, :_SIZE_AND_PLACE] = 1.0
    return Waves(true, left, noise_heights, oval_sd)


def _transformed(points_mm: FloatArray) -> npt.NDArray[np.complex128]:
    waves: npt.NDArray[np.complex128] = np.fft.fft(points_mm[..., 0] + 1j * points_mm[..., 1])
    return waves


def _scaled(points_mm: FloatArray, gain: FloatArray) -> FloatArray:
    """Make each wave of (n, m, 2) points as high as (n, m) gains say."""
    return _points(_transformed(points_mm) * gain)


def _points(waves: npt.NDArray[np.complex128]) -> FloatArray:
    """Return the (n, m, 2) points of outlines with these waves."""
    plain = np.fft.ifft(waves)
    return np.stack([plain.real, plain.imag], axis=-1)


def wall_noise(heights: FloatArray, station_mm: float, edge: Edge, first: int) -> FloatArray:
    """Return (`REPLICATES`, n, m) what averaging leaves of noise in the positions of an edge.

    The noise scatters single positions about their average with a standard deviation of 1.

    Parameters
    ----------
    heights
        (n, m) as `Waves` has them.
    station_mm, edge
        Distance of the stations; what the edge was found in.
    first
        Number of the first station in its vein: a station meets the same made-up noise whichever
        stations it is measured with.
    """
    points = heights.shape[1]
    along_mm, over_mm = alike_mm(edge)[0], WALL_SMOOTHING_MM[0]
    spectrum = _noise_along(points, round(along_mm / station_mm, 6), round(over_mm / station_mm, 6))
    stations = np.arange(first, first + len(heights)) % _NOISE_PERIOD
    half = heights[:, : points // 2 + 1]
    noise: FloatArray = np.fft.irfft(spectrum[:, stations] * half, points, axis=-1)
    return noise


def _rounded_powers(contours_mm: FloatArray, curve: Curve, grid: Grid) -> FloatArray:
    """Return (n, m) the power that rounding to voxels has in each wave around the vein, in mm2.

    Points that stay evenly spaced slip along the outline where it is moved outwards and bends.
    """
    moves = rounded_moves(contours_mm, curve, grid)
    turns = np.fft.rfft(moves * curvatures_per_mm(contours_mm), axis=-1)[..., 1:]
    length_mm = perimeters_mm(contours_mm)[:, None]
    turns *= 1j * length_mm / (2.0 * np.pi * np.arange(1, turns.shape[-1] + 1))
    still = np.zeros((*turns.shape[:-1], 1))
    slip = np.fft.irfft(np.concatenate([still, turns], axis=-1), moves.shape[-1], axis=-1)
    normals = outward_normals(contours_mm) @ np.array([1.0, 1.0j])
    waves = np.fft.fft((moves + 1j * slip) * normals, axis=-1) / moves.shape[-1]
    powers: FloatArray = (np.abs(waves) ** 2).mean(axis=0)
    return powers


def wave_heights(
    contours_mm: FloatArray, curve: Curve, edge: Edge, focal: FloatArray
) -> FloatArray:
    """Return (n, m) how high waves of white noise are once rays have seen and averaged it.

    Of outlines (n, m, 2), averaged over (n,) less in part, as in a focal stenosis.
    """
    points = contours_mm.shape[1]
    point_mm = np.maximum(perimeters_mm(contours_mm), SAMPLE_MM) / points
    along_mm, around_mm = alike_mm(edge)
    frequency = 2.0 * np.pi * np.fft.fftfreq(points) / point_mm[:, None]
    beside = np.exp(-0.5 * (frequency * around_mm) ** 2)
    gain = np.sqrt((beside**2).mean(axis=1, keepdims=True))
    averaged = np.exp(-0.5 * (frequency * WALL_SMOOTHING_MM[1]) ** 2)
    # What `wall_noise` and the average around the vein leave is that of a vein along an axis.
    left, scatter = left_to_wall(curve, edge, focal)
    left = left / (
        left_by_average(along_mm, WALL_SMOOTHING_MM[0])
        * left_by_average(around_mm, WALL_SMOOTHING_MM[1])
    )
    if edge.source == "mask":
        left = left * repeated(curve, edge.grid)
    per_station = np.sqrt(left) / scatter
    heights: FloatArray = beside / gain * averaged * per_station[:, None]
    return heights


@lru_cache(maxsize=16)
def _noise_along(points: int, alike: float, over: float) -> npt.NDArray[np.complex128]:
    """Return the spectra around the vein of made-up noise that was averaged along it.

    Parameters
    ----------
    points
        Around the vein.
    alike, over
        Standard deviations in stations: of what correlates unit noise, and of the average.
    """
    white = np.random.default_rng(_SEED).standard_normal((REPLICATES, _NOISE_PERIOD, points))
    frequency = 2.0 * np.pi * np.fft.fftfreq(_NOISE_PERIOD)
    correlated = np.exp(-0.5 * (frequency * alike) ** 2)
    gain = correlated / np.sqrt((correlated**2).mean()) * np.exp(-0.5 * (frequency * over) ** 2)
    along = np.fft.ifft(np.fft.fft(white, axis=1) * gain[:, None], axis=1).real
    return np.fft.rfft(along, axis=-1)
