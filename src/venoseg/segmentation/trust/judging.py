"""How far a tube can be trusted, and where it holds no contrast."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from venoseg.runs import runs_of
from venoseg.segmentation.blood import is_arterial
from venoseg.segmentation.courses.divide import Stretch
from venoseg.segmentation.model import VesselConfidence
from venoseg.segmentation.trust.places import heights
from venoseg.segmentation.tubes.evidence import (
    ENHANCED_HU,
    Evidence,
    evidence_of,
    lumen_by,
)
from venoseg.segmentation.tubes.sections import USUAL_UNLIKE, unlike_ovals
from venoseg.segmentation.tubes.unmixed import unmixed_by
from venoseg.segmentation.tubes.wall import Tube
from venoseg.segmentation.voxels.domains import Picture
from venoseg.volume import BoolArray, FloatArray

_POOR_HU = 90.0
# Where a vein runs in an artery along more than this it cannot be told from it, and is not sure.
_TOUCHED, _MERGED = 0.05, 0.5
_LEAST_GAP_MM = 6.0
# A course that runs in arteries along more than this share has left its vein. What it ran in just
# before and after, so far, is not known.
_IN_ARTERY, _BESIDE_MM = 0.3, 25.0
# Shares of the wall that shows which give a confidence of 0 and of 1.
_NO_WALL, _ALL_WALL = 0.25, 0.8
_USUAL_WIDTH = (0.25, 3.0)
_KINK_COSINE = 0.75
_KINK_MM = 9.0
ARTERIAL_PHASE = 0.7
"""Factor of the confidence of every vein in an arterial phase: `doubts.with_doubts` counts it."""

# What is outlined by fat alone is so much less sure than what contrast shows. That it is an
# arterial phase counts in this.
_UNMIXED = 0.5

Doubt = tuple[float, str]
"""A factor of a confidence, and why."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A stretch and what became of it.

    Attributes
    ----------
    stretch
        The stretch.
    open_stations
        (stations of the tube,) where the stretch has a lumen with contrast.
    closed
        (start, stop) of each run of stations without.
    confidence
        Of the whole vein.
    first_of_vessel
        Whether no stretch before it is the same vein.
    merged
        Whether an artery may be a part of it.
    seen
        How sure the image makes that what is open is the vein, however much of it is not.
    drawn
        The same when all that raises doubt about it is counted.
    """

    stretch: Stretch
    open_stations: BoolArray
    closed: tuple[tuple[int, int], ...]
    confidence: VesselConfidence
    first_of_vessel: bool
    merged: bool = False
    seen: float = 1.0
    drawn: float = 1.0


def judged(
    stretches: Sequence[Stretch],
    tubes: Sequence[Tube],
    picture: Picture,
    arteries: BoolArray | None,
    artery_hu: float | None = None,
) -> list[Judged]:
    """Judge every stretch.

    Parameters
    ----------
    stretches, tubes
        The stretches, and the tubes that they are parts of.
    picture, arteries
        The coarse picture, and where arteries are in it.
    artery_hu
        Grey value of blood in the aorta, if known.
    """
    blood = blood_level(tubes)
    evidence = [
        evidence_of(tube, _vessels(stretches, number, tube), blood)
        for number, tube in enumerate(tubes)
    ]
    lumina = [lumen_by(shown, tube) for shown, tube in zip(evidence, tubes, strict=True)]
    vessels: set[str] = set()
    out = []
    for stretch in stretches:
        tube = tubes[stretch.tube]
        inside = np.zeros(len(tube.level_hu), dtype=bool)
        inside[stretch.start : stretch.stop] = True
        lumen = inside & lumina[stretch.tube]
        unmixed = np.zeros(len(lumen), dtype=bool)
        if stretch.vessel == "ivc" and lumen.any():
            best = float(np.percentile(tube.level_hu[lumen], 75))
            if is_arterial(artery_hu, best):
                unmixed = unmixed_by(tube, evidence[stretch.tube], lumen, inside)
                lumen |= unmixed
        in_artery = _in_artery(tube, picture, arteries)
        if in_artery[inside].mean() > _IN_ARTERY:
            lumen &= ~_led_into(in_artery & inside, tube.course.step_mm)
        closed = runs_of(inside & ~lumen)
        step = tube.course.step_mm
        long = tuple((a, b) for a, b in closed if (b - a) * step >= _LEAST_GAP_MM)
        confidence, seen = _confidence(
            stretch.vessel, tube, evidence[stretch.tube], inside, lumen, in_artery, unmixed
        )
        share = float(unmixed.sum()) / max(int(lumen.sum()), 1)
        merged = bool(lumen.any()) and float(in_artery[lumen].mean()) > _TOUCHED
        first = stretch.vessel not in vessels
        one = Judged(stretch, lumen, long, confidence, first, merged, seen, seen)
        words = f"without contrast along {100 * share:.0f} %, where only fat outlines it"
        value = min((1.0 - _UNMIXED * share) / ARTERIAL_PHASE, 1.0)
        out.append(doubted(one, [(value, words)] if share else []))
        vessels.add(stretch.vessel)
    return out


def with_doubt(found: Sequence[Judged], most: float, words: str) -> list[Judged]:
    """Let no vein be surer than ``most``, and say why."""
    return [
        replace(
            one,
            confidence=replace(
                one.confidence,
                confidence=min(one.confidence.confidence, most),
                reasons=(*one.confidence.reasons, words),
            ),
            drawn=min(one.drawn, most),
        )
        for one in found
    ]


def doubted(one: Judged, doubts: Sequence[Doubt]) -> Judged:
    """Return a stretch whose confidence each of its doubts lowers by its own factor."""
    factor = float(np.prod([max(v, 0.0) for v, _ in doubts]))
    reasons = (*one.confidence.reasons, *(words for _, words in doubts))
    value = round(one.confidence.confidence * factor, 2)
    confidence = replace(one.confidence, confidence=value, reasons=reasons)
    return replace(one, confidence=confidence, drawn=one.drawn * factor)


def blood_level(tubes: Sequence[Tube]) -> float:
    """Return the grey value of enhanced blood in the tubes: their brighter half."""
    return float(np.percentile(np.concatenate([tube.level_hu for tube in tubes]), 75))


def _vessels(stretches: Sequence[Stretch], number: int, tube: Tube) -> list[str]:
    """Return the vein at each station; what belongs to none counts to that beside it."""
    names = [""] * len(tube.level_hu)
    for stretch in stretches:
        if stretch.tube == number:
            names[stretch.start : stretch.stop] = [stretch.vessel] * (stretch.stop - stretch.start)
    own = [name for name in names if name]
    first = own[0] if own else ""
    return [name or first for name in names]


def _in_artery(tube: Tube, picture: Picture, arteries: BoolArray | None) -> BoolArray:
    if arteries is None:
        return np.zeros(len(tube.level_hu), dtype=bool)
    inside: BoolArray = arteries[picture.index(tube.course.points_lps_mm)]
    return inside


def _led_into(in_artery: BoolArray, step_mm: float) -> BoolArray:
    """Tell where a course has left its vein for an artery: in it, and beside where it is."""
    led = np.zeros(len(in_artery), dtype=bool)
    reach = round(_BESIDE_MM / step_mm)
    for start, stop in runs_of(in_artery):
        led[max(start - reach, 0) : stop + reach] = True
    return led


def _confidence(
    vessel: str,
    tube: Tube,
    evidence: Evidence,
    inside: BoolArray,
    lumen: BoolArray,
    in_artery: BoolArray,
    unmixed: BoolArray,
) -> tuple[VesselConfidence, float]:
    """Let the weakest of what the image shows decide; then of that without what is missing."""
    points = tube.course.points_lps_mm
    if not lumen.any():
        artery = in_artery[inside].mean() > _IN_ARTERY
        led = f"runs in an artery{heights(points, in_artery & inside)}: set waypoints there"
        words = led if artery else _why_none(tube, inside)
        return VesselConfidence(vessel, 0.0, (words,)), 0.0
    values, reasons = [1.0], []

    def doubt(value: float, words: str) -> None:
        values.append(value)
        reasons.append(words)

    shown = float(evidence.shown[lumen].mean())
    if shown < _ALL_WALL:
        value = (shown - _NO_WALL) / (_ALL_WALL - _NO_WALL)
        doubt(value, f"only {100 * shown:.0f} % of the wall shows")
    level = float(np.median(tube.level_hu[lumen & ~unmixed]))
    if level < _POOR_HU:
        value = 0.3 + 0.6 * max(level - ENHANCED_HU, 0.0) / (_POOR_HU - ENHANCED_HU)
        doubt(value, f"poorly enhanced, {level:.0f} HU")
    for value, words in _of_arteries(points, in_artery, inside, lumen):
        doubt(value, words)
    missing = 1.0 - float(lumen[inside].mean())
    if missing > 0.1:
        words = f"no contrast or no sure lumen over {100 * missing:.0f} % of its length"
        reasons.append(words + heights(points, inside & ~lumen))
    beside = 0.0 if tube.touching is None else float(tube.touching[lumen].mean())
    if beside > 0.1:
        doubt(1.0 - beside, f"touches a vessel without a wall along {100 * beside:.0f} %")
    # A cava may be as full as that, where all of its wall shows and makes an oval of it.
    full = (evidence.shown > _ALL_WALL) & (unlike_ovals(tube.radius_mm) < USUAL_UNLIKE)
    width, wide = evidence.width[lumen], evidence.width > _USUAL_WIDTH[1]
    wide &= ~full | (vessel != "ivc")
    odd = float(np.mean((width < _USUAL_WIDTH[0]) | wide[lumen]))
    if odd > 0.1:
        doubt(1.0 - odd, f"of unlikely width along {100 * odd:.0f} %")
    kinks = _kinks(tube)
    kinked = float(kinks[lumen].mean())
    if kinked > 0.1:
        where = heights(points, kinks & lumen)
        doubt(1.0 - 2.0 * kinked, f"its course jumps along {100 * kinked:.0f} %{where}")
    seen = float(np.clip(min(values), 0.0, 1.0))
    value = seen if missing <= 0.1 else min(seen, 1.0 - missing)
    return VesselConfidence(vessel, round(value, 2), tuple(reasons)), seen


def _of_arteries(
    points: FloatArray, in_artery: BoolArray, inside: BoolArray, lumen: BoolArray
) -> Iterator[Doubt]:
    led, touched = float(in_artery[inside].mean()), float(in_artery[lumen].mean())
    if led > _IN_ARTERY:
        where = heights(points, in_artery & inside)
        words = f"its course runs in an artery along {100 * led:.0f} %{where}: set waypoints there"
        yield 1.0 - led, words
    if touched > _TOUCHED:
        where = heights(points, in_artery & lumen)
        yield _MERGED - touched, f"touches an artery that could not be told apart{where}"


def _why_none(tube: Tube, inside: BoolArray) -> str:
    bright = float(np.mean(tube.level_hu[inside] >= ENHANCED_HU))
    return "no contrast" if bright < 0.5 else "no lumen that could be told from what surrounds it"


def _kinks(tube: Tube) -> BoolArray:
    """Tell where a course turns more sharply than veins do."""
    reach = max(1, round(_KINK_MM / tube.course.step_mm / 2))
    tangent = np.pad(tube.course.tangent, ((reach, reach), (0, 0)), mode="edge")
    kinks: BoolArray = np.sum(tangent[2 * reach :] * tangent[: -2 * reach], axis=1) < _KINK_COSINE
    return kinks
