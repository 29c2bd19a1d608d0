"""The lumen inside a stent, told from the wire that outshines its edge.

Along a normal of the stent the image is taken to be the sum of lumen, tissue and surroundings, each
blurred, and of a line of metal on the wire. How much metal a ray meets differs from strut to gap;
how deep the lumen begins changes slowly. Both are fitted at once: the metal ray by ray, never
negative, the depth for all rays of a neighbourhood together. Where tissue is thinner than the blur
the two are told apart mainly by the rays that meet little metal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from venoseg.centerline.curve import Curve
from venoseg.centerline.sections import sample_planes
from venoseg.lumen.contours import outward_normals, perimeters_mm
from venoseg.lumen.edges import Blur, sample_profiles, smooth_over_wall, to_lps
from venoseg.lumen.struts import SAMPLE_MM, Struts, background, outside_level, ray_depths
from venoseg.volume import FloatArray, Volume

# Tissue that grows in a stent, and the wall around it: not enhanced or hardly so.
TISSUE_HU = 55.0

# Rays of a neighbourhood this wide, along the stent and around it, share one depth.
_SHARED_MM = (4.0, 4.0)

_DEPTH_STEP_MM = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Lining:
    """What lies between wire and lumen in n sections.

    Attributes
    ----------
    depth_mm
        (n, m) how far inside the middle of the wire the lumen begins.
    half_mm
        (n,) half width of the 95 % interval of its mean over the section.
    """

    depth_mm: FloatArray
    half_mm: FloatArray


def lumen_level(volume: Volume, curve: Curve, radius_mm: float) -> FloatArray:
    """Return (n,) HU of the enhanced blood inside, from the brighter part of the inner room."""
    offsets = np.arange(-6, 7) / 6.0 * max(radius_mm - 2.2, 1.0)
    planes = sample_planes(volume.voxels, volume.grid, curve, offsets).reshape(-1, 13, 13)
    disc = np.hypot(*np.meshgrid(offsets, offsets)) <= offsets[-1]
    smooth = ndimage.gaussian_filter(planes, (1.5, 1.0, 1.0), mode="nearest")
    inner = np.where(disc, smooth, np.nan).reshape(len(planes), -1)
    top = np.nanquantile(inner, 0.9, axis=1, keepdims=True)
    low = np.minimum(np.nanquantile(inner, 0.1, axis=1, keepdims=True), top - 40.0)
    bright = inner > (0.35 * low + 0.65 * top)
    mean = np.nanmean(np.where(bright, inner, np.nan), axis=1)
    result: FloatArray = ndimage.median_filter(mean, 11, mode="nearest").astype(np.float64)
    return result


def fit_lining(
    volume: Volume, struts: Struts, lumen_hu: FloatArray, blur: Blur, tissue_hu: float = TISSUE_HU
) -> Lining:
    """Fit how deep inside the wire the lumen begins."""
    curve, contours = struts.curve, struts.contours_mm
    normals = outward_normals(contours)
    width = blur.along(to_lps(normals, curve), volume.grid)
    depth = ray_depths(contours)
    values = sample_profiles(volume.voxels, volume.grid, curve, contours, normals, depth).values
    values = values.astype(np.float32)
    outside = outside_level(values, depth, width, curve, contours)
    deepest = -float(depth[0]) - 1.0
    candidates = np.arange(0.0, deepest, _DEPTH_STEP_MM)
    line = np.exp(-0.5 * (depth / width[..., None]) ** 2)
    power = (line**2).sum(-1)
    use = (depth <= _CLEAR_OUT * width[..., None]).astype(np.float64)
    line = line * use
    levels = (lumen_hu[:, None], tissue_hu, outside)
    misfit = np.empty((len(candidates), *width.shape))
    for n, candidate in enumerate(candidates):
        left = (values - background(depth, width, candidate, levels)) * use
        metal = np.maximum((left * line).sum(-1) / power, 0.0)
        misfit[n] = (left**2).sum(-1) - metal**2 * power
    spacing = (
        float(curve.position_mm[1] - curve.position_mm[0]),
        float(perimeters_mm(contours).mean()) / contours.shape[1],
    )
    ones = np.ones(width.shape)
    shared = np.stack([smooth_over_wall(m, ones, spacing, _SHARED_MM) for m in misfit])
    best = np.argmin(shared, axis=0)
    fine = _between(shared, best)
    found = np.maximum(fine, 0.0) * _DEPTH_STEP_MM
    return Lining(found, np.full(len(curve), float(shared.min(axis=0).mean())))


_CLEAR_OUT = 3.0


def _between(shared: FloatArray, best: np.ndarray) -> FloatArray:
    """Return the least of a parabola through the best candidate and its neighbours."""
    at = np.clip(best, 1, len(shared) - 2)
    before, here, after = (
        np.take_along_axis(shared, (at + d)[None], axis=0)[0] for d in (-1, 0, 1)
    )
    bend = before - 2.0 * here + after
    offset = np.where(bend > 0, 0.5 * (before - after) / np.where(bend > 0, bend, 1.0), 0.0)
    result: FloatArray = np.where(best == at, at + np.clip(offset, -0.5, 0.5), best)
    return result
