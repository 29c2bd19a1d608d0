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

from venoseg.segmentation.landmarks.candidates import NOTHING, Candidates, Places, candidates_in
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


@dataclass(frozen=True, slots=True, eq=False)
class Trio:
    """The best places of one slice for artery, vein and internal artery: a, v and i of them."""

    artery: Candidates
    vein: Candidates
    inner: Candidates

    @property
    def each(self) -> tuple[Candidates, Candidates, Candidates]:
        """All three."""
        return self.artery, self.vein, self.inner


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
    inners = _inner_candidates(inner, grid, down_mm)
    slices = [Trio(*three) for three in zip(arteries, veins, inners, strict=True)]
    sums = [_worth(slices[0], side, float(down_mm[0]), crosses)]
    steps = []
    for k in range(1, len(slices)):
        steps.append(_step(slices[k - 1], slices[k], per_mm))
        sums.append(_went(sums[-1], steps[-1]))
        sums[-1] += _worth(slices[k], side, float(down_mm[k]), crosses)
    # At the upper end the vein is known.
    if sums[-1].shape[1] > 1:
        sums[-1][:, -1] -= _KNOWN
    at = tuple(int(n) for n in np.unravel_index(int(sums[-1].argmax()), sums[-1].shape))
    paths = np.full((3, len(slices), 2), -1, dtype=np.int64)
    for k in range(len(slices) - 1, -1, -1):
        for path, one, n in zip(paths, slices[k].each, at, strict=True):
            if n < len(one.path):
                path[k] = one.path[n]
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


def _step(before: Trio, now: Trio, per_mm: float) -> _Step:
    costs = (
        _moved(before.artery, now.artery, per_mm),
        _goes_on(before.vein, now.vein, per_mm),
        _joins(before, now, per_mm),
    )
    return _Step(*costs)


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
    """Return (m, ...) the best of (n, ...) sums, each less what it costs from there: (n, m, ...).

    One place after the other, so that the best ones stay in the fast memory.
    """
    best: FloatArray = total[0] - price[0]
    less = np.empty_like(best)
    for own, cost in zip(total[1:], price[1:], strict=True):
        np.maximum(best, np.subtract(own, cost, out=less), out=best)
    return best


def _came_from(total: FloatArray, step: _Step, a: int, v: int, i: int) -> tuple[int, int, int]:
    """Return from which three places of the slice before the best sum leads to three places."""
    by_artery = total - step.artery[:, a, None, None]
    by_vein = by_artery.max(axis=0) - step.vein[:, v, None]
    before = int((by_vein.max(axis=0) - step.inner[a, :, i]).argmax())
    vein = int(by_vein[:, before].argmax())
    return int(by_artery[:, vein, before].argmax()), vein, before


def _inner_candidates(inner: Places | None, grid: Grid, down_mm: FloatArray) -> list[Candidates]:
    """Return the places of each slice for the internal iliac artery, none where it does not run."""
    if inner is None:
        return [NOTHING] * len(down_mm)
    there = (down_mm > INNER_MM[0]) & (down_mm < INNER_MM[1])
    found = candidates_in(inner, grid, _INNER_PLACES)
    return [one if near else NOTHING for one, near in zip(found, there, strict=True)]


def _joins(before: Trio, now: Trio, per_mm: float) -> FloatArray:
    """Return (a, i + 1, i + 1) what it costs the internal artery to go on from slice to slice.

    It ends where it touches the artery of its side.
    """
    goes_on = _goes_on(before.inner, now.inner, per_mm)
    joins = np.repeat(goes_on[None], len(now.artery.path), axis=0)
    gap = _gaps(now.artery.at_mm, before.inner.at_mm)
    touching = now.artery.radius_mm[:, None] + before.inner.radius_mm[None] + _TOUCHES_MM
    joins[:, :-1, -1] = np.where(gap < touching, 0.0, _NEVER)
    return joins


def _goes_on(before: Candidates, now: Candidates, per_mm: float) -> FloatArray:
    """Return (n + 1, m + 1) what it costs to go on to the next slice, the last: unseen in it."""
    goes_on = np.full((len(before.path) + 1, len(now.path) + 1), _FOUND)
    goes_on[:-1, :-1] = _moved(before, now, per_mm)
    goes_on[-1, -1] = 0.0
    return goes_on


def _worth(trio: Trio, side: float, down_mm: float, crosses: bool) -> FloatArray:
    """Return (a, v + 1, i + 1) what speaks for three places; the last: unseen in this slice."""
    artery, vein, inner = trio.each
    own = artery.score - _WIDE * (artery.radius_mm > _WIDE_MM)
    pair: FloatArray = own[:, None] + np.append(vein.score, _NO_VEIN)
    pair[:, :-1] -= _together(artery, vein, side, down_mm, crosses)
    worth = np.repeat(pair[:, :, None], len(inner.path) + 1, axis=2)
    worth[:, :, :-1] += inner.score - _LEAST
    behind, left = _offsets(artery, inner)
    against = _overlap(artery, inner, _WELL_APART) + np.maximum(-behind, 0.0) / _UNUSUAL_MM
    against += np.maximum(side * left - _OUTSIDE_MM, 0.0) / _UNUSUAL_MM
    worth[:, :, :-1] -= against[:, None]
    worth[:, :-1, :-1] -= _overlap(vein, inner, _WELL_APART)[None]
    return worth


def _moved(before: Candidates, now: Candidates, per_mm: float) -> FloatArray:
    """Return what it costs to move from each place of a slice to each of the next."""
    away = _gaps(before.at_mm, now.at_mm)
    price: FloatArray = per_mm * (away + _JUMPS * np.maximum(away - 1.0 / per_mm, 0.0))
    return price


def _gaps(first_mm: FloatArray, second_mm: FloatArray) -> FloatArray:
    gap: FloatArray = np.hypot(*(first_mm[:, None, n] - second_mm[None, :, n] for n in range(2)))
    return gap


def _offsets(first: Candidates, second: Candidates) -> tuple[FloatArray, FloatArray]:
    """Return (a, b) how far behind the first places the second ones lie, and how far left."""
    behind, left = (second.at_mm[None, :, n] - first.at_mm[:, None, n] for n in range(2))
    return behind, left


def _overlap(first: Candidates, second: Candidates, share: float) -> FloatArray:
    """Return (a, b) what speaks against two places as two vessels: they share a part."""
    apart = share * (first.radius_mm[:, None] + second.radius_mm[None])
    shared = np.maximum(apart, _LEAST_APART_MM) - _gaps(first.at_mm, second.at_mm)
    against: FloatArray = np.maximum(shared, 0.0) / _OVERLAP_MM
    return against


def _together(
    artery: Candidates, vein: Candidates, side: float, down_mm: float, crosses: bool
) -> FloatArray:
    """Return (a, v) what speaks against two places as artery and vein of a side."""
    behind, left = _offsets(artery, vein)
    outside = side * left
    away = np.hypot(behind, outside)
    against = _overlap(artery, vein, _APART)
    if down_mm > _WIDER_BELOW_MM:
        wider = artery.radius_mm[:, None] - vein.radius_mm[None]
        against += _WIDER * (wider > _WIDER_MM)
    share = np.clip(1.0 - down_mm / _ABOVE_MM, 0.0, 1.0)
    against += np.maximum(away - _FAR_MM - share * _FAR_ABOVE_MM, 0.0) / _FARTHER_MM
    if down_mm > _EXTERNAL_MM:
        against += np.maximum(outside - _OUTSIDE_MM, 0.0) / _UNUSUAL_MM
        against += np.maximum(-behind - _IN_FRONT_MM, 0.0) / _UNUSUAL_MM
    else:
        against += np.maximum(-behind - _BEFORE_MM, 0.0) / _UNUSUAL_MM
        if crosses:
            against += np.maximum(outside - _ASIDE_MM, 0.0) / _UNUSUAL_MM
    return against
