"""Where a study's label map and seed points lie."""

from __future__ import annotations

import os
from glob import escape, glob
from pathlib import Path

from venoseg.batch.names import read_pairs, safe_uid
from venoseg.batch.settings import BatchSettings
from venoseg.dicom.series import Series
from venoseg.errors import InputError, LabelError


def labels_of(series: Series, settings: BatchSettings) -> Path | None:
    """Return a series' label map, None when the veins are to be found automatically.

    Raises
    ------
    LabelError
        When there is none, or more than one, where the settings say.
    """
    if settings.labels_table:
        table = Path(settings.labels_table)
        pairs = read_pairs(table, "study_uid", "labels")
        if series.study_uid in pairs:
            return _there(table.parent / pairs[series.study_uid])
        if not settings.labels:
            raise LabelError("the table of labels does not name this study")
    if not settings.labels:
        return None
    found = _matching(settings.labels, series)
    if len(found) != 1:
        raise LabelError(
            "no label map lies where --labels says"
            if not found
            else f"{len(found)} label maps lie where --labels says",
            remedy="the pattern is relative to the folder of the study's images",
        )
    return found[0]


def seeds_of(series: Series, settings: BatchSettings) -> Path | None:
    """Return a series' seed points, None when there are none: then nothing guides the search.

    Raises
    ------
    InputError
        When there are several where the settings say.
    """
    found = _matching(settings.seeds, series) if settings.seeds else []
    if len(found) > 1:
        raise InputError(f"{len(found)} files of seeds lie where --seeds says")
    return found[0] if found else None


def _matching(pattern: str, series: Series) -> list[Path]:
    """Return the files that a pattern means for a series."""
    pattern = pattern.replace("{study_uid}", escape(safe_uid(series.study_uid)))
    pattern = pattern.replace("{series_uid}", escape(safe_uid(series.series_uid)))
    # Both in text: a Path would take the pattern's escapes for names, and Path.glob bars "..".
    if not Path(pattern).is_absolute():
        pattern = os.path.join(escape(str(_folder(series))), pattern)  # noqa: PTH118 - see above
    return [Path(path) for path in sorted({str(Path(p).resolve()) for p in glob(pattern)})]  # noqa: PTH207 - see above


def _there(path: Path) -> Path:
    if not path.exists():
        raise LabelError("the label map that the table names is not there")
    return path


def _folder(series: Series) -> Path:
    """Return the innermost folder that holds all files of a series, or its archive."""
    files = {one.image.location.path for one in series.slices}
    folders = {str(Path(file).parent) for file in files}
    return Path(os.path.commonpath(folders))
