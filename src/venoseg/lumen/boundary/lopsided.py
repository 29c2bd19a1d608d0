"""Rises across the wall that are steeper on one side of their middle than on the other.

The edge of blood is sought where the image has risen by half from the level outside to that
inside. Both are read at a distance from the wall. Where the image differs between there and the
wall, half of the rise lies elsewhere than the edge: a thin layer of fat between a vein and muscle
draws it inwards, blood that brightens towards the wall outwards, and so does a wall that takes up
contrast. What is left of the image when the step that fits best is taken off then has a side: it
is lopsided, while blur, noise and levels that are both a little wrong leave it even. What blur
leaves of such layers moves the steepest place as far from the half as it moves the half from the
edge, in phantoms with layers of 1 to 2 mm.

Some rises have several causes that look alike. Where the inner side is steeper, streams of bright
blood move the edge by as much as is read, a shell of calcium thinner than the blur farther, by the
more the less there is to see of it. Where the outer side is steeper and the rise wide, blood may
darken towards the wall, or the wall may take up nearly as much contrast as blood, its outer face
being what is seen. The interval then holds both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from venoseg.interpolation import Float32Array
from venoseg.lumen.boundary.mixing import FELT_MM
from venoseg.lumen.rays.averages import average_along
from venoseg.lumen.rays.edges import Profiles, as_float32
from venoseg.lumen.rays.gaussian import share_beyond
from venoseg.lumen.rays.grain import NoiseDraws
from venoseg.lumen.rays.smoothing import Spacing, over_wall, ramp
from venoseg.volume import FloatArray

# How lopsided a rise is shows best at the scale of a scanner's blur, not at that of the rise: a
# thick wall makes that wide. Coarse pixels blur by more, and no rise is looked at more coarsely
# than it is wide.
_SCALE_MM, _OF_PIXEL = 0.6, 0.8

# So far off the middle of the rise, in such scales, the image counts.
_REACH = 3.0

# A single ray is never believed to be off by more than this: noise across a low rise.
_MOST_MM = 2.0

# Rays are averaged over this much along the vein and around it; what is so all around a vein goes
# on along it for longer.
_OVER_MM, _RING_ALONG_MM = (6.0, 5.0), 10.0

# What is believed depends on its square over its variance: below this, nothing. Levels that are
# wrong for noise add to what single rays differ by; the opposite wall leaves the third in any case,
# over the radius in widths of the blur, and sampling the last share of the slices' distance
# (standard deviations).
_NOISE_SQUARES, _LEVELS, _OPPOSITE_MM, _OF_SLICE = 6.0, 1.25, 0.12, 0.012

# Share of what is believed that may be wrong (standard deviation).
_DOUBT = 0.2

# Lumens whose radius is not so many times the blur (with a ramp) show no level inside to hold the
# rise against.
_RESOLVED = (2.5, 3.4)

# From the first of these beliefs on other causes are reckoned with, fully from the second.
_SURE = (0.4, 0.7)

# A rise so many times as wide as a scanner's blur (with a ramp) may hold a wall that takes up
# contrast.
_WIDE = (1.2, 1.4)

# A thin shell that leaves a rise lopsided by x mm moves the edge by up to this times sqrt(x) (mm),
# and a wall nearly as bright as blood by up to so many times x.
_SHELL, _MOST_SHELL_MM = 2.6, 0.9
_WALL, _MOST_WALL_MM = 7.0, 1.8
_NORMAL_95 = 1.96


@dataclass(frozen=True, slots=True, eq=False)
class Lopsided:
    """What lopsided rises say of n sections of m rays.

    Attributes
    ----------
    shift_mm
        (n, m) how far outside of the half of the rise the edge lies.
    sd_mm
        (n,) standard deviation of the mean radius for it.
    ambiguous
        (n,) how far other causes are reckoned with, that would put the edge elsewhere, 0 to 1.
    """

    shift_mm: FloatArray
    sd_mm: FloatArray
    ambiguous: FloatArray


def lopsided_mm(
    profiles: Profiles,
    inside: FloatArray,
    outside: FloatArray,
    rising: FloatArray,
    offsets_mm: FloatArray,
    blur_mm: FloatArray,
    pixel_mm: float,
) -> FloatArray:
    """Return (n, m) how much farther inside than the half of the rise its steepest place lies.

    To third order in how lopsided it is (Gram and Charlier's series).

    Parameters
    ----------
    profiles
        (n, m, d) values.
    inside, outside, rising, offsets_mm, blur_mm
        (n, m) levels on either side, by how much the first is known to rise with each mm outwards,
        the edge that fits best, and the blur along the normal.
    pixel_mm
        Width of a pixel.
    """
    by_depth = np.moveaxis(profiles.values, -1, 0)
    contrast = np.maximum(inside - outside, 1.0)
    share = (by_depth - as_float32(outside)) / as_float32(contrast)
    away = as_float32(profiles.depths_mm)[:, None, None] - as_float32(offsets_mm)
    scaled = away / as_float32(blur_mm)
    fine = away / as_float32(np.minimum(blur_mm, max(_SCALE_MM, _OF_PIXEL * pixel_mm)))
    step = np.exp(np.float32(-0.5) * scaled**2)
    sided = (fine**2 - 1.0) * np.exp(np.float32(-0.5) * fine**2)
    sided *= np.abs(fine) < _REACH
    # What a shift of the whole rise would leave is none of it.
    sided -= step * ((sided * step).sum(axis=0) / (step**2).sum(axis=0))
    left = share - share_beyond(scaled)
    if rising.any():
        left -= as_float32(rising / contrast) * _risen(away, scaled, step, as_float32(blur_mm))
    seen = (sided * left).sum(axis=0)
    whole = (sided * (scaled**2 - 1.0) * step).sum(axis=0)
    steepest = 3.0 * np.sqrt(2.0 * np.pi) * blur_mm * seen / np.maximum(whole, 1e-6)
    within: FloatArray = np.clip(steepest, -_MOST_MM, _MOST_MM)
    return within


def _risen(
    away: Float32Array, scaled: Float32Array, step: Float32Array, blur_mm: Float32Array
) -> Float32Array:
    """Return what a level inside that rises by 1 with each mm adds, blurred, to an even one."""
    edge = blur_mm * step / np.float32(np.sqrt(2.0 * np.pi))
    return (away + np.float32(FELT_MM)) * share_beyond(scaled) - edge


def edge_beside_half(
    lopsided: FloatArray,
    weights: FloatArray,
    resolved: FloatArray,
    widened: float,
    slice_mm: float,
    draws: NoiseDraws,
    spacing: Spacing,
) -> Lopsided:
    """Tell where the edge lies, from all around each section and from beside each ray.

    Parameters
    ----------
    lopsided
        (n, m) what `lopsided_mm` gives.
    weights
        (n, m) which rays count.
    resolved
        (n,) radii of the sections in standard deviations of the blur.
    widened
        How many times as wide as the scanner's blur the rises are.
    slice_mm, draws
        Distance of the slices, and how much of the image shares one draw of the noise.
    spacing
        Of the rays.
    """
    ring, rest, ring_mm2, rest_mm2 = _averaged(lopsided, weights, draws, spacing)
    seen = ramp(resolved, _RESOLVED)
    left_mm2 = (_OPPOSITE_MM / np.maximum(resolved, 1.0)) ** 2 + (_OF_SLICE * slice_mm) ** 2
    all_around = seen * _belief(ring, ring_mm2 + left_mm2)
    here = seen[:, None] * _belief(rest, (rest_mm2 + left_mm2)[:, None])
    walled = np.where(ring < 0.0, ramp(np.full(len(ring), widened), _WIDE), 0.0)
    inward = (all_around * (1.0 - walled) * ring)[:, None] + here * rest
    ambiguous = ramp(all_around, _SURE) * np.where(ring > 0.0, 1.0, walled)
    other_mm = np.where(
        ring > 0.0,
        np.clip(_SHELL * np.sqrt(np.maximum(ring, 0.0)) - ring, 0.0, _MOST_SHELL_MM),
        np.minimum(-_WALL * ring, _MOST_WALL_MM),
    )
    sd_mm = np.sqrt(
        (_DOUBT * np.abs(inward).mean(axis=1)) ** 2
        + (all_around * (1.0 - all_around) * ring) ** 2
        + (ambiguous * other_mm / _NORMAL_95) ** 2
    )
    return Lopsided(-inward, sd_mm, ambiguous)


def _averaged(
    lopsided: FloatArray,
    weights: FloatArray,
    draws: NoiseDraws,
    spacing: Spacing,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return (n,) averages all around, (n, m) what places differ from them, and (n,) variances."""
    along_mm, around_mm = _OVER_MM
    beside = over_wall(lopsided, weights, spacing, _OVER_MM)
    sums = np.stack([weights, weights * lopsided, weights * (lopsided - beside) ** 2]).sum(axis=2)
    # Beyond the ends of the vein nothing counts; half of an average is missing there.
    over = _RING_ALONG_MM / spacing.station_mm
    beyond = int(np.ceil(4.0 * over))
    longer = np.pad(np.vstack([sums, np.ones(len(weights))]).T, ((beyond, beyond), (0, 0)))
    rays, summed, squares, ends = average_along(longer, over)[beyond:-beyond].T
    rays = np.maximum(rays, 1e-6)
    ring = summed / rays
    single = _LEVELS**2 * draws.alike_mm3 ** (2.0 / 3.0) * squares / rays
    gauss = 2.0 * np.sqrt(np.pi)
    seen_mm = spacing.point_mm * np.maximum(rays, 0.05 * weights.shape[1])
    ring_mm2 = single / (gauss * _RING_ALONG_MM * seen_mm)
    # Averages over the wall take the last station for all that would lie beyond it.
    wall_mm2 = gauss**2 * along_mm * around_mm * np.maximum(ends, 0.5) ** 3
    return ring, beside - ring[:, None], ring_mm2, single / wall_mm2


def _belief(value_mm: FloatArray, variance_mm2: FloatArray) -> FloatArray:
    """Return how much of values of such variances is believed, 0 to 1."""
    square = np.maximum(value_mm**2, 1e-9)
    believed: FloatArray = np.clip(1.0 - _NOISE_SQUARES * variance_mm2 / square, 0.0, 1.0)
    return believed
