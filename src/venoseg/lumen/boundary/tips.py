"""Tips of slits that labels have cut off: brought out again while the contour nears the edge.

Labels a voxel too small lose little of the walls of a slit but millimetres of its tips, where the
walls meet. Rays across the outline do not reach as far, and averages over the wall drown the one
that does. So one ray more looks along the slit out of each tip, and the outline is stretched to
where the lumen ends, which keeps the way its tips taper.
"""

from __future__ import annotations

import numpy as np

from venoseg.centerline.curve import Curve
from venoseg.interpolation import trilinear
from venoseg.lumen.boundary.levels import LEAST_CONTRAST_HU, Levels
from venoseg.lumen.geometry.contours import areas_mm2, feret_diameters_mm, perimeters_mm
from venoseg.lumen.geometry.rings import medians, middles
from venoseg.lumen.rays.averages import average_along
from venoseg.lumen.rays.edges import SAMPLE_MM, to_lps
from venoseg.lumen.rays.smoothing import ramp
from venoseg.volume import BoolArray, FloatArray, Volume

# A lumen this flat, by its least to its greatest width, is a slit; between the limits in part.
_FLAT = (0.45, 0.6)

# None is an outline that holds more than this share of the area of a circle as long as it.
_ROUND = 0.93

# A lumen that does not end within the second of these beyond the outline goes on in another vein;
# one that ends before the first was not left by the ray.
_LOOKED_MM = (-1.0, 6.0)

# Tips farther beyond the outline than the first are sought, fully beyond the second; nearer ones
# are within the noise of a ray, and averages over the wall bring them in.
_CUT_OFF_MM = (0.5, 1.0)

# What rays out of a tip see is averaged over this much of the vein.
_ALONG_MM = 1.5


def flat_share(least_mm: FloatArray, greatest_mm: FloatArray) -> FloatArray:
    """Tell (n,) lumens of such widths that are slits, 1, from others, 0, with a ramp between."""
    return 1.0 - ramp(least_mm / np.maximum(greatest_mm, 1e-9), _FLAT)


def perhaps_flat(outlines_mm: FloatArray) -> BoolArray:
    """Tell (n,) outlines (n, m, 2) that may be those of slits, before their widths are known."""
    perhaps: BoolArray = (
        areas_mm2(outlines_mm) < _ROUND / (4.0 * np.pi) * perimeters_mm(outlines_mm) ** 2
    )
    return perhaps


def with_whole_tips(
    outlines_mm: FloatArray, levels: Levels, volume: Volume, curve: Curve
) -> FloatArray:
    """Stretch outlines of slits to where the lumen ends.

    Parameters
    ----------
    outlines_mm
        (n, m, 2) in the planes of the stations.
    levels
        On either side of their wall.
    volume, curve
        The image, n stations.

    Returns
    -------
    FloatArray
        (n, m, 2) outlines.
    """
    flat, angle = np.zeros((2, len(outlines_mm)))
    perhaps = perhaps_flat(outlines_mm)
    if perhaps.any():
        least, greatest, angle[perhaps] = feret_diameters_mm(outlines_mm[perhaps])
        flat[perhaps] = flat_share(least, greatest)
    longer = outlines_mm.copy()
    if not flat.any():
        return longer
    axis = np.stack([-np.sin(angle), np.cos(angle)], axis=-1)[:, None]
    middle = middles(outlines_mm)
    from_middle = ((outlines_mm - middle) * axis).sum(axis=-1)
    for way in (1.0, -1.0):
        half = way * from_middle
        reach = half.max(axis=1, keepdims=True)
        out_mm = flat * _missing_mm(middle, way * axis, reach, levels, volume, curve)
        out_mm *= ramp(out_mm, _CUT_OFF_MM)
        share = np.maximum(half / reach, 0.0)
        longer += way * (share * out_mm[:, None])[..., None] * axis
    return longer


def _missing_mm(
    middle_mm: FloatArray,
    axis: FloatArray,
    reach_mm: FloatArray,
    levels: Levels,
    volume: Volume,
    curve: Curve,
) -> FloatArray:
    """Return (n,) how far beyond its outline a slit ends; 0 where it is not seen to end.

    Parameters
    ----------
    middle_mm, axis
        (n, 1, 2) middles of the sections and unit vectors along them.
    reach_mm
        (n, 1) distance of the outline from the middle.
    levels, volume, curve
        As `with_whole_tips` takes them.
    """
    first, last = _LOOKED_MM
    depth = np.arange(first, last + SAMPLE_MM, SAMPLE_MM)
    places = middle_mm + (reach_mm + depth)[..., None] * axis
    points = curve.points_lps_mm[:, None] + to_lps(places, curve)
    values = trilinear(volume.voxels, np.moveaxis(volume.grid.to_index(points), -1, 0))
    inside, outside = (medians(level) for level in (levels.inside, levels.outside))
    contrast = np.maximum(inside - outside, LEAST_CONTRAST_HU)
    height = (values - outside[:, None]) / contrast[:, None]
    station_mm = curve.step_mm
    height = average_along(height, _ALONG_MM / station_mm)
    ended = height < 0.5
    missing: FloatArray = np.maximum(depth[ended.argmax(axis=1)], 0.0)
    return np.where(ended.any(axis=1), missing, 0.0)
