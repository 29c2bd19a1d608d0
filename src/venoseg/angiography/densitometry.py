"""Areas relative to a healthy section, from the amount of contrast medium across the vein.

Opacity added up across a vein is proportional to the area of its lumen, whatever its shape, where
contrast medium is mixed evenly, equally concentrated at both places, and the vein runs equally
slanted to the rays. Nothing in one view shows whether that is so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gamma

from venoseg.angiography.edges import Edges
from venoseg.angiography.lesions import Lesion
from venoseg.angiography.profile_shapes import profile_shape
from venoseg.angiography.projection import Projection
from venoseg.volume import FloatArray

ASSUMPTION = (
    "densitometric: contrast medium mixed evenly and equally concentrated at the lesion and the "
    "reference, the vein equally slanted to the rays; mm2: the reference section assumed circular"
)

_BESIDE = 1.0
_LEAST_STATIONS = 8
# Sides that differ by more than this share are not equally filled, or not equally wide.
_ALIKE = 0.35


@dataclass(frozen=True, slots=True)
class RelativeArea:
    """The area of a lesion's narrowest section against the vein beside it.

    Attributes
    ----------
    relative_area
        Lesion over reference; None where it cannot be told.
    area_mm2_assumed_circular
        The same times the area of a circle as wide as the reference; None without millimetres.
    reason
        Why there is none.
    """

    relative_area: float | None
    area_mm2_assumed_circular: float | None
    reason: str


def integrated_opacity(edges: Edges) -> FloatArray:
    """Return (n,) opacity summed across the vein, in pixels, scatter taken off."""
    p = edges.exponent
    share = gamma(1 + 1 / p) * gamma(1.5) / gamma(1.5 + 1 / p)
    shape = profile_shape(2.0, edges.look.scatter)
    opacity = shape.true_opacity(np.maximum(edges.amplitude, 0.0))
    total: FloatArray = opacity * edges.width_px * share
    return total


def relative_area(projection: Projection, lesion: Lesion, *, densitometric: bool) -> RelativeArea:
    """Return the area at a lesion relative to the healthy vein on both sides.

    ``densitometric`` says whether the picture shows amounts: it is subtracted, and not made for
    display.
    """
    if not densitometric:
        return _none("amounts of contrast medium are not known: unsubtracted, or made for display")
    if lesion.occluded:
        return _none("occluded")
    sides = _sides(projection, lesion)
    if len(sides) < 2:
        return _none("no healthy vein of a width's length on both sides")
    amount = integrated_opacity(projection.edges)
    before, after = (float(np.median(amount[side])) for side in sides)
    if abs(before - after) > _ALIKE * max(before, after):
        return _none("the vein on the two sides is not equally filled")
    at = projection.position_px
    places = [float(at[side].mean()) for side in sides]
    reference = float(np.interp(at[lesion.smallest], places, [before, after]))
    ratio = float(amount[lesion.smallest]) / reference
    in_mm = projection.diameters_mm()
    area = None
    if in_mm is not None:
        widths = [float(np.median(in_mm[0][side])) for side in sides]
        width = float(np.interp(at[lesion.smallest], places, widths))
        area = ratio * np.pi / 4 * width**2
    return RelativeArea(ratio, area, "")


def _sides(projection: Projection, lesion: Lesion) -> list[FloatArray]:
    """Return the stations of the healthy vein on either side, a width long, that are like one."""
    diameter = projection.diameter_px
    width = max(int(_BESIDE * float(np.nanmax(diameter))), _LEAST_STATIONS)
    sound = np.array(
        [
            state == "patent" and flag == ""
            for state, flag in zip(projection.state, projection.flags, strict=True)
        ]
    )
    ranges = (
        np.arange(lesion.start - width - 1, lesion.start - 1),
        np.arange(lesion.stop + 2, lesion.stop + width + 2),
    )
    there = [part[(part >= 0) & (part < len(diameter))] for part in ranges]
    usable = [part[sound[part]] for part in there]
    return [part for part in usable if len(part) >= max(width // 2, _LEAST_STATIONS)]


def _none(reason: str) -> RelativeArea:
    return RelativeArea(None, None, reason)
