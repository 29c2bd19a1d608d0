"""Veins with known truth, for benchmarks: every seed is another one of the same kind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from venoseg.errors import UsageError
from venoseg.phantom.curve import Curve
from venoseg.phantom.iliocaval import iliocaval_y
from venoseg.phantom.lesions import Narrowing, narrowed
from venoseg.phantom.scene import Scene
from venoseg.phantom.tube import Profile, Span, Tube

Generator = np.random.Generator


def generator_of(seed: int) -> Generator:
    """Return the generator of random numbers that belongs to a seed."""
    return np.random.Generator(np.random.PCG64(seed))


def _vessel(name: str, curve: Curve, profile: Profile, *lesions: Narrowing) -> Scene:
    tube = Tube(curve, profile, (Span("ivc", 0.0, curve.length_mm),))
    return Scene(name, (narrowed(tube, *lesions),))


def _direction(random: Generator, tilt_deg: tuple[float, float]) -> np.ndarray:
    tilt, turn = np.radians(random.uniform(*tilt_deg)), random.uniform(0, 2 * np.pi)
    return np.array([np.sin(tilt) * np.cos(turn), np.sin(tilt) * np.sin(turn), -np.cos(tilt)])


def _line(random: Generator, tilt_deg: tuple[float, float], length_mm: float = 80.0) -> Curve:
    start = random.uniform(-0.5, 0.5, 3)
    return Curve.through([start, start + length_mm * _direction(random, tilt_deg)])


def _bow(random: Generator, length_mm: float = 90.0) -> Curve:
    along = _direction(random, (0, 40))
    aside = np.cross(along, random.standard_normal(3))
    aside *= random.uniform(8, 18) / np.linalg.norm(aside)
    steps = np.linspace(0, 1, 7)[:, None]
    return Curve.through(steps * along * length_mm + np.sin(np.pi * steps) * aside)


def _round(curve: Curve, radius_mm: float) -> Profile:
    return Profile.along(curve, 0.0, radius_mm, radius_mm)


def straight(seed: int = 0) -> Scene:
    """Return a round vessel along the slices' axis, radius 5 to 10 mm."""
    random = generator_of(seed)
    curve = _line(random, (0, 0))
    return _vessel("straight", curve, _round(curve, random.uniform(5, 10)))


def tilted(seed: int = 0) -> Scene:
    """Return a round vessel 20 to 60 degrees off the slices' axis."""
    random = generator_of(seed)
    curve = _line(random, (20, 60))
    return _vessel("tilted", curve, _round(curve, random.uniform(5, 10)))


def curved(seed: int = 0) -> Scene:
    """Return a curved vessel whose calibre changes along it."""
    random = generator_of(seed)
    curve = _bow(random)
    where = np.linspace(0, curve.length_mm, 4)
    radius = random.uniform(6, 9) * random.uniform(0.85, 1.15, 4)
    return _vessel("curved", curve, Profile.along(curve, where, radius, radius))


def elliptic(seed: int = 0, aspect: float | None = None) -> Scene:
    """Return a flattened, gently curved vessel, aspect 1.5 to 3.5, whose ellipse turns along it."""
    random = generator_of(seed)
    curve = _bow(random)
    ratio = random.uniform(1.5, 3.5) if aspect is None else aspect
    radius = random.uniform(6, 8)
    where = np.array([0.0, curve.length_mm])
    angle = random.uniform(0, np.pi) + np.array([0.0, random.uniform(-0.6, 0.6)])
    first, second = radius * np.sqrt(ratio), radius / np.sqrt(ratio)
    return _vessel("elliptic", curve, Profile.along(curve, where, first, second, angle))


def may_thurner(seed: int = 0) -> Scene:
    """Return an iliocaval Y whose left common iliac vein is pressed flat below the confluence."""
    random = generator_of(seed)
    return iliocaval_y(seed, compression_percent=random.uniform(45, 75))


def y_stenosis(seed: int = 0, area_percent: float = 50.0) -> Scene:
    """Return an iliocaval Y with one focal round stenosis of the left common iliac vein."""
    return iliocaval_y(seed, stenosis_percent=area_percent)


def small(seed: int = 0) -> Scene:
    """Return a curved vessel of 2 to 6 mm diameter."""
    random = generator_of(seed)
    curve = _bow(random)
    return _vessel("small", curve, _round(curve, random.uniform(1.0, 3.0)))


def focal_stenosis(seed: int = 0, area_percent: float = 70.0) -> Scene:
    """Return a single curved vessel with one focal round stenosis in its middle."""
    random = generator_of(seed)
    curve = _bow(random)
    lesion = Narrowing(curve.length_mm / 2, random.uniform(15, 30), area_percent)
    return _vessel("focal-stenosis", curve, _round(curve, random.uniform(6, 9)), lesion)


SHAPES: dict[str, Callable[[int], Scene]] = {
    "straight": straight,
    "tilted": tilted,
    "curved": curved,
    "elliptic": elliptic,
    "focal-stenosis": focal_stenosis,
    "small": small,
    "may-thurner": may_thurner,
    "y-stenosis-50": lambda seed: y_stenosis(seed, 50.0),
    "y-stenosis-70": lambda seed: y_stenosis(seed, 70.0),
}


def shape(name: str, seed: int = 0) -> Scene:
    """Build one of `SHAPES` by its name.

    Raises
    ------
    UsageError
        When there is no such shape.
    """
    if name not in SHAPES:
        raise UsageError(f"there is no shape {name!r}", remedy=f"use one of {', '.join(SHAPES)}")
    return SHAPES[name](seed)
