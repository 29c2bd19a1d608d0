"""Where measured veins join or cross: there the picture shows both, and neither's edges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from venoseg.angiography.projection import Projection
from venoseg.angiography.regions import lumen_mask
from venoseg.volume import BoolArray

MEETS = "meets_another_vein"
"""Flag of stations that lie, in whole or with one edge, in another measured vein."""

# Veins that follow one another end to end share a line, not an area.
_SHARED_PX = 2
# Stretches between two meetings that are shorter than this share of the width are part of them.
_BETWEEN = 0.5


def without_meetings(projections: list[Projection], shape: tuple[int, int]) -> list[Projection]:
    """Return the projections with stations in the lumen of another one as not assessable."""
    if len(projections) < 2:
        return projections
    inner = [_inner(lumen_mask(p, shape, p.filled)) for p in projections]
    return [
        _flagged(projection, np.logical_or.reduce([mask for m, mask in enumerate(inner) if m != n]))
        for n, projection in enumerate(projections)
    ]


def _inner(lumen: BoolArray) -> BoolArray:
    """Return a lumen without its rim, by its own box of the picture."""
    rows, columns = (np.flatnonzero(lumen.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return lumen
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    inner = np.zeros_like(lumen)
    inner[box] = ndimage.binary_erosion(lumen[box], iterations=_SHARED_PX)
    return inner


def _flagged(projection: Projection, others: BoolArray) -> Projection:
    rows_last, columns_last = others.shape[0] - 1, others.shape[1] - 1
    edges = projection.edges.contours_px()
    # Limbs that run into one have the same edges there, and the same middle.
    places = np.rint(np.concatenate([edges, edges.mean(axis=1, keepdims=True)], axis=1)).astype(int)
    column = np.clip(places[..., 0], 0, columns_last)
    row = np.clip(places[..., 1], 0, rows_last)
    meets = others[row, column].any(axis=1) & projection.filled
    if not meets.any():
        return projection
    width = max(int(_BETWEEN * float(np.median(projection.edges.width_px))), 3)
    padded = np.pad(meets, width)
    meets = ndimage.binary_closing(padded, np.ones(width))[width:-width] & projection.filled
    return replace(
        projection,
        diameter_px=np.where(meets, np.nan, projection.diameter_px),
        state=tuple(
            "not_assessable" if met else word
            for met, word in zip(meets, projection.state, strict=True)
        ),
        flags=tuple(
            ";".join(filter(None, (flag, MEETS))) if met else flag
            for met, flag in zip(meets, projection.flags, strict=True)
        ),
    )
