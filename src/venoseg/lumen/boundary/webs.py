"""Webs and strands in a lumen, which old thrombosis leaves and labels count in.

A web grows on the wall. Rays that meet it there read blood that is darker than what their
neighbours on both sides read, along some length of the vein. Streams of blood that do not mix
are wider, and noise is not longer.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from venoseg.centerline.curve import Curve
from venoseg.lumen.rays.smoothing import Spacing, over_wall
from venoseg.volume import BoolArray, FloatArray

# What rays read inside, over this much of their way, is averaged over so much along the vein and
# around it. On both sides of a web it is brighter this far from it.
_DEPTH_MM, _ALONG_MM, _AROUND_MM = 1.6, 3.0, 0.5
_BESIDE_MM = 2.0

# A web makes the blood darker by this share of the contrast, as one 0.5 mm thick does through a
# blur of 0.8 mm, and by so many standard deviations of the noise that is left.
_LEAST_SHARE, _LEAST_DEVIATIONS = 0.15, 3.1

# Noise, averaged along the vein, stands out over less of it than this.
_LEAST_MM = 5.0


def web_share(
    within_hu: FloatArray,
    seen: BoolArray,
    contrast_hu: FloatArray,
    noise_hu: FloatArray,
    alike_mm3: float,
    curve: Curve,
    contours_mm: FloatArray,
) -> FloatArray:
    """Return (n,) the share of the rim on which webs grow.

    Parameters
    ----------
    within_hu, seen
        (n, m) what rays read inside the wall, and which of them count.
    contrast_hu
        (n,) of blood to surroundings.
    noise_hu, alike_mm3
        (n,) of a voxel, and how much of the image shares one draw of it.
    curve, contours_mm
        n stations and their (n, m, 2) contours.
    """
    weights = seen.astype(np.float64)
    spacing = Spacing.of(curve, contours_mm)
    here = over_wall(within_hu, weights, spacing, (_ALONG_MM, _AROUND_MM))
    count = here.shape[1]
    apart = np.round(_BESIDE_MM / spacing.point_mm).astype(np.intp)[:, None]
    before, after = (
        np.take_along_axis(here, (np.arange(count) + way * apart) % count, axis=1)
        for way in (-1, 1)
    )
    darker = np.where(seen, np.minimum(before, after) - here, 0.0)
    averaged_mm3 = 4.0 * np.pi * _ALONG_MM * _AROUND_MM * _DEPTH_MM
    left_hu = noise_hu * np.sqrt(min(alike_mm3 / averaged_mm3, 1.0))
    least = np.maximum(_LEAST_SHARE * contrast_hu, _LEAST_DEVIATIONS * left_hu)
    share: FloatArray = (darker > least[:, None]).mean(axis=1)
    if not share.any():
        return share
    stations = round(_LEAST_MM / spacing.station_mm)
    long = ndimage.binary_opening(share > 0.0, np.ones(max(stations, 1), dtype=bool))
    return np.where(long, share, 0.0)
