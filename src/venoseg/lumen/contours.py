"""Closed contours in a plane and what is measured on them.

Throughout, a batch of contours is an array (n, m, 2): n contours of m points in millimetres, in
order, counter-clockwise, the last point joined to the first. A contour of NaN gives NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from venoseg.volume import FloatArray

# Widths are taken in this many directions over half a turn: the greatest is right within 0.02 %.
_DIRECTIONS = 90

# As many support lines make a polygon whose area is that of a circle to 0.1 %.
_SUPPORT_LINES = 64

# The least width of a slit changes quickly with the direction. It is sought again this many times
# between the neighbours of the best direction so far, each time in steps a quarter as wide.
_NARROWING_ROUNDS = 3
_NARROWING_STEPS = np.linspace(-1.0, 1.0, 9)

# The largest inscribed circle is sought on grids of this many candidates, this many times finer.
_SEARCH_ROUNDS = 6
_SEARCH_STEPS = np.linspace(-1.0, 1.0, 5)
_SEARCH_GRID = np.stack(np.meshgrid(_SEARCH_STEPS, _SEARCH_STEPS), axis=-1).reshape(-1, 2)


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


def measure_shapes(contours: FloatArray) -> Shapes:
    """Measure a batch of contours (n, m, 2)."""
    area, centroid = area_and_centroid(contours)
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


def area_and_centroid(contours: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (n,) signed areas, positive when counter-clockwise, and (n, 2) centres of area."""
    x, y = contours[..., 0], contours[..., 1]
    x_next, y_next = np.roll(x, -1, axis=-1), np.roll(y, -1, axis=-1)
    cross = x * y_next - x_next * y
    area = cross.sum(axis=-1) / 2.0
    safe = np.where(np.abs(area) > 1e-12, area, np.nan)
    centroid = np.stack(
        [
            ((x + x_next) * cross).sum(axis=-1) / (6.0 * safe),
            ((y + y_next) * cross).sum(axis=-1) / (6.0 * safe),
        ],
        axis=-1,
    )
    return area, centroid


def perimeters_mm(contours: FloatArray) -> FloatArray:
    """Return (n,) lengths of the closed contours."""
    steps = np.roll(contours, -1, axis=-2) - contours
    length: FloatArray = np.hypot(steps[..., 0], steps[..., 1]).sum(axis=-1)
    return length


def feret_diameters_mm(contours: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return (n,) least width, greatest width, and the direction of the least in radians."""
    step = np.pi / _DIRECTIONS
    angle = np.arange(_DIRECTIONS) * step
    width = _widths(contours, np.broadcast_to(angle, (len(contours), _DIRECTIONS)))
    best, least = _least(width, np.broadcast_to(angle, width.shape))
    for _ in range(_NARROWING_ROUNDS):
        around = best[:, None] + _NARROWING_STEPS * step
        best, least = _least(_widths(contours, around), around)
        step *= float(_NARROWING_STEPS[1] - _NARROWING_STEPS[0])
    return least, width.max(axis=1), best % np.pi


def solidity(contours: FloatArray) -> FloatArray:
    """Return (n,) the share of their convex hull that contours fill (scikit-image's name).

    The hull is the polygon of its support lines in `_SUPPORT_LINES` directions.
    """
    step = 2.0 * np.pi / _SUPPORT_LINES
    angle = np.arange(_SUPPORT_LINES) * step
    directions = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    support = (directions @ contours.transpose(0, 2, 1)).max(axis=2)
    ahead, behind = np.roll(support, -1, axis=1), np.roll(support, 1, axis=1)
    side = (ahead + behind - 2.0 * np.cos(step) * support) / np.sin(step)
    hull = 0.5 * (support * side).sum(axis=1)
    share: FloatArray = area_and_centroid(contours)[0] / np.maximum(hull, 1e-9)
    return share


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


def inscribed_diameters_mm(contours: FloatArray, start: FloatArray) -> FloatArray:
    """Return (n,) diameters of the largest circle inside each contour.

    Parameters
    ----------
    contours
        (n, m, 2).
    start
        (n, 2) points inside. The search looks at ever finer grids, first over the whole contour,
        then around the best centre so far.
    """
    lowest, highest = contours.min(axis=1), contours.max(axis=1)
    around, half = (lowest + highest) / 2.0, (highest - lowest) / 2.0
    edges = _Edges.of(contours)
    best, clearance = start, _clearance(edges, start[:, None, :])[:, 0]
    rows = np.arange(len(contours))
    for _ in range(_SEARCH_ROUNDS):
        candidates = around[:, None, :] + _SEARCH_GRID * half[:, None, :]
        room = _clearance(edges, candidates)
        winner = np.argmax(room, axis=1)
        better = room[rows, winner] > clearance
        best = np.where(better[:, None], candidates[rows, winner], best)
        clearance = np.where(better, room[rows, winner], clearance)
        around, half = best, half * 0.4
    return 2.0 * clearance


@dataclass(frozen=True, slots=True, eq=False)
class _Edges:
    """The edges of n contours, each array (n, m, 2) or (n, m): unit vectors along and out."""

    starts: FloatArray
    along: FloatArray
    outward: FloatArray
    length: FloatArray
    corner_outward: FloatArray

    @classmethod
    def of(cls, contours: FloatArray) -> _Edges:
        edge = np.roll(contours, -1, axis=1) - contours
        length = np.hypot(edge[..., 0], edge[..., 1])
        along = edge / np.maximum(length, 1e-12)[..., None]
        outward = np.stack([along[..., 1], -along[..., 0]], axis=-1)
        # The sum of both edges' normals tells inside from outside at any corner.
        return cls(contours, along, outward, length, outward + np.roll(outward, 1, axis=1))


def _clearance(edges: _Edges, points: FloatArray) -> FloatArray:
    """Return (n, c) the distance of (n, c, 2) points to their contour, negative outside."""
    across = _components(edges, edges.outward, points)
    ahead = _components(edges, edges.along, points)
    beyond = ahead - np.clip(ahead, 0.0, edges.length[:, None, :])
    squared = across**2 + beyond**2
    nearest = np.argmin(squared, axis=2)
    rows, columns = np.arange(len(points))[:, None], np.arange(points.shape[1])[None, :]
    past = beyond[rows, columns, nearest]
    corner = np.where(past > 0, (nearest + 1) % edges.length.shape[1], nearest)
    at_corner = points - edges.starts[rows, corner]
    side = np.where(
        past == 0.0,
        across[rows, columns, nearest],
        (at_corner * edges.corner_outward[rows, corner]).sum(axis=-1),
    )
    signed: FloatArray = -np.sign(side) * np.sqrt(squared[rows, columns, nearest])
    return signed


def _components(edges: _Edges, directions: FloatArray, points: FloatArray) -> FloatArray:
    """Return (n, c, m) how far (n, c, 2) points lie from the edges' starts along directions."""
    offset = (edges.starts * directions).sum(axis=-1)
    component: FloatArray = points @ directions.transpose(0, 2, 1) - offset[:, None, :]
    return component


def resample_closed(contour: FloatArray, count: int, centre: FloatArray) -> FloatArray:
    """Return ``count`` points equally spaced along one closed contour (k, 2).

    The first lies in the direction of the first axis from ``centre``, and the contour is turned
    counter-clockwise.
    """
    closed = np.vstack([contour, contour[:1]])
    steps = np.diff(closed, axis=0)
    length = np.concatenate([[0.0], np.cumsum(np.hypot(steps[:, 0], steps[:, 1]))])
    x, y = closed[:-1, 0] - centre[0], closed[:-1, 1] - centre[1]
    signed = (x * np.roll(y, -1) - np.roll(x, -1) * y).sum()
    ahead = np.argmin(np.abs(np.arctan2(y, x)))
    at = (length[ahead] + np.arange(count) * (length[-1] / count)) % length[-1]
    points = np.column_stack([np.interp(at, length, closed[:, axis]) for axis in range(2)])
    return points if signed > 0 else np.vstack([points[:1], points[:0:-1]])


def outward_normals(contours: FloatArray) -> FloatArray:
    """Return (n, m, 2) unit normals pointing out of counter-clockwise contours."""
    along = np.roll(contours, -1, axis=1) - np.roll(contours, 1, axis=1)
    normal = np.stack([along[..., 1], -along[..., 0]], axis=-1)
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    result: FloatArray = normal / np.maximum(length, 1e-12)
    return result


def curvatures_per_mm(contours: FloatArray) -> FloatArray:
    """Return (n, m) curvature, positive where the contour bulges out."""
    before, after = np.roll(contours, 1, axis=1), np.roll(contours, -1, axis=1)
    first = (after - before) / 2.0
    second = after - 2.0 * contours + before
    speed = np.maximum((first**2).sum(axis=-1), 1e-12)
    turn = first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
    result: FloatArray = turn / speed**1.5
    return result
