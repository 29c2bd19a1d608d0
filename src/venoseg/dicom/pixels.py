"""Stored pixels, frame by frame, exactly as the file holds them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from venoseg.dicom.codecs import decode_frame
from venoseg.dicom.encapsulated import FrameIndex
from venoseg.dicom.image import Image, Pixels
from venoseg.dicom.syntaxes import COMPRESSED, EXPLICIT_BIG, NATIVE
from venoseg.errors import DecodeError

# A frame larger than this is no CT slice and no radiograph.
FRAME_LIMIT_BYTES = 2**28

Stored = npt.NDArray[Any]


class FrameReader:
    """Reads the frames of one open file.

    Parameters
    ----------
    image
        The file's header; it must have pixels.
    stream
        The open file.

    Raises
    ------
    DecodeError
        When the header's description of the pixels is impossible, the file is too short for it, or
        the frame cannot be decoded with certainty. The message names the file.
    """

    def __init__(self, image: Image, stream: BinaryIO) -> None:
        if image.pixels is None or image.pixels.offset is None:
            raise DecodeError("the file holds no pixels", where=image.location.label)
        self.image = image
        self.pixels = image.pixels
        self._stream = stream
        self._offset = image.pixels.offset
        self._label = image.location.label
        self.dtype = self._check()
        self._frames: FrameIndex | None = None

    @property
    def is_native(self) -> bool:
        """Whether the pixels lie in the file uncompressed."""
        return self.pixels.transfer_syntax in NATIVE

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """(rows, columns), with a last axis of 3 for colour."""
        shape = (self.pixels.rows, self.pixels.columns)
        return shape if self.pixels.samples == 1 else (*shape, self.pixels.samples)

    def read(self, frame: int) -> Stored:
        """Return one frame in its stored type, in the machine's byte order."""
        if self.is_native:
            out = np.empty(self.frame_shape, self.dtype)
            self.read_into(frame, out)
            return out.astype(self.dtype.newbyteorder("="), copy=False)
        if self._frames is None:
            self._frames = FrameIndex(self._stream, self._offset, self.pixels.frames, self._label)
        stored = decode_frame(self._frames.read(frame), self.pixels, self._label)
        if stored.shape != self.frame_shape:
            raise DecodeError(
                f"the decoder returned {stored.shape} where {self.frame_shape} is stated",
                where=self._label,
            )
        return stored

    def read_into(self, frame: int, out: Stored) -> None:
        """Read one uncompressed frame straight into ``out`` (contiguous, of `dtype`)."""
        self._stream.seek(self._offset + frame * out.nbytes)
        buffer = out.reshape(-1).view(np.uint8)
        # typing.BinaryIO leaves out readinto, which every binary file has.
        if self._stream.readinto(buffer.data) != out.nbytes:  # type: ignore[attr-defined]  # see above
            raise DecodeError("the file ends before its pixels do", where=self._label)

    def _check(self) -> np.dtype[Any]:
        pixels = self.pixels
        problem = _impossible(pixels)
        if problem:
            raise DecodeError(problem, where=self._label)
        dtype = np.dtype(f"{'i' if pixels.signed else 'u'}{pixels.bits_allocated // 8}")
        if not self.is_native:
            return dtype
        if pixels.transfer_syntax == EXPLICIT_BIG:
            dtype = dtype.newbyteorder(">")
        needed = pixels.rows * pixels.columns * pixels.samples * dtype.itemsize * pixels.frames
        there = self._stream.seek(0, os.SEEK_END) - self._offset
        stated = pixels.length if pixels.length is not None else 0
        if min(stated, there) < needed:
            raise DecodeError(
                f"its pixels need {needed} bytes and {max(min(stated, there), 0)} are there",
                where=self._label,
            )
        return dtype


@contextmanager
def open_frames(image: Image) -> Iterator[FrameReader]:
    """Open an image's file and read frames from it."""
    with image.location.open() as stream:
        yield FrameReader(image, stream)


def _impossible(pixels: Pixels) -> str:
    """Say in words why pixels so described cannot exist here, or nothing."""
    if pixels.rows < 1 or pixels.columns < 1 or pixels.frames < 1:
        return "the header states an empty image"
    if pixels.bits_allocated not in (8, 16, 32):
        return f"{pixels.bits_allocated} bits per pixel cannot be read"
    if not 1 <= pixels.bits_stored <= pixels.bits_allocated:
        return f"{pixels.bits_stored} bits do not fit into {pixels.bits_allocated}"
    if not pixels.bits_stored - 1 <= pixels.high_bit < pixels.bits_allocated:
        return f"its highest bit cannot be bit {pixels.high_bit}"
    if pixels.samples not in (1, 3):
        return f"{pixels.samples} samples per pixel cannot be read"
    if (
        pixels.rows * pixels.columns * pixels.samples * pixels.bits_allocated
        > 8 * FRAME_LIMIT_BYTES
    ):
        return f"a frame of {pixels.rows} x {pixels.columns} pixels is beyond any CT or radiograph"
    if pixels.transfer_syntax not in NATIVE | COMPRESSED:
        return f"its transfer syntax {pixels.transfer_syntax[:64]} cannot be decoded here"
    return ""
