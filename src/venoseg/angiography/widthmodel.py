"""What a filled vein looks like across: the depth of its lumen along the rays, as it is detected.

Rays through an ellipse of any orientation have lengths that are a half-ellipse of the distance from
the middle. Other convex sections are between that and a box: (1 - |u|^p)^(1/2), u = -1 and 1 at the
edges. The intensity behind it is blurred, and scattered radiation is added to it, before its
logarithm is taken. Half of the maximum, the place of steepest slope and similar marks lie beside
the edge by an amount that depends on all of these; fitting the profile itself has no such bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from venoseg.angiography.profile_shapes import per_station, profile_shape
from venoseg.angiography.run import Image
from venoseg.volume import BoolArray, FloatArray

_ROUNDS = 10

# How far edges may move from where they are first seen: this weakly are they held there.
_HELD_PX = 3.0
_SETTLED_PX = 0.003
# A step that gains less than this share of what is left over is one along the noise.
_GAIN = 1e-5
_DAMPED = 0.5

# The leaning part and the bend of the background are held weakly at none, the rest kept solvable.
_RIDGE = np.diag([1e-9, 1e-2, 1e-9, 1e-6, 1e-1])


@dataclass(frozen=True, slots=True)
class Look:
    """What the profiles of a picture have in common.

    Attributes
    ----------
    exponent
        Of the section: 2 for an ellipse, larger for a boxier one.
    scatter
        Scattered intensity as a share of the unattenuated primary.
    blur_px
        Standard deviation of the blur.
    shell
        Whether rays cross a thin round shell, as of a stent, and not a filled section.
    """

    exponent: float = 2.0
    scatter: float = 0.0
    blur_px: float = 0.7
    shell: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Values across a vein at n stations.

    Attributes
    ----------
    offsets_px
        (m,) distances along the normals.
    values, weights
        (n, m) opacities, and 0 where they must not count.
    opacity
        (n,) true scale of the opacity in the middle; 0 where values are no logarithms of intensity.
    noise
        Standard deviation of the values.
    """

    offsets_px: FloatArray
    values: Image
    weights: Image
    opacity: FloatArray
    noise: float

    def some(self, stations: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Samples:
        """Return those of some stations, without places that count at none."""
        counted = (self.weights[stations] > 0).any(axis=0)
        part = self.of(stations)
        return Samples(
            self.offsets_px[counted],
            part.values[:, counted],
            part.weights[:, counted],
            part.opacity,
            self.noise,
        )

    def of(self, stations: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Samples:
        """Return those of some stations, every place kept."""
        return Samples(
            self.offsets_px,
            self.values[stations],
            self.weights[stations],
            self.opacity[stations],
            self.noise,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Profiles fitted at n stations.

    Attributes
    ----------
    edges_px
        (n, 2) left and right edge along the normal.
    edge_sd_px
        (n, 2) standard deviation of each from the noise left over.
    width_sd_px
        (n,) of their distance.
    amplitude, amplitude_sd
        (n,) opacity in the middle.
    misfit
        (n,) standard deviation of what the profile does not explain.
    """

    edges_px: FloatArray
    edge_sd_px: FloatArray
    width_sd_px: FloatArray
    amplitude: FloatArray
    amplitude_sd: FloatArray
    misfit: FloatArray


def fit_profiles(
    samples: Samples,
    start_px: FloatArray,
    look: Look,
    begin_px: FloatArray | None = None,
    rounds: int = _ROUNDS,
) -> Fit:
    """Fit profiles on a slanting background to values across a vein.

    Parameters
    ----------
    samples
        n stations.
    start_px
        (n, 2) edges as they are first seen, which the fitted ones are weakly held to.
    look
        What all profiles have in common.
    begin_px
        (n, 2) edges to begin with, where they are known better; else ``start_px``.
    rounds
        Steps at most.
    """
    edges = (start_px if begin_px is None else begin_px).copy()
    held = (samples.noise / _HELD_PX) ** 2
    damping = np.full(len(edges), 1e-3)
    now = _compared(samples, edges, look)
    cost = (now.left**2).sum(axis=1) + held * ((edges - start_px) ** 2).sum(axis=1)
    # Most stations settle at once: only the others are tried again.
    moving = np.arange(len(edges))
    for _ in range(rounds):
        some = samples.of(moving)
        slopes = now.slopes[moving]
        matrix = slopes @ slopes.transpose(0, 2, 1) + held * np.eye(2)
        away = held * (edges[moving] - start_px[moving])
        pull = (slopes @ now.left[moving][..., None])[..., 0] + away
        damped = matrix * (1.0 + damping[moving][:, None, None] * np.eye(2))
        step = np.clip(-np.linalg.solve(damped, pull[..., None])[..., 0], -2.0, 2.0)
        tried = _apart(edges[moving] + step)
        new = _compared(some, tried, look)
        new_cost = (new.left**2).sum(axis=1) + held * ((tried - start_px[moving]) ** 2).sum(axis=1)
        better = new_cost < cost[moving]
        gained = cost[moving] - new_cost
        gone = moving[better]
        edges[gone], cost[gone] = tried[better], new_cost[better]
        now.take_over(gone, new, better)
        # Less than this damping hardly shortens a step.
        more = np.maximum(8.0 * damping[moving], _DAMPED)
        damping[moving] = np.clip(np.where(better, damping[moving] / 5.0, more), 1e-6, 1e6)
        settled = np.abs(step).max(axis=1) < _SETTLED_PX
        settled |= better & (gained < _GAIN * cost[moving])
        moving = moving[~settled]
        if not len(moving):
            break
    return _finished(samples, edges, now, held)


def _finished(samples: Samples, edges: FloatArray, now: _Compared, held: float) -> Fit:
    inverse = np.linalg.inv(now.normal)
    freedom = np.maximum(samples.weights.sum(axis=1) - 6.0, 2.0)
    variance = (now.left**2).sum(axis=1) / freedom
    matrix = now.slopes @ now.slopes.transpose(0, 2, 1) + (held + 1e-12) * np.eye(2)
    covariance = np.linalg.inv(matrix) * variance[:, None, None]
    width_variance = covariance[:, 0, 0] + covariance[:, 1, 1] - 2 * covariance[:, 0, 1]
    return Fit(
        edges,
        np.sqrt(np.stack([covariance[:, 0, 0], covariance[:, 1, 1]], axis=1)),
        np.sqrt(np.maximum(width_variance, 0.0)),
        now.factors[:, 0],
        np.sqrt(variance * inverse[:, 0, 0]),
        np.sqrt(variance),
    )


def left_over(samples: Samples, edges_px: FloatArray, look: Look) -> Image:
    """Return (n, m) what profiles with these edges leave of the values."""
    return _compared(samples, edges_px, look).left


@dataclass(frozen=True, slots=True, eq=False)
class _Compared:
    """Values and profiles at n stations.

    ``left`` (n, m): weighted residuals; ``factors`` (n, 5) of the parts; ``normal`` (n, 5, 5) their
    matrix; ``slopes`` (n, 2, m): change of the residuals as either edge moves, the factors
    following.
    """

    left: Image
    factors: FloatArray
    normal: FloatArray
    slopes: npt.NDArray[np.float32]

    def take_over(
        self, stations: np.ndarray[tuple[int], np.dtype[np.int64]], new: _Compared, which: BoolArray
    ) -> None:
        """Put those of other comparisons at these stations in the place of its own."""
        self.left[stations] = new.left[which]
        self.factors[stations] = new.factors[which]
        self.normal[stations] = new.normal[which]
        self.slopes[stations] = new.slopes[which]


def _compared(samples: Samples, edges: FloatArray, look: Look) -> _Compared:
    """Compare values with profiles between these edges.

    The parts: the profile, the profile leaning to one side, and a background of second degree.
    """
    shape = profile_shape(look.exponent, look.scatter, shell=look.shell)
    middle, half = edges.mean(axis=1), np.maximum((edges[:, 1] - edges[:, 0]) / 2.0, 0.3)
    offsets = samples.offsets_px.astype(np.float32)
    u = (offsets - per_station(middle)) * per_station(1.0 / half)
    opacity = shape.true_opacity(samples.opacity)
    profile, along, blurred = shape.at(u, look.blur_px / half, opacity)
    lean = np.clip(u, -2, 2)
    parts = np.empty((len(u), 5, u.shape[1]), dtype=np.float32)
    parts[:, 0], parts[:, 1], parts[:, 2] = profile, lean * profile, 1.0
    parts[:, 3] = u * np.float32(1.0 / 3.0)
    parts[:, 4] = parts[:, 3] ** 2
    across = parts * samples.weights[:, None]
    normal = across @ parts.transpose(0, 2, 1) + _RIDGE
    solved = np.linalg.solve(normal, across @ samples.values[..., None])[..., 0]
    factors = np.asarray(solved, dtype=np.float64)
    root = np.sqrt(samples.weights)
    left = root * (samples.values - (_single(factors[:, None]) @ parts)[:, 0])
    # A background moved or stretched is still one: only the profile changes.
    heights, leaning = per_station(factors[:, 0]), per_station(factors[:, 1])
    height = heights + leaning * lean
    by_place = height * along + leaning * np.where(np.abs(u) < 2.0, profile, np.float32(0.0))
    wider = height * blurred
    scale = per_station(0.5 / half)
    changes = np.empty((len(u), 2, u.shape[1]), dtype=np.float32)
    changes[:, 0] = scale * (by_place * (u - 1.0) + wider)
    changes[:, 1] = -scale * (by_place * (u + 1.0) + wider)
    follow = np.linalg.solve(normal, (across @ changes.transpose(0, 2, 1)).astype(np.float64))
    slopes = root[:, None] * (_single(follow.transpose(0, 2, 1)) @ parts - changes)
    return _Compared(left, factors, normal, slopes)


def _single(values: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
    return values.astype(np.float32)


def _apart(edges: FloatArray) -> FloatArray:
    """Keep the right edge right of the left one."""
    middle, half = edges.mean(axis=1), np.maximum((edges[:, 1] - edges[:, 0]) / 2.0, 0.3)
    return np.stack([middle - half, middle + half], axis=1)
