"""What is to be reviewed below a path, and how far it is."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from venoseg.dicom import Series, Study, scan
from venoseg.dicom.angiogram_header import read_angiogram
from venoseg.dicom.assemble import read_frames
from venoseg.errors import InputError
from venoseg.interchange.case_manifest import MANIFEST, read_case
from venoseg.review.session import CaseFolder
from venoseg.review.versions import Version, list_versions

Status = Literal["to do", "in progress", "signed", "needs second reader"]

STATUSES: tuple[Status, ...] = ("to do", "in progress", "signed", "needs second reader")

# Beside what is reviewed, unless the user names another folder.
REVIEWS = "venoseg-review"

THUMBNAIL_PX = 96
# Soft tissue on CT.
_LOW_HU, _HIGH_HU = -160.0, 240.0

_USUAL_PERCENT = (1.0, 99.0)

_FIRST_BYTES = 2**20

# Values, and the ends of what is shown of them.
Plane = tuple[npt.NDArray[np.float32], float, float]

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class WorkItem:
    """One CT series, or one angiographic series, to be reviewed.

    Attributes
    ----------
    key
        Names the folder of its review; made from the UIDs, not from the patient.
    title
        What it is: timepoint, kind, size; no name and no date.
    series
        Its headers.
    labels, seeds
        What a case's manifest names for it.
    problem
        Why it cannot be opened; empty when it can.
    """

    key: str
    title: str
    series: Series
    labels: Path | None = None
    seeds: Path | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Progressed:
    """How far the review of an item is.

    Attributes
    ----------
    status
        One of `STATUSES`.
    by
        Who worked on it, in order.
    latest
        Name of the newest version; empty before the first is saved.
    damaged
        Names of damaged versions.
    """

    status: Status
    by: tuple[str, ...] = ()
    latest: str = ""
    damaged: tuple[str, ...] = ()


def default_reviews(path: Path) -> Path:
    """Return where the reviews of what lies at a path are kept unless the user says otherwise."""
    return (path if path.is_dir() else path.parent) / REVIEWS


def find_work(path: Path, progress: Progress | None = None) -> tuple[WorkItem, ...]:
    """Return what can be reviewed below a path: a study, ZIP, case, export or volume file.

    Of each study the CT that `venoseg measure` takes, and every angiographic series. What cannot
    be opened is listed with its problem.

    Raises
    ------
    InputError
        When there is no image below the path.
    """
    if (path / MANIFEST).is_file():
        items = list(_of_case(path, progress))
    else:
        items = [item for study in scan(path, progress=progress).studies for item in _of(study)]
    if not items:
        raise InputError(
            "there is no CT and no venogram in it",
            where=path.name,
            remedy="choose a folder, ZIP or file with DICOM images, or a NIfTI or NRRD volume",
        )
    return tuple(_told_apart(items))


def _told_apart(items: Sequence[WorkItem]) -> Iterable[WorkItem]:
    """Give those of equal titles numbers, in the order of the list."""
    total, seen = Counter(item.title for item in items), Counter[str]()
    for item in items:
        seen[item.title] += 1
        words = f", {seen[item.title]} of {total[item.title]}" if total[item.title] > 1 else ""
        yield replace(item, title=item.title + words)


def progress_of(folder: CaseFolder) -> Progressed:
    """Tell how far a review is, from what lies in its folder."""
    versions, damaged = list_versions(folder.versions)
    work = [version for version in versions if version.kind != "start"]
    journals = folder.path / "journals"
    drafts = sorted(p.stem for p in journals.glob("*.journal")) if journals.is_dir() else []
    by = tuple(dict.fromkeys([*(v.by for v in work), *drafts]))
    latest = versions[-1].name if versions else ""
    status: Status = "in progress" if work or drafts else "to do"
    if work and work[-1].kind == "signed":
        signed = [version for version in work if version.kind == "signed"]
        status = "needs second reader" if _waits_for_second(signed) else "signed"
    return Progressed(status, by, latest, damaged)


def filtered(
    items: Iterable[WorkItem],
    progress: Callable[[WorkItem], Progressed],
    *,
    status: Status | None = None,
    words: str = "",
) -> tuple[WorkItem, ...]:
    """Return the items of a status whose title or key holds every one of some words."""
    wanted = words.lower().split()
    return tuple(
        item
        for item in items
        if (status is None or progress(item).status == status)
        and all(word in f"{item.title} {item.key}".lower() for word in wanted)
    )


def neighbour(items: tuple[WorkItem, ...], current: str, step: int) -> WorkItem | None:
    """Return the item ``step`` places after the one with a key; None beyond the ends."""
    keys = [item.key for item in items]
    at = keys.index(current) + step if current in keys else 0
    return items[at] if 0 <= at < len(items) else None


def thumbnail(item: WorkItem) -> npt.NDArray[np.uint8]:
    """Return (`THUMBNAIL_PX`, `THUMBNAIL_PX`) grays of the middle slice or the middle frame.

    Black where there is neither.

    Raises
    ------
    VenosegError
        When its pixels cannot be read.
    """
    picture = np.zeros((THUMBNAIL_PX, THUMBNAIL_PX), dtype=np.uint8)
    found = _middle_frame(item.series) if item.series.runs else _middle_slice(item.series)
    if found is None:
        return picture
    plane, low, high = found
    side = max(plane.shape)
    at = (np.arange(THUMBNAIL_PX) + 0.5) * side / THUMBNAIL_PX
    rows, columns = (np.rint(at - 0.5 - (side - n) / 2).astype(int) for n in plane.shape)
    inside = [
        np.flatnonzero((index >= 0) & (index < n))
        for index, n in zip((rows, columns), plane.shape, strict=True)
    ]
    values = plane[np.ix_(rows[inside[0]], columns[inside[1]])]
    share = np.clip((values - low) / (high - low), 0.0, 1.0)
    picture[np.ix_(*inside)] = np.rint(255.0 * share)
    return picture


def _middle_slice(series: Series) -> Plane | None:
    """Return the middle slice in HU and the window it is shown in."""
    slices = series.slices
    if not slices:
        return None
    middle = slices[len(slices) // 2 : len(slices) // 2 + 1]
    return next(read_frames(middle, np.dtype(np.float32)))[0], _LOW_HU, _HIGH_HU


def _middle_frame(series: Series) -> Plane:
    """Return the middle frame of the first run as stored, and its usual values."""
    run = read_angiogram(series.runs[0])
    plane = run.frame(run.frame_count // 2).astype(np.float32)
    low, high = np.percentile(plane, _USUAL_PERCENT)
    if run.photometric == "MONOCHROME1":
        plane, low, high = -plane, -high, -low
    return plane, float(low), float(max(high, low + 1.0))


def _of_case(path: Path, progress: Progress | None) -> Iterable[WorkItem]:
    for timepoint in read_case(path).timepoints:
        for planned in timepoint.studies:
            named = f"{planned.name}, " if planned.name else ""
            for study in scan(planned.path, progress=progress).studies:
                for item in _of(study, planned.series_uid):
                    yield replace(
                        item,
                        title=f"{timepoint.label}: {named}{item.title}",
                        labels=planned.labels,
                        seeds=planned.seeds,
                    )


def _of(study: Study, series_uid: str | None = None) -> Iterable[WorkItem]:
    usable = [s for s in study.series if s.kind == "ct" and s.used_by_default]
    if series_uid is not None:
        usable = [s for s in study.series if s.series_uid == series_uid]
    refused = [s for s in study.series if s.kind == "ct" and not s.usable]
    runs = [s for s in study.series if s.kind == "angiogram"]
    for series in (*(usable or refused), *runs):
        problem = "" if series.usable else "; ".join(series.problems) or "it cannot be read"
        yield WorkItem(_key(series), _title(series), series, problem=problem)


def _title(series: Series) -> str:
    size = f"{series.columns} x {series.rows} x {series.images}"
    kind = "Venogram" if series.kind == "angiogram" else "CT"
    phase = f", {series.phase}" if series.phase else ""
    return f"{kind} {size}{phase}"


def _key(series: Series) -> str:
    words = f"{series.series_uid}|{series.part or ''}".encode()
    if not series.series_uid and series.file is not None:
        with series.file.open("rb") as file:
            words = file.read(_FIRST_BYTES) + str(series.file.stat().st_size).encode()
    return hashlib.sha256(words).hexdigest()[:16]


def _waits_for_second(signed: list[Version]) -> bool:
    asked = [version for version in signed if version.second_reader]
    return bool(asked) and all(v.by == asked[-1].by for v in signed if v.number >= asked[-1].number)
