"""How far veins have moved along themselves against the bones between two scans.

Breathing and a full gut move the veins against spine and pelvis, and the cava more than the iliac
veins. What is known of that movement are observations, each of one direction at one place: the
courses of the veins tell it across them, their junctions in every direction, what lies around them
along them. The movement between is taken for smooth: a Gaussian process (Rasmussen and Williams
2006) whose size is not known beforehand; several sizes are tried and weighed by how well they
explain the observations. It gives the movement at every station, and how well it is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import logsumexp, softmax

from venoseg.volume import BoolArray, FloatArray

# Movements along (left, back, head) in these proportions. One part is the same everywhere, the
# other goes together over about this distance; either has a size of its own, since veins that lie
# lower as a whole need not be drawn out.
_SHARES = np.array([0.5, 0.5, 1.0])
_SMOOTH_MM = 90.0
_SAME_MM = (0.5, 2.0, 8.0)
_SIZES_MM = (0.5, 2.0, 6.0)

# Breathing moves the cava more the higher up, and nothing below tells how much: by so many mm a mm
# above the origin, of which one or the other is true.
_STRETCHES = (0.01, 0.08)

# A vein may take another course without moving along itself, as when a stent straightens it.
_BENDS_MM = (0.5, 2.5)
_BEND_LENGTH_MM = 30.0

# What does not fit the others by more than this many deviations counts less and less.
_ODD = 2.0
_ROUNDS = 3

# Sizes that explain the observations this much worse than the best are left out.
_LEAST_WEIGHT = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """Movements that were seen.

    Attributes
    ----------
    at_lps_mm
        (n, 3) where, after the motion of the bones.
    along
        (n, 3) unit vectors: the direction in which the movement was seen.
    moved_mm
        (n,) how far.
    sd_mm
        (n,) standard deviation of that.
    bends
        (n,) True where a vein's course alone tells it.
    """

    at_lps_mm: FloatArray
    along: FloatArray
    moved_mm: FloatArray
    sd_mm: FloatArray
    bends: BoolArray

    @staticmethod
    def joined(parts: Sequence[Observations]) -> Observations:
        """Return all observations as one."""
        return Observations(
            np.concatenate([part.at_lps_mm for part in parts]),
            np.concatenate([part.along for part in parts]),
            np.concatenate([part.moved_mm for part in parts]),
            np.concatenate([part.sd_mm for part in parts]),
            np.concatenate([part.bends for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.moved_mm)


@dataclass(frozen=True, slots=True, eq=False)
class Rigid:
    """How well the rigid motion is known, and how the patient lies after it.

    Attributes
    ----------
    shift_mm, turn_rad
        Standard deviations; turned about the origin.
    origin_lps_mm
        (3,) the confluence, or a point near the veins' middle.
    axes
        (3, 3) columns: the patient's left, back and head.
    """

    shift_mm: float
    turn_rad: float
    origin_lps_mm: FloatArray
    axes: FloatArray

    def arms(self, at_lps_mm: FloatArray, along: FloatArray) -> FloatArray:
        """Return (n, 3) how a small turn moves points along directions."""
        return np.asarray(np.cross(at_lps_mm - self.origin_lps_mm, along))

    def stretched(self, at_lps_mm: FloatArray, along: FloatArray) -> FloatArray:
        """Return (n,) how stretching above the origin moves points along directions."""
        head = self.axes[:, 2]
        height = np.maximum((at_lps_mm - self.origin_lps_mm) @ head, 0.0)
        stretched: FloatArray = height * (along @ head)
        return stretched


@dataclass(frozen=True, slots=True, eq=False)
class Drift:
    """The movement of the veins, from observations.

    Attributes
    ----------
    observed, rigid
        What it follows from.
    models
        Each size with its weight, and what solves the observations under it.
    """

    observed: Observations
    rigid: Rigid
    models: tuple[_Model, ...]

    def along(self, at_lps_mm: FloatArray, along: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the (n,) movement at (n, 3) points along (n, 3) directions, and its deviation."""
        means, variances = zip(
            *(one.predict(self.observed, self.rigid, at_lps_mm, along) for one in self.models),
            strict=True,
        )
        weights, cautious = np.array([(m.weight, m.cautious) for m in self.models]).T[..., None]
        mean = np.sum(weights * np.array(means), axis=0)
        spread = (np.array(means) - mean) ** 2
        variance = np.sum(cautious * (np.array(variances) + spread), axis=0)
        return mean, np.sqrt(np.maximum(variance, 0.0))

    def at(self, at_lps_mm: FloatArray) -> FloatArray:
        """Return the (n, 3) movement at points."""
        axes = np.eye(3)
        return np.stack(
            [self.along(at_lps_mm, np.tile(axis, (len(at_lps_mm), 1)))[0] for axis in axes], axis=1
        )


class _Sizes(NamedTuple):
    """Standard deviations of a movement's parts."""

    same_mm: float
    smooth_mm: float
    stretch: float
    bend_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """One set of sizes of the movement with what it makes of the observations.

    Attributes
    ----------
    sizes
        The set.
    weight
        By everything that was seen: for the movement.
    cautious
        For the doubt. How far the cava may have been stretched is weighed here by what tells it
        along the veins alone: a course shows nothing of a vein that slides along itself, however
        well it fits.
    solved, factor
        What solves the observations under it.
    """

    sizes: _Sizes
    weight: float
    cautious: float
    solved: FloatArray
    factor: tuple[FloatArray, bool]

    def predict(
        self, observed: Observations, rigid: Rigid, at: FloatArray, along: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        sizes = self.sizes
        cross = _covariance((at, along), (observed.at_lps_mm, observed.along), sizes, rigid)
        own = np.sum((_SHARES * (along @ rigid.axes)) ** 2, axis=1)
        own *= sizes.same_mm**2 + sizes.smooth_mm**2
        own += rigid.shift_mm**2 + rigid.turn_rad**2 * np.sum(rigid.arms(at, along) ** 2, axis=1)
        own += sizes.stretch**2 * rigid.stretched(at, along) ** 2
        return cross @ self.solved, own - np.sum(cross * cho_solve(self.factor, cross.T).T, axis=1)


def drift_from(observed: Observations, rigid: Rigid) -> Drift:
    """Return the movement that explains observations; odd ones count less."""
    sd = observed.sd_mm
    sizes = tuple(_Sizes(*one) for one in product(_SAME_MM, _SIZES_MM, _STRETCHES, _BENDS_MM))
    for _ in range(_ROUNDS):
        drift = _explained(observed, sd, rigid, sizes)
        sizes = tuple(model.sizes for model in drift.models)
        off = (observed.moved_mm - drift.along(observed.at_lps_mm, observed.along)[0]) / (
            observed.sd_mm * _ODD
        )
        # Student's way of making light of outliers (Lange and others 1989).
        sd = np.where(observed.bends, observed.sd_mm, observed.sd_mm * np.sqrt(1.0 + off**2))
    return drift


def _explained(
    observed: Observations,
    sd: FloatArray,
    rigid: Rigid,
    sizes: tuple[_Sizes, ...],
) -> Drift:
    """Weigh each set of sizes by how well it explains what was seen."""
    points = observed.at_lps_mm, observed.along
    bent = np.outer(observed.bends, observed.bends) * (observed.along @ observed.along.T)
    bent *= np.exp(-0.5 * _squared(points[0], points[0]) / _BEND_LENGTH_MM**2)
    sure = np.flatnonzero(~observed.bends)
    found, along = [], []
    for one in sizes:
        moving = _covariance(points, points, one, rigid) + np.diag(sd**2)
        along.append(_solved(moving[np.ix_(sure, sure)], observed.moved_mm[sure])[0])
        found.append((one, *_solved(moving + one.bend_mm**2 * bent, observed.moved_mm)))
    explained = np.array([likelihood for _, likelihood, *_ in found])
    cautious = explained.copy()
    for stretch in _STRETCHES:
        group = np.array([one.stretch == stretch for one in sizes])
        if group.any():
            cautious[group] += logsumexp(np.array(along)[group]) - logsumexp(explained[group])
    weights = np.stack([softmax(explained), softmax(cautious)])
    kept = (weights > _LEAST_WEIGHT * weights.max(axis=1, keepdims=True)).any(axis=0)
    weights /= weights[:, kept].sum(axis=1, keepdims=True)
    models = tuple(
        _Model(one, float(weight), float(careful), solved, factor)
        for keep, weight, careful, (one, _, solved, factor) in zip(
            kept, *weights, found, strict=True
        )
        if keep
    )
    return Drift(observed, rigid, models)


def _solved(
    covariance: FloatArray, moved_mm: FloatArray
) -> tuple[float, FloatArray, tuple[FloatArray, bool]]:
    """Return the log likelihood of movements, what solves them, and the factor of that."""
    factor = cho_factor(covariance, lower=True)
    solved = cho_solve(factor, moved_mm)
    likelihood = -0.5 * moved_mm @ solved - np.log(np.diag(factor[0])).sum()
    return float(likelihood), solved, factor


_Points = tuple[FloatArray, FloatArray]


def _covariance(first: _Points, second: _Points, sizes: _Sizes, rigid: Rigid) -> FloatArray:
    """Return how the movements at (n, 3) and (m, 3) points along directions go together."""
    near = np.exp(-0.5 * _squared(first[0], second[0]) / _SMOOTH_MM**2)
    own = [along @ rigid.axes * _SHARES for _, along in (first, second)]
    smooth = (sizes.same_mm**2 + sizes.smooth_mm**2 * near) * (own[0] @ own[1].T)
    whole = rigid.shift_mm**2 * (first[1] @ second[1].T)
    arms = [rigid.arms(*one) for one in (first, second)]
    stretched = [rigid.stretched(*one) for one in (first, second)]
    covariance: FloatArray = smooth + whole + rigid.turn_rad**2 * (arms[0] @ arms[1].T)
    return covariance + sizes.stretch**2 * np.outer(*stretched)


def _squared(first: FloatArray, second: FloatArray) -> FloatArray:
    squared: FloatArray = np.sum((first[:, None] - second[None]) ** 2, axis=2)
    return squared
