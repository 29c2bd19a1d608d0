"""What raises doubt about veins once they are painted: arteries beside them, and loose pieces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.segmentation.blood import brightest_hu, is_arterial
from venoseg.segmentation.cava.bordered import of_streams
from venoseg.segmentation.cava.completing import of_completed
from venoseg.segmentation.cava.outlines import of_outline
from venoseg.segmentation.context.scene import Scene
from venoseg.segmentation.landmarks.pairs import INNER_MM
from venoseg.segmentation.model import LEAST_CONFIDENCE
from venoseg.segmentation.together import each
from venoseg.segmentation.trust.judging import ARTERIAL_PHASE, Doubt, Judged, doubted
from venoseg.segmentation.trust.places import heights
from venoseg.segmentation.trust.telling import DARKER_HU, beside_artery
from venoseg.segmentation.trust.thinned import of_slivers
from venoseg.segmentation.tubes.wall import Tube
from venoseg.segmentation.voxels.drawn import Drawn
from venoseg.segmentation.working import factors
from venoseg.volume import FloatArray

# Of what was painted so much may prove to be artery; three times as much more, and all is doubtful.
_USUAL_LOSS, _ALL_LOST = 0.12, 0.42
_ONE_PIECE, _PIECES_MM = 0.9, 1.5
# An artery runs beside an iliac vein, so near; where none was followed the vein is less sure.
_BESIDE_MM, _BESIDE_SHARE, _UNSURE = 30.0, 0.6, 0.7
# As bright as arteries, where the cava is not: by these differences.
_APART_HU, _LIKE_ARTERY = 25.0, 0.3
_SHORT_MM, _SHORT = 40.0, 0.6
# Iliac veins join within this below the division of the aorta.
_BELOW_DIVISION_MM, _BELOW = 60.0, 0.4
_LEFT_SHARE, _LEFT, _SECOND = 0.3, 0.6, 0.75

# An iliac vein of which the image proves less than this is not drawn.
_NOT_SEEN = 0.25
_NOT_PROVED = "not drawn, for nothing proves that it is the vein"
_NOT_TOLD = "not drawn, for it cannot be told from the artery beside it"
_NOT_SURE = "was not found with certainty"


def with_doubts(
    found: Sequence[Judged],
    tubes: Sequence[Tube],
    scene: Scene,
    names: Sequence[str],
    before: npt.NDArray[np.int64],
    after: Drawn,
) -> list[Judged]:
    """Lower the confidence of veins by what their labels and the arteries beside them show.

    Parameters
    ----------
    found, tubes
        The stretches, and the tubes that they are parts of.
    scene
        What lies beside them.
    names
        ``names[n]`` has the label n + 1.
    before
        (labels + 1,) voxels of each label before arteries were taken away.
    after
        The voxels afterwards.
    """
    lost = 1.0 - after.counts(len(names)) / np.maximum(before, 1)
    whole = _largest_shares(after, len(names))
    course = _courses(found, tubes)
    levels = _levels(found, tubes)
    out = []
    for one in found:
        vessel = one.stretch.vessel
        value = names.index(vessel) + 1
        of_artery = [*_of_loss(lost[value]), *_of_level(vessel, levels, scene.artery_hu)]
        unknown = list(_of_neighbour(vessel, course[vessel], scene))
        phase = list(_of_phase(levels.get(vessel), scene.artery_hu))
        other = [
            *_of_pieces(whole[value]),
            *of_slivers(after, value),
            *_of_streams(one, tubes[one.stretch.tube], scene),
            *of_completed(tubes[one.stretch.tube], one.open_stations),
            *_of_outline(one, tubes[one.stretch.tube]),
            *_of_course(vessel, course[vessel], scene),
            *_of_internal(vessel, course[vessel], levels.get(vessel), scene),
            *unknown,
            *phase,
        ]
        # What is left of a vein that its grey value tells from arteries is no artery.
        darker = _is_darker(levels.get(vessel), scene.artery_hu)
        merged = one.merged or (bool(of_artery) and not darker)
        # Where not even an aorta was found no artery can be expected.
        merged |= bool(unknown) and len(scene.aorta_lps_mm) > 0
        # In an arterial phase blood of iliac veins holds no contrast: what is bright is no vein.
        merged |= bool(phase) and vessel != "ivc"
        out.append(replace(doubted(one, [*of_artery, *other]), merged=merged))
    return out


def withheld(
    found: Sequence[Judged],
    tubes: Sequence[Tube],
    drawn: Drawn,
    names: Sequence[str],
    least: float = 0.0,
) -> tuple[list[Judged], Drawn]:
    """Take away the labels of veins that cannot be told from arteries or other things.

    What is left of an iliac vein beside an occlusion stays where the image shows it well, and where
    what has a label is at least so sure as ``least``.
    """
    why = {
        one.stretch.vessel: _NOT_TOLD
        for one in found
        if one.merged and one.confidence.confidence < LEAST_CONFIDENCE
    }
    for one in found:
        if one.stretch.vessel != "ivc" and one.open_stations.any() and one.seen < _NOT_SEEN:
            why.setdefault(one.stretch.vessel, _NOT_PROVED)
        if one.stretch.vessel != "ivc" and one.first_of_vessel and one.drawn < least:
            why.setdefault(one.stretch.vessel, _NOT_SURE)
    told = [
        _not_drawn(one, tubes[one.stretch.tube], why[one.stretch.vessel])
        if one.stretch.vessel in why
        else one
        for one in found
    ]
    gone = np.array([False, *(vessel in why for vessel in names)])
    return told, drawn.without(gone[drawn.value])


def _not_drawn(one: Judged, tube: Tube, why: str) -> Judged:
    where = heights(tube.course.points_lps_mm, one.open_stations)
    reasons = (f"{why}: set waypoints{where}", *one.confidence.reasons)
    confidence = replace(one.confidence, confidence=0.0, reasons=reasons)
    return replace(one, confidence=confidence, open_stations=one.open_stations & False)


def _largest_shares(drawn: Drawn, labels: int) -> FloatArray:
    """Return (labels + 1,) which share of each label its largest piece holds; 1 where it is gone.

    Pieces that come nearer to each other than a millimetre or two are one.
    """
    blocks = drawn.blocks(factors(drawn.grid, _PIECES_MM))

    def share(label: int) -> float:
        own = drawn.value == label
        if not own.any():
            return 1.0
        at = tuple(axis - axis.min() for axis in (axis[own] for axis in blocks))
        held = np.zeros([int(axis.max()) + 1 for axis in at], dtype=bool)
        held[at] = True
        pieces, _ = ndimage.label(held, np.ones((3, 3, 3)))
        return float(np.bincount(pieces[at]).max() / len(at[0]))

    return np.array(each(share, range(labels + 1)))


def _of_loss(lost: float) -> Iterator[Doubt]:
    if lost > _USUAL_LOSS:
        value = 1.0 - (lost - _USUAL_LOSS) / (_ALL_LOST - _USUAL_LOSS)
        yield value, f"{100 * lost:.0f} % of it lay in an artery, or is as bright as one beside it"


def _of_pieces(whole: float) -> Iterator[Doubt]:
    if whole < _ONE_PIECE:
        yield whole, f"in pieces, of which the largest holds {100 * whole:.0f} %"


def _of_phase(level: float | None, artery_hu: float | None) -> Iterator[Doubt]:
    """Doubt every vein of an arterial phase: blood without contrast has not mixed with the rest."""
    if level is not None and artery_hu is not None and is_arterial(artery_hu, level):
        yield (
            ARTERIAL_PHASE,
            f"an arterial phase: {artery_hu:.0f} HU in the aorta, {level:.0f} HU here",
        )


def _is_darker(level: float | None, artery_hu: float | None) -> bool:
    """Tell whether blood is told from that of arteries by its grey value alone."""
    return level is not None and artery_hu is not None and level < artery_hu - DARKER_HU


def _of_level(vessel: str, levels: Mapping[str, float], artery_hu: float | None) -> Iterator[Doubt]:
    """Doubt an iliac vein whose blood is rather the arteries' than the cava's."""
    cava, own = levels.get("ivc"), levels.get(vessel)
    if vessel == "ivc" or cava is None or own is None or artery_hu is None:
        return
    if artery_hu - cava > _APART_HU and artery_hu - own < own - cava:
        yield _LIKE_ARTERY, f"with {own:.0f} HU rather as bright as arteries than as the cava"


def _courses(found: Sequence[Judged], tubes: Sequence[Tube]) -> Mapping[str, FloatArray]:
    """Return (n, 3) the points of each vein's open stations."""
    parts: dict[str, list[FloatArray]] = {}
    for one in found:
        points = tubes[one.stretch.tube].course.points_lps_mm[one.open_stations]
        parts.setdefault(one.stretch.vessel, []).append(points)
    return {vessel: np.concatenate(points) for vessel, points in parts.items()}


def _levels(found: Sequence[Judged], tubes: Sequence[Tube]) -> Mapping[str, float]:
    """Return the median grey value of each vein that has a lumen."""
    parts: dict[str, list[FloatArray]] = {}
    for one in found:
        parts.setdefault(one.stretch.vessel, []).append(
            tubes[one.stretch.tube].level_hu[one.open_stations]
        )
    levels = {vessel: np.concatenate(values) for vessel, values in parts.items()}
    return {vessel: float(np.median(values)) for vessel, values in levels.items() if len(values)}


def _of_course(vessel: str, points: FloatArray, scene: Scene) -> Iterator[Doubt]:
    if vessel != "ivc" or len(points) == 0:
        return
    height = float(np.ptp(points[:, 2]))
    if height < _SHORT_MM:
        yield _SHORT, f"only {height:.0f} mm of it are seen"
    if scene.division_lps_mm is not None:
        # Where the aorta seems to divide high above the pelvis it has only become thinner; crests
        # out of view lie below the image.
        bottom_mm = float(scene.picture.grid.to_lps([0, 0, 0])[2])
        high = min(float(scene.division_lps_mm[2]), max(scene.crest_z_mm, bottom_mm))
        below = high - float(points[:, 2].min())
        if below > _BELOW_DIVISION_MM:
            yield _BELOW, f"goes on {below:.0f} mm below the division of the aorta: an iliac vein?"
    left = _left_of_aorta(points, scene)
    if len(scene.second_lps_mm):
        yield _SECOND, "a second cava was found left of the aorta"
    elif left > _LEFT_SHARE:
        yield _LEFT, f"left of the aorta along {100 * left:.0f} %: a variant, or another vessel"


def _of_streams(one: Judged, tube: Tube, scene: Scene) -> Iterator[Doubt]:
    if one.stretch.vessel == "ivc" and scene.artery_hu is not None:
        yield from of_streams(tube, one.open_stations, scene.picture, brightest_hu(scene.artery_hu))


def _of_outline(one: Judged, tube: Tube) -> Iterator[Doubt]:
    if one.stretch.vessel == "ivc":
        yield from of_outline(tube, one.open_stations)


def _of_neighbour(vessel: str, points: FloatArray, scene: Scene) -> Iterator[Doubt]:
    """Doubt an iliac vein beside which no artery was followed: it may be the artery."""
    if vessel == "ivc" or len(points) == 0:
        return
    beside = beside_artery(points, scene, _BESIDE_MM).mean()
    if beside < _BESIDE_SHARE:
        words = "no artery beside it could be followed"
        yield _UNSURE, f"{words} along {100 * (1 - beside):.0f} %, to tell it from"


def _of_internal(
    vessel: str, points: FloatArray, level: float | None, scene: Scene
) -> Iterator[Doubt]:
    """Doubt a vein beside which no internal iliac artery was followed, as on the other side.

    Everybody has one on each side, as bright as the vein and touching it from behind: what was not
    followed of it may have been taken for the vein. Where neither shows nothing can be expected.
    """
    hidden = vessel.startswith(scene.iliac.without_internal)
    if not hidden or level is None or scene.artery_hu is None or scene.division_lps_mm is None:
        return
    down_mm = float(scene.division_lps_mm[2]) - points[:, 2]
    beside = (down_mm > INNER_MM[0]) & (down_mm < INNER_MM[1])
    if not _is_darker(level, scene.artery_hu) and beside.any():
        where = heights(points, beside)
        yield _UNSURE, f"may hold its internal iliac artery, which could not be followed{where}"


def _left_of_aorta(points: FloatArray, scene: Scene) -> float:
    """Return along which share of its height a cava lies left of the aorta."""
    aorta = scene.aorta_lps_mm
    if len(aorta) == 0:
        return 0.0
    inner = points[(points[:, 2] >= aorta[:, 2].min()) & (points[:, 2] <= aorta[:, 2].max())]
    if len(inner) == 0:
        return 0.0
    order = np.argsort(aorta[:, 2])
    return float(np.mean(inner[:, 0] > np.interp(inner[:, 2], aorta[order, 2], aorta[order, 0])))
