"""Bones of two CTs of one patient brought to lie on each other, wherever each scan put them.

Spine and pelvis keep their shape between visits, so one rigid motion takes them across; the frames
of reference of the scans play no part. The motion minimises the squared differences of the bones'
gray values at points around the bones of one scan, from coarse to fine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage, optimize
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

from venoseg.followup.bones import SURFACE, Bones, surface_of
from venoseg.volume import FloatArray

# Standard deviations in turn by which both are coarsened.
_BLURS_MM = (5.0, 2.5, 1.2)

# Bones that agree less than this are not the same bones, or not in view of both.
_LEAST_CORRELATION = 0.6
_LEAST_OVERLAP = 0.25

_POINTS = 12_000
_COARSE = 4
_TURN_MM = 100.0
_SEED = 20_260_102

# One vertebra up or down looks almost as good as the right one.
_SHIFTS_MM = (0.0, -34.0, 34.0)


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """A rigid motion of the patient from one scan to another.

    Attributes
    ----------
    matrix
        (4, 4) LPS mm of the one to LPS mm of the other.
    residual_mm
        Root mean square distance of the bones' surfaces after it, the farthest tenth left out.
    correlation
        Of the bones' gray values after it, 0 to 1.
    """

    matrix: FloatArray
    residual_mm: float
    correlation: float

    def apply(self, points_lps_mm: FloatArray) -> FloatArray:
        """Return (n, 3) points of the one scan where they lie in the other."""
        moved: FloatArray = points_lps_mm @ self.matrix[:3, :3].T + self.matrix[:3, 3]
        return moved


def register(moving: Bones, fixed: Bones, starts: Sequence[FloatArray]) -> Motion | None:
    """Find the motion that takes the bones of one scan onto those of another.

    Parameters
    ----------
    moving, fixed
        The bones.
    starts
        (4, 4) motions to begin with, such as those of the veins.

    Returns
    -------
    Motion or None
        None where no motion makes the bones agree.
    """
    points = _sample(moving)
    best: tuple[float, FloatArray] | None = None
    coarse = (moving.blurred(_BLURS_MM[0]), fixed.blurred(_BLURS_MM[0]))
    for start in starts:
        for shift in _SHIFTS_MM:
            begin = start.copy()
            begin[2, 3] += shift
            matrix = _refine(points[::_COARSE], *coarse, begin)
            score = _agreement(points, *coarse, matrix)
            if best is None or score > best[0]:
                best = score, matrix
    if best is None:
        return None
    matrix = best[1]
    for blur in _BLURS_MM[1:]:
        matrix = _refine(points, moving.blurred(blur), fixed.blurred(blur), matrix)
    correlation = _agreement(points, moving, fixed, matrix)
    if correlation < _LEAST_CORRELATION:
        return None
    return Motion(matrix, _surface_distance(moving, fixed, matrix), correlation)


def fit_rigid(points_lps_mm: FloatArray, onto_lps_mm: FloatArray) -> FloatArray:
    """Return the (4, 4) motion that takes (n, 3) points nearest to others (Kabsch 1976)."""
    middle, onto = points_lps_mm.mean(axis=0), onto_lps_mm.mean(axis=0)
    rotation, _ = Rotation.align_vectors(onto_lps_mm - onto, points_lps_mm - middle)
    matrix = np.eye(4)
    matrix[:3, :3] = rotation.as_matrix()
    matrix[:3, 3] = onto - matrix[:3, :3] @ middle
    return matrix


def _refine(points: FloatArray, moving: Bones, fixed: Bones, start: FloatArray) -> FloatArray:
    """Minimise the squared differences at the points, from a start."""
    wanted = moving.at(points)
    slopes = fixed.slopes()
    begun = points @ start[:3, :3].T + start[:3, 3]
    middle = begun.mean(axis=0)

    def moved(six: FloatArray) -> FloatArray:
        turn = Rotation.from_rotvec(six[:3] / _TURN_MM)
        return np.asarray(turn.apply(begun - middle) + middle + six[3:])

    def differences(six: FloatArray) -> FloatArray:
        there = moved(six)
        return np.where(fixed.tells(there), fixed.at(there) - wanted, 0.0)

    def derivatives(six: FloatArray) -> FloatArray:
        there = moved(six)
        slope = slopes.at(there) * fixed.tells(there)[:, None]
        turned = np.cross(there - middle - six[3:], slope) / _TURN_MM
        return np.hstack([turned, slope])

    found = optimize.least_squares(
        differences, np.zeros(6), jac=derivatives, loss="soft_l1", f_scale=0.2, max_nfev=40
    )
    matrix = np.eye(4)
    turn = Rotation.from_rotvec(found.x[:3] / _TURN_MM).as_matrix()
    matrix[:3, :3] = turn @ start[:3, :3]
    matrix[:3, 3] = turn @ (start[:3, 3] - middle) + middle + found.x[3:]
    return matrix


def _agreement(points: FloatArray, moving: Bones, fixed: Bones, matrix: FloatArray) -> float:
    """Return the correlation where both scans show something, 0 where they hardly overlap."""
    there = points @ matrix[:3, :3].T + matrix[:3, 3]
    both = fixed.tells(there)
    if both.mean() < _LEAST_OVERLAP:
        return 0.0
    pair = np.corrcoef(moving.at(points[both]), fixed.at(there[both]))
    return float(np.nan_to_num(pair[0, 1]))


def _surface_distance(moving: Bones, fixed: Bones, matrix: FloatArray) -> float:
    """Return how far surfaces lie apart along their normals."""
    surface = surface_of(moving)[0] @ matrix[:3, :3].T + matrix[:3, 3]
    surface = surface[fixed.tells(surface)]
    onto, normals = surface_of(fixed)
    nearest = KDTree(onto).query(surface)[1]
    distance = np.abs(np.einsum("ij,ij->i", surface - onto[nearest], normals[nearest]))
    kept = np.sort(distance)[: max(1, round(0.9 * len(distance)))]
    return float(np.sqrt(np.mean(kept**2)))


def _sample(bones: Bones) -> FloatArray:
    """Return points in and around the bones, in no order."""
    around = ndimage.binary_dilation(bones.density > SURFACE, iterations=2)
    index = np.argwhere(around & (bones.known > 0.5))
    rng = np.random.default_rng(_SEED)
    chosen = rng.permutation(len(index))[:_POINTS]
    return bones.grid.to_lps(index[chosen])
