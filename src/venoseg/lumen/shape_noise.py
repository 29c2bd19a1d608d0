"""What noise does to the shape of an outline, and taking it off again.

Noise leaves waves on the wall. Their mean is nothing, but the least width of a wavy outline is less
than that of a smooth one: of a round lumen the minimum diameter comes out too small and the maximum
too large. Each wave around the vein is made smaller by the share of its power that noise explains
(a Wiener filter), so that a round lumen is round, and an ellipse or a slit stays as it is.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.centerline.curve import Curve
from venoseg.lumen.contours import perimeters_mm
from venoseg.lumen.edges import SAMPLE_MM
from venoseg.lumen.smoothing import WALL_SMOOTHING_MM, smoothed_around_mm
from venoseg.volume import FloatArray, Grid

REPLICATES = 6

# The power of a wave is taken over this much along the vein.
_POWER_MM = 5.0

# Waves of the wall are higher than the scatter of single edges tells, which does not hold what
# neighbouring rays share: by this factor on phantoms, in the image and in labels with their steps.
_SHARED_WAVES = {"gray": 2.5, "mask": 3.8}

# One fixed stream, so that the same input gives the same table.
_SEED = 20_260_101
_NOISE_PERIOD = 256


def without_waves(
    contours_mm: FloatArray,
    scatter_mm: FloatArray,
    curve: Curve,
    grid: Grid,
    first: int,
    source: Literal["gray", "mask"],
) -> FloatArray:
    """Take off the outlines of consecutive sections what is noise in their shape.

    Parameters
    ----------
    contours_mm
        (n, m, 2) outlines.
    scatter_mm
        (n,) scatter of single edge positions about them.
    curve
        Their stations.
    grid
        The grid of the image in which the edges were found: its voxels correlate the noise.
    first
        Number of the first station in its vein.
    source
        Whether the edges were found in the image or in the labels.

    Returns
    -------
    FloatArray
        (n, m, 2) outlines of the same place and size.
    """
    count = contours_mm.shape[1]
    station_mm = float(curve.position_mm[1] - curve.position_mm[0])
    waves = np.fft.fft(contours_mm[..., 0] + 1j * contours_mm[..., 1], axis=1) / count
    heights = wall_noise(contours_mm, curve, grid, first) * scatter_mm[:, None]
    noise = (np.abs(np.fft.fft(heights, axis=-1) / count) ** 2).mean(axis=0)
    # A wave of the radius with k crests turns once more than k in the plane.
    noise = _SHARED_WAVES[source] ** 2 * np.roll(noise, 1, axis=1)
    over = _POWER_MM / station_mm
    power, expected = (
        ndimage.gaussian_filter1d(values, over, axis=0, mode="nearest")
        for values in (np.abs(waves) ** 2, noise)
    )
    true = np.clip(1.0 - expected / np.maximum(power, 1e-12), 0.0, 1.0)
    true[:, :2] = 1.0
    plain = np.fft.ifft(waves * true, axis=1) * count
    return np.stack([plain.real, plain.imag], axis=-1)


def wall_noise(contours_mm: FloatArray, curve: Curve, grid: Grid, first: int) -> FloatArray:
    """Return (`REPLICATES`, n, m) what averaging leaves of edge positions of unit scatter.

    Parameters
    ----------
    contours_mm
        (n, m, 2) outlines.
    curve, grid, first
        As `without_waves` takes them: a station meets the same made-up noise whichever stations it
        is measured with.
    """
    points = contours_mm.shape[1]
    station_mm = float(curve.position_mm[1] - curve.position_mm[0])
    point_mm = np.maximum(perimeters_mm(contours_mm), SAMPLE_MM) / points
    through, pixel = grid.slice_and_pixel_mm
    along_mm, around_mm = WALL_SMOOTHING_MM[0], smoothed_around_mm(contours_mm)
    # Interpolation makes rays within a voxel see the same noise.
    alike = 0.5 * through / station_mm
    spectrum = _noise_along(points, round(alike, 6), round(along_mm / station_mm, 6))
    stations = np.arange(first, first + len(point_mm)) % _NOISE_PERIOD
    frequency = 2.0 * np.pi * np.fft.fftfreq(points)
    beside = np.exp(-0.5 * (frequency * (0.5 * pixel / point_mm)[:, None]) ** 2)
    gain = np.sqrt((beside**2).mean(axis=1, keepdims=True))
    smooth = beside / gain * np.exp(-0.5 * (frequency * (around_mm / point_mm)[:, None]) ** 2)
    half = smooth[:, : points // 2 + 1]
    noise: FloatArray = np.fft.irfft(spectrum[:, stations] * half, points, axis=-1)
    return noise


@cache
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
