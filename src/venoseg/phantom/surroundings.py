"""Everything around the veins that is neither bone nor vessel, and the scene of a whole abdomen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from venoseg.phantom.arteries import aorta_and_iliacs
from venoseg.phantom.body import Grown, Shape, Union
from venoseg.phantom.curve import Curve
from venoseg.phantom.scene import Layer, Scene
from venoseg.phantom.skeleton import skeleton
from venoseg.phantom.solids import Box, Ellipsoid, Point, Texture
from venoseg.phantom.tube import Profile, Tube

AIR_HU = -1000.0
FAT_HU = -100.0
MUSCLE_HU = 58.0
VEIN_WALL_HU = 45.0

RENAL_Z_MM = 112.0
"""Height at which the renal veins open into the cava: between its supra- and infrarenal part."""

RIGHT_LOWER_MM = 3.0
"""So much lower than the left renal vein the right one opens."""

_RENAL_HU = 160.0
_ILIACUS = ((88.0, 34.0, 5.0), (94.0, 18.0, -50.0), (94.0, -8.0, -110.0))
_TOP_MM, _BOTTOM_MM = 260.0, -330.0


def in_body(scene: Scene, seed: int = 0, *, renal: bool = True) -> Scene:
    """Put a scene's veins into an abdomen and pelvis: outline, fat, muscle, bone, gut, arteries.

    Layers that the scene already has stay, between the surroundings and the lumen. ``renal`` adds
    the renal veins, which open into the scene's first tube at `RENAL_Z_MM`.
    """
    return placed_in(scene, body(seed), renal=renal)


def body(seed: int = 0) -> tuple[Layer, ...]:
    """Return one patient's tissues and arteries, whatever veins are put among them."""
    random = np.random.Generator(np.random.PCG64([seed, 1]))
    return (
        *_outline(random),
        *_muscles(),
        *skeleton(random),
        *_organs(random),
        *_bowel(random),
        *aorta_and_iliacs(random),
    )


def placed_in(scene: Scene, tissues: tuple[Layer, ...], *, renal: bool = True) -> Scene:
    """Put a scene's veins, with their walls, among the tissues of a patient, as `in_body` does."""
    wall = Layer(Grown(Union(scene.tubes, scene.fillet_mm), 0.8), VEIN_WALL_HU)
    kidneys = _renal_veins(scene) if renal else ()
    before = (*tissues, wall, *kidneys, *scene.before)
    return replace(scene, before=before, background_hu=AIR_HU)


def _renal_veins(scene: Scene) -> tuple[Layer, ...]:
    """Return the renal veins: the left one passes between aorta and bowel, the right one is short.

    They open into the scene's first vessel, which is not changed by them.
    """
    cava = scene.tubes[0].curve.points_lps_mm
    x, y, z = (float(value) for value in cava[np.argmin(np.abs(cava[:, 2] - RENAL_Z_MM))])
    before_aorta = [(10.0, -29.0, z + 1.0), (30.0, -18.0, z + 1.0), (44.0, 8.0, z), (60.0, 28.0, z)]
    left = [(x + 4.0, y - 2.0, z), (x + 15.0, y - 17.0, z), *before_aorta]
    right = [
        (x - 4.0, y + 1.0, z - RIGHT_LOWER_MM),
        (x - 20.0, y + 14.0, z - 6.0),
        (-60.0, 28.0, z - 9.0),
    ]
    veins = _rounded(left, [5.2, 4.6, 5.4], [4.6, 3.4, 5.0]), _rounded(right, 5.4, 4.8)
    walls = (Layer(Grown(vein, 0.8), VEIN_WALL_HU) for vein in veins)
    return (*walls, *(Layer(vein, _RENAL_HU) for vein in veins))


def _upright(y_mm: float, first_mm: float, second_mm: float) -> Tube:
    curve = Curve.through([(0.0, y_mm, _TOP_MM), (0.0, y_mm, _BOTTOM_MM)])
    where = np.array([0.0, 0.45, 0.75, 1.0]) * curve.length_mm
    shape = np.array([0.97, 0.95, 1.06, 1.04])
    return Tube(curve, Profile.along(curve, where, first_mm * shape, second_mm * shape[::-1]))


def _outline(random: np.random.Generator) -> tuple[Layer, ...]:
    """Skin, fat under the skin, the muscular wall, the fat inside it, and the table."""
    size = random.uniform(0.97, 1.03)
    body = _upright(12.0, 168.0 * size, 112.0 * size)
    wall = _upright(16.0, 140.0 * size, 90.0 * size)
    table = Box((-220.0, 138.0, _BOTTOM_MM), (220.0, 150.0, _TOP_MM))
    return (
        Layer(table, 40.0, part_mm=2.0),
        Layer(Grown(table, -3.0), -850.0, part_mm=2.0),
        Layer(body, 20.0, part_mm=2.0),
        Layer(Grown(body, -2.0), Texture(FAT_HU, 6.0, 9.0, 3), part_mm=2.0),
        Layer(wall, MUSCLE_HU, part_mm=2.0),
        Layer(Grown(wall, -13.0), Texture(FAT_HU, 7.0, 8.0, 4), part_mm=2.0),
    )


def _rounded(
    points: list[Point], first_mm: Sequence[float] | float, second_mm: Sequence[float] | float
) -> Tube:
    return Tube.plain(points, first_mm, second_mm, cap="round")


def _muscles() -> tuple[Layer, ...]:
    bodies: list[Shape] = []
    for side in (-1.0, 1.0):
        psoas = [(side * 30.0, 34.0, 150.0), (side * 40.0, 32.0, 80.0), (side * 52.0, 28.0, 10.0)]
        groin = [(side * 72.0, 16.0, -70.0), (side * 88.0, -22.0, -130.0)]
        bodies.append(
            _rounded(
                [*psoas, *groin, (side * 96.0, -36.0, -185.0)],
                [9.0, 15.0, 20.0, 19.0, 15.0, 12.0],
                [8.0, 14.0, 18.0, 17.0, 14.0, 12.0],
            )
        )
        back = [(side * 32.0, 84.0, 200.0), (side * 34.0, 82.0, 60.0), (side * 28.0, 92.0, -60.0)]
        bodies.append(_rounded(back, [28.0, 30.0, 18.0], [20.0, 21.0, 12.0]))
        bodies.append(_rounded([(side * 68.0, 60.0, 150.0), (side * 72.0, 56.0, 10.0)], 20.0, 12.0))
        iliacus = [(side * x, y, z) for x, y, z in _ILIACUS]
        bodies.append(_rounded(iliacus, [12.0, 16.0, 14.0], [10.0, 14.0, 12.0]))
        bodies.append(Ellipsoid((side * 85.0, 82.0, -110.0), (62.0, 30.0, 105.0), side * -25.0))
        bodies.append(Ellipsoid((side * 122.0, 34.0, -100.0), (20.0, 46.0, 85.0), side * 12.0))
        bodies.append(Ellipsoid((side * 27.0, -66.0, 0.0), (25.0, 8.0, 240.0), side * 8.0))
    grain = Texture(MUSCLE_HU, 4.0, 6.0, 5)
    return tuple(Layer(body, grain, part_mm=1.0) for body in bodies)


def _organs(random: np.random.Generator) -> tuple[Layer, ...]:
    """Kidneys with their fat, the tip of the liver, and the bladder."""
    layers: list[Layer] = []
    for side, z in ((-1.0, 96.0), (1.0, 106.0)):
        z = z + float(random.uniform(-4, 4))
        kidney = Ellipsoid((side * 76.0, 42.0, z), (27.0, 30.0, 56.0), side * 35.0)
        sinus = Ellipsoid((side * 64.0, 32.0, z), (12.0, 14.0, 24.0), side * 35.0)
        layers += [Layer(kidney, 185.0, part_mm=1.0), Layer(sinus, -40.0, part_mm=1.0)]
    liver = Ellipsoid((-92.0, -14.0, 160.0), (52.0, 62.0, 78.0))
    layers.append(Layer(liver, Texture(112.0, 4.0, 10.0, 6), part_mm=1.0))
    layers.append(Layer(Ellipsoid((0.0, -28.0, -160.0), (42.0, 34.0, 32.0)), 45.0, part_mm=1.0))
    layers.append(Layer(Ellipsoid((0.0, -28.0, -160.0), (39.0, 31.0, 29.0)), 6.0, part_mm=1.0))
    return tuple(layers)


def _bowel(random: np.random.Generator) -> tuple[Layer, ...]:
    """Loops of small bowel, and both sides of the colon with gas."""
    layers: list[Layer] = []
    for _ in range(16):
        x, y, z = random.uniform((-78, -62, -110), (78, -42, 120))
        loop = [(x, y, z)]
        for _ in range(3):
            x, y, z = np.clip(
                np.array([x, y, z]) + random.uniform(-34, 34, 3), (-92, -64, -125), (92, -36, 130)
            )
            loop.append((float(x), float(y), float(z)))
        layers += _hollow(loop, float(random.uniform(10, 14)), float(random.uniform(15, 45)))
    for side in (-1.0, 1.0):
        z = np.linspace(120.0, -60.0, 8)
        wave = random.uniform(-5, 5, (8, 2))
        colon = [(side * 108.0 + a, -8.0 + b, float(h)) for (a, b), h in zip(wave, z, strict=True)]
        layers += _hollow(colon, 21.0, 25.0, gas=True)
    return tuple(layers)


def _hollow(points: list[Point], radius_mm: float, hu: float, *, gas: bool = False) -> list[Layer]:
    wall = _rounded(points, radius_mm, radius_mm * 0.85)
    layers = [
        Layer(wall, 85.0, part_mm=1.0),
        Layer(Grown(wall, -2.5), Texture(hu, 18.0, 12.0, round(radius_mm * 100)), part_mm=1.0),
    ]
    if gas:
        # Gas collects at the front, as the patient lies on the back.
        raised = [(x, y - 6.0, z) for x, y, z in points]
        bubble = _rounded(raised, radius_mm - 6.0, radius_mm - 10.0)
        layers.append(Layer(bubble, -930.0, part_mm=1.0))
    return layers
