"""Looking at an image in planes across a curve."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.centerline.curve import Curve
from venoseg.interpolation import trilinear
from venoseg.volume import BoolArray, FloatArray, Grid

# Points sampled at a time: their coordinates stay in the processor's cache.
_POINTS_PER_CHUNK = 65_536


def plane_offsets_mm(half_width_mm: float, step_mm: float) -> FloatArray:
    """Return (m,) offsets from the centre along each axis of a square plane, m odd."""
    count = max(2, int(np.ceil(half_width_mm / step_mm)))
    return np.linspace(-count, count, 2 * count + 1) * step_mm


def sample_planes(
    array: npt.NDArray[Any], grid: Grid, curve: Curve, offsets_mm: FloatArray
) -> npt.NDArray[np.float32]:
    """Sample an image trilinearly in the planes across a curve.

    Parameters
    ----------
    array
        (slices, rows, columns) values on ``grid``; outside of it the value is that of the edge.
    curve
        n stations.
    offsets_mm
        (m,) offsets in the plane.

    Returns
    -------
    NDArray
        (n, m, m) float32; axis 1 runs along ``curve.upward``, axis 2 along ``curve.across``.
    """
    count = len(offsets_mm)
    planes = np.empty((len(curve), count, count), dtype=np.float32)
    per_chunk = max(1, _POINTS_PER_CHUNK // count**2)
    origin = grid.to_index(np.zeros(3))
    # Contiguous, so that all of an index along one axis lies together in what follows too.
    centre, upward, across = (
        np.ascontiguousarray(places.T)[..., None, None]
        for places in (
            grid.to_index(curve.points_lps_mm),
            grid.to_index(curve.upward) - origin,
            grid.to_index(curve.across) - origin,
        )
    )
    for chunk in _chunks(len(curve), per_chunk):
        index = (
            centre[:, chunk]
            + upward[:, chunk] * offsets_mm[:, None]
            + across[:, chunk] * offsets_mm
        )
        planes[chunk] = trilinear(array, index)
    return planes


def numbered_in_planes(inside: BoolArray) -> npt.NDArray[np.int32]:
    """Return (n, m, m) numbers of what is connected within planes: from 1 on, plane after plane."""
    in_plane = np.zeros((3, 3, 3), dtype=bool)
    in_plane[1] = ndimage.generate_binary_structure(2, 1)
    numbers: npt.NDArray[np.int32] = ndimage.label(inside, structure=in_plane)[0]
    return numbers


def central_component(numbers: npt.NDArray[np.int32]) -> BoolArray:
    """Return of each of (n, m, m) planes the region at, or else nearest to, the centre.

    Parameters
    ----------
    numbers
        Of the regions, 0 outside; planes without any stay empty.
    """
    middle = numbers.shape[1] // 2
    chosen = numbers[:, middle, middle].copy()
    for n in np.flatnonzero((chosen == 0) & numbers.any(axis=(1, 2))):
        rows, columns = np.nonzero(numbers[n])
        nearest = np.argmin((rows - middle) ** 2 + (columns - middle) ** 2)
        chosen[n] = numbers[n, rows[nearest], columns[nearest]]
    central: BoolArray = (numbers == chosen[:, None, None]) & (numbers > 0)
    return central


def widened(inside: BoolArray) -> BoolArray:
    """Add to what is inside in each of (n, m, m) planes the points next to it, corners included."""
    tall = inside.copy()
    tall[:, 1:] |= inside[:, :-1]
    tall[:, :-1] |= inside[:, 1:]
    wide = tall.copy()
    wide[:, :, 1:] |= tall[:, :, :-1]
    wide[:, :, :-1] |= tall[:, :, 1:]
    return wide


def _chunks(count: int, size: int) -> Iterator[slice]:
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))
