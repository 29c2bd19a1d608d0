"""Smooth centrelines with a frame that does not twist."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from venoseg.errors import UsageError
from venoseg.volume import FloatArray

STEP_MM = 0.1
"""Distance of the samples that stand for a curve; straight pieces between them are off by less than
a thousandth of a millimetre for any vessel."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A smooth curve in the patient, sampled densely and evenly along its length.

    Attributes
    ----------
    points_lps_mm
        (n, 3), LPS mm, about every `STEP_MM`, from the central to the peripheral end.
    tangents
        (n, 3) unit vectors pointing peripherally.
    first_axes, second_axes
        (n, 3) unit vectors across the curve, carried along it without twist (parallel transport).
    length_mm
        Arc length.
    """

    points_lps_mm: FloatArray
    tangents: FloatArray
    first_axes: FloatArray
    second_axes: FloatArray
    length_mm: float
    positions_mm: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        positions = np.linspace(0.0, self.length_mm, len(self.points_lps_mm))
        object.__setattr__(self, "positions_mm", positions)

    @classmethod
    def through(
        cls, control_points: npt.ArrayLike, *, first_axis: npt.ArrayLike = (1.0, 0.0, 0.0)
    ) -> Curve:
        """Lay a natural cubic spline through (m, 3) points in LPS mm, m >= 2.

        Parameters
        ----------
        control_points
            From the central to the peripheral end.
        first_axis
            The first axis of the frame at the central end is this vector, made perpendicular to the
            curve; by default the patient's left.

        Raises
        ------
        UsageError
            When two neighbouring points coincide or there are fewer than two.
        """
        controls = np.asarray(control_points, dtype=np.float64)
        chords = np.linalg.norm(np.diff(controls, axis=0), axis=1)
        if len(controls) < 2 or chords.min() <= 0:
            raise UsageError("a vessel needs at least two different points")
        points, length = _even_spline(controls, chords)
        tangents = np.gradient(points, length / (len(points) - 1), axis=0, edge_order=2)
        tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
        first = _transport(tangents, np.asarray(first_axis, dtype=np.float64))
        return cls(points, tangents, first, np.cross(tangents, first), length)

    def at(self, positions_mm: npt.ArrayLike) -> FloatArray:
        """Return (..., 3) points in LPS mm at arc lengths from the central end."""
        return self._sampled(self.points_lps_mm, positions_mm)

    def tangent_at(self, positions_mm: npt.ArrayLike) -> FloatArray:
        """Return (..., 3) unit tangents at arc lengths from the central end."""
        tangents = self._sampled(self.tangents, positions_mm)
        unit: FloatArray = tangents / np.linalg.norm(tangents, axis=-1, keepdims=True)
        return unit

    def axes_at(self, positions_mm: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return the two (..., 3) axes across the curve at arc lengths from the central end."""
        first = self._sampled(self.first_axes, positions_mm)
        second = self._sampled(self.second_axes, positions_mm)
        return first, second

    def _sampled(self, values: FloatArray, positions_mm: npt.ArrayLike) -> FloatArray:
        positions = np.asarray(positions_mm, dtype=np.float64)
        columns = [np.interp(positions, self.positions_mm, values[:, axis]) for axis in range(3)]
        return np.stack(columns, axis=-1)


def _even_spline(controls: FloatArray, chords: FloatArray) -> tuple[FloatArray, float]:
    from scipy.interpolate import CubicSpline

    knots = np.concatenate([[0.0], np.cumsum(chords)])
    spline = CubicSpline(knots, controls, bc_type="natural")
    fine = np.linspace(0.0, knots[-1], max(int(knots[-1] / (STEP_MM / 4)), 64))
    steps = np.linalg.norm(np.diff(spline(fine), axis=0), axis=1)
    arc = np.concatenate([[0.0], np.cumsum(steps)])
    length = float(arc[-1])
    even = np.linspace(0.0, length, max(round(length / STEP_MM), 8) + 1)
    points: FloatArray = spline(np.interp(even, arc, fine))
    return points, length


def _transport(tangents: FloatArray, start: FloatArray) -> FloatArray:
    """Carry ``start`` along the tangents by the smallest rotation from each to the next."""
    axes = np.empty_like(tangents)
    axis = start - (start @ tangents[0]) * tangents[0]
    if np.linalg.norm(axis) < 1e-6:
        axis = np.cross(tangents[0], [0.0, 1.0, 0.0])
    for index, tangent in enumerate(tangents):
        axis = axis - (axis @ tangent) * tangent
        axis /= np.linalg.norm(axis)
        axes[index] = axis
    return axes
