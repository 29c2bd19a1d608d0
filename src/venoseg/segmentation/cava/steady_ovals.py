"""The oval of a vein in each of some planes across it: well seen, and changing little."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.segmentation.cava.ovals import (
    POINTS,
    Planes,
    rims_of,
    roots_of,
    scored,
    unusual_area,
    unusual_shape,
)
from venoseg.segmentation.together import each
from venoseg.volume import FloatArray

# Areas of cavae in the liver that are tried, as shares of the expected one, and lengths over
# widths, in so many directions each.
_AREAS = (0.48, 0.68, 0.96, 1.32, 1.8)
_ASPECTS = ((1.2, 3), (1.6, 6), (2.2, 8))
# How far from where the vein is thought to run, and in what steps. So many shapes are kept there.
_REACH_MM, _STEP_MM, _SHAPES = 12.0, 2.0, 2
# Scores are evened over so many stations.
_EVEN_STATIONS = 1.2
# A known place lies in the vein, seldom at its wall: there it costs this.
_OFF = 0.3
# Rims are compared at so many points; each millimetre that they move from one
# station to the next costs, beyond what is free.
_COMPARED, _CHANGE, _FREE_MM = 4, 0.05, 1.0
# Closer by, of steps that all count the larger one is meant.
_STEEPER = 1.5
# Steps to ovals a little different: middle, area, length over width (as logarithms), direction.
_NEARBY = np.array([1.0, 1.0, 0.16, 0.15, np.pi / 14])
_ROUNDEST = 1.05


def best_ovals(
    planes: Planes,
    stations: npt.NDArray[np.int64],
    inside_mm: FloatArray,
    sure: FloatArray,
    usual_mm2: float,
) -> tuple[FloatArray, FloatArray]:
    """Return (m, 2) the middles and (m, 2, 2) the roots of the best ovals of some stations.

    Parameters
    ----------
    planes
        The planes.
    stations
        (m,) in order.
    inside_mm
        (m, 2) a place in each of them near which the vein runs.
    sure
        (m,) how sure that place is inside it: from 0 to 1.
    usual_mm2
        The area that is expected.
    """
    middles, shapes = _middles(), _shapes(usual_mm2)
    roots = roots_of(*shapes.T)
    rims = rims_of(middles[:, None], roots[None])
    usual, off = _usual(shapes, usual_mm2), _off(middles[:, None], roots[None])

    def fit(n: int) -> FloatArray:
        moved = replace(rims, points_mm=rims.points_mm + inside_mm[n])
        score: FloatArray = scored(planes, stations[n], moved)[0] + usual - sure[n] * off
        return score

    score = _even(np.stack(each(fit, range(len(stations)))))
    # Of each place the best few shapes.
    which = np.argsort(-score, axis=2)[:, :, :_SHAPES]
    where = np.broadcast_to(np.arange(len(middles))[None, :, None], which.shape)
    value = np.take_along_axis(score, which, axis=2).reshape(len(stations), -1)
    which, where = which.reshape(value.shape), where.reshape(value.shape)
    few = rims.points_mm[:, :, :: POINTS // _COMPARED]
    chosen = np.arange(len(stations)), _steadiest(value, few[where, which])
    found = np.column_stack([middles[where[chosen]] + inside_mm, shapes[which[chosen]]])
    steeper = replace(planes, step_hu=_STEEPER * planes.step_hu)
    for scale in (1.0, 0.5):
        found = _closer(steeper, stations, found, scale, usual_mm2)
    return found[:, :2], roots_of(*found[:, 2:].T)


def _middles() -> FloatArray:
    """Return (places, 2) the middles that are tried."""
    grid = np.arange(-_REACH_MM, _REACH_MM + 1.0, _STEP_MM)
    middles = np.stack(np.meshgrid(grid, grid, indexing="ij"), axis=-1).reshape(-1, 2)
    tried: FloatArray = middles[np.linalg.norm(middles, axis=1) <= _REACH_MM]
    return tried


def _shapes(usual_mm2: float) -> FloatArray:
    """Return (shapes, 3) area, length over width and direction of the ovals that are tried."""
    return np.array(
        [
            (area * usual_mm2, aspect, np.pi * turn / turns)
            for area in _AREAS
            for aspect, turns in _ASPECTS
            for turn in range(turns)
        ]
    )


def _usual(shapes: FloatArray, usual_mm2: float) -> FloatArray:
    """Return what area and length over width of (..., 3) shapes add to their scores."""
    return unusual_area(shapes[..., 0], usual_mm2) + unusual_shape(shapes[..., 1])


def _even(score: FloatArray) -> FloatArray:
    """Return scores evened along the stations, axis 0: what is before and after counts too."""
    even: FloatArray = ndimage.gaussian_filter1d(score, _EVEN_STATIONS, axis=0, mode="nearest")
    return even


def _steadiest(value: FloatArray, outlines_mm: FloatArray) -> npt.NDArray[np.int64]:
    """Return (m,) which of k ovals to take at each station: good ones that change little.

    ``value``: (m, k) how well they fit; ``outlines_mm``: (m, k, points, 2).
    """
    best = value[0]
    came = np.zeros(value.shape, dtype=np.int64)
    for n in range(1, len(value)):
        away = np.zeros((value.shape[1], value.shape[1]))
        for point in range(outlines_mm.shape[2]):
            apart = outlines_mm[n, :, None, point] - outlines_mm[n - 1, None, :, point]
            away += np.hypot(apart[..., 0], apart[..., 1])
        away /= outlines_mm.shape[2]
        total = best[None] - _CHANGE * np.maximum(away - _FREE_MM, 0.0)
        came[n] = total.argmax(axis=1)
        best = value[n] + total.max(axis=1)
    chosen = np.zeros(len(value), dtype=np.int64)
    chosen[-1] = int(best.argmax())
    for n in range(len(value) - 1, 0, -1):
        chosen[n - 1] = came[n, chosen[n]]
    return chosen


def _closer(
    planes: Planes,
    stations: npt.NDArray[np.int64],
    found: FloatArray,
    scale: float,
    usual_mm2: float,
) -> FloatArray:
    """Return the best of ovals a little different from those found.

    ``found``: (m, 5) middle, area, length over width, direction.
    """
    away = np.stack(np.meshgrid(*[np.array([-1.0, 0.0, 1.0])] * 5, indexing="ij"), axis=-1)
    away = scale * _NEARBY * away.reshape(-1, 5)
    tried = found[:, None] + away
    tried[..., 2:4] = found[:, None, 2:4] * np.exp(away[:, 2:4])
    tried[..., 3] = np.maximum(tried[..., 3], _ROUNDEST)
    middle, shape = tried[..., :2].reshape(-1, 2), tried[..., 2:].reshape(-1, 3)
    rims = rims_of(middle, roots_of(*shape.T))
    score, _ = scored(planes, np.repeat(stations, len(away)), rims)
    best = _even((score + _usual(shape, usual_mm2)).reshape(tried.shape[:2])).argmax(axis=1)
    closer: FloatArray = np.take_along_axis(tried, best[:, None, None], axis=1)[:, 0]
    return closer


def _off(from_inside_mm: FloatArray, root_mm: FloatArray) -> FloatArray:
    """Return what it costs that middles of ovals lie so far from a place in the vein."""
    share = np.einsum("...ij,...j->...i", np.linalg.inv(root_mm), from_inside_mm)
    cost: FloatArray = _OFF * np.sum(share**2, axis=-1)
    return cost
