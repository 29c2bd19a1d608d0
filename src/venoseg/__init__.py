"""Measure the inferior vena cava and the iliac veins on CT and venography.

One verb a step: `read_study` reads images, `read_labels` a label map.

Research software, not a medical device.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from venoseg.dicom import read_study
    from venoseg.interchange import read_labels

__all__ = ["read_labels", "read_study"]

# Public verb -> the room it lives in; a room is imported when its verb is first used.
_ROOMS = {"read_labels": "venoseg.interchange", "read_study": "venoseg.dicom"}


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return getattr(importlib.import_module(_ROOMS[name]), name)
    raise AttributeError(f"module 'venoseg' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
