"""What disease does to a healthy tube."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from venoseg.errors import UsageError
from venoseg.phantom.scene import Layer
from venoseg.phantom.solids import Ellipsoid
from venoseg.phantom.tube import Absence, Profile, Tube

CORD_HU = 48.0
CALCIUM_HU = 750.0
FRESH_CLOT_HU = 55.0


@dataclass(frozen=True, slots=True)
class Narrowing:
    """A smooth focal loss of lumen area.

    Attributes
    ----------
    centre_mm, length_mm
        Where on the tube, and over which length it comes and goes.
    area_percent
        Area lost at the centre, of the healthy area there; 0 to 99.
    widening
        How far the lumen gives way sideways: 1 keeps its width; above 1 the first semi-axis grows
        by up to this factor while the second pays for it, as when an artery presses on a vein;
        None shrinks both alike.
    """

    centre_mm: float
    length_mm: float
    area_percent: float
    widening: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.area_percent < 100 or self.length_mm <= 0:
            raise UsageError("a narrowing loses 0 to 99 % of the area over a positive length")


def narrowed(tube: Tube, *lesions: Narrowing) -> Tube:
    """Return the tube with lesions; its healthy areas stay as they were."""
    first, second = tube.profile.first_mm.copy(), tube.profile.second_mm.copy()
    for lesion in lesions:
        along = (tube.curve.positions_mm - lesion.centre_mm) / lesion.length_mm
        shape = np.where(np.abs(along) < 0.5, np.cos(np.pi * along) ** 2, 0.0)
        left = 1 - lesion.area_percent / 100 * shape
        wider = np.sqrt(left) if lesion.widening is None else 1 + (lesion.widening - 1) * shape
        first *= wider
        second *= left / wider
    profile = replace(tube.profile, first_mm=first, second_mm=second)
    return replace(tube, profile=profile)


def occluded(tube: Tube, start_mm: float, stop_mm: float) -> Tube:
    """Shut a tube between two arc lengths; the open lumen tapers towards both ends."""
    at = tube.curve.positions_mm
    away = np.maximum(np.maximum(start_mm - at, at - stop_mm), 0.0)
    scale = 0.45 + 0.55 * np.clip(away / 15.0, 0.0, 1.0)
    profile = replace(
        tube.profile,
        first_mm=tube.profile.first_mm * scale,
        second_mm=tube.profile.second_mm * scale,
    )
    return replace(tube, profile=profile, absent=(*tube.absent, Absence(start_mm, stop_mm)))


def cord(
    tube: Tube, start_mm: float, stop_mm: float, random: np.random.Generator
) -> tuple[Layer, ...]:
    """Return what a chronic occlusion leaves: a thin cord, calcified here and there."""
    body = part_of(tube, start_mm - 8.0, stop_mm + 8.0, 0.28)
    layers = [Layer(body, CORD_HU)]
    low, high = max(start_mm, 0.0), min(stop_mm, tube.curve.length_mm)
    for position in random.uniform(low, high, max(int((high - low) / 18.0), 1)):
        centre = tube.curve.at(position) + random.uniform(-0.8, 0.8, 3)
        radii = random.uniform((0.7, 0.7, 1.2), (1.5, 1.5, 4.0))
        layers.append(Layer(Ellipsoid(_point(centre), _point(radii)), CALCIUM_HU, part_mm=0.25))
    return tuple(layers)


def part_of(tube: Tube, start_mm: float, stop_mm: float, scale: float) -> Tube:
    """Return a stretch of a tube on the same centreline, its healthy calibre scaled."""
    healthy = tube.profile.healthy_area_mm2
    aspect = np.sqrt(tube.profile.first_mm / tube.profile.second_mm)
    radius = scale * np.sqrt(healthy / np.pi)
    shape = Profile(radius * aspect, radius / aspect, tube.profile.angle_rad, healthy)
    outside = (Absence(-1e3, start_mm), Absence(stop_mm, 1e4))
    return Tube(tube.curve, shape, absent=outside)


def _point(values: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
