"""Simple bodies: what the surroundings of the veins are put together from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from venoseg.volume import FloatArray

_WAVES = 6

Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """An ellipsoid with its axes along the patient's, turned about the z axis.

    ``centre`` in LPS mm, ``radii_mm`` along its own x, y and z, ``turn_deg`` from x towards y.
    """

    centre: Point
    radii_mm: Point
    turn_deg: float = 0.0

    def bounds(self) -> FloatArray:
        """Return the (2, 3) smallest and largest LPS coordinates."""
        wide = max(self.radii_mm[:2])
        reach = np.array([wide, wide, self.radii_mm[2]])
        return np.array([np.array(self.centre) - reach, np.array(self.centre) + reach])

    def distance(self, points_lps_mm: FloatArray) -> FloatArray:
        """Return (n,) signed distances of (n, 3) points, to first order at the surface."""
        cosine, sine = np.cos(np.radians(self.turn_deg)), np.sin(np.radians(self.turn_deg))
        x, y, z = (points_lps_mm - np.array(self.centre)).T
        own = np.stack([cosine * x + sine * y, cosine * y - sine * x, z], axis=1)
        scaled = own / np.array(self.radii_mm)
        value = np.maximum(np.linalg.norm(scaled, axis=1), 1e-9)
        slope = np.linalg.norm(scaled / np.array(self.radii_mm), axis=1) / value
        level = value - 1.0
        far = np.minimum(np.abs(level) / 0.25, 1.0)
        near_mm = level / np.maximum(slope, 1e-9)
        distance: FloatArray = (1 - far) * near_mm + far * level * min(self.radii_mm)
        return distance


@dataclass(frozen=True, slots=True)
class Box:
    """A box along the patient's axes with rounded edges, e.g. the table."""

    low: Point
    high: Point
    rounding_mm: float = 2.0

    def bounds(self) -> FloatArray:
        """Return the (2, 3) smallest and largest LPS coordinates."""
        return np.array([self.low, self.high])

    def distance(self, points_lps_mm: FloatArray) -> FloatArray:
        """Return (n,) signed distances of (n, 3) points."""
        middle, half = np.add(self.low, self.high) / 2, np.subtract(self.high, self.low) / 2
        beyond = np.abs(points_lps_mm - middle) - (half - self.rounding_mm)
        outside = np.linalg.norm(np.maximum(beyond, 0.0), axis=1)
        distance: FloatArray = outside + np.minimum(beyond.max(axis=1), 0.0) - self.rounding_mm
        return distance


@dataclass(frozen=True, slots=True)
class HalfSpace:
    """Everything on the far side of a plane: the normal points out of it."""

    point: Point
    normal: Point

    def bounds(self) -> FloatArray:
        """Return the (2, 3) smallest and largest LPS coordinates: it has none."""
        return np.array([[-np.inf] * 3, [np.inf] * 3])

    def distance(self, points_lps_mm: FloatArray) -> FloatArray:
        """Return (n,) signed distances of (n, 3) points."""
        normal = np.array(self.normal) / np.linalg.norm(self.normal)
        distance: FloatArray = (points_lps_mm - np.array(self.point)) @ normal
        return distance


@dataclass(frozen=True, slots=True, eq=False)
class Texture:
    """A grey value that varies smoothly from place to place, as in spongy bone or bowel.

    Attributes
    ----------
    mean_hu, spread_hu
        Mean and standard deviation.
    grain_mm
        Wavelength of the variation.
    seed
        Of its pattern.
    """

    mean_hu: float
    spread_hu: float
    grain_mm: float
    seed: int = 0
    waves: FloatArray = field(init=False, repr=False)
    phases: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        random = np.random.Generator(np.random.PCG64(self.seed))
        directions = random.standard_normal((_WAVES, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        length = self.grain_mm * random.uniform(0.7, 1.5, (_WAVES, 1))
        object.__setattr__(self, "waves", 2 * np.pi * directions / length)
        object.__setattr__(self, "phases", random.uniform(0, 2 * np.pi, _WAVES))

    def __call__(self, points_lps_mm: FloatArray) -> FloatArray:
        """Return (n,) HU at (n, 3) points."""
        pattern = np.sin(points_lps_mm @ self.waves.T + self.phases).sum(axis=1) / np.sqrt(
            _WAVES / 2
        )
        result: FloatArray = self.mean_hu + self.spread_hu * pattern
        return result
