"""The largest circle inside a closed contour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from venoseg.lumen.geometry.rings import following, lengths, middles, preceding, products
from venoseg.volume import FloatArray

# The largest inscribed circle is sought on a grid of so many candidates along either axis, then on
# ever finer ones: first among every so many of the corners, at last among all.
_SEARCH_STEPS = (7, 5, 5, 5, 5, 5, 5)
_SEARCH_STRIDES = (2, 2, 2, 2, 1, 1, 1)


def _square(steps: int) -> FloatArray:
    """Return (steps**2, 2) places of a grid over the square from -1 to 1."""
    line = np.linspace(-1.0, 1.0, steps)
    return np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)


_SEARCH_GRIDS = tuple(map(_square, _SEARCH_STEPS))


def inscribed_diameters_mm(contours: FloatArray, start: FloatArray) -> FloatArray:
    """Return (n,) diameters of the largest circle inside each contour.

    Parameters
    ----------
    contours
        (n, m, 2).
    start
        (n, 2) points inside. The search looks at ever finer grids along and across the contour,
        first over all of it, then around the best centre so far.
    """
    axes = _principal_axes(contours)
    contours, start = contours @ axes, (start[:, None, :] @ axes)[:, 0]
    # Extremes along rows of memory are found in a fraction of the time.
    beside = np.ascontiguousarray(contours.transpose(0, 2, 1))
    lowest, highest = beside.min(axis=2), beside.max(axis=2)
    around, half = (lowest + highest) / 2.0, (highest - lowest) / 2.0
    corners = {stride: _Corners.of(contours[:, ::stride]) for stride in set(_SEARCH_STRIDES)}
    best, room, asked = start, np.empty(0, dtype=np.float32), 0
    rows = np.arange(len(contours))
    for grid, stride in zip(_SEARCH_GRIDS, _SEARCH_STRIDES, strict=True):
        if stride != asked:
            # Fewer corners leave more room: only what the same ones leave can be compared.
            room, asked = corners[stride].clearance(best[:, None, :])[:, 0], stride
        candidates = around[:, None, :] + grid * half[:, None, :]
        found = corners[stride].clearance(candidates)
        winner = np.argmax(found, axis=1)
        better = found[rows, winner] > room
        best = np.where(better[:, None], candidates[rows, winner], best)
        room = np.where(better, found[rows, winner], room)
        around, half = best, half * 0.4
    return 2.0 * np.where(room > 0.0, _distance_to_edges(contours, best), room)


@dataclass(frozen=True, slots=True, eq=False)
class _Corners:
    """The corners of n contours: where they lie, and which way is out, (n, m, 2) each.

    Kept beside them is what the distance to them is told from: (n, 3, m) less twice where they lie,
    and their square distances from the origin.
    """

    points: npt.NDArray[np.float32]
    outward: npt.NDArray[np.float32]
    factors: npt.NDArray[np.float32]

    @classmethod
    def of(cls, contours: FloatArray) -> _Corners:
        # The normals of both edges together tell inside from outside at any corner.
        ahead = _unit(following(contours) - contours)
        along = ahead + preceding(ahead)
        outward = np.stack([along[..., 1], -along[..., 0]], axis=-1)
        points = contours.astype(np.float32)
        squares = products(points, points)[:, None]
        factors = np.concatenate([-2.0 * points.transpose(0, 2, 1), squares], axis=1)
        return cls(points, outward.astype(np.float32), factors)

    def clearance(self, places: FloatArray) -> npt.NDArray[np.float32]:
        """Return (n, c) the distance of (n, c, 2) places to the nearest corner, negative outside.

        Corners are so close together that this tells as well as the distance to the edges which
        place has the most room around it.
        """
        at = places.astype(np.float32)
        # But for the square of the place's own distance from the origin, alike for all corners.
        squared = np.concatenate([at, np.ones_like(at[..., :1])], axis=2) @ self.factors
        nearest = np.argmin(squared, axis=2)
        rows = np.arange(len(at))[:, None]
        beyond = at - self.points[rows, nearest]
        side = products(beyond, self.outward[rows, nearest])
        signed: npt.NDArray[np.float32] = -np.copysign(lengths(beyond), side)
        return signed


def _distance_to_edges(contours: FloatArray, points: FloatArray) -> FloatArray:
    """Return (n,) the distance of (n, 2) points to the edges of their contour."""
    edge = following(contours) - contours
    offset = points[:, None, :] - contours
    squared = np.maximum(lengths(edge) ** 2, 1e-24)
    share = np.clip(products(offset, edge) / squared, 0.0, 1.0)
    nearest = offset - share[..., None] * edge
    distance: FloatArray = lengths(nearest).min(axis=1)
    return distance


def _principal_axes(contours: FloatArray) -> FloatArray:
    """Return (n, 2, 2) rotations whose columns are the long and the short axis of each contour."""
    x, y = np.moveaxis(contours - middles(contours), -1, 0)
    turn = 0.5 * np.arctan2(2.0 * (x * y).sum(axis=1), (x**2 - y**2).sum(axis=1))
    cosine, sine = np.cos(turn), np.sin(turn)
    axes: FloatArray = np.stack([cosine, -sine, sine, cosine], axis=-1).reshape(-1, 2, 2)
    return axes


def _unit(vectors: FloatArray) -> FloatArray:
    unit: FloatArray = vectors / np.maximum(lengths(vectors), 1e-12)[..., None]
    return unit
