"""Lumbar spine, sacrum, pelvis and hips, as far as a reader needs them to know where he is."""

from __future__ import annotations

import numpy as np

from venoseg.phantom.body import Common, Grown, Shape, Union, Without
from venoseg.phantom.scene import Layer
from venoseg.phantom.solids import Ellipsoid, HalfSpace, Texture
from venoseg.phantom.tube import Tube

CORTEX_HU = 650.0
_CORTEX_MM = 2.0
_DISC_HU = 75.0

# Midpoints of the vertebral bodies L1 to L5 (y, z) and half the height of a body.
_BODIES = ((31.0, 134.0), (29.0, 100.0), (29.0, 66.0), (31.0, 32.0), (34.0, -2.0))
_HALF_HEIGHT_MM = 13.0


def skeleton(random: np.random.Generator) -> tuple[Layer, ...]:
    """Return discs, then cortical bone, then the spongy bone inside it."""
    seed = int(random.integers(1 << 30))
    bones: list[Shape] = [*_vertebrae(), _sacrum()]
    for side in (-1.0, 1.0):
        bones += [*_hip(side), _femur(side)]
    spongy = Texture(210.0, 45.0, 7.0, seed)
    return (
        Layer(_discs(), _DISC_HU),
        *(Layer(bone, CORTEX_HU, part_mm=1.0) for bone in bones),
        *(Layer(Grown(bone, -_CORTEX_MM), spongy, part_mm=1.0) for bone in bones),
        Layer(_canal(), 15.0, part_mm=1.0),
    )


def _vertebrae() -> list[Shape]:
    bones: list[Shape] = []
    for y, z in _BODIES:
        ends = [(0.0, y, z + _HALF_HEIGHT_MM), (0.0, y, z), (0.0, y, z - _HALF_HEIGHT_MM)]
        bones.append(Tube.plain(ends, [25.0, 22.5, 25.5], [18.0, 16.5, 18.5]))
        bones.append(Ellipsoid((0.0, y + 46.0, z - 8.0), (4.0, 16.0, 11.0)))
        for side in (-1.0, 1.0):
            bones.append(Ellipsoid((side * 14.0, y + 22.0, z + 4.0), (5.0, 10.0, 7.0)))
            bones.append(Ellipsoid((side * 33.0, y + 26.0, z + 3.0), (19.0, 4.0, 5.0), side * 10))
            bones.append(Ellipsoid((side * 15.0, y + 34.0, z - 8.0), (7.0, 8.0, 14.0)))
            bones.append(Ellipsoid((side * 8.0, y + 36.0, z - 4.0), (10.0, 3.5, 10.0), side * -35))
    return bones


def _discs() -> Shape:
    (top_y, top_z), (low_y, low_z) = _BODIES[0], (38.0, -30.0)
    middles = [(0.0, y, z) for y, z in _BODIES]
    points = [(0.0, top_y, top_z + 12.0), *middles, (0.0, low_y, low_z)]
    return Tube.plain(points, 24.0, 17.0)


def _sacrum() -> Shape:
    course = [(0.0, 39.0, -26.0), (0.0, 56.0, -48.0), (0.0, 76.0, -82.0), (0.0, 84.0, -118.0)]
    return Tube.plain(
        [*course, (0.0, 76.0, -142.0)], [48.0, 46.0, 34.0, 20.0, 8.0], [17.0, 15.0, 11.0, 8.0, 5.0]
    )


def _canal() -> Shape:
    middles = [(0.0, y + 26.0, z) for y, z in _BODIES]
    return Tube.plain([(0.0, 57.0, 150.0), *middles, (0.0, 74.0, -45.0)], 9.0, 7.5)


def _hip(side: float) -> list[Shape]:
    """Iliac wing as a piece of a shell, hip socket, and the two rami to the symphysis."""
    # A bowl whose hollow looks forward and inward; the plane cuts off all but its outer back part.
    outer = Ellipsoid((side * 52.0, -28.0, -60.0), (88.0, 98.0, 108.0), side * 10.0)
    inner = Grown(outer, -9.0)
    wing = Common(
        (
            Without(outer, inner),
            HalfSpace((side * 62.0, 0.0, 0.0), (-side * 0.93, -0.30, 0.0)),
            HalfSpace((0.0, 0.0, 22.0), (0.0, -0.35, 1.0)),
            HalfSpace((0.0, 0.0, -128.0), (0.0, 0.0, -1.0)),
            HalfSpace((0.0, -26.0, -30.0), (0.0, -1.0, -0.35)),
            HalfSpace((0.0, 66.0, 0.0), (0.0, 1.0, 0.0)),
        )
    )
    socket = Without(
        Ellipsoid((side * 92.0, 4.0, -158.0), (33.0, 34.0, 38.0)),
        Ellipsoid((side * 96.0, -4.0, -172.0), (27.0, 27.0, 27.0)),
    )
    upper = Tube.plain(
        [(side * 66.0, -14.0, -150.0), (side * 40.0, -44.0, -165.0), (side * 4.0, -52.0, -178.0)],
        [10.0, 7.0, 8.0],
        [9.0, 7.0, 16.0],
    )
    lower = Tube.plain(
        [(side * 78.0, 28.0, -165.0), (side * 64.0, 30.0, -195.0), (side * 40.0, 0.0, -215.0)],
        [14.0, 13.0, 9.0],
        [12.0, 12.0, 7.0],
    )
    return [wing, socket, upper, lower]


def _femur(side: float) -> Shape:
    head = Ellipsoid((side * 96.0, -4.0, -172.0), (23.5, 23.5, 23.5))
    neck = Tube.plain(
        [(side * 98.0, -3.0, -174.0), (side * 122.0, 6.0, -196.0), (side * 134.0, 10.0, -226.0)],
        [13.0, 14.0, 17.0],
        [13.0, 13.0, 16.0],
    )
    return Union((head, neck))
