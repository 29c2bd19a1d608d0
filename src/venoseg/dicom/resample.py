"""Tilted and unevenly spaced slices, put onto their regular grid.

A tilted slice is only shifted within its own plane (cubic convolution, Keys 1981,
doi:10.1109/TASSP.1981.1163711), so nothing is blurred along the normal. Between two slices of an
uneven series the value is linear in the distance. One slice after another is read: two are in
memory besides the result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from venoseg.dicom.assemble import check_first, read_frames
from venoseg.dicom.geometry import Stack
from venoseg.dicom.grouping import Slice
from venoseg.dicom.progress import Count, Progress
from venoseg.dicom.values import FILL_HU, INT16, DoesNotFitInt16Error, rescale_of
from venoseg.shared_array import private_array
from venoseg.volume import BoolArray

Values = npt.NDArray[np.float32]
# A shift by less than this share of a pixel changes nothing that could be measured.
WHOLE_PIXEL = 1e-3


def resample_voxels(
    slices: Sequence[Slice], stack: Stack, progress: Progress | None = None
) -> tuple[npt.NDArray[Any], BoolArray | None]:
    """Read slices, given in the order of the stack, and resample them onto its grid.

    ``progress`` is told how many of how many slices are made; what it raises ends the reading.

    Returns
    -------
    The voxels, int16 where the values are whole numbers that fit, else float32; and where nothing
    was measured: in a gap, and beside a shifted slice.
    """
    if all(rescale_of(one.plane).is_whole for one in slices):
        try:
            return _resample(slices, stack, np.dtype(np.int16), progress)
        except DoesNotFitInt16Error:
            pass
    return _resample(slices, stack, np.dtype(np.float32), progress)


def _resample(
    slices: Sequence[Slice], stack: Stack, dtype: np.dtype[Any], progress: Progress | None
) -> tuple[npt.NDArray[Any], BoolArray | None]:
    check_first(slices)
    voxels = private_array(stack.grid.shape, dtype)
    missing = np.zeros(stack.grid.shape, np.bool_)
    shifted = _Window(_shifted(slices, stack))
    count = Count(len(stack.blends), progress)
    for k, blend in enumerate(stack.blends):
        count.add()
        if blend is None:
            voxels[k], missing[k] = FILL_HU, True
            continue
        (low, low_missing), (high, high_missing) = shifted.pair(blend.below, blend.above)
        values = low if blend.share == 0 else low + np.float32(blend.share) * (high - low)
        if dtype == np.int16:
            values = np.rint(values)
            if values.min() < INT16.min or values.max() > INT16.max:
                raise DoesNotFitInt16Error
        voxels[k] = values
        missing[k] = low_missing | high_missing
        voxels[k][missing[k]] = FILL_HU
    return voxels, missing if missing.any() else None


class _Window:
    """Gives two slices at a time out of a run that is read once, from the first to the last."""

    def __init__(self, run: Iterator[tuple[Values, BoolArray]]) -> None:
        self._run = enumerate(run)
        self._held: dict[int, tuple[Values, BoolArray]] = {}

    def pair(
        self, below: int, above: int
    ) -> tuple[tuple[Values, BoolArray], tuple[Values, BoolArray]]:
        while above not in self._held:
            number, one = next(self._run)
            self._held[number] = one
        for number in [n for n in self._held if n < below]:
            del self._held[number]
        return self._held[below], self._held[above]


def _shifted(slices: Sequence[Slice], stack: Stack) -> Iterator[tuple[Values, BoolArray]]:
    shape = (stack.grid.shape[1], stack.grid.shape[2])
    shifts = stack.lateral_mm / stack.grid.spacing_mm[1:]
    for (values, absent), shift in zip(
        read_frames(slices, np.dtype(np.float32)), shifts, strict=True
    ):
        missing = np.zeros(values.shape, np.bool_) if absent is None else absent
        if stack.tilted:
            for axis in (0, 1):
                values, missing = _shift(values, missing, float(shift[axis]), axis, shape[axis])
        yield values, missing


def _shift(
    values: Values, missing: BoolArray, shift_px: float, axis: int, length: int
) -> tuple[Values, BoolArray]:
    """Move one slice along an axis by a fraction of a pixel or more, into ``length`` pixels."""
    whole = int(np.ceil(shift_px - WHOLE_PIXEL))
    fraction = whole - shift_px if abs(whole - shift_px) > WHOLE_PIXEL else 0.0
    count = values.shape[axis] - (1 if fraction else 0)
    pad = [(0, 0), (0, 0)]
    pad[axis] = (1, 2)
    # Beyond the border the values go on in a straight line, so that the cubic stays true up to it.
    padded = np.pad(values, pad, mode="reflect", reflect_type="odd")
    padded_missing = np.pad(missing, pad, mode="edge")
    shape = list(values.shape)
    shape[axis] = length
    moved = np.full(shape, FILL_HU, np.float32)
    absent = np.ones(shape, np.bool_)
    place = [slice(None), slice(None)]
    place[axis] = slice(whole, whole + count)
    taps = [(1, 1.0)] if not fraction else list(enumerate(_cubic(fraction)))
    total = np.zeros(moved[tuple(place)].shape, np.float32)
    gone = np.zeros(total.shape, np.bool_)
    for tap, weight in taps:
        window = [slice(None), slice(None)]
        window[axis] = slice(tap, tap + count)
        total += np.float32(weight) * padded[tuple(window)]
        gone |= padded_missing[tuple(window)]
    moved[tuple(place)], absent[tuple(place)] = total, gone
    return moved, absent


def _cubic(t: float) -> tuple[float, float, float, float]:
    """Weights of the samples at -1, 0, 1 and 2 for a value at ``t`` between 0 and 1."""
    return (
        ((-0.5 * t + 1.0) * t - 0.5) * t,
        (1.5 * t - 2.5) * t * t + 1.0,
        ((-1.5 * t + 2.0) * t + 0.5) * t,
        (0.5 * t - 0.5) * t * t,
    )
