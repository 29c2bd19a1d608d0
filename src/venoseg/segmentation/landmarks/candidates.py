"""Places of slices that may be the middle of a vessel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from venoseg.segmentation.working import Float32Array, held_by
from venoseg.volume import BoolArray, FloatArray, Grid

MISSING = -1e6
"""The score of a place that is none."""


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
    """The best m places of each of n slices, the best one first.

    Attributes
    ----------
    path
        (n, m, 2) row and column; -1 where a slice has fewer places.
    at_mm
        (n, m, 2) the same in mm.
    score
        (n, m); `MISSING` where a slice has fewer places.
    radius_mm
        (n, m).
    """

    path: npt.NDArray[np.int64]
    at_mm: FloatArray
    score: FloatArray
    radius_mm: FloatArray


def candidates_in(
    places: Places, grid: Grid, most: int, where: BoolArray | None = None
) -> Candidates:
    """Return the best places of each slice, at most so many, that are better than those around.

    ``where``: (n,) the slices to look at; None: all.
    """
    held, values = _peaks(places.score)
    shape = len(places.score), most
    path = np.full((*shape, 2), -1, dtype=np.int64)
    score, radius = np.full(shape, MISSING), np.zeros(shape)
    stops = np.searchsorted(held[:, 0], np.arange(len(score) + 1))
    for k in range(len(score)) if where is None else np.flatnonzero(where):
        first, stop = stops[k : k + 2]
        best = first + np.argsort(-values[first:stop], kind="stable")[:most]
        path[k, : len(best)], score[k, : len(best)] = held[best, 1:], values[best]
        radius[k, : len(best)] = places.radius_mm[tuple(held[best].T)]
    return Candidates(path, path * grid.spacing_mm[1:], score, radius)


def _peaks(score: Float32Array) -> tuple[npt.NDArray[np.int64], Float32Array]:
    """Return (m, 3) places no worse than those around them in their slice, and their scores."""
    # The best of three rows, then of three columns.
    highest = score.copy()
    np.maximum(highest[:, 1:], score[:, :-1], out=highest[:, 1:])
    np.maximum(highest[:, :-1], score[:, 1:], out=highest[:, :-1])
    peak = score >= highest
    peak[:, :, 1:] &= score[:, :, 1:] >= highest[:, :, :-1]
    peak[:, :, :-1] &= score[:, :, :-1] >= highest[:, :, 1:]
    return held_by(peak), score[peak]


def no_candidates(slices: int) -> Candidates:
    """Return no place in any of some slices."""
    nothing = np.empty((slices, 0))
    where = np.empty((slices, 0, 2))
    return Candidates(where.astype(np.int64), where, nothing, nothing)
