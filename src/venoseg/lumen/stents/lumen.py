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
import numpy.typing as npt
from scipy import ndimage
from scipy.optimize import minimize_scalar

from venoseg.centerline.curve import Curve
from venoseg.centerline.sections import sample_planes
from venoseg.interpolation import Float32Array
from venoseg.lumen.contours import areas_mm2
from venoseg.lumen.edges import Blur, as_float32
from venoseg.lumen.gaussian import share_beyond
from venoseg.lumen.stents.struts import (
    SAMPLE_MM,
    TISSUE_HU,
    Rays,
    Struts,
    averaged,
    follow_struts,
    outside_level,
    rays_through,
)
from venoseg.volume import FloatArray, Volume

# Rays of a neighbourhood this wide, along the stent and around it, share one depth: where the wire
# hides the lumen's edge, and where the edge shows. From the first depth to the second, in widths of
# the blur, the two answers are mixed: below it the wire outshines the edge, beyond it no longer.
_HIDDEN_MM, _SHOWN_MM = (5.0, 9.0), (2.0, 3.0)
SHOWS_WIDTHS = (1.6, 2.6)

_DEPTH_STEP_MM = SAMPLE_MM / 2.0

# The lumen cannot reach farther than the inner face of the wire; venous stents are woven or cut
# from about a quarter of a millimetre.
HALF_STRUT_MM = 0.12

# The level of the blood is read within this share of the stent's radius, away from the wire: so far
# at least from where it comes nearest, unless less than the last is left.
_INNER_SHARE = 0.45
_GLARE_MM, _LEAST_INNER_MM = 2.2, 0.6

# Blood is the same over this length, a standard deviation. Both which part of a section shows it
# and how bright it is are told over it: the brighter part of a single section is so by its noise.
# A section that differs from most within the second length is left out.
_SAME_BLOOD_MM, _ODD_MM = 6.0, 11.0

# So many sections at a time: what is computed on the way then stays in the processor's cache.
_STATIONS_AT_ONCE = 8

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
    tissue_hu
        Level between lumen and wire that was taken.
    """

    depth_mm: FloatArray
    tissue_hu: float


def lumen_level(volume: Volume, curve: Curve, contours: FloatArray) -> FloatArray:
    """Return (n,) HU of the enhanced blood inside, from the brighter part of the inner room.

    Parameters
    ----------
    volume
        The image.
    curve
        n stations.
    contours
        (n, m, 2) contours near the wires.
    """
    radius_mm = float(np.sqrt(np.nanmedian(areas_mm2(contours)) / np.pi))
    offsets = np.arange(-6, 7) / 6.0 * _INNER_SHARE * radius_mm
    planes = sample_planes(volume.voxels, volume.grid, curve, offsets).reshape(-1, 13, 13)
    # In a stent pressed flat the wires' glare fills most of the room that a round one would leave.
    room = np.hypot(contours[..., 0], contours[..., 1]).min(axis=1) - _GLARE_MM
    reach = np.clip(room, min(_LEAST_INNER_MM, offsets[-1]), offsets[-1])
    disc = np.hypot(*np.meshgrid(offsets, offsets)) <= reach[:, None, None]
    step_mm = curve.step_mm
    along = _SAME_BLOOD_MM / step_mm
    smooth = ndimage.gaussian_filter(planes, (along, 1.0, 1.0), mode="nearest")
    inner = np.where(disc, smooth, np.nan).reshape(len(planes), -1)
    top = np.nanquantile(inner, 0.9, axis=1, keepdims=True)
    low = np.minimum(np.nanquantile(inner, 0.1, axis=1, keepdims=True), top - 40.0)
    bright = inner > (0.35 * low + 0.65 * top)
    seen = np.where(bright, planes.reshape(len(planes), -1), np.nan)
    mean = ndimage.median_filter(
        np.nanmean(seen, axis=1), round(_ODD_MM / step_mm) | 1, mode="nearest"
    )
    result: FloatArray = ndimage.gaussian_filter1d(mean.astype(np.float64), along, mode="nearest")
    return result


def fit_lining(
    rays: Rays, lumen_hu: FloatArray, blur: Blur, tissue_hu: float = TISSUE_HU
) -> Lining:
    """Fit how deep inside the wire the lumen begins."""
    width = blur.along(rays.normals_lps, rays.grid)
    misfit = _misfits(rays, lumen_hu, width, tissue_hu)
    wide, near = (_least(misfit, rays.struts, over) for over in (_HIDDEN_MM, _SHOWN_MM))
    first, last = SHOWS_WIDTHS
    shown = np.clip((wide / width - first) / (last - first), 0.0, 1.0)
    return Lining((1.0 - shown) * wide + shown * near, tissue_hu)


def misfit_of(rays: Rays, lumen_hu: FloatArray, blur: Blur, tissue_hu: float = TISSUE_HU) -> float:
    """Return the mean square of what the model leaves where neighbours share one depth."""
    width = blur.along(rays.normals_lps, rays.grid)
    misfit = _misfits(rays, lumen_hu, width, tissue_hu)
    return float(_shared(misfit, rays.struts, _HIDDEN_MM).min(axis=1).mean())


def _misfits(rays: Rays, lumen_hu: FloatArray, width: FloatArray, tissue_hu: float) -> FloatArray:
    """Return (n, c, m) squares of what the model leaves on each ray with c depths of the lumen."""
    struts, depth = rays.struts, rays.depth_mm
    outside = outside_level(rays.values, depth, width, struts.curve, struts.contours_mm)
    count = int((-float(depth[0]) - 1.0) / _DEPTH_STEP_MM)
    misfit = np.empty((len(width), count, width.shape[1]))
    for start in range(0, len(width), _STATIONS_AT_ONCE):
        part = slice(start, start + _STATIONS_AT_ONCE)
        misfit[part] = _misfits_of(
            rays.values[part],
            depth,
            width[part],
            (lumen_hu[part], tissue_hu, outside[part]),
            count,
        )
    # The last sections show the vein beyond the stent as well.
    ends = round(END_MM / struts.curve.step_mm)
    if 4 * ends < len(width):
        misfit[:ends] = misfit[ends]
        misfit[-ends:] = misfit[-ends - 1]
    return misfit


def _misfits_of(
    values: npt.NDArray[np.float32],
    depth: FloatArray,
    width: FloatArray,
    levels: tuple[FloatArray, float, FloatArray],
    count: int,
) -> FloatArray:
    """Return (n, c, m) the misfit with each of ``count`` depths, on the samples' halved grid.

    With r what the image shows beyond tissue and surroundings, e the lumen's blurred edge, s its
    step and l the wire's line, what is left of r - s e - (metal) l squares to r.r - 2 s r.e +
    s s e.e - metal metal l.l: one blurred edge, moved, serves for all depths.
    """
    lumen_hu, tissue_hu, outside = levels
    spread, samples = as_float32(width), len(depth)
    edge = _moved_edges(depth, spread, count)
    rest = values - edge[0][..., :samples] * as_float32(tissue_hu - outside)[..., None]
    rest -= as_float32(outside)[..., None]
    scaled = as_float32(depth) / spread[..., None]
    use = scaled <= np.float32(_CLEAR_OUT)
    rest *= use
    line = np.exp(np.float32(-0.5) * scaled**2)
    line *= use
    step = (lumen_hu - tissue_hu)[:, None]
    on_line = _products(rest, line)
    squares = _products(rest, rest)
    power = np.sqrt(np.pi) * width / SAMPLE_MM
    energy = [_products(e, e) for e in edge]
    misfit = np.empty((len(width), count, width.shape[1]))
    for n in range(count):
        moved = edge[n % 2][..., n // 2 : n // 2 + samples]
        through = _line_through_edge(n * _DEPTH_STEP_MM, spread)
        metal = np.maximum(on_line - step * through, 0.0)
        beside, alone = _products(rest, moved), energy[n % 2]
        misfit[:, n] = squares - 2.0 * step * beside + step**2 * alone - metal**2 / power
        energy[n % 2] = alone - moved[..., 0] ** 2
    return misfit


def _moved_edges(
    depth: FloatArray, width: Float32Array, count: int
) -> tuple[Float32Array, Float32Array]:
    """Return the blurred edge on the samples' grid and half a sample farther, long enough."""
    fine = as_float32(depth[0] + np.arange(2 * len(depth) + count) * _DEPTH_STEP_MM)
    return (
        share_beyond(fine[::2] / width[..., None]),
        share_beyond(fine[1::2] / width[..., None]),
    )


def _line_through_edge(depth_mm: float, width: Float32Array) -> Float32Array:
    """Return the sum over samples of the line of a wire times an edge so far inside it."""
    share = share_beyond(np.float32(depth_mm / np.sqrt(2.0)) / width)
    return share * width * np.float32(np.sqrt(2.0 * np.pi) / SAMPLE_MM)


def _products(one: Float32Array, other: Float32Array) -> Float32Array:
    """Sum the products of two sets of values along each ray."""
    return np.asarray(np.einsum("nmd,nmd->nm", one, other))


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
            rays = rays_through(volume, struts)
            contours, depth = struts.contours_mm, fit_lining(rays, blood, blur).depth_mm
        return misfit_of(rays, blood, blur)

    found = minimize_scalar(misfit, bounds=_BLURS_MM, method="bounded", options={"xatol": 0.02})
    return Blur(float(found.x), along)


def sharpened(rays: Rays, lumen_hu: FloatArray, blur: Blur) -> Blur:
    """Return the blur of least misfit over a whole stent whose wires have been followed.

    Where tissue is about as thin as the blur, one part in twenty of the blur passes for a tenth of
    a millimetre of tissue: what a few sections tell is not good enough.
    """

    def misfit(width_mm: float) -> float:
        return misfit_of(rays, lumen_hu, replace(blur, in_plane_mm=width_mm))

    bounds = [blur.in_plane_mm * (1.0 + side * _BLUR_DOUBT) for side in (-1.0, 1.0)]
    found = minimize_scalar(misfit, bounds=bounds, method="bounded", options={"xatol": 0.003})
    return replace(blur, in_plane_mm=float(found.x))


def _least(misfit: FloatArray, struts: Struts, over_mm: tuple[float, float]) -> FloatArray:
    """Return (n, m) the depth of least misfit of neighbourhoods."""
    shared = np.moveaxis(_shared(misfit, struts, over_mm), 1, 0)
    fine = _between(shared, np.argmin(shared, axis=0))
    return np.maximum(fine * _DEPTH_STEP_MM, HALF_STRUT_MM)


def _shared(misfit: FloatArray, struts: Struts, over_mm: tuple[float, float]) -> FloatArray:
    """Average (n, c, m) misfits over the neighbouring wall."""
    return averaged(misfit, struts.curve, struts.contours_mm, over_mm)


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
