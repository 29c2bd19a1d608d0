"""Where spine, aorta and cava lie: what the automatic segmentation starts from.

Everything happens on a coarse upright picture, about 3 mm: slices to the head, rows to the back,
columns to the patient's left. Tracks through the slices are sought by dynamic programming.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.segmentation.working import Float32Array
from venoseg.volume import BoolArray, FloatArray, Grid

BONE_HU = 180.0
_SECTORS = 8
_EDGE_MM = 4.0
_AORTA_RADII_MM = (6.0, 8.5, 11.0, 14.0)
_CAVA_RADII_MM = (6.0, 8.5, 11.0)
_APART_MM = 14.0
_LEAST_SPINE_MM = 15.0
_BEYOND_SPINE_MM = 100.0


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
class Landmarks:
    """What was found around the spine.

    Attributes
    ----------
    aorta, cava
        Tracks through the same slices.
    middle_x_mm, front_y_mm
        (n,) LPS coordinates of the middle and of the front of the vertebral bodies.
    """

    aorta: Track
    cava: Track
    middle_x_mm: FloatArray
    front_y_mm: FloatArray


def find_landmarks(image: Float32Array, grid: Grid) -> Landmarks | None:
    """Find spine, aorta and cava on a coarse upright picture; None where there is no spine.

    The aorta is a round thing before the spine or left of it, the cava one before it or right of
    it; both go on from slice to slice. Whether a track is what it is meant to be, its contrast
    must tell.
    """
    dz, dy, dx = grid.spacing_mm
    column, row = spine_of(image, grid, body_of(image))
    known = np.flatnonzero(~np.isnan(column) & ~np.isnan(row))
    if len(known) * dz < _LEAST_SPINE_MM:
        return None
    first = max(0, known[0] - int(_BEYOND_SPINE_MM / dz))
    last = min(len(image) - 1, known[-1] + int(_BEYOND_SPINE_MM / dz))
    slices = np.arange(first, last + 1)
    column = ndimage.gaussian_filter1d(np.interp(slices, known, column[known]), 9.0 / dz)
    row = ndimage.gaussian_filter1d(np.interp(slices, known, row[known]), 9.0 / dz)
    top = int(max(0, np.floor(row.min() - 60 / dy)))
    bottom = int(min(image.shape[1], np.ceil(row.max() + 25 / dy)))
    left = int(max(0, np.floor(column.min() - 60 / dx)))
    right = int(min(image.shape[2], np.ceil(column.max() + 60 / dx)))
    part = image[first : last + 1, top:bottom, left:right]
    place = grid.crop((slice(first, last + 1), slice(top, bottom), slice(left, right)))
    aside = ((np.arange(left, right) - column[:, None]) * dx)[:, None, :]
    before = ((row[:, None] - np.arange(top, bottom)) * dy)[:, :, None]
    inside_spine = (np.abs(aside) < 24.0) * np.maximum(4.0 - before, 0.0) / 4.0

    round_, which = roundness(part, place, _AORTA_RADII_MM, 0.25)
    unlikely = _beyond(aside, 10.0, 10.0) + _beyond(before, 10.0, 8.0) + inside_spine
    score = np.clip(round_, -50.0, 100.0) / 50.0 - unlikely
    aorta = track_through(score.astype(np.float32), place, 4.0)

    oval, which_oval = roundness(part, place, _CAVA_RADII_MM, 0.42)
    unlikely = _beyond(aside, -20.0, 8.0) + _beyond(before, 16.0, 12.0) + inside_spine
    rows, columns = np.arange(part.shape[1]), np.arange(part.shape[2])
    down = (rows - aorta[:, :1]) * dy
    across = (columns - aorta[:, 1:]) * dx
    apart = np.hypot(down[:, :, None], across[:, None, :])
    score = np.clip(oval, -60.0, 80.0) / 50.0 - unlikely - 3.0 * (apart < _APART_MM)
    cava = track_through(score.astype(np.float32), place, 4.0)

    spine = grid.to_lps(np.stack([slices, row, column], axis=1))
    return Landmarks(
        _track(part, place, aorta, round_, np.array(_AORTA_RADII_MM)[which]),
        _track(part, place, cava, oval, np.array(_CAVA_RADII_MM)[which_oval]),
        spine[:, 0],
        spine[:, 1],
    )


def _beyond(value: FloatArray, centre: float, tolerance: float) -> FloatArray:
    """Grow by 1 for each 8 mm outside of a range."""
    outside: FloatArray = np.maximum(np.abs(value - centre) - tolerance, 0.0) / 8.0
    return outside


def _track(
    part: Float32Array,
    place: Grid,
    path: npt.NDArray[np.int64],
    contrast: Float32Array,
    radius: FloatArray,
) -> Track:
    slices = np.arange(len(path))
    at = (slices, path[:, 0], path[:, 1])
    level = ndimage.uniform_filter(part, (1, 3, 3))[at]
    points = place.to_lps(np.column_stack([slices, path]))
    return Track(points, radius[at], contrast[at].astype(float), level.astype(float))


def body_of(image: Float32Array) -> BoolArray:
    """Return the largest piece denser than -300 HU, its inside filled slice by slice."""
    pieces, count = ndimage.label(ndimage.binary_opening(image > -300, iterations=1))
    if count == 0:
        return np.zeros(image.shape, dtype=bool)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    largest = pieces == int(np.argmax(sizes))
    filled: BoolArray = np.stack([ndimage.binary_fill_holes(part) for part in largest])
    return filled


def spine_of(image: Float32Array, grid: Grid, body: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return (slices,) column of the vertebral bodies' centre and row of their front.

    Both NaN where no slice shows enough bone near the middle.
    """
    _, dy, dx = grid.spacing_mm
    bone = ((image > BONE_HU) & body).astype(np.float32)
    dense = ndimage.gaussian_filter(
        bone, (8.0 / grid.spacing_mm[0], 14.0 / dy, 14.0 / dx), mode="nearest"
    )
    column = np.arange(image.shape[2])
    share = body.sum(axis=1)
    middle = (share * column).sum(axis=1) / np.maximum(share.sum(axis=1), 1)
    middle = ndimage.median_filter(middle, size=15, mode="nearest")
    off = np.abs(column - middle[:, None]) * dx
    rows = np.arange(image.shape[1])
    held = np.any(body, axis=2)
    front = np.where(np.any(held, axis=1), np.argmax(held, axis=1), 0)
    back = np.where(np.any(held, axis=1), image.shape[1] - 1 - np.argmax(held[:, ::-1], axis=1), 0)
    depth = (rows - front[:, None]) / np.maximum(back - front, 1)[:, None]
    # The bodies lie near the midline, behind the middle of the trunk.
    score = dense - 0.01 * np.maximum(off - 15.0, 0)[:, None, :]
    whole = (back < image.shape[1] - 2).astype(np.float32)
    score -= 2.0 * (whole[:, None] * np.abs(np.clip(depth, 0.0, 1.0) - 0.62))[:, :, None]
    path = track_through(score.astype(np.float32) * 30, grid, 4.0)
    slices = np.arange(len(image))
    found = dense[slices, path[:, 0], path[:, 1]] > 0.10
    centre = np.where(found, path[:, 1].astype(float), np.nan)
    anterior = np.full(len(image), np.nan)
    wide, reach = max(1, round(10.0 / dx)), max(1, round(24.0 / dx))
    disc = _disc(9.0 / dy, 9.0 / dx)
    for n in np.flatnonzero(found):
        row, middle_column = path[n]
        left = max(middle_column - reach, 0)
        solid = bone[n, :, left : middle_column + reach + 1] > 0
        framed = np.pad(solid, 8, mode="edge")
        # Where the image ends inside the vertebra, its border closes the ring of bone.
        framed[-1] |= back[n] >= image.shape[1] - 2
        solid = ndimage.binary_fill_holes(ndimage.binary_closing(framed, disc))[8:-8, 8:-8]
        strip = solid[:, max(middle_column - left - wide, 0) : middle_column - left + wide + 1]
        filled = strip.mean(axis=1) > 0.7
        held_rows = np.flatnonzero(filled)
        if len(held_rows) == 0:
            continue
        # The path may run in the spinal canal: the body lies before it.
        near = held_rows[np.abs(held_rows - row) * dy <= 12.0]
        if len(near) == 0:
            continue
        before = near[near <= row]
        start = before[-1] if len(before) else near[0]
        gone = np.flatnonzero(~filled[: start + 1])
        # Bodies are rounded in front: so wide they are only a little behind it.
        anterior[n] = gone[-1] + 0.5 - 2.0 / dy if len(gone) else np.nan
    return centre, _lower_quartile(anterior, 17)


def _disc(rows: float, columns: float) -> BoolArray:
    y = np.arange(-int(rows), int(rows) + 1)[:, None] / rows
    x = np.arange(-int(columns), int(columns) + 1)[None, :] / columns
    inside: BoolArray = y**2 + x**2 <= 1.0
    return inside


def _lower_quartile(values: FloatArray, size: int) -> FloatArray:
    """Return a running quartile without NaN: a body that was missed lies too far back."""
    padded = np.pad(values, size // 2, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, size)
    known = ~np.isnan(windows).all(axis=1)
    out = np.full(len(values), np.nan)
    out[known] = np.nanquantile(windows[known], 0.25, axis=1)
    return out


def roundness(
    image: Float32Array, grid: Grid, radii_mm: tuple[float, ...], quantile: float
) -> tuple[Float32Array, npt.NDArray[np.int8]]:
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

    Returns
    -------
    contrast
        HU, the best of all radii, less what the disc itself varies.
    which
        Which radius it was.
    """
    _, dy, dx = grid.spacing_mm
    clipped = np.clip(image, -120.0, 320.0)
    best = np.full(image.shape, -1e3, dtype=np.float32)
    which = np.zeros(image.shape, dtype=np.int8)
    for number, radius in enumerate(radii_mm):
        disc, sectors = _kernels(radius, dy, dx)
        inside = _filtered(clipped, disc)
        spread = np.sqrt(np.maximum(_filtered(clipped**2, disc) - inside**2, 0.0))
        steps = np.stack([np.abs(inside - _filtered(clipped, sector)) for sector in sectors])
        steps.sort(axis=0)
        contrast = steps[round(quantile * (_SECTORS - 1))] - 0.7 * spread
        contrast -= 3.0 * np.maximum(20.0 - inside, 0.0)
        better = contrast > best
        best[better] = contrast[better]
        which[better] = number
    return best, which


def _filtered(image: Float32Array, kernel: FloatArray) -> Float32Array:
    out: Float32Array = ndimage.correlate(image, kernel[None].astype(np.float32), mode="nearest")
    return out


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


def track_through(score: Float32Array, grid: Grid, move_mm: float) -> npt.NDArray[np.int64]:
    """Return (slices, 2) row and column of the best track through all slices.

    A track may move by up to three voxels from slice to slice; each ``move_mm`` costs 1.
    """
    dz, dy, dx = grid.spacing_mm
    reach = 2
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
