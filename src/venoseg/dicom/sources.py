"""Where the bytes of one DICOM file lie: a file on disk or a member of a ZIP archive."""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from venoseg.errors import InputError

# A single image larger than this is no CT or angiogram; a member that unpacks to more is refused.
MEMBER_LIMIT_BYTES = 4 * 2**30
# Deflate cannot honestly shrink CT pixels this far; small members are let through as they are.
RATIO_LIMIT = 300
RATIO_FREE_BYTES = 2**24
# Below this size a file is read whole: cheaper than many small reads, and a huge length declared
# inside a small file then cannot make anything reserve memory for it.
SMALL_FILE_BYTES = 2**18

# A file deflated as a whole (with its header) may unpack to this much and no more.
INFLATE_LIMIT_BYTES = 2**30
META_BYTES = 2048
DEFLATED = b"1.2.840.10008.1.2.1.99"
PLAIN = b"1.2.840.10008.1.2.1"


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """One file as found.

    Attributes
    ----------
    path
        The file, or the archive that holds it.
    member
        Name inside the archive; None for a file of its own.
    depth
        Number of folders between the path the user typed and the file.
    size
        Length in bytes (unpacked).
    """

    path: str
    member: str | None
    depth: int
    size: int

    @property
    def label(self) -> str:
        """Name for messages: the file's own; its folders may name a patient and become ``*``."""
        name = Path(self.member or self.path).name
        return "/".join(["*"] * self.depth + [name])

    @property
    def relative(self) -> str:
        """Name with the folders below the typed path spelt out."""
        parts = Path(self.member or self.path).parts
        return "/".join(parts[-1 - self.depth :])

    def open(self) -> BinaryIO:
        """Open for reading; a member of an archive is unpacked into memory, within the limits.

        Raises
        ------
        InputError
            When the file cannot be read, or an archive's member breaks a limit.
        """
        try:
            if self.member is not None:
                return _inflated(io.BytesIO(self._unpack()), self.label)
            if self.size <= SMALL_FILE_BYTES:
                return _inflated(io.BytesIO(Path(self.path).read_bytes()), self.label)
            return _inflated(Path(self.path).open("rb"), self.label)
        except OSError as error:
            raise InputError(
                f"the file cannot be read ({error.strerror or 'damaged'})", where=self.label
            ) from error

    def _unpack(self) -> bytes:
        assert self.member is not None
        try:
            with zipfile.ZipFile(self.path) as archive:
                info = archive.getinfo(self.member)
                check_member(info)
                with archive.open(info) as packed:
                    data = packed.read(info.file_size + 1)
        except (zipfile.BadZipFile, zlib.error, KeyError, NotImplementedError, EOFError) as error:
            raise InputError(
                "this member of the archive is damaged or packed in an unknown way",
                where=self.label,
                remedy="make the archive again",
            ) from error
        if len(data) != info.file_size:
            raise InputError("its length is not what the archive states", where=self.label)
        return data


def _inflated(stream: BinaryIO, label: str) -> BinaryIO:
    """Return the stream, a file deflated as a whole being turned into a plain one in memory."""
    start = stream.read(META_BYTES)
    stream.seek(0)
    if DEFLATED not in start or start[128:132] != b"DICM":
        return stream
    with stream:
        if start[132:138] != b"\x02\x00\x00\x00UL":
            raise InputError("the DICOM header is damaged", where=label)
        meta = stream.read(144 + int.from_bytes(start[140:144], "little"))
        unpack = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            data = unpack.decompress(stream.read(), INFLATE_LIMIT_BYTES)
        except zlib.error as error:
            raise InputError("its compressed data are damaged", where=label) from error
    if unpack.unconsumed_tail or not unpack.eof:
        raise InputError("its compressed data are cut off or unpack beyond any image", where=label)
    return io.BytesIO(meta.replace(DEFLATED, PLAIN.ljust(len(DEFLATED), b"\0")) + data)


def check_member(info: zipfile.ZipInfo) -> None:
    """Refuse an encrypted member or one that would unpack beyond the limits."""
    if info.flag_bits & 0x1:
        raise InputError(
            "the archive is encrypted", where=Path(info.filename).name, remedy="unpack it first"
        )
    swollen = info.file_size > max(RATIO_FREE_BYTES, RATIO_LIMIT * max(info.compress_size, 1))
    if info.file_size > MEMBER_LIMIT_BYTES or swollen:
        raise InputError(
            f"it would unpack to {info.file_size / 2**20:.0f} MiB, beyond what an image needs",
            where=Path(info.filename).name,
        )
