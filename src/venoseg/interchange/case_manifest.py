"""A case from its manifest, ``case.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

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
from venoseg.interchange.manifest_values import (
    as_bool,
    as_day,
    as_place,
    as_table,
    as_text,
    as_vein,
    each,
    existing,
    needed,
    optional_file,
    size_of,
)

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
    records = (
        folder / CLINICAL if clinical is None else folder / as_text(clinical, "clinical", where)
    )
    recorded: ClinicalRecords = {}
    if clinical is not None or records.is_file():
        recorded = read_clinical_file(records)
    timepoints = each(content, "timepoints", where, lambda one, at: _timepoint(one, folder, at))
    return check_case(
        Case(
            patient=as_text(needed(content, "patient", where), "patient", where),
            timepoints=_with_records(timepoints, recorded, records.name),
            stents=tuple(sorted(each(content, "stents", where, _stent), key=lambda s: s.day)),
            events=tuple(sorted(each(content, "events", where, _event), key=lambda e: e.day)),
            rules=rules_from(as_table(content.get("rules", {}), "rules", where), f"{where}, rules"),
            ids_may_differ=as_bool(content.get("ids_may_differ", False), "ids_may_differ", where),
        ),
        where,
    )


def _timepoint(one: Mapping[str, Any], folder: Path, where: str) -> Timepoint:
    label = as_text(needed(one, "label", where), "label", where)
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
    conditions = as_table(one.get("conditions", {}), "conditions", where)
    _known(conditions, "conditions", f"{where}, conditions")
    stated = {name: as_text(value, name, where) for name, value in conditions.items()}
    return Timepoint(
        label,
        as_day(needed(one, "day", where), where),
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
    places = as_table(one.get("landmarks", {}), "landmarks", where)
    if places and studies != 1:
        raise InputError(
            f"landmarks stand beside {studies} studies",
            where=where,
            remedy="give them where a timepoint has one CT: they are places in its image",
        )
    return {name: as_place(value, name, where) for name, value in places.items()}


def _study(study: object, folder: Path, where: str) -> PlannedStudy:
    if isinstance(study, str):
        return PlannedStudy(existing(study, folder, where))
    one = as_table(study, "a study", where)
    _known(one, "study", where)
    path = as_text(needed(one, "path", where), "path", where)
    series, calibration = one.get("series"), one.get("calibration", "auto")
    return PlannedStudy(
        existing(path, folder, where),
        as_text(one.get("name", ""), "name", where, empty=True),
        optional_file(one, "labels", folder, where),
        optional_file(one, "seeds", folder, where),
        None if series is None else as_text(series, "series", where),
        as_text(calibration, "calibration", where),
    )


def _beside(study: PlannedStudy, one: Mapping[str, Any], folder: Path, where: str) -> PlannedStudy:
    """Give a timepoint's only study the labels and seeds that stand beside it."""
    return PlannedStudy(
        study.path,
        study.name,
        optional_file(one, "labels", folder, where) or study.labels,
        optional_file(one, "seeds", folder, where) or study.seeds,
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
        as_day(needed(one, "day", where), where),
        as_vein(needed(one, "from", where), where),
        as_vein(needed(one, "to", where), where),
        size_of(one, "nominal_diameter_mm", 60.0, where),
        size_of(one, "length_mm", 500.0, where),
        None if model is None else as_text(model, "model", where),
    )


def _event(one: Mapping[str, Any], where: str) -> Event:
    _known(one, "event", where)
    kind = needed(one, "kind", where)
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
        as_day(needed(one, "day", where), where),
        tuple(words),
        _LIMBS[limb],
        as_bool(one.get("part_of_index", False), "part_of_index", where),
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


def _records(one: Mapping[str, Any], name: str, where: str) -> list[Mapping[str, object]]:
    """Return the records of one scale: a table, or a list of them for several limbs."""
    given = one.get(name, [])
    return [as_table(r, name, where) for r in (given if isinstance(given, list) else [given])]


def _known(content: Mapping[str, Any], part: str, where: str) -> None:
    unknown = [key for key in content if key not in _KEYS[part]]
    if unknown:
        raise InputError(
            f"there is no key '{unknown[0][:40]}'",
            where=where,
            remedy=f"use {', '.join(_KEYS[part])}",
        )
