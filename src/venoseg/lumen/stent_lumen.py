"""The lumen inside a stent, told from the wire that outshines its edge.

Along a normal of the stent the image is taken to be the sum of lumen, tissue and surroundings, each
blurred, and of a line of metal on the wire. How much metal a ray meets differs from strut to gap;
how deep the lumen begins changes slowly. Both are fitted at once: the metal ray by ray, never
negative, the depth for all rays of a neighbourhood together. Where tissue is thinner than the blur
the two are told apart mainly by the rays that meet little metal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage
from scipy.optimize import minimize_scalar
from scipy.special import ndtr

from venoseg.centerline.curve import Curve
from venoseg.centerline.sections import sample_planes
from venoseg.lumen.contours import outward_normals
from venoseg.lumen.edges import Blur, sample_profiles, to_lps
from venoseg.lumen.struts import (
    SAMPLE_MM,
    TISSUE_HU,
    Struts,
    averaged,
    follow_struts,
    outside_level,
    ray_depths,
)
from venoseg.volume import FloatArray, Volume

# Rays of a neighbourhood this wide, along the stent and around it, share one depth: where the wire
# hides the lumen's edge, and where the edge shows. From the first depth to the second, in widths of
# the blur, the two answers are mixed.
_HIDDEN_MM, _SHOWN_MM = (5.0, 9.0), (2.0, 3.0)
_SHOWS_WIDTHS = (1.1, 2.1)

_DEPTH_STEP_MM = SAMPLE_MM / 2.0

# The lumen cannot reach farther than the inner face of the wire; venous stents are woven or cut
# from about a quarter of a millimetre.
HALF_STRUT_MM = 0.12

# The level of the blood is read within this share of the stent's radius, away from the wire.
_INNER_SHARE = 0.45

# So near to its ends a stent's lumen cannot be told from that of the vein beyond.
END_MM = 3.0

# What lies farther out than this many widths of the blur is not looked at: other stents, bone.
_CLEAR_OUT = 3.0

# The blur is sought between these, on so many sections in the middle, for the least misfit.
_BLURS_MM = (0.45, 1.3)
_SECTIONS = 16

# What these sections tell is right within this share.
_BLUR_DOUBT = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Lining:
    """What lies between wire and lumen in n sections.

    Attributes
    ----------
    depth_mm
        (n, m) how far inside the middle of the wire the lumen begins.
    misfit
        Mean square of what the model leaves.
    tissue_hu
        Level between lumen and wire that was taken.
    """

    depth_mm: FloatArray
    misfit: float
    tissue_hu: float


def lumen_level(volume: Volume, curve: Curve, radius_mm: float) -> FloatArray:
    """Return (n,) HU of the enhanced blood inside, from the brighter part of the inner room."""
    offsets = np.arange(-6, 7) / 6.0 * _INNER_SHARE * radius_mm
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
    outside = outside_level(values, depth, width, curve, contours)
    line = np.exp(-0.5 * (depth / width[..., None]) ** 2)
    power = (line**2).sum(-1)
    use = (depth <= _CLEAR_OUT * width[..., None]).astype(np.float64)
    line = line * use
    # Candidates lie on the samples' own grid, halved: one blurred edge, moved, serves for all.
    count = int((-float(depth[0]) - 1.0) / _DEPTH_STEP_MM)
    fine = depth[0] + np.arange(2 * len(depth) - 1 + count) * _DEPTH_STEP_MM
    edge = ndtr(-fine / width[..., None])
    samples = np.arange(0, 2 * len(depth) - 1, 2)
    tissue = outside[..., None] + (tissue_hu - outside)[..., None] * edge[..., samples]
    rest = (values - tissue) * use
    step = (lumen_hu - tissue_hu)[:, None, None] * use
    misfit = np.empty((count, *width.shape))
    for n in range(count):
        left = rest - step * edge[..., samples + n]
        metal = np.maximum((left * line).sum(-1) / power, 0.0)
        misfit[n] = (left**2).sum(-1) - metal**2 * power
    # The last sections show the vein beyond the stent as well.
    ends = round(END_MM / float(curve.position_mm[1] - curve.position_mm[0]))
    if 4 * ends < len(curve):
        misfit[:, :ends] = misfit[:, ends : ends + 1]
        misfit[:, -ends:] = misfit[:, -ends - 1 : -ends]
    wide, near = (_least(misfit, curve, contours, over) for over in (_HIDDEN_MM, _SHOWN_MM))
    first, last = _SHOWS_WIDTHS
    shown = np.clip((wide[0] / width - first) / (last - first), 0.0, 1.0)
    found = (1.0 - shown) * wide[0] + shown * near[0]
    return Lining(found, wide[1], tissue_hu)


def blur_of_wires(volume: Volume, curve: Curve, rough_mm: FloatArray, lumen_hu: FloatArray) -> Blur:
    """Return the blur of the image, told from the wires in the middle of a stent.

    The blur in the plane is the one of least misfit; that along the slices, which struts seldom
    show, is what slice thickness and interpolation make.
    """
    through, _ = volume.grid.slice_and_pixel_mm
    thickness = max(volume.source.slice_thickness_mm or through, through)
    along = float(np.sqrt(thickness**2 / 12.0 + through**2 / 8.0))
    first = max(0, (len(curve) - _SECTIONS) // 2)
    middle = slice(first, first + _SECTIONS)
    stations, blood = curve.part(middle), lumen_hu[middle]

    def misfit(width_mm: float) -> float:
        blur, contours = Blur(width_mm, along), rough_mm[middle]
        depth: FloatArray | float = 0.3
        for _ in range(2):
            struts = follow_struts(volume, stations, contours, depth, blood, blur)
            lining = fit_lining(volume, struts, blood, blur)
            contours, depth = struts.contours_mm, lining.depth_mm
        return lining.misfit

    found = minimize_scalar(misfit, bounds=_BLURS_MM, method="bounded", options={"xatol": 0.02})
    return Blur(float(found.x), along)


def sharpened(volume: Volume, struts: Struts, lumen_hu: FloatArray, blur: Blur) -> Blur:
    """Return the blur of least misfit over a whole stent whose wires have been followed.

    Where tissue is about as thin as the blur, one part in twenty of the blur passes for a tenth of
    a millimetre of tissue: what a few sections tell is not good enough.
    """

    def misfit(width_mm: float) -> float:
        return fit_lining(volume, struts, lumen_hu, replace(blur, in_plane_mm=width_mm)).misfit

    bounds = [blur.in_plane_mm * (1.0 + side * _BLUR_DOUBT) for side in (-1.0, 1.0)]
    found = minimize_scalar(misfit, bounds=bounds, method="bounded", options={"xatol": 0.003})
    return replace(blur, in_plane_mm=float(found.x))


def _least(
    misfit: FloatArray, curve: Curve, contours: FloatArray, over_mm: tuple[float, float]
) -> tuple[FloatArray, float]:
    """Return (n, m) the depth of least misfit of neighbourhoods, and what misfit it leaves."""
    shared = np.stack([averaged(m, curve, contours, over_mm) for m in misfit])
    fine = _between(shared, np.argmin(shared, axis=0))
    return np.maximum(fine * _DEPTH_STEP_MM, HALF_STRUT_MM), float(shared.min(axis=0).mean())


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
