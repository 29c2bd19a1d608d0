"""Where body and spine lie in a coarse upright picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.segmentation.landmarks.tracks import track_through
from venoseg.segmentation.voxels.growing import closed_along, opened
from venoseg.segmentation.voxels.slicewise import IN_SLICE, closed_in_slices, filled_in_slices
from venoseg.segmentation.working import Float32Array
from venoseg.volume import BoolArray, FloatArray, Grid

BONE_HU = 180.0
_MOVE_MM = 4.0
# A vertebral body fills a square of this size; arches, ribs and the sternum do not.
_SQUARE_MM, _LEAST_FILLED, _EVEN_MM = 24.0, 0.3, 8.0
# It is sought so far from the midline, and not in the foremost part of the trunk.
_SEARCH_MM, _IN_FRONT = 80.0, 0.25
# One end plate lies no farther from the next.
_VERTEBRA_MM = 36.0
_SHELL_MM, _LARGEST_HOLE_MM2 = 9.0, 3000.0
# Its middle lies so far behind the front of the trunk, as a share of the depth, give or take; and
# so near to the midline.
_DEPTH, _DEPTH_RANGE, _ASIDE_MM, _OFF_COST = 0.6, 0.15, 20.0, 0.006


def body_of(image: Float32Array) -> BoolArray:
    """Return the largest piece denser than -300 HU, its inside filled slice by slice."""
    pieces, count = ndimage.label(opened(image > -300))
    if count == 0:
        return np.zeros(image.shape, dtype=bool)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return filled_in_slices(pieces == int(np.argmax(sizes)))


def spine_of(image: Float32Array, grid: Grid, body: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return (slices,) column of the vertebral bodies' centre and row of their front.

    Both NaN where no slice shows enough bone near the middle.
    """
    _, dy, dx = grid.spacing_mm
    middle = _middle_of(body)
    front, back = rows_held(body)
    cut = back >= image.shape[1] - 2
    high = int(np.min(front + _IN_FRONT * (back - front)))
    left = max(0, int(middle.min() - _SEARCH_MM / dx))
    right = int(middle.max() + _SEARCH_MM / dx) + 1
    part = (slice(None), slice(high, None), slice(left, right))
    bone = _column(_filled((image[part] > BONE_HU) & body[part], grid, cut), grid)
    square = max(3, round(_SQUARE_MM / dy)), max(3, round(_SQUARE_MM / dx))
    filled = ndimage.uniform_filter(bone.astype(np.float32), (1, *square), mode="nearest")
    # Discs between the bodies hold no bone.
    dense = ndimage.gaussian_filter1d(filled, _EVEN_MM / grid.spacing_mm[0], axis=0, mode="nearest")
    off_mm = np.abs(left + np.arange(bone.shape[2]) - middle[:, None]) * dx
    score = dense - _OFF_COST * np.maximum(off_mm - _ASIDE_MM, 0)[:, None, :]
    score -= _unlikely_depth(front - high, back - high, bone.shape[1], cut)[:, :, None]
    path = track_through(score.astype(np.float32) * 30, grid, _MOVE_MM)
    found = dense[np.arange(len(image)), path[:, 0], path[:, 1]] > _LEAST_FILLED
    centre = np.where(found, left + path[:, 1].astype(float), np.nan)
    anterior = np.full(len(image), np.nan)
    for n in np.flatnonzero(found):
        anterior[n] = high + _front_of(bone[n], path[n], dy, dx)
    return centre, _lower_quartile(anterior, 17)


def _middle_of(body: BoolArray) -> FloatArray:
    """Return (slices,) the column of the body's middle."""
    share = body.sum(axis=1)
    middle = (share * np.arange(body.shape[2])).sum(axis=1) / np.maximum(share.sum(axis=1), 1)
    even: FloatArray = ndimage.median_filter(middle, size=15, mode="nearest")
    return even


def rows_held(body: BoolArray) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return (slices,) the first and the last row that hold a part of the body, 0 where none."""
    held = np.any(body, axis=2)
    first = np.argmax(held, axis=1)
    last = body.shape[1] - 1 - np.argmax(held[:, ::-1], axis=1)
    return first, np.where(np.any(held, axis=1), last, 0)


def _unlikely_depth(
    front: npt.NDArray[np.intp], back: npt.NDArray[np.intp], count: int, cut: BoolArray
) -> FloatArray:
    """Return (slices, rows) what a row costs where spines seldom lie; nothing in a cut body."""
    depth = (np.arange(count) - front[:, None]) / np.maximum(back - front, 1)[:, None]
    odd = np.maximum(np.abs(np.clip(depth, 0.0, 1.0) - _DEPTH) - _DEPTH_RANGE, 0.0)
    cost: FloatArray = 2.0 * odd * ~cut[:, None]
    return cost


def _filled(bone: BoolArray, grid: Grid, cut: BoolArray) -> BoolArray:
    """Close the shells of bones slice by slice, and fill those of the size of a vertebra.

    Where the image ends inside a vertebra, as ``cut`` says of a slice, its border closes the ring.
    """
    _, dy, dx = grid.spacing_mm
    disc = _disc(_SHELL_MM / dy, _SHELL_MM / dx)
    reach = len(disc)
    closed = np.pad(bone, ((0, 0), (reach, reach), (reach, reach)), mode="edge")
    closed[:, -1] |= cut[:, None]
    closed |= closed_in_slices(closed, disc)
    holes, count = ndimage.label(~closed, IN_SLICE)
    small = np.bincount(holes.ravel(), minlength=count + 1) * dy * dx < _LARGEST_HOLE_MM2
    small[0] = True
    filled: BoolArray = small[holes][:, reach:-reach, reach:-reach]
    return filled


def _column(bone: BoolArray, grid: Grid) -> BoolArray:
    """Close gaps along the body: of thin bone only the end plates show all across a vertebra."""
    reach = max(1, round(_VERTEBRA_MM / 2 / float(grid.spacing_mm[0])))
    return closed_along(bone, reach)


def _front_of(bone: BoolArray, place: npt.NDArray[np.int64], dy: float, dx: float) -> float:
    """Return the row at which a vertebral body begins, NaN where that is not seen."""
    row, column = (int(n) for n in place)
    wide = max(1, round(10.0 / dx))
    strip = bone[:, max(column - wide, 0) : column + wide + 1]
    filled = strip.mean(axis=1) > 0.7
    near = np.flatnonzero(filled)
    # The path may run in the spinal canal: the body lies before it.
    near = near[np.abs(near - row) * dy <= 12.0]
    if len(near) == 0:
        return np.nan
    before = near[near <= row]
    gone = np.flatnonzero(~filled[: (before[-1] if len(before) else near[0]) + 1])
    # Bodies are rounded in front: so wide they are only a little behind it.
    return float(gone[-1] + 0.5 - 2.0 / dy) if len(gone) else np.nan


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
