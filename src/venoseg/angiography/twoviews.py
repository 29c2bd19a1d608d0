"""The area of a vein from its widths in two views.

Two widths do not fix an ellipse: one number is missing, and flat veins can look alike from two
sides. Of all ellipses that show both widths the roundest is the estimate; the interval spans all
that are no flatter than is assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from venoseg.errors import MeasurementError
from venoseg.volume import FloatArray

FLATTEST = 4.0
"""Longest over shortest axis that a vein is assumed to have at most."""

# Views closer together than this say nearly the same.
_LEAST_APART_DEGREES = 30.0
_STEPS = 2001


@dataclass(frozen=True, slots=True)
class Width:
    """A projected width in the patient and the half width of its 95 % interval."""

    mm: float
    half_mm: float


@dataclass(frozen=True, slots=True)
class EllipseArea:
    """Area and axes of the roundest ellipse that two views allow.

    Attributes
    ----------
    area_mm2, low_mm2, high_mm2
        Of that ellipse, and least and greatest of all that are assumed possible.
    shortest_mm, longest_mm
        Its axes.
    assumption
        In words.
    """

    area_mm2: float
    low_mm2: float
    high_mm2: float
    shortest_mm: float
    longest_mm: float
    assumption: str


def area_from_two_views(
    first: Width, second: Width, apart_degrees: float, flattest: float = FLATTEST
) -> EllipseArea:
    """Return the area of an elliptic vein from its widths in two views.

    An ellipse whose axes are the square roots of the eigenvalues of a matrix M shows the half width
    ``sqrt(u M u)`` along a unit vector u. Two widths give two of the three numbers in M.

    Parameters
    ----------
    first, second
        Widths at the same place of the vein, each seen across the vein.
    apart_degrees
        Angle between the two rays, both perpendicular to the vein.
    flattest
        Longest over shortest axis that is thought possible.

    Raises
    ------
    MeasurementError
        When the views are too much alike, a width is missing, or no ellipse so round shows both.
    """
    apart = np.deg2rad(apart_degrees % 180.0)
    if np.sin(apart) < np.sin(np.deg2rad(_LEAST_APART_DEGREES)):
        raise MeasurementError(
            f"the two views are less than {_LEAST_APART_DEGREES:.0f} degrees apart",
            remedy="take a second view from farther aside",
        )
    if not (first.mm > 0 and second.mm > 0):
        raise MeasurementError("a width is missing in one of the two views")
    short, long = _axes(first.mm, second.mm, float(apart))
    roundest = int((long / short).argmin())
    if long[roundest] / short[roundest] > flattest:
        raise MeasurementError(
            f"no ellipse rounder than {flattest:g} to 1 shows both widths",
            remedy="check that both widths belong to the same place of the vein",
        )
    areas = []
    for one, two in product(_ends(first), _ends(second)):
        shorter, longer = _axes(one, two, float(apart))
        areas.append((np.pi / 4 * shorter * longer)[longer <= flattest * shorter])
    possible = np.concatenate(areas)
    area = float(np.pi / 4 * short[roundest] * long[roundest])
    return EllipseArea(
        area,
        min(area, float(possible.min())),
        max(area, float(possible.max())),
        float(short[roundest]),
        float(long[roundest]),
        f"elliptic section, both views perpendicular to the vein, axes at most {flattest:g} to 1",
    )


def _ends(width: Width) -> tuple[float, float, float]:
    least = max(width.mm - width.half_mm, 1e-3 * width.mm)
    return least, width.mm, width.mm + width.half_mm


def _axes(first_mm: float, second_mm: float, apart: float) -> tuple[FloatArray, FloatArray]:
    """Return (n,) shortest and longest axes of the ellipses that show both widths."""
    p, q = first_mm**2 / 4, second_mm**2 / 4
    mixed = np.linspace(-1.0, 1.0, _STEPS)[1:-1] * np.sqrt(p * q)
    # With rows along the first view's direction: M = ((p, y), (y, z)).
    y = (mixed - p * np.cos(apart)) / np.sin(apart)
    z = (q - p * np.cos(apart) ** 2 - 2 * y * np.cos(apart) * np.sin(apart)) / np.sin(apart) ** 2
    middle, spread = (p + z) / 2, np.hypot((p - z) / 2, y)
    short = 2 * np.sqrt(np.maximum(middle - spread, 1e-12))
    return short, 2 * np.sqrt(middle + spread)
