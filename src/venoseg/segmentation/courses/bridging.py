"""Where veins run that show no contrast: the way across an occlusion.

Past an occlusion the cheapest way leads through what is bright beside it: a renal vein, collaterals
beside the spine, the aorta. The occluded vein itself is a cord, darker than all of these, but its
place is known from the arteries: the cava runs right of the aorta, in front of the spine, and an
iliac vein beside its artery.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from scipy.spatial import cKDTree

from venoseg.segmentation.context.scene import Scene
from venoseg.segmentation.courses.plan import Chain
from venoseg.segmentation.working import Float32Array
from venoseg.volume import BoolArray, FloatArray

# A way is broken that leaves blood, or runs in a known artery, for so long in all.
_DEAR, _BROKEN_MM, _IN_ARTERY_MM = 6.0, 15.0, 8.0
# An artery is so much wider than the discs that were found in it, and with its wall.
_WIDER, _WITH_WALL, _ARTERY = 1.3, 1.5, 60.0
# So far from the middle of the aorta the cava runs, and of an iliac artery its vein; in between
# over so much height. Each millimetre farther costs.
_FROM_AORTA_MM, _FROM_ARTERY_MM, _BETWEEN_MM = 36.0, 22.0, 30.0
_ASIDE, _MOST_ASIDE, _WRONG_SIDE = 1.5, 24.0, 24.0
_COARSER = 2


def instead_of_broken(
    scene: Scene, chain: Chain, cost: Float32Array
) -> Callable[[FloatArray], Float32Array | None]:
    """Return a step from a way to what a millimetre costs instead if it is broken, else None.

    Parameters
    ----------
    scene, chain
        What lies beside the vein, and the points that it passes.
    cost
        (slices, rows, columns) what a millimetre cost.

    Returns
    -------
    Callable
        Takes (n, 3) the cheapest way between two of the points.
    """

    @cache
    def across() -> Float32Array:
        return cost + cost_across(scene, chain)

    def instead(way_lps_mm: FloatArray) -> Float32Array | None:
        return across() if is_broken(scene, cost, way_lps_mm) else None

    return instead


def is_broken(scene: Scene, cost: Float32Array, way_lps_mm: FloatArray) -> bool:
    """Tell whether a way between two points of a vein leaves its blood, or runs in an artery."""
    steps = np.linalg.norm(np.diff(way_lps_mm, axis=0), axis=1)
    middles = 0.5 * (way_lps_mm[1:] + way_lps_mm[:-1])
    dear = float(steps[cost[scene.picture.index(middles)] > _DEAR].sum())
    inside = np.zeros(len(middles), dtype=bool)
    for artery in scene.known_arteries:
        inside |= artery.within(middles, _WIDER)
    return dear > _BROKEN_MM or float(steps[inside].sum()) > _IN_ARTERY_MM


def cost_across(scene: Scene, chain: Chain) -> Float32Array:
    """Return what a millimetre costs more where these veins do not run, blood there or not.

    Nothing where no aorta was found.
    """
    grid = scene.picture.grid
    cost: Float32Array = np.zeros(grid.shape, dtype=np.float32)
    known = scene.known_arteries
    if not known or scene.division_lps_mm is None:
        return cost
    inside = np.zeros(grid.shape, dtype=bool)
    for artery in known:
        inside |= artery.covers(grid, _WITH_WALL)
    # How far it is to an artery changes so slowly that a coarser grid tells it.
    coarse = tuple(-(-size // _COARSER) for size in grid.shape)
    points = grid.to_lps(_COARSER * np.moveaxis(np.indices(coarse), 0, -1).reshape(-1, 3))
    middles = np.concatenate([artery.points_lps_mm for artery in known])
    most_mm = _FROM_AORTA_MM + _MOST_ASIDE / _ASIDE
    away, _ = cKDTree(middles).query(points, distance_upper_bound=most_mm, workers=-1)
    above = np.clip((points[:, 2] - scene.division_lps_mm[2]) / _BETWEEN_MM + 1.0, 0.0, 1.0)
    usual = _FROM_ARTERY_MM + above * (_FROM_AORTA_MM - _FROM_ARTERY_MM)
    aside = np.clip(_ASIDE * (np.minimum(away, most_mm) - usual), 0.0, _MOST_ASIDE)
    aside += _WRONG_SIDE * _wrong_side(scene, chain, points)
    cost += _finer(aside.reshape(coarse).astype(np.float32), grid.shape)
    cost += _ARTERY * inside
    return cost


def _finer(coarse: Float32Array, shape: tuple[int, int, int]) -> Float32Array:
    """Return values between those of every `_COARSER` voxel along each axis."""
    for axis, size in enumerate(shape):
        at = np.arange(size) / _COARSER
        low = at.astype(int)
        high = np.minimum(low + 1, coarse.shape[axis] - 1)
        share = (at - low).astype(np.float32).reshape([-1 if n == axis else 1 for n in range(3)])
        first, second = (np.take(coarse, index, axis=axis) for index in (low, high))
        coarse = first + share * (second - first)
    return coarse


def _wrong_side(scene: Scene, chain: Chain, points: FloatArray) -> BoolArray:
    """Tell which of (n, 3) points lie above the division on the side that the cava is not on.

    It is right of the aorta, but where points that it passes lie left of it.
    """
    aorta = scene.aorta_lps_mm[np.argsort(scene.aorta_lps_mm[:, 2])]
    if scene.division_lps_mm is None or len(aorta) == 0:
        return np.zeros(len(points), dtype=bool)
    low_mm = float(scene.division_lps_mm[2])
    line = np.concatenate([scene.division_lps_mm[None], aorta[aorta[:, 2] > low_mm]])

    def left_by(where: FloatArray) -> FloatArray:
        left: FloatArray = where[:, 0] - np.interp(where[:, 2], line[:, 2], line[:, 0])
        return left

    passed = chain.points_lps_mm[chain.points_lps_mm[:, 2] > low_mm]
    if (left_by(passed) > 0).any():
        return np.zeros(len(points), dtype=bool)
    wrong: BoolArray = (points[:, 2] > low_mm) & (left_by(points) > 0)
    return wrong
