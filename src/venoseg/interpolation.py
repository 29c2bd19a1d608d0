"""Values of an image between its voxels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from venoseg.volume import FloatArray

Float32Array = npt.NDArray[np.float32]

# So many places at a time: what is computed on the way then stays in the processor's cache, and
# each step takes long enough for another thread to go on meanwhile.
_AT_ONCE = 32_768


def trilinear(array: npt.NDArray[Any], index: FloatArray) -> Float32Array:
    """Sample an image trilinearly; beyond the outermost voxel centres its edge goes on.

    Parameters
    ----------
    array
        (slices, rows, columns) in any memory layout; it is not copied.
    index
        (3, ...) fractional indices k, j, i.

    Returns
    -------
    NDArray
        (...) float32.
    """
    places = index.reshape(3, -1)
    values = np.empty(places.shape[1], dtype=np.float32)
    voxels, strides, flipped = _in_memory_order(array)
    last = np.array(array.shape)[:, None] - 1.0
    # The last voxel itself is all but the end of the way to it from the one before.
    highest = np.maximum(np.nextafter(last, 0.0), 0.0)
    # An axis of one voxel has no next one.
    steps = np.where(last[:, 0] > 0, strides, 0).tolist()
    backwards = flipped[:, None] if flipped.any() else None
    for start in range(0, len(values), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        at = places[:, part]
        if backwards is not None:
            at = np.where(backwards, last - at, at)
        at = np.clip(at, 0.0, highest)
        # Whole numbers, but as floating point, in which processors round and multiply sooner.
        base = np.floor(at)
        at -= base
        first = base[0] * steps[0]
        for along, step in zip(base[1:], steps[1:], strict=True):
            first += along * step
        values[part] = _between(voxels, first.astype(np.int64), steps, at.astype(np.float32))
    return values.reshape(index.shape[1:])


def _between(
    voxels: npt.NDArray[Any],
    first: npt.NDArray[np.int64],
    steps: list[int],
    share: Float32Array,
) -> Float32Array:
    """Blend the voxels at ``first`` with those a step on along each of the axes left."""
    if len(steps) == 0:
        return voxels.take(first).astype(np.float32)
    here = _between(voxels, first, steps[1:], share[1:])
    there = _between(voxels[steps[0] :], first, steps[1:], share[1:])
    there -= here
    there *= share[0]
    there += here
    return there


def _in_memory_order(
    array: npt.NDArray[Any],
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """See an array as one row of memory.

    Returns
    -------
    tuple
        The row; how far apart in it neighbours along each axis lie; which axes run backwards in it.
    """
    flipped = np.array(array.strides) < 0
    forward = array[tuple(slice(None, None, -1 if back else 1) for back in flipped)]
    strides = np.array(forward.strides) // array.itemsize
    length = 1 + int(strides @ (np.array(array.shape) - 1))
    row = as_strided(forward, (length,), (array.itemsize,), writeable=False)
    return row, strides, flipped
