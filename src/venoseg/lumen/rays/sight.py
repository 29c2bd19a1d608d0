"""What single rays across a vein's wall see on either side of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.centerline.curve import Curve
from venoseg.lumen.geometry.contours import areas_mm2, perimeters_mm
from venoseg.lumen.rays.edges import SAMPLE_MM, Profiles, to_lps
from venoseg.lumen.rays.grain import NoiseDraws
from venoseg.volume import BoolArray, FloatArray, Volume

# Levels on either side are read beyond this distance from the edge, where blur hardly reaches.
CLEAR_OF_EDGE_MM = 1.5


# Of so many places the median is taken, by a few comparisons: a general median takes ten times as
# long.
_OUTERMOST = 5


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What each of m rays of n sections sees by itself.

    Attributes
    ----------
    within, beyond
        (n, m) mean of the image inside of the wall, and median outside.
    scatter
        (n, m) variance of the image about ``within``.
    seen
        (n, m) which rays the image holds, and nothing covers.
    shell
        (n, m) which rays meet a thin bright shell on the wall, whose edge is not that of blood.
    """

    within: FloatArray
    beyond: FloatArray
    scatter: FloatArray
    seen: BoolArray
    shell: BoolArray


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
    by_depth = np.moveaxis(profiles.values, -1, 0)
    deep = slice(0, int(np.flatnonzero(inner.any(axis=0))[-1]) + 1)
    chosen = inner.T[deep, :, None].astype(np.float32)
    within = (by_depth[deep] * chosen).sum(axis=0, dtype=np.float64) / count
    residual = (by_depth[deep] - within.astype(np.float32)) * chosen
    scatter = (residual**2).sum(axis=0, dtype=np.float64) / count
    beyond = typical_beyond(by_depth[outer]).astype(np.float64)
    return Sight(within, beyond, scatter, seen, np.zeros_like(seen))


def typical_beyond(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return (n, m) medians of what rays read at the outermost places that are looked at.

    What begins at the far end of a ray, such as gas in the bowel or the next organ, has no part in
    the vein's edge, and would have in a mean.

    Parameters
    ----------
    values
        (d, n, m), d at least `_OUTERMOST`.
    """
    a, b, c, d, e = values[-_OUTERMOST:]
    low = np.maximum(np.minimum(a, b), np.minimum(c, d))
    high = np.minimum(np.maximum(a, b), np.maximum(c, d))
    middle: npt.NDArray[np.float32] = np.maximum(
        np.minimum(low, high), np.minimum(np.maximum(low, high), e)
    )
    return middle


def expected_beyond(values: FloatArray) -> FloatArray:
    """Return (...) what `typical_beyond` gives on average when noise is added to (..., d) values.

    Noise far larger than what values differ by makes their median as large as their mean.
    """
    expected: FloatArray = values[..., -_OUTERMOST:].mean(axis=-1)
    return expected


def voxel_noise(sight: Sight, expected: FloatArray, draws: NoiseDraws) -> FloatArray:
    """Return (n,) the noise of a voxel inside, where rays were expected to read so much."""
    variance = (sight.scatter + (sight.within - expected) ** 2).mean(axis=1)
    noise: FloatArray = np.sqrt(variance / draws.left)
    return noise


def inner_depths(depths_mm: FloatArray, radius_mm: FloatArray) -> BoolArray:
    """Tell (n, d) at which depths the level inside sections of (n,) radii is read: one at least."""
    nearest = np.minimum(CLEAR_OF_EDGE_MM, 0.7 * radius_mm)[:, None]
    first = SAMPLE_MM * np.maximum(np.ceil(nearest / SAMPLE_MM - 1e-6), 1.0)
    farthest = np.maximum(1.2 * radius_mm[:, None], first)
    read: BoolArray = (depths_mm <= -nearest + 1e-6) & (depths_mm >= -farthest - 1e-6)
    return read


def outer_depths(depths_mm: FloatArray) -> BoolArray:
    """Tell (d,) at which depths the level outside is read."""
    read: BoolArray = depths_mm >= CLEAR_OF_EDGE_MM
    return read


def inner_radii_mm(contours: FloatArray) -> FloatArray:
    """Return (n,) the radius of a circle, about half the width of an ellipse or slit.

    Twice the area over the perimeter is the radius of a circle, but 1.4 times half the width of an
    ellipse three times as long as wide; its lack of roundness tells by how much.
    """
    area = np.maximum(areas_mm2(contours), 0.0)
    perimeter = np.maximum(perimeters_mm(contours), SAMPLE_MM)
    roundness = np.clip(4.0 * np.pi * area / perimeter**2, 0.0, 1.0)
    radius: FloatArray = 2.0 * area / perimeter * roundness**0.8
    return radius


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
