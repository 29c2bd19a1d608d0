"""What lies on either side of a vein's wall: levels, noise, metal, and what is not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from venoseg.centerline.curve import Curve
from venoseg.lumen.contours import area_and_centroid, perimeters_mm
from venoseg.lumen.edges import SAMPLE_MM, Profiles, to_lps
from venoseg.lumen.mixing import places_read_mm, slopes_hu_per_mm
from venoseg.lumen.smoothing import over_wall
from venoseg.volume import BoolArray, FloatArray, Volume

# Levels on either side are read beyond this distance from the edge, where blur hardly reaches.
_CLEAR_OF_EDGE_MM = 1.5
_LEVEL_SMOOTHING_INSIDE_MM = (6.0, 4.0)

# A narrow lumen holds few voxels: between the first radius and the second more of its length is
# averaged, up to this much.
_NARROW_RADII_MM = (2.0, 4.0)
_NARROW_SMOOTHING_MM = (18.0, 4.0)
_LEVEL_SMOOTHING_OUTSIDE_MM = (4.0, 3.0)

# So far inside the wall lies the blood that makes its edge: 0.8 of the blur of a body CT.
_FELT_MM = 0.5

# What exceeds the lumen by this much, and this many times the noise, is not blood: a stent's wires
# show 100 to 600 HU above it on a body kernel.
_BRIGHT_HU = 80.0
_BRIGHT_TO_NOISE = 4.0

# A plaque on the wall is bright this far outside of it; blood that streams along it is not.
_ON_THE_WALL_MM = (0.4, 1.6)

# Metal or calcium along this share of the rim hides the lumen's edge: the steepest rise is then
# that of the stent, not of the blood. Where such a stretch ends, a few more stations with some of
# it belong to it.
_METAL_RIM, _SOME_METAL_RIM = 0.4, 0.08
_METAL_END_STATIONS = 4


# A ray needs this contrast, and this many times the noise of a voxel, to show an edge.
LEAST_CONTRAST_HU = 20.0
_LEAST_CONTRAST_TO_NOISE = 1.0

# Weight of a ray that ends in lumen for the level outside of its neighbours: it decides only where
# all of them do.
_IN_LUMEN_WEIGHT = 1e-3


# Rays this near to one that ends in lumen still meet some of it.
_MOUTH_RIM_MM = 1.5


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """What n sections of m rays show on either side of the wall.

    Attributes
    ----------
    inside, outside
        (n, m) levels near every point.
    noise
        (n,) standard deviation of a voxel inside.
    doubt_hu
        (n,) what noise leaves of the mean of both levels, all around a section: standard deviation.
    contrast
        (n, m) True where the ray shows an edge.
    """

    inside: FloatArray
    outside: FloatArray
    noise: FloatArray
    doubt_hu: FloatArray
    contrast: BoolArray


def seen_rays(
    volume: Volume, curve: Curve, contours: FloatArray, normals: FloatArray, reach_mm: float
) -> BoolArray:
    """Tell (n, m) which rays lie within the image and meet no missing voxel."""
    seen = np.ones(contours.shape[:2], dtype=bool)
    if volume.missing is None and _well_inside(volume, curve, contours, reach_mm):
        return seen
    for depth in (-reach_mm, 0.0, reach_mm):
        ends = curve.points_lps_mm[:, None, :] + to_lps(contours + depth * normals, curve)
        seen &= volume.grid.contains(ends)
        if volume.missing is not None:
            index = np.moveaxis(volume.grid.to_index(ends), -1, 0)
            seen &= ndimage.map_coordinates(volume.missing.view(np.uint8), index, order=0) == 0
    return seen


def _well_inside(volume: Volume, curve: Curve, contours: FloatArray, reach_mm: float) -> bool:
    """Tell whether even the farthest ray of all ends within the image, whichever way it points."""
    farthest = float(np.hypot(contours[..., 0], contours[..., 1]).max()) + reach_mm
    index = volume.grid.to_index(curve.points_lps_mm)
    margin = np.minimum(index, np.array(volume.grid.shape) - 1 - index) * volume.grid.spacing_mm
    return bool(margin.min() > farthest)


def inner_radii_mm(contours: FloatArray) -> FloatArray:
    """Return (n,) the radius of a circle, about half the width of an ellipse or slit.

    Twice the area over the perimeter is the radius of a circle, but 1.4 times half the width of an
    ellipse three times as long as wide; its lack of roundness tells by how much.
    """
    area = np.maximum(area_and_centroid(contours)[0], 0.0)
    perimeter = np.maximum(perimeters_mm(contours), SAMPLE_MM)
    roundness = np.clip(4.0 * np.pi * area / perimeter**2, 0.0, 1.0)
    radius: FloatArray = 2.0 * area / perimeter * roundness**0.8
    return radius


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What each of m rays of n sections sees by itself.

    Attributes
    ----------
    within, beyond
        (n, m) mean of the image on either side of the wall.
    scatter
        (n, m) variance of the image about ``within``.
    seen
        (n, m) which rays the image holds, and nothing covers.
    """

    within: FloatArray
    beyond: FloatArray
    scatter: FloatArray
    seen: BoolArray


def look_beside(profiles: Profiles, radius_mm: FloatArray, seen: BoolArray) -> Sight:
    """Read the image on either side of the wall, ray by ray.

    Parameters
    ----------
    profiles
        (n, m, d) the image along the normals.
    radius_mm
        (n,) of the sections.
    seen
        (n, m) which rays the image holds.
    """
    inner, outer = inner_depths(profiles.depths_mm, radius_mm), outer_depths(profiles.depths_mm)
    count = np.maximum(inner.sum(axis=1), 1)[:, None]
    chosen = inner.T[..., None].astype(np.float32)
    by_depth = np.moveaxis(profiles.values, -1, 0)
    within = (by_depth * chosen).sum(axis=0, dtype=np.float64) / count
    residual = (by_depth - within.astype(np.float32)) * chosen
    scatter = (residual**2).sum(axis=0, dtype=np.float64) / count
    beyond = profiles.values[..., outer].mean(axis=2, dtype=np.float64)
    return Sight(within, beyond, scatter, seen)


def levels_beside(
    sight: Sight,
    radius: FloatArray,
    curve: Curve,
    contours: FloatArray,
    depths_mm: FloatArray,
    voxel_mm3: float,
) -> Levels:
    """Find the levels on either side of the wall from the rays across it and their neighbours.

    What a ray sees beyond the wall counts for its neighbours only where it ends outside of lumen:
    at the mouth of another vein they would take its blood for their surroundings.

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
    voxel_mm3
        Volume of a voxel.
    """
    seen = sight.seen
    known = np.where(seen, 1.0, 0.0)
    rising, at_wall = _across(sight, known, curve, contours, radius, depths_mm, voxel_mm3)
    level, over_mm = _level_inside(sight.within - rising, known, curve, contours, radius)
    inside = level + at_wall
    noise = _noise(sight, level + rising)
    need = np.maximum(LEAST_CONTRAST_HU, _LEAST_CONTRAST_TO_NOISE * noise)[:, None]
    in_lumen = seen & (inside - sight.beyond < need)
    ends_outside = seen & ~_widened(in_lumen, curve, contours)
    counting = np.where(ends_outside, known, _IN_LUMEN_WEIGHT * known)
    outside = over_wall(sight.beyond, counting, curve, contours, _LEVEL_SMOOTHING_OUTSIDE_MM)
    contrast = ends_outside & (inside - outside >= need)
    read_mm = float(np.ptp(depths_mm[outer_depths(depths_mm)]))
    doubt = (
        0.5
        * noise
        * np.sqrt(
            voxel_mm3 / _volume_inside(radius, over_mm)
            + voxel_mm3 / _volume_outside(radius, read_mm)
        )
    )
    return Levels(inside, outside, noise, doubt, contrast)


def _noise(sight: Sight, expected: FloatArray) -> FloatArray:
    """Return (n,) the noise of a voxel inside, where rays were expected to read so much."""
    variance = (sight.scatter + (sight.within - expected) ** 2).mean(axis=1)
    # Linear interpolation averages neighbouring voxels and takes about half of the variance.
    noise: FloatArray = np.sqrt(2.0 * variance)
    return noise


def _across(
    sight: Sight,
    known: FloatArray,
    curve: Curve,
    contours: FloatArray,
    radius: FloatArray,
    depths_mm: FloatArray,
    voxel_mm3: float,
) -> tuple[FloatArray, FloatArray]:
    """Return (n, m) how much brighter than in the middle it is where rays read, and at the wall.

    A blurred wall with blood that rises towards it looks like one with the even blood of a place
    0.8 standard deviations of the blur inside.
    """
    inner = inner_depths(depths_mm, radius)
    read_mm = np.where(inner, depths_mm, 0.0).sum(axis=1) / np.maximum(inner.sum(axis=1), 1)
    places = places_read_mm(contours, read_mm)
    middle = contours.mean(axis=1, keepdims=True)
    noise = _noise(sight, sight.within)
    station_mm = float(curve.position_mm[1] - curve.position_mm[0])
    slopes = slopes_hu_per_mm(sight.within, known, places, radius, noise, voxel_mm3, station_mm)[
        :, None, :
    ]
    beside = places_read_mm(contours, np.full(len(contours), -_FELT_MM))
    return ((places - middle) * slopes).sum(axis=-1), ((beside - middle) * slopes).sum(axis=-1)


def inner_depths(depths_mm: FloatArray, radius_mm: FloatArray) -> BoolArray:
    """Tell (n, d) at which depths the level inside sections of (n,) radii is read."""
    nearest = np.minimum(_CLEAR_OF_EDGE_MM, 0.7 * radius_mm)[:, None]
    farthest = np.maximum(1.2 * radius_mm, SAMPLE_MM)[:, None]
    read: BoolArray = (depths_mm <= -nearest + 1e-6) & (depths_mm >= -farthest)
    return read


def outer_depths(depths_mm: FloatArray) -> BoolArray:
    """Tell (d,) at which depths the level outside is read."""
    read: BoolArray = depths_mm >= _CLEAR_OF_EDGE_MM
    return read


def _level_inside(
    within: FloatArray, known: FloatArray, curve: Curve, contours: FloatArray, radius: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return (n, m) the level inside, and (n,) mm along the vein over which it was averaged."""
    short_mm, long_mm = _LEVEL_SMOOTHING_INSIDE_MM, _NARROW_SMOOTHING_MM
    inside = over_wall(within, known, curve, contours, short_mm)
    low, high = _NARROW_RADII_MM
    narrow = np.clip((high - radius) / (high - low), 0.0, 1.0)
    if narrow.any():
        more = over_wall(within, known, curve, contours, long_mm)
        inside = inside + narrow[:, None] * (more - inside)
    return inside, short_mm[0] + narrow * (long_mm[0] - short_mm[0])


def _volume_inside(radius: FloatArray, over_mm: FloatArray) -> FloatArray:
    """Return (n,) mm3 whose noise the mean level inside averages.

    Rays towards the middle weigh a place in inverse proportion to its distance from it.
    """
    read = np.maximum(radius - np.minimum(_CLEAR_OF_EDGE_MM, 0.7 * radius), 0.5 * SAMPLE_MM)
    area = 2.0 * np.pi * read**2 / np.log(1.0 + 2.0 * read / SAMPLE_MM)
    volume: FloatArray = area * 2.0 * np.sqrt(np.pi) * over_mm
    return volume


def _volume_outside(radius: FloatArray, depth_mm: float) -> FloatArray:
    """Return (n,) mm3 whose noise the mean level outside averages."""
    around = 2.0 * np.pi * (radius + _CLEAR_OF_EDGE_MM + 0.5 * depth_mm)
    volume: FloatArray = around * depth_mm * 2.0 * np.sqrt(np.pi) * _LEVEL_SMOOTHING_OUTSIDE_MM[0]
    return volume


def _widened(rays: BoolArray, curve: Curve, contours: FloatArray) -> BoolArray:
    """Add the rays nearby, in whose way the same thing still lies in part."""
    if not rays.any():
        return rays
    station_mm = float(curve.position_mm[1] - curve.position_mm[0])
    point_mm = float(np.median(perimeters_mm(contours))) / contours.shape[1]
    along, around = (1 + 2 * round(_MOUTH_RIM_MM / mm) for mm in (station_mm, point_mm))
    wide = ndimage.maximum_filter1d(rays.view(np.uint8), along, axis=0, mode="nearest")
    widened: BoolArray = ndimage.maximum_filter1d(wide, around, axis=1, mode="wrap") > 0
    return widened


def bright_share(profiles: Profiles, inside: FloatArray, noise: FloatArray) -> FloatArray:
    """Return (n,) the share of rays that meet something far brighter than the lumen."""
    excess = profiles.values.max(axis=-1) - inside[:, None]
    threshold = np.maximum(_BRIGHT_HU, _BRIGHT_TO_NOISE * noise)[:, None]
    share: FloatArray = np.mean(excess > threshold, axis=1)
    return share


def covered_rays(profiles: Profiles, sight: Sight, curve: Curve, contours: FloatArray) -> BoolArray:
    """Tell (n, m) on which rays, and beside which, a plaque or a clip lies on the wall.

    The image then rises where the lumen ends. Where metal lies along much of the rim, as in a
    stent, none is told: the whole section is hidden.
    """
    inside = np.median(sight.within, axis=1)
    noise = np.sqrt(2.0 * np.median(sight.scatter, axis=1))
    first, last = _ON_THE_WALL_MM
    on_wall = (profiles.depths_mm >= first - 1e-6) & (profiles.depths_mm <= last + 1e-6)
    excess = profiles.values[..., on_wall].max(axis=-1) - inside[:, None]
    bright = excess > np.maximum(_BRIGHT_HU, _BRIGHT_TO_NOISE * noise)[:, None]
    bright &= (bright.mean(axis=1) < _METAL_RIM)[:, None]
    return _widened(bright, curve, contours)


def hidden_by_metal(bright: FloatArray) -> BoolArray:
    """Tell at which of n stations metal or calcium hides the lumen's edge.

    Parameters
    ----------
    bright
        (n,) what `bright_share` gives.
    """
    hidden: BoolArray = ndimage.median_filter(bright, 5, mode="nearest") >= _METAL_RIM
    if not hidden.any():
        return hidden
    beside = ndimage.binary_dilation(hidden, iterations=_METAL_END_STATIONS)
    result: BoolArray = hidden | (beside & (bright >= _SOME_METAL_RIM))
    return result
