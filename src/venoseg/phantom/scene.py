"""What a digital twin consists of: shapes with grey values, and the veins whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from venoseg.phantom.tube import Tube
from venoseg.volume import FloatArray

GreyValue = float | Callable[[FloatArray], FloatArray]
"""HU of a shape: one number, or a function of (n, 3) LPS points that gives (n,) numbers."""


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
        total = _bounded_distance(self.shapes[0], points_lps_mm)
        for shape in self.shapes[1:]:
            total = self._joined(total, _bounded_distance(shape, points_lps_mm))
        return total

    def _joined(self, first: FloatArray, second: FloatArray) -> FloatArray:
        nearest: FloatArray = np.minimum(first, second)
        if self.fillet_mm == 0:
            return nearest
        overlap = np.maximum(self.fillet_mm - np.abs(first - second), 0.0)
        return np.asarray(nearest - overlap**2 / (4 * self.fillet_mm), dtype=np.float64)


def _bounded_distance(shape: Shape, points_lps_mm: FloatArray) -> FloatArray:
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
class Layer:
    """A shape and its grey value; later layers of a scene cover earlier ones.

    ``part_mm`` is the size of the parts into which its boundary voxels are divided.
    """

    shape: Shape
    hu: GreyValue
    part_mm: float = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A digital twin before any machine has looked at it.

    Attributes
    ----------
    name
        What it shows.
    tubes
        The veins with known truth; their union is the ideal mask.
    before, after
        Layers painted before and after the veins' lumen: surroundings, then what lies inside.
    lumen_hu, background_hu
        Grey values of the veins' lumen and of everything that no layer covers.
    fillet_mm
        How far the surfaces of two joining veins blend.
    """

    name: str
    tubes: tuple[Tube, ...]
    before: tuple[Layer, ...] = ()
    after: tuple[Layer, ...] = ()
    lumen_hu: GreyValue = 150.0
    background_hu: float = 50.0
    fillet_mm: float = 0.0

    def lumen(self) -> Union:
        """Return the lumen of all veins as one shape."""
        return Union(self.tubes, self.fillet_mm)

    def layers(self) -> tuple[Layer, ...]:
        """Return all layers in the order in which they are painted."""
        return (*self.before, Layer(self.lumen(), self.lumen_hu), *self.after)
