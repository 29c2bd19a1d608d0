"""What the headers of an export say about its studies together: cases, and copies of a study."""

from __future__ import annotations

import hashlib
import pickle
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from venoseg.batch.duplicates import MEASURED, pixel_mark, series_by_mark, set_aside
from venoseg.batch.labels import labels_of
from venoseg.batch.names import read_pairs
from venoseg.batch.packed import unpack_images
from venoseg.batch.pairing import pair_by_dates, plan_manifest, without_quotes
from venoseg.batch.plans import CasePlan
from venoseg.batch.selection import select_series
from venoseg.batch.settings import BatchSettings
from venoseg.dicom.building import build_series
from venoseg.dicom.identity import StudyIdentity, image_identity
from venoseg.dicom.image import Image
from venoseg.dicom.study import study_of
from venoseg.errors import VenosegError
from venoseg.followup.belonging import tracking_root

SCHEMA = """
CREATE TABLE manifests (path TEXT);
CREATE TABLE places (study TEXT, folder TEXT);
CREATE TABLE marks (study TEXT, mark TEXT);
CREATE TABLE identities (study TEXT PRIMARY KEY, patient TEXT, day INTEGER);
CREATE TABLE copies (study TEXT PRIMARY KEY, same_as TEXT);
CREATE TABLE guidance (study TEXT PRIMARY KEY, digest TEXT, said BLOB);
CREATE TABLE cases (plan BLOB);
"""
MANIFEST = "case.toml"

Refuse = Callable[[Path, str], None]


def note_study(database: sqlite3.Connection, study: str, images: Iterable[Image]) -> None:
    """Note what the headers of one study tell about it and others."""
    measured = [i for i in images if i.modality in MEASURED and i.pixels is not None]
    if not measured or not study:
        return
    folders = {str(Path(folder).resolve()) for folder in {_folder(i) for i in measured}}
    database.executemany(
        "INSERT INTO places VALUES (?, ?)", [(study, folder) for folder in sorted(folders)]
    )
    marks = [(study, mark) for mark, _ in series_by_mark(measured)]
    database.executemany("INSERT INTO marks VALUES (?, ?)", marks)
    one = StudyIdentity(None, None)
    with suppress(VenosegError):
        one = image_identity(min(measured, key=lambda image: image.sop_uid))
    database.execute("INSERT INTO identities VALUES (?, ?, ?)", (study, one.patient_key, one.day))


def _folder(image: Image) -> str:
    return str(Path(image.location.path).parent)


def plan_together(database: sqlite3.Connection, settings: BatchSettings, refuse: Refuse) -> None:
    """Find the cases of an export and the copies of studies in it.

    Parameters
    ----------
    database
        With every study noted.
    settings
        Which cases are asked for, and what a study must have to be kept rather than its copy.
    refuse
        Told of every manifest that cannot be used, and why.
    """
    planner = _Planner(database, settings)
    plans = planner.by_manifests(refuse) if "manifest" in settings.cases else []
    claimed = {entry.study_uid for plan in plans for entry in plan.entries}
    copies = planner.copies(claimed)
    database.executemany("INSERT INTO copies VALUES (?, ?)", sorted(copies.items()))
    if "dates" in settings.cases:
        left = planner.identities.keys() - claimed - copies.keys()
        plans += pair_by_dates({uid: planner.identities[uid] for uid in sorted(left)})
    for plan in plans:
        database.execute("INSERT INTO cases VALUES (?)", (pickle.dumps(plan),))
        _note_guidance(database, plan)


def _note_guidance(database: sqlite3.Connection, plan: CasePlan) -> None:
    """Note for each study of a case how it is to be measured."""
    root = tracking_root(plan.case.patient, plan.entries[0].study_uid)
    for uid in {entry.study_uid for entry in plan.entries}:
        guides = tuple(e.guide for e in plan.entries if e.study_uid == uid and e.guide is not None)
        words = [root, *(guide.digest() for guide in guides)]
        digest = hashlib.sha256("\n".join(words).encode()).hexdigest()
        content = pickle.dumps((root, guides))
        database.execute("INSERT INTO guidance VALUES (?, ?, ?)", (uid, digest, content))


class _Planner:
    def __init__(self, database: sqlite3.Connection, settings: BatchSettings) -> None:
        self._database = database
        self._settings = settings
        rows = database.execute("SELECT study, patient, day FROM identities ORDER BY study")
        self.identities = {uid: StudyIdentity(patient, day) for uid, patient, day in rows}

    def by_manifests(self, refuse: Refuse) -> list[CasePlan]:
        """Return the cases that manifests describe; a study belongs to the first of several."""
        plans: list[CasePlan] = []
        claimed: set[str] = set()
        rows = self._database.execute("SELECT path FROM manifests")
        paths = [Path(path) for (path,) in rows]
        for path in sorted(paths, key=lambda path: (path.stat().st_size, path.read_bytes())):
            # Loaded only where there is a manifest: what it needs takes seconds to load.
            from venoseg.interchange.case_manifest import read_case

            try:
                plan = plan_manifest(read_case(path), self._studies_at, self.identities)
            except VenosegError as error:
                refuse(path, f"the manifest of a case: {without_quotes(error.what)}")
                continue
            uids = {entry.study_uid for entry in plan.entries}
            if not uids or uids & claimed:
                refuse(path, "the manifest of a case names studies of another manifest, or none")
                continue
            claimed |= uids
            plans.append(plan)
        return plans

    def _studies_at(self, place: str) -> list[str]:
        """Return the studies with images to measure below a folder, or in a file."""
        folder = str(Path(place).parent) if Path(place).is_file() else place
        rows = self._database.execute(
            "SELECT DISTINCT study FROM places WHERE folder = ? OR substr(folder, 1, ?) = ?",
            (folder, len(folder) + 1, f"{folder}/"),
        )
        found = [uid for (uid,) in rows.fetchall()]
        if folder == place:
            return found
        return [uid for uid in found if self._has_file(uid, place)]

    def _has_file(self, study: str, file: str) -> bool:
        paths = {image.location.path for image in self._images(study)}
        return any(str(Path(path).resolve()) == file for path in paths)

    def _images(self, study: str) -> list[Image]:
        rows = self._database.execute("SELECT images FROM images WHERE study = ?", (study,))
        return unpack_images(row[0] for row in rows)

    def copies(self, claimed: set[str]) -> dict[str, str]:
        """Return the studies that are copies of another one, each with that other one."""
        shared = self._database.execute(
            "SELECT study, mark FROM marks WHERE mark IN "
            "(SELECT mark FROM marks GROUP BY mark HAVING count(DISTINCT study) > 1)"
        )
        suspects: dict[str, set[str]] = defaultdict(set)
        for study, mark in shared.fetchall():
            suspects[study].add(mark)
        proven = {study: self._proven(study, known) for study, known in sorted(suspects.items())}
        holders = Counter(mark for known in proven.values() for mark in known)
        marks = {s: known for s, known in proven.items() if any(holders[m] > 1 for m in known)}
        named: set[str] = set()
        if self._settings.pseudonyms:
            named = set(read_pairs(Path(self._settings.pseudonyms), "study_uid", "pseudonym"))

        def rank(study: str) -> tuple[object, ...]:
            wanted = (study in claimed, study in named, self._has_labels(study))
            return (*(not one for one in wanted), -len(marks[study]), study)

        return set_aside(marks, rank)

    def _proven(self, study: str, suspected: set[str]) -> frozenset[str]:
        """Return the marks of a study's series; where another may be the same, of its pixels."""
        proven = set()
        for mark, images in series_by_mark(self._images(study)):
            pixels = pixel_mark(images) if mark in suspected else None
            proven.add(f"{mark} {pixels or study}")
        return frozenset(proven)

    def _has_labels(self, study: str) -> bool:
        if not (self._settings.labels or self._settings.labels_table):
            return False
        try:
            series = build_series(self._images(study))
            ct = select_series(study_of(study, series), self._settings).ct
            return ct is not None and labels_of(ct, self._settings) is not None
        except VenosegError:
            return False
