"""A case from its manifest, ``case.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from venoseg.anatomy import BY_NAME
from venoseg.errors import InputError
from venoseg.followup.case import (
    EVENT_KINDS,
    LIMBS,
    Case,
    Conditions,
    Event,
    Landmarks,
    Limb,
    PlannedStudy,
    Stent,
    Timepoint,
    check_case,
)
from venoseg.followup.ceap import ceap_from
from venoseg.followup.claudication import claudication_from
from venoseg.followup.rules import rules_from
from venoseg.followup.scores import SCALES, score_from
from venoseg.interchange.clinical_file import ClinicalRecords, read_clinical_file

MANIFEST = "case.toml"
CLINICAL = "clinical.csv"

_RECORDS = (*SCALES, "ceap", "claudication")
_KEYS = {
    "case": ("patient", "timepoints", "stents", "events", "rules", "clinical", "ids_may_differ"),
    "timepoint": (
        "label",
        "day",
        "studies",
        "labels",
        "seeds",
        "conditions",
        "landmarks",
        *_RECORDS,
    ),
    "study": ("path", "name", "labels", "seeds", "series", "calibration"),
    "conditions": ("respiration", "volume", "phase"),
    "stent": ("day", "from", "to", "nominal_diameter_mm", "length_mm", "model"),
    "event": ("day", "kind", "limb", "part_of_index"),
}
_LIMBS: dict[str, tuple[Limb, ...]] = {"left": ("left",), "right": ("right",), "both": LIMBS}

_Part = TypeVar("_Part")


def read_case(path: Path) -> Case:
    """Read a manifest, and the clinical records beside it.

    Parameters
    ----------
    path
        The manifest, or the folder that holds it as ``case.toml``.

    Raises
    ------
    InputError
        When it is no such file, lacks something or says something impossible.
    """
    file = path / MANIFEST if path.is_dir() else path
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError("there is no such manifest", where=file.name) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(
            f"the manifest cannot be read ({str(error)[:80]})",
            where=file.name,
            remedy="write it as TOML; docs/followup.md shows one",
        ) from error
    where, folder = file.name, file.parent
    _known(content, "case", where)
    clinical = content.get("clinical")
    records = folder / CLINICAL if clinical is None else folder / _text(clinical, "clinical", where)
    recorded: ClinicalRecords = {}
    if clinical is not None or records.is_file():
        recorded = read_clinical_file(records)
    timepoints = _each(content, "timepoints", where, lambda one, at: _timepoint(one, folder, at))
    return check_case(
        Case(
            patient=_text(_needed(content, "patient", where), "patient", where),
            timepoints=_with_records(timepoints, recorded, records.name),
            stents=tuple(sorted(_each(content, "stents", where, _stent), key=lambda s: s.day)),
            events=tuple(sorted(_each(content, "events", where, _event), key=lambda e: e.day)),
            rules=rules_from(_table(content.get("rules", {}), "rules", where), f"{where}, rules"),
            ids_may_differ=_yes(content.get("ids_may_differ", False), "ids_may_differ", where),
        ),
        where,
    )


def _timepoint(one: Mapping[str, Any], folder: Path, where: str) -> Timepoint:
    label = _text(_needed(one, "label", where), "label", where)
    where = f"{where} ({label[:40]})"
    _known(one, "timepoint", where)
    studies = one.get("studies", [])
    if not isinstance(studies, list):
        raise InputError("studies is no list", where=where, remedy='write studies = ["folder"]')
    planned = [_study(study, folder, where) for study in studies]
    for key in ("labels", "seeds"):
        if key in one and len(planned) != 1:
            raise InputError(
                f"{key} stands beside {len(planned)} studies",
                where=where,
                remedy=f"write it into the study it belongs to: studies = [{{path, {key}}}]",
            )
    planned = [_beside(study, one, folder, where) for study in planned]
    if len(planned) > 1:
        planned = [_named(study, n) for n, study in enumerate(planned, start=1)]
    conditions = _table(one.get("conditions", {}), "conditions", where)
    _known(conditions, "conditions", f"{where}, conditions")
    stated = {name: _text(value, name, where) for name, value in conditions.items()}
    return Timepoint(
        label,
        _day(_needed(one, "day", where), where),
        tuple(planned),
        Conditions(**stated),
        tuple(
            score_from(SCALES[name], record, where)
            for name in SCALES
            for record in _records(one, name, where)
        ),
        tuple(ceap_from(record, where) for record in _records(one, "ceap", where)),
        tuple(claudication_from(r, where) for r in _records(one, "claudication", where)),
        _landmarks(one, len(planned), where),
    )


def _landmarks(one: Mapping[str, Any], studies: int, where: str) -> Landmarks:
    places = _table(one.get("landmarks", {}), "landmarks", where)
    if places and studies != 1:
        raise InputError(
            f"landmarks stand beside {studies} studies",
            where=where,
            remedy="give them where a timepoint has one CT: they are places in its image",
        )
    return {name: _place(value, name, where) for name, value in places.items()}


def _place(value: object, name: str, where: str) -> tuple[float, float, float]:
    numbers = value if isinstance(value, list) else []
    told = [float(n) for n in numbers if isinstance(n, int | float) and not isinstance(n, bool)]
    if len(numbers) != 3 or len(told) != 3 or not all(abs(mm) < 1e5 for mm in told):
        raise InputError(
            f"the landmark {name[:40]} needs three numbers",
            where=where,
            remedy="write its place in the image as [x, y, z], LPS mm",
        )
    return told[0], told[1], told[2]


def _study(study: object, folder: Path, where: str) -> PlannedStudy:
    if isinstance(study, str):
        return PlannedStudy(_existing(study, folder, where))
    one = _table(study, "a study", where)
    _known(one, "study", where)
    path = _text(_needed(one, "path", where), "path", where)
    series, calibration = one.get("series"), one.get("calibration", "auto")
    return PlannedStudy(
        _existing(path, folder, where),
        _text(one.get("name", ""), "name", where, empty=True),
        _optional_file(one, "labels", folder, where),
        _optional_file(one, "seeds", folder, where),
        None if series is None else _text(series, "series", where),
        _text(calibration, "calibration", where),
    )


def _beside(study: PlannedStudy, one: Mapping[str, Any], folder: Path, where: str) -> PlannedStudy:
    """Give a timepoint's only study the labels and seeds that stand beside it."""
    return PlannedStudy(
        study.path,
        study.name,
        _optional_file(one, "labels", folder, where) or study.labels,
        _optional_file(one, "seeds", folder, where) or study.seeds,
        study.series_uid,
        study.calibration,
    )


def _named(study: PlannedStudy, number: int) -> PlannedStudy:
    name = study.name or f"study{number}"
    return PlannedStudy(
        study.path, name, study.labels, study.seeds, study.series_uid, study.calibration
    )


def _stent(one: Mapping[str, Any], where: str) -> Stent:
    _known(one, "stent", where)
    model = one.get("model")
    return Stent(
        _day(_needed(one, "day", where), where),
        _vein(_needed(one, "from", where), where),
        _vein(_needed(one, "to", where), where),
        _size(one, "nominal_diameter_mm", 60.0, where),
        _size(one, "length_mm", 500.0, where),
        None if model is None else _text(model, "model", where),
    )


def _event(one: Mapping[str, Any], where: str) -> Event:
    _known(one, "event", where)
    kind = _needed(one, "kind", where)
    words = kind if isinstance(kind, list) else [kind]
    for word in words:
        if word not in EVENT_KINDS:
            raise InputError(
                f"there is no kind of event '{str(word)[:40]}'",
                where=where,
                remedy=f"use {', '.join(EVENT_KINDS)}",
            )
    limb = one.get("limb", "both")
    if limb not in _LIMBS:
        raise InputError(
            f"limb is '{str(limb)[:20]}'", where=where, remedy="write left, right or both"
        )
    return Event(
        _day(_needed(one, "day", where), where),
        tuple(words),
        _LIMBS[limb],
        _yes(one.get("part_of_index", False), "part_of_index", where),
    )


def _with_records(
    timepoints: list[Timepoint], recorded: ClinicalRecords, name: str
) -> tuple[Timepoint, ...]:
    """Add the records of a table to those of the manifest."""
    unknown = [label for label in recorded if label not in {t.label for t in timepoints}]
    if unknown:
        raise InputError(
            f"there is no timepoint '{unknown[0][:40]}'",
            where=name,
            remedy="use the labels of the manifest",
        )
    return tuple(
        replace(
            t,
            scores=(*t.scores, *recorded[t.label].scores),
            ceap=(*t.ceap, *recorded[t.label].ceap),
            claudication=(*t.claudication, *recorded[t.label].claudication),
        )
        if t.label in recorded
        else t
        for t in timepoints
    )


def _each(
    content: Mapping[str, Any],
    key: str,
    where: str,
    read: Callable[[Mapping[str, Any], str], _Part],
) -> list[_Part]:
    listed = content.get(key, [])
    if not isinstance(listed, list):
        raise InputError(f"{key} is no list", where=where, remedy=f"write [[{key}]]")
    return [
        read(_table(one, key, where), f"{where}, {key[:-1]} {n}")
        for n, one in enumerate(listed, start=1)
    ]


def _records(one: Mapping[str, Any], name: str, where: str) -> list[Mapping[str, object]]:
    """Return the records of one scale: a table, or a list of them for several limbs."""
    given = one.get(name, [])
    return [_table(r, name, where) for r in (given if isinstance(given, list) else [given])]


def _known(content: Mapping[str, Any], part: str, where: str) -> None:
    unknown = [key for key in content if key not in _KEYS[part]]
    if unknown:
        raise InputError(
            f"there is no key '{unknown[0][:40]}'",
            where=where,
            remedy=f"use {', '.join(_KEYS[part])}",
        )


def _needed(content: Mapping[str, Any], key: str, where: str) -> Any:
    if key not in content:
        raise InputError(f"'{key}' is missing", where=where, remedy=f"write {key} = ...")
    return content[key]


def _table(value: object, name: str, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{name} is no table", where=where, remedy="write key = value lines")
    return value


def _text(value: object, name: str, where: str, *, empty: bool = False) -> str:
    if not isinstance(value, str) or not (value.strip() or empty):
        raise InputError(f"{name} needs a text", where=where)
    return value.strip()


def _yes(value: object, name: str, where: str) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"{name} needs true or false", where=where)
    return value


def _day(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError("day needs a whole number of days", where=where)
    return value


def _size(one: Mapping[str, Any], name: str, most: float, where: str) -> float | None:
    value = one.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
        raise InputError(f"{name} needs a number between 0 and {most:g}", where=where)
    return float(value)


def _vein(value: object, where: str) -> str:
    if value not in BY_NAME:
        raise InputError(
            f"'{str(value)[:40]}' is not a vein", where=where, remedy=f"use {', '.join(BY_NAME)}"
        )
    return str(value)


def _optional_file(one: Mapping[str, Any], key: str, folder: Path, where: str) -> Path | None:
    value = one.get(key)
    return None if value is None else _existing(_text(value, key, where), folder, where)


def _existing(text: str, folder: Path, where: str) -> Path:
    """Return a path that stands relative to the manifest."""
    path = folder / text
    if not path.exists():
        raise InputError(f"there is no '{text[:80]}' beside the manifest", where=where)
    return path
