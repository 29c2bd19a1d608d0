"""What lies beside the wanted veins: arteries, bones, and what is known of the cava."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from venoseg.errors import InputError
from venoseg.segmentation.aorta import run_of_aorta
from venoseg.segmentation.arterial import Artery, Below, below_division, division_of
from venoseg.segmentation.cava import (
    division_mm,
    end_of_cavae_mm,
    second_cava,
    shows_aorta,
    sure_cava,
)
from venoseg.segmentation.domains import (
    POSSIBLE_LEAD_MM,
    SURE_LEAD_MM,
    Picture,
    arteries_in,
    bones_in,
    lead_of_arteries,
)
from venoseg.segmentation.following import level_at
from venoseg.segmentation.iliac import Iliac, iliac_vessels
from venoseg.segmentation.landmarks import Landmarks, find_landmarks
from venoseg.segmentation.seeds import Seed
from venoseg.segmentation.together import both
from venoseg.segmentation.tracks import sure_of
from venoseg.segmentation.working import Box, pooled
from venoseg.volume import BoolArray, FloatArray, Grid, Volume

_BEHIND_MM = 4.0
# So far from the middle of an artery, in radii, what is as bright may be a part of it.
_BESIDE_ARTERY = 2.0
# So near to it there is no other.
_KNOWN_MM = 15.0
# A seed so near to the middle of a brighter artery lies in it.
_APART_HU, _NEAR_ARTERY = 40.0, 1.5
# Iliac veins have joined, or are on their own side, so far below the division of the aorta.
_JOINED_MM, _FROM_RIGHT_MM, _FROM_LEFT_MM = 40.0, 20.0, 10.0
_IN_BODY_MM = 10.0, 15.0
_VEIN_CORE_MM = 5.0
_PASSED_MM = 8.0


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What the guided step works on.

    Attributes
    ----------
    picture
        The coarse picture of the box around the seeds.
    arteries
        Where arteries are in it; None when no aorta was found.
    behind
        Bones and, when an aorta was found, what lies behind the front of the lumbar spine, where
        collaterals run and these veins never do.
    cava_lps_mm
        (n, 3) points that lie in the cava for certain, from the head down.
    perhaps_arteries
        Where arteries may be: blood as bright as theirs is not taken for a vein there.
    artery_hu
        Grey value of blood in the aorta; None when no aorta was found.
    crest_z_mm
        Height of the iliac crests; minus infinity where they are not in view.
    iliac
        The iliac arteries that were followed from the aorta, and the veins beside them.
    division_lps_mm
        (3,) where the aorta divides; None when it was not found.
    aorta_lps_mm
        (n, 3) points in the aorta.
    aorta_out_of_view
        Whether the image shows the pelvis only, so that no artery can be followed from the aorta.
    said_lps_mm
        (n, 3) points that somebody set in iliac veins.
    second_lps_mm
        (n, 3) points in a second cava, left of the aorta, from the head down; mostly none.
    end_of_cavae_mm
        Height at which iliac veins begin, where two cavae never join to show it.
    trunk
        The aorta down to its division.
    """

    picture: Picture
    arteries: BoolArray | None = None
    behind: BoolArray | None = None
    cava_lps_mm: FloatArray = field(default_factory=lambda: np.empty((0, 3)))
    perhaps_arteries: BoolArray | None = None
    artery_hu: float | None = None
    crest_z_mm: float = -np.inf
    iliac: Iliac = field(default_factory=Iliac)
    division_lps_mm: FloatArray | None = None
    aorta_lps_mm: FloatArray = field(default_factory=lambda: np.empty((0, 3)))
    aorta_out_of_view: bool = False
    said_lps_mm: FloatArray = field(default_factory=lambda: np.empty((0, 3)))
    second_lps_mm: FloatArray = field(default_factory=lambda: np.empty((0, 3)))
    end_of_cavae_mm: float = -np.inf
    trunk: Artery | None = None

    @property
    def known_arteries(self) -> tuple[Artery, ...]:
        """The aorta and the iliac arteries, as far as they were followed."""
        return self.tracked if self.trunk is None else (self.trunk, *self.tracked)

    @property
    def tracked(self) -> tuple[Artery, ...]:
        """The iliac arteries that were followed."""
        return self.iliac.arteries

    def other_side(self, side: str | None) -> BoolArray | None:
        """Return where, well below the division of the aorta, veins of a side cannot be."""
        if side is None or self.division_lps_mm is None:
            return None
        k, _, i = (np.column_stack([np.arange(n)] * 3) for n in self.picture.grid.shape)
        z = self.picture.grid.to_lps(k)[:, 2]
        x = self.picture.grid.to_lps(i)[:, 0] - self.division_lps_mm[0]
        # The cava lies right of the aorta, so that left veins come from the other side.
        beyond = x < -_FROM_RIGHT_MM if side == "left" else x > _FROM_LEFT_MM
        low = z < self.division_lps_mm[2] - _JOINED_MM
        return np.broadcast_to(low[:, None, None] & beyond, self.picture.grid.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What slices show around the spine.

    Attributes
    ----------
    landmarks
        Spine, aorta and cava; None where there is no spine.
    below
        What is seen of arteries below the division of the aorta; None where that is not in view.
    """

    landmarks: Landmarks | None
    below: Below | None


def seen_around(volume: Volume, box: Box) -> Seen:
    """Find landmarks and arteries in the slices that hold a box."""
    image, place = pooled(volume, _whole_slices(volume, box), 3.0)
    found = find_landmarks(image, place)
    if found is None or not shows_aorta(found):
        return Seen(found, None)
    return Seen(found, below_division(image, place, found))


def scene_of(seen: Seen, picture: Picture, points: FloatArray, seeds: Sequence[Seed]) -> Scene:
    """Find what lies beside the wanted veins.

    Raises
    ------
    InputError
        When a seed lies in the aorta or in an iliac artery.
    """
    found, below = seen.landmarks, seen.below
    said = [seed.lps_mm for seed in seeds if seed.vessel != "ivc"]
    said_lps_mm = np.array(said, dtype=np.float64).reshape(-1, 3)
    if found is None or not shows_aorta(found):
        bare = _without_aorta(picture, points)
        return replace(bare, aorta_out_of_view=found is not None, said_lps_mm=said_lps_mm)
    aorta = found.aorta
    trunk = _upper_part(np.flatnonzero(sure_of(aorta)))
    for seed in seeds if len(trunk) else ():
        gap = np.linalg.norm(aorta.points_lps_mm[trunk] - np.array(seed.lps_mm), axis=1)
        n = int(np.argmin(gap))
        if gap[n] < 0.6 * aorta.radius_mm[trunk[n]]:
            raise InputError(
                "the seed point lies in the aorta",
                where=f"{seed.vessel} {seed.role}",
                remedy="set it inside the vein; the cava lies right of the aorta in most people",
            )
    iliac, blood = both(
        lambda: _iliac_of(picture, found, below, seeds, said_lps_mm),
        lambda: blood_around(picture, found, points),
    )
    scene = surroundings(picture, found, points, iliac, blood)
    return replace(scene, said_lps_mm=said_lps_mm)


def _iliac_of(
    picture: Picture,
    found: Landmarks,
    below: Below | None,
    seeds: Sequence[Seed],
    said_lps_mm: FloatArray,
) -> Iliac:
    """Follow the iliac vessels; the veins pass the points that somebody set in them.

    Raises
    ------
    InputError
        When a seed lies in an iliac artery.
    """
    iliac = iliac_vessels(below, said_lps_mm[:0])
    if len(said_lps_mm) and _between_hu(picture, found) is not None:
        refuse_iliac_artery(picture, found, seeds, iliac.arteries)
    if not _passes(iliac, said_lps_mm):
        iliac = iliac_vessels(below, said_lps_mm)
    return iliac


def _passes(iliac: Iliac, points_lps_mm: FloatArray) -> bool:
    """Tell whether the veins that were followed pass all of (n, 3) points anyway."""
    veins = np.concatenate([points for _, points in iliac.veins] or [np.empty((0, 3))])
    if len(veins) == 0:
        return len(points_lps_mm) == 0
    gap = np.linalg.norm(points_lps_mm[:, None] - veins[None], axis=2)
    return bool((gap.min(axis=1) < _PASSED_MM).all())


def refuse_iliac_artery(
    picture: Picture, found: Landmarks, seeds: Sequence[Seed], tracked: Sequence[Artery]
) -> None:
    """Refuse a seed in an artery that was followed from the aorta and is brighter than the cava.

    Where veins are as bright as arteries a track may have left the artery, and proves nothing.

    Raises
    ------
    InputError
        When a seed lies in an iliac artery.
    """
    between_hu = _between_hu(picture, found)
    if between_hu is None:
        return
    for seed in seeds:
        point = np.array([seed.lps_mm])
        bright = float(level_at(picture, point)[0]) > between_hu
        if bright and any(artery.within(point, _NEAR_ARTERY).any() for artery in tracked):
            raise InputError(
                "the seed point lies in an iliac artery",
                where=f"{seed.vessel} {seed.role}",
                remedy="set it inside the vein, which lies behind the artery or beside it",
            )


def _between_hu(picture: Picture, found: Landmarks) -> float | None:
    """Return the grey value between the cava's and that of arteries, None where they are alike."""
    cava = sure_cava(found)
    cava = cava[picture.grid.contains(cava)]
    sure = sure_of(found.aorta)
    if len(cava) == 0 or not sure.any():
        return None
    artery_hu = float(np.median(found.aorta.level_hu[sure]))
    cava_hu = float(np.median(level_at(picture, cava)))
    return 0.5 * (artery_hu + cava_hu) if artery_hu - cava_hu >= _APART_HU else None


def _upper_part(sure: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return the slices, from the feet up, in which a track has not left the aorta.

    Its lowest part may have left it for an iliac artery, a vein that crosses, or nothing.
    """
    return sure[-max(4, int(0.6 * len(sure))) :]


@dataclass(frozen=True, slots=True, eq=False)
class Blood:
    """Whose blood is where, as the aorta above its division tells.

    Attributes
    ----------
    aorta_lps_mm
        (n, 3) points in the aorta that are sure.
    trunk
        The aorta above its division.
    level_hu
        Grey value of its blood.
    divides_mm, lowest_mm
        Height of its division, and how far down it was followed.
    lead_mm
        (slices, rows, columns) by how much its blood comes sooner to each place than the veins'.
    by_wall
        Where walls part its blood from the veins'.
    bones
        Where bones are.
    """

    aorta_lps_mm: FloatArray
    trunk: Artery
    level_hu: float
    divides_mm: float
    lowest_mm: float
    lead_mm: FloatArray
    by_wall: BoolArray
    bones: BoolArray


def blood_around(picture: Picture, found: Landmarks, veins_lps_mm: FloatArray) -> Blood | None:
    """Tell blood of the aorta from that of veins; None where the aorta is not sure."""
    aorta, known = found.aorta, _known_veins(picture, found, veins_lps_mm)
    gap = np.linalg.norm(aorta.points_lps_mm[:, None] - known[None], axis=2).min(axis=1)
    run = run_of_aorta(aorta)
    highest_mm = aorta.points_lps_mm[run[0], 2] if len(run) else np.inf
    sure = np.flatnonzero(sure_of(aorta) & (gap > 8.0) & (aorta.points_lps_mm[:, 2] <= highest_mm))
    # The picture may end below the upper part of the aorta, which then shows nothing.
    sure = sure[picture.grid.contains(aorta.points_lps_mm[sure])]
    lowest_mm = float(aorta.points_lps_mm[sure, 2].min()) if len(sure) else np.inf
    # Below its division the track may run in a vein that crosses.
    divides_mm = division_mm(found)
    whole = sure[aorta.points_lps_mm[sure, 2] >= divides_mm]
    trunk = Artery(aorta.points_lps_mm[whole], aorta.radius_mm[whole])
    sure = np.intersect1d(_upper_part(sure), whole)
    if len(sure) < 4:
        return None
    used = aorta.points_lps_mm[sure]
    upper = known[known[:, 2] >= used[:, 2].min()]
    if len(upper) == 0:
        return None
    level = float(np.median(aorta.level_hu[sure]))
    lower = veins_lps_mm[veins_lps_mm[:, 2] < used[:, 2].min()]
    fainter = min(level, float(level_at(picture, known).min()))
    brightest = max(level, float(level_at(picture, known).max()))
    lead, (by_wall, bones) = both(
        lambda: lead_of_arteries(picture, used, level, upper, lower),
        lambda: (arteries_in(picture, used, known, fainter), bones_in(picture, brightest)),
    )
    return Blood(used, trunk, level, divides_mm, lowest_mm, lead, by_wall, bones)


def _known_veins(picture: Picture, found: Landmarks, veins_lps_mm: FloatArray) -> FloatArray:
    """Return (n, 3) points in veins, with those of the cava that are proved.

    Lower down the track may lie in an iliac artery; near the head it has proved to be the cava.
    """
    cava = _cava_in(picture, found)
    return np.concatenate([veins_lps_mm, cava[: max(len(cava) - 2, 1)]])


def _cava_in(picture: Picture, found: Landmarks) -> FloatArray:
    cava = sure_cava(found)
    return cava[picture.grid.contains(cava)]


def surroundings(
    picture: Picture,
    found: Landmarks,
    veins_lps_mm: FloatArray,
    iliac: Iliac,
    blood: Blood | None,
) -> Scene:
    """Put together what lies beside the veins, from landmarks and what they led to."""
    if blood is None:
        return _without_aorta(picture, veins_lps_mm)
    tracked, cava = iliac.arteries, _cava_in(picture, found)
    # Above its division the aorta is the one artery that is as wide as what is taken away by its
    # grey value; a stream in the cava may be as bright.
    z = picture.grid.to_lps(np.column_stack([np.arange(picture.grid.shape[0])] * 3))[:, 2]
    high = (z >= blood.divides_mm - 1.0)[:, None, None]
    perhaps = blood.lead_mm > POSSIBLE_LEAD_MM
    perhaps &= ~high | blood.trunk.covers(picture.grid, _BESIDE_ARTERY)
    arteries = blood.by_wall & perhaps & (blood.lead_mm > SURE_LEAD_MM)
    level = blood.level_hu
    arteries &= picture.mean_hu > level - max(40.0, 0.3 * (level - 40.0))
    # Beside an artery that was followed nothing needs to be guessed: the vein is the other vessel.
    for artery in tracked:
        arteries &= ~artery.covers(picture.grid, _KNOWN_MM / float(np.median(artery.radius_mm)))
    for artery in tracked:
        perhaps |= artery.covers(picture.grid, _BESIDE_ARTERY)
        arteries |= artery.covers(picture.grid, 1.0)
    veins = _middles_of_veins(picture.grid, iliac)
    arteries &= ~veins
    # Below the division of the aorta veins run beside the sacrum, behind its front.
    behind = _behind(picture.grid, found, max(blood.lowest_mm, blood.divides_mm)) | blood.bones
    behind &= ~veins
    crest = found.crest_z_mm
    return Scene(
        picture,
        arteries,
        behind,
        cava,
        perhaps,
        level,
        crest,
        iliac,
        division_of(found),
        blood.aorta_lps_mm,
        second_lps_mm=second_cava(found, cava),
        end_of_cavae_mm=end_of_cavae_mm(found),
        trunk=blood.trunk,
    )


def _middles_of_veins(grid: Grid, iliac: Iliac) -> BoolArray:
    """Tell where the middles of the iliac veins are that were followed."""
    middles = np.zeros(grid.shape, dtype=bool)
    for _, points in iliac.veins:
        if len(points):
            middles |= Artery(points, np.full(len(points), _VEIN_CORE_MM)).covers(grid, 1.0)
    return middles


def _without_aorta(picture: Picture, veins_lps_mm: FloatArray) -> Scene:
    """Find bones at least."""
    return Scene(picture, behind=bones_in(picture, float(level_at(picture, veins_lps_mm).max())))


def _behind(grid: Grid, found: Landmarks, lowest_mm: float) -> BoolArray:
    z = grid.to_lps(np.column_stack([np.arange(grid.shape[0])] * 3))[:, 2]
    y = grid.to_lps(np.column_stack([np.arange(grid.shape[1])] * 3))[:, 1]
    front = np.interp(z, found.aorta.points_lps_mm[:, 2], found.front_y_mm)
    mask = (y[None, :] > front[:, None] + _BEHIND_MM) & (z > lowest_mm)[:, None]
    # Farther down veins run beside the spine, behind its front, but never through its middle.
    x = grid.to_lps(np.column_stack([np.arange(grid.shape[2])] * 3))[:, 0]
    middle = np.interp(z, found.aorta.points_lps_mm[:, 2], found.middle_x_mm)
    body = (y[None, :] > front[:, None] + _IN_BODY_MM[0])[:, :, None]
    body = body & (np.abs(x[None, :] - middle[:, None]) < _IN_BODY_MM[1])[:, None, :]
    behind: BoolArray = mask[:, :, None] | body
    return behind


def _whole_slices(volume: Volume, box: Box) -> Box:
    """Widen a box across the body's axis: the spine is told by where it lies in the body."""
    k, j, i = (
        own if axis == volume.grid.axial_axis else slice(0, size)
        for axis, (own, size) in enumerate(zip(box, volume.grid.shape, strict=True))
    )
    return k, j, i
