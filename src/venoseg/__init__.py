"""Measure the inferior vena cava and the iliac veins on CT and venography.

Research software, not a medical device.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from venoseg.dicom import read_study

__all__ = ["read_study"]

# Public verb -> the room it lives in; a room is imported when its verb is first used.
_ROOMS = {"read_study": "venoseg.dicom"}


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return getattr(importlib.import_module(_ROOMS[name]), name)
    raise AttributeError(f"module 'venoseg' has no attribute {name!r}")
