"""A vessel's track through the slices of a coarse picture: where something round stands out.

Slices grow to the head, rows to the back, columns to the patient's left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.segmentation.working import Float32Array
from venoseg.volume import BoolArray, FloatArray, Grid

_SECTORS = 8
_AT_ONCE = 20_000
_EDGE_MM = 4.0
# A step beyond this is not a better one: bone, or air.
_STEP_HU = 60.0
_SPREAD = 0.7
_BLOOD_HU = 20.0
_LEAST_STEP_HU, _LEAST_BLOOD_HU = 25.0, 80.0


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """A vessel's centre in n slices of the coarse picture, from the feet up.

    Attributes
    ----------
    points_lps_mm
        (n, 3).
    radius_mm
        (n,) of the circle that fits best.
    contrast_hu
        (n,) how much it differs from what surrounds it, over most of its rim.
    level_hu
        (n,) its own grey value.
    """

    points_lps_mm: FloatArray
    radius_mm: FloatArray
    contrast_hu: FloatArray
    level_hu: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Discs:
    """How the best disc around each place stands out.

    Attributes
    ----------
    contrast_hu
        (slices, rows, columns) how much it differs from its rim, less what it varies itself.
    level_hu
        (slices, rows, columns) its grey value.
    radius_mm
        (slices, rows, columns) its radius.
    """

    contrast_hu: Float32Array
    level_hu: Float32Array
    radius_mm: Float32Array


def discs_in(
    image: Float32Array,
    grid: Grid,
    radii_mm: tuple[float, ...],
    quantile: float,
    mean_share: float = 0.0,
    darker_too: bool = True,
    where: BoolArray | None = None,
) -> Discs:
    """Tell how much a disc around each place stands out from its surroundings.

    Parameters
    ----------
    image
        (slices, rows, columns).
    grid
        Its place.
    radii_mm
        Radii of the discs to try.
    quantile
        Which of the eight sectors of the rim counts, from the one of least contrast (0) to the
        one of most (1).
    mean_share
        How much the mean of all sectors counts instead: where tissue of the same grey value lies
        along most of the rim, the rest of it must tell.
    darker_too
        Whether a disc darker than its rim stands out too.
    where
        The places to look at; None: all. Elsewhere nothing stands out.
    """
    _, dy, dx = grid.spacing_mm
    reach = int(max(radii_mm) + _EDGE_MM + 1.0)
    edge = int(np.ceil(reach / dy)) + 1, int(np.ceil(reach / dx)) + 1
    padded = np.pad(image, ((0, 0), (edge[0],) * 2, (edge[1],) * 2), mode="edge")
    padded = np.clip(padded, -120.0, 320.0).astype(np.float32)
    k, j, i = np.nonzero(np.ones(image.shape, dtype=bool) if where is None else where)
    at = np.ravel_multi_index((k, j + edge[0], i + edge[1]), padded.shape)
    best = np.full(len(at), -1e3, dtype=np.float32)
    level = np.zeros(len(at), dtype=np.float32)
    which = np.zeros(len(at), dtype=np.float32)
    for radius in radii_mm:
        disc, sectors = _offsets(radius, dy, dx, padded.shape[2])
        for start in range(0, len(at), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            contrast, inside = _contrast(
                padded.ravel(), at[some], disc, sectors, (quantile, mean_share), darker_too
            )
            better = contrast > best[some]
            best[some][better], level[some][better] = contrast[better], inside[better]
            which[some][better] = radius
    found = []
    for values, other in ((best, -1e3), (level, 0.0), (which, 0.0)):
        full = np.full(image.shape, other, dtype=np.float32)
        full[k, j, i] = values
        found.append(full)
    return Discs(*found)


def _contrast(
    image: Float32Array,
    at: npt.NDArray[np.intp],
    disc: npt.NDArray[np.intp],
    sectors: list[npt.NDArray[np.intp]],
    shares: tuple[float, float],
    darker_too: bool,
) -> tuple[Float32Array, Float32Array]:
    """Return how much discs at some voxels of a flat image stand out, and their grey value."""
    quantile, mean_share = shares
    values = image[at[:, None] + disc]
    inside = values.mean(axis=1)
    spread = values.std(axis=1)
    steps = np.stack([inside - image[at[:, None] + one].mean(axis=1) for one in sectors])
    if darker_too:
        steps = np.abs(steps)
    steps.sort(axis=0)
    contrast = (1.0 - mean_share) * steps[round(quantile * (len(sectors) - 1))]
    if mean_share > 0:
        contrast = contrast + mean_share * np.minimum(steps, _STEP_HU).mean(axis=0)
    contrast -= _SPREAD * spread + 3.0 * np.maximum(_BLOOD_HU - inside, 0.0)
    return contrast, inside


def _offsets(
    radius: float, dy: float, dx: float, width: int
) -> tuple[npt.NDArray[np.intp], list[npt.NDArray[np.intp]]]:
    """Return where, in a flat image, a disc and the sectors of its rim lie about its middle."""
    disc, sectors = _kernels(radius, dy, dx)
    middle = (disc.shape[0] // 2) * width + disc.shape[1] // 2

    def flat(kernel: FloatArray) -> npt.NDArray[np.intp]:
        rows, columns = np.nonzero(kernel)
        offsets: npt.NDArray[np.intp] = rows * width + columns - middle
        return offsets

    return flat(disc), [flat(sector) for sector in sectors if sector.any()]


def _kernels(radius: float, dy: float, dx: float) -> tuple[FloatArray, list[FloatArray]]:
    reach = radius + _EDGE_MM + 1.0
    y = np.arange(-np.ceil(reach / dy), np.ceil(reach / dy) + 1) * dy
    x = np.arange(-np.ceil(reach / dx), np.ceil(reach / dx) + 1) * dx
    distance = np.hypot(y[:, None], x[None, :])
    angle = np.arctan2(y[:, None], x[None, :]) % (2 * np.pi)
    # Half a voxel of the rim is left out on both sides of the wall.
    disc = (distance <= max(radius - 0.25 * dx, 0.5 * dx)).astype(float)
    ring = (distance > radius + 0.25 * dx) & (distance <= radius + _EDGE_MM)
    part = np.floor(angle / (2 * np.pi) * _SECTORS).astype(int)
    sectors = [(ring & (part == n)).astype(float) for n in range(_SECTORS)]
    return disc / disc.sum(), [s / max(s.sum(), 1.0) for s in sectors]


def track_through(
    score: Float32Array, grid: Grid, move_mm: float, reach: int = 2
) -> npt.NDArray[np.int64]:
    """Return (slices, 2) row and column of the best track through all slices.

    A track may move by up to ``reach`` voxels from slice to slice; each ``move_mm`` costs 1.
    """
    dz, dy, dx = grid.spacing_mm
    shifts = [(a, b) for a in range(-reach, reach + 1) for b in range(-reach, reach + 1)]
    price = np.array([np.hypot(a * dy, b * dx) / move_mm for a, b in shifts], dtype=np.float32)
    price *= 3.0 / max(dz, 1.0)
    rows, columns = score.shape[1:]
    total = score[0].copy()
    choice = np.zeros(score.shape, dtype=np.int8)
    for n in range(1, len(score)):
        padded = np.pad(total, reach, constant_values=-1e9)
        moved = np.stack(
            [
                padded[reach + a : reach + a + rows, reach + b : reach + b + columns] - cost
                for (a, b), cost in zip(shifts, price, strict=True)
            ]
        )
        choice[n] = moved.argmax(axis=0)
        total = moved.max(axis=0) + score[n]
    row, column = (int(v) for v in np.unravel_index(np.argmax(total), total.shape))
    path = np.empty((len(score), 2), dtype=np.int64)
    for n in range(len(score) - 1, -1, -1):
        path[n] = row, column
        a, b = shifts[choice[n, row, column]]
        row, column = row + a, column + b
    return path


def beyond(value: FloatArray, least: float, most: float) -> FloatArray:
    """Grow by 1 for each 8 mm outside of a range."""
    outside: FloatArray = np.maximum(np.maximum(least - value, value - most), 0.0) / 8.0
    return outside


def track_of(image: Float32Array, place: Grid, discs: Discs, path: npt.NDArray[np.int64]) -> Track:
    """Return what image and discs show along a path of (row, column) through the slices."""
    slices = np.arange(len(path))
    at = (slices, path[:, 0], path[:, 1])
    level = ndimage.uniform_filter(image, (1, 3, 3))[at]
    points = place.to_lps(np.column_stack([slices, path]))
    return Track(
        points,
        discs.radius_mm[at].astype(float),
        discs.contrast_hu[at].astype(float),
        level.astype(float),
    )


def sure_of(track: Track) -> BoolArray:
    """Tell in which slices a track surely runs in enhanced blood."""
    sure: BoolArray = (track.contrast_hu > _LEAST_STEP_HU) & (track.level_hu > _LEAST_BLOOD_HU)
    return sure
