"""Every file below a path: folders, single files, ZIP archives and media with a DICOMDIR."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydicom import Dataset, dcmread

from venoseg.dicom.elements import Elements
from venoseg.dicom.header import quiet_pydicom
from venoseg.dicom.sources import Location, check_member
from venoseg.errors import InputError

# Limits of an archive: no export of one patient comes near them.
MEMBERS_LIMIT = 200_000
ARCHIVE_LIMIT_BYTES = 64 * 2**30
DIRECTORY_LIMIT_BYTES = 2**28
ARCHIVE_STARTS = (b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True, slots=True)
class Found:
    """The files to look at, and those that must not or cannot be opened, with the reason."""

    files: list[Location]
    refused: list[tuple[Location, str]] = field(default_factory=list)


def find_files(path: Path) -> Found:
    """Return every file that may be DICOM, in the order of their names.

    Raises
    ------
    InputError
        When there is no such path, nothing in it, or an archive breaks a limit.
    """
    try:
        if path.is_dir():
            return _folder(path)
        if not path.is_file():
            raise InputError("there is no such file or folder", where=str(path))
        with path.open("rb") as file:
            start = file.read(4)
        if start in ARCHIVE_STARTS:
            return _archive(path)
        if path.name.upper().startswith("DICOMDIR"):
            return _medium(path)
        return Found([Location(str(path), None, 0, path.stat().st_size)])
    except OSError as error:
        raise InputError(
            f"it cannot be read ({error.strerror or 'unknown reason'})", where=str(path)
        ) from error


def walk_exports(path: Path, leave_out: Path) -> Iterator[Location | tuple[Location, str]]:
    """Yield every file of a tree that may be DICOM, those inside its ``.zip`` archives too.

    Nothing is held in memory but the names of one folder and of those above it. A file or folder
    that cannot be opened comes with the reason.

    Parameters
    ----------
    path
        The tree, or a single file.
    leave_out
        A folder not to look into: the results may lie inside the exports.

    Raises
    ------
    InputError
        When there is no such path, or it is a single file that cannot be read.
    """
    if not path.is_dir():
        found = find_files(path)
        yield from found.files
        yield from found.refused
        return
    yield from _walk_exports(path, 0, leave_out.stat() if leave_out.is_dir() else None)


def _walk_exports(
    folder: Path, depth: int, leave_out: os.stat_result | None
) -> Iterator[Location | tuple[Location, str]]:
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        reason = f"the folder cannot be opened ({error.strerror})"
        yield Location(str(folder), None, depth, 0), reason
        return
    for entry in listed:
        if entry.is_dir(follow_symlinks=False):
            if leave_out is None or not os.path.samestat(entry.stat(), leave_out):
                yield from _walk_exports(Path(entry.path), depth + 1, leave_out)
        elif entry.is_file():
            yield from _one_of_export(entry, depth)


def _one_of_export(
    entry: os.DirEntry[str], depth: int
) -> Iterator[Location | tuple[Location, str]]:
    size = entry.stat().st_size
    if not entry.name.lower().endswith(".zip"):
        yield Location(entry.path, None, depth, size)
        return
    try:
        found = _archive(Path(entry.path))
    except (InputError, OSError) as error:
        reason = error.what if isinstance(error, InputError) else "it cannot be read"
        yield Location(entry.path, None, depth, size), reason
        return
    yield from found.files
    yield from found.refused


def _folder(path: Path) -> Found:
    files = sorted(_walk(str(path), 0))
    if not files:
        raise InputError("the folder is empty", where=str(path))
    return Found(files)


def _walk(folder: str, depth: int) -> Iterator[Location]:
    """Yield the files of a tree; links to folders are not followed, so that it ends."""
    with os.scandir(folder) as entries:
        listed = list(entries)
    for entry in listed:
        if entry.is_dir(follow_symlinks=False):
            try:
                yield from _walk(entry.path, depth + 1)
            except PermissionError:
                continue
        elif entry.is_file():
            yield Location(entry.path, None, depth, entry.stat().st_size)


def _archive(path: Path) -> Found:
    """List a ZIP archive's members; nothing is ever unpacked to disk."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise InputError("the archive is damaged", where=str(path)) from error
    total = sum(info.file_size for info in members)
    if len(members) > MEMBERS_LIMIT or total > ARCHIVE_LIMIT_BYTES:
        raise InputError(
            f"the archive holds {len(members)} files of {total / 2**30:.1f} GiB, beyond the limit "
            f"of {MEMBERS_LIMIT} files and {ARCHIVE_LIMIT_BYTES / 2**30:.0f} GiB",
            where=str(path),
            remedy="unpack it and give the folder of one study",
        )
    if not members:
        raise InputError("the archive is empty", where=str(path))
    found = Found([])
    for info in sorted(members, key=lambda info: info.filename):
        depth = len(Path(info.filename).parts) - 1
        location = Location(str(path), info.filename, depth, info.file_size)
        try:
            check_member(info)
        except InputError as error:
            found.refused.append((location, error.what))
        else:
            found.files.append(location)
    return found


def _medium(path: Path) -> Found:
    """Return the files that a DICOMDIR names, all of which must lie below its own folder."""
    if path.stat().st_size > DIRECTORY_LIMIT_BYTES:
        raise InputError("the DICOMDIR is larger than any real one", where=str(path))
    try:
        with quiet_pydicom():
            records = _records(dcmread(path))
    except Exception as error:
        # pydicom raises whatever a damaged file leads it into; all of it means the same here.
        raise InputError("the DICOMDIR is damaged", where=str(path)) from error
    found = Found([])
    base = path.resolve().parent
    for parts in dict.fromkeys(records):
        target = base.joinpath(*parts)
        location = Location(str(target), None, len(parts) - 1, 0)
        if any(p in ("", ".", "..") or "/" in p or Path(p).is_absolute() for p in parts):
            found.refused.append((location, "the DICOMDIR points outside its own folder"))
            continue
        actual = _existing(base, parts)
        if actual is None:
            found.refused.append((location, "the DICOMDIR names it, but it is not there"))
        else:
            size = actual.stat().st_size
            found.files.append(Location(str(actual), None, len(parts) - 1, size))
    if not found.files and not found.refused:
        raise InputError("the DICOMDIR names no file", where=str(path))
    return found


def _records(directory: Dataset) -> list[tuple[str, ...]]:
    records = Elements(directory).items("DirectoryRecordSequence")
    names = (record.texts("ReferencedFileID") for record in records)
    return [parts for parts in names if parts]


def _existing(base: Path, parts: tuple[str, ...]) -> Path | None:
    """Find a file whose name may have changed its case on the way from the medium."""
    here = base
    for part in parts:
        exact = here / part
        if exact.exists():
            here = exact
            continue
        try:
            alike = [p for p in here.iterdir() if p.name.lower() == part.lower()]
        except OSError:
            return None
        if not alike:
            return None
        here = alike[0]
    return here if here.is_file() and here.resolve().is_relative_to(base) else None
