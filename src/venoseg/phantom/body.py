"""Bodies known by the signed distance to their surface, and how to join, grow and cut them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from venoseg.volume import FloatArray

# Beyond this distance from a shape's bounds its exact distance does not matter to a union.
_NEAR_MM = 5.0


class Shape(Protocol):
    """A body in the patient, known by the signed distance to its surface."""

    def bounds(self) -> FloatArray:
        """Return the (2, 3) smallest and largest LPS coordinates."""
        ...

    def distance(self, points_lps_mm: FloatArray) -> FloatArray:
        """Return (n,) signed distances in mm of (n, 3) points, negative inside.

        Right to first order at the surface, elsewhere never larger than the truth.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Union:
    """Several shapes as one, their crotches filled by a fillet.

    ``fillet_mm`` is the distance over which two surfaces blend; 0 leaves the crotch sharp.
    """

    shapes: tuple[Shape, ...]
    fillet_mm: float = 0.0

    def bounds(self) -> FloatArray:
        """Return the (2, 3) smallest and largest LPS coordinates."""
        boxes = np.array([shape.bounds() for shape in self.shapes])
        return np.array([boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)])

    def distance(self, points_lps_mm: FloatArray) -> FloatArray:
        """Return (n,) signed distances of (n, 3) points."""
        total = bounded_distance(self.shapes[0], points_lps_mm)
        for shape in self.shapes[1:]:
            total = self._joined(total, bounded_distance(shape, points_lps_mm))
        return total

    def _joined(self, first: FloatArray, second: FloatArray) -> FloatArray:
        nearest: FloatArray = np.minimum(first, second)
        if self.fillet_mm == 0:
            return nearest
        overlap = np.maximum(self.fillet_mm - np.abs(first - second), 0.0)
        return np.asarray(nearest - overlap**2 / (4 * self.fillet_mm), dtype=np.float64)


def bounded_distance(shape: Shape, points_lps_mm: FloatArray) -> FloatArray:
    """Return distances to a shape; far from its bounds those to the bounds, which are smaller."""
    low, high = shape.bounds()
    beyond = np.maximum(low - points_lps_mm, points_lps_mm - high).max(axis=1)
    near = beyond < _NEAR_MM
    distance: FloatArray = np.maximum(beyond, 0.0)
    if near.any():
        distance[near] = shape.distance(points_lps_mm[near])
    return distance


@dataclass(frozen=True, slots=True, eq=False)
class Grown:
    """A shape grown outwards by ``by_mm``, e.g. a vessel's wall around its lumen."""

    shape: Shape
    by_mm: float

    def bounds(self) -> FloatArray:
        """Return the (2, 3) smallest and largest LPS coordinates."""
        grown: FloatArray = self.shape.bounds() + np.array([[-self.by_mm], [self.by_mm]])
        return grown

    def distance(self, points_lps_mm: FloatArray) -> FloatArray:
        """Return (n,) signed distances of (n, 3) points."""
        return self.shape.distance(points_lps_mm) - self.by_mm


@dataclass(frozen=True, slots=True, eq=False)
class Common:
    """What lies inside every one of some shapes."""

    shapes: tuple[Shape, ...]

    def bounds(self) -> FloatArray:
        """Return the (2, 3) smallest and largest LPS coordinates."""
        boxes = np.array([shape.bounds() for shape in self.shapes])
        return np.array([boxes[:, 0].max(axis=0), boxes[:, 1].min(axis=0)])

    def distance(self, points_lps_mm: FloatArray) -> FloatArray:
        """Return (n,) signed distances of (n, 3) points."""
        distances = [shape.distance(points_lps_mm) for shape in self.shapes]
        deepest: FloatArray = np.max(distances, axis=0)
        return deepest


@dataclass(frozen=True, slots=True, eq=False)
class Without:
    """A shape with others taken out of it."""

    shape: Shape
    removed: Shape

    def bounds(self) -> FloatArray:
        """Return the (2, 3) smallest and largest LPS coordinates."""
        return self.shape.bounds()

    def distance(self, points_lps_mm: FloatArray) -> FloatArray:
        """Return (n,) signed distances of (n, 3) points."""
        removed = self.removed.distance(points_lps_mm)
        return np.maximum(self.shape.distance(points_lps_mm), -removed)
