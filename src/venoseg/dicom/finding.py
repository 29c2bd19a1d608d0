"""Every file below a path: folders, single files, ZIP archives and media with a DICOMDIR."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from venoseg.dicom.sources import Location
from venoseg.errors import InputError


def find_files(path: Path) -> list[Location]:
    """Return every file that may be DICOM, in the order of their names.

    Raises
    ------
    InputError
        When there is no such path or nothing in it.
    """
    if not path.exists():
        raise InputError("there is no such file or folder", where=str(path))
    if path.is_file():
        return [Location(str(path), None, 0, path.stat().st_size)]
    found = sorted(_walk(str(path), 0))
    if not found:
        raise InputError("the folder is empty", where=str(path))
    return found


def _walk(folder: str, depth: int) -> Iterator[Location]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, depth + 1)
        elif entry.is_file():
            yield Location(entry.path, None, depth, entry.stat().st_size)
