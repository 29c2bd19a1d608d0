"""What slices show around the spine, made into a scene; seeds that lie in arteries are refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from venoseg.errors import InputError
from venoseg.segmentation.context.scene import Scene
from venoseg.segmentation.context.surroundings import (
    blood_around,
    surroundings,
    upper_part,
    without_aorta,
)
from venoseg.segmentation.landmarks.arterial import Artery, below_division
from venoseg.segmentation.landmarks.cava import shows_aorta, sure_cava
from venoseg.segmentation.landmarks.central import Landmarks, find_landmarks
from venoseg.segmentation.landmarks.iliac import Iliac, iliac_vessels
from venoseg.segmentation.landmarks.tracks import sure_of
from venoseg.segmentation.seeds import Seed
from venoseg.segmentation.together import both
from venoseg.segmentation.tubes.following import level_at
from venoseg.segmentation.voxels.domains import Picture, picture_of
from venoseg.segmentation.working import Box, Float32Array, pooled
from venoseg.volume import FloatArray, Grid, Volume

# A seed so near to the middle of a brighter artery lies in it.
_APART_HU, _NEAR_ARTERY = 40.0, 1.5
_PASSED_MM = 8.0


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What slices show around the spine.

    Attributes
    ----------
    image, place
        The coarse picture of whole slices, and its place.
    landmarks
        Spine, aorta and cava; None where there is no spine.
    """

    image: Float32Array
    place: Grid
    landmarks: Landmarks | None


def seen_around(volume: Volume, box: Box) -> tuple[Seen, Picture]:
    """Find landmarks in the slices that hold a box, and make the picture of the box."""
    image, place = pooled(volume, _whole_slices(volume, box), 3.0)
    landmarks, picture = both(lambda: find_landmarks(image, place), lambda: picture_of(volume, box))
    return Seen(image, place, landmarks), picture


def scene_of(seen: Seen, picture: Picture, points: FloatArray, seeds: Sequence[Seed]) -> Scene:
    """Find what lies beside the wanted veins.

    Raises
    ------
    InputError
        When a seed lies in the aorta or in an iliac artery.
    """
    found = seen.landmarks
    said = [seed.lps_mm for seed in seeds if seed.vessel != "ivc"]
    said_lps_mm = np.array(said, dtype=np.float64).reshape(-1, 3)
    if found is None or not shows_aorta(found):
        bare = without_aorta(picture, points)
        return replace(bare, aorta_out_of_view=found is not None, said_lps_mm=said_lps_mm)
    aorta = found.aorta
    trunk = upper_part(np.flatnonzero(sure_of(aorta)))
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
        lambda: _iliac_of(seen, picture, found, seeds, said_lps_mm),
        lambda: blood_around(picture, found, points),
    )
    scene = surroundings(picture, found, points, iliac, blood)
    return replace(scene, said_lps_mm=said_lps_mm)


def _iliac_of(
    seen: Seen,
    picture: Picture,
    found: Landmarks,
    seeds: Sequence[Seed],
    said_lps_mm: FloatArray,
) -> Iliac:
    """Follow the iliac vessels; the veins pass the points that somebody set in them.

    Raises
    ------
    InputError
        When a seed lies in an iliac artery.
    """
    below = below_division(seen.image, seen.place, found)
    iliac = iliac_vessels(below, said_lps_mm[:0])
    if len(said_lps_mm):
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


def _whole_slices(volume: Volume, box: Box) -> Box:
    """Widen a box across the body's axis: the spine is told by where it lies in the body."""
    k, j, i = (
        own if axis == volume.grid.axial_axis else slice(0, size)
        for axis, (own, size) in enumerate(zip(box, volume.grid.shape, strict=True))
    )
    return k, j, i
