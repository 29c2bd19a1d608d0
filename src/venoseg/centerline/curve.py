"""Smooth curves in the patient, with a frame that does not twist."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.linalg import solveh_banded

from venoseg.errors import MeasurementError
from venoseg.volume import FloatArray

# A smoothing spline suppresses detail below about this length and keeps curvature above it; the
# penalty is its fourth power (Silverman 1984, doi:10.1214/aos/1176346710).
SMOOTHING_LENGTH_MM = 4.0

_LEAST_POINTS = 8

# Points in one place count as this far apart: a spline that smooths needs them in a row.
_LEAST_APART_MM = 1e-3

# A cubic smoothing spline is not defined for fewer points.
LEAST_SPLINE_POINTS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A curve sampled at n stations.

    Attributes
    ----------
    position_mm
        (n,) arc length from the central end.
    points_lps_mm
        (n, 3).
    tangents
        (n, 3) unit vectors pointing peripherally.
    across, upward
        (n, 3) unit vectors that span the plane across the curve. They start out as the patient's
        left and the patient's front or head and are carried along without twist.
    """

    position_mm: FloatArray
    points_lps_mm: FloatArray
    tangents: FloatArray
    across: FloatArray
    upward: FloatArray

    def __len__(self) -> int:
        return len(self.position_mm)

    @property
    def length_mm(self) -> float:
        """Arc length between the first and the last station."""
        return float(self.position_mm[-1] - self.position_mm[0])

    @property
    def step_mm(self) -> float:
        """Distance of neighbouring stations, of which there must be two."""
        return float(self.position_mm[1] - self.position_mm[0])

    def part(self, keep: slice) -> Curve:
        """Return the stations of ``keep``; positions stay as they are."""
        return Curve(
            self.position_mm[keep],
            self.points_lps_mm[keep],
            self.tangents[keep],
            self.across[keep],
            self.upward[keep],
        )


def chord_lengths_mm(points_lps_mm: FloatArray) -> FloatArray:
    """Return (n,) the running length of a polyline of (n, 3) points."""
    steps = np.linalg.norm(np.diff(points_lps_mm, axis=0), axis=1)
    return np.concatenate([[0.0], np.cumsum(steps)])


def resample(points_lps_mm: FloatArray, step_mm: float) -> FloatArray:
    """Return points about ``step_mm`` apart on the polyline, its ends included."""
    length = chord_lengths_mm(points_lps_mm)
    distinct = np.concatenate([[True], np.diff(length) > 1e-9])
    length, points = length[distinct], points_lps_mm[distinct]
    if len(points) < 2:
        raise MeasurementError("a centerline of a single point has no direction")
    count = max(_LEAST_POINTS, round(length[-1] / step_mm) + 1)
    at = np.linspace(0.0, length[-1], count)
    return np.column_stack([np.interp(at, length, points[:, axis]) for axis in range(3)])


def smooth(
    points_lps_mm: FloatArray,
    weights: FloatArray | None = None,
    smoothing_length_mm: float = SMOOTHING_LENGTH_MM,
) -> FloatArray:
    """Smooth a polyline with a cubic smoothing spline.

    Parameters
    ----------
    points_lps_mm
        (n, 3), at least 5, in order.
    weights
        (n,) confidence of each point, 1 is a good one; points of weight near 0 are bridged.
    smoothing_length_mm
        Detail shorter than this is suppressed.

    Returns
    -------
    FloatArray
        (n, 3) points on the smooth curve, one for each given one.
    """
    steps = np.linalg.norm(np.diff(points_lps_mm, axis=0), axis=1)
    at = np.concatenate([[0.0], np.cumsum(np.maximum(steps, _LEAST_APART_MM))])
    penalty = smoothing_length_mm**4 / steps.mean()
    weight = np.ones(len(at)) if weights is None else np.maximum(weights, 1e-4)
    return _smoothing_spline(at, points_lps_mm, penalty / weight)


def _smoothing_spline(at: FloatArray, values: FloatArray, give: FloatArray) -> FloatArray:
    """Return what a cubic smoothing spline is at its knots, by its bends there.

    Each bend draws the knot and its two neighbours, and the bends are those of what the knots are
    drawn to (Reinsch 1967, doi:10.1007/BF02162161).

    Parameters
    ----------
    at
        (n,) where the knots are, increasing.
    values
        (n, k) given there.
    give
        (n,) the penalty of the spline's squared bend over the weight of each value.
    """
    step = np.diff(at)
    before, after = 1.0 / step[:-1], 1.0 / step[1:]
    middle = -(before + after)
    own = before**2 * give[:-2] + middle**2 * give[1:-1] + after**2 * give[2:]
    beside = after[:-1] * middle[1:] * give[2:-1] + middle[:-1] * before[1:] * give[1:-2]
    band = np.zeros((3, len(middle)))
    band[0] = (step[:-1] + step[1:]) / 3.0 + own
    band[1, :-1] = step[1:-1] / 6.0 + beside
    band[2, :-2] = after[:-2] * before[2:] * give[2:-2]
    bend = solveh_banded(band, np.diff(np.diff(values, axis=0) / step[:, None], axis=0), lower=True)
    drawn = np.zeros_like(values)
    for first, share in enumerate((before, middle, after)):
        drawn[first : first + len(bend)] += share[:, None] * bend
    smooth: FloatArray = values - give[:, None] * drawn
    return smooth


def curve_through(points_lps_mm: FloatArray, step_mm: float) -> Curve:
    """Return stations every ``step_mm`` on an interpolating cubic spline through the points.

    The last station is the last one that fits before the end of the points.

    Raises
    ------
    MeasurementError
        When the points span less than one step.
    """
    dense = resample(points_lps_mm, min(step_mm, 1.0))
    spline = CubicSpline(chord_lengths_mm(dense), dense)
    fine_at = np.linspace(spline.x[0], spline.x[-1], 4 * len(dense))
    arc = chord_lengths_mm(spline(fine_at))
    position = np.arange(0.0, arc[-1] + 1e-6, step_mm)
    if len(position) < 2:
        raise MeasurementError(
            f"the vein is only {arc[-1]:.1f} mm long, shorter than two stations",
            remedy="check the labels, or measure with a smaller step",
        )
    at = np.interp(position, arc, fine_at)
    points = spline(at)
    tangents = spline(at, 1)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    across, upward = carry_frame(points, tangents)
    return Curve(position, points, tangents, across, upward)


def carry_frame(points_lps_mm: FloatArray, tangents: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Carry a frame along a curve by double reflection (Wang 2008, doi:10.1145/1330511.1330513).

    Parameters
    ----------
    points_lps_mm, tangents
        (n, 3) each.

    Returns
    -------
    tuple
        ``across`` and ``upward``, (n, 3) unit vectors perpendicular to the tangents. At the first
        point they are as near as can be to the patient's left and to the front (head, where the
        curve runs from front to back).
    """
    first = tangents[0]
    left = np.array([1.0, 0.0, 0.0]) if abs(first[0]) < 0.9 else np.array([0.0, -1.0, 0.0])
    across = np.empty_like(tangents)
    across[0] = left - first * (left @ first)
    across[0] /= np.linalg.norm(across[0])
    onward = _reflections(points_lps_mm, tangents)
    for n in range(len(onward)):
        np.dot(onward[n], across[n], out=across[n + 1])
    across -= tangents * np.einsum("ij,ij->i", tangents, across)[:, None]
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    upward = np.cross(across, tangents)
    facing = np.array([0.0, -1.0, 0.0]) if abs(first[1]) < 0.9 else np.array([0.0, 0.0, 1.0])
    if upward[0] @ facing < 0:
        upward = -upward
    return across, upward


def _reflections(points_lps_mm: FloatArray, tangents: FloatArray) -> FloatArray:
    """Return (n - 1, 3, 3) matrices that carry a vector from each of n points to the next."""
    steps = np.diff(points_lps_mm, axis=0)
    first = _mirrors(steps)
    reflected = np.einsum("nij,nj->ni", first, tangents[:-1])
    return _mirrors(tangents[1:] - reflected) @ first


def _mirrors(normals: FloatArray) -> FloatArray:
    """Return (n, 3, 3) reflections at the planes with these (n, 3) normals of any length."""
    squared = np.maximum(np.einsum("ij,ij->i", normals, normals), 1e-18)
    outer = normals[:, :, None] * normals[:, None, :]
    mirrors: FloatArray = np.eye(3) - 2.0 * outer / squared[:, None, None]
    return mirrors
