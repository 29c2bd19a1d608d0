"""What noise does to the figures, found by doing it again.

The wall that was measured is displaced, a few times over, by made-up noise with the scatter and the
correlation of the real one. The spread of the figures is their standard deviation.
"""

from __future__ import annotations

import numpy as np

from venoseg.centerline.curve import Curve
from venoseg.lumen.boundary.rounding import rounded_moves
from venoseg.lumen.boundary.shifts import abrupt_mm
from venoseg.lumen.boundary.wall import Wall
from venoseg.lumen.geometry.contours import (
    equivalent_mm,
    least_widths_mm,
    outward_normals,
    perimeters_mm,
)
from venoseg.lumen.noise.alike import Edge, left_to_wall
from venoseg.lumen.noise.shape_noise import Waves, wall_noise
from venoseg.lumen.rays.averages import average_along
from venoseg.lumen.rays.smoothing import WALL_SMOOTHING_MM, focal_share
from venoseg.volume import FloatArray, Grid

# Figures of neighbouring stations are pooled over this length for their spread.
_POOLING_MM = 15.0

# Figures of phantoms spread by so many times what made-up noise makes them spread, with the edge
# from gray values and from labels.
_SPREAD = {"gray": 1.05, "mask": 0.8}

# In slices that are thick beside a vein that lies in them, its edge is told from too few of them.
# By how much figures may be wrong for it (95 %): such shares, for the equivalent and the minimum
# diameter, of the slices' distance squared over the diameter, times the fourth power of the sine of
# the angle between the vein and the slices' normal (veins in box-shaped slices of 2 to 5 mm). How
# labels are rounded to slices is told apart.
_FEW_SLICES = {"gray": (0.5, 1.0), "mask": (0.35, 0.35)}

# What remains of the wall's position when noise is gone, by sampling: of the mean radius, and of
# half the least width, in which it does not average out around the vein.
_WALL_FLOOR_MM = {"gray": np.array([0.004, 0.007]), "mask": np.array([0.005, 0.007])}

# Share of the correction for blur on a curved wall that may be wrong.
_BLUR_DOUBT = 0.14

# Between slices the place of a slope along the vein is uncertain by this share of their distance
# (standard deviation, phantoms with 3 mm slices).
_SLOPE_SHARE = 0.04

# That labels are commonly a voxel too large or too small counts as much as so many stations at
# which the image tells by how much they are.
_UNKNOWN_STATIONS = 3

_NORMAL_95 = 1.96

# Radii of an ellipse's tip, in standard deviations of the blur, from which it begins to hide
# something, and at which it hides all that it can.
_SHARP_TIP = (1.0, 0.5)

# Full width at half maximum of a Gaussian in standard deviations.
_FWHM = 2.355


def figure_variances(
    wall: Wall,
    waves: Waves,
    curve: Curve,
    edge: Edge,
    first: int,
) -> FloatArray:
    """Find how far noise spreads the figures of sections.

    Parameters
    ----------
    wall
        n sections.
    waves
        What on them is noise.
    curve
        Their stations.
    edge
        What the edges were found in: its voxels and its grain correlate the noise.
    first
        Number of the first station in its vein: a station meets the same made-up noise whichever
        stations it is measured with.

    Returns
    -------
    FloatArray
        (n, 2) variances of the equivalent and the minimum diameter in mm2.
    """
    contours = wall.contours_mm
    normals = outward_normals(contours)
    station_mm = curve.step_mm

    def spread(moves_mm: FloatArray) -> FloatArray:
        """Return (n, 2) variances of the figures when walls move by (k, n, m)."""
        moved = contours + waves.doubt(moves_mm[..., None] * normals)
        figures = _figures(moved.reshape(-1, *contours.shape[1:]))
        return np.asarray(figures.reshape(len(moved), len(contours), 2).var(axis=0, ddof=1))

    noise = wall_noise(waves.heights, station_mm, edge, first)
    variances = spread(noise * wall.ray_sd_mm[:, None])
    if edge.source == "mask":
        # How high rounding is is known: no factor of phantoms belongs to it.
        known = spread(rounded_moves(contours, curve, edge.grid)) / _SPREAD[edge.source] ** 2
        variances = np.maximum(variances, known)
    return variances


def half_intervals_mm(
    variances_mm2: FloatArray,
    contours_mm: FloatArray,
    curve: Curve,
    edge: Edge,
) -> FloatArray:
    """Return (n, 2) half widths of the 95 % intervals of the equivalent and minimum diameters.

    Parameters
    ----------
    variances_mm2
        (n, 2) of consecutive stations.
    contours_mm
        (n, m, 2) their lumen.
    curve
        The stations.
    edge
        Where the edge was sought, and how blurred it is there.
    """
    station_mm = curve.step_mm
    equivalent = equivalent_mm(contours_mm)
    # Where less of a wall is averaged, noise is higher in known measure.
    focal = focal_share(curve, contours_mm, edge.grid).mean(axis=1)
    here = (left_to_wall(curve, edge, focal)[0] / perimeters_mm(contours_mm))[:, None]
    variance = here * average_along(variances_mm2 / here, _POOLING_MM / station_mm)
    variance *= _sharpened(curve, edge)[:, None] ** 2
    shift = edge.blur.in_plane_mm**2 / np.maximum(equivalent, 1.0)
    through_mm = edge.grid.slice_and_pixel_mm[0]
    systematic = 2.0 * np.hypot(_WALL_FLOOR_MM[edge.source], _BLUR_DOUBT * shift[:, None])
    slope = np.abs(np.gradient(equivalent, station_mm))
    apart = np.abs(curve.tangents @ edge.grid.directions[:, edge.grid.through_axis])
    placed = _SLOPE_SHARE * slope * apart * through_mm
    half: FloatArray = _NORMAL_95 * np.sqrt(
        _SPREAD[edge.source] ** 2 * variance + systematic**2 + placed[:, None] ** 2
    )
    few = (1.0 - apart**2) ** 2 * through_mm**2 / np.maximum(equivalent, 1.0)
    half = np.hypot(half, few[:, None] * _FEW_SLICES[edge.source])
    return np.hypot(half, abrupt_mm(curve, equivalent, focal, edge.blur, edge.grid)[:, None])


def _sharpened(curve: Curve, edge: Edge) -> FloatArray:
    """Return (n,) by which factor noise grows where what blur along the vein shifts is taken off.

    Of a blur b that takes 1 + (b k)^2 / 2 of waves k along the vein, on what a Gaussian average
    over s leaves of noise, where the mean of k^2 is 1 / (2 s^2).
    """
    along_mm = edge.blur.along(curve.tangents, edge.grid)
    grown: FloatArray = 1.0 + (along_mm / (2.0 * WALL_SMOOTHING_MM[0])) ** 2
    return grown


def unseen_rim_mm(wall: Wall, grid: Grid) -> FloatArray:
    """Return (n,) what rays without an edge add to half the 95 % interval of a diameter.

    There the wall is carried on from beside or from the labels, which may lie anywhere within the
    voxels on either side of it.

    Parameters
    ----------
    wall
        In the image.
    grid
        Of the labels.
    """
    within_voxel = grid.slice_and_pixel_mm[1] / np.sqrt(12.0)
    half: FloatArray = _NORMAL_95 * 2.0 * within_voxel * (1.0 - wall.rim)
    return half


def unproved_labels_mm(apart_mm: FloatArray, grid: Grid) -> float:
    """Return the half width of the 95 % interval of a diameter that only the labels tell.

    Where the image shows no edge, whoever drew the labels saw none either: the edge may lie
    anywhere within the voxels on its two sides, and the labels may be too large or too small all
    around. How much is told by how far they are from the edge elsewhere in the same stretch of
    vein; where that is not known either, a voxel in diameter is common (standard deviation).

    Parameters
    ----------
    apart_mm
        (k,) diameters by the image minus those of the labels, where both are known.
    grid
        Of the labels.
    """
    voxel_mm = grid.slice_and_pixel_mm[1]
    within_mm2 = voxel_mm**2 / 3.0
    elsewhere_mm2 = (_UNKNOWN_STATIONS * voxel_mm**2 + float(apart_mm @ apart_mm)) / (
        _UNKNOWN_STATIONS + len(apart_mm)
    )
    return float(_NORMAL_95 * np.sqrt(within_mm2 + elsewhere_mm2))


def slit_tips_mm(minimum_mm: FloatArray, maximum_mm: FloatArray, blur_mm: FloatArray) -> FloatArray:
    """Return (n,) the equivalent diameter that the tips of a slit may hide.

    A tip that bends more sharply than the blur shows no edge of its own. What it holds is told by
    how much paler the image is there than it would be without it, and by its neighbours; at either
    end an area of a quarter of the blur's width long and as wide may be wrong.

    Parameters
    ----------
    minimum_mm, maximum_mm
        (n,) least and greatest width of the lumen.
    blur_mm
        (n,) standard deviation.
    """
    tip = (minimum_mm / 2.0) ** 2 / np.maximum(maximum_mm / 2.0, 1e-6)
    start, full = _SHARP_TIP
    sharp = np.clip((start - tip / blur_mm) / (start - full), 0.0, 1.0)
    area = 0.5 * sharp * (_FWHM * blur_mm) ** 2
    equivalent = np.sqrt(np.maximum(minimum_mm * maximum_mm, 1e-6))
    hidden: FloatArray = 2.0 * area / (np.pi * equivalent)
    return hidden


def hidden_wall_mm(wall: Wall) -> FloatArray:
    """Return (n, 2) half widths of the 95 % interval for what is hidden at the wall.

    Of the equivalent and the minimum diameter.
    """
    both = np.stack([wall.hidden_sd_mm, wall.hidden_least_sd_mm], axis=1)
    half: FloatArray = _NORMAL_95 * 2.0 * both
    return half


def common_wall_mm(wall: Wall) -> FloatArray:
    """Return (n,) what another image shares of `hidden_wall_mm` of the equivalent diameter."""
    common = np.maximum(wall.hidden_sd_mm**2 - wall.hidden_own_sd_mm**2, 0.0)
    half: FloatArray = _NORMAL_95 * 2.0 * np.sqrt(common)
    return half


def _figures(contours: FloatArray) -> FloatArray:
    """Return (n, 2): equivalent and minimum diameter."""
    return np.stack([equivalent_mm(contours), least_widths_mm(contours)], axis=1)
