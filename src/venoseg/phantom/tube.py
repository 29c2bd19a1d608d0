"""Vessels as tubes: a centreline with an elliptic cross-section at every point of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from venoseg.phantom.curve import Curve
from venoseg.volume import FloatArray

Cap = Literal["flat", "round"]
Reason = Literal["occluded", "channels"]

# Up to this share of the radius the implicit function is turned into a distance by its gradient,
# beyond it by a bound that never exceeds the true distance.
_NEAR = 0.25

# The nearest sample is first sought among every so many, then by walking along the tangent.
_COARSE = 10
_WALKS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """Elliptic cross-sections, one per sample of the curve they belong to.

    Attributes
    ----------
    first_mm, second_mm
        (n,) semi-axes of the lumen; at angle 0 along the curve's first and second axis.
    angle_rad
        (n,) rotation of the ellipse from the curve's axes.
    healthy_area_mm2
        (n,) area that the lumen would have without any lesion.
    """

    first_mm: FloatArray
    second_mm: FloatArray
    angle_rad: FloatArray
    healthy_area_mm2: FloatArray

    @classmethod
    def along(
        cls,
        curve: Curve,
        positions_mm: npt.ArrayLike,
        first_mm: npt.ArrayLike,
        second_mm: npt.ArrayLike,
        angle_rad: npt.ArrayLike = 0.0,
    ) -> Profile:
        """Run smoothly (monotone cubic) through semi-axes given at some positions.

        ``first_mm``, ``second_mm`` and ``angle_rad`` are single numbers or one per position.
        """
        where = np.atleast_1d(np.asarray(positions_mm, dtype=np.float64))
        first = _smooth(curve.positions_mm, where, first_mm)
        second = _smooth(curve.positions_mm, where, second_mm)
        angle = _smooth(curve.positions_mm, where, angle_rad)
        return cls(first, second, angle, np.pi * first * second)


def _smooth(at: FloatArray, where: FloatArray, values: npt.ArrayLike) -> FloatArray:
    from scipy.interpolate import PchipInterpolator

    known = np.broadcast_to(np.asarray(values, dtype=np.float64), where.shape)
    if len(where) == 1 or np.ptp(known) == 0:
        return np.full(len(at), float(known[0]))
    inside = np.clip(at, where[0], where[-1])
    result: FloatArray = PchipInterpolator(where, known)(inside)
    return result


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a tube that is one vein of the contract, from its central end.

    ``name`` is the vein; ``start_mm`` and ``stop_mm`` are arc lengths of the tube.
    """

    name: str
    start_mm: float
    stop_mm: float


@dataclass(frozen=True, slots=True)
class Absence:
    """A stretch of a tube that has no lumen of its own, between two arc lengths.

    ``reason`` is ``occluded``, or ``channels`` where other tubes of the same vein run in its place
    (two stents side by side, the strands of a trabeculated vein).
    """

    start_mm: float
    stop_mm: float
    reason: Reason = "occluded"


@dataclass(frozen=True, slots=True, eq=False)
class Tube:
    """A vessel's lumen with known truth; may hold several veins one after the other.

    Attributes
    ----------
    curve, profile
        Centreline and cross-sections.
    spans
        The veins along it; empty for another vessel (a collateral, an artery).
    central_cap, peripheral_cap
        ``round`` where the tube ends inside another one, ``flat`` where it is simply cut.
    absent
        Stretches without a lumen.
    """

    curve: Curve
    profile: Profile
    spans: tuple[Span, ...] = ()
    central_cap: Cap = "flat"
    peripheral_cap: Cap = "flat"
    absent: tuple[Absence, ...] = ()
    _tree: Any = field(init=False, repr=False)
    _samples: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        from scipy.spatial import cKDTree

        curve, profile = self.curve, self.profile
        cosine, sine = np.cos(profile.angle_rad)[:, None], np.sin(profile.angle_rad)[:, None]
        step = curve.length_mm / (len(curve.points_lps_mm) - 1)
        columns = (
            curve.points_lps_mm,
            curve.tangents,
            cosine * curve.first_axes + sine * curve.second_axes,
            cosine * curve.second_axes - sine * curve.first_axes,
            profile.first_mm[:, None],
            profile.second_mm[:, None],
            np.gradient(profile.first_mm, step)[:, None],
            np.gradient(profile.second_mm, step)[:, None],
            curve.positions_mm[:, None],
        )
        object.__setattr__(self, "_samples", np.hstack(columns))
        object.__setattr__(self, "_tree", cKDTree(curve.points_lps_mm[::_COARSE]))

    @classmethod
    def plain(
        cls,
        points_lps_mm: npt.ArrayLike,
        first_mm: Sequence[float] | float,
        second_mm: Sequence[float] | float,
        *,
        cap: Cap = "flat",
    ) -> Tube:
        """Return a tube through (m, 3) points that is no vein of the contract.

        The semi-axes are single numbers, or some that are spread evenly along its length.
        """
        curve = Curve.through(points_lps_mm)
        count = max(np.size(first_mm), np.size(second_mm))
        where = np.linspace(0.0, curve.length_mm, count)
        profile = Profile.along(curve, where, first_mm, second_mm)
        return cls(curve, profile, central_cap=cap, peripheral_cap=cap)

    @property
    def widest_mm(self) -> float:
        """The largest semi-axis."""
        return float(max(self.profile.first_mm.max(), self.profile.second_mm.max()))

    def bounds(self) -> FloatArray:
        """Return the (2, 3) smallest and largest LPS coordinates that the tube can reach."""
        points = self.curve.points_lps_mm
        return np.array([points.min(axis=0) - self.widest_mm, points.max(axis=0) + self.widest_mm])

    def distance(self, points_lps_mm: FloatArray) -> FloatArray:
        """Return the (n,) signed distance in mm of (n, 3) points to the lumen's surface.

        Negative inside. Right to first order at the surface; away from it never larger in
        magnitude than the true distance, so that it may be used to skip whole blocks.
        """
        return self.locate(points_lps_mm)[0]

    def locate(self, points_lps_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return (n,) signed distances as `distance` and (n,) arc lengths of (n, 3) points.

        An arc length below 0 or above the length lies beyond that end.
        """
        sample = self._nearest_sample(points_lps_mm)
        offset = points_lps_mm - sample[:, 0:3]
        ahead = np.einsum("ij,ij->i", offset, sample[:, 3:6])
        x = np.einsum("ij,ij->i", offset, sample[:, 6:9])
        y = np.einsum("ij,ij->i", offset, sample[:, 9:12])
        position = sample[:, 16] + ahead
        length = self.curve.length_mm
        slid = np.where((position < 0) | (position > length), 0.0, ahead)
        a = np.maximum(sample[:, 12] + sample[:, 14] * slid, 1e-3)
        b = np.maximum(sample[:, 13] + sample[:, 15] * slid, 1e-3)
        before, behind = np.maximum(-position, 0.0), np.maximum(position - length, 0.0)
        rounded = before * (self.central_cap == "round") + behind * (self.peripheral_cap == "round")
        distance = _ellipse_distance(x, y, rounded, a, b)
        if self.central_cap == "flat":
            distance = np.maximum(distance, -position)
        if self.peripheral_cap == "flat":
            distance = np.maximum(distance, position - length)
        for gap in self.absent:
            inside_gap = np.minimum(position - gap.start_mm, gap.stop_mm - position)
            distance = np.maximum(distance, inside_gap)
        return distance, position

    def _nearest_sample(self, points_lps_mm: FloatArray) -> FloatArray:
        first = self._tree.query(points_lps_mm)[1] * _COARSE
        index = first
        last = len(self._samples) - 1
        step = self.curve.length_mm / last
        for _ in range(_WALKS):
            here = self._samples[index, :6]
            ahead = np.einsum("ij,ij->i", points_lps_mm - here[:, :3], here[:, 3:])
            index = np.clip(index + np.rint(ahead / step).astype(np.int64), 0, last)
        # In a bend tighter than the vessel is wide the walk can lead astray.
        found = self._samples[index, :3] - points_lps_mm
        began = self._samples[first, :3] - points_lps_mm
        nearer = np.einsum("ij,ij->i", found, found) <= np.einsum("ij,ij->i", began, began)
        sample: FloatArray = self._samples[np.where(nearer, index, first)]
        return sample


def _ellipse_distance(
    x: FloatArray, y: FloatArray, z: FloatArray, a: FloatArray, b: FloatArray
) -> FloatArray:
    """Distance to an ellipse (with a rounded end over ``z``) from its implicit function."""
    small = np.minimum(a, b)
    value = np.sqrt((x / a) ** 2 + (y / b) ** 2 + (z / small) ** 2)
    slope = np.sqrt((x / a**2) ** 2 + (y / b**2) ** 2 + (z / small**2) ** 2)
    slope = np.maximum(slope / np.maximum(value, 1e-9), 1e-9)
    level = value - 1.0
    far = np.minimum(np.abs(level) / _NEAR, 1.0)
    distance: FloatArray = level * ((1.0 - far) / slope + far * small)
    return distance
