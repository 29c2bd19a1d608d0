"""A thin bright shell on a vein's wall, as calcium all around it: blood, a bright line, tissue.

Blurred, a line of less than a millimetre is hardly brighter than the blood, and yet the steepest
fall then lies half a millimetre and more outside of the lumen. What tells it is that the image
rises above the blood before it falls. A fainter line leaves no such rise: it looks like the edge of
a wider lumen.
"""

from __future__ import annotations

import numpy as np

from venoseg.lumen.geometry.rings import medians
from venoseg.lumen.rays.averages import average_along, average_around
from venoseg.lumen.rays.edges import SAMPLE_MM, Profiles
from venoseg.lumen.rays.grain import NoiseDraws
from venoseg.lumen.rays.sight import Sight, voxel_noise
from venoseg.lumen.rays.smoothing import Spacing
from venoseg.volume import BoolArray, FloatArray

# The image is averaged over this much along the vein and around it (standard deviations).
_OVER_MM = (3.5, 4.0)

# Where the rise may be highest, from the outline: labels lie up to a voxel off.
_CREST_MM = (-1.2, 0.8)

# So many samples inside the crest (1.2 mm) blur leaves nearly nothing of the line. Where streams do
# not mix, blood goes on rising up to the crest by what it rises over as much farther inside.
_CLEAR = round(1.2 / SAMPLE_MM)

# What exceeds the blood by more than this share of the contrast, and so many times the noise,
# counts for no more: averages would spread a thick plaque far beyond its ends.
_MOST_EXCESS, _MOST_TO_NOISE = 0.5, 2.3

# A rise is one from this share of the contrast, and from so many times its noise: 2.4 times that of
# an average, for one is compared with the line through two others. Without a shell it is below
# zero, for blur takes off more at the crest than deeper inside.
_LEAST_RISE, _RISE_TO_NOISE, _RISE_NOISE = 0.05, 1.9, 2.4


def shell_rays(
    profiles: Profiles,
    sight: Sight,
    radius_mm: FloatArray,
    spacing: Spacing,
    draws: NoiseDraws,
) -> BoolArray:
    """Tell (n, m) on which rays the image rises above the blood at the wall, and falls beyond it.

    Parameters
    ----------
    profiles
        (n, m, d) the image along the normals.
    sight
        What each ray sees.
    radius_mm
        (n,) of the sections: across a narrow lumen there is no blood clear of the wall to compare.
    spacing
        Of the rays.
    draws
        How much of the image shares one draw of the noise.
    """
    along_mm, around_mm = _OVER_MM
    noise = voxel_noise(sight, sight.within, draws)
    station_mm = spacing.station_mm
    weights = average_along(np.eye(len(radius_mm)), along_mm / station_mm)
    # At the ends of the vein fewer stations are averaged.
    seen_mm2 = station_mm / (weights**2).sum(axis=1) * 2.0 * np.sqrt(np.pi) * around_mm
    rise_noise = _RISE_NOISE * noise * np.sqrt(draws.alike_mm3 ** (2.0 / 3.0) / seen_mm2)
    blood = medians(sight.within)
    contrast = blood - medians(sight.beyond)
    most = blood + np.maximum(_MOST_EXCESS * contrast, _MOST_TO_NOISE * noise)
    by_depth = _averaged(np.minimum(profiles.values, most[:, None, None]), spacing)
    shell = np.zeros(sight.seen.shape, dtype=bool)
    first_mm, last_mm = _CREST_MM
    at_wall = (profiles.depths_mm >= first_mm - 1e-6) & (profiles.depths_mm <= last_mm + 1e-6)
    for crest in np.flatnonzero(at_wall).tolist():
        clear = crest - _CLEAR
        middle_mm = radius_mm + profiles.depths_mm[clear]
        # Towards the middle rays run closer together, and see more of the same noise.
        apart = np.maximum(middle_mm, SAMPLE_MM) / np.maximum(radius_mm, SAMPLE_MM)
        doubt = _RISE_TO_NOISE * rise_noise / np.sqrt(apart)
        need = np.maximum(_LEAST_RISE * contrast, doubt)[:, None]
        deeper = by_depth[: clear + 1].max(axis=0)
        before = max(clear - _CLEAR, 0)
        change = np.maximum(by_depth[clear] - by_depth[before], 0.0) * (_CLEAR / (clear - before))
        rises = by_depth[crest] - deeper - change > need
        shell |= rises & (middle_mm >= -1e-6)[:, None]
    # What stays as bright beyond the wall is a neighbour.
    shell &= by_depth[-1] < sight.within - _LEAST_RISE * contrast[:, None]
    return shell


def _averaged(values: FloatArray, spacing: Spacing) -> FloatArray:
    """Average the (n, m, d) image along the normals over the wall; (d, n, m)."""
    along_mm, around_mm = _OVER_MM
    stations, points = values.shape[:2]
    point_mm = float(np.median(spacing.point_mm))
    along = average_along(values, along_mm / spacing.station_mm)
    rings = np.moveaxis(along, -1, 0).reshape(-1, points)
    return average_around(rings, around_mm / point_mm).reshape(-1, stations, points)
