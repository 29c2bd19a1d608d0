"""Which part of the cava's track is the cava for certain."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.segmentation.blood import UNMIXED_HU, is_arterial
from venoseg.segmentation.landmarks.aorta import lowest_of_aorta_mm
from venoseg.segmentation.landmarks.central import Landmarks
from venoseg.segmentation.landmarks.tracks import Track, sure_of
from venoseg.volume import FloatArray

BLOOD_HU = 75.0
"""Enhanced blood is brighter than this on the coarse picture."""

_LEAST_RUN_MM = 25.0
# So high is the duodenum where it crosses a cava without contrast and hides its outline.
_DUODENUM_MM = 30.0
_GAP_MM = 18.0
_LEAST_CONTRAST_HU = 18.0
_WAYPOINT_MM = 30.0
# So far the cava runs in the chest, and so far it is followed unseen.
_IN_CHEST_MM, _UNSEEN_MM = 15.0, 60.0
# The cava divides about so far below it.
_CONFLUENCE_MM = 15.0
# It does so at the height of the iliac crests or below, seldom higher by more than this.
_OVER_CREST_MM, _UNDER_CREST_MM = 10.0, 25.0
_DIVISION_UNDER_CREST_MM = 30.0
_DIVISION_OVER_CREST_MM, _LEAST_OVER_CRESTS_MM = 25.0, 35.0
_STRAIGHT_MM = 8.0
# Its course is told by what lies so far below; from there on, it leads so far aside at most.
_COURSE_MM, _OFF_COURSE_MM, _SHOWN_SHARE = (30.0, 75.0), 21.0, 0.7
# How steeply it leans on, and how far, from the middle of its last part.
_STEEP, _LEANING_MM, _END_MM = 0.35, 15.0, 12.0
# Of two cavae the right one is seen beside this share of the left one; two points so near are of
# one cava.
_BESIDE_SHARE, _SAME_MM = 0.6, 12.0


@lru_cache(maxsize=2)
def sure_cava(found: Landmarks) -> FloatArray:
    """Return (n, 3) points of the cava, about 30 mm apart, from the head down.

    Those of the uppermost stretch over which the track runs in enhanced blood that stands out;
    farther down an iliac vein may look like a cava. Where that stretch ends beside the upper end of
    a vein left of the aorta the cava goes on in it. Empty when no stretch is 25 mm long.
    """
    track = found.cava
    bright = track.level_hu > BLOOD_HU
    sure = (track.contrast_hu > _LEAST_CONTRAST_HU) & bright
    step = float(np.abs(np.diff(track.points_lps_mm[:, 2])).mean())
    bridged = ndimage.binary_closing(
        np.pad(sure, 20), structure=np.ones(max(2, round(_GAP_MM / step)) + 1)
    )[20:-20]
    runs, count = ndimage.label(bridged & ndimage.binary_dilation(bright, iterations=3))
    long = [n for n in range(1, count + 1) if step * int((runs == n).sum()) >= _LEAST_RUN_MM]
    if not long:
        return np.empty((0, 3))
    run = np.flatnonzero((runs == long[-1]) & sure)[::-1]
    run = np.concatenate([run, _unmixed_below(found, run)])
    z = track.points_lps_mm[run, 2]
    # Where the aorta seems to divide high above the pelvis it has only become thinner.
    low = _lowest_mm(found)
    high = found.chest_z_mm + _IN_CHEST_MM
    run = run[(z >= low) & (z <= high) & (run < _leaves_course(track, low))]
    if len(run) == 0:
        return np.empty((0, 3))
    points = np.concatenate([_upper_end(found, run[0]), track.points_lps_mm[run]])
    if _ends_left(found, points[-1, 2]):
        points = np.concatenate([points[points[:, 2] > found.left_lps_mm[0, 2]], _left(found)])
    return _thinned(points)


def second_cava(found: Landmarks, cava_lps_mm: FloatArray) -> FloatArray:
    """Return (n, 3) points of a second cava, left of the aorta, about 30 mm apart; often none.

    Parameters
    ----------
    found
        The landmarks.
    cava_lps_mm
        (n, 3) what `sure_cava` found.
    """
    if len(cava_lps_mm) == 0 or len(found.left_lps_mm) == 0:
        return np.empty((0, 3))
    beside = np.abs(cava_lps_mm[-1] - found.left_lps_mm[-1])
    return np.empty((0, 3)) if beside[0] < _SAME_MM else _thinned(_left(found))


def end_of_cavae_mm(found: Landmarks) -> float:
    """Return the height at which iliac veins begin, where two cavae never join to show it."""
    return max(_lowest_mm(found), found.crest_z_mm - _UNDER_CREST_MM)


def _lowest_mm(found: Landmarks) -> float:
    """Return the height down to which a cava may be expected: there it divides, or has done so."""
    aorta_mm = max(lowest_of_aorta_mm(found.aorta), found.crest_z_mm - _DIVISION_UNDER_CREST_MM)
    return min(aorta_mm - _CONFLUENCE_MM, found.crest_z_mm + _OVER_CREST_MM)


def _ends_left(found: Landmarks, lowest_mm: float) -> bool:
    """Tell whether a cava seen down to a height ends where a vein left of the aorta does."""
    left = found.left_lps_mm
    return len(left) > 0 and lowest_mm > left[0, 2] - _BESIDE_SHARE * np.ptp(left[:, 2])


def _left(found: Landmarks) -> FloatArray:
    left = found.left_lps_mm
    kept: FloatArray = left[left[:, 2] >= end_of_cavae_mm(found)]
    return kept


def _thinned(points: FloatArray) -> FloatArray:
    """Keep the first, the last, and of the others so many that they lie `_WAYPOINT_MM` apart."""
    kept = [0]
    for n in range(1, len(points)):
        if np.linalg.norm(points[n] - points[kept[-1]]) >= _WAYPOINT_MM:
            kept.append(n)
    if kept[-1] != len(points) - 1:
        kept.append(len(points) - 1)
    return points[kept]


def _unmixed_below(found: Landmarks, run: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return the slices below a run in which the cava stands out in fat, in an arterial phase.

    Its blood holds no contrast there yet, so that its grey value says nothing.
    """
    track, aorta = found.cava, found.aorta
    artery_hu = aorta.level_hu[sure_of(aorta)]
    none = np.empty(0, dtype=np.intp)
    if len(artery_hu) == 0 or not is_arterial(
        float(np.median(artery_hu)), float(np.median(track.level_hu[run]))
    ):
        return none
    step = float(np.abs(np.diff(track.points_lps_mm[:, 2])).mean())
    out = (track.contrast_hu > _LEAST_CONTRAST_HU) & (track.level_hu > UNMIXED_HU)
    below = np.flatnonzero(out[: run[-1]])[::-1]
    at = np.concatenate([run[-1:], below])
    gaps = -np.diff(at) * step
    aside = np.linalg.norm(np.diff(track.points_lps_mm[at, :2], axis=0), axis=1)
    ends = np.flatnonzero((gaps > _GAP_MM) & ((gaps > _DUODENUM_MM) | (aside > _STRAIGHT_MM)))
    return below[: ends[0]] if len(ends) else below


def _upper_end(found: Landmarks, above: int) -> FloatArray:
    """Return (1, 3) the highest point of the track in blood above a slice, (0, 3) if none is.

    In liver as bright as its blood the cava does not stand out. The track then follows what is
    known of its course, up to where it leaves the liver for the chest.
    """
    track = found.cava
    z = track.points_lps_mm[:, 2]
    inside = (z <= found.chest_z_mm + _IN_CHEST_MM) & (z <= z[above] + _UNSEEN_MM)
    inside &= track.level_hu > BLOOD_HU
    after = np.flatnonzero(~inside[above:])
    last = above + (after[0] - 1 if len(after) else len(z) - 1 - above)
    if last <= above:
        return np.empty((0, 3))
    if last < _leaves_course(track, _lowest_mm(found)):
        return track.points_lps_mm[last : last + 1]
    # What the track went on in is another vessel of the liver: the cava goes on upwards.
    return _gone_on(track, float(z[above]), z[last : last + 1])


def _leaves_course(track: Track, lowest_mm: float) -> int:
    """Return the lowest slice at which a track has left the course that it had for long below.

    Below ``lowest_mm`` it is no cava.

    In a liver that is as bright as its blood the track of a cava may go on in a hepatic or portal
    vein, which leads aside. The number of slices where it does not.
    """
    z = track.points_lps_mm[:, 2]
    shown = (track.contrast_hu > _LEAST_CONTRAST_HU) & (track.level_hu > BLOOD_HU)
    for n in range(len(z)):
        known = (z <= z[n] - _COURSE_MM[0]) & (z >= z[n] - _COURSE_MM[1])
        if z[n] - max(z[0], lowest_mm) < _COURSE_MM[1] or not shown[known].mean() > _SHOWN_SHARE:
            continue
        away = _gone_on(track, float(z[n]) - _COURSE_MM[0], z[n : n + 1]) - track.points_lps_mm[n]
        if float(np.linalg.norm(away)) > _OFF_COURSE_MM:
            return n
    return len(z)


def _gone_on(track: Track, below_mm: float, z_mm: FloatArray) -> FloatArray:
    """Return (n, 3) points at some heights where a track below a height leads: soon straight up."""
    points = track.points_lps_mm
    z = points[:, 2]
    known = points[(z <= below_mm) & (z >= below_mm - _COURSE_MM[1] + _COURSE_MM[0])]
    rise = known[:, 2] - known[:, 2].mean()
    slope = (rise @ (known[:, :2] - known[:, :2].mean(axis=0))) / max(float(rise @ rise), 1e-6)
    last = np.median(known[known[:, 2] > known[:, 2].max() - _END_MM], axis=0)
    leaning = np.clip(z_mm - last[2], 0.0, _LEANING_MM)[:, None]
    return np.column_stack([last[:2] + np.clip(slope, -_STEEP, _STEEP) * leaning, z_mm])


def shows_aorta(found: Landmarks) -> bool:
    """Tell whether enough of the abdomen is in view to know the aorta from other vessels.

    Where the image begins at the iliac crests, its track may run in the cava or an iliac vessel.
    """
    if not np.isfinite(found.crest_z_mm):
        return True
    return height_over_crests_mm(found) >= _LEAST_OVER_CRESTS_MM


def height_over_crests_mm(found: Landmarks) -> float:
    """Return how far above the iliac crests the image goes on along the spine."""
    return float(found.aorta.points_lps_mm[:, 2].max() - found.crest_z_mm)


def division_mm(found: Landmarks) -> float:
    """Return the height at which the aorta divides.

    Where it seems to do so high above the iliac crests it may only have become thinner or fainter:
    if its track goes straight on in blood, it has not divided yet. Far below the crests its track
    runs in another vessel, and below the end of a cava left of it perhaps in the veins that join.
    """
    track = found.aorta
    lowest = max(lowest_of_aorta_mm(track), found.crest_z_mm - _DIVISION_UNDER_CREST_MM)
    if len(found.left_lps_mm):
        return max(lowest, float(found.left_lps_mm[-1, 2]))
    z, x = track.points_lps_mm[:, 2], track.points_lps_mm[:, 0]
    # Crests out of view lie below the image.
    crest_mm = max(found.crest_z_mm, float(z.min()))
    end = int(np.argmin(np.abs(z - lowest)))
    sure = sure_of(track)
    while (
        end > 0
        and z[end - 1] >= crest_mm + _DIVISION_OVER_CREST_MM
        and sure[end - 1]
        and abs(x[end - 1] - np.interp(lowest, z, x)) < _STRAIGHT_MM
    ):
        end -= 1
    return float(min(lowest, z[end]))
