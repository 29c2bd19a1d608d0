"""How far the edge of labels is off where a vein runs along the lattice of their voxels.

Labels count voxels. What counting adds to the area within an outline is a sum of waves, one for
each vector of the reciprocal lattice (Poisson's summation formula), and so is what it adds beside
each place of the wall. Averages over the wall leave little of waves that alternate there. Where a
wall runs along rows of voxels, or slices repeat the same pattern all along a vein, they do not
alternate, and the whole edge may lie up to half a voxel off.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt

from venoseg.centerline.curve import Curve
from venoseg.lumen.geometry.contours import curvatures_per_mm, outward_normals
from venoseg.lumen.rays.averages import average_around
from venoseg.lumen.rays.edges import to_lps
from venoseg.lumen.rays.smoothing import (
    FOCAL_ROUNDS,
    FOCAL_SMOOTHING_MM,
    FOCAL_STEPS_MM,
    STEPS_MM,
    WALL_SMOOTHING_MM,
    focal_share,
)
from venoseg.volume import FloatArray, Grid

ComplexArray = npt.NDArray[np.complex128]

# So many times an outline is laid onto the lattice at another place, a little larger or smaller.
_DRAWS = 16

# Waves up to this order along each axis are counted, which hold 1 / 1.15 of the deviation of all:
# powers fall with the square of the order for a flat wall, with |order|^-3 for a disc.
_ORDER, _FINER = 2, 1.15

# Places at which averages leave less than this of a wave do not count.
_LEAST_LEFT = 0.01

# Around the vein only bumps of the labels are taken out of an outline: its waves stay as after an
# average over so much, less than the offsets from it are averaged over.
_AROUND_MM = 0.9

# Bends of the outline are seen over this much of a turn.
_BEND_TURNS = 1 / 48


def rounded_moves(contours_mm: FloatArray, curve: Curve, grid: Grid) -> FloatArray:
    """Return (d, n, m) how far rounding may have moved the averaged edge of labels, in mm outwards.

    A wave g at a place x of a wall with normal e moves it by (e g) / (pi g^2) sin(2 pi g x). The
    phase grows with the way s around the vein by k s + c s^2 / 2, of which a Gaussian average of
    variance v leaves (1 - i c v)^(-1/2) exp(-k^2 v / (2 - 2 i c v)).

    Parameters
    ----------
    contours_mm
        (n, m, 2) outlines of consecutive sections.
    curve
        Their stations.
    grid
        Of the labels.
    """
    plane = outward_normals(contours_mm)
    normals = _on_axes(to_lps(plane, curve), grid)
    around = _on_axes(to_lps(np.stack([-plane[..., 1], plane[..., 0]], axis=-1), curve), grid)
    places = _on_axes(curve.points_lps_mm[:, None] + to_lps(contours_mm, curve), grid)
    station_mm = curve.step_mm
    slope = (np.gradient(contours_mm, station_mm, axis=0) * plane).sum(axis=-1)
    along = _on_axes(curve.tangents, grid)[:, None] + slope[..., None] * normals
    bend = curvatures_per_mm(contours_mm)
    bend = average_around(bend, _BEND_TURNS * bend.shape[1])
    normals, around, places, along = (
        vectors.reshape(-1, 3) for vectors in (normals, around, places, along)
    )
    moves = np.zeros((_DRAWS, bend.size))
    focal = focal_share(curve, contours_mm, grid).ravel()
    *shifts, growths = _draws().T
    for order in _orders():
        wave = order / grid.spacing_mm
        at, left = _left_of(wave, normals, around, along, bend.ravel(), focal)
        height = _FINER * (normals[at] @ wave) / (np.pi * (wave**2).sum()) * np.abs(left)
        turns = places[at] @ wave + (order @ np.array(shifts))[:, None]
        turns += growths[:, None] * (normals[at] @ order)
        moves[:, at] += height * np.sin(2.0 * np.pi * turns + np.angle(left))
    return moves.reshape(_DRAWS, *bend.shape)


def _left_of(
    wave_per_mm: FloatArray,
    normals: FloatArray,
    around: FloatArray,
    along: FloatArray,
    bend_per_mm: FloatArray,
    focal: FloatArray,
) -> tuple[npt.NDArray[np.intp], ComplexArray]:
    """Return the k of p places at which averages leave something of a wave, and (k,) how much.

    Parameters
    ----------
    wave_per_mm
        (3,) crests along the axes of the grid.
    normals, around, along
        (p, 3) unit vectors outwards and around the vein, and the way per mm along it.
    bend_per_mm
        (p,) curvature around the vein.
    focal
        (p,) how far the wall is averaged over less along the vein.
    """
    everywhere = _left_along(along @ wave_per_mm, focal)
    at = np.flatnonzero(everywhere >= _LEAST_LEFT)
    through, aside = normals[at] @ wave_per_mm, around[at] @ wave_per_mm
    variance = _AROUND_MM**2
    spread = 1.0 + 2.0j * np.pi * through * bend_per_mm[at] * variance
    alike = np.exp(-((2.0 * np.pi * aside) ** 2) * variance / (2.0 * spread))
    left: ComplexArray = everywhere[at] * spread**-0.5 * alike
    kept = np.abs(left) >= _LEAST_LEFT
    return at[kept], left[kept]


def _on_axes(vectors_lps: FloatArray, grid: Grid) -> FloatArray:
    """Return vectors along the axes of the grid, in mm."""
    along: FloatArray = vectors_lps @ grid.directions
    return along


def _left_along(per_mm: FloatArray, focal: FloatArray) -> FloatArray:
    """Return (p,) what averages along the vein leave of waves with so many crests per mm.

    The contour is averaged, then what offsets from it are averaged to is added: twice.
    """
    left = _left_twice(_left_by(per_mm, STEPS_MM), _left_by(per_mm, WALL_SMOOTHING_MM[0]))
    if focal.any():
        steps = 1.0 - (1.0 - _left_by(per_mm, FOCAL_STEPS_MM)) ** FOCAL_ROUNDS
        less = _left_twice(steps, _left_by(per_mm, FOCAL_SMOOTHING_MM[0]))
        left = left + focal * (less - left)
    return left


def _left_by(per_mm: FloatArray, over_mm: float) -> FloatArray:
    """Return (p,) what a Gaussian average leaves of waves."""
    left: FloatArray = np.exp(-2.0 * (np.pi * over_mm * per_mm) ** 2)
    return left


def _left_twice(steps: FloatArray, offsets: FloatArray) -> FloatArray:
    """Return (p,) what averages leave that leave such shares of steps and of offsets."""
    once = offsets + (1.0 - offsets) * steps
    twice: FloatArray = offsets + (1.0 - offsets) * steps * once
    return twice


def _orders() -> list[npt.NDArray[np.float64]]:
    """Return half of the vectors of the reciprocal lattice; the others are their opposites."""
    steps = range(-_ORDER, _ORDER + 1)
    return [np.array(v, dtype=np.float64) for v in product(steps, repeat=3) if v > (0, 0, 0)]


def _draws() -> FloatArray:
    """Return (d, 4) places on the lattice and growths, in voxels, evenly spread over all."""
    ratio = 1.1673039782614187  # Solves x^5 = x + 1: its powers fill four axes evenly.
    spread: FloatArray = (np.arange(1, _DRAWS + 1)[:, None] * ratio ** -np.arange(1.0, 5.0)) % 1.0
    return spread
