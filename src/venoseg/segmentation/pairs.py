"""Artery and vein of a side, followed together: what is one of them is not the other.

Alone each of the two tracks slips into the other vessel where that runs straighter or stands out
better. So both are sought at once, as the cheapest sequence of pairs of places from slice to slice
(dynamic programming, Viterbi 1967, doi:10.1109/TIT.1967.1054010): each place must look like its
vessel, be near the one of the slice before, and lie beside the other as the two do in people.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from venoseg.segmentation.working import Float32Array, held_by
from venoseg.volume import FloatArray, Grid

# So many places of a slice are tried for each of the two.
_PLACES = 32
# Where no vein shows none is followed, though there is one; to lose and to find one again costs the
# second.
_NO_VEIN, _FOUND, _KNOWN = -0.3, 1.5, 8.0
# A place so wide is rather a vein's than an artery's.
_WIDE_MM, _WIDE = 6.5, 0.5
# Two vessels do not share a place: their middles lie apart by this share of both radii or more.
_APART, _LEAST_APART_MM, _OVERLAP_MM = 0.85, 5.0, 1.5
# Nor do they run far from each other, but where the veins come together behind the aorta.
_FAR_MM, _FAR_ABOVE_MM, _ABOVE_MM, _FARTHER_MM = 20.0, 40.0, 60.0, 6.0
# Below the common iliac vessels the vein lies inside of the artery or behind it.
_EXTERNAL_MM, _OUTSIDE_MM, _BEFORE_MM, _UNUSUAL_MM = 90.0, 4.0, 5.0, 5.0
_IN_FRONT_MM = 5.0
# A vein that crosses the spine to come to the cava lies inside of the artery all the way.
_ASIDE_MM = 3.0
# What is farther off than a place moves at a cost of 1 costs so much more: another vessel, perhaps.
_JUMPS = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """What a vessel may look like in n slices.

    Attributes
    ----------
    score
        (n, rows, columns) how much each place looks like its middle.
    radius_mm
        (n, rows, columns) of the disc that fits best.
    """

    score: Float32Array
    radius_mm: Float32Array


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """The best places of one slice: row and column, position in mm, score, radius in mm."""

    path: npt.NDArray[np.int64]
    at_mm: FloatArray
    score: FloatArray
    radius_mm: FloatArray


def pair_through(
    artery: Places,
    vein: Places,
    grid: Grid,
    side: float,
    down_mm: FloatArray,
    move_mm: float,
    crosses: bool = False,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return (slices, 2) row and column of artery and vein, -1 where no vein is followed.

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
    """
    dz = float(grid.spacing_mm[0])
    per_mm = 3.0 / max(dz, 1.0) / move_mm
    slices = list(zip(candidates_in(artery, grid), candidates_in(vein, grid), strict=True))
    total = _alone(slices[0]) - _together(slices[0], side, float(down_mm[0]), crosses)
    came = []
    for k in range(1, len(slices)):
        before, now = slices[k - 1], slices[k]
        moved = _moved(before[0], now[0], per_mm)
        by_artery = total[:, None, :] - moved[:, :, None]
        from_artery = by_artery.argmax(axis=0)
        best = by_artery.max(axis=0)
        moved = _moved(before[1], now[1], per_mm)
        moved = np.pad(moved, ((0, 1), (0, 1)), constant_values=_FOUND)
        moved[-1, -1] = 0.0
        by_vein = best[:, :, None] - moved[None]
        from_vein = by_vein.argmax(axis=1)
        total = by_vein.max(axis=1) + _alone(now)
        total -= _together(now, side, float(down_mm[k]), crosses)
        came.append((from_artery, from_vein))
    # At the upper end the vein is known.
    if total.shape[1] > 1:
        total[:, -1] -= _KNOWN
    a, v = (int(n) for n in np.unravel_index(int(total.argmax()), total.shape))
    paths = np.full((2, len(slices), 2), -1, dtype=np.int64)
    for k in range(len(slices) - 1, -1, -1):
        paths[0, k] = slices[k][0].path[a]
        if v < len(slices[k][1].path):
            paths[1, k] = slices[k][1].path[v]
        if k:
            from_artery, from_vein = came[k - 1]
            v = int(from_vein[a, v])
            a = int(from_artery[a, v])
    return paths[0], paths[1]


def candidates_in(places: Places, grid: Grid) -> list[Candidates]:
    """Return the best places of each slice that are better than those beside them."""
    score = places.score
    # The best of three rows, then of three columns.
    highest = score.copy()
    np.maximum(highest[:, 1:], score[:, :-1], out=highest[:, 1:])
    np.maximum(highest[:, :-1], score[:, 1:], out=highest[:, :-1])
    peak = score >= highest
    peak[:, :, 1:] &= score[:, :, 1:] >= highest[:, :, :-1]
    peak[:, :, :-1] &= score[:, :, :-1] >= highest[:, :, 1:]
    held = held_by(peak)
    values = score[peak]
    stops = np.searchsorted(held[:, 0], np.arange(len(score) + 1))
    found = []
    for first, stop in pairwise(stops):
        best = first + np.argsort(-values[first:stop], kind="stable")[:_PLACES]
        path = held[best, 1:]
        radius = places.radius_mm[tuple(held[best].T)]
        at_mm = path * grid.spacing_mm[1:]
        found.append(
            Candidates(path, at_mm, values[best].astype(np.float64), radius.astype(np.float64))
        )
    return found


def _alone(pair: tuple[Candidates, Candidates]) -> FloatArray:
    """Return (a, v + 1) the scores of both; the last column without a vein."""
    artery, vein = pair
    own = artery.score - _WIDE * (artery.radius_mm > _WIDE_MM)
    score: FloatArray = own[:, None] + np.append(vein.score, _NO_VEIN)
    return score


def _moved(before: Candidates, now: Candidates, per_mm: float) -> FloatArray:
    """Return what it costs to move from each place of a slice to each of the next."""
    away = _gaps(before.at_mm, now.at_mm)
    price: FloatArray = per_mm * (away + _JUMPS * np.maximum(away - 1.0 / per_mm, 0.0))
    return price


def _gaps(first_mm: FloatArray, second_mm: FloatArray) -> FloatArray:
    gap: FloatArray = np.linalg.norm(first_mm[:, None] - second_mm[None], axis=2)
    return gap


def _together(
    pair: tuple[Candidates, Candidates], side: float, down_mm: float, crosses: bool
) -> FloatArray:
    """Return (a, v + 1) what speaks against two places as artery and vein of a side."""
    artery, vein = pair
    behind, left = np.moveaxis(vein.at_mm[None] - artery.at_mm[:, None], 2, 0)
    outside = side * left
    away = np.hypot(behind, outside)
    apart = _APART * (artery.radius_mm[:, None] + vein.radius_mm[None])
    against = np.maximum(np.maximum(apart, _LEAST_APART_MM) - away, 0.0) / _OVERLAP_MM
    share = np.clip(1.0 - down_mm / _ABOVE_MM, 0.0, 1.0)
    against += np.maximum(away - _FAR_MM - share * _FAR_ABOVE_MM, 0.0) / _FARTHER_MM
    if down_mm > _EXTERNAL_MM:
        against += np.maximum(outside - _OUTSIDE_MM, 0.0) / _UNUSUAL_MM
        against += np.maximum(-behind - _IN_FRONT_MM, 0.0) / _UNUSUAL_MM
    else:
        against += np.maximum(-behind - _BEFORE_MM, 0.0) / _UNUSUAL_MM
        if crosses:
            against += np.maximum(outside - _ASIDE_MM, 0.0) / _UNUSUAL_MM
    return np.pad(against, ((0, 0), (0, 1)))
