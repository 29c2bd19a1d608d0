"""Blood that is brighter on one side of the lumen than on the other, where streams do not mix.

The level inside is read some way from the wall. Where it changes across the lumen, what is read is
too dark beside the bright wall and too bright beside the dark one, where the edge then comes to lie
far inside. A plane through what all rays of a section and its neighbours read tells how it goes on
up to the wall.
"""

from __future__ import annotations

import numpy as np

from venoseg.centerline.curve import Curve
from venoseg.lumen.geometry.contours import outward_normals
from venoseg.lumen.geometry.rings import middles
from venoseg.lumen.rays.averages import average_along
from venoseg.lumen.rays.grain import NoiseDraws
from venoseg.lumen.rays.sight import Sight, inner_depths, voxel_noise
from venoseg.volume import FloatArray

# So far inside the wall lies the blood that makes its edge: 0.8 of the blur of a body CT.
FELT_MM = 0.5

# A plane is laid through what is read over this much along the vein (standard deviation).
_ALONG_MM = 3.5

# Where readings lie closer together than this across the lumen they tell no slope, as between the
# walls of a slit.
_LEAST_SPREAD_MM = 0.5

# How much of a slope is believed depends on its square over that of noise: below this, nothing.
_NOISE_SQUARES = 6.0

# Rays do not weigh the places inside alike: the slope is so many times less sure (variance).
_UNEVEN = 1.2


def rise_across(
    sight: Sight,
    known: FloatArray,
    curve: Curve,
    contours: FloatArray,
    radius: FloatArray,
    depths_mm: FloatArray,
    draws: NoiseDraws,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return (n, m) how much brighter than in the middle it is where rays read, and at the wall.

    The third is by how many HU each mm it gets brighter along the rays there, outwards.

    A blurred wall with blood that rises towards it looks like one with the even blood of a place
    0.8 standard deviations of the blur inside.
    """
    inner = inner_depths(depths_mm, radius)
    read_mm = np.where(inner, depths_mm, 0.0).sum(axis=1) / np.maximum(inner.sum(axis=1), 1)
    normals = outward_normals(contours)
    places = contours + normals * read_mm[:, None, None]
    noise = voxel_noise(sight, sight.within, draws)
    station_mm = curve.step_mm
    slopes = slopes_hu_per_mm(sight.within, known, places, radius, noise, draws, station_mm)
    at_outline, outwards = (
        (vectors @ slopes[..., None])[..., 0] for vectors in (contours - middles(contours), normals)
    )
    read = at_outline + read_mm[:, None] * outwards
    return read, at_outline - FELT_MM * outwards, outwards


def slopes_hu_per_mm(
    read_hu: FloatArray,
    weights: FloatArray,
    places_mm: FloatArray,
    radius_mm: FloatArray,
    noise_hu: FloatArray,
    draws: NoiseDraws,
    station_mm: float,
) -> FloatArray:
    """Find how the level inside changes across each of n sections, as far as noise lets it be told.

    Parameters
    ----------
    read_hu, weights
        (n, m) levels that rays read, and which of them count.
    places_mm
        (n, m, 2) where they read them.
    radius_mm, noise_hu
        (n,) of the sections, and the noise of a voxel.
    draws, station_mm
        How much of the image shares one draw of the noise; distance of the sections.

    Returns
    -------
    FloatArray
        (n, 2) slopes in the planes of the sections.
    """
    total = np.maximum(weights.sum(axis=1), 1e-6)[:, None]
    # The two ways across and the level, a row of memory each: sums over rays are then products.
    rows = np.stack([places_mm[..., 0], places_mm[..., 1], read_hu], axis=1)
    rows -= (rows @ weights[..., None]) / total[..., None]
    products = (rows * weights[:, None]) @ rows.swapaxes(1, 2)
    spread, moment = products[:, :2, :2], products[:, :2, 2]
    over = _ALONG_MM / station_mm
    spread, moment, total = (average_along(values, over) for values in (spread, moment, total))
    spread = spread + (_LEAST_SPREAD_MM**2 * total + 1e-9)[..., None] * np.eye(2)
    slopes = np.linalg.solve(spread, moment[..., None])[..., 0]
    seen_mm3 = np.pi * radius_mm**2 * 2.0 * np.sqrt(np.pi) * _ALONG_MM
    moment_mm5 = np.maximum(seen_mm3 * radius_mm**2 / 4.0, 1e-6)
    variance = _UNEVEN * noise_hu**2 * draws.alike_mm3 / moment_mm5
    square = np.maximum((slopes**2).sum(axis=1), 1e-12)
    believed: FloatArray = np.clip(1.0 - _NOISE_SQUARES * variance / square, 0.0, 1.0)
    return slopes * believed[:, None]
