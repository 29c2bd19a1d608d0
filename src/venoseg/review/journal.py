"""An append-only file of records that survives a crash in the middle of a write.

Every record is written whole and flushed to the disk before `Journal.append` returns, and carries
its length and its checksum, so that a record that a crash cut off is recognised and left out when
the file is read again.
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from venoseg.errors import InputError, OutputError

_MAGIC = b"VSJ1"
_FRAME = struct.Struct("<4sII")
_SPLIT = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Record:
    """One entry: words and numbers as JSON, and bytes that go with them."""

    head: Mapping[str, Any]
    blob: bytes = b""


class JournalInUseError(OutputError):
    """Another process is writing the journal."""


class Journal:
    """A journal open for writing, by one process at a time.

    Parameters
    ----------
    path
        The file; made when it is not there.

    Attributes
    ----------
    records
        What the file held when it was opened.
    lost_bytes
        Length of a last record that was cut off; it stays out.

    Raises
    ------
    OutputError
        When the file cannot be written, or another process has it open.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise _refused(path, error) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise JournalInUseError(
                "this case is open in another window under the same name",
                where=path.name,
                remedy="close it there, or choose another reviewer's name",
            ) from error
        self.records, self._length, self.lost_bytes = _read(path)

    def append(self, *records: Record) -> None:
        """Write records; they are on the disk when this returns, all of them or none.

        What a crash had cut off is overwritten by the first record that follows it.

        Raises
        ------
        OutputError
            When they cannot be written; the file is as before then.
        """
        content = b"".join(_framed(record) for record in records)
        try:
            os.ftruncate(self._file, self._length)
            left = memoryview(content)
            while left:
                left = left[os.write(self._file, left) :]
            os.fsync(self._file)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._file, self._length)
            raise _refused(self._path, error) from error
        self._length += len(content)

    def close(self) -> None:
        """Let go of the file; the lock goes with it."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _framed(record: Record) -> bytes:
    head = json.dumps(record.head, allow_nan=False, separators=(",", ":")).encode()
    body = _SPLIT.pack(len(head)) + head + record.blob
    return _FRAME.pack(_MAGIC, len(body), zlib.crc32(body)) + body


def _read(path: Path) -> tuple[list[Record], int, int]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError("the journal cannot be read", where=path.name) from error
    records: list[Record] = []
    at = 0
    while at + _FRAME.size <= len(content):
        magic, length, checksum = _FRAME.unpack_from(content, at)
        body = content[at + _FRAME.size : at + _FRAME.size + length]
        if magic != _MAGIC or len(body) < length or zlib.crc32(body) != checksum:
            break
        size = _SPLIT.unpack_from(body)[0]
        head = json.loads(body[_SPLIT.size : _SPLIT.size + size])
        records.append(Record(head, body[_SPLIT.size + size :]))
        at += _FRAME.size + length
    return records, at, len(content) - at


def _refused(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"the change cannot be kept on the disk ({error.strerror or 'no space'})",
        where=path.name,
        remedy="free some space, or choose another folder for the reviews; until then the change "
        "is in memory only",
    )
