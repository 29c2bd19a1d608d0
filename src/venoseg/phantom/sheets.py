"""Sheets of tissue that divide a vein's lumen lengthwise, as old thrombosis leaves them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from venoseg.phantom.tube import Tube
from venoseg.volume import FloatArray

# Points on the arc of a lumen, directions in which its widths are taken, places where the middle of
# the largest circle inside is sought.
_ARC, _DIRECTIONS, _MIDDLES = 200, 180, 200

# How far a sheet reaches beyond the vein it divides.
_BEYOND_MM = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A flat sheet across a tube, its normal along the first axis of the tube's ellipses.

    Attributes
    ----------
    host
        What it divides.
    start_mm, stop_mm
        From where to where, in arc lengths of the host.
    thickness_mm
        Of the sheet.
    aside_mm
        How far its middle lies from the host's.
    """

    host: Tube
    start_mm: float
    stop_mm: float
    thickness_mm: float
    aside_mm: float = 0.0

    def bounds(self) -> FloatArray:
        """Return the (2, 3) smallest and largest LPS coordinates that it can reach."""
        return self.host.bounds()

    def distance(self, points_lps_mm: FloatArray) -> FloatArray:
        """Return (n,) signed distances in mm of (n, 3) points, negative inside."""
        wall, position = self.host.locate(points_lps_mm)
        at = np.clip(position, 0.0, self.host.curve.length_mm)
        first, second = self.host.curve.axes_at(at)
        known, profile = self.host.curve.positions_mm, self.host.profile
        angle = np.interp(at, known, profile.angle_rad)[:, None]
        normal = np.cos(angle) * first + np.sin(angle) * second
        away = np.einsum("ij,ij->i", points_lps_mm - self.host.curve.at(at), normal)
        across = np.abs(away - self.aside_mm) - self.thickness_mm / 2.0
        along = np.maximum(self.start_mm - position, position - self.stop_mm)
        inside: FloatArray = np.maximum(np.maximum(across, along), wall - _BEYOND_MM)
        return inside

    def covers(self, position_mm: float) -> bool:
        """Tell whether it lies in the section at an arc length of the host."""
        return self.start_mm <= position_mm <= self.stop_mm


@dataclass(frozen=True, slots=True)
class Channel:
    """The section of a lumen beside a sheet; in mm and mm2."""

    area_mm2: float
    perimeter_mm: float
    minimum_mm: float
    maximum_mm: float
    inscribed_mm: float


def channels_beside(sheet: Sheet, first_mm: float, second_mm: float) -> tuple[Channel, ...]:
    """Return the parts of an ellipse on either side of a sheet; fewer where it reaches its rim."""
    half = sheet.thickness_mm / 2.0
    near = (sheet.aside_mm + half, -sheet.aside_mm + half)
    return tuple(_channel(edge, first_mm, second_mm) for edge in near if abs(edge) < first_mm)


def _channel(edge_mm: float, first_mm: float, second_mm: float) -> Channel:
    """Measure the part of an ellipse with first coordinate above ``edge_mm``."""
    widest = np.arccos(edge_mm / first_mm)
    turn = np.linspace(-widest, widest, _ARC)
    outline = np.stack([first_mm * np.cos(turn), second_mm * np.sin(turn)], axis=-1)
    share = edge_mm / first_mm
    area = first_mm * second_mm * (widest - share * np.sqrt(1.0 - share**2))
    around = np.linalg.norm(outline - np.roll(outline, 1, axis=0), axis=1).sum()
    angle = np.arange(_DIRECTIONS) * np.pi / _DIRECTIONS
    along = outline @ np.stack([np.cos(angle), np.sin(angle)])
    widths = np.ptp(along, axis=0)
    inside = _inscribed(outline, edge_mm, first_mm)
    return Channel(float(area), float(around), float(widths.min()), float(widths.max()), inside)


def _inscribed(outline: FloatArray, edge_mm: float, first_mm: float) -> float:
    """Return the diameter of the largest circle beside the edge, its middle on the first axis."""
    middle = np.linspace(edge_mm, first_mm, _MIDDLES)
    from_arc = np.hypot(outline[:, 0] - middle[:, None], outline[:, 1]).min(axis=1)
    return float(2.0 * np.minimum(middle - edge_mm, from_arc).max())
