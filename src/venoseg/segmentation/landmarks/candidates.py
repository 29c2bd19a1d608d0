"""Places of a slice that may be the middle of a vessel."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from venoseg.segmentation.working import Float32Array, held_by
from venoseg.volume import FloatArray, Grid


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


def candidates_in(places: Places, grid: Grid, most: int) -> list[Candidates]:
    """Return the best places of each slice, at most so many, that are better than those around."""
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
    found, size_mm = [], grid.spacing_mm[1:]
    for first, stop in pairwise(stops):
        best = first + np.argsort(-values[first:stop], kind="stable")[:most]
        path = held[best, 1:]
        radius = places.radius_mm[tuple(held[best].T)]
        at_mm = path * size_mm
        found.append(
            Candidates(path, at_mm, values[best].astype(np.float64), radius.astype(np.float64))
        )
    return found


NOTHING = Candidates(np.empty((0, 2), dtype=np.int64), np.empty((0, 2)), np.empty(0), np.empty(0))
"""No place."""
