"""Where on a contour its least and its greatest width lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from venoseg.volume import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Caliper:
    """A width as a caliper takes it: two parallel jaws that hold the contour between them.

    Attributes
    ----------
    ends_mm
        (2, 2) the ends of the line across, in (across, upward) mm.
    jaw
        (2,) unit vector along the jaws.
    """

    ends_mm: FloatArray
    jaw: FloatArray

    @property
    def width_mm(self) -> float:
        """Distance of the jaws."""
        return float(np.linalg.norm(self.ends_mm[1] - self.ends_mm[0]))


def least_width(contour_mm: FloatArray, angle_rad: float) -> Caliper:
    """Return the width of one contour (m, 2) in a direction, between the places it touches."""
    direction = np.array([np.cos(angle_rad), np.sin(angle_rad)])
    jaw = np.array([-direction[1], direction[0]])
    along, beside = contour_mm @ direction, contour_mm @ jaw
    touching = (beside[np.argmin(along)] + beside[np.argmax(along)]) / 2.0
    ends = np.array([along.min(), along.max()])[:, None] * direction + touching * jaw
    return Caliper(ends, jaw)


def greatest_width(contour_mm: FloatArray) -> Caliper:
    """Return the width of one contour (m, 2) between the two points farthest apart."""
    distance = np.linalg.norm(contour_mm[:, None] - contour_mm[None], axis=-1)
    first, second = np.unravel_index(np.argmax(distance), distance.shape)
    ends = contour_mm[[first, second]]
    direction = (ends[1] - ends[0]) / max(float(distance.max()), 1e-9)
    return Caliper(ends, np.array([-direction[1], direction[0]]))
