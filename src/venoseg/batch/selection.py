"""Which series of a study are measured, and why each of the others is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from venoseg.batch.names import safe_uid
from venoseg.batch.plans import Guide, guide_for
from venoseg.batch.settings import BatchSettings
from venoseg.dicom.angiogram import Angiogram
from venoseg.dicom.bodypart import elsewhere
from venoseg.dicom.choice import COVER_MM, FEW_IMAGES, choose_series
from venoseg.dicom.header import read_header
from venoseg.dicom.series import Series
from venoseg.dicom.study import Study
from venoseg.errors import InputError, SeriesError
from venoseg.tables import Column, Row

SELECTION_COLUMNS: tuple[Column, ...] = (
    Column("study", "UID of the study, or its pseudonym"),
    Column("series_uid", "the series"),
    Column("part", "which part of a split series"),
    Column("series_number", "as in the headers"),
    Column("kind", "ct, angiogram, segmentation, report or other"),
    Column("modality", "as in the headers"),
    Column("images", "how many frames"),
    Column("phase", "of a CT, as far as the header tells"),
    Column("length_mm", "of a CT, from the first slice to the last", 1),
    Column("thickness_mm", "of the slices, as stated", 3),
    Column("chosen", "whether it is measured"),
    Column("reason", "why, or why not"),
)


@dataclass(frozen=True, slots=True)
class Selection:
    """What is measured of a study.

    Attributes
    ----------
    ct
        The CT series; None when there is none that may be measured.
    runs
        The angiographic runs.
    rows
        One for every series, under `SELECTION_COLUMNS`, without the study.
    """

    ct: Series | None
    runs: tuple[Angiogram, ...]
    rows: tuple[Row, ...]


def select_series(study: Study, settings: BatchSettings, guides: Sequence[Guide] = ()) -> Selection:
    """Choose the CT series and the runs to measure; give a reason for every series.

    Parameters
    ----------
    study
        The study.
    settings
        What may be measured.
    guides
        What the manifest of its case says. A CT that it names goes before all others, and one whose
        series it names is measured whatever its phase.
    """
    against = {id(one): _against(one, settings, guides) for one in study.series}
    named = {id(one) for one in study.series if not against[id(one)] and _named(one, guides)}
    if named:
        others = (s for s in study.series if s.kind == "ct" and id(s) not in named)
        against |= {id(s): against[id(s)] or _OTHER for s in others}
    left = [one for one in study.series if one.kind == "ct" and not against[id(one)]]
    ct, why = None, ""
    if left:
        try:
            choice = choose_series(left, settings.kernel)
        except SeriesError as error:
            why = error.what
        else:
            ct, why = choice.series, choice.reason
    rows = []
    for one in study.series:
        measured = one is ct or (one.kind == "angiogram" and not against[id(one)])
        reason = against[id(one)] or (why if one is ct else _not_best(one, ct, why))
        rows.append(_row(one, measured, reason))
    runs: tuple[Angiogram, ...] = ()
    if "angiogram" in settings.kinds:
        runs = tuple(run for run in _runs(study) if run.usable)
    return Selection(ct, runs, tuple(rows))


def copied_rows(study: Study, name: str) -> tuple[Row, ...]:
    """Return the rows of a study that is set aside, being a copy of the study called ``name``."""
    reason = f"the same images as study {name}, under other UIDs"
    return tuple(_row(one, False, reason) for one in study.series)


def _named(one: Series, guides: Sequence[Guide]) -> bool:
    """Tell whether a manifest names a CT as the one to measure."""
    if one.kind != "ct" or not one.slices:
        return False
    number = guide_for(guides, one.slices[0].image.location.path)
    return number is not None and guides[number].series_uid in (None, one.series_uid)


def _runs(study: Study) -> tuple[Angiogram, ...]:
    try:
        return study.angiograms()
    except InputError:
        return ()


def _against(one: Series, settings: BatchSettings, guides: Sequence[Guide]) -> str:
    """Return why a series cannot be measured, whatever else there is; empty when it can."""
    if one.kind == "other" and one.rows is None:
        return "its files hold no pixels"
    if one.kind not in ("ct", "angiogram"):
        return "; ".join(one.problems) or f"a {_KINDS[one.kind]}, not an image of the veins"
    if one.kind not in settings.kinds:
        return f"kind {one.kind} was not asked for"
    if not one.usable:
        return "; ".join(one.problems) or "it cannot become a volume or a run"
    if one.kind != "ct" or one.series_uid in {guide.series_uid for guide in guides}:
        return ""
    return _against_ct(one, settings)


_OTHER = "the manifest of its case names another series"
_KINDS = {"segmentation": "segmentation", "report": "report", "other": "picture of another kind"}


def _against_ct(one: Series, settings: BatchSettings) -> str:
    phase = one.phase or "unknown"
    if phase not in settings.phases:
        return f"{phase} phase: the veins are not enhanced as in a venous one"
    if one.images < FEW_IMAGES:
        return f"{one.images} images are no scan of the veins"
    length = _length_mm(one)
    if length is not None and length < settings.least_length_mm:
        return f"{length:.0f} mm long, less than {settings.least_length_mm:.0f} mm"
    if one.slices:
        header = read_header(one.slices[0].image.location)
        part = elsewhere(header) if header is not None else ""
        if part:
            return f"the header states another part of the body ({part})"
    return ""


def _not_best(one: Series, ct: Series | None, why: str) -> str:
    if one.kind == "angiogram":
        return "every run that can be measured is"
    if ct is None:
        return why
    name = f"series {ct.number}" if ct.number is not None else "another series"
    difference = _difference(one, ct)
    return f"{name}{f', part {ct.part}' if ct.part else ''} was preferred: {difference}"


def _difference(one: Series, ct: Series) -> str:
    """Return the first thing in which the chosen series is better, in the order of the choice."""
    ours, theirs = _length_mm(ct) or 0.0, _length_mm(one) or 0.0
    if one.unit != "HU" and ct.unit == "HU":
        return "its values are Hounsfield units"
    if theirs < COVER_MM <= ours:
        return f"{ours:.0f} mm long, not {theirs:.0f} mm"
    if one.phase != ct.phase:
        return f"{ct.phase or 'unknown'} phase, not {one.phase or 'unknown'}"
    if one.stack is not None and one.stack.gaps and not (ct.stack and ct.stack.gaps):
        return "no slice is missing"
    if one.kernel != ct.kernel:
        return "another reconstruction of the same images"
    if one.thickness_mm != ct.thickness_mm:
        return f"{ct.thickness_mm} mm slices, not {one.thickness_mm} mm"
    return "longer, or first in the order of numbers"


def _length_mm(one: Series) -> float | None:
    return None if one.stack is None else float(one.stack.offsets_mm[-1])


def _row(one: Series, chosen: bool, reason: str) -> Row:
    return {
        "series_uid": safe_uid(one.series_uid),
        "part": one.part,
        "series_number": one.number,
        "kind": one.kind,
        "modality": one.modality[:16],
        "images": one.images,
        "phase": one.phase or None,
        "length_mm": _length_mm(one),
        "thickness_mm": one.thickness_mm,
        "chosen": chosen,
        "reason": reason,
    }
