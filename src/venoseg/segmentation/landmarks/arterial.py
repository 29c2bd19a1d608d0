"""Arteries, and what a picture shows of arteries and veins below the division of the aorta.

Blood of arteries is well mixed, so that it has the aorta's grey value as far as the groin. A vein
may have it too, and often no wall shows between the two. Then the vein is the one that lies behind.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial.distance import cdist

from venoseg.segmentation.landmarks.aorta import run_of_aorta
from venoseg.segmentation.landmarks.cava import division_mm, second_cava, sure_cava
from venoseg.segmentation.landmarks.central import Landmarks
from venoseg.segmentation.landmarks.spine import rows_held
from venoseg.segmentation.landmarks.tracks import discs_in, sure_of
from venoseg.segmentation.voxels.balls import Depths, depths_in, voxels_near
from venoseg.segmentation.working import Float32Array
from venoseg.volume import BoolArray, FloatArray, Grid

RADII_MM = (3.0, 4.5, 6.0, 8.0)
"""Radii of the discs that are looked for."""

ALIKE_HU = 20.0
"""By so much the grey value of an artery may differ from that of the aorta."""

# Only the internal arteries run farther back than this, and no farther than the last.
_WINDOW_MM, _BEHIND_MM, _INTERNAL_MM = 130.0, 45.0, 85.0
# The track of a dark vessel is no artery.
_MIXED_HU, _UNLIKE_HU = 10.0, 15.0
# Blood of iliac veins is that of the cava below the kidneys, or has mixed less yet.
_FAINTER_HU, _FAINTEST_HU, _BRIGHTER_HU, _APART_HU = 40.0, 45.0, 25.0, 40.0
_LOW_PERCENT, _ON_COURSE_MM = 10, 12.0
# A vessel with another one before it, or before it and beside, is the vein.
_BEFORE_MM, _ASIDE_MM, _COVERED = (6.0, 16.0), 11.0, 1.0
_NEVER = 5.0
_LEAST_SLICES = 4
_OVER_CREST_MM = 5.0
_WALL = 1.3, 0.8


@dataclass(frozen=True, slots=True, eq=False)
class Artery:
    """An artery as a chain of n balls.

    Attributes
    ----------
    points_lps_mm
        (n, 3).
    radius_mm
        (n,).
    in_vein
        (n,) whether its track runs in the vein beside it: near the artery, which is not there.
        None: nowhere.
    """

    points_lps_mm: FloatArray
    radius_mm: FloatArray
    in_vein: BoolArray | None = None

    @property
    def strays(self) -> BoolArray:
        """(n,) whether its track runs in the vein."""
        return np.zeros(len(self.radius_mm), dtype=bool) if self.in_vein is None else self.in_vein

    @property
    def _balls(self) -> tuple[FloatArray, FloatArray]:
        """(m, 3) and (m,) points and radii where its track runs in the artery itself."""
        own = ~self.strays
        return self.points_lps_mm[own], self.radius_mm[own]

    @property
    def proved(self) -> Artery:
        """The part of it that its discs prove, as an artery whose wall lies there."""
        radius = np.maximum((self.radius_mm - _WALL[1]) / _WALL[0], 0.0)
        return Artery(self.points_lps_mm, radius)

    def within(self, points_lps_mm: FloatArray, share: float) -> BoolArray:
        """Tell which of (m, 3) points lie nearer to it than a share of its radius."""
        middles, radius_mm = self._balls
        if len(middles) == 0:
            return np.zeros(len(points_lps_mm), dtype=bool)
        away = cdist(points_lps_mm, middles)
        nearest = away.argmin(axis=1)
        inside: BoolArray = away.min(axis=1) < share * radius_mm[nearest]
        return inside

    def depths(self, grid: Grid, least: float) -> Depths:
        """Return how deep the voxels of a grid lie in it: 1 in its middle, 0 at its wall.

        Those that lie less deep than ``least`` are left out.
        """
        middles, radius_mm = self._balls
        # The discs of a track fit inside the artery.
        return depths_in(grid, middles, _WALL[0] * radius_mm + _WALL[1], least)

    def covers(self, grid: Grid, share: float) -> BoolArray:
        """Return (slices, rows, columns), True nearer to it than a share of its radius."""
        middles, radius_mm = self._balls
        return _held(grid, middles, share * radius_mm)

    def beside(self, grid: Grid, reach_mm: float) -> BoolArray:
        """Return (slices, rows, columns), True nearer to its track than a distance.

        Farther where it is wider than elsewhere: what lies beside it begins that much farther away.
        """
        wider = np.maximum(self.radius_mm / np.median(self.radius_mm), 1.0)
        return _held(grid, self.points_lps_mm, reach_mm * wider)


def _held(grid: Grid, points_lps_mm: FloatArray, reach_mm: FloatArray) -> BoolArray:
    held = np.zeros(grid.shape, dtype=bool)
    held[tuple(voxels_near(grid, points_lps_mm, reach_mm).T)] = True
    return held


@dataclass(frozen=True, slots=True, eq=False)
class Below:
    """What an image shows of arteries below the division of the aorta.

    Attributes
    ----------
    image, place
        The slices below it, and their place.
    radius_mm
        (slices, rows, columns) of the disc that fits best around each place.
    score, vein_score
        (slices, rows, columns) how much each place looks like the middle of an artery, of a vein.
    inner_score
        (slices, rows, columns) how much it looks like the middle of an internal iliac artery, which
        lies behind other vessels.
    start_lps_mm
        (3,) the last point of the aorta.
    cava_lps_mm
        (3,) the cava in the uppermost slice, (0,) where it does not show there.
    level_hu
        Grey value of its blood.
    middle_mm
        LPS x of the middle of the spine beside it.
    divides_mm
        Height of the division.
    crossing
        The sides, -1 the right one and 1 the left one, whose vein crosses the spine to come to the
        cava.
    """

    image: Float32Array
    place: Grid
    radius_mm: Float32Array
    score: FloatArray
    vein_score: FloatArray
    inner_score: FloatArray
    start_lps_mm: FloatArray
    cava_lps_mm: FloatArray
    level_hu: float
    middle_mm: float
    divides_mm: float
    crossing: tuple[float, ...] = ()


def below_division(image: Float32Array, grid: Grid, found: Landmarks) -> Below | None:
    """Look for arteries below the division of the aorta; None where that is not in view.

    Parameters
    ----------
    image, grid
        The coarse upright picture that the landmarks were found in.
    found
        The landmarks.
    """
    aorta = found.aorta
    divides = division_mm(found)
    sure = _before_division(found)
    z = grid.to_lps(np.column_stack([np.arange(len(image))] * 3))[:, 2]
    below = np.flatnonzero(z <= divides)
    if len(sure) < _LEAST_SLICES or len(below) < _LEAST_SLICES:
        return None
    start = aorta.points_lps_mm[sure[0]]
    level = float(np.median(aorta.level_hu[sure]))
    part, place = _window(image, grid, start, int(below[-1]) + 1)
    low_hu, high_hu = _blood_of_veins(found, level)
    least, most = min(low_hu, level - ALIKE_HU), max(high_hu, level + ALIKE_HU)
    blood = (part > least - 2 * ALIKE_HU) & (part < most + 2 * ALIKE_HU)
    discs = discs_in(part, place, RADII_MM, 0.25, darker_too=False, where=blood)
    shown = np.clip(discs.contrast_hu, -50.0, 60.0) / 50.0
    unlike = np.maximum(np.abs(discs.level_hu - level) - _MIXED_HU, 0.0) / _UNLIKE_HU
    score: FloatArray = shown - np.minimum(unlike, 2.0)
    inner_score = score.copy()
    score -= _COVERED * np.clip(_before(score, place), 0.0, 1.0)
    course = _course_of_cava(found)
    never_at(score, place, course)
    unlike = np.maximum(np.maximum(low_hu - discs.level_hu, discs.level_hu - high_hu), 0.0)
    vein_score: FloatArray = shown - np.minimum(unlike / _UNLIKE_HU, 2.0)
    far = int(place.to_index(np.add(start, (0.0, _BEHIND_MM, 0.0)))[1])
    score[:, far:], vein_score[:, far:] = -_NEVER, -_NEVER
    middle = float(np.interp(start[2], aorta.points_lps_mm[:, 2], found.middle_x_mm))
    cava = _cava_at(found, start)
    return Below(
        part,
        place,
        discs.radius_mm,
        score,
        vein_score,
        inner_score,
        start,
        cava,
        level,
        middle,
        divides,
        _crossing(found, start, cava),
    )


def _crossing(found: Landmarks, start: FloatArray, cava: FloatArray) -> tuple[float, ...]:
    """Return the sides whose vein comes from a cava beyond the aorta: none where there are two."""
    if len(cava) == 0 or len(second_cava(found, sure_cava(found))):
        return ()
    return (float(np.sign(start[0] - cava[0])),)


def _blood_of_veins(found: Landmarks, artery_hu: float) -> tuple[float, float]:
    """Return between which grey values the blood of iliac veins may lie."""
    track, cava = found.cava, sure_cava(found)
    if len(cava) == 0:
        return _FAINTEST_HU, artery_hu + _BRIGHTER_HU
    x, _, z = track.points_lps_mm.T
    # Beside a cava left of the aorta the track runs through other tissue.
    along = np.abs(x - np.interp(z, cava[::-1, 2], cava[::-1, 0])) < _ON_COURSE_MM
    own = track.level_hu[(z <= cava[0, 2]) & (z >= cava[-1, 2]) & along]
    if len(own) == 0:
        return _FAINTEST_HU, artery_hu + _BRIGHTER_HU
    usual, least = float(np.median(own)), float(np.percentile(own, _LOW_PERCENT))
    brightest = usual if artery_hu - usual > _APART_HU else max(usual, artery_hu)
    return max(least - _FAINTER_HU, _FAINTEST_HU), brightest + _BRIGHTER_HU


def _cava_at(found: Landmarks, point: FloatArray) -> FloatArray:
    """Return (3,) the cava at the height of a point, (0,) where it is not sure there."""
    cava = sure_cava(found)
    if len(cava) == 0 or not cava[-1, 2] <= point[2] <= cava[0, 2]:
        return np.empty(0)
    track = found.cava.points_lps_mm
    x, y = (float(np.interp(point[2], track[:, 2], track[:, n])) for n in (0, 1))
    return np.array([x, y, point[2]])


def _course_of_cava(found: Landmarks) -> FloatArray:
    """Return (n, 3) points along the cava, down to the iliac crests; below it may have divided."""
    cava = sure_cava(found)
    if len(cava) == 0:
        return cava
    z = found.cava.points_lps_mm[:, 2]
    z = z[(z >= max(cava[-1, 2], found.crest_z_mm + _OVER_CREST_MM)) & (z <= cava[0, 2])]
    x, y = (np.interp(z, cava[::-1, 2], cava[::-1, n]) for n in (0, 1))
    return np.column_stack([x, y, z])


def never_at(score: npt.NDArray[np.floating], place: Grid, points_lps_mm: FloatArray) -> None:
    """Lower the score around (n, 3) points in place, so that no track passes them."""
    near = np.zeros(score.shape, dtype=bool)
    voxel = np.rint(place.to_index(points_lps_mm)).astype(int)
    for k, j, i in voxel[((voxel >= 0) & (voxel < place.shape)).all(axis=1)]:
        near[max(k - 1, 0) : k + 2, max(j - 2, 0) : j + 3, max(i - 2, 0) : i + 3] = True
    score[near] -= _NEVER


def division_of(found: Landmarks) -> FloatArray | None:
    """Return (3,) where the aorta divides, or is last seen; None where it was not found."""
    sure = _before_division(found)
    return found.aorta.points_lps_mm[sure[0]] if len(sure) >= _LEAST_SLICES else None


def _before_division(found: Landmarks) -> npt.NDArray[np.intp]:
    z = found.aorta.points_lps_mm[:, 2]
    run = run_of_aorta(found.aorta)
    highest_mm = z[run[0]] if len(run) else np.inf
    return np.flatnonzero(sure_of(found.aorta) & (z >= division_mm(found)) & (z <= highest_mm))


def _window(
    image: Float32Array, grid: Grid, start: FloatArray, stop: int
) -> tuple[Float32Array, Grid]:
    """Cut out the slices below the division, around the midline and before the sacrum."""
    _, dy, dx = grid.spacing_mm
    _, row, column = np.rint(grid.to_index(start)).astype(int)
    first, _ = rows_held(image[:stop] > -300)
    box = (
        slice(0, stop),
        slice(int(np.min(first)), min(image.shape[1], row + int(_INTERNAL_MM / dy))),
        slice(max(0, column - int(_WINDOW_MM / dx)), column + int(_WINDOW_MM / dx)),
    )
    part = image[box]
    whole = (slice(0, part.shape[0]), box[1], slice(box[2].start, box[2].start + part.shape[2]))
    return part, grid.crop(whole)


def _before(score: FloatArray, place: Grid) -> FloatArray:
    """Return the best score of places right before each place."""
    dy, dx = (float(size) for size in place.spacing_mm[1:])
    near, far = (max(1, round(mm / dy)) for mm in _BEFORE_MM)
    wide = 2 * round(_ASIDE_MM / dx) + 1
    best = ndimage.maximum_filter(score, (1, far - near + 1, wide))
    shifted = np.full(score.shape, -1.0)
    shift = (near + far) // 2
    shifted[:, shift:] = best[:, :-shift]
    return shifted
