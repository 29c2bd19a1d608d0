"""Saved versions of a case: each a folder that is never written again.

A version holds the labels, the notes, what voxels changed since the
version it grew out of, every diameter before and after, and ``version.json``, which names who,
when, and the checksum of every file, that of its parent included, so that a file that was damaged
or exchanged is noticed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from venoseg.errors import InputError, OutputError, UsageError
from venoseg.output import output_folder
from venoseg.review.actions import Notes, notes_document, notes_of
from venoseg.review.labels_file import read_labels_file, write_labels
from venoseg.segmentation import Segmentation
from venoseg.tables import Table
from venoseg.volume import BoolArray

Kind = Literal["start", "saved", "signed"]

LABELS, NOTES, CHANGES, RECORD = (
    "labels.zip",
    "notes.json",
    "changes.csv",
    "version.json",
)

# As often another number is tried when several reviewers save at the same moment.
_TRIES = 50


@dataclass(frozen=True, slots=True)
class Version:
    """What ``version.json`` says.

    Attributes
    ----------
    name
        Its folder: number and reviewer, e.g. ``0003-anna``.
    number
        Counts the versions of the case; two reviewers who save at one moment may share one.
    by, at
        Who, and when (ISO 8601, UTC).
    kind
        ``start``: what the review began with; ``saved``; or ``signed``.
    parent
        Name of the version it grew out of; empty for the start.
    second_reader
        Whether the one who signed asks for a second reader.
    voxels
        For each vein that changed, how many voxels it gained and lost since the parent.
    checksum
        SHA-256 of the record itself.
    """

    name: str
    number: int
    by: str
    at: str
    kind: Kind
    parent: str
    second_reader: bool
    voxels: Mapping[str, tuple[int, int]]
    checksum: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A version that is about to be written."""

    by: str
    at: str
    kind: Kind
    parent: Version | None
    second_reader: bool = False


def list_versions(folder: Path) -> tuple[tuple[Version, ...], tuple[str, ...]]:
    """Return the versions in a folder by number, and the names of damaged ones."""
    found, damaged = [], []
    for path in sorted(folder.glob("[0-9]*-*")) if folder.is_dir() else ():
        try:
            found.append(_read_record(path))
        except InputError:
            damaged.append(path.name)
    return tuple(sorted(found, key=lambda v: (v.number, v.name))), tuple(damaged)


def write_version(
    folder: Path,
    draft: Draft,
    segmentation: Segmentation,
    notes: Notes,
    voxels: Mapping[str, tuple[int, int]],
    changes: Table | None,
) -> Version:
    """Write a version, read it back, and return it.

    Raises
    ------
    OutputError
        When it cannot be written, or does not read back as what was written; what else is in the
        folder is untouched.
    """
    number = next_number(folder)
    for attempt in range(number, number + _TRIES):
        name = f"{attempt:04d}-{draft.by}"
        try:
            with output_folder(folder / name) as scratch:
                _fill(scratch, name, attempt, draft, segmentation, notes, voxels, changes)
        except UsageError:
            continue  # somebody took the name while this one was being written
        return _proven(folder / name, segmentation, notes)
    raise OutputError("no free number for a version was found", where=folder.name)


def next_number(folder: Path) -> int:
    """Return one more than the highest number of a version in a folder."""
    taken = [int(path.name.split("-", 1)[0]) for path in folder.glob("[0-9]*-*")]
    return max(taken, default=-1) + 1


def read_version(folder: Path, version: Version) -> tuple[Segmentation, Notes]:
    """Return the labels and notes of a version.

    Raises
    ------
    InputError
        When a file of it is missing, or is not what was written.
    """
    path = folder / version.name
    record = _checked_record(path)
    for name, expected in record["files"].items():
        if _digest(path / name) != expected:
            raise _damaged(path, f"{name} is not what was saved")
    try:
        notes = notes_of(json.loads((path / NOTES).read_text(encoding="utf-8")))
        segmentation = read_labels_file(path / LABELS)
    except (InputError, OSError, ValueError, KeyError) as error:
        raise _damaged(path, "its labels cannot be read") from error
    return segmentation, notes


def _fill(
    scratch: Path,
    name: str,
    number: int,
    draft: Draft,
    segmentation: Segmentation,
    notes: Notes,
    voxels: Mapping[str, tuple[int, int]],
    changes: Table | None,
) -> None:
    write_labels(segmentation, scratch / LABELS)
    (scratch / NOTES).write_text(json.dumps(notes_document(notes), indent=1) + "\n", "utf-8")
    if changes is not None:
        changes.to_csv(scratch / CHANGES)
    record = {
        "name": name,
        "number": number,
        "by": draft.by,
        "at": draft.at,
        "kind": draft.kind,
        "parent": draft.parent.name if draft.parent else "",
        "parent_checksum": draft.parent.checksum if draft.parent else "",
        "second_reader": draft.second_reader,
        "voxels": {vessel: list(counts) for vessel, counts in voxels.items()},
        "files": {path.name: _digest(path) for path in sorted(scratch.iterdir())},
    }
    record["checksum"] = _own_checksum(record)
    (scratch / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _proven(path: Path, segmentation: Segmentation, notes: Notes) -> Version:
    """Read a version back from the disk and compare it with what was meant."""
    try:
        version = _read_record(path)
        found, read_notes = read_version(path.parent, version)
    except InputError as error:
        raise _not_kept(path) from error
    same = (
        np.array_equal(found.labels, segmentation.labels)
        and _same_stent(found.stent, segmentation.stent)
        and notes_document(read_notes) == notes_document(notes)
    )
    if not same:
        raise _not_kept(path)
    return version


def _same_stent(one: BoolArray | None, other: BoolArray | None) -> bool:
    if one is None or other is None:
        return one is other
    return np.array_equal(one, other)


def _read_record(path: Path) -> Version:
    record = _checked_record(path)
    return Version(
        name=path.name,
        number=int(record["number"]),
        by=str(record["by"]),
        at=str(record["at"]),
        kind=record["kind"],
        parent=str(record["parent"]),
        second_reader=bool(record["second_reader"]),
        voxels={
            name: (int(gained), int(lost)) for name, (gained, lost) in record["voxels"].items()
        },
        checksum=str(record["checksum"]),
    )


def _checked_record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads((path / RECORD).read_text(encoding="utf-8"))
        intact = record["checksum"] == _own_checksum(record) and record["name"] == path.name
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, "its record cannot be read") from error
    if not intact:
        raise _damaged(path, "its record is not what was saved")
    found: dict[str, Any] = record
    return found


def _own_checksum(record: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in record.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError("a file of the version is missing", where=path.name) from error


def _damaged(path: Path, what: str) -> InputError:
    return InputError(
        f"the saved version is damaged: {what}",
        where=path.name,
        remedy="open the version before it; your own changes are replayed from the journal",
    )


def _not_kept(path: Path) -> OutputError:
    return OutputError(
        "the version does not read back as what was saved",
        where=path.name,
        remedy="check the disk and save again; the changes are kept in the journal",
    )
