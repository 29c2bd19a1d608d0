"""The border between a vein and the artery that touches it.

From the middles of both their blood floods the image (watershed, Vincent and Soille 1991,
doi:10.1109/34.87344): over the dark line of a wall late, over the step to blood of another grey
value late, and where neither shows from both sides at the same pace. What the artery reaches first
is not vein. Blur leaves nothing of either finer than a millimetre, so that smaller voxels are
flooded by blocks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from venoseg.segmentation.landmarks.arterial import Artery
from venoseg.segmentation.together import each
from venoseg.segmentation.trust.judging import Judged
from venoseg.segmentation.tubes.wall import Tube
from venoseg.segmentation.voxels.balls import Depths
from venoseg.segmentation.voxels.drawn import Drawn
from venoseg.segmentation.working import (
    Box,
    blocks_of,
    box_around,
    factors,
    held_by,
    smoothed,
    with_blocks,
)
from venoseg.volume import BoolArray, FloatArray, Grid, Volume

# The middle of each reaches out to this share of its radius.
_VEIN_CORE, _ARTERY_CORE = 0.5, 0.5
_FINE_MM = 1.0
# So high are the pieces that are looked at one by one, and so much around them.
_PIECE_MM, _ASIDE_MM = 30.0, 8.0
_SMOOTH_MM = 0.6
# The flood rises in steps; fat is darker than blood by the last.
_LEVEL_HU, _HIGHEST, _FAT_HU = 4.0, 60, 60.0
# So little beyond what a track tells of its wall an artery may reach.
_BEYOND_WALL = -0.2
# Farther from it, in radii, no vein touches it.
_NEAR_WALL = -0.3


def without_touching(
    drawn: Drawn,
    volume: Volume,
    found: Sequence[Judged],
    tubes: Sequence[Tube],
    arteries: Sequence[Artery],
) -> Drawn:
    """Take away what is rather an artery's than the vein's that it touches.

    Parameters
    ----------
    drawn
        Painted veins on the grid of the volume.
    volume
        The image.
    found, tubes
        The stretches of the veins, and the tubes that they are parts of.
    arteries
        Those that were followed.
    """
    points, radius = _middles(found, tubes)
    if len(points) == 0:
        return drawn
    near = cKDTree(points)
    reach = float(radius.max())
    factor = factors(volume.grid, _FINE_MM)
    grid = blocks_of(volume.grid, factor)
    # What is left over beside the last whole blocks counts as theirs.
    block = np.ravel_multi_index(drawn.blocks(factor), grid.shape, mode="clip")
    vein, gone = np.zeros(grid.shape, dtype=bool), np.zeros(grid.shape, dtype=bool)
    vein.ravel()[block] = True
    touching = each(lambda artery: _touching(vein, grid, artery), arteries)
    pieces = [piece for own in touching for piece in own]

    def lost(piece: tuple[Depths, Box]) -> BoolArray:
        artery, box = piece
        k, j, i = (slice(s.start * n, s.stop * n) for s, n in zip(box, factor, strict=True))
        part = with_blocks(volume.crop((k, j, i)), factor)
        return _artery_first(vein[box], part, artery, near, radius, reach)

    for (_, box), first in zip(pieces, each(lost, pieces), strict=True):
        gone[box] |= first
    return drawn.without(gone.ravel()[block])


def _touching(vein: BoolArray, grid: Grid, artery: Artery) -> list[tuple[Depths, Box]]:
    """Return pieces, along the body, of an artery where it may touch a vein, and their boxes."""
    depths = artery.depths(grid, _NEAR_WALL)
    touched = depths.index[vein[tuple(depths.index.T)]]
    if len(touched) == 0:
        return []
    points = grid.to_lps(touched)
    piece = ((points[:, 2] - points[:, 2].min()) // _PIECE_MM).astype(int)
    boxes = [box_around(grid, points[piece == one], _ASIDE_MM) for one in np.unique(piece)]
    return [(depths.within(box), box) for box in boxes]


def _middles(found: Sequence[Judged], tubes: Sequence[Tube]) -> tuple[FloatArray, FloatArray]:
    """Return (n, 3) points of the veins' courses, and (n,) how far their middle reaches."""
    points, radius = [np.empty((0, 3))], [np.empty(0)]
    for one in found:
        tube = tubes[one.stretch.tube]
        points.append(tube.course.points_lps_mm[one.open_stations])
        radius.append(_VEIN_CORE * tube.radius_mm[one.open_stations].min(axis=1))
    return np.concatenate(points), np.concatenate(radius)


def _artery_first(
    vein: BoolArray,
    part: Volume,
    artery: Depths,
    courses: cKDTree,
    radius_mm: FloatArray,
    reach_mm: float,
) -> BoolArray:
    """Return which voxels of a vein an artery's blood reaches first."""
    from skimage.segmentation import watershed

    held = held_by(vein)
    away, nearest = courses.query(part.grid.to_lps(held), distance_upper_bound=reach_mm)
    inner = np.isfinite(away)
    inner[inner] = away[inner] < radius_mm[nearest[inner]]
    core = np.zeros(vein.shape, dtype=bool)
    core[tuple(held[inner].T)] = True
    middle, blood = np.zeros_like(core), np.zeros_like(core)
    middle[tuple(artery.deeper_than(_ARTERY_CORE).T)] = True
    blood[tuple(artery.deeper_than(_BEYOND_WALL).T)] = True
    core, middle = core & ~middle, middle & ~core
    if not core.any() or not middle.any():
        return np.zeros(vein.shape, dtype=bool)
    image = smoothed(part.voxels, _SMOOTH_MM / part.grid.spacing_mm)
    vein_hu, artery_hu = (float(np.median(image[own])) for own in (core, middle))
    least, apart = min(vein_hu, artery_hu), abs(artery_hu - vein_hu)
    dark = np.maximum(least - image, 0.0)
    # Between two grey values lies a step, whose middle is the border.
    step = np.maximum(0.5 * apart - np.abs(image - 0.5 * (artery_hu + vein_hu)), 0.0)
    height = np.clip((dark + step) / _LEVEL_HU, 0, _HIGHEST).astype(np.int16)
    blood &= image > least - _FAT_HU
    markers = core.astype(np.int32) + 2 * middle
    first: BoolArray = watershed(height, markers, mask=vein | blood | (markers > 0)) == 2
    return first & vein
