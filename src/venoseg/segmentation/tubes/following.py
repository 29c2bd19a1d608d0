"""Follow a vein from one end to the other."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from scipy import ndimage

from venoseg.segmentation.together import each
from venoseg.segmentation.tubes.curves import Course, course_through
from venoseg.segmentation.tubes.flat import Stretched, no_stretch, on_round_rays, stretch_of
from venoseg.segmentation.tubes.lobes import clipped, lobes_of
from venoseg.segmentation.tubes.streams import Streams
from venoseg.segmentation.tubes.wall import (
    Expected,
    Tube,
    expected_from,
    level_along,
    level_on_rays,
    on_steepest,
    shown_share,
    unrolled,
    wall_around,
)
from venoseg.segmentation.tubes.wires import out_to_wires
from venoseg.segmentation.voxels.domains import Picture
from venoseg.segmentation.voxels.paths import cheapest_way
from venoseg.segmentation.working import Float32Array
from venoseg.volume import BoolArray, FloatArray, Grid, Volume

STEP_MM = 1.5
# Until the course lies in the middle steps of this size tell as much.
_FIRST_STEP_MM = 3.0
LARGEST_MM = 26.0
# A wall is sought half as far again as the round before found one, and so far at least.
_FARTHER, _LEAST_FAR_MM = 1.5, 12.0
# The course is moved into the middle until it moves by less than this nearly everywhere.
_ROUNDS, _SETTLED_MM, _EVEN_MM = 5, 1.0, 3.0
_WALL_SHOWS = 0.65
_SEED_MM = 4.0
_BEYOND_MM, _OUTSIDE_MM = 10.0, 6.0
_BEYOND_ENDS_MM = 20.0
_DEAR = 2.0
_APART_HU = 20.0
_FAINT_HU, _FAINT_OVER_HU = 110.0, 30.0


def level_at(picture: Picture, points_lps_mm: FloatArray) -> FloatArray:
    """Return (n,) grey value of the blood at points in a vein.

    The brighter part of what lies around each point: it may be the last one of the vein, with other
    tissue beyond, or lie beside the middle.
    """
    reach = np.maximum(1, np.round(_SEED_MM / 2 / picture.grid.spacing_mm)).astype(int)
    levels = []
    for k, j, i in zip(*picture.index(points_lps_mm), strict=True):
        box = tuple(
            slice(max(int(n) - int(r), 0), int(n) + int(r) + 1)
            for n, r in zip((k, j, i), reach, strict=True)
        )
        levels.append(np.percentile(picture.mean_hu[box], 80))
    return np.array(levels)


def cost_of(
    picture: Picture,
    least_hu: FloatArray,
    most_hu: FloatArray,
    arteries: BoolArray | None,
    behind: BoolArray | None,
) -> Float32Array:
    """Return what a millimetre of way costs: little in blood, much in walls, fat, bone, arteries.

    Parameters
    ----------
    picture
        The coarse picture.
    least_hu, most_hu
        (slices,) between which grey values the vein's blood lies there.
    arteries
        Where arteries are, if known.
    behind
        Where the veins cannot be, if known.
    """
    least, most = (hu[:, None, None].astype(np.float32) for hu in (least_hu, most_hu))
    fainter = np.clip((least - 30.0 - picture.darkest_hu) / 50.0, 0.0, 1.0)
    brighter = np.clip((picture.mean_hu - most - 80.0) / 80.0, 0.0, 1.0)
    cost = 0.3 + 12.0 * fainter + 12.0 * brighter
    cost += np.float32(10.0) * (picture.mean_hu < -20.0)
    cost += np.float32(30.0) * (picture.mean_hu > np.maximum(most, 150.0) + 120.0)
    if arteries is not None:
        cost += np.float32(20.0) * arteries
    if behind is not None:
        cost += np.float32(100.0) * behind
    dear: Float32Array = cost.astype(np.float32)
    return dear


def cost_of_brightness(
    picture: Picture, level_hu: FloatArray, perhaps: BoolArray, artery_hu: float
) -> Float32Array:
    """Return what a millimetre costs in blood as bright as that of arteries, where they may be.

    Nothing where veins are as bright as arteries.
    """
    level = level_hu[:, None, None].astype(np.float32)
    apart = artery_hu - level
    share = np.clip((picture.mean_hu - level) / np.maximum(apart, 1.0) * 2.0 - 1.0, 0.0, 1.0)
    cost: Float32Array = (12.0 * share * perhaps * (apart > _APART_HU)).astype(np.float32)
    return cost


def way_through(
    picture: Picture,
    cost: Float32Array,
    points_lps_mm: FloatArray,
    instead: Callable[[FloatArray], Float32Array | None] | None = None,
) -> FloatArray:
    """Return (n, 3) points of the cheapest way that passes all of some points in order.

    These veins run from head to feet. Where the cheapest way leaves the heights between two points
    outside blood it goes around an occlusion; the straight line stands for the vein then.

    Parameters
    ----------
    picture, cost
        The coarse picture, and what a millimetre costs in it.
    points_lps_mm
        (n, 3) from the central end.
    instead
        Given a way from one point to the next that does not run in one vein all along, what a
        millimetre costs instead; None for any other way.
    """
    legs = list(pairwise(points_lps_mm))
    parts = each(lambda leg: cheapest_way(cost, picture.grid, *leg), legs)
    costs = [None if instead is None else instead(part) for part in parts]

    def settled(number: int) -> FloatArray:
        (start, end), part, other = legs[number], parts[number], costs[number]
        if other is not None:
            part = cheapest_way(other, picture.grid, start, end)
        return np.stack([start, end]) if _goes_around(picture, cost, part) else part

    settled_parts = each(settled, range(len(legs)))
    way: FloatArray = np.concatenate([points_lps_mm[:1], *(part[1:] for part in settled_parts)])
    return way


def _goes_around(picture: Picture, cost: Float32Array, part: FloatArray) -> bool:
    """Tell whether a way leaves the heights between its ends, and costs more than blood there."""
    z, ends = part[:, 2], part[[0, -1], 2]
    beyond = (z > ends.max() + _BEYOND_ENDS_MM) | (z < ends.min() - _BEYOND_ENDS_MM)
    return bool(beyond.any() and cost[picture.index(part[beyond])].mean() > _DEAR)


def prolonged(way_lps_mm: FloatArray, grid: Grid) -> FloatArray:
    """Lengthen a way straight up and down, as far as the image goes and a little farther.

    The wall of a vein that a slice cuts, obliquely perhaps, can only be found around a course that
    goes on.
    """
    up = np.sign(way_lps_mm[0, 2] - way_lps_mm[-1, 2]) or 1.0
    rise = np.linspace(_BEYOND_MM, 1.0, 10)[:, None] * np.array([0.0, 0.0, up])
    before, after = way_lps_mm[0] + rise, way_lps_mm[-1] - rise[::-1]
    outside = np.array([0.0, 0.0, up * _OUTSIDE_MM])
    kept = grid.contains(before - outside), grid.contains(after + outside)
    longer = [before[kept[0]], way_lps_mm, after[kept[1]]]
    return np.concatenate(longer)


def tube_along(
    part: Volume,
    way_lps_mm: FloatArray,
    noise_hu: float,
    artery_below_mm: float = np.inf,
    streams: Streams | None = None,
) -> Tube:
    """Find the wall around a way, and move the course into the middle, a few times over.

    Parameters
    ----------
    part
        The volume around the way.
    way_lps_mm
        (n, 3) a way inside the vein, from its central end; both ends stay.
    noise_hu
        Scatter of the evened image that means nothing.
    artery_below_mm
        Height below which an artery may touch the vein, so that a section with a waist is both.
    streams
        Where blood may run in streams whose borders are no wall; None: nowhere.
    """
    course = course_through(way_lps_mm, _FIRST_STEP_MM, 3.0)
    expected = None
    moved_mm = np.inf
    rays = no_stretch(len(course.points_lps_mm))
    far_mm, last = LARGEST_MM, False
    for turn in range(_ROUNDS):
        sampled = unrolled(part.voxels, part.grid, course, far_mm, rays.rays_mm)
        level = level_along(sampled, course.step_mm)
        # Faint blood lies in tissue nearly as bright; bright blood has streams that differ more.
        bright = np.clip((level - _FAINT_HU) / _FAINT_OVER_HU, 0.0, 1.0)
        tolerance = 12.0 + noise_hu + bright * (8.0 + 0.5 * noise_hu)
        even, even_hu = sampled, level
        if streams is not None:
            even = streams.evened(sampled, level, course.points_lps_mm)
            even_hu = level_along(even, course.step_mm)
        length, step = wall_around(even, even_hu, tolerance, _along(expected, rays))
        if last and streams is not None:
            where = streams.may_run_at(course.points_lps_mm)
            length[where] = on_steepest(sampled[where], length[where])
        ray_hu = level_on_rays(sampled, length)
        length = out_to_wires(sampled, length, level)
        radius, step, ray_hu = on_round_rays(rays, length, step, ray_hu)
        touched = course.points_lps_mm[:, 2] < artery_below_mm
        if last:
            break
        before = Tube(course, radius, level, step)
        lobes = lobes_of(radius, ray_hu, touched)
        centred = _moved(course, lobes.centre_mm)
        away = np.linalg.norm(centred - course.points_lps_mm, axis=1)
        moved_mm = float(np.percentile(away, 90))
        far_mm = float(np.clip(_FARTHER * length.max(), _LEAST_FAR_MM, LARGEST_MM))
        last = turn == _ROUNDS - 2 or (turn > 0 and moved_mm < _SETTLED_MM)
        step_mm = STEP_MM if last else _FIRST_STEP_MM
        # The rays that are stretched below are those of the old course.
        course = course_through(centred, step_mm, 3.0, course.first[0])
        count = len(course.points_lps_mm)
        expected = _resampled(expected_from(before), count)
        at = np.rint(np.linspace(0, len(radius) - 1, count)).astype(int)
        # Where hardly a wall shows, what looks long may be a leak.
        flat = ~touched & (shown_share(step) > _WALL_SHOWS)
        rays = stretch_of(radius[at], flat[at], course.step_mm)
    if streams is not None:
        level = streams.level_of(level, ray_hu, course.points_lps_mm)
    smooth = ndimage.gaussian_filter(radius, (0.8, 0.6), mode=("nearest", "wrap"))
    lobes = lobes_of(smooth, ray_hu, touched)
    return Tube(course, clipped(smooth, lobes), level, step, lobes.cut)


def _along(expected: Expected | None, rays: Stretched) -> Expected | None:
    """Return expected widths in lengths of stretched rays, for circles of the same area."""
    if expected is None:
        return None
    return Expected(expected.radius_mm / np.sqrt(rays.factor), expected.weight)


def _resampled(expected: Expected, count: int) -> Expected:
    """Return the same widths for a course of ``count`` points."""
    old = np.linspace(0.0, 1.0, len(expected.radius_mm))
    new = np.linspace(0.0, 1.0, count)
    return Expected(np.interp(new, old, expected.radius_mm), np.interp(new, old, expected.weight))


def _moved(course: Course, across_mm: FloatArray) -> FloatArray:
    """Return the course moved across itself, evenly along it."""
    sigma = _EVEN_MM / course.step_mm
    even = ndimage.gaussian_filter1d(across_mm, sigma, axis=0, mode="nearest")
    moved: FloatArray = (
        course.points_lps_mm + even[:, :1] * course.first + even[:, 1:] * course.second
    )
    return moved
