"""A cava left of the aorta: alone, or a second one beside the usual one.

Of the embryo's veins the left one may stay, as the cava below the kidneys (up to 0.5 % of people)
or as a second one (up to 3 %). It drains into the left renal vein, which crosses before the aorta.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.segmentation.blood import is_arterial
from venoseg.segmentation.landmarks.tracks import (
    Track,
    beyond,
    discs_in,
    sure_of,
    track_of,
    track_through,
)
from venoseg.segmentation.working import Float32Array
from venoseg.volume import FloatArray, Grid

_RADII_MM = (4.5, 6.0, 8.5, 11.0)
# Where its middle may lie against that of the aorta: left of it, and rather behind it, for before
# it lies bowel.
_LEFT_MM, _BEHIND_MM = (15.0, 34.0), (-6.0, 20.0)
_WINDOW_MM = 55.0
# As bright as the cava, give or take; muscle is darker than the last.
_ALIKE_HU, _UNLIKELY_HU, _MUSCLE_HU = 25.0, 15.0, 78.0
_LEAST_CONTRAST_HU, _LEAST_RADIUS_MM = 25.0, 6.0
# Bowel runs beside the aorta for less than this, other veins are thinner.
_LEAST_MM, _GAP_MM, _MOVE_MM = 65.0, 9.0, 4.0
# It begins no farther above the end of the aorta or the iliac crests.
_NEAR_DIVISION_MM = 30.0


def left_of_aorta(
    part: Float32Array, place: Grid, aorta: Track, cava: Track, heights_mm: tuple[float, float]
) -> FloatArray:
    """Return (n, 3) points of a vein left of the aorta, from the head down; (0, 3) if none runs.

    Parameters
    ----------
    part, place
        The coarse upright picture around the spine; its slices are those of the tracks.
    aorta, cava
        Their tracks.
    heights_mm
        At which the aorta ends, or seems to, and that of the iliac crests.
    """
    lowest_mm = heights_mm[0]
    none = np.empty((0, 3))
    level = _venous_hu(aorta, cava)
    z = aorta.points_lps_mm[:, 2]
    slices = np.flatnonzero(z >= lowest_mm)
    if level is None or len(slices) * float(place.spacing_mm[0]) < _LEAST_MM:
        return none
    picture, grid = _window(part, place, slices, aorta.points_lps_mm[slices])
    x = grid.to_lps(np.column_stack([np.arange(picture.shape[2])] * 3))[:, 0]
    y = grid.to_lps(np.column_stack([np.arange(picture.shape[1])] * 3))[:, 1]
    aside = x - aorta.points_lps_mm[slices, 0][:, None]
    behind = y - aorta.points_lps_mm[slices, 1][:, None]
    unlikely = beyond(aside, *_LEFT_MM)[:, None, :] + beyond(behind, *_BEHIND_MM)[:, :, None]
    discs = discs_in(picture, grid, _RADII_MM, 0.25, darker_too=False)
    unlike = np.maximum(np.abs(discs.level_hu - level) - _ALIKE_HU, 0.0) / _UNLIKELY_HU
    score = np.clip(discs.contrast_hu, -50.0, 100.0) / 50.0 - unlikely - np.minimum(unlike, 4.0)
    path = track_through(score.astype(np.float32), grid, _MOVE_MM)
    track = track_of(picture, grid, discs, path)
    run = _longest(track, level, aorta.points_lps_mm[slices])
    height = len(run) * float(place.spacing_mm[0])
    if height < _LEAST_MM or np.median(track.radius_mm[run]) < _LEAST_RADIUS_MM:
        return none
    if track.points_lps_mm[run[0], 2] > max(heights_mm) + _NEAR_DIVISION_MM:
        return none
    return track.points_lps_mm[run[::-1]]


def _venous_hu(aorta: Track, cava: Track) -> float | None:
    """Return the grey value of blood in the cava; None where that says nothing of other veins."""
    sure, artery = sure_of(cava), sure_of(aorta)
    if not sure.any() or not artery.any():
        return None
    level = float(np.median(cava.level_hu[sure]))
    arterial = is_arterial(float(np.median(aorta.level_hu[artery])), level)
    return None if arterial else level


def _window(
    part: Float32Array, place: Grid, slices: npt.NDArray[np.intp], aorta_lps_mm: FloatArray
) -> tuple[Float32Array, Grid]:
    """Return what lies left of the aorta in some slices, and its place."""
    low = aorta_lps_mm.min(axis=0) + np.array([0.0, -_WINDOW_MM / 2, 0.0])
    high = aorta_lps_mm.max(axis=0) + np.array([_WINDOW_MM, _WINDOW_MM, 0.0])
    first = np.floor(place.to_index(low)).astype(int)
    last = np.ceil(place.to_index(high)).astype(int)
    rows, columns = (
        slice(max(0, int(a)), min(size, int(b) + 1))
        for a, b, size in zip(first[1:], last[1:], part.shape[1:], strict=True)
    )
    box = (slice(int(slices[0]), int(slices[-1]) + 1), rows, columns)
    return part[box], place.crop(box)


def _longest(track: Track, level: float, aorta_lps_mm: FloatArray) -> npt.NDArray[np.intp]:
    """Return the slices, from the feet up, of the longest stretch that surely is such a vein."""
    x, y = (track.points_lps_mm[:, n] - aorta_lps_mm[:, n] for n in (0, 1))
    sure = (track.contrast_hu > _LEAST_CONTRAST_HU) & (track.level_hu > _MUSCLE_HU)
    sure &= np.abs(track.level_hu - level) < _ALIKE_HU + _UNLIKELY_HU
    sure &= (beyond(x, *_LEFT_MM) < 0.5) & (beyond(y, *_BEHIND_MM) < 1.0)
    step = float(np.abs(np.diff(track.points_lps_mm[:, 2])).mean())
    size = max(2, round(_GAP_MM / step)) + 1
    runs, count = ndimage.label(ndimage.binary_closing(np.pad(sure, size), np.ones(size)))
    runs = runs[size:-size]
    longest = max(range(1, count + 1), key=lambda n: int((runs == n).sum()), default=0)
    return np.flatnonzero((runs == longest) & (longest > 0))
