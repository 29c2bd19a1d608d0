"""Courses through a vein: points at even steps, and sections that do not twist along them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from venoseg.volume import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """n points along a vein, from its central end, and a frame at each.

    Attributes
    ----------
    points_lps_mm
        (n, 3), at even steps.
    tangent, first, second
        (n, 3) unit vectors: along the course, and two across it that turn as little as they can.
    step_mm
        Distance of the points.
    """

    points_lps_mm: FloatArray
    tangent: FloatArray
    first: FloatArray
    second: FloatArray
    step_mm: float

    def part(self, keep: slice) -> Course:
        """Return the points of ``keep``."""
        return Course(
            self.points_lps_mm[keep],
            self.tangent[keep],
            self.first[keep],
            self.second[keep],
            self.step_mm,
        )


def length_along(points_lps_mm: FloatArray) -> FloatArray:
    """Return (n,) arc length at each of n points."""
    steps: FloatArray = np.linalg.norm(np.diff(points_lps_mm, axis=0), axis=1)
    length: FloatArray = np.append(0.0, np.cumsum(steps))
    return length


def odd_count(length_mm: float, step_mm: float) -> int:
    """Return over how many stations a filter reaches along so much: always an odd number."""
    return 2 * round(length_mm / step_mm / 2) + 1


def course_through(
    points_lps_mm: FloatArray, step_mm: float, smooth_mm: float, first: FloatArray | None = None
) -> Course:
    """Smooth a path (its ends stay), and walk along it in even steps.

    Parameters
    ----------
    points_lps_mm
        (n, 3) from the central end on; at least two different points.
    step_mm
        Distance of the course's points, made a little smaller or larger to fit the length.
    smooth_mm
        Standard deviation of the Gaussian along the path.
    first
        (3,) what the first of the course's ``first`` comes as near to as it can, so that sections
        of an older course lie the same way round; None: an axis of the patient.
    """
    fine = _even(points_lps_mm, 0.5)
    points = _even(_smoothed(fine, smooth_mm / 0.5), step_mm)
    step = float(length_along(points)[-1]) / (len(points) - 1)
    tangent = np.gradient(points, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    start = np.eye(3)[np.argmin(np.abs(tangent[0]))] if first is None else first
    across = _transported(tangent, start)
    return Course(points, tangent, across, np.cross(tangent, across), step)


def _even(points: FloatArray, step_mm: float) -> FloatArray:
    at = length_along(points)
    count = max(int(np.ceil(at[-1] / step_mm)), 2) + 1
    where = np.linspace(0.0, at[-1], count)
    return np.stack([np.interp(where, at, points[:, axis]) for axis in range(3)], axis=1)


def _smoothed(points: FloatArray, sigma: float) -> FloatArray:
    """Smooth with odd reflection at the ends, which leaves the end points where they are."""
    reach = min(int(4 * sigma) + 1, len(points) - 1)
    before = 2 * points[0] - points[reach:0:-1]
    after = 2 * points[-1] - points[-2 : -reach - 2 : -1]
    longer = np.concatenate([before, points, after])
    smooth: FloatArray = ndimage.gaussian_filter1d(longer, sigma, axis=0)[reach:-reach]
    return smooth


def _transported(tangent: FloatArray, start: FloatArray) -> FloatArray:
    first = np.empty_like(tangent)
    for n, along in enumerate(tangent):
        across = start - (start @ along) * along
        start = across / np.linalg.norm(across)
        first[n] = start
    return first
