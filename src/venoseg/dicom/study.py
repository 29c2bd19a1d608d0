"""A study: its series, which CT would be measured and why, and its angiographic runs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from venoseg.dicom.building import build_series
from venoseg.dicom.choice import Choice, choose_series
from venoseg.dicom.finding import find_files
from venoseg.dicom.header import read_image
from venoseg.dicom.series import Series
from venoseg.errors import InputError, SeriesError
from venoseg.volume import Volume
from venoseg.volume_files import read_volume_file, volume_file_kind

Kernel = Literal["soft", "sharp"]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A DICOM file that could not be read: its name without folders, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """One study, headers only until something in it is read.

    Attributes
    ----------
    study_uid
        Empty when the headers are silent.
    series
        In the order of their numbers; a split series appears once per part.
    """

    study_uid: str
    series: tuple[Series, ...]
    _file: Path | None = field(default=None, repr=False)

    def choose_ct(self, kernel: Kernel | None = None) -> Choice:
        """Say which CT series `ct` reads when none is named, and why.

        Raises
        ------
        SeriesError
            When the study has no CT series that can become a volume.
        """
        return choose_series(self.series, kernel)

    def ct(self, series_uid: str | None = None, kernel: Kernel | None = None) -> Volume:
        """Read a CT series.

        Parameters
        ----------
        series_uid
            The series to read; its first usable part when it is split. Default: `choose_ct`.
        kernel
            Which reconstruction to prefer when the choice is free.

        Raises
        ------
        SeriesError
            When there is no such series, or it cannot become one correct volume.
        """
        if self._file is not None:
            return read_volume_file(self._file)
        if series_uid is None:
            return self.choose_ct(kernel).series.read()
        named = [s for s in self.series if s.series_uid == series_uid]
        if not named:
            raise SeriesError(
                f"the study has no series {series_uid}",
                remedy="`venoseg scan` lists the series",
            )
        usable = [s for s in named if s.usable] or named
        return usable[0].read()


@dataclass(frozen=True, slots=True)
class Scan:
    """Everything found below a path."""

    studies: tuple[Study, ...]
    unreadable: tuple[Unreadable, ...]
    not_dicom: int


def scan(path: str | Path) -> Scan:
    """Read the headers of everything below a path.

    Parameters
    ----------
    path
        A file, a folder tree, a DICOMDIR, a ZIP archive, or a NIfTI or NRRD volume.

    Raises
    ------
    InputError
        When there is no such path or nothing in it.
    """
    path = Path(path)
    if path.is_file() and volume_file_kind(path):
        raise InputError("is a volume", where=str(path))
    images, unreadable, strangers = [], [], 0
    for location in find_files(path):
        try:
            image = read_image(location)
        except InputError as error:
            unreadable.append(Unreadable(location.label, error.what))
            continue
        if image is None:
            strangers += 1
        else:
            images.append(image)
    by_study: dict[str, list[Series]] = defaultdict(list)
    for series in build_series(images):
        by_study[series.study_uid].append(series)
    studies = tuple(_study(uid, members) for uid, members in sorted(by_study.items()))
    return Scan(studies, tuple(unreadable), strangers)


def read_study(path: str | Path) -> Study:
    """Open the one study below a path.

    Raises
    ------
    InputError
        When there is no image below it, or more than one study.
    """
    path = Path(path)
    if path.is_file() and volume_file_kind(path):
        return Study("", (), path)
    found = scan(path)
    if not found.studies:
        raise InputError("there is no DICOM image in it", where=str(path))
    if len(found.studies) > 1:
        raise InputError(
            f"it holds {len(found.studies)} studies",
            where=str(path),
            remedy="give the folder of one of them",
        )
    return found.studies[0]


def _study(uid: str, series: list[Series]) -> Study:
    try:
        default = choose_series(series, None).series
    except SeriesError:
        default = None
    return Study(uid, tuple(replace(s, used_by_default=s is default) for s in series))
