"""A compared case as a JSON document: ``case.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import numpy as np

from venoseg.followup.case import Case
from venoseg.followup.levels import Match
from venoseg.followup.rules import SOURCES
from venoseg.interchange.documents import NOTICE
from venoseg.tables import Table


def case_document(
    case: Case,
    matches: Mapping[tuple[str, str], Match],
    tables: Sequence[Table],
    folders: Mapping[str, str],
    failures: Sequence[str],
    warnings: Sequence[str],
) -> dict[str, Any]:
    """Return a case with what was matched, changed and stayed open.

    Parameters
    ----------
    case
        What was compared.
    matches
        By the labels of two visits.
    tables
        Changes, patency and clinical records.
    folders
        Label of a visit to the folder of its results, relative to the document.
    failures, warnings
        In words.
    """
    changes, patency, clinical = tables
    return {
        "notice": NOTICE,
        "software": {"name": "venoseg", "version": version("venoseg")},
        "patient": case.patient,
        "index_day": case.index_day,
        "timepoints": [
            {
                "label": timepoint.label,
                "day": timepoint.day,
                "conditions": asdict(timepoint.conditions),
                "studies": [
                    {"name": study.name, "folder": folders.get(_key(timepoint.label, study.name))}
                    for study in timepoint.studies
                ],
            }
            for timepoint in case.timepoints
        ],
        "stents": [asdict(stent) | {"vessels": list(stent.vessels)} for stent in case.stents],
        "events": [asdict(event) for event in case.events],
        "rules": [
            {"rule": s.name, "value": getattr(case.rules, s.name), "meaning": s.meaning}
            | {"source": s.source}
            for s in SOURCES
        ],
        "matches": [_match(labels, match) for labels, match in matches.items()],
        "failures": list(failures),
        "warnings": list(warnings),
        "definitions": {c.name: c.meaning for table in tables for c in table.columns},
        "changes": [dict(row) for row in changes.rows if row["level"] != "station"],
        "patency": [dict(row) for row in patency.rows],
        "clinical": [dict(row) for row in clinical.rows],
    }


def _key(label: str, name: str) -> str:
    return f"{label}/{name}" if name else label


def _match(labels: tuple[str, str], match: Match) -> dict[str, Any]:
    return {
        "timepoint_from": labels[0],
        "timepoint_to": labels[1],
        "method": match.method,
        "residual_mm": None if match.residual_mm is None else round(match.residual_mm, 2),
        "bone_correlation": None if match.motion is None else round(match.motion.correlation, 3),
        "vessels": {
            vessel: {
                "stations": len(one.from_mm),
                "matched": int(np.isfinite(one.to_mm).sum()),
            }
            for vessel, one in match.vessels.items()
        },
        "notes": list(match.notes),
    }
