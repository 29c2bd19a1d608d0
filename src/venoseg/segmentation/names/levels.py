"""Levels at which veins change their names: renal veins, internal iliac veins, inguinal ligaments.

They are found by the vessels that open into the veins there, and by the femoral heads.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from venoseg.segmentation.context.scene import Scene
from venoseg.segmentation.landmarks.hips import FemoralHead, femoral_heads
from venoseg.segmentation.model import Level
from venoseg.segmentation.names.branching import Branch, branches_of
from venoseg.segmentation.names.labelled import Veins, VeinsOn, side_names
from venoseg.segmentation.together import both, each
from venoseg.segmentation.tubes.following import level_at
from venoseg.segmentation.voxels.growing import grown
from venoseg.volume import BoolArray, FloatArray, Volume

_WALL = 1.2
# An internal iliac vein leads back from the course of the external one, never outwards.
_BACK_MM, _OUTWARDS_MM, _UP_MM = 6.0, 6.0, 4.0
# It opens so far from the confluence and from the groin, at least.
_FROM_CONFLUENCE_MM, _FROM_GROIN_MM = 18.0, 40.0
_JUNCTION_MM, _JUNCTION, _SEVERAL = 20.0, 0.8, 0.6
# Renal veins are as wide as this, and lead aside by so much; the left one before the aorta.
_RENAL_WIDTH_MM, _ASIDE_MM, _BEFORE_MM = 5.0, 14.0, 3.0
_FAR_BEHIND_MM, _STEEP = 12.0, 1.0
_PAIR_MM, _RENAL_MM = 35.0, 12.0
_PAIR, _LEFT_ALONE, _RIGHT_ALONE = 0.9, 0.7, 0.4
_LEAST_OVER_CREST_MM = 30.0
# The inguinal ligament crosses the vein near the upper margin of the femoral head.
_GROIN_MM, _GROIN = 10.0, 0.7
# The iliac crests lie at least so far above it.
_UNDER_CREST_MM = 70.0


def levels_of(volume: Volume, veins: Veins, scene: Scene) -> tuple[Level, ...]:
    """Find the levels along the veins that have labels.

    Parameters
    ----------
    volume
        The CT.
    veins
        Their labels.
    scene
        Arteries and bones around them.

    Returns
    -------
    tuple of Level
        That of the renal veins where a cava has labels, and two for each side that has any; a level
        that was not found carries no place, and the reason.
    """
    (cava, sides), (arteries, coarse) = both(
        lambda: (veins.course(["ivc"]), _sides(veins)),
        lambda: (_arteries_in(scene), veins.on(scene.picture.grid)),
    )
    inner = {side: c[scene.picture.grid.contains(c)] for side, c in sides.items()}
    high = _between_kidneys(scene, cava)
    sought = [(["ivc"], high), *((side_names(side), course) for side, course in inner.items())]
    into_cava, *into_sides = each(
        lambda one: _branches(coarse, scene, one[0], one[1], arteries), sought
    )
    opening = dict(zip(inner, into_sides, strict=True))
    found = [_renal(scene, high, into_cava)] if len(cava) else []
    groins = _groins(volume, veins, scene, sides)
    for groin in groins:
        side = groin.name.split("_")[0]
        found += [_junction(groin, sides[side], inner[side], opening[side]), groin]
    return tuple(found)


def _arteries_in(scene: Scene) -> BoolArray:
    """Return (slices, rows, columns) of the picture, True where arteries are."""
    arteries = np.zeros(scene.picture.grid.shape, dtype=bool)
    if scene.arteries is not None:
        arteries |= scene.arteries
    for artery in scene.tracked:
        arteries |= artery.covers(scene.picture.grid, _WALL)
    return arteries


def _sides(veins: Veins) -> Mapping[str, FloatArray]:
    """Return the course of each side that has labels."""
    sides = {side: veins.course(side_names(side)) for side in ("left", "right")}
    return {side: course for side, course in sides.items() if len(course)}


def groins_of(volume: Volume, veins: Veins, scene: Scene) -> list[Level]:
    """Find the inguinal ligament of each side that has labels, as `levels_of` does."""
    return _groins(volume, veins, scene, _sides(veins))


def _groins(
    volume: Volume, veins: Veins, scene: Scene, sides: Mapping[str, FloatArray]
) -> list[Level]:
    heads = femoral_heads(volume, _both_sides(sides, veins, scene))
    return [_inguinal(side, course, heads, scene.crest_z_mm) for side, course in sides.items()]


def _both_sides(
    sides: Mapping[str, FloatArray], veins: Veins, scene: Scene
) -> Mapping[str, FloatArray]:
    """Add to one side's course its mirror image, where the other side's vein would run."""
    if len(sides) != 1 or len(scene.aorta_lps_mm) == 0:
        return sides
    cava = veins.points_of(["ivc"])
    if len(cava) == 0:
        return sides
    # The spine lies between the two.
    middle = 0.5 * (cava[:, 0].mean() + scene.aorta_lps_mm[:, 0].mean())
    ((side, course),) = sides.items()
    other = "left" if side == "right" else "right"
    return {side: course, other: course * (-1.0, 1.0, 1.0) + (2.0 * middle, 0.0, 0.0)}


def _branches(
    veins: VeinsOn, scene: Scene, names: Collection[str], course: FloatArray, arteries: BoolArray
) -> list[Branch]:
    """Return the branches of some veins; the course lies in the picture."""
    picture = scene.picture
    if len(course) < 2:
        return []
    others = [name for name in veins.names if name not in names]
    never = arteries | grown(veins.within(others))
    level = float(np.median(level_at(picture, course)))
    return branches_of(picture, veins.within(names), course, level, never)


def _between_kidneys(scene: Scene, cava: FloatArray) -> FloatArray:
    """Return (n, 3) the part of the cava's course along which renal veins may open.

    Without an aorta, which tells them from others, none.
    """
    high = cava[cava[:, 2] > scene.crest_z_mm + _LEAST_OVER_CREST_MM]
    return high[scene.picture.grid.contains(high) & (len(scene.aorta_lps_mm) > 1)]


def _renal(scene: Scene, high: FloatArray, found: Sequence[Branch]) -> Level:
    """Find the lower one of the renal veins' mouths.

    ``high`` is the part of the cava's course along which its branches were sought.
    """
    name = "renal_veins"
    aorta = scene.aorta_lps_mm
    if len(high) < 2:
        return _not_found(name, "no cava between the kidneys is in view beside an aorta")
    wide = [one for one in found if one.width_mm >= _RENAL_WIDTH_MM]
    left = [one for one in wide if _before_aorta(one, high, aorta)]
    right = [one for one in wide if _to_the_right(one, high)]
    best: tuple[float, float, list[Branch]] | None = None
    for one in left:
        for other in right:
            apart = float(np.abs(high[one.root, 2] - high[other.root, 2]))
            if apart <= _PAIR_MM and (best is None or apart < best[1]):
                best = _PAIR, apart, [one, other]
    if best is None and left:
        best = _LEFT_ALONE, 0.0, [max(left, key=lambda one: one.width_mm)]
    if best is None and right:
        best = _RIGHT_ALONE, 0.0, [min(right, key=lambda one: high[one.root, 2])]
    if best is None:
        return _not_found(name, "no vein is seen to open into the cava from a kidney")
    confidence, _, which = best
    lowest = min(which, key=lambda one: high[one.root, 2])
    words = {
        _PAIR: "the lower one of two veins that open into the cava from both sides, the left one "
        "before the aorta",
        _LEFT_ALONE: "a vein that comes before the aorta from the left; none was seen on the right",
        _RIGHT_ALONE: "a vein that comes from the right; none was seen before the aorta",
    }[confidence]
    return _at(name, high[lowest.root], _RENAL_MM, confidence, words)


def _before_aorta(one: Branch, cava: FloatArray, aorta: FloatArray) -> bool:
    near = aorta[int(np.argmin(np.abs(aorta[:, 2] - one.tip_lps_mm[2])))]
    aside = one.tip_lps_mm[0] - cava[one.root, 0]
    before = near[1] - one.tip_lps_mm[1]
    # Into a cava on the left it comes without crossing the aorta.
    before_it = before > _BEFORE_MM or cava[one.root, 0] > near[0]
    return bool(aside > _ASIDE_MM and before_it and _flat(one, aside))


def _to_the_right(one: Branch, cava: FloatArray) -> bool:
    aside = cava[one.root, 0] - one.tip_lps_mm[0]
    before = cava[one.root, 1] - one.tip_lps_mm[1]
    return bool(aside > _ASIDE_MM and before < _FAR_BEHIND_MM and _flat(one, aside))


def _flat(one: Branch, aside_mm: float) -> bool:
    """Tell whether a branch runs across the body rather than along it."""
    rise = abs(float(one.tip_lps_mm[2] - one.mouth_lps_mm[2]))
    return rise < _STEEP * abs(aside_mm)


def _junction(
    groin: Level, course: FloatArray, inner: FloatArray, branches: Sequence[Branch]
) -> Level:
    """Find which branch of the iliac vein is the internal one.

    ``inner`` is the part of the course that lies in the picture, along which branches were sought.
    """
    side = groin.name.split("_")[0]
    name = f"{side}_internal_iliac_junction"
    outwards = 1.0 if side == "left" else -1.0
    low_mm = course[-1, 2] if groin.lps_mm is None else groin.lps_mm[2] + _FROM_GROIN_MM
    internal = []
    for one in branches:
        root = inner[one.root]
        beside = inner[int(np.argmin(np.abs(inner[:, 2] - one.tip_lps_mm[2])))]
        back = one.tip_lps_mm[1] - beside[1]
        out = outwards * (one.tip_lps_mm[0] - beside[0])
        if back < _BACK_MM or out > _OUTWARDS_MM or one.tip_lps_mm[2] > root[2] + _UP_MM:
            continue
        if np.linalg.norm(root - course[0]) < _FROM_CONFLUENCE_MM or root[2] < low_mm:
            continue
        internal.append(one)
    if not internal:
        return _not_found(name, "no vein is seen to open into it from behind in the pelvis")
    widest = max(internal, key=lambda one: one.width_mm)
    sure = _JUNCTION if len(internal) == 1 else _SEVERAL
    words = "where a vein opens that comes from behind in the pelvis"
    if len(internal) > 1:
        words += f"; the widest of {len(internal)}"
    return _at(name, inner[widest.root], _JUNCTION_MM, sure, words)


def _inguinal(
    side: str, course: FloatArray, heads: Mapping[str, FemoralHead], crest_mm: float
) -> Level:
    name = f"{side}_inguinal_ligament"
    if side not in heads:
        return _not_found(name, "the femoral heads were not found")
    # Two heads at one height: each is known better by both.
    height = float(np.mean([h.middle_lps_mm[2] + h.radius_mm for h in heads.values()]))
    if np.isfinite(crest_mm) and height > crest_mm - _UNDER_CREST_MM:
        return _not_found(name, "the femoral heads were not found")
    if height < course[-1, 2]:
        return _not_found(name, "the labels end above the femoral head")
    if height > course[0, 2]:
        return _not_found(name, "the labels begin below the femoral head")
    point = course[int(np.argmin(np.abs(course[:, 2] - height)))]
    words = "the upper margin of the femoral heads, near which the ligament crosses the vein"
    return _at(name, point, _GROIN_MM, _GROIN, words)


def _at(name: str, point: FloatArray, uncertain_mm: float, sure: float, words: str) -> Level:
    x, y, z = (round(float(value), 2) for value in point)
    return Level(name, (x, y, z), uncertain_mm, sure, (words,))


def _not_found(name: str, words: str) -> Level:
    return Level(name, None, None, 0.0, (words,))
