"""Closed contours in a plane and what is measured on them.

Throughout, a batch of contours is an array (n, m, 2): n contours of m points in millimetres, in
order, counter-clockwise, the last point joined to the first. A contour of NaN gives NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from venoseg.lumen.geometry.inscribed import inscribed_diameters_mm
from venoseg.lumen.geometry.rings import following, lengths, preceding
from venoseg.volume import FloatArray

# Widths are taken in this many directions over half a turn: the greatest is right within 0.02 %.
_DIRECTIONS = 90

# For what spreads widths, which is told within a few per cent anyhow, fewer directions serve.
_FEWER_DIRECTIONS = 60

# So many contours at a time: what is computed on the way then stays in the processor's cache.
_CONTOURS_AT_ONCE = 32

# As many support lines make a polygon whose area is that of a circle to 0.1 %.
_SUPPORT_LINES = 64

# The least width of a slit changes quickly with the direction. It is sought again this many times
# between the neighbours of the best direction so far, each time in steps a quarter as wide.
_NARROWING_ROUNDS = 3
_NARROWING_STEPS = np.linspace(-1.0, 1.0, 9)

# Places between a contour's middle and its rim at which it is told whether they lie inside another.
_STEPS_INWARDS = 61


@dataclass(frozen=True, slots=True, eq=False)
class Shapes:
    """Figures of n contours, each (n,) in mm or mm2.

    ``minimum_mm`` and ``maximum_mm`` are the least and the greatest distance between two parallel
    lines that hold the contour between them (Feret diameters); ``inscribed_mm`` is the diameter of
    the largest circle inside.
    """

    area_mm2: FloatArray
    perimeter_mm: FloatArray
    equivalent_mm: FloatArray
    minimum_mm: FloatArray
    maximum_mm: FloatArray
    minimum_angle_rad: FloatArray
    inscribed_mm: FloatArray

    def part(self, keep: slice | npt.NDArray[Any]) -> Shapes:
        """Return the figures of some of the contours."""
        return Shapes(*(getattr(self, field.name)[keep] for field in fields(self)))


def measure_shapes(contours: FloatArray) -> Shapes:
    """Measure a batch of contours (n, m, 2)."""
    area, centroid = areas_mm2(contours), centroids_mm(contours)
    minimum, maximum, angle = feret_diameters_mm(contours)
    return Shapes(
        area_mm2=area,
        perimeter_mm=perimeters_mm(contours),
        equivalent_mm=2.0 * np.sqrt(np.maximum(area, 0.0) / np.pi),
        minimum_mm=minimum,
        maximum_mm=maximum,
        minimum_angle_rad=angle,
        inscribed_mm=inscribed_diameters_mm(contours, centroid),
    )


def areas_mm2(contours: FloatArray) -> FloatArray:
    """Return (n,) signed areas of contours (n, m, 2), positive when counter-clockwise."""
    x, y = contours[..., 0], contours[..., 1]
    area: FloatArray = np.einsum("nm,nm->n", x, following(y) - preceding(y)) / 2.0
    return area


def centroids_mm(contours: FloatArray) -> FloatArray:
    """Return (n, 2) centres of area of contours (n, m, 2); NaN where there is no area."""
    x, y = contours[..., 0], contours[..., 1]
    x_next, y_next = following(x), following(y)
    cross = x * y_next - x_next * y
    area = cross.sum(axis=-1) / 2.0
    safe = 6.0 * np.where(np.abs(area) > 1e-12, area, np.nan)
    sums = [((v + v_next) * cross).sum(axis=-1) for v, v_next in ((x, x_next), (y, y_next))]
    return np.stack(sums, axis=-1) / safe[:, None]


def equivalent_mm(contours: FloatArray) -> FloatArray:
    """Return (n,) diameters of the circles of the contours' areas."""
    diameter: FloatArray = 2.0 * np.sqrt(np.maximum(areas_mm2(contours), 0.0) / np.pi)
    return diameter


def perimeters_mm(contours: FloatArray) -> FloatArray:
    """Return (n,) lengths of the closed contours."""
    length: FloatArray = lengths(following(contours) - contours).sum(axis=-1)
    return length


def feret_diameters_mm(contours: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return (n,) least width, greatest width, and the direction of the least in radians."""
    step = np.pi / _DIRECTIONS
    width = _widths_all_around(contours, _DIRECTIONS)
    best, least = _least(width, np.broadcast_to(np.arange(_DIRECTIONS) * step, width.shape))
    for _ in range(_NARROWING_ROUNDS):
        around = best[:, None] + _NARROWING_STEPS * step
        best, least = _least(_widths(contours, around), around)
        step *= float(_NARROWING_STEPS[1] - _NARROWING_STEPS[0])
    return least, width.max(axis=1), best % np.pi


def least_widths_mm(contours: FloatArray) -> FloatArray:
    """Return (n,) least widths among a fixed set of directions.

    At most a thousandth above the least of all directions, but for a slit, and found in a fraction
    of the time: for what changes from one contour to another much like it.
    """
    width: FloatArray = _widths_all_around(contours, _FEWER_DIRECTIONS).min(axis=1)
    return width


def solidity(contours: FloatArray) -> FloatArray:
    """Return (n,) the share of their convex hull that contours fill (scikit-image's name).

    The hull is the polygon of its support lines in `_SUPPORT_LINES` directions.
    """
    step = 2.0 * np.pi / _SUPPORT_LINES
    angle = np.arange(_SUPPORT_LINES) * step
    support = _along(contours, angle).max(axis=0).astype(np.float64)
    side = (following(support) + preceding(support) - 2.0 * np.cos(step) * support) / np.sin(step)
    hull = 0.5 * (support * side).sum(axis=1)
    share: FloatArray = areas_mm2(contours) / np.maximum(hull, 1e-9)
    return share


def _widths_all_around(contours: FloatArray, directions: int) -> FloatArray:
    """Return (n, d) widths of contours (n, m, 2) in so many directions over half a turn."""
    angle = np.arange(directions) * (np.pi / directions)
    width = np.empty((len(contours), directions))
    for start in range(0, len(width), _CONTOURS_AT_ONCE):
        part = slice(start, start + _CONTOURS_AT_ONCE)
        along = _along(contours[part], angle)
        width[part] = along.max(axis=0) - along.min(axis=0)
    return width


def _along(
    contours: FloatArray, angles_rad: npt.NDArray[np.floating[Any]]
) -> npt.NDArray[np.float32]:
    """Return (m, n, d) how far the points of contours (n, m, 2) lie in the directions of d angles.

    Points first: extremes over them are then taken of whole rows of memory.
    """
    directions = np.stack([np.cos(angles_rad), np.sin(angles_rad)]).astype(np.float32)
    along: npt.NDArray[np.float32] = (
        contours.transpose(1, 0, 2).astype(np.float32, order="C") @ directions
    )
    return along


def _widths(contours: FloatArray, angles_rad: FloatArray) -> FloatArray:
    """Return (n, d) widths of contours (n, m, 2) in the directions of (n, d) angles."""
    directions = np.stack([np.cos(angles_rad), np.sin(angles_rad)], axis=-1).astype(np.float32)
    along = directions @ contours.transpose(0, 2, 1).astype(np.float32)
    width: FloatArray = (along.max(axis=2) - along.min(axis=2)).astype(np.float64)
    return width


def _least(width: FloatArray, angles_rad: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (n,) the angle of the least of (n, d) widths, and that width."""
    rows = np.arange(len(width))
    chosen = np.argmin(np.where(np.isnan(width), np.inf, width), axis=1)
    return angles_rad[rows, chosen], width[rows, chosen]


def resample_closed(contours: Sequence[FloatArray], count: int) -> FloatArray:
    """Return (n, ``count``, 2) points equally spaced along n closed contours (k, 2), k as it comes.

    The first lies in the direction of the first axis from the middle of the contour's area, and the
    contour is turned counter-clockwise.
    """
    if len(contours) == 0:
        return np.empty((0, count, 2))
    points = np.concatenate(contours)
    sizes = np.array([len(contour) for contour in contours])
    stops = np.cumsum(sizes)
    starts = stops - sizes
    which = np.repeat(np.arange(len(sizes)), sizes)
    number = np.arange(len(points))
    following = number + 1
    following[stops - 1] = starts
    x, y = points.T
    cross = x * y[following] - x[following] * y
    area = np.add.reduceat(cross, starts) / 2.0
    safe = np.where(area == 0.0, np.inf, area)
    order = np.where(area[which] > 0, number, (starts + stops - 1)[which] - number)
    middle = np.stack(
        [np.add.reduceat((v + v[following]) * cross, starts) / (6.0 * safe) for v in (x, y)],
        axis=-1,
    )
    points = points[order]
    turn = np.abs(np.arctan2(*(points - middle[which]).T[::-1]))
    first = np.flatnonzero(turn == np.minimum.reduceat(turn, starts)[which])
    first = first[np.searchsorted(which[first], np.arange(len(sizes)))]
    # All contours in a row, each closed: one way, on which they are told apart by its length.
    way = points[np.insert(number, stops, starts)]
    steps = np.hypot(*np.diff(way, axis=0).T)
    length = np.concatenate([[0.0], np.cumsum(steps)])
    begins, ends = starts + np.arange(len(sizes)), stops + np.arange(len(sizes))
    around = (length[ends] - length[begins])[:, None]
    ahead = (length[first + which[first]] - length[begins])[:, None]
    at = length[begins][:, None] + (ahead + np.arange(count) * (around / count)) % around
    return np.stack([np.interp(at, length, way[:, axis]) for axis in range(2)], axis=-1)


def evenly_spaced(contours: FloatArray) -> FloatArray:
    """Return (n, m, 2) the same closed lines with their m points equally far apart.

    Between the points runs a Catmull-Rom spline: chords would cut the bends.
    """
    count, rows = contours.shape[1], np.arange(len(contours))[:, None]
    steps = lengths(following(contours) - contours)
    way = np.concatenate([np.zeros((len(steps), 1)), np.cumsum(steps, axis=1)], axis=1)
    share = np.nan_to_num(way / np.maximum(way[:, -1:], 1e-12))
    # All ways one after the other, so that one call inverts them.
    wanted = 2.0 * rows + np.arange(count) / count
    place = np.interp(wanted, (2.0 * rows + share).ravel(), np.arange(share.size))
    place -= rows * (count + 1)
    first = np.floor(place).astype(np.intp)
    a, b, c, d = (contours[rows, (first + k) % count] for k in (-1, 0, 1, 2))
    t = (place - first)[..., None]
    bend = 3.0 * (b - c) + d - a
    even: FloatArray = b + 0.5 * t * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * bend))
    return even


def held_within(contour: FloatArray, outer: FloatArray) -> FloatArray:
    """Draw a contour (m, 2) in towards its middle, where it leaves another one (k, 2)."""
    middle = centroids_mm(contour[None])[0]
    way = contour - middle
    share = np.linspace(0.0, 1.0, _STEPS_INWARDS)
    outside = signed_mm(outer, middle + share[:, None, None] * way) > 0.0
    last = np.where(outside.any(axis=0), outside.argmax(axis=0) - 1, _STEPS_INWARDS - 1)
    drawn_in: FloatArray = middle + share[np.maximum(last, 0), None] * way
    return drawn_in


def signed_mm(contour: FloatArray, points: FloatArray) -> FloatArray:
    """Return (...) how far (..., 2) points lie from a contour (m, 2), negative inside."""
    dense = resample_closed([contour], 4 * len(contour))
    nearest = cKDTree(dense[0]).query(points)[1]
    away = points - dense[0][nearest]
    outside = (away * outward_normals(dense)[0][nearest]).sum(axis=-1) > 0.0
    distance = lengths(away)
    return np.where(outside, distance, -distance)


def outward_normals(contours: FloatArray) -> FloatArray:
    """Return (n, m, 2) unit normals pointing out of counter-clockwise contours."""
    along = following(contours) - preceding(contours)
    length = np.maximum(lengths(along), 1e-12)
    normal = np.empty(along.shape)
    np.divide(along[..., 1], length, out=normal[..., 0])
    np.divide(along[..., 0], -length, out=normal[..., 1])
    return normal


def curvatures_per_mm(contours: FloatArray) -> FloatArray:
    """Return (n, m) curvature, positive where the contour bulges out."""
    before, after = preceding(contours), following(contours)
    first = (after - before) / 2.0
    second = after - 2.0 * contours + before
    speed = np.maximum(lengths(first), 1e-6)
    turn = first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
    result: FloatArray = turn / (speed * speed * speed)
    return result
