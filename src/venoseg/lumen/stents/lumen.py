"""The lumen inside a stent, told from the wire that outshines its edge.

Along a normal of the stent the image is taken to be the sum of lumen, tissue and surroundings, each
blurred, and of a line of metal on the wire. How much metal a ray meets differs from strut to gap,
and so does where: between struts the line sags inwards like a chord, and on a ray that leans it
lies towards the nearer strut. How deep the lumen begins changes slowly. All are fitted at once: the
metal and its place ray by ray, the metal never negative, the depth for all rays of a neighbourhood
together. Where tissue is thinner than the blur metal and depth are told apart mainly by the rays
that meet little metal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from venoseg.centerline.curve import Curve
from venoseg.interpolation import Float32Array
from venoseg.lumen.rays.edges import Blur, as_float32
from venoseg.lumen.rays.gaussian import share_beyond
from venoseg.lumen.stents.struts import (
    SAMPLE_MM,
    Rays,
    Struts,
    averaged,
    outside_level,
)
from venoseg.volume import BoolArray, FloatArray

# Rays of a neighbourhood this wide, along the stent and around it, share one depth: where the wire
# hides the lumen's edge, and where the edge shows. From the first depth to the second, in widths of
# the blur, the two answers are mixed: below it the wire outshines the edge, beyond it no longer.
# Tissue often grows on one side only: no more of the ring shares a depth than noise asks for, and
# rays that show the edge none with those that do not. Which do is told by close neighbours.
_HIDDEN_MM, _SHOWN_MM, _CLOSE_MM = (4.0, 2.0), (2.0, 1.5), (3.0, 1.0)
SHOWS_WIDTHS = (1.6, 2.6)
_LEAST_WEIGHT = 1e-3

_DEPTH_STEP_MM = SAMPLE_MM / 2.0

# The lumen cannot reach farther than the inner face of the wire; venous stents are woven or cut
# from about a quarter of a millimetre.
HALF_STRUT_MM = 0.12

# So many sections at a time: what is computed on the way then stays in the processor's cache.
_STATIONS_AT_ONCE = 8

# So near to its ends a stent's lumen cannot be told from that of the vein beyond.
END_MM = 3.0

# What lies farther out than this many widths of the blur is not looked at: other stents, bone.
_CLEAR_OUT = 3.0


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


def fit_lining(
    rays: Rays, lumen_hu: FloatArray, blur: Blur, tissue_hu: float, *, aside: bool = True
) -> Lining:
    """Fit how deep inside the wire the lumen begins.

    ``aside``: metal may lie off the contour. Where the blur is sought it may not: beside a bare
    wire that bends, a blur far too narrow would leave no more.
    """
    width = blur.along(rays.normals_lps, rays.grid)
    misfit = _misfits(rays, lumen_hu, width, tissue_hu, aside)
    first, last = SHOWS_WIDTHS
    close = _least(_shared(misfit, rays.struts, _CLOSE_MM))
    shown = np.clip((close / width - first) / (last - first), 0.0, 1.0)
    counts = ~_at_ends(rays.struts.curve)[:, None]
    hidden = _least(_shared(misfit, rays.struts, _HIDDEN_MM, counts * (1.0 - shown)))
    seen = _least(_shared(misfit, rays.struts, _SHOWN_MM, counts * shown))
    return Lining((1.0 - shown) * hidden + shown * seen, tissue_hu)


def close_misfits(
    rays: Rays, lumen_hu: FloatArray, blur: Blur, tissue_hu: float, *, aside: bool = True
) -> FloatArray:
    """Return (n, m) the mean square of what the model leaves where close neighbours share a depth.

    For what is told from all rays of a stent at once, which needs no larger neighbourhoods: what a
    depth shared by thick tissue and bare wire leaves would pass for more blur, and more blur for
    tissue where there is none.
    """
    width = blur.along(rays.normals_lps, rays.grid)
    misfit = _misfits(rays, lumen_hu, width, tissue_hu, aside)
    result: FloatArray = _shared(misfit, rays.struts, _CLOSE_MM).min(axis=1)
    return result


def _misfits(
    rays: Rays, lumen_hu: FloatArray, width: FloatArray, tissue_hu: float, aside: bool
) -> FloatArray:
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
            aside,
        )
    beyond = _at_ends(struts.curve)
    first, last = np.flatnonzero(~beyond)[[0, -1]]
    misfit[:first], misfit[last + 1 :] = misfit[first], misfit[last]
    return misfit


def _at_ends(curve: Curve) -> BoolArray:
    """Return (n,) the last sections, which show the vein beyond the stent as well."""
    count = len(curve.position_mm)
    ends = round(END_MM / curve.step_mm)
    at_ends = np.zeros(count, dtype=bool)
    if 4 * ends < count:
        at_ends[:ends] = at_ends[count - ends :] = True
    return at_ends


def _misfits_of(
    values: npt.NDArray[np.float32],
    depth: FloatArray,
    width: FloatArray,
    levels: tuple[FloatArray, float, FloatArray],
    count: int,
    may_lie_aside: bool,
) -> FloatArray:
    """Return (n, c, m) the misfit with each of ``count`` depths, on the samples' halved grid.

    With r what the image shows beyond tissue and surroundings, e the lumen's blurred edge, s its
    step, l the wire's line and t its slope, by which a line moved aside differs, what is left of
    r - s e - (metal) l - (aside) t squares to r.r - 2 s r.e + s s e.e - metal metal l.l - aside
    aside t.t, as l.t is nothing: one blurred edge, moved, serves for all depths.
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
    slope = scaled * line
    step = (lumen_hu - tissue_hu)[:, None]
    on_line, on_slope = _products(rest, line), _products(rest, slope)
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
        if may_lie_aside:
            aside = on_slope - step * _slope_through_edge(n * _DEPTH_STEP_MM, spread)
            misfit[:, n] -= 2.0 * aside**2 / power
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


def _slope_through_edge(depth_mm: float, width: Float32Array) -> Float32Array:
    """Return the sum over samples of the slope of a wire's line times an edge so far inside it."""
    share = np.exp(np.float32(-0.25) * (np.float32(depth_mm) / width) ** 2)
    result: Float32Array = share * width * np.float32(-np.sqrt(0.5) / SAMPLE_MM)
    return result


def _products(one: Float32Array, other: Float32Array) -> Float32Array:
    """Sum the products of two sets of values along each ray."""
    return np.asarray(np.einsum("nmd,nmd->nm", one, other))


def _least(shared: FloatArray) -> FloatArray:
    """Return (n, m) the depth of least misfit of (n, c, m) misfits with c depths."""
    depths_first = np.moveaxis(shared, 1, 0)
    fine = _between(depths_first, np.argmin(depths_first, axis=0))
    return np.maximum(fine * _DEPTH_STEP_MM, HALF_STRUT_MM)


def _shared(
    misfit: FloatArray,
    struts: Struts,
    over_mm: tuple[float, float],
    weights: FloatArray | None = None,
) -> FloatArray:
    """Average (n, c, m) misfits over the neighbouring wall, rays by (n, m) weights if given."""
    if weights is None:
        return averaged(misfit, struts.curve, struts.contours_mm, over_mm)
    # Where no neighbour has any weight, all count alike; what they tell is not used there.
    weights = np.maximum(weights, _LEAST_WEIGHT)
    total = averaged(weights, struts.curve, struts.contours_mm, over_mm)
    weighted = misfit * weights[:, None]
    summed = averaged(weighted, struts.curve, struts.contours_mm, over_mm)
    result: FloatArray = summed / total[:, None]
    return result


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
