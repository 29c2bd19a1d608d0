"""Artery and vein of a side, followed together: what is one of them is not the other.

Alone each of the two tracks slips into the other vessel where that runs straighter or stands out
better. So both are sought at once, as the cheapest sequence of pairs of places from slice to slice
(dynamic programming, Viterbi 1967, doi:10.1109/TIT.1967.1054010): each place must look like its
vessel, be near the one of the slice before, and lie beside the other as the two do in people.

The internal iliac artery is a third one. It runs behind the external iliac vein or inside of it, as
bright as the artery that it left, and would pass for the vein or for a part of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from venoseg.segmentation.landmarks.candidates import (
    Candidates,
    Places,
    candidates_in,
    no_candidates,
)
from venoseg.volume import FloatArray, Grid

INNER_MM = (20.0, 130.0)
"""So far below the division of the aorta an internal iliac artery may run."""

# So many places of a slice are tried for each of the two, and for the internal artery.
_PLACES, _INNER_PLACES = 32, 12
# Where no vein shows none is followed, though there is one; to lose and to find one again costs the
# second.
_NO_VEIN, _FOUND, _KNOWN = -0.3, 1.5, 8.0
# A place so wide is rather a vein's than an artery's.
_WIDE_MM, _WIDE = 6.5, 0.5
# So far below the division of the aorta an artery is seldom wider than its vein by the second.
_WIDER_BELOW_MM, _WIDER_MM, _WIDER = 60.0, 2.0, 0.8
# Two vessels do not share a place: their middles lie apart by this share of both radii or more.
# A third is not part of one of them, whose discs fit well inside of it.
_APART, _LEAST_APART_MM, _OVERLAP_MM = 0.85, 5.0, 1.5
_WELL_APART = 1.2
# Nor do they run far from each other, but where the veins come together behind the aorta.
_FAR_MM, _FAR_ABOVE_MM, _ABOVE_MM, _FARTHER_MM = 20.0, 40.0, 60.0, 6.0
# Below the common iliac vessels the vein lies inside of the artery or behind it.
_EXTERNAL_MM, _OUTSIDE_MM, _BEFORE_MM, _UNUSUAL_MM = 90.0, 4.0, 5.0, 5.0
_IN_FRONT_MM = 5.0
# A vein that crosses the spine to come to the cava lies inside of the artery all the way.
_ASIDE_MM = 3.0
# What is farther off than a place moves at a cost of 1 costs so much more: another vessel, perhaps.
_JUMPS = 2.0
# Sums that differ by less may be equal but for what rounding left of them.
_ROUNDED = 1e-6
# The internal iliac artery leaves the artery of its side where it touches it; a place counts for it
# by how much it looks better than the last.
_TOUCHES_MM, _NEVER, _LEAST = 9.0, 50.0, 0.5
# So many sums are compared at once that they stay in the fast memory.
_AT_ONCE = 64_000


def pair_through(
    artery: Places,
    vein: Places,
    grid: Grid,
    side: float,
    down_mm: FloatArray,
    move_mm: float,
    crosses: bool = False,
    inner: Places | None = None,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return (slices, 2) row and column of artery, vein, internal artery; -1 where one is not seen.

    Parameters
    ----------
    artery, vein
        What each looks like, from the feet up.
    grid
        The place of the slices.
    side
        -1 on the right, 1 on the left.
    down_mm
        (slices,) distance below the division of the aorta.
    move_mm
        So far a place may move from slice to slice, of 3 mm, at a cost of 1.
    crosses
        Whether the vein comes from a cava on the other side of the aorta.
    inner
        What the internal iliac artery looks like; None: it is not sought.
    """
    dz = float(grid.spacing_mm[0])
    per_mm = 3.0 / max(dz, 1.0) / move_mm
    arteries, veins = (candidates_in(one, grid, _PLACES) for one in (artery, vein))
    inners = no_candidates(len(down_mm))
    if inner is not None:
        there = (down_mm > INNER_MM[0]) & (down_mm < INNER_MM[1])
        inners = candidates_in(inner, grid, _INNER_PLACES, there)
    worth = _worth(arteries, veins, inners, side, down_mm, crosses)
    steps = _steps(arteries, veins, inners, per_mm)
    sums = [worth.of(0)]
    for k, step in enumerate(steps, start=1):
        sums.append(_went(sums[-1], step))
        sums[-1] += worth.of(k)
    # At the upper end the vein is known.
    if sums[-1].shape[1] > 1:
        sums[-1][:, -1] -= _KNOWN
    at = tuple(int(n) for n in np.unravel_index(int(sums[-1].argmax()), sums[-1].shape))
    paths = np.full((3, len(sums), 2), -1, dtype=np.int64)
    for k in range(len(sums) - 1, -1, -1):
        for path, one, n in zip(paths, (arteries, veins, inners), at, strict=True):
            if n < one.path.shape[1]:
                path[k] = one.path[k, n]
        if k:
            at = _came_from(sums[k - 1], steps[k - 1], *at)
    return paths[0], paths[1], paths[2]


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """What a step from one slice to the next costs each of the three.

    (a, a) the artery, (v + 1, v + 1) the vein, (a, i + 1, i + 1) the internal artery, by where the
    artery is then.
    """

    artery: FloatArray
    vein: FloatArray
    inner: FloatArray


def _steps(artery: Candidates, vein: Candidates, inner: Candidates, per_mm: float) -> list[_Step]:
    """Return what each step from one slice to the next costs."""
    costs = (
        _moved(artery, per_mm),
        _goes_on(vein, per_mm),
        _joins(artery, inner, per_mm),
    )
    return [_Step(*three) for three in zip(*costs, strict=True)]


def _went(total: FloatArray, step: _Step) -> FloatArray:
    """Return the best sum that leads to each three places of the next slice."""
    # From a place whose sum is worse than that of an unseen one by more than finding it again costs
    # nothing goes on better: it is left out where that is so beside all places of the other two.
    least = _FOUND + _ROUNDED
    veins = np.flatnonzero((total >= total[:, -1:] - least).any(axis=(0, 2)))
    inners = np.flatnonzero((total >= total[:, :, -1:] - least).any(axis=(0, 1)))
    best = _best_by(total[:, veins][:, :, inners], step.artery[:, :, None, None])
    best = _best_by(best.transpose(1, 0, 2).copy(), step.vein[veins, :, None, None])
    inner = step.inner[:, inners].transpose(1, 2, 0)[..., None]
    went: FloatArray = _best_by(best.transpose(2, 1, 0).copy(), inner).transpose(1, 2, 0)
    return went


def _best_by(total: FloatArray, price: FloatArray) -> FloatArray:
    """Return (m, ...) the best of (n, ...) sums, each less what it costs: (n, m, ...)."""
    most = max(1, _AT_ONCE // (price.shape[1] * total[0].size))
    best: FloatArray = (total[:most, None] - price[:most]).max(axis=0)
    for start in range(most, len(total), most):
        some = slice(start, start + most)
        np.maximum(best, (total[some, None] - price[some]).max(axis=0), out=best)
    return best


def _came_from(total: FloatArray, step: _Step, a: int, v: int, i: int) -> tuple[int, int, int]:
    """Return from which three places of the slice before the best sum leads to three places."""
    by_artery = total - step.artery[:, a, None, None]
    by_vein = by_artery.max(axis=0) - step.vein[:, v, None]
    before = int((by_vein.max(axis=0) - step.inner[a, :, i]).argmax())
    vein = int(by_vein[:, before].argmax())
    return int(by_artery[:, vein, before].argmax()), vein, before


def _joins(artery: Candidates, inner: Candidates, per_mm: float) -> FloatArray:
    """Return (n - 1, a, i + 1, i + 1) what it costs the internal artery to go on.

    It ends where it touches the artery of its side.
    """
    goes_on = _goes_on(inner, per_mm)
    joins = np.repeat(goes_on[:, None], artery.path.shape[1], axis=1)
    gap = _gaps(artery.at_mm[1:], inner.at_mm[:-1])
    touching = artery.radius_mm[1:, :, None] + inner.radius_mm[:-1, None] + _TOUCHES_MM
    joins[..., :-1, -1] = np.where(gap < touching, 0.0, _NEVER)
    return joins


def _goes_on(one: Candidates, per_mm: float) -> FloatArray:
    """Return (n - 1, m + 1, m + 1) what it costs to go on to the next slice, the last: unseen."""
    slices, count, _ = one.path.shape
    goes_on = np.full((slices - 1, count + 1, count + 1), _FOUND)
    goes_on[:, :-1, :-1] = _moved(one, per_mm)
    goes_on[:, -1, -1] = 0.0
    return goes_on


def _moved(one: Candidates, per_mm: float) -> FloatArray:
    """Return (n - 1, m, m) what it costs to move from each place of a slice to each of the next."""
    away = _gaps(one.at_mm[:-1], one.at_mm[1:])
    price: FloatArray = per_mm * (away + _JUMPS * np.maximum(away - 1.0 / per_mm, 0.0))
    return price


@dataclass(frozen=True, slots=True, eq=False)
class _Worth:
    """What speaks for three places of each slice; the last of a kind: unseen in it.

    (n, a, v + 1) artery and vein, (n, a, i + 1) the internal artery beside the artery, and
    (n, v + 1, i + 1) beside the vein.
    """

    pair: FloatArray
    inner: FloatArray
    apart: FloatArray

    def of(self, k: int) -> FloatArray:
        """Return (a, v + 1, i + 1) what speaks for three places of a slice."""
        worth: FloatArray = self.pair[k, :, :, None] + self.inner[k, :, None]
        worth += self.apart[k]
        return worth


def _worth(
    artery: Candidates,
    vein: Candidates,
    inner: Candidates,
    side: float,
    down_mm: FloatArray,
    crosses: bool,
) -> _Worth:
    """Return what speaks for the places of the three in each slice."""
    slices, arteries, _ = artery.path.shape
    veins, inners = vein.path.shape[1], inner.path.shape[1]
    own = artery.score - _WIDE * (artery.radius_mm > _WIDE_MM)
    pair = np.full((slices, arteries, veins + 1), _NO_VEIN)
    pair[:, :, :-1] = vein.score[:, None] - _together(artery, vein, side, down_mm, crosses)
    pair += own[:, :, None]
    behind, left = _offsets(artery, inner)
    against = _overlap(artery, inner, _gaps(artery.at_mm, inner.at_mm), _WELL_APART)
    against += np.maximum(-behind, 0.0) / _UNUSUAL_MM
    against += np.maximum(side * left - _OUTSIDE_MM, 0.0) / _UNUSUAL_MM
    of_inner = np.zeros((slices, arteries, inners + 1))
    of_inner[:, :, :-1] = inner.score[:, None] - _LEAST - against
    apart = np.zeros((slices, veins + 1, inners + 1))
    gap = _gaps(vein.at_mm, inner.at_mm)
    apart[:, :-1, :-1] = -_overlap(vein, inner, gap, _WELL_APART)
    return _Worth(pair, of_inner, apart)


def _gaps(first_mm: FloatArray, second_mm: FloatArray) -> FloatArray:
    """Return (n, a, b) how far (n, a, 2) places lie from (n, b, 2) other ones."""
    down, across = (first_mm[:, :, None, axis] - second_mm[:, None, :, axis] for axis in range(2))
    gap: FloatArray = np.sqrt(down * down + across * across)
    return gap


def _offsets(first: Candidates, second: Candidates) -> tuple[FloatArray, FloatArray]:
    """Return (n, a, b) how far behind the first places the second ones lie, and how far left."""
    behind, left = (
        second.at_mm[:, None, :, axis] - first.at_mm[:, :, None, axis] for axis in range(2)
    )
    return behind, left


def _overlap(first: Candidates, second: Candidates, gap_mm: FloatArray, share: float) -> FloatArray:
    """Return (n, a, b) what speaks against two places as two vessels: they share a part."""
    apart = share * (first.radius_mm[:, :, None] + second.radius_mm[:, None])
    shared = np.maximum(apart, _LEAST_APART_MM) - gap_mm
    against: FloatArray = np.maximum(shared, 0.0) / _OVERLAP_MM
    return against


def _together(
    artery: Candidates, vein: Candidates, side: float, down_mm: FloatArray, crosses: bool
) -> FloatArray:
    """Return (n, a, v) what speaks against two places as artery and vein of a side."""
    behind, left = _offsets(artery, vein)
    outside = side * left
    away = _gaps(artery.at_mm, vein.at_mm)
    down_mm = down_mm[:, None, None]
    against = _overlap(artery, vein, away, _APART)
    wider = artery.radius_mm[:, :, None] - vein.radius_mm[:, None]
    against += _WIDER * ((wider > _WIDER_MM) & (down_mm > _WIDER_BELOW_MM))
    share = np.clip(1.0 - down_mm / _ABOVE_MM, 0.0, 1.0)
    against += np.maximum(away - _FAR_MM - share * _FAR_ABOVE_MM, 0.0) / _FARTHER_MM
    external = down_mm > _EXTERNAL_MM
    before_mm = np.where(external, _IN_FRONT_MM, _BEFORE_MM)
    outside_mm = np.where(external, _OUTSIDE_MM, _ASIDE_MM if crosses else np.inf)
    against += np.maximum(-behind - before_mm, 0.0) / _UNUSUAL_MM
    against += np.maximum(outside - outside_mm, 0.0) / _UNUSUAL_MM
    return against
