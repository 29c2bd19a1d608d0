"""What the image shows at every station of a tube, and which stations are lumen by it.

Past an occlusion the cheapest way runs through whatever is least dark: collaterals, muscle, liver.
What is bright is therefore not lumen yet. Its edge must show, bone must not lie around it, it must
be about as wide as the vein is in people, and it must lead down the body. In doubt a station is
left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from venoseg.anatomy import BY_NAME
from venoseg.runs import runs_of
from venoseg.segmentation.tubes.curves import odd_count
from venoseg.segmentation.tubes.wall import Tube
from venoseg.volume import BoolArray, FloatArray

ENHANCED_HU = 66.0
UNENHANCED_HU = 45.0
"""Blood without contrast: what exceeds it is enhancement."""

_SHOWN_HU = 22.0
_LEAST_SHARE = 0.22
# Of blood fainter than this share of the rest, and of islands, nearly all of the edge must show.
_FAINT_SHARE = 0.5
# What is brighter than the best blood by this factor, or ringed by something brighter, is bone.
_BRIGHTEST = 1.6
_RINGED, _NOT_RINGED = 0.4, 0.1
_BRIGHTEST_HU = 220.0
_LIKE_BLOOD = (0.7, 1.35)
_SHOWN, _WELL_SHOWN = 0.5, 0.75
# Where no edge shows, as inside the liver, blood must be as bright and as wide as beside it.
_SAME_BLOOD = (0.85, 1.2)
_SAME_WIDTH = (0.6, 1.6)
_BRIDGE_MM = 40.0
# Area against the expected normal one: of a collateral, of an island, of a leak.
_THIN, _ISLAND, _WIDE = 0.2, 0.35, 4.0
_THIN_OVER_MM = 15.0
_USUAL_AREA_MM2 = 125.0
_LEAST_AREA_MM2 = 9.0
_CLIMB_MM = 8.0
_LEAST_RUN_MM = 12.0
_EVEN_MM = 9.0
# A cava without any edge must be as bright as this everywhere, and run this straight.
_SURELY_BLOOD_HU, _EVEN_BLOOD, _STRAIGHT = 80.0, 0.8, 0.85


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What the image shows at each of n stations of a tube.

    Attributes
    ----------
    enhanced
        (n,) enhancement as a share of that of the best blood.
    shown
        (n,) share of the wall at which the grey value steps, even along the tube.
    ringed
        (n,) share of the wall behind which it is brighter than inside.
    width
        (n,) area as a share of the expected normal one.
    climbs
        (n,) whether the course leads up the body there, from its central end on.
    cava
        Whether all of the tube is the cava.
    """

    enhanced: FloatArray
    shown: FloatArray
    ringed: FloatArray
    width: FloatArray
    climbs: BoolArray
    cava: bool = False


def evidence_of(tube: Tube, vessels: list[str], blood_hu: float) -> Evidence:
    """Gather the evidence along a tube.

    Parameters
    ----------
    tube
        The tube.
    vessels
        Name of the vein at each station.
    blood_hu
        Grey value of the best blood.
    """
    step = tube.course.step_mm
    shown = np.mean(tube.shows, axis=1)
    ringed = np.mean(tube.step_hu < -_SHOWN_HU, axis=1)
    size = odd_count(_EVEN_MM, step)
    normal = np.array([_normal_mm2(vessel) for vessel in vessels])
    full = max(blood_hu - UNENHANCED_HU, 1.0)
    return Evidence(
        (tube.level_hu - UNENHANCED_HU) / full,
        ndimage.median_filter(shown, size=size, mode="nearest"),
        ndimage.median_filter(ringed, size=size, mode="nearest"),
        tube.area_mm2 / normal,
        _climbing(tube.course.points_lps_mm[:, 2], step),
        set(vessels) == {"ivc"},
    )


def lumen_by(evidence: Evidence, tube: Tube) -> BoolArray:
    """Tell for every station whether the image proves a lumen with contrast there."""
    step = tube.course.step_mm
    bright = (tube.level_hu >= ENHANCED_HU) & (evidence.enhanced >= _LEAST_SHARE)
    # The wires of a stent lie around blood that is as bright as elsewhere.
    usual = (evidence.enhanced > _LIKE_BLOOD[0]) & (evidence.enhanced < _LIKE_BLOOD[1])
    # Above the kidneys blood is brighter than below; marrow as bright lies in a ring of bone.
    blood = (evidence.enhanced < _BRIGHTEST) | (
        (tube.level_hu < _BRIGHTEST_HU) & (evidence.ringed < _NOT_RINGED)
    )
    bright &= blood & ((evidence.ringed < _RINGED) | usual)
    size = odd_count(_THIN_OVER_MM, step)
    widest = ndimage.maximum_filter1d(evidence.width, size, mode="nearest")
    # A thin stretch is one in which the width stays small over all of the length.
    thin = ndimage.maximum_filter1d((widest < _THIN).astype(np.uint8), size) > 0
    possible: BoolArray = bright & ~thin & (evidence.width < _WIDE) & ~evidence.climbs
    possible &= tube.area_mm2 >= _LEAST_AREA_MM2
    needed = np.where(evidence.enhanced < _FAINT_SHARE, _WELL_SHOWN, _SHOWN)
    sure = _opened(possible & (evidence.shown >= needed))
    if not sure.any() and _even_cava(evidence, tube, possible):
        return possible
    lumen = _opened(sure | (possible & _like_beside(evidence, sure, step)))
    return _without_islands(lumen, evidence, step)


def _even_cava(evidence: Evidence, tube: Tube, possible: BoolArray) -> bool:
    """Tell whether a tube may be a cava in equally bright liver: bright, even, straight.

    Its confidence stays low, for hardly any wall shows.
    """
    level = tube.level_hu
    even = level.min() > _EVEN_BLOOD * level.max() and level.min() >= _SURELY_BLOOD_HU
    step = np.diff(tube.course.points_lps_mm[[0, -1]], axis=0)[0]
    straight = abs(float(step[2])) > _STRAIGHT * tube.course.step_mm * (len(level) - 1)
    return bool(even and straight and evidence.cava and possible.mean() > _STRAIGHT)


def _normal_mm2(vessel: str) -> float:
    known = BY_NAME[vessel].reference if vessel in BY_NAME else None
    return _USUAL_AREA_MM2 if known is None else known.area_mm2


def _opened(flags: BoolArray) -> BoolArray:
    opened: BoolArray = ndimage.binary_opening(np.pad(flags, 2, mode="edge"), iterations=2)[2:-2]
    return opened


def _climbing(z_mm: FloatArray, step_mm: float) -> BoolArray:
    """Tell where a course from head to feet rises by more than a bend of a vein does."""
    even = ndimage.gaussian_filter1d(z_mm, 3.0 / step_mm, mode="nearest")
    rising = np.gradient(even) > 0
    climbs = np.zeros(len(z_mm), dtype=bool)
    for start, stop in runs_of(rising):
        climbs[start:stop] = even[stop - 1] - even[start] > _CLIMB_MM
    return climbs


def _like_beside(evidence: Evidence, sure: BoolArray, step_mm: float) -> BoolArray:
    """Tell where blood without an edge goes on as the sure stretches beside it."""
    at = np.flatnonzero(sure)
    if len(at) == 0:
        return np.zeros(len(sure), dtype=bool)
    where = np.arange(len(sure))
    bright = evidence.enhanced / np.maximum(np.interp(where, at, evidence.enhanced[at]), 0.1)
    wide = evidence.width / np.maximum(np.interp(where, at, evidence.width[at]), 0.05)
    near = np.abs(where[:, None] - at[None]).min(axis=1) * step_mm <= _BRIDGE_MM
    alike: BoolArray = (bright > _SAME_BLOOD[0]) & (bright < _SAME_BLOOD[1]) & near
    alike &= (wide > _SAME_WIDTH[0]) & (wide < _SAME_WIDTH[1])
    return alike


def _without_islands(lumen: BoolArray, evidence: Evidence, step_mm: float) -> BoolArray:
    """Take away short runs, and runs between occlusions that may be something else."""
    kept = lumen.copy()
    runs = runs_of(lumen)
    for number, (start, stop) in enumerate(runs):
        part = slice(start, stop)
        length = (stop - start) * step_mm
        doubtful = (
            np.median(evidence.shown[part]) < _WELL_SHOWN
            or np.median(evidence.enhanced[part]) < _FAINT_SHARE
            or np.median(evidence.width[part]) < _ISLAND
        )
        inner = 0 < number < len(runs) - 1
        if len(runs) > 1 and (length < _LEAST_RUN_MM or (inner and doubtful)):
            kept[part] = False
    return kept
