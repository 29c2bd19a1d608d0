"""A study: its series, which CT would be measured and why, and its angiographic runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from venoseg.dicom.angiogram import Angiogram
from venoseg.dicom.angiogram_header import read_angiogram
from venoseg.dicom.choice import Choice, Kernel, choose_series
from venoseg.dicom.series import Series
from venoseg.errors import SeriesError
from venoseg.volume import Volume


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

    def choose_ct(self, kernel: Kernel | None = None) -> Choice:
        """Say which CT series `ct` reads when none is named, and why.

        Raises
        ------
        SeriesError
            When the study has no CT series that can become a volume.
        """
        return choose_series(self.series, kernel)

    def ct(self, series_uid: str | None = None, kernel: Kernel | None = None) -> Volume:
        """Read the series that `ct_series` returns.

        Raises
        ------
        SeriesError
            When there is no such series, or it cannot become one correct volume.
        DecodeError
            When the pixels of a file cannot be read with certainty.
        """
        return self.ct_series(series_uid, kernel).read()

    def ct_series(self, series_uid: str | None = None, kernel: Kernel | None = None) -> Series:
        """Return a CT series, headers only.

        Parameters
        ----------
        series_uid
            The series; of a split one, the part that would be chosen. Default: `choose_ct` among
            all.
        kernel
            Which reconstruction to prefer when the choice is free.

        Raises
        ------
        SeriesError
            When there is no such series.
        """
        if series_uid is None:
            return self.choose_ct(kernel).series
        named = [s for s in self.series if s.series_uid == series_uid]
        if not named:
            raise SeriesError(
                f"the study has no series {series_uid}",
                remedy="`venoseg scan` lists the series",
            )
        if not any(s.usable and s.kind == "ct" for s in named):
            return named[0]
        return choose_series(named, kernel).series

    def angiograms(self) -> tuple[Angiogram, ...]:
        """Return the angiographic runs, headers only, in the order of series and instance.

        Raises
        ------
        InputError
            When the header of a run is damaged.
        """
        runs = [one for series in self.series if series.kind == "angiogram" for one in series.runs]
        return tuple(read_angiogram(image) for image in runs)


def study_of(study_uid: str, series: Sequence[Series]) -> Study:
    """Make a study, marking the series that `Study.ct` takes by default."""
    try:
        default = choose_series(series).series
    except SeriesError:
        return Study(study_uid, tuple(series))
    return Study(study_uid, tuple(replace(s, used_by_default=s is default) for s in series))
