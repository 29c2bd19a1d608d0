"""The compressed frames of a file: which fragments make up which frame."""

from __future__ import annotations

import struct
from typing import BinaryIO

from venoseg.errors import DecodeError

ITEM = b"\xfe\xff\x00\xe0"
END = b"\xfe\xff\xdd\xe0"
CODESTREAM_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51")
FRAGMENTS_LIMIT = 2**22

Fragment = tuple[int, int]


class FrameIndex:
    """Finds the fragments of each frame once; reads the bytes of a frame when asked.

    The basic offset table is used when it is there and agrees with the fragments. Without one,
    frames are told apart by one fragment per frame or by where a codestream begins.

    Raises
    ------
    DecodeError
        When fragments are damaged or cannot be assigned to the stated number of frames.
    """

    def __init__(self, stream: BinaryIO, offset: int, frames: int, label: str) -> None:
        self._stream = stream
        self._label = label
        stream.seek(offset)
        table, fragments = self._scan()
        if not fragments:
            raise DecodeError("the file holds no compressed frame", where=label)
        self._frames = self._assign(table, fragments, frames)

    def read(self, frame: int) -> bytes:
        """Return the compressed bytes of one frame."""
        parts = []
        for place, length in self._frames[frame]:
            self._stream.seek(place)
            parts.append(self._stream.read(length))
        return b"".join(parts)

    def _scan(self) -> tuple[bytes, list[Fragment]]:
        table = b""
        fragments: list[Fragment] = []
        first = True
        while True:
            head = self._stream.read(8)
            if len(head) < 8 or head[:4] == END:
                break
            if head[:4] != ITEM or len(fragments) > FRAGMENTS_LIMIT:
                raise DecodeError("its compressed frames are damaged", where=self._label)
            (length,) = struct.unpack("<I", head[4:])
            place = self._stream.tell()
            if first:
                table = self._stream.read(min(length, 4 * FRAGMENTS_LIMIT))
                first = False
            else:
                fragments.append((place, length))
            self._stream.seek(place + length)
        if fragments and self._stream.seek(0, 2) < sum(fragments[-1]):
            raise DecodeError("the file ends inside a compressed frame", where=self._label)
        return table, fragments

    def _assign(self, table: bytes, fragments: list[Fragment], frames: int) -> list[list[Fragment]]:
        if frames == 1:
            return [fragments]
        if len(fragments) == frames:
            return [[fragment] for fragment in fragments]
        starts = self._from_table(table, fragments, frames) or self._from_codestreams(fragments)
        if len(starts) != frames or starts[0] != 0:
            raise DecodeError(
                f"{len(starts)} compressed frames are there and {frames} are stated",
                where=self._label,
            )
        ends = [*starts[1:], len(fragments)]
        return [fragments[a:b] for a, b in zip(starts, ends, strict=True)]

    @staticmethod
    def _from_table(table: bytes, fragments: list[Fragment], frames: int) -> list[int]:
        if len(table) != 4 * frames:
            return []
        base = fragments[0][0] - 8
        begins = {place - 8 - base: i for i, (place, _) in enumerate(fragments)}
        offsets = struct.unpack(f"<{frames}I", table)
        if any(offset not in begins for offset in offsets) or list(offsets) != sorted(set(offsets)):
            return []
        return [begins[offset] for offset in offsets]

    def _from_codestreams(self, fragments: list[Fragment]) -> list[int]:
        starts = []
        for i, (place, _) in enumerate(fragments):
            self._stream.seek(place)
            if self._stream.read(4).startswith(CODESTREAM_STARTS):
                starts.append(i)
        return starts
