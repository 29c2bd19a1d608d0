"""The femoral heads: balls of bone in their sockets, by which the groin is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.segmentation.together import each
from venoseg.segmentation.working import Box, Float32Array, box_around, pooled
from venoseg.volume import BoolArray, FloatArray, Grid, Volume

_SPACING_MM = 3.0
# Where the middle of the head lies against a vein in the groin: outwards, behind, and in height.
_OUTWARDS_MM, _BEHIND_MM = (10.0, 62.0), (12.0, 75.0)
_BELOW_MM, _ABOVE_MM, _MARGIN_MM = 35.0, 110.0, 30.0
# Heads of adults are 42 to 56 mm wide.
_RADII_MM = np.arange(21.0, 28.1, 1.0)
_EDGE_HU_MM, _SMOOTH = 12.0, 0.9
# Votes are evened over no more voxels than these on either side.
_EVENED = 5.0
_DARKEST_HU, _BRIGHTEST_HU = -100.0, 500.0
# The spongy bone around its middle, on average over about a centimetre.
_SPONGY_HU, _SPONGY_MM = 110.0, 5.0
# So much the best ball must stand out from what else gathers votes.
_STANDS_OUT, _BUT_ONE_PERCENT = 1.5, 99.0
# Edges show along so much of a ball: so near to it, and across its radius; of directions evenly
# spread over it those count that have one within 15 degrees.
_SHOWN, _WITHIN_MM, _ALONG, _APART = 0.4, 4.0, 0.8, float(np.cos(np.deg2rad(15.0)))
_TURN, _HEIGHT = np.pi * (3.0 - np.sqrt(5.0)) * np.arange(200), 1.0 - (np.arange(200) + 0.5) / 100.0
_RING = np.sqrt(1.0 - _HEIGHT**2)
_DIRECTIONS = np.stack([_HEIGHT, _RING * np.cos(_TURN), _RING * np.sin(_TURN)], axis=1)
# The two heads of a person are alike and lie at one height, in a pelvis that hardly leans.
_ALIKE_MM, _LEVEL_MM, _DEPTH_MM = 3.0, 9.0, 14.0


@dataclass(frozen=True, slots=True, eq=False)
class FemoralHead:
    """A femoral head as a ball: (3,) LPS middle, and radius."""

    middle_lps_mm: FloatArray
    radius_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class _Edges:
    """Where the grey value changes steeply: (n, 3) index, and (n, 3) unit vectors across."""

    at: npt.NDArray[np.intp]
    across: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Balls:
    """The best ball of each slice: (n, 3) middles, (n,) radii, (n,) how well they are seen.

    ``edges``, on ``grid``, are what it was told by.
    """

    middles_lps_mm: FloatArray
    radius_mm: FloatArray
    score: FloatArray
    edges: _Edges
    grid: Grid


def femoral_heads(volume: Volume, courses: Mapping[str, FloatArray]) -> Mapping[str, FemoralHead]:
    """Find the femoral heads beside the veins of both sides; none where they are not in view.

    Every place where the grey value changes steeply votes for the middles of balls of 21 to 28 mm
    through it (Hough transform): the head's own surface and that of its socket agree on one. Of
    both sides the pair is taken that is alike and at one height.

    Parameters
    ----------
    volume
        The CT.
    courses
        Of each side, ``left`` and ``right``, (n, 3) points along the iliac and femoral vein from
        the central end. With one side alone nothing confirms a ball, and none is returned.
    """
    if len(courses) < 2:
        return {}
    left, right = each(lambda side: _balls(volume, side, courses[side]), ("left", "right"))
    if left is None or right is None:
        return {}
    apart = np.abs(left.middles_lps_mm[:, None] - right.middles_lps_mm[None])
    alike = np.abs(left.radius_mm[:, None] - right.radius_mm[None]) <= _ALIKE_MM
    alike &= (apart[..., 2] <= _LEVEL_MM) & (apart[..., 1] <= _DEPTH_MM)
    best = _best_pair(left, right, alike)
    if best is None:
        return {}
    return {
        side: FemoralHead(balls.middles_lps_mm[n], float(balls.radius_mm[n]))
        for side, balls, n in (("left", left, best[0]), ("right", right, best[1]))
    }


def _best_pair(left: _Balls, right: _Balls, alike: BoolArray) -> tuple[int, int] | None:
    """Return the best pair of balls that are alike and that edges show; None where none is good.

    Whether edges show a ball is asked of those alone that would be the best.
    """
    sides = (left, right)
    scores = [balls.score.copy() for balls in sides]
    known = [balls.score <= 0.0 for balls in sides]
    while True:
        both = np.where(alike, scores[0][:, None] + scores[1][None], -np.inf)
        pair = tuple(int(v) for v in np.unravel_index(int(np.argmax(both)), both.shape))
        if not both[pair] >= 2.0 * _STANDS_OUT:
            return None
        if known[0][pair[0]] and known[1][pair[1]]:
            return pair[0], pair[1]
        for balls, score, told, n in zip(sides, scores, known, pair, strict=True):
            if not told[n] and not _is_shown(balls, n):
                score[n] = 0.0
            told[n] = True


def _is_shown(balls: _Balls, n: int) -> bool:
    """Tell whether edges lie along enough of a ball."""
    shown = _shown(balls.edges, balls.grid, balls.middles_lps_mm[n], float(balls.radius_mm[n]))
    return shown >= _SHOWN


def _balls(volume: Volume, side: str, course_lps_mm: FloatArray) -> _Balls | None:
    """Return the best ball in each slice beside a vein."""
    outwards = 1.0 if side == "left" else -1.0
    near, far = (outwards * mm for mm in _OUTWARDS_MM)
    corners = course_lps_mm[-1] + np.array(
        [[near, _BEHIND_MM[0], -_BELOW_MM], [far, _BEHIND_MM[1], _ABOVE_MM]]
    )
    image, grid = pooled(volume, box_around(volume.grid, corners, _MARGIN_MM), _SPACING_MM)
    if min(image.shape) * float(grid.spacing_mm.min()) < _RADII_MM[0]:
        return None
    edges = _edges(np.clip(image, _DARKEST_HU, _BRIGHTEST_HU), grid)
    bone = ndimage.gaussian_filter(image, _SPONGY_MM / grid.spacing_mm) > _SPONGY_HU
    # Edges farther off vote; middles are sought here.
    box = box_around(grid, corners, _EVENED * float(grid.spacing_mm.max()))
    middles_on, bone = grid.crop(box), bone[box]
    score = _votes(edges, grid, box) / _RADII_MM[:, None, None, None]
    places = middles_on.to_lps(np.moveaxis(np.indices(middles_on.shape), 0, -1))
    low, high = corners.min(axis=0), corners.max(axis=0)
    near = ((places >= low) & (places <= high)).all(axis=-1)
    if not (near & bone).any():
        return None
    score[:, ~near] = 0.0
    score /= max(float(np.percentile(score[:, near], _BUT_ONE_PERCENT)), 1e-6)
    score[:, ~bone] = 0.0
    slices = score.transpose(1, 0, 2, 3).reshape(len(near), -1)
    best = np.argmax(slices, axis=1)
    n, j, i = np.unravel_index(best, (len(_RADII_MM), *near.shape[1:]))
    middles = middles_on.to_lps(np.column_stack([np.arange(len(near)), j, i]))
    seen = slices[np.arange(len(best)), best].astype(np.float64)
    return _Balls(middles, _RADII_MM[n], seen, edges, grid)


def _edges(image: Float32Array, grid: Grid) -> _Edges:
    slopes = [
        ndimage.gaussian_filter1d(image, 0.8, axis=n, order=1) / size
        for n, size in enumerate(grid.spacing_mm)
    ]
    slope = np.stack(slopes, axis=-1)
    steep = np.linalg.norm(slope, axis=-1)
    at = np.argwhere(steep > _EDGE_HU_MM)
    return _Edges(at, slope[tuple(at.T)] / steep[tuple(at.T)][:, None])


def _shown(edges: _Edges, grid: Grid, middle_lps_mm: FloatArray, radius_mm: float) -> float:
    """Return which share of a ball's surface edges lie along, those of its socket included."""
    offset = (edges.at - grid.to_index(middle_lps_mm)) * grid.spacing_mm
    away = np.linalg.norm(offset, axis=1)
    near = np.abs(away - radius_mm) < _WITHIN_MM
    outwards = offset[near] / away[near][:, None]
    along = np.abs(np.sum(outwards * edges.across[near], axis=1)) > _ALONG
    if not along.any():
        return 0.0
    closest = (_DIRECTIONS @ outwards[along].T).max(axis=1)
    return float(np.mean(closest > _APART))


def _votes(edges: _Edges, grid: Grid, box: Box) -> npt.NDArray[np.float32]:
    """Return (radii, slices, rows, columns) how much speaks for a ball around places of a box."""
    # With a rim that holds the middles outside, every middle is a place in memory.
    rim = np.ceil(_RADII_MM[-1] / grid.spacing_mm).astype(int) + 1
    shape = np.array(grid.shape) + 2 * rim
    inner = tuple(slice(s.start + n, s.stop + n) for n, s in zip(rim, box, strict=True))
    at, step = (edges.at + rim).astype(np.float32), edges.across / grid.spacing_mm
    # Whole numbers of this size lose nothing.
    strides = np.array([shape[1] * shape[2], shape[2], 1], dtype=np.float32)
    votes = np.empty((len(_RADII_MM), *grid.crop(box).shape), dtype=np.float32)
    for n, radius in enumerate(_RADII_MM):
        away = (radius * step).astype(np.float32)
        flat = np.rint(np.concatenate([at + away, at - away])) @ strides
        count = np.bincount(flat.astype(np.intp), minlength=int(shape.prod())).reshape(shape)
        votes[n] = count[inner]
    gathered: npt.NDArray[np.float32] = ndimage.gaussian_filter(votes, (1.0, *(_SMOOTH,) * 3))
    return gathered
