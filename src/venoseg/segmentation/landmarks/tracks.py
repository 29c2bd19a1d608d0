"""A vessel's track through the slices of a coarse picture: where something round stands out.

Slices grow to the head, rows to the back, columns to the patient's left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.segmentation.together import each
from venoseg.segmentation.working import Float32Array
from venoseg.volume import BoolArray, FloatArray, Grid

_SECTORS = 8
_AT_ONCE = 40_000
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
    kernels = [_kernels(radius, dy, dx) for radius in radii_mm]
    edge = max(max(disc.shape) for disc, _ in kernels) // 2
    rings = [
        (_rows_of(disc), [_rows_of(sector) for sector in sectors]) for disc, sectors in kernels
    ]
    longest = max(
        row.length for disc, sectors in rings for rows in (disc, *sectors) for row in rows
    )
    clipped = np.clip(image, -120.0, 320.0)
    padded = np.pad(clipped, ((0, 0), (edge, edge), (edge, edge)), mode="edge")
    best = np.full(image.shape, -1e3, dtype=np.float32)
    level, which = np.zeros_like(best), np.zeros_like(best)
    shares = quantile, mean_share
    wanted = np.ones(image.shape, dtype=bool) if where is None else where
    window = [side.stop - side.start + 2 * edge for side in _window_of(wanted)]
    few = max(1, _AT_ONCE // (window[0] * window[1]))

    def look_at(start: int) -> None:
        slices = slice(start, start + few)
        rows, columns = _window_of(wanted[slices])
        if rows.stop == 0:
            return
        some = slices, rows, columns
        with_edge = (slice(side.start, side.stop + 2 * edge) for side in (rows, columns))
        near = padded[slices, *with_edge]
        sums, squares = _sums_of(near, longest, edge), _sums_of(near * near, longest, edge)
        for radius, (disc, sectors) in zip(radii_mm, rings, strict=True):
            contrast, inside = _contrast(sums, squares, disc, sectors, shares, darker_too)
            better = wanted[some] & (contrast > best[some])
            np.copyto(best[some], contrast, where=better)
            np.copyto(level[some], inside, where=better)
            np.copyto(which[some], np.float32(radius), where=better)

    each(look_at, range(0, len(image), few))
    return Discs(best, level, which)


def _window_of(wanted: BoolArray) -> tuple[slice, slice]:
    """Return the rows and the columns, from the first to the last, in which places are wanted.

    Both end at 0 where none is.
    """
    rows, columns = (np.flatnonzero(wanted.any(axis=across)) for across in ((0, 2), (0, 1)))
    if len(rows) == 0:
        return slice(0, 0), slice(0, 0)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


class _Row(NamedTuple):
    """Neighbours in a row of a kernel: row and first column, from its middle, and their number."""

    row: int
    column: int
    length: int


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """Sums over neighbours in a row of some slices, which have ``edge`` voxels more on all sides.

    ``from_each[n]`` holds, flat, the sum of n + 1 voxels from each on.
    """

    from_each: list[Float32Array]
    shape: tuple[int, ...]
    edge: int


def _sums_of(padded: Float32Array, longest: int, edge: int) -> _Sums:
    flat = padded.ravel()
    sums = [flat]
    for further in range(1, longest):
        sums.append(sums[-1][:-1] + flat[further:])
    return _Sums(sums, padded.shape, edge)


def _rows_of(kernel: BoolArray) -> list[_Row]:
    """Take a kernel apart into neighbours in rows: sums of these are shared by all kernels."""
    border = np.diff(np.pad(kernel, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, first = np.nonzero(border > 0)
    _, past = np.nonzero(border < 0)
    middle = np.array(kernel.shape) // 2
    return [
        _Row(int(row - middle[0]), int(start - middle[1]), int(stop - start))
        for row, start, stop in zip(rows, first, past, strict=True)
    ]


def _contrast(
    sums: _Sums,
    squares: _Sums,
    disc: list[_Row],
    sectors: list[list[_Row]],
    shares: tuple[float, float],
    darker_too: bool,
) -> tuple[Float32Array, Float32Array]:
    """Return how much a disc around each place of some slices stands out, and its grey value."""
    quantile, mean_share = shares
    inside = _mean_over(sums, disc)
    square = _mean_over(squares, disc) - inside * inside
    spread = np.sqrt(np.maximum(square, 0.0))
    steps = [inside - _mean_over(sums, sector) for sector in sectors]
    if darker_too:
        steps = [np.abs(step, out=step) for step in steps]
    contrast = -_SPREAD * spread - 3.0 * np.maximum(_BLOOD_HU - inside, 0.0)
    if mean_share > 0:
        usual = np.zeros_like(inside)
        for step in steps:
            usual += np.minimum(step, _STEP_HU)
        contrast += mean_share / len(steps) * usual
    contrast += (1.0 - mean_share) * _ranked(steps, round(quantile * (len(steps) - 1)))
    return contrast, inside


def _mean_over(sums: _Sums, kernel: list[_Row]) -> Float32Array:
    """Return the mean over a kernel around each place of slices that have an edge around them."""
    edge, (count, rows, width) = sums.edge, sums.shape
    # From the first place that is wanted to the last, those of the edge between them too.
    first = edge * width + edge
    size = count * rows * width - 2 * first

    def part(one: _Row) -> Float32Array:
        start = first + one.row * width + one.column
        return sums.from_each[one.length - 1][start : start + size]

    total = part(kernel[0]).copy()
    for one in kernel[1:]:
        total += part(one)
    total /= np.float32(sum(one.length for one in kernel))
    inner: Float32Array = np.lib.stride_tricks.as_strided(
        total,
        (count, rows - 2 * edge, width - 2 * edge),
        (total.itemsize * rows * width, total.itemsize * width, total.itemsize),
    )
    return inner


def _ranked(values: list[Float32Array], rank: int) -> Float32Array:
    """Return at each place the value of a rank, 0 the least; the list's arrays are used up."""
    left, low = list(values), np.empty_like(values[0])
    for turn in range(rank + 1):
        for n in range(len(left) - 1, turn, -1):
            np.minimum(left[n - 1], left[n], out=low)
            np.maximum(left[n - 1], left[n], out=left[n])
            left[n - 1], low = low, left[n - 1]
    return left[rank]


def _kernels(radius: float, dy: float, dx: float) -> tuple[BoolArray, list[BoolArray]]:
    """Return a disc, and the sectors of its rim that hold a voxel."""
    reach = radius + _EDGE_MM + 1.0
    y = np.arange(-np.ceil(reach / dy), np.ceil(reach / dy) + 1) * dy
    x = np.arange(-np.ceil(reach / dx), np.ceil(reach / dx) + 1) * dx
    distance = np.hypot(y[:, None], x[None, :])
    angle = np.arctan2(y[:, None], x[None, :]) % (2 * np.pi)
    # Half a voxel of the rim is left out on both sides of the wall.
    disc = distance <= max(radius - 0.25 * dx, 0.5 * dx)
    ring = (distance > radius + 0.25 * dx) & (distance <= radius + _EDGE_MM)
    part = np.floor(angle / (2 * np.pi) * _SECTORS).astype(int)
    sectors = [ring & (part == n) for n in range(_SECTORS)]
    return disc, [sector for sector in sectors if sector.any()]


def track_through(
    score: Float32Array, grid: Grid, move_mm: float, reach: int = 2
) -> npt.NDArray[np.int64]:
    """Return (slices, 2) row and column of the best track through all slices.

    A track may move by up to ``reach`` voxels from slice to slice; each ``move_mm`` costs 1.
    """
    dz, dy, dx = grid.spacing_mm
    steps = range(-reach, reach + 1)
    price = np.hypot(*np.meshgrid(np.array(steps) * dy, np.array(steps) * dx, indexing="ij"))
    price = (price / move_mm * (3.0 / max(dz, 1.0))).astype(np.float32)
    slices, rows, columns = score.shape
    # The best sum up to each place, with places around the image that no track passes.
    total = np.full((slices, rows + 2 * reach, columns + 2 * reach), -1e9, dtype=np.float32)
    inner = total[:, reach : reach + rows, reach : reach + columns]
    inner[0] = score[0]
    # (slices, down, across, rows, columns): the sums at the places that each may be reached from.
    before = np.lib.stride_tricks.sliding_window_view(total, (rows, columns), axis=(1, 2))
    paid = np.empty(before.shape[1:], dtype=np.float32)
    for n in range(1, slices):
        np.subtract(before[n - 1], price[:, :, None, None], out=paid)
        np.add(paid.max(axis=(0, 1)), score[n], out=inner[n])
    row, column = (int(v) for v in np.unravel_index(np.argmax(inner[-1]), (rows, columns)))
    path = np.empty((slices, 2), dtype=np.int64)
    path[-1] = row, column
    for n in range(slices - 1, 0, -1):
        reached = before[n - 1, :, :, row, column] - price
        a, b = (int(v) for v in np.unravel_index(np.argmax(reached), reached.shape))
        row, column = row + a - reach, column + b - reach
        path[n - 1] = row, column
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
