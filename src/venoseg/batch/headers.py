"""Reading the headers of an export into a catalogue, and out of it again."""

from __future__ import annotations

import hashlib
import pickle
import signal
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from venoseg.batch.names import digest_of
from venoseg.batch.packed import pack_images, unpack_images
from venoseg.batch.planning import MANIFEST, SCHEMA, note_study, plan_together
from venoseg.batch.settings import BatchSettings
from venoseg.dicom.finding import walk_exports
from venoseg.dicom.image import Image
from venoseg.dicom.scanning import BATCH, WORTH_SHARING, read_images
from venoseg.dicom.sources import Location
from venoseg.errors import InputError, VenosegError
from venoseg.processes import pipes, share_out, usable_cores

# Files whose headers are in memory at a time.
CHUNK = 20_000
# How much of a damaged file names it.
_NAMING_BYTES = 2**24
_SCHEMA = f"""
{SCHEMA}
CREATE TABLE images (study TEXT, images BLOB);
CREATE TABLE unreadable (name TEXT, stage TEXT, reason TEXT);
CREATE TABLE facts (files INTEGER, not_dicom INTEGER, bytes INTEGER);
CREATE TABLE studies (study TEXT PRIMARY KEY, voxels INTEGER, files INTEGER, content TEXT);
"""


def serve() -> None:
    """Write a catalogue; the child's side of `venoseg.batch.catalogue.build_catalogue`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source, answers = pipes()
    exports, catalogue, leave_out, settings = pickle.load(source)

    def tell(message: object) -> None:
        pickle.dump(message, answers)
        answers.flush()

    try:
        with closing(sqlite3.connect(catalogue)) as database:
            database.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; {_SCHEMA}")
            _fill(database, walk_exports(exports, leave_out), settings, tell)
            database.commit()
    except VenosegError as error:
        tell(error)
    tell(None)


def _fill(
    database: sqlite3.Connection,
    found: Iterator[Location | tuple[Location, str]],
    settings: BatchSettings,
    tell: Callable[[object], None],
) -> None:
    files = not_dicom = size = 0
    unreadable: list[tuple[Location, str]] = []
    while chunk := list(islice(found, CHUNK)):
        unreadable.extend(one for one in chunk if isinstance(one, tuple))
        locations = [one for one in chunk if isinstance(one, Location)]
        manifests = [(one.path,) for one in locations if one.member is None and _is_manifest(one)]
        database.executemany("INSERT INTO manifests VALUES (?)", manifests)
        read, damaged = _read(locations, tell, files)
        _keep(database, read)
        unreadable.extend(damaged)
        files += len(chunk)
        not_dicom += len(locations) - len(read) - len(damaged)
        size += sum(location.size for location in locations)
    database.execute("INSERT INTO facts VALUES (?, ?, ?)", (files, not_dicom, size))

    def refuse(location: Location, stage: str, reason: str) -> None:
        row = (_name(location, settings.identified), stage, reason)
        database.execute("INSERT INTO unreadable VALUES (?, ?, ?)", row)

    for location, reason in unreadable:
        refuse(location, "scan", reason)
    _sum_up(database)
    plan_together(
        database,
        settings,
        lambda path, reason: refuse(Location(str(path), None, 0, 0), "case", reason),
    )


def _is_manifest(location: Location) -> bool:
    return Path(location.path).name == MANIFEST


def _read(
    locations: list[Location], tell: Callable[[object], None], before: int
) -> tuple[list[Image], list[tuple[Location, str]]]:
    """Read headers on all cores, telling how many files have been read since the beginning."""
    batches = [locations[i : i + BATCH] for i in range(0, len(locations), BATCH)]
    results: dict[int, tuple[list[Image], list[tuple[Location, str]]]] = {}
    done = before

    def take(number: int, result: tuple[list[Image], list[tuple[Location, str]]]) -> None:
        nonlocal done
        results[number] = result
        done += len(batches[number])
        tell(done)

    processes = usable_cores() if len(locations) > WORTH_SHARING else 1
    share_out(read_images, batches, take, processes=processes)
    ordered = [results[number] for number in sorted(results)]
    return [i for images, _ in ordered for i in images], [d for _, bad in ordered for d in bad]


def _keep(database: sqlite3.Connection, images: list[Image]) -> None:
    by_study: dict[str, list[Image]] = defaultdict(list)
    for image in images:
        by_study[image.study_uid].append(image)
    database.executemany(
        "INSERT INTO images VALUES (?, ?)",
        [(uid, pack_images(found)) for uid, found in by_study.items()],
    )


def _name(location: Location, identified: bool) -> str:
    """Return what a file is called: by its content, unless names may be spelt out."""
    if identified:
        return location.relative
    try:
        with location.open() as stream:
            return f"file-{digest_of(stream.read(_NAMING_BYTES))}"
    except (InputError, OSError):
        return f"file of {location.size} bytes"


def _sum_up(database: sqlite3.Connection) -> None:
    """Write one row for every study."""
    database.execute("CREATE INDEX by_study ON images (study)")
    for (uid,) in database.execute("SELECT DISTINCT study FROM images").fetchall():
        rows = database.execute("SELECT images FROM images WHERE study = ?", (uid,))
        images = unpack_images(row[0] for row in rows)
        voxels: dict[str, int] = defaultdict(int)
        for image in images:
            if image.pixels is not None:
                pixels = image.pixels
                voxels[image.series_uid] += pixels.rows * pixels.columns * max(pixels.frames, 1)
        instances = sorted(f"{image.sop_uid} {image.location.size}" for image in images)
        content = hashlib.sha256("\n".join(instances).encode(errors="replace")).hexdigest()
        database.execute(
            "INSERT INTO studies VALUES (?, ?, ?, ?)",
            (uid, max(voxels.values(), default=0), len(images), content),
        )
        note_study(database, uid, images)
