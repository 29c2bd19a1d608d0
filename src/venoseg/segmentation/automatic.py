"""Find the veins without any click: landmarks give seeds, seeds give veins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from venoseg.anatomy import BY_NAME
from venoseg.errors import InputError, MeasurementError, NeedsSeedsError
from venoseg.segmentation.context.scene import Scene
from venoseg.segmentation.context.surroundings import blood_around, surroundings
from venoseg.segmentation.courses.early import WHY, is_unmixed
from venoseg.segmentation.courses.groin import Ends, less_sure_of_short, peripheral_ends
from venoseg.segmentation.courses.plan import Chain, undivided, with_second_cava
from venoseg.segmentation.guided import followed
from venoseg.segmentation.landmarks.arterial import below_division
from venoseg.segmentation.landmarks.cava import (
    BLOOD_HU,
    height_over_crests_mm,
    shows_aorta,
    sure_cava,
)
from venoseg.segmentation.landmarks.central import Landmarks, find_landmarks
from venoseg.segmentation.landmarks.iliac import iliac_vessels
from venoseg.segmentation.model import LEAST_CONFIDENCE, Segmentation, VesselConfidence
from venoseg.segmentation.names.naming import named
from venoseg.segmentation.occluded import open_below
from venoseg.segmentation.painting import on_grid
from venoseg.segmentation.together import both
from venoseg.segmentation.tubes.following import level_at
from venoseg.segmentation.voxels.domains import Picture, picture_of
from venoseg.segmentation.working import Box, Float32Array, box_around, held_by, pooled
from venoseg.volume import BoolArray, FloatArray, Grid, Volume

_COARSE_MM = 3.0
_END_MM = 10.0
_MOST_REASONS = 3
_REMEDY = (
    "give seed points (a central end in the cava, a peripheral end on each side), labels, or a "
    "series in a venous phase"
)


def automatic(volume: Volume) -> Segmentation:
    """Segment the cava and, where they are in view and enhanced, the iliac veins.

    Parameters
    ----------
    volume
        A contrast CT in Hounsfield units that shows part of the abdomen.

    Returns
    -------
    Segmentation
        As `guided` returns it, of origin ``automatic``. An iliac vein that was not found has a
        confidence of 0 and no label.

    Raises
    ------
    InputError
        When the image is not in Hounsfield units.
    NeedsSeedsError
        When spine, aorta or cava cannot be found with certainty, or the veins show no contrast.
    """
    if volume.unit != "HU":
        raise InputError("the image is not in Hounsfield units, so blood cannot be told in it")
    whole = tuple(slice(0, n) for n in volume.grid.shape)
    image, place = pooled(volume, (whole[0], whole[1], whole[2]), _COARSE_MM)
    found, cava = _landmarks(image, place)
    picture = picture_of(volume, _box_of_veins(volume.grid, found, cava))
    iliac, blood = both(
        lambda: iliac_vessels(below_division(image, place, found), cava[:0]),
        lambda: blood_around(picture, found, cava[:1]),
    )
    scene = surroundings(picture, found, cava[:1], iliac, blood)
    if scene.arteries is None or scene.behind is None:
        raise NeedsSeedsError(
            "the aorta was not found, so veins cannot be told from arteries", remedy=_REMEDY
        )
    ends, missing = _ends(picture, scene, found, scene.behind, cava)
    segmentation, ends = _surest(volume, scene, cava, ends)
    segmentation = _sure(segmentation, ends, volume.grid, missing)
    if scene.division_lps_mm is not None:
        highest_mm = float(scene.division_lps_mm[2])
        less = less_sure_of_short(segmentation.confidence, ends, highest_mm)
        segmentation = replace(segmentation, confidence=less)
    return on_grid(named(volume, segmentation, scene), volume.grid)


def _landmarks(image: Float32Array, place: Grid) -> tuple[Landmarks, FloatArray]:
    """Return what is found around the spine, and (n, 3) where the cava runs for certain.

    Raises
    ------
    NeedsSeedsError
        When one of them is not found, or shows no contrast.
    """
    found = find_landmarks(image, place)
    if found is None:
        raise NeedsSeedsError("no lumbar spine was found in the image", remedy=_REMEDY)
    if not shows_aorta(found):
        height = max(height_over_crests_mm(found), 0.0)
        raise NeedsSeedsError(
            f"the image ends {height:.0f} mm above the iliac crests, too low to tell the inferior "
            "vena cava from other vessels",
            remedy=_REMEDY,
        )
    aorta_hu = float(np.median(found.aorta.level_hu))
    if aorta_hu < BLOOD_HU:
        raise NeedsSeedsError(
            f"no contrast was found: {aorta_hu:.0f} HU where the aorta should lie", remedy=_REMEDY
        )
    cava = sure_cava(found)
    if len(cava) == 0:
        cava_hu = float(np.median(found.cava.level_hu))
        words = "does not stand out" if cava_hu > BLOOD_HU else "shows no contrast"
        raise NeedsSeedsError(
            f"the inferior vena cava {words}: {cava_hu:.0f} HU where it should lie", remedy=_REMEDY
        )
    return found, cava


def _box_of_veins(grid: Grid, found: Landmarks, cava: FloatArray) -> Box:
    """Return the part of the image around cava, aorta and pelvis."""
    low, high = grid.to_lps(np.array([(0, 0, 0), grid.shape]))
    reach = np.concatenate([cava, found.aorta.points_lps_mm])
    corners = np.array(
        [
            [reach[:, 0].min() - 90, reach[:, 1].min() - 90, min(low[2], high[2])],
            [reach[:, 0].max() + 90, reach[:, 1].max() + 50, cava[0, 2]],
        ]
    )
    return box_around(grid, corners, 2.0)


def _ends(
    picture: Picture, scene: Scene, found: Landmarks, behind: BoolArray, cava: FloatArray
) -> tuple[Ends, str]:
    """Return where the iliac veins end, and what is said of those that have no end.

    ``behind`` is what no vein runs through, on the picture's grid.
    """
    nowhere = Ends({}, ("right", "left"))
    if not np.isfinite(found.crest_z_mm):
        # Above the pelvis whatever runs beside an artery is no iliac vein.
        return nowhere, "was not found: the pelvis is not in view"
    if is_unmixed(scene, cava[-1:]):
        return nowhere, WHY
    level = float(level_at(picture, cava).min())
    middle_mm = float(np.median(found.middle_x_mm))
    ends = peripheral_ends(picture, scene.iliac.arteries, behind, cava, level, middle_mm)
    return ends, "was not found"


def _surest(
    volume: Volume, scene: Scene, cava: FloatArray, ends: Ends
) -> tuple[Segmentation, Ends]:
    """Follow the cava with the iliac veins; alone, where these leave it in doubt.

    Not where it is in doubt only because it is occluded above open iliac veins.

    Raises
    ------
    NeedsSeedsError
        When nothing along the way shows contrast.
    """
    alone = Ends({}, ("right", "left"))
    tries: list[tuple[Segmentation, Ends]] = []
    failed: MeasurementError | None = None
    for these in (ends, alone) if ends.found else (alone,):
        try:
            chains = _chains(scene, cava, these)
            found = followed(volume, scene, chains, "automatic", least=LEAST_CONFIDENCE)
        except MeasurementError as error:
            failed = failed or error
            continue
        tries.append((found, these))
        if _of_cava(found) >= LEAST_CONFIDENCE:
            break
    if not tries:
        words = failed.what if failed else "no vein was found"
        raise NeedsSeedsError(words, remedy=_REMEDY) from failed
    with_veins, last = tries[0], tries[-1]
    whole = open_below(with_veins[0], last[0]) if len(tries) > 1 else None
    if whole is not None:
        return whole, with_veins[1]
    return max(tries, key=lambda one: _of_cava(one[0]))


def _of_cava(segmentation: Segmentation) -> float:
    return max((c.confidence for c in segmentation.confidence if c.vessel == "ivc"), default=0.0)


def _chains(scene: Scene, cava: FloatArray, ends: Ends) -> list[Chain]:
    chains = []
    for side, end in ends.found.items():
        # With one side alone no confluence shows where the cava ends.
        marks = ((f"{side}_iliac_vein", cava[-1]),) if len(ends.found) == 1 else ()
        points = np.concatenate([undivided(cava, scene.division_lps_mm), end[None]])
        chains.append(Chain(side, points, marks, f"{side}_external_iliac_vein"))
    chains = with_second_cava(chains, scene.second_lps_mm, scene.end_of_cavae_mm)
    return chains or [Chain(None, cava, (), "ivc")]


def _sure(segmentation: Segmentation, ends: Ends, grid: Grid, missing: str) -> Segmentation:
    """Add what is ``missing``, for that reason, with a confidence of 0; refuse what is not sure.

    Raises
    ------
    NeedsSeedsError
        When not even the cava is sure.
    """
    best = max((c.confidence for c in segmentation.confidence), default=0.0)
    if best < LEAST_CONFIDENCE:
        surest = max(segmentation.confidence, key=lambda one: (one.vessel == "ivc", one.confidence))
        doubts = "; ".join(surest.reasons[:_MOST_REASONS])
        raise NeedsSeedsError(
            f"no vein was found with certainty ({BY_NAME[surest.vessel].title}: {doubts})",
            remedy=_REMEDY,
        )
    confidence = segmentation.confidence
    if not ends.found and not _reaches_lower_end(segmentation, grid):
        words = f"ends after {_height_mm(segmentation):.0f} mm: no sure contrast farther down"
        confidence = tuple(
            replace(one, reasons=(*one.reasons, words)) if one.vessel == "ivc" else one
            for one in confidence
        )
    confidence += tuple(
        VesselConfidence(f"{side}_iliac_vein", 0.0, (missing,)) for side in ends.missing
    )
    return replace(segmentation, confidence=confidence)


def _reaches_lower_end(segmentation: Segmentation, grid: Grid) -> bool:
    """Tell whether what was found goes on to the lower end of the image."""
    corners = grid.to_lps(np.array([(0, 0, 0), np.array(grid.shape) - 1]))
    lowest = segmentation.grid.to_lps(held_by(segmentation.labels > 0))[:, 2].min()
    return bool(lowest - corners[:, 2].min() < _END_MM)


def _height_mm(segmentation: Segmentation) -> float:
    """Return how far what was found reaches from head to feet."""
    z = segmentation.grid.to_lps(held_by(segmentation.labels > 0))[:, 2]
    return float(np.ptp(z))
