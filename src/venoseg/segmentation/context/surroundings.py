"""Arteries, bones, and what is known of the cava, from landmarks and points in veins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from venoseg.segmentation.context.scene import Scene
from venoseg.segmentation.landmarks.aorta import run_of_aorta
from venoseg.segmentation.landmarks.arterial import Artery, division_of
from venoseg.segmentation.landmarks.cava import (
    division_mm,
    end_of_cavae_mm,
    second_cava,
    sure_cava,
)
from venoseg.segmentation.landmarks.central import Landmarks
from venoseg.segmentation.landmarks.iliac import Iliac
from venoseg.segmentation.landmarks.tracks import sure_of
from venoseg.segmentation.together import both, each
from venoseg.segmentation.tubes.following import level_at
from venoseg.segmentation.voxels.domains import (
    POSSIBLE_LEAD_MM,
    SURE_LEAD_MM,
    Picture,
    arteries_in,
    bones_in,
    lead_of_arteries,
)
from venoseg.segmentation.working import Float32Array
from venoseg.volume import BoolArray, FloatArray, Grid

_BEHIND_MM = 4.0
# So far from the middle of an artery, in radii, what is as bright may be a part of it.
_BESIDE_ARTERY = 2.0
# So near to it there is no other.
_KNOWN_MM = 15.0
_IN_BODY_MM = 10.0, 15.0
# The middle of a vein lies before the bodies of the vertebrae: what is less than the first before
# their front, and nearer to their middle than the last, is more and more surely bone. Below the
# division of the aorta the front falls back.
_BEFORE_FRONT_MM, _SURELY_BONE_MM, _NEAR_MIDDLE_MM, _FALLS_BACK = 3.0, 6.0, 12.0, 0.4
_VEIN_CORE_MM = 5.0


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
    lead_mm: Float32Array
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
    sure = np.intersect1d(upper_part(sure), whole)
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
    bones = bones_in(picture, brightest)
    lead, by_wall = both(
        lambda: lead_of_arteries(picture, used, level, upper, lower, bones),
        lambda: arteries_in(picture, used, known, fainter),
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
        return without_aorta(picture, veins_lps_mm)
    tracked, cava = iliac.all_arteries, _cava_in(picture, found)
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
    covered = each(lambda artery: _covered(picture.grid, artery), tracked)
    for known, _, _ in covered:
        arteries &= ~known
    for _, beside, inside in covered:
        perhaps |= beside
        arteries |= inside
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
        in_spine=_in_spine(picture.grid, found, blood.divides_mm),
    )


def _middles_of_veins(grid: Grid, iliac: Iliac) -> BoolArray:
    """Tell where the middles of the iliac veins are that were followed."""
    middles = np.zeros(grid.shape, dtype=bool)
    for _, points in iliac.veins:
        if len(points):
            middles |= Artery(points, np.full(len(points), _VEIN_CORE_MM)).covers(grid, 1.0)
    return middles


def _covered(grid: Grid, artery: Artery) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Return where an artery is known, where what is beside it may be a part of it, and it."""
    known = artery.beside(grid, _KNOWN_MM)
    return known, artery.covers(grid, _BESIDE_ARTERY), artery.covers(grid, 1.0)


def without_aorta(picture: Picture, veins_lps_mm: FloatArray) -> Scene:
    """Find bones at least."""
    return Scene(picture, behind=bones_in(picture, float(level_at(picture, veins_lps_mm).max())))


def upper_part(sure: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return the slices, from the feet up, in which a track has not left the aorta.

    Its lowest part may have left it for an iliac artery, a vein that crosses, or nothing.
    """
    return sure[-max(4, int(0.6 * len(sure))) :]


def _in_spine(grid: Grid, found: Landmarks, divides_mm: float) -> Float32Array:
    """Return (slices, rows, columns) how surely a place lies in the bodies of the vertebrae."""
    k, j, i = (np.column_stack([np.arange(n)] * 3) for n in grid.shape)
    z, y, x = grid.to_lps(k)[:, 2], grid.to_lps(j)[:, 1], grid.to_lps(i)[:, 0]
    at_mm = found.aorta.points_lps_mm[:, 2]
    front = np.interp(z, at_mm, found.front_y_mm) + _FALLS_BACK * np.maximum(divides_mm - z, 0.0)
    middle = np.interp(z, at_mm, found.middle_x_mm)
    deep = (y[None, :] - front[:, None] + _BEFORE_FRONT_MM) / _SURELY_BONE_MM
    near = np.abs(x[None, :] - middle[:, None]) < _NEAR_MIDDLE_MM
    share = np.clip(deep, 0.0, 1.0).astype(np.float32)
    return share[:, :, None] * near[:, None, :]


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
