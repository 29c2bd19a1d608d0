"""From a path to the studies below it, by their headers alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from venoseg.dicom.building import build_series
from venoseg.dicom.finding import find_files
from venoseg.dicom.header import read_image
from venoseg.dicom.image import Image
from venoseg.dicom.progress import Progress
from venoseg.dicom.series import Series, series_of_volume_file
from venoseg.dicom.sources import Location
from venoseg.dicom.study import Study, study_of
from venoseg.errors import InputError
from venoseg.processes import share_out, usable_cores
from venoseg.volume_files import volume_file_kind

BATCH = 250
# Starting another process costs as much time as reading this many headers.
WORTH_SHARING = 2000


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A DICOM file that could not be read: its name, folders hidden, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Scan:
    """Everything found below a path.

    Attributes
    ----------
    studies
        In the order of their UIDs.
    unreadable
        DICOM files that are damaged.
    files, not_dicom
        How many files were looked at, and how many of them are something else.
    """

    studies: tuple[Study, ...]
    unreadable: tuple[Unreadable, ...]
    files: int
    not_dicom: int


def scan(path: str | Path, *, identified: bool = False, progress: Progress | None = None) -> Scan:
    """Read the headers of everything below a path.

    Parameters
    ----------
    path
        A file, a folder tree, a DICOMDIR, a ZIP archive, or a NIfTI or NRRD volume.
    identified
        Spell out the folders of unreadable files, which may name a patient.
    progress
        Told from time to time how far it is.

    Raises
    ------
    InputError
        When there is no such path, nothing in it, or the archive breaks a limit.
    """
    path = Path(path)
    if path.is_file() and volume_file_kind(path):
        series = series_of_volume_file(path)
        return Scan((study_of("", [series]),), (), 1, 0)
    found = find_files(path)
    images, unreadable = _read_all(found.files, progress)
    by_study: dict[str, list[Series]] = defaultdict(list)
    for series in build_series(images):
        by_study[series.study_uid].append(series)
    damaged = [
        Unreadable(location.relative if identified else location.label, reason)
        for location, reason in (*found.refused, *unreadable)
    ]
    return Scan(
        studies=tuple(study_of(uid, members) for uid, members in sorted(by_study.items())),
        unreadable=tuple(damaged),
        files=len(found.files) + len(found.refused),
        not_dicom=len(found.files) - len(images) - len(unreadable),
    )


def read_study(path: str | Path, *, series_uid: str | None = None) -> Study:
    """Open the study below a path; headers only, so that even a big one opens at once.

    Parameters
    ----------
    path
        A file, a folder tree, a DICOMDIR, a ZIP archive, or a NIfTI or NRRD volume.
    series_uid
        Where the path holds several studies: open the one with this series.

    Raises
    ------
    InputError
        When there is no image below the path, or several studies and no series is named.
    """
    found = scan(path)
    studies = found.studies
    if series_uid is not None:
        studies = tuple(s for s in studies if any(x.series_uid == series_uid for x in s.series))
        if not studies:
            raise InputError(
                f"there is no series {series_uid} in it",
                where=str(path),
                remedy="`venoseg scan` lists the series",
            )
    if not studies:
        damaged = f"; {len(found.unreadable)} files are damaged" if found.unreadable else ""
        raise InputError(
            f"there is no DICOM image in it{damaged}",
            where=str(path),
            remedy="give a folder, file, DICOMDIR or ZIP with images, or a NIfTI or NRRD volume",
        )
    if len(studies) > 1:
        raise InputError(
            f"it holds {len(studies)} studies",
            where=str(path),
            remedy="give the folder of one of them, or name a series",
        )
    return studies[0]


def _read_all(
    locations: Sequence[Location], progress: Progress | None
) -> tuple[list[Image], list[tuple[Location, str]]]:
    batches = [locations[i : i + BATCH] for i in range(0, len(locations), BATCH)]
    results: dict[int, tuple[list[Image], list[tuple[Location, str]]]] = {}
    done = 0

    def take(number: int, result: tuple[list[Image], list[tuple[Location, str]]]) -> None:
        nonlocal done
        results[number] = result
        done += len(batches[number])
        if progress:
            progress(done, len(locations))

    processes = usable_cores() if len(locations) > WORTH_SHARING else 1
    share_out(read_images, batches, take, processes=processes)
    images = [image for i in range(len(batches)) for image in results[i][0]]
    return images, [one for i in range(len(batches)) for one in results[i][1]]


def read_images(
    locations: Sequence[Location],
) -> tuple[list[Image], list[tuple[Location, str]]]:
    """Read the headers of some files: the images, and (file, reason) of those that are damaged."""
    images: list[Image] = []
    unreadable: list[tuple[Location, str]] = []
    for location in locations:
        try:
            image = read_image(location)
        except InputError as error:
            unreadable.append((location, error.what))
            continue
        if image is not None:
            images.append(image)
    return images, unreadable
