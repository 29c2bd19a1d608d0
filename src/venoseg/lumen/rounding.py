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
from venoseg.lumen.averages import average_around
from venoseg.lumen.contours import curvatures_per_mm, outward_normals
from venoseg.lumen.edges import to_lps
from venoseg.lumen.smoothing import STEPS_MM, WALL_SMOOTHING_MM
from venoseg.volume import FloatArray, Grid

ComplexArray = npt.NDArray[np.complex128]

# So many times an outline is laid onto the lattice at another place, a little larger or smaller.
_DRAWS = 16

# Waves up to this order along each axis are counted, which hold 1 / 1.15 of the deviation of all:
# powers fall with the square of the order for a flat wall, with |order|^-3 for a disc.
_ORDER, _FINER = 2, 1.15

# Waves of which averages along the vein leave less than this everywhere are left out.
_LEAST_LEFT = 0.03

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
    station_mm = float(curve.position_mm[1] - curve.position_mm[0])
    slope = (np.gradient(contours_mm, station_mm, axis=0) * plane).sum(axis=-1)
    along = _on_axes(curve.tangents, grid)[:, None] + slope[..., None] * normals
    bend = curvatures_per_mm(contours_mm)
    bend = average_around(bend, _BEND_TURNS * bend.shape[1])
    variance = _AROUND_MM**2
    moves = np.zeros((_DRAWS, *bend.shape))
    for order in _orders():
        wave = order / grid.spacing_mm
        left = _left_along(along @ wave)
        if left.max() < _LEAST_LEFT:
            continue
        through = normals @ wave
        spread = 1.0 + 2.0j * np.pi * through * bend * variance
        left = (
            left
            * spread**-0.5
            * np.exp(-((2.0 * np.pi * around @ wave) ** 2) * variance / (2.0 * spread))
        )
        height = _FINER * through / (np.pi * (wave**2).sum())
        here = height * left * np.exp(2.0j * np.pi * (places @ wave))
        for n, (*place, growth) in enumerate(_draws()):
            turns = order @ np.array(place) + growth * (normals @ order)
            moves[n] += (here * np.exp(2.0j * np.pi * turns)).imag
    return moves


def _on_axes(vectors_lps: FloatArray, grid: Grid) -> FloatArray:
    """Return vectors along the axes of the grid, in mm."""
    along: FloatArray = vectors_lps @ grid.directions
    return along


def _left_along(per_mm: FloatArray) -> FloatArray:
    """Return what averages along the vein leave of waves with so many crests per mm.

    The contour is averaged, then what offsets from it are averaged to is added: twice.
    """
    power = -2.0 * (np.pi * per_mm) ** 2
    steps, offsets = np.exp(power * STEPS_MM**2), np.exp(power * WALL_SMOOTHING_MM[0] ** 2)
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
