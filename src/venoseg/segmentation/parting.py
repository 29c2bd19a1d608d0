"""The border between a vein and the artery that touches it, voxel by voxel.

From the middles of both their blood floods the image (watershed, Vincent and Soille 1991,
doi:10.1109/34.87344): over the dark line of a wall late, over the step to blood of another grey
value late, and where neither shows from both sides at the same pace. What the artery reaches first
is not vein, nor is what then hangs on the vein by the artery alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from venoseg.segmentation.arterial import Artery
from venoseg.segmentation.judging import Judged
from venoseg.segmentation.model import LabelArray
from venoseg.segmentation.wall import Tube
from venoseg.segmentation.working import box_around, smoothed
from venoseg.volume import BoolArray, FloatArray, Volume

# The middle of each reaches out to this share of its radius.
_VEIN_CORE, _ARTERY_CORE = 0.5, 0.5
# So long are the pieces of an artery that are looked at one by one, and so far aside.
_PIECE_MM, _ASIDE_MM = 30.0, 6.0
_SMOOTH_MM = 0.6
# The flood rises in steps; fat is darker than blood by the last.
_LEVEL_HU, _HIGHEST, _FAT_HU = 4.0, 60, 60.0
# So little beyond what a track tells of its wall an artery may reach.
_BEYOND_WALL = -0.2


def without_touching(
    labels: LabelArray,
    volume: Volume,
    found: Sequence[Judged],
    tubes: Sequence[Tube],
    arteries: Sequence[Artery],
) -> None:
    """Take away, in place, what is rather an artery's than the vein's that it touches.

    Parameters
    ----------
    labels
        Painted veins on the grid of the volume.
    volume
        The image.
    found, tubes
        The stretches of the veins, and the tubes that they are parts of.
    arteries
        The arteries that were followed.
    """
    points, radius = _middles(found, tubes)
    if len(points) == 0:
        return
    near = cKDTree(points)
    reach = float(radius.max())
    for artery in arteries:
        steps = np.linalg.norm(np.diff(artery.points_lps_mm, axis=0), axis=1)
        piece = (np.append(0.0, np.cumsum(steps)) // _PIECE_MM).astype(int)
        for number in range(piece[-1] + 1):
            own = np.flatnonzero(piece == number)
            part = Artery(artery.points_lps_mm[own], artery.radius_mm[own])
            aside = part.widest_mm + _ASIDE_MM
            box = box_around(volume.grid, part.points_lps_mm, aside)
            held = labels[box]
            if not held.any():
                continue
            # What goes on beyond this piece is an artery there too.
            whole = artery.points_lps_mm[max(own[0] - 5, 0) : own[-1] + 6]
            wide = Artery(whole, artery.radius_mm[max(own[0] - 5, 0) : own[-1] + 6])
            held[_artery_first(held > 0, volume.crop(box), wide, near, radius, reach)] = 0


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
    artery: Artery,
    courses: cKDTree,
    radius_mm: FloatArray,
    reach_mm: float,
) -> BoolArray:
    """Return which voxels of a vein an artery's blood reaches first."""
    from skimage.segmentation import watershed

    index = np.stack(np.unravel_index(np.arange(vein.size), vein.shape), axis=-1)
    at = part.grid.to_lps(index)
    depth = artery.depth(at).reshape(vein.shape)
    away, nearest = courses.query(at, distance_upper_bound=reach_mm)
    core = np.isfinite(away)
    core[core] = away[core] < radius_mm[nearest[core]]
    core = core.reshape(vein.shape) & vein
    middle = depth > _ARTERY_CORE
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
    blood = (depth > _BEYOND_WALL) & (image > least - _FAT_HU)
    markers = core.astype(np.int32) + 2 * middle
    first: BoolArray = watershed(height, markers, mask=vein | blood | (markers > 0)) == 2
    return first & vein
