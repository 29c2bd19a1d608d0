"""The wall of a tube in an image: the best closed surface around a course.

The image is unrolled around the course: rays leave each of its points across it. On every ray the
wall may lie anywhere; what the image says for each place is weighed against walls that jump from
ray to ray (`venoseg.segmentation.tubes.semiglobal`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.segmentation.together import both
from venoseg.segmentation.tubes.curves import Course
from venoseg.segmentation.tubes.semiglobal import passed
from venoseg.segmentation.working import Float32Array
from venoseg.volume import BoolArray, FloatArray, Grid

RAYS = 40
_ANGLE = 2 * np.pi * np.arange(RAYS) / RAYS
ROUND = np.stack([np.cos(_ANGLE), np.sin(_ANGLE)], axis=-1)
"""(`RAYS`, 2) unit vectors of the rays, along a course's ``first`` and ``second``."""
RADIUS_STEP_MM = 0.5
"""Distance of the samples on a ray of a millimetre."""
# A wall is told by the mean just inside minus the mean just outside, over this distance each.
_BESIDE = 4
# Going through what is not like the inside costs this, each half millimetre.
_THROUGH = 0.5
# Of two equal walls the outer one is meant.
_OUTWARDS = 0.012
# A wall shows where the grey value steps by this; a section is sure where most of its wall shows.
_SHOWN_HU, _SURE = 22.0, 0.75
# Where less than this share of a wall shows anywhere, a cava of normal size is expected: the median
# of healthy people is 265 mm2 (source in `venoseg.anatomy`).
_SHARE_OF_A_WALL, _NORMAL_MM = 0.5, 9.2
# A radius may differ from that of the circle by this share nearly for free: veins are not round.
# Within it each millimetre costs a little, more than outwards is worth: where no wall shows at all
# the circle is meant.
_USUAL, _WITHIN_USUAL = 0.35, 0.2
_CORE_MM = 2.5
# How fast an edge gains weight, as a share of the full step; over how far along it noise is evened.
_EDGE_SHARE, _EVEN_MM = 0.6, 1.0
# Noise across the wall is evened over this.
_SMOOTH_MM = 0.6
# Beyond this distance from its middle a vein seldom reaches; each millimetre costs.
_WIDE_MM, _TOO_WIDE = 14.0, 0.06
_LEVEL_MM = 10.0
# So many samples away, on either side, a step is that of the same wall.
_NEAR = 3


@dataclass(frozen=True, slots=True, eq=False)
class Tube:
    """A course with a wall around it.

    Attributes
    ----------
    course
        n points.
    radius_mm
        (n, `RAYS`) distance to the wall; ray m leaves at the angle 2 pi m / `RAYS`, counted from
        the course's ``first`` towards its ``second``.
    level_hu
        (n,) grey value inside.
    step_hu
        (n, `RAYS`) how much the inside is brighter than what lies behind the wall.
    touching
        (n,) whether a vessel touches it without a wall that shows; None: not looked for.
    completed
        (n,) whether its wall was completed to an oval; None: nowhere.
    seen
        (n, `RAYS`) where a faint wall shows all the same; None: nowhere.
    """

    course: Course
    radius_mm: FloatArray
    level_hu: FloatArray
    step_hu: FloatArray
    touching: BoolArray | None = None
    completed: BoolArray | None = None
    seen: BoolArray | None = None

    @property
    def shows(self) -> BoolArray:
        """(n, `RAYS`) where the wall shows."""
        shows: BoolArray = np.abs(self.step_hu) > _SHOWN_HU
        return shows if self.seen is None else shows | self.seen

    @property
    def area_mm2(self) -> FloatArray:
        """(n,) area of each section."""
        turned = np.roll(self.radius_mm, -1, axis=1)
        area: FloatArray = np.sum(self.radius_mm * turned, axis=1) * np.sin(2 * np.pi / RAYS) / 2
        return area


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """How wide a tube should be where its wall does not show.

    Attributes
    ----------
    radius_mm
        (n,) of the circle of the same area.
    weight
        (n,) cost of a millimetre beyond what is usual.
    """

    radius_mm: FloatArray
    weight: FloatArray


def shown_share(step_hu: FloatArray) -> FloatArray:
    """Return (n,) the share of the wall of each section that shows, even along the tube."""
    shown = np.mean(np.abs(step_hu) > _SHOWN_HU, axis=1)
    even: FloatArray = ndimage.uniform_filter1d(shown, 5, mode="nearest")
    return even


def expected_from(tube: Tube) -> Expected:
    """Take the width of a tube from the stations where its wall shows all round."""
    radius = np.sqrt(tube.area_mm2 / np.pi)
    shown = shown_share(tube.step_hu)
    best = float(np.quantile(shown, 0.8))
    if best < _SHARE_OF_A_WALL:
        even = np.full(len(radius), _NORMAL_MM)
        return Expected(even, np.full(len(radius), 0.18))
    at = np.flatnonzero(shown >= min(_SURE, best))
    usual = ndimage.median_filter(radius[at], size=15, mode="nearest")
    known = np.interp(np.arange(len(radius)), at, usual)
    weight = np.where(shown >= _SURE, 0.04, 0.18)
    return Expected(known, weight)


def unrolled(
    image: npt.NDArray[Any],
    grid: Grid,
    course: Course,
    largest_mm: float,
    rays_mm: FloatArray | None = None,
) -> Float32Array:
    """Return (n, `RAYS`, radii) values along the rays, `RADIUS_STEP_MM` apart from 0 on.

    ``rays_mm``: (n, `RAYS`, 2) the rays across the course; None: `ROUND`, of a millimetre each.
    """
    radii = np.arange(0.0, largest_mm + _BESIDE * RADIUS_STEP_MM, RADIUS_STEP_MM)
    across = np.broadcast_to(ROUND, (len(course.points_lps_mm), RAYS, 2))
    across = across if rays_mm is None else rays_mm
    rays = course.first[:, None] * across[:, :, :1] + course.second[:, None] * across[:, :, 1:]
    start = grid.to_index(course.points_lps_mm)
    step = grid.to_index(course.points_lps_mm[:, None] + rays) - start[:, None]
    index = step.transpose(2, 0, 1)[..., None] * radii
    index += start.T[:, :, None, None]
    # In two halves at the same time.
    middle = len(start) // 2
    halves = both(
        lambda: _sampled(image, index[:, :middle]), lambda: _sampled(image, index[:, middle:])
    )
    sampled = np.concatenate(halves)
    # Along the tube little changes but the noise.
    sigma = _EVEN_MM / course.step_mm, 0.0, _SMOOTH_MM / RADIUS_STEP_MM
    even: Float32Array = ndimage.gaussian_filter(sampled, sigma, mode="nearest")
    return even


def _sampled(image: npt.NDArray[Any], index: FloatArray) -> Float32Array:
    values: Float32Array = ndimage.map_coordinates(
        image, index, np.float32, order=1, mode="nearest"
    )
    return values


def level_along(sampled: Float32Array, step_mm: float) -> FloatArray:
    """Return (n,) the grey value near the course, even along it."""
    core = sampled[:, :, : round(_CORE_MM / RADIUS_STEP_MM) + 1]
    middle = np.median(core.reshape(len(core), -1), axis=1)
    width = 2 * round(_LEVEL_MM / step_mm) + 1
    even: FloatArray = ndimage.median_filter(middle, size=width, mode="nearest")
    return even


def level_on_rays(sampled: Float32Array, radius_mm: FloatArray) -> FloatArray:
    """Return (n, `RAYS`) the mean grey value on each ray up to the wall, by area."""
    radii = np.arange(sampled.shape[2], dtype=np.float32) * np.float32(RADIUS_STEP_MM)
    inner = radii < radius_mm[:, :, None].astype(np.float32) - np.float32(1.0)
    weight = inner * (radii + np.float32(0.1))
    weight[:, :, 0] += np.float32(1e-3)
    sums = np.einsum("nrk,nrk->nr", sampled, weight)
    level: FloatArray = (sums / weight.sum(axis=2)).astype(np.float64)
    return level


def wall_around(
    sampled: Float32Array,
    level_hu: FloatArray,
    tolerance_hu: FloatArray,
    expected: Expected | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Return the radius of the wall on every ray and the step in grey value there.

    Parameters
    ----------
    sampled
        (n, `RAYS`, radii) as `unrolled` returns it.
    level_hu
        (n,) grey value expected inside.
    tolerance_hu
        (n,) deviation from it that means nothing: noise and streams that have not mixed.
    expected
        How wide the tube should be, from places where its wall shows; None: any width.

    Returns
    -------
    radius_mm, step_hu
        (n, `RAYS`) each.
    """
    count = sampled.shape[2] - _BESIDE
    at = np.arange(count)
    inside, outside = _beside(sampled)
    step = inside - outside
    full = np.clip(0.7 * (level_hu - 40.0), 30.0, 200.0).astype(np.float32)[:, None, None]
    # A faint edge nearby counts nearly as much as a sharp one behind it: liver against fat.
    size = np.abs(step)
    peak = np.maximum(ndimage.maximum_filter1d(size, 2 * _BESIDE + 1, axis=2), 1.0)
    strength = (1.0 - np.exp(-peak / (_EDGE_SHARE * full))) * size / peak
    # Towards something brighter a step is as good; but a bright rim, as metal makes, is one too.
    unlike = np.abs(sampled - level_hu.astype(np.float32)[:, None, None])
    unlike -= tolerance_hu.astype(np.float32)[:, None, None]
    unlike -= np.float32(0.2) * np.maximum(full - 90.0, 0.0)
    unlike /= full
    # The blurred foot of the wall itself is not held against it.
    through = np.cumsum(np.clip(unlike, 0.0, 1.0), axis=2)[:, :, : count - 3]
    cost = -strength
    cost[:, :, 3:] += _THROUGH * through
    wide = np.maximum(at * RADIUS_STEP_MM - _WIDE_MM, 0.0)
    cost += (_TOO_WIDE * wide - _OUTWARDS * at).astype(np.float32)
    cost[:, :, :2] = 4.0
    if expected is not None:
        usual = expected.radius_mm[:, None]
        away = np.abs(at * RADIUS_STEP_MM - usual)
        beyond = np.maximum(away - _USUAL * usual, 0.0)
        unusual = expected.weight[:, None] * (beyond + _WITHIN_USUAL * away)
        cost += unusual.astype(np.float32)[:, None]
    total = passed(cost)
    best = np.argmin(total, axis=2)
    radius = (_between(total, best) - 0.5) * RADIUS_STEP_MM
    found = np.take_along_axis(step, best[:, :, None], axis=2)[:, :, 0]
    return radius, found.astype(np.float64)


def step_at(sampled: Float32Array, radius_mm: FloatArray) -> FloatArray:
    """Return (n, `RAYS`) by how much it is brighter inside a wall than behind it.

    Parameters
    ----------
    sampled
        (n, `RAYS`, radii) as `unrolled` returns it.
    radius_mm
        (n, `RAYS`) where the wall is.
    """
    inside, outside = _beside(sampled)
    at = np.rint(radius_mm / RADIUS_STEP_MM + 0.5).astype(int)[:, :, None]
    at = np.clip(at, 0, inside.shape[2] - 1)
    step: FloatArray = np.take_along_axis(inside - outside, at, axis=2)[:, :, 0].astype(np.float64)
    return step


def on_steepest(
    sampled: Float32Array,
    radius_mm: FloatArray,
    least_hu: float = _SHOWN_HU,
    outwards_too: bool = False,
) -> FloatArray:
    """Return the wall moved to the steepest step down that lies near it on each ray.

    In an image whose blood has fewer grey values the middle of a wall lies a little farther out.

    Parameters
    ----------
    sampled
        (n, `RAYS`, radii) as `unrolled` returns it.
    radius_mm
        (n, `RAYS`) where the wall is.
    least_hu
        A step of less is none.
    outwards_too
        Whether the wall may be moved outwards as well as inwards.
    """
    inside, outside = _beside(sampled)
    step = inside - outside
    first = np.rint(radius_mm / RADIUS_STEP_MM + 0.5).astype(int)
    window = first[:, :, None] + np.arange(-_NEAR, _NEAR + 1)
    near = np.take_along_axis(step, np.clip(window, 0, step.shape[2] - 1), axis=2)
    best = near.argmax(axis=2)
    shift = (first - _NEAR + _between(-near, best) - 0.5) * RADIUS_STEP_MM - radius_mm
    shift[near.max(axis=2) < least_hu] = 0.0
    even = ndimage.gaussian_filter(shift, 1.0, mode=("nearest", "wrap"))
    moved: FloatArray = radius_mm + (even if outwards_too else np.minimum(even, 0.0))
    return np.maximum(moved, RADIUS_STEP_MM)


def _beside(sampled: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Return (n, rays, radii - `_BESIDE`) the mean before each place of a ray, and from it on."""
    count = sampled.shape[2] - _BESIDE
    outside = sampled[:, :, :count].copy()
    for further in range(1, _BESIDE):
        outside += sampled[:, :, further : further + count]
    outside /= np.float32(_BESIDE)
    inside = np.zeros_like(outside)
    inside[:, :, _BESIDE:] = outside[:, :, :-_BESIDE]
    fewer = np.arange(1, _BESIDE)
    inside[:, :, 1:_BESIDE] = np.cumsum(sampled[:, :, : _BESIDE - 1], axis=2) / fewer
    return inside, outside


def _between(total: Float32Array, best: np.ndarray) -> FloatArray:
    """Refine the best index by a parabola through its neighbours."""
    inner = np.clip(best, 1, total.shape[2] - 2)
    before, middle, after = (
        np.take_along_axis(total, (inner + d)[:, :, None], axis=2)[:, :, 0] for d in (-1, 0, 1)
    )
    curvature = before - 2 * middle + after
    shift = np.where(curvature > 1e-6, (before - after) / (2 * np.maximum(curvature, 1e-6)), 0.0)
    refined: FloatArray = inner + np.clip(shift, -0.5, 0.5)
    return refined
