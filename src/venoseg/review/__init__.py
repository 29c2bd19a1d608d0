"""A reviewing session without a window: worklist, editing, live figures, versions, signing."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from venoseg.review.actions import Action, Contour, History, Layer, Notes
    from venoseg.review.agreement import Agreement, compare_readings, icc_absolute
    from venoseg.review.audit import audit_table, changes_table
    from venoseg.review.clock import Clock, system_clock
    from venoseg.review.contours import with_contours
    from venoseg.review.live import Figures, Live, stale_veins
    from venoseg.review.loading import NO_LABELS, Cancelled, Loaded, empty_labels, load
    from venoseg.review.opening import open_session
    from venoseg.review.session import CaseFolder, Session
    from venoseg.review.signing import sign_off, write_signed
    from venoseg.review.vein_values import LABEL_NAMES, canonical_labels
    from venoseg.review.versions import Version, list_versions, read_version
    from venoseg.review.worklist import (
        STATUSES,
        Progressed,
        Status,
        WorkItem,
        default_reviews,
        filtered,
        find_work,
        neighbour,
        progress_of,
        thumbnail,
    )

__all__ = [
    "LABEL_NAMES",
    "NO_LABELS",
    "STATUSES",
    "Action",
    "Agreement",
    "Cancelled",
    "CaseFolder",
    "Clock",
    "Contour",
    "Figures",
    "History",
    "Layer",
    "Live",
    "Loaded",
    "Notes",
    "Progressed",
    "Session",
    "Status",
    "Version",
    "WorkItem",
    "audit_table",
    "canonical_labels",
    "changes_table",
    "compare_readings",
    "default_reviews",
    "empty_labels",
    "filtered",
    "find_work",
    "icc_absolute",
    "list_versions",
    "load",
    "neighbour",
    "open_session",
    "progress_of",
    "read_version",
    "sign_off",
    "stale_veins",
    "system_clock",
    "thumbnail",
    "with_contours",
    "write_signed",
]

# Name -> module, loaded at first use: a window opens before the report's writer is needed.
_MODULES = {
    "Action": "actions",
    "Agreement": "agreement",
    "NO_LABELS": "loading",
    "Cancelled": "loading",
    "CaseFolder": "session",
    "Clock": "clock",
    "Contour": "actions",
    "Figures": "live",
    "History": "actions",
    "LABEL_NAMES": "vein_values",
    "Layer": "actions",
    "Live": "live",
    "Loaded": "loading",
    "Notes": "actions",
    "Progressed": "worklist",
    "STATUSES": "worklist",
    "Session": "session",
    "Status": "worklist",
    "Version": "versions",
    "WorkItem": "worklist",
    "audit_table": "audit",
    "canonical_labels": "vein_values",
    "changes_table": "audit",
    "compare_readings": "agreement",
    "default_reviews": "worklist",
    "empty_labels": "loading",
    "filtered": "worklist",
    "find_work": "worklist",
    "icc_absolute": "agreement",
    "list_versions": "versions",
    "load": "loading",
    "neighbour": "worklist",
    "open_session": "opening",
    "progress_of": "worklist",
    "read_version": "versions",
    "sign_off": "signing",
    "stale_veins": "live",
    "system_clock": "clock",
    "thumbnail": "worklist",
    "with_contours": "contours",
    "write_signed": "signing",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(f"venoseg.review.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'venoseg.review' has no attribute {name!r}")
