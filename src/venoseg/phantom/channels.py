"""Veins with several lumens: two stents side by side, and the strands of old thrombosis."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from venoseg.phantom.curve import Curve
from venoseg.phantom.scene import Scene
from venoseg.phantom.stents import Lattice, Stent, place_stent
from venoseg.phantom.tube import Absence, Profile, Span, Tube
from venoseg.volume import FloatArray


def trabeculated(
    scene: Scene, host: int, start_mm: float, stop_mm: float, seed: int, count: int = 3
) -> Scene:
    """Replace a stretch of a vein's lumen by thin channels that wind about each other."""
    random = np.random.Generator(np.random.PCG64([seed, 2]))
    tube = scene.tubes[host]
    along = np.linspace(start_mm - 5.0, stop_mm + 5.0, 14)
    spans = [span for span in tube.spans if span.start_mm <= start_mm <= span.stop_mm]
    channels = []
    for index in range(count):
        turn = 2 * np.pi * index / count + np.cumsum(random.uniform(-0.1, 0.35, len(along)))
        reach = 0.5 * np.minimum(tube.profile.first_mm, tube.profile.second_mm).min()
        curve = Curve.through(_beside(tube, along, reach * np.cos(turn), reach * np.sin(turn)))
        radius = random.uniform(1.1, 1.7, 5)
        profile = Profile.along(curve, np.linspace(0, curve.length_mm, 5), radius, radius * 0.8)
        own = (Span(spans[0].name, 0.0, curve.length_mm),)
        channels.append(Tube(curve, profile, own, central_cap="round", peripheral_cap="round"))
    opened = replace(tube, absent=(*tube.absent, Absence(start_mm, stop_mm, "channels")))
    tubes = [*scene.tubes[:host], opened, *scene.tubes[host + 1 :], *channels]
    return replace(scene, tubes=tuple(tubes))


def kissing_stents(
    scene: Scene, cava_mm: float = 45.0, iliac_mm: float = 60.0, nominal_mm: float = 14.0
) -> Scene:
    """Stent both common iliac veins up into the cava, side by side.

    The cava (tube 0) loses its own lumen over its last ``cava_mm``; the iliac veins (tubes 1 and 2)
    begin there instead of at the confluence.
    """
    cava = scene.tubes[0]
    start = cava.curve.length_mm - cava_mm
    tubes = [replace(cava, absent=(Absence(start, 1e4, "channels"),))]
    stents: list[Stent] = []
    for side, iliac in ((1.0, scene.tubes[1]), (-1.0, scene.tubes[2])):
        limb, joined_mm = _limb(cava, iliac, side, start - 4.0, nominal_mm)
        stents.append(
            place_stent(
                limb.curve, limb.profile, 0.0, joined_mm + iliac_mm, Lattice(nominal_mm, 0.25)
            )
        )
        lumen = replace(
            limb.profile,
            first_mm=limb.profile.first_mm - 0.2,
            second_mm=limb.profile.second_mm - 0.2,
        )
        tubes.append(replace(limb, profile=lumen))
    return replace(scene, tubes=(*tubes, *scene.tubes[3:]), stents=tuple(stents))


def _limb(
    cava: Tube, iliac: Tube, side: float, start_mm: float, nominal_mm: float
) -> tuple[Tube, float]:
    """Return a tube from the cava into one iliac vein, and the arc length where it leaves it."""
    inside = np.linspace(start_mm, cava.curve.length_mm - 6.0, 6)
    aside = np.full(len(inside), side * 0.47 * nominal_mm)
    upper = _beside(cava, inside, aside, np.zeros(len(inside)))
    lower = iliac.curve.at(np.arange(22.0, iliac.curve.length_mm, 9.0))
    curve = Curve.through(
        np.concatenate([upper, lower, iliac.curve.at(iliac.curve.length_mm)[None]])
    )
    joined = float(curve.positions_mm[np.argmin(_distances(curve, cava.curve.points_lps_mm[-1]))])
    longer = curve.length_mm - iliac.curve.length_mm
    native = np.clip(curve.positions_mm - longer, 0.0, iliac.curve.length_mm)
    first = np.interp(native, iliac.curve.positions_mm, iliac.profile.first_mm)
    second = np.interp(native, iliac.curve.positions_mm, iliac.profile.second_mm)
    # Side by side the stents press each other a little flat.
    ease = np.clip((curve.positions_mm - joined - 45.0) / 20.0, 0.0, 1.0)
    profile = Profile(
        (1 - ease) * 0.93 * nominal_mm / 2 + ease * first,
        (1 - ease) * 1.05 * nominal_mm / 2 + ease * second,
        np.zeros(len(first)),
        np.interp(native, iliac.curve.positions_mm, iliac.profile.healthy_area_mm2),
    )
    moved = [
        Span(s.name, max(s.start_mm + longer, joined), s.stop_mm + longer) for s in iliac.spans
    ]
    spans = (Span("ivc", 0.0, joined), *moved)
    return Tube(curve, profile, spans, central_cap="round"), joined


def _beside(
    tube: Tube, along_mm: FloatArray, first_mm: FloatArray, second_mm: FloatArray
) -> FloatArray:
    first, second = tube.curve.axes_at(along_mm)
    points: FloatArray = (
        tube.curve.at(along_mm) + first_mm[:, None] * first + second_mm[:, None] * second
    )
    return points


def _distances(curve: Curve, point: FloatArray) -> FloatArray:
    distances: FloatArray = np.linalg.norm(curve.points_lps_mm - point, axis=1)
    return distances
