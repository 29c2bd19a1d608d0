"""The arteries beside the veins: they touch them, at nearly the same grey value."""

from __future__ import annotations

import numpy as np

from venoseg.phantom.body import Union
from venoseg.phantom.curve import Curve
from venoseg.phantom.scene import Layer
from venoseg.phantom.tube import Profile, Tube

WALL_HU = 45.0

_AORTA = ((4.0, -10.0, 155.0), (9.0, -14.0, 100.0), (12.0, -14.0, 55.0), (13.0, -13.0, 18.0))
# Before the left common iliac vein, just left of the confluence: the May-Thurner point.
_RIGHT = (
    (10.0, -9.5, -6.0),
    (3.0, -7.0, -22.0),
    (-18.0, -2.0, -42.0),
    (-48.0, 3.0, -68.0),
    (-72.0, -8.0, -98.0),
    (-79.0, -32.0, -128.0),
    (-78.0, -53.0, -156.0),
    (-74.0, -62.0, -195.0),
)
_LEFT = (
    (23.0, -10.0, -4.0),
    (36.0, -5.0, -24.0),
    (50.0, 3.0, -52.0),
    (64.0, 1.0, -78.0),
    (75.0, -11.0, -104.0),
    (80.0, -34.0, -130.0),
    (78.0, -53.0, -156.0),
    (74.0, -62.0, -195.0),
)


def aorta_and_iliacs(random: np.random.Generator, hu: float = 160.0) -> tuple[Layer, ...]:
    """Return wall and lumen of the aorta and both iliac arteries."""
    move = random.uniform(-1.0, 1.0, 3)
    aorta = Curve.through(np.array(_AORTA) + move)
    fork = aorta.points_lps_mm[-1]
    tubes = [_tube(aorta, 9.5, 8.5, 9.0)]
    for course in (_LEFT, _RIGHT):
        curve = Curve.through(np.array([fork, *(np.array(course) + move)]))
        tubes.append(_tube(curve, 6.0, 4.6, 4.2))
    walls = [_thicker(tube, 1.2) for tube in tubes]
    return Layer(Union(tuple(walls), 2.0), WALL_HU), Layer(Union(tuple(tubes), 2.0), hu)


def _tube(curve: Curve, first_mm: float, middle_mm: float, last_mm: float) -> Tube:
    where = np.array([0.0, 0.5, 1.0]) * curve.length_mm
    radius = np.array([first_mm, middle_mm, last_mm])
    profile = Profile.along(curve, where, radius, radius)
    return Tube(curve, profile, central_cap="round", peripheral_cap="round")


def _thicker(tube: Tube, by_mm: float) -> Tube:
    profile = Profile.along(
        tube.curve,
        tube.curve.positions_mm,
        tube.profile.first_mm + by_mm,
        tube.profile.second_mm + by_mm,
    )
    return Tube(tube.curve, profile, central_cap="round", peripheral_cap="round")
