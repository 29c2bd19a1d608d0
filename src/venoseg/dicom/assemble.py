"""Frames read, converted and put where they belong on the grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from venoseg.dicom.geometry import Stack
from venoseg.dicom.grouping import Slice
from venoseg.dicom.pixels import FrameReader, open_frames
from venoseg.dicom.progress import Count, Progress
from venoseg.dicom.syntaxes import NATIVE
from venoseg.dicom.values import FILL_HU, DoesNotFitInt16Error, convert, rescale_of
from venoseg.processes import share_out, usable_cores
from venoseg.shared_array import SharedArray, private_array, shared_array
from venoseg.volume import BoolArray

Voxels = npt.NDArray[Any]
Absences = list[tuple[int, BoolArray]]

SLICES_PER_JOB = 8
# More do not make a disk or the memory faster.
READING_THREADS = 4
# Compressed pixels that decode in about the time another process takes to start.
SHARED_PIXELS = 40 * 512 * 512


def read_voxels(
    slices: Sequence[Slice], stack: Stack, progress: Progress | None = None
) -> tuple[Voxels, BoolArray | None]:
    """Read slices, given in the order of the stack, onto its grid.

    ``progress`` is told how many of how many slices are read; what it raises ends the reading.

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
            return _fill(slices, stack, np.dtype(np.int16), Count(len(slices), progress))
        except DoesNotFitInt16Error:
            pass
    return _fill(slices, stack, np.dtype(np.float32), Count(len(slices), progress))


def check_first(slices: Sequence[Slice]) -> None:
    """Refuse impossible pixels before memory is taken for all of them."""
    with open_frames(slices[0].image):
        pass


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
    slices: Sequence[Slice], stack: Stack, dtype: np.dtype[Any], count: Count
) -> tuple[Voxels, BoolArray | None]:
    assert stack.slots is not None
    check_first(slices)
    placed = list(zip(stack.slots, slices, strict=True))
    if _worth_sharing(slices):
        voxels, absences = _fill_together(placed, stack.grid.shape, dtype, count)
    else:
        voxels = private_array(stack.grid.shape, dtype)
        absences = _fill_in_threads(voxels, placed, count)
    missing: BoolArray | None = None
    for k, absent in absences:
        missing = _marked(missing, voxels.shape)
        missing[k] = absent
    for first, last in stack.gaps:
        missing = _marked(missing, voxels.shape)
        missing[first + 1 : last] = True
        voxels[first + 1 : last] = FILL_HU
    return voxels, missing


def _worth_sharing(slices: Sequence[Slice]) -> bool:
    """Tell whether decoding takes much longer than starting another process does."""
    pixels = slices[0].image.pixels
    if pixels is None or pixels.transfer_syntax in NATIVE or usable_cores() < 2:
        return False
    return len(slices) * pixels.rows * pixels.columns >= SHARED_PIXELS


@dataclass(frozen=True, slots=True)
class FillJob:
    """Slices that one process decodes into an array shared with the others."""

    target: SharedArray
    placed: tuple[tuple[int, Slice], ...]


def fill_job(job: FillJob) -> list[tuple[int, npt.NDArray[np.uint8]]]:
    """Decode the slices of a job; return where values are missing, one bit a pixel."""
    absences = _fill_slices(job.target.attach(), job.placed, Count(len(job.placed), None))
    return [(k, np.packbits(absent)) for k, absent in absences]


def _fill_together(
    placed: list[tuple[int, Slice]],
    shape: tuple[int, int, int],
    dtype: np.dtype[Any],
    count: Count,
) -> tuple[Voxels, Absences]:
    """Decode slices in every core at once, into memory that all of them see."""
    absences: Absences = []
    pixels = shape[1] * shape[2]

    def take(number: int, packed: list[tuple[int, npt.NDArray[np.uint8]]]) -> None:
        for k, bits in packed:
            absences.append((k, np.unpackbits(bits, count=pixels).reshape(shape[1:]).astype(bool)))
        count.add(len(jobs[number].placed))

    with shared_array(shape, dtype) as target:
        jobs = [FillJob(target, tuple(chunk)) for chunk in _chunks(placed)]
        voxels = target.attach()
        share_out(fill_job, jobs, take, processes=usable_cores())
    return voxels, absences


def _chunks(placed: list[tuple[int, Slice]]) -> list[list[tuple[int, Slice]]]:
    """Split the work; a multi-frame file inside an archive stays whole, to be unpacked once."""
    first = placed[0][1].image
    if first.location.member is not None and len(first.planes) > 1:
        return [placed]
    return [placed[i : i + SLICES_PER_JOB] for i in range(0, len(placed), SLICES_PER_JOB)]


def _fill_in_threads(voxels: Voxels, placed: list[tuple[int, Slice]], count: Count) -> Absences:
    """Read uncompressed slices by several threads: reading and arithmetic free the lock."""
    chunks = _chunks(placed)
    threads = min(usable_cores(), READING_THREADS, len(chunks))
    if threads < 2:
        return _fill_slices(voxels, placed, count)
    with ThreadPoolExecutor(threads) as pool:
        parts = pool.map(lambda chunk: _fill_slices(voxels, chunk, count), chunks)
        return [one for part in parts for one in part]


def _fill_slices(voxels: Voxels, placed: Sequence[tuple[int, Slice]], count: Count) -> Absences:
    """Read slices into their places; return (k, where values are missing) where any are."""
    absences: Absences = []
    for image, members in groupby(placed, key=lambda one: one[1].image):
        with open_frames(image) as reader:
            for k, one in members:
                absent = _read_slice(reader, one, voxels[k])
                if absent is not None:
                    absences.append((k, absent))
                count.add()
    return absences


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
