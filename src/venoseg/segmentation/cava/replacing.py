"""Ovals put in the place of parts of a wall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.segmentation.tubes.curves import Course, course_through
from venoseg.segmentation.tubes.wall import ROUND, Tube, level_along, on_steepest, step_at, unrolled
from venoseg.volume import BoolArray, FloatArray, Volume

EVEN_MM = 5.0
"""Ovals change little over this."""

# By so sharp a step the wall is told better than by the oval.
_SHARP_HU = 60.0
# Faint steps are told over so much of the wall: along it, and in rays around it.
_LARGEST_MM, _ALONG_MM, _AROUND = 26.0, 4.0, 1.5


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Ovals along a run of n stations of a tube.

    Attributes
    ----------
    start
        The first of them.
    centre_mm, root_mm
        (n, 2) and (n, 2, 2) the ovals.
    better
        (n,) whether the oval takes the place of the wall that was found.
    step_hu
        What counts as a step there.
    """

    start: int
    centre_mm: FloatArray
    root_mm: FloatArray
    better: BoolArray
    step_hu: float


def replaced(part: Volume, tube: Tube, runs: Sequence[Run], asked: npt.NDArray[np.int64]) -> Tube:
    """Put ovals in the place of the wall, and lead the course through their middle.

    Before the first of the stations ``asked`` for, and after the last, its oval goes on.
    """
    old = tube.course
    outline = tube.radius_mm[:, :, None] * ROUND
    shift = np.zeros((len(outline), 2))
    oval = np.zeros(len(outline), dtype=bool)
    for run in runs:
        at = run.start + np.flatnonzero(run.better)
        shift[at] = run.centre_mm[run.better]
        root = run.root_mm[run.better]
        outline[at] = shift[at][:, None] + np.einsum("nij,rj->nri", root, ROUND)
        oval[at] = True
    for end, beyond in ((asked[0], slice(0, asked[0])), (asked[-1], slice(asked[-1], None))):
        if oval[end]:
            outline[beyond], shift[beyond], oval[beyond] = outline[end], shift[end], True
    even = ndimage.gaussian_filter1d(shift, EVEN_MM / old.step_mm, axis=0, mode="nearest")
    across = old.first[:, None] * outline[..., :1] + old.second[:, None] * outline[..., 1:]
    rim = old.points_lps_mm[:, None] + across
    moved = old.points_lps_mm + old.first * even[:, :1] + old.second * even[:, 1:]
    course = course_through(moved, old.step_mm, 3.0)
    count = len(course.points_lps_mm)
    nearest = np.rint(np.linspace(0, len(rim) - 1, count)).astype(int)
    radius = _around(course, rim[nearest])
    radius = ndimage.gaussian_filter(radius, (1.0, 0.6), mode=("nearest", "wrap"))
    sampled = unrolled(part.voxels, part.grid, course, _LARGEST_MM)
    oval = oval[nearest]
    radius[oval] = on_steepest(sampled[oval], radius[oval], _SHARP_HU, outwards_too=True)
    step = step_at(sampled, radius)
    evened = ndimage.gaussian_filter(
        step, (_ALONG_MM / course.step_mm, _AROUND), mode=("nearest", "wrap")
    )
    seen = oval[:, None] & (np.abs(evened) > max(run.step_hu for run in runs))
    level = np.where(oval, level_along(sampled, course.step_mm), tube.level_hu[nearest])
    step = np.where(oval[:, None], step, tube.step_hu[nearest])
    touching = None if tube.touching is None else tube.touching[nearest] & ~oval
    return Tube(course, radius, level, step, touching, oval, seen)


def _around(course: Course, rim_lps_mm: FloatArray) -> FloatArray:
    """Return (n, rays) distances to (n, m, 3) closed lines around a course."""
    away = rim_lps_mm - course.points_lps_mm[:, None]
    x, y = (np.einsum("nmk,nk->nm", away, axis) for axis in (course.first, course.second))
    angle, length = np.arctan2(y, x), np.hypot(x, y)
    rays = np.arctan2(ROUND[:, 1], ROUND[:, 0])
    return np.stack(
        [
            np.interp(rays, one, far, period=2 * np.pi)
            for one, far in zip(angle, length, strict=True)
        ]
    )
