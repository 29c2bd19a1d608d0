"""What a scan found, as the plain tree of `scan --json` and as text to read."""

from __future__ import annotations

from typing import Any

from venoseg.dicom.choice import Kernel, choose_series
from venoseg.dicom.scanning import Scan
from venoseg.dicom.series import Series
from venoseg.dicom.study import Study
from venoseg.errors import SeriesError

Tree = dict[str, Any]


def as_tree(found: Scan, kernel: Kernel | None = None) -> Tree:
    """Return the scan as plain data: studies with their series, and unreadable files."""
    return {
        "studies": [_study(study, kernel) for study in found.studies],
        "unreadable": [{"path": one.path, "reason": one.reason} for one in found.unreadable],
        "files": found.files,
        "not_dicom": found.not_dicom,
    }


def _study(study: Study, kernel: Kernel | None) -> Tree:
    chosen, reason = _choice(study, kernel)
    return {
        "study_uid": study.study_uid,
        "series": [_series(one, used=one is chosen) for one in study.series],
        "default_ct": None
        if chosen is None
        else {"series_uid": chosen.series_uid, "part": chosen.part},
        "default_ct_reason": reason,
    }


def _choice(study: Study, kernel: Kernel | None) -> tuple[Series | None, str]:
    try:
        choice = choose_series(study.series, kernel)
    except SeriesError as error:
        return None, error.what
    return choice.series, choice.reason


def _series(one: Series, *, used: bool) -> Tree:
    listed: Tree = {
        "series_uid": one.series_uid,
        "number": one.number,
        "kind": one.kind,
        "modality": one.modality,
        "description": one.description,
        "phase": one.phase or None,
        "images": one.images,
        "rows": one.rows,
        "columns": one.columns,
        "spacing_mm": list(one.spacing_mm),
        "thickness_mm": one.thickness_mm,
        "kernel": one.kernel or None,
        "usable": one.usable,
        "used_by_default": used,
        "problems": list(one.problems),
    }
    if one.part is not None:
        listed["part"] = one.part
    return listed


def as_text(found: Scan, kernel: Kernel | None = None) -> str:
    """Return the scan for a reader: one line per series, its problems below it."""
    lines: list[str] = []
    for study in found.studies:
        chosen, reason = _choice(study, kernel)
        lines.append(f"study {study.study_uid or 'without UID'}")
        for one in study.series:
            lines.extend(_lines(one, used=one is chosen))
        lines.append(f"  measure takes: {chosen.name + ', ' if chosen else 'nothing: '}{reason}")
    lines.extend(f"unreadable {damaged.path}: {damaged.reason}" for damaged in found.unreadable)
    others = f", {found.not_dicom} other files passed over" if found.not_dicom else ""
    lines.append(f"{found.files} files, {len(found.studies)} studies{others}")
    return "\n".join(lines)


def _lines(one: Series, *, used: bool) -> list[str]:
    number = "-" if one.number is None else str(one.number)
    part = f".{one.part}" if one.part is not None else ""
    size = f"{one.columns} x {one.rows} x {one.images}" if one.rows else f"{one.images} objects"
    step, down, across = one.spacing_mm
    spacing = f"{across:.3g} x {down:.3g}" if across and down else ""
    spacing += f" x {step:.3g} mm" if step and spacing else " mm" if spacing else ""
    use = "used by default" if used else "usable" if one.usable else "not usable"
    facts = [one.modality, size, spacing, one.phase, one.description, use]
    head = f"  {'*' if used else ' '} {number + part:>6}  {one.kind:12} "
    lines = [head + "  ".join(fact for fact in facts if fact)]
    lines.extend(f"            ! {problem}" for problem in one.problems)
    return lines
