"""The levels on either side of a vein's wall, and which rays show an edge between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from venoseg.centerline.curve import Curve
from venoseg.lumen.boundary.covering import widened_rays
from venoseg.lumen.boundary.mixing import rise_across
from venoseg.lumen.geometry.rings import medians
from venoseg.lumen.rays.averages import mean_of
from venoseg.lumen.rays.edges import SAMPLE_MM
from venoseg.lumen.rays.grain import NoiseDraws
from venoseg.lumen.rays.sight import CLEAR_OF_EDGE_MM, Sight, outer_depths, voxel_noise
from venoseg.lumen.rays.smoothing import Spacing, over_wall, sums_over_wall
from venoseg.volume import BoolArray, FloatArray

# The level inside is averaged over this much along a wide vein and around it.
WIDE_AVERAGED_MM = 6.0
_LEVEL_SMOOTHING_INSIDE_MM = (WIDE_AVERAGED_MM, 4.0)

# A narrow lumen holds few voxels: between the first radius and the second more of its length is
# averaged, up to this much.
_NARROW_RADII_MM = (2.0, 4.0)
_NARROW_SMOOTHING_MM = (18.0, 4.0)
_LEVEL_SMOOTHING_OUTSIDE_MM = (4.0, 3.0)

# A ray needs this contrast, and so much of the noise of a voxel, to show an edge.
LEAST_CONTRAST_HU = 20.0
_LEAST_CONTRAST_TO_NOISE = 0.77

# Weight of a ray that ends in lumen, or meets a shell, for the level outside of its neighbours: it
# decides only where all of them do.
_IN_LUMEN_WEIGHT = 1e-3

# What lies outside is told apart where it differs by more than the first of these times the noise
# of a voxel, fully from the second; noise alone makes the brighter half of it differ from the
# darker one by about three quarters of it. The other half counts by so little that it decides only
# where there is none of the first nearby.
_UNLIKE_TO_NOISE = (1.9, 3.1)
_OTHER_WEIGHT = 1e-3

# Labels may reach beyond the end of the lumen. A station that shows less than the first share of
# the contrast usual within this much of the vein to either side shows none, and does not tell its
# neighbours how bright blood is; more than the second is lumen.
_USUAL_OVER_MM = 12.0
_NO_LUMEN, _LUMEN = 0.35, 0.6
_UNLIT_WEIGHT = 1e-3

# Waves of a level around the vein beyond these are averaged away.
_EVEN_WAVES = (2, 4)


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """What n sections of m rays show on either side of the wall.

    Attributes
    ----------
    inside, outside
        (n, m) levels near every point.
    rising
        (n, m) HU by which the level inside rises with each mm towards the wall.
    noise
        (n,) standard deviation of a voxel inside.
    doubt_hu
        (n, 2) what noise leaves of the mean of both levels, all around a section and at two
        opposite places of it: standard deviations.
    contrast
        (n, m) True where the ray shows an edge.
    """

    inside: FloatArray
    outside: FloatArray
    rising: FloatArray
    noise: FloatArray
    doubt_hu: FloatArray
    contrast: BoolArray


def levels_beside(
    sight: Sight,
    radius: FloatArray,
    curve: Curve,
    contours: FloatArray,
    depths_mm: FloatArray,
    draws: NoiseDraws,
) -> Levels:
    """Find the levels on either side of the wall from the rays across it and their neighbours.

    What a ray sees beyond the wall counts for its neighbours only where it ends outside of lumen:
    at the mouth of another vein they would take its blood for their surroundings, and beside a
    bright shell its blur.

    Parameters
    ----------
    sight
        What each ray sees.
    radius
        (n,) of the sections.
    curve, contours
        n stations and their (n, m, 2) contours.
    depths_mm
        (d,) places along the rays.
    draws
        How much of the image shares one draw of the noise.
    """
    seen, spacing = sight.seen, Spacing.of(curve, contours)
    lit = _lit(sight, spacing.station_mm)
    known = np.where(seen, lit[:, None], 0.0)
    rising, at_wall, outwards = rise_across(sight, known, curve, contours, radius, depths_mm, draws)
    level, over_mm = level_inside(sight.within - rising, known, spacing, radius)
    inside = level + at_wall
    noise = voxel_noise(sight, level + rising, draws)
    need = np.maximum(LEAST_CONTRAST_HU, _LEAST_CONTRAST_TO_NOISE * noise)[:, None]
    in_lumen = seen & (inside - sight.beyond < need)
    ends_outside = seen & ~widened_rays(in_lumen | sight.shell, spacing)
    counting = np.where(ends_outside, 1.0, np.where(seen, _IN_LUMEN_WEIGHT, 0.0))
    outside = _outside(sight.beyond, counting, noise, spacing)
    contrast = ends_outside & (inside - outside >= need)
    read_mm = float(np.ptp(depths_mm[outer_depths(depths_mm)]))
    volumes = (
        (_volume_inside(radius, over_mm, draws), _LEVEL_SMOOTHING_INSIDE_MM[1]),
        (_volume_outside(radius, read_mm, draws), _LEVEL_SMOOTHING_OUTSIDE_MM[1]),
    )
    variance = sum(
        draws.alike_mm3 / volume[:, None] * _around_and_opposite(radius, around_mm)
        for volume, around_mm in volumes
    )
    doubt = 0.5 * noise[:, None] * np.sqrt(variance)
    return Levels(inside, outside, outwards, noise, doubt, contrast)


def level_doubts_mm(levels: Levels, blur_mm: FloatArray) -> FloatArray:
    """Return (n, 2) how far levels that are a little wrong move the mean radius, and half a width.

    Parameters
    ----------
    levels
        Of n sections.
    blur_mm
        (n, m) blur across the wall: the edge lies where the rise, of contrast / (sqrt(2 pi) blur),
        meets the mean of both levels.
    """
    contrast = np.maximum((levels.inside - levels.outside).mean(axis=1), 1.0)
    per_hu = np.sqrt(2.0 * np.pi) * blur_mm.mean(axis=1) / contrast
    doubts: FloatArray = levels.doubt_hu * per_hu[:, None]
    return doubts


def _lit(sight: Sight, station_mm: float) -> FloatArray:
    """Return (n,) 1 where stations show lumen, next to nothing where they show none of it."""
    contrast = medians(sight.within) - medians(sight.beyond)
    # Whatever is usual lies between the least and the most: nothing falls short of it.
    if contrast.min() > _LUMEN * max(contrast.max(), LEAST_CONTRAST_HU):
        return np.ones(len(contrast))
    over = 2 * round(_USUAL_OVER_MM / station_mm) + 1
    usual = np.maximum(ndimage.median_filter(contrast, over, mode="mirror"), LEAST_CONTRAST_HU)
    share = (contrast / usual - _NO_LUMEN) / (_LUMEN - _NO_LUMEN)
    lit: FloatArray = np.clip(share, _UNLIT_WEIGHT, 1.0)
    return lit


def level_inside(
    within: FloatArray, known: FloatArray, spacing: Spacing, radius: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return (n, m) the level inside, and (n,) mm along the vein over which it was averaged."""
    inside = over_wall(within, known, spacing, _LEVEL_SMOOTHING_INSIDE_MM)
    narrow = _narrow(radius)
    if narrow.any():
        more = over_wall(within, known, spacing, _NARROW_SMOOTHING_MM)
        inside = inside + narrow[:, None] * (more - inside)
    return inside, averaged_along_mm(radius)


def level_outside(beyond: FloatArray, known: FloatArray, spacing: Spacing) -> FloatArray:
    """Return (n, m) the level outside."""
    return over_wall(beyond, known, spacing, _LEVEL_SMOOTHING_OUTSIDE_MM)


def _outside(
    beyond: FloatArray, counting: FloatArray, noise: FloatArray, spacing: Spacing
) -> FloatArray:
    """Return (n, m) the level outside, where two unlike things may meet, as fat and muscle.

    Averaged together they would draw the edge outwards beside the brighter of them and inwards
    beside the other. Each ray therefore takes the level of what it sees itself.

    Parameters
    ----------
    beyond, counting
        (n, m) what rays see, and which of them count.
    noise
        (n,) of a voxel.
    spacing
        Of the rays.
    """
    places = (spacing, _LEVEL_SMOOTHING_OUTSIDE_MM)
    both = sums_over_wall(beyond, counting, *places)
    outside = mean_of(*both)
    low, high = _UNLIKE_TO_NOISE
    # Where no two neighbours of it differ by so much, nothing does.
    unlike = np.abs(beyond - outside) > 0.5 * low * noise[:, None]
    if not (unlike & (counting == 1.0)).any():
        return outside
    of_these = np.where(beyond > outside, 1.0, _OTHER_WEIGHT)
    brighter = sums_over_wall(beyond, counting * of_these, *places)
    # With the weights changed over both halves sum up to all.
    darker = ((1.0 + _OTHER_WEIGHT) * a - b for a, b in zip(both, brighter, strict=True))
    upper, lower = mean_of(*brighter), mean_of(*darker)
    apart = np.clip(((upper - lower) / noise[:, None] - low) / (high - low), 0.0, 1.0)
    own = np.where(beyond > 0.5 * (upper + lower), upper, lower)
    parted: FloatArray = outside + apart * (own - outside)
    return parted


def averaged_along_mm(radius_mm: FloatArray) -> FloatArray:
    """Return (n,) mm of a vein of such radii over which its level inside is averaged."""
    more_mm = _NARROW_SMOOTHING_MM[0] - WIDE_AVERAGED_MM
    return WIDE_AVERAGED_MM + _narrow(radius_mm) * more_mm


def _narrow(radius_mm: FloatArray) -> FloatArray:
    low, high = _NARROW_RADII_MM
    narrow: FloatArray = np.clip((high - radius_mm) / (high - low), 0.0, 1.0)
    return narrow


def _around_and_opposite(radius: FloatArray, around_mm: float) -> FloatArray:
    """Return (n, 2) the variance of a level all around, and at two opposite places, over the first.

    An average over so much around the vein leaves exp(-(k s / r)^2) of the power of k waves
    around it. Those of even k do not cancel at opposite places.
    """
    turns = around_mm / np.maximum(radius, 0.5 * SAMPLE_MM)
    more = 2.0 * sum(np.exp(-((k * turns) ** 2)) for k in _EVEN_WAVES)
    return np.stack([np.ones_like(turns), 1.0 + more], axis=1)


def _volume_inside(radius: FloatArray, over_mm: FloatArray, draws: NoiseDraws) -> FloatArray:
    """Return (n,) mm3 whose noise the mean level inside averages.

    Rays towards the middle weigh a place in inverse proportion to its distance from it. Noise
    reaches beyond the places that are read, by about as much as it is alike over.
    """
    read = np.maximum(radius - np.minimum(CLEAR_OF_EDGE_MM, 0.7 * radius), 0.5 * SAMPLE_MM)
    area = 2.0 * np.pi * read**2 / np.log(1.0 + 2.0 * read / SAMPLE_MM)
    area += draws.alike_mm3 ** (2.0 / 3.0)
    volume: FloatArray = area * 2.0 * np.sqrt(np.pi) * over_mm
    return volume


def _volume_outside(radius: FloatArray, depth_mm: float, draws: NoiseDraws) -> FloatArray:
    """Return (n,) mm3 whose noise the mean level outside averages."""
    around = 2.0 * np.pi * (radius + CLEAR_OF_EDGE_MM + 0.5 * depth_mm)
    across_mm = float(np.hypot(depth_mm, np.cbrt(draws.alike_mm3)))
    volume: FloatArray = around * across_mm * 2.0 * np.sqrt(np.pi) * _LEVEL_SMOOTHING_OUTSIDE_MM[0]
    return volume
