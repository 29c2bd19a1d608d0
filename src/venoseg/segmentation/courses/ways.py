"""The ways of the veins through the coarse picture, before their walls are sought."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from venoseg.segmentation.context.scene import Scene
from venoseg.segmentation.courses.bridging import instead_of_broken
from venoseg.segmentation.courses.plan import Chain
from venoseg.segmentation.together import each
from venoseg.segmentation.tubes.curves import length_along
from venoseg.segmentation.tubes.following import cost_of, cost_of_brightness, level_at, way_through
from venoseg.segmentation.working import Float32Array
from venoseg.volume import FloatArray

_UNENHANCED_HU = 65.0
_TOGETHER_MM, _OVER_DIVISION_MM = 8.0, 10.0
# So much of a way that another one goes too is followed once more, to know the vein's width.
_BEFORE_PARTING_MM = 60.0
_OTHER_SIDE = 30.0
_IN_SPINE = 12.0
# So much less far blood is taken to differ from an even change between two known levels.
_BESIDE_HU = 10.0


def ways_of(scene: Scene, chains: Sequence[Chain]) -> list[FloatArray]:
    """Return the way along each chain; where chains pass the same points first, it is the same."""
    same = [0, *(_alike(chains[0].points_lps_mm, chain.points_lps_mm) for chain in chains[1:])]

    costs = each(lambda chain: cost_for(scene, chain), chains)

    def own(number: int) -> FloatArray:
        chain = chains[number]
        return _way(scene, chain, costs[number], chain.points_lps_mm[max(same[number] - 1, 0) :])

    ways = each(own, range(len(chains)))
    for n in range(1, len(ways)):
        if same[n] >= 2:
            last = int(np.argmin(np.linalg.norm(ways[0] - ways[n][0], axis=1)))
            ways[n] = np.concatenate([ways[0][:last], ways[n]])
    return _in_one_cava(scene, chains, costs, ways)


def _in_one_cava(
    scene: Scene,
    chains: Sequence[Chain],
    costs: Sequence[Float32Array],
    ways: Sequence[FloatArray],
) -> list[FloatArray]:
    """Lead both ways through one cava down to where the aorta divides: the cava does so lower.

    Where the two part above, the cheaper one is in the cava.
    """
    own_cavae = any(chain.marks or chain.cava_above_mm is not None for chain in chains)
    if len(ways) < 2 or own_cavae or scene.division_lps_mm is None or not from_cava(chains):
        return list(ways)
    low_mm = float(scene.division_lps_mm[2]) + _OVER_DIVISION_MM
    away, _ = cKDTree(ways[1]).query(ways[0])
    if not (away[ways[0][:, 2] > low_mm] > _TOGETHER_MM).any():
        return list(ways)
    price = [_price(scene, cost, way, low_mm) for cost, way in zip(costs, ways, strict=True)]
    better = int(np.argmin(price))
    trunk = ways[better][: int(np.argmin(ways[better][:, 2] > low_mm)) + 1]
    worse = chains[1 - better]
    below = worse.points_lps_mm[worse.points_lps_mm[:, 2] < trunk[-1, 2]]
    rest = _way(scene, worse, costs[1 - better], np.concatenate([trunk[-1:], below]))
    other = np.concatenate([trunk[:-1], rest])
    return [ways[0], other] if better == 0 else [other, ways[1]]


def _price(scene: Scene, cost: Float32Array, way: FloatArray, low_mm: float) -> float:
    """Return the mean cost of a way above a height."""
    above = way[way[:, 2] > low_mm]
    return float(cost[scene.picture.index(above)].mean())


def _alike(first: FloatArray, second: FloatArray) -> int:
    """Return how many rows two arrays have in common at their beginning."""
    count = min(len(first), len(second))
    unlike = np.flatnonzero((first[:count] != second[:count]).any(axis=1))
    return int(unlike[0]) if len(unlike) else count


def without_the_same(ways: Sequence[FloatArray]) -> list[FloatArray]:
    """Leave out of further ways what they have in common with the first, but for the last of it."""
    own = list(ways[:1])
    for way in ways[1:]:
        away = length_along(way)
        same = _alike(ways[0], way)
        own.append(way[away >= away[max(same - 1, 0)] - _BEFORE_PARTING_MM])
    return own


def _way(scene: Scene, chain: Chain, cost: Float32Array, points: FloatArray) -> FloatArray:
    """Return the cheapest way through some points of a chain."""
    return way_through(scene.picture, cost, points, instead_of_broken(scene, chain, cost))


def cost_for(scene: Scene, chain: Chain) -> Float32Array:
    """Return what a millimetre of a chain's way costs in each voxel of the coarse picture."""
    picture = scene.picture
    points = chain.points_lps_mm
    z = picture.grid.to_lps(np.column_stack([np.arange(picture.grid.shape[0])] * 3))[:, 2]
    order = np.argsort(points[:, 2])
    levels = np.maximum(level_at(picture, points), _UNENHANCED_HU)
    level = np.interp(z, points[order, 2], levels[order])
    least, most = _least_and_most(z, points[order, 2], levels[order])
    least, most = np.minimum(level, least + _BESIDE_HU), np.maximum(level, most - _BESIDE_HU)
    cost = cost_of(picture, least, most, scene.arteries, scene.behind)
    if scene.perhaps_arteries is not None and scene.artery_hu is not None:
        cost += cost_of_brightness(picture, level, scene.perhaps_arteries, scene.artery_hu)
    if scene.in_spine is not None:
        cost += _IN_SPINE * scene.in_spine
    other_side = scene.other_side(chain.side)
    if other_side is not None:
        cost += _OTHER_SIDE * other_side
    return cost


def _least_and_most(
    z_mm: FloatArray, at_mm: FloatArray, level_hu: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return (n,) the least and the most grey value of blood at heights between known ones.

    Blood changes its grey value where veins join, not evenly from one known height to the next.
    """
    after = np.clip(np.searchsorted(at_mm, z_mm), 0, len(at_mm) - 1)
    before = np.where(z_mm < at_mm[0], 0, np.maximum(after - 1, 0))
    before = np.where(z_mm > at_mm[-1], after, before)
    two = level_hu[before], level_hu[after]
    return np.minimum(*two), np.maximum(*two)


def iliac_below_mm(scene: Scene, chains: Sequence[Chain], ways: Sequence[FloatArray]) -> float:
    """Return the height below which ways run in iliac veins, which arteries touch."""
    if all(chain.side is None for chain in chains):
        return -np.inf
    if len(ways) < 2 or not from_cava(chains):
        return np.inf
    own_cavae = [chain.cava_above_mm for chain in chains if chain.cava_above_mm is not None]
    if own_cavae:
        return max(own_cavae)
    away, _ = cKDTree(ways[1]).query(ways[0])
    together = away < _TOGETHER_MM
    if not together.any():
        return np.inf
    lowest_mm = float(ways[0][together, 2].min()) + _TOGETHER_MM
    # In a wide cava the ways part before the veins do; these never join above the aorta's division.
    divides_mm = np.inf if scene.division_lps_mm is None else float(scene.division_lps_mm[2])
    return min(lowest_mm, divides_mm)


def from_cava(chains: Sequence[Chain]) -> bool:
    """Tell whether all chains begin at one point of the cava."""
    start = chains[0].points_lps_mm[0]
    return all(np.allclose(chain.points_lps_mm[0], start) for chain in chains)
