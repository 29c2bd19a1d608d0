"""What of the labels is blood: old clot, a thick wall or tissue that they hold is far darker.

The search for the edge looks a few millimetres to either side of where it starts. Where labels hold
more than that of something else, as where somebody outlined a vein with the clot in it, it would
find the outer edge of that. It therefore starts from the bright part of the labels. Whether what is
dark is lumen cannot be told from its level: blood that has not mixed with contrast is as dark.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.morphology import disk

from venoseg.centerline.curve import Curve
from venoseg.centerline.sections import plane_offsets_mm, sample_planes
from venoseg.lumen.geometry.contours import (
    least_widths_mm,
    outward_normals,
    resample_closed,
    signed_mm,
)
from venoseg.lumen.geometry.outline import CONTOUR_POINTS, outermost
from venoseg.lumen.geometry.rings import lengths, middles
from venoseg.lumen.geometry.stationwise import with_stations
from venoseg.lumen.rays.averages import average_around
from venoseg.lumen.rays.edges import sample_profiles, to_lps
from venoseg.volume import BoolArray, FloatArray, Grid, Volume

# Clot, muscle and the wall of a vein are about as bright. Blood has to exceed them by so much; what
# does so by less than this share of it is dark: streams of paler blood are brighter.
_TISSUE_HU, _LEAST_CONTRAST_HU, _DARK_SHARE = 55.0, 40.0, 0.4

# Nearer to the labels' outline than this, and than a voxel of theirs and this much more, the search
# finds the edge by itself.
_DEEP_MM, _BEYOND_VOXEL_MM = 2.2, 0.7

# So many rays towards the middle are looked at first, at so many places each, the average of so
# many neighbours; blood is as bright as this share of them stays below.
_RAYS_STRIDE, _PLACES, _NEIGHBOURS, _BLOOD_PERCENT = 4, 5, 0.7, 75.0

# Then the plane across the vein, with points so far apart, averaged over this much.
_PIXEL_MM, _AVERAGED_MM = 0.5, 1.0

# What is darker than this, after averaging, is no blood at all, and neither is the pale rim of what
# is bright: dark parts that are anywhere more than a rim of this width may be.
_DARKEST_BLOOD_HU, _RIM_MM = 15.0, 1.0

# What is dark counts when it holds a circle of this radius, which webs do not, and so much of it
# lies deep; and where the bright part is one: not when another holds more than this share of it.
_LEAST_RADIUS_MM, _LEAST_DEEP_MM2, _MOST_BESIDE = 1.25, 4.0, 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Blood:
    """What of the labels is blood at n stations.

    Attributes
    ----------
    outlines_mm
        (n, m, 2) outline of the bright part; of all of it where nothing is dark.
    dark
        (n,) whether a part of the labels is dark.
    more_mm
        (n, 2) how much larger the equivalent and the least diameter are with what of it may be
        blood without contrast.
    """

    outlines_mm: FloatArray
    dark: BoolArray
    more_mm: FloatArray

    @classmethod
    def all_of(cls, outlines_mm: FloatArray) -> Blood:
        """Return (n, m, 2) outlines in which nothing is dark."""
        count = len(outlines_mm)
        return cls(outlines_mm.copy(), np.zeros(count, dtype=bool), np.zeros((count, 2)))

    def replaced(self, stations: slice, part: Blood) -> Blood:
        """Return the same with other ``stations``."""
        return with_stations(self, stations, part)


def blood_in_labels(volume: Volume, curve: Curve, outlines_mm: FloatArray) -> Blood:
    """Tell what of the labels is blood, station by station.

    Parameters
    ----------
    volume
        The image.
    curve
        n stations.
    outlines_mm
        (n, m, 2) of the labels; NaN where there is none.
    """
    blood = Blood.all_of(outlines_mm)
    if volume.unit != "HU":
        return blood
    outlines = np.nan_to_num(outlines_mm)
    deep_mm = _deep_mm(volume.grid, curve, outlines)
    limit, suspect = _glance(volume, curve, outlines, deep_mm)
    for n in np.flatnonzero(suspect & ~np.isnan(outlines_mm[:, 0, 0])):
        station = curve.part(slice(n, n + 1))
        told = _look_closely(volume, station, outlines[n], limit[n], deep_mm[n])
        if told is not None:
            blood.outlines_mm[n], blood.more_mm[n] = told
            blood.dark[n] = True
    return blood


def _deep_mm(grid: Grid, curve: Curve, outlines_mm: FloatArray) -> FloatArray:
    """Return (n,) how far inside of outlines the search for the edge need not look."""
    normals = to_lps(outward_normals(outlines_mm[:, ::_RAYS_STRIDE]), curve)
    voxel_mm = np.linalg.norm((normals @ grid.directions) * grid.spacing_mm, axis=-1).max(axis=1)
    deep: FloatArray = np.maximum(_DEEP_MM, voxel_mm + _BEYOND_VOXEL_MM)
    return deep


def _glance(
    volume: Volume, curve: Curve, outlines_mm: FloatArray, deep_mm: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """Return (n,) the level below which something is dark, and where anything deep is."""
    rays = outlines_mm[:, ::_RAYS_STRIDE]
    way = middles(rays) - rays
    deep = np.minimum(deep_mm[:, None] / np.maximum(lengths(way), 1e-6), 1.0)[..., None]
    start, inwards = rays + deep * way, (1.0 - deep) * way
    shares = np.linspace(0.0, 1.0, _PLACES)
    profiles = sample_profiles(volume.voxels, volume.grid, curve, start, inwards, shares)
    places = [average_around(values, _NEIGHBOURS) for values in np.moveaxis(profiles.values, -1, 0)]
    smooth = np.concatenate(places, axis=1)
    blood = np.percentile(smooth, _BLOOD_PERCENT, axis=1)
    limit: FloatArray = _TISSUE_HU + _DARK_SHARE * (blood - _TISSUE_HU)
    suspect = (smooth < limit[:, None]).any(axis=1) & (blood - _TISSUE_HU >= _LEAST_CONTRAST_HU)
    return limit, suspect


def _look_closely(
    volume: Volume, station: Curve, outline_mm: FloatArray, limit_hu: float, deep_mm: float
) -> tuple[FloatArray, FloatArray] | None:
    """Return the outline (m, 2) of what is bright in one section, and (2,) `Blood.more_mm`.

    None where nothing in it is dark, or what is bright falls apart.
    """
    offsets = plane_offsets_mm(float(np.abs(outline_mm).max()) + 2.0 * _PIXEL_MM, _PIXEL_MM)
    (plane,) = sample_planes(volume.voxels, volume.grid, station, offsets)
    smooth = ndimage.gaussian_filter(plane, _AVERAGED_MM / _PIXEL_MM)
    depth = -signed_mm(outline_mm, np.stack(np.meshgrid(offsets, offsets), axis=-1))
    bright, dark = (depth > 0.0) & (smooth > limit_hu), (depth > 0.0) & (smooth <= limit_hu)
    numbers, parts = ndimage.label(bright)
    sizes = np.bincount(numbers.ravel(), minlength=2)[1:]
    in_pieces = sizes.sum() > (1.0 + _MOST_BESIDE) * sizes.max()
    if parts == 0 or in_pieces or not _counts(dark, depth > deep_mm):
        return None
    largest = numbers == 1 + np.argmax(sizes)
    rim = disk(round(_RIM_MM / _PIXEL_MM), dtype=bool)
    as_blood = dark & (smooth > _DARKEST_BLOOD_HU)
    perhaps = ndimage.binary_propagation(ndimage.binary_opening(as_blood, rim), mask=as_blood)
    regions = np.stack([largest, largest | (dark & ndimage.binary_dilation(perhaps, rim))])
    lines = outermost(ndimage.gaussian_filter(regions.astype(np.float32), (0.0, 1.0, 1.0)))
    if len(lines) < len(regions):
        return None
    outlines = resample_closed([offsets[0] + lines[n] * _PIXEL_MM for n in (0, 1)], CONTOUR_POINTS)
    equivalent = np.sqrt(4.0 / np.pi * regions.sum(axis=(1, 2))) * _PIXEL_MM
    more = np.array([np.ptp(equivalent), np.ptp(least_widths_mm(outlines))])
    return outlines[0], more


def _counts(dark: BoolArray, deep: BoolArray) -> bool:
    """Tell whether some of what is dark is thick, and reaches deep into the labels."""
    numbers, _ = ndimage.label(dark)
    radius_mm = ndimage.distance_transform_edt(dark) * _PIXEL_MM
    thick = np.unique(numbers[radius_mm >= _LEAST_RADIUS_MM])
    deep_mm2 = np.bincount(numbers[deep], minlength=numbers.max() + 1) * _PIXEL_MM**2
    return bool((deep_mm2[thick[thick > 0]] >= _LEAST_DEEP_MM2).any())
