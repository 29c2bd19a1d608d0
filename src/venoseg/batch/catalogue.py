"""Which studies lie below a path: a list on disk, so that no process ever holds all of them.

The headers are read once, by a child process and its helpers, and kept by study in a database that
is private to the run: it knows the paths of the exports, which outputs must not.
"""

from __future__ import annotations

import pickle
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from venoseg.errors import InputError, VenosegError
from venoseg.processes import Child


@dataclass(frozen=True, slots=True)
class Listed:
    """A study as the catalogue lists it.

    Attributes
    ----------
    study_uid
        As in the headers.
    voxels
        Of its largest series, or its largest run, from which the memory it needs is estimated.
    files
        How many it has.
    content
        Digest of its instances and their sizes: another one means another study.
    """

    study_uid: str
    voxels: int
    files: int
    content: str


@dataclass(frozen=True, slots=True)
class Facts:
    """How much was looked at: files, those that are not DICOM, and bytes."""

    files: int
    not_dicom: int
    bytes: int


class Catalogue:
    """The studies found, read from a database that `build_catalogue` wrote."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path)

    def studies(self) -> list[Listed]:
        """Return every study, in the order of their UIDs."""
        rows = self._database.execute(
            "SELECT study, voxels, files, content FROM studies ORDER BY study"
        )
        return [Listed(*row) for row in rows]

    def packed_images(self, study_uid: str) -> tuple[bytes, ...]:
        """Return the headers of a study, to be opened by `venoseg.batch.headers.unpack_images`."""
        rows = self._database.execute(
            "SELECT images FROM images WHERE study = ? ORDER BY rowid", (study_uid,)
        )
        return tuple(row[0] for row in rows)

    def unreadable(self) -> list[tuple[str, str]]:
        """Return (name, reason) of the damaged files, in the order of their names."""
        return list(self._database.execute("SELECT name, reason FROM unreadable ORDER BY 1, 2"))

    def facts(self) -> Facts:
        """Return how much was looked at."""
        return Facts(*self._database.execute("SELECT * FROM facts").fetchone())

    def close(self) -> None:
        """Close the database."""
        self._database.close()


def build_catalogue(
    exports: Path,
    catalogue: Path,
    leave_out: Path,
    *,
    identified: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Find the studies below a path, in a child process that gives its memory back.

    Parameters
    ----------
    exports
        A folder tree, archive, DICOMDIR or file.
    catalogue
        The database to write.
    leave_out
        A folder not to look into.
    identified
        Spell out the names of unreadable files.
    progress
        Told how many files have been read.

    Raises
    ------
    InputError
        When there is no such path.
    """
    child = Child("venoseg.batch.headers:serve")
    try:
        child.send((exports, catalogue, leave_out, identified))
        while (answer := child.receive()) is not None:
            if isinstance(answer, VenosegError):
                raise answer
            progress(answer)
    except (EOFError, OSError, pickle.UnpicklingError) as error:
        if isinstance(error, VenosegError):
            raise
        raise InputError(
            "reading the headers ended without an answer", remedy="the machine may lack memory"
        ) from error
    finally:
        child.close()
