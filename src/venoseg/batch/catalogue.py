"""Which studies lie below a path: a list on disk, so that no process ever holds all of them.

The headers are read once, by a child process and its helpers, and kept by study in a database that
is private to the run: it knows the paths of the exports, which outputs must not.
"""

from __future__ import annotations

import hashlib
import pickle
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from venoseg.batch.plans import CasePlan, Guide
from venoseg.batch.settings import BatchSettings
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
        Digest of its instances, their sizes, and what a case says of it: another one means
        measuring anew.
    same_as
        UID of the study that it is a copy of; empty when it is none.
    """

    study_uid: str
    voxels: int
    files: int
    content: str
    same_as: str


@dataclass(frozen=True, slots=True)
class Facts:
    """How much was looked at: files, those that are not DICOM, and bytes."""

    files: int
    not_dicom: int
    bytes: int


def _together(*words: str) -> str:
    """Return one digest, from which no UID can be read."""
    return hashlib.sha256("\n".join(words).encode(errors="replace")).hexdigest()


class Catalogue:
    """The studies found, read from a database that `build_catalogue` wrote."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path)

    def studies(self) -> list[Listed]:
        """Return every study, in the order of their UIDs."""
        rows = self._database.execute(
            "SELECT study, voxels, files, content, coalesce(digest, ''), coalesce(same_as, '') "
            "FROM studies LEFT JOIN guidance USING (study) LEFT JOIN copies USING (study) "
            "ORDER BY study"
        )
        return [
            Listed(study, voxels, files, _together(content, digest, same_as), same_as)
            for study, voxels, files, content, digest, same_as in rows
        ]

    def guidance(self, study_uid: str) -> tuple[str, tuple[Guide, ...]] | None:
        """Return the tracking root of a study's case and what its manifest says; None: no case."""
        row = self._database.execute(
            "SELECT said FROM guidance WHERE study = ?", (study_uid,)
        ).fetchone()
        if row is None:
            return None
        found: tuple[str, tuple[Guide, ...]] = pickle.loads(row[0])
        return found

    def cases(self) -> Iterator[CasePlan]:
        """Yield the cases, one at a time."""
        for (plan,) in self._database.execute("SELECT plan FROM cases ORDER BY rowid"):
            found: CasePlan = pickle.loads(plan)
            yield found

    def packed_images(self, study_uid: str) -> tuple[bytes, ...]:
        """Return the headers of a study, to be opened by `unpack_images`."""
        rows = self._database.execute(
            "SELECT images FROM images WHERE study = ? ORDER BY rowid", (study_uid,)
        )
        return tuple(row[0] for row in rows)

    def unreadable(self) -> list[tuple[str, str, str]]:
        """Return (name, stage, reason) of the damaged files, in the order of their names."""
        return list(self._database.execute("SELECT * FROM unreadable ORDER BY 1, 2, 3"))

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
    settings: BatchSettings,
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
    settings
        Which cases are asked for; whether the names of unreadable files may be spelt out.
    progress
        Told how many files have been read.

    Raises
    ------
    InputError
        When there is no such path.
    """
    child = Child("venoseg.batch.headers:serve", bound=True)
    try:
        child.send((exports, catalogue, leave_out, settings))
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
