"""Frames read, converted and put where they belong on the grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from venoseg.dicom.geometry import Stack
from venoseg.dicom.grouping import Slice
from venoseg.dicom.pixels import FrameReader, open_frames
from venoseg.dicom.values import FILL_HU, DoesNotFitInt16Error, convert, rescale_of
from venoseg.volume import BoolArray

Voxels = npt.NDArray[Any]


def read_voxels(slices: Sequence[Slice], stack: Stack) -> tuple[Voxels, BoolArray | None]:
    """Read slices, given in the order of the stack, onto its grid.

    Returns
    -------
    The voxels, int16 where every value allows it, else float32; and where nothing was measured.

    Raises
    ------
    DecodeError
        Naming the file whose pixels cannot be read with certainty.
    """
    assert stack.slots is not None
    whole = all(rescale_of(one.plane).is_whole for one in slices)
    if whole:
        try:
            return _fill(slices, stack, np.dtype(np.int16))
        except DoesNotFitInt16Error:
            pass
    return _fill(slices, stack, np.dtype(np.float32))


def read_frames(
    slices: Sequence[Slice], dtype: np.dtype[Any]
) -> Iterator[tuple[Voxels, BoolArray | None]]:
    """Yield each slice's values and where they are missing, one at a time."""
    for image, members in groupby(slices, key=lambda one: one.image):
        with open_frames(image) as reader:
            for one in members:
                out = np.empty((reader.pixels.rows, reader.pixels.columns), dtype)
                yield out, _read_slice(reader, one, out)


def _fill(
    slices: Sequence[Slice], stack: Stack, dtype: np.dtype[Any]
) -> tuple[Voxels, BoolArray | None]:
    voxels = np.empty(stack.grid.shape, dtype)
    missing: BoolArray | None = None
    assert stack.slots is not None
    slots = iter(stack.slots)
    for image, members in groupby(slices, key=lambda one: one.image):
        with open_frames(image) as reader:
            for one in members:
                k = next(slots)
                absent = _read_slice(reader, one, voxels[k])
                if absent is not None:
                    missing = _marked(missing, voxels.shape)
                    missing[k] = absent
    for first, last in stack.gaps:
        missing = _marked(missing, voxels.shape)
        missing[first + 1 : last] = True
        voxels[first + 1 : last] = FILL_HU
    return voxels, missing


def _marked(missing: BoolArray | None, shape: tuple[int, ...]) -> BoolArray:
    return np.zeros(shape, dtype=np.bool_) if missing is None else missing


def _read_slice(reader: FrameReader, one: Slice, out: Voxels) -> BoolArray | None:
    """Read one frame into ``out``, through no other memory where the file allows it."""
    label = one.image.location.label
    in_place = reader.is_native and reader.dtype.isnative and reader.dtype.itemsize == 2
    if in_place and out.dtype == np.int16:
        stored = out.view(reader.dtype)
        reader.read_into(one.plane.frame, stored)
        return convert(stored, reader.pixels, rescale_of(one.plane), label, out)
    stored = np.array(reader.read(one.plane.frame))
    return convert(stored, reader.pixels, rescale_of(one.plane), label, out)
