"""Images in: every CT and angiographic export becomes right, or is refused with a reason."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from venoseg.dicom.angiogram import Angiogram, FieldOfView, Mask, Shutter, biplane_pairs
    from venoseg.dicom.calibration import Calibration
    from venoseg.dicom.choice import Choice
    from venoseg.dicom.scanning import Scan, Unreadable, read_study, scan
    from venoseg.dicom.series import OriginalSlice, Series
    from venoseg.dicom.study import Study

__all__ = [
    "Angiogram",
    "Calibration",
    "Choice",
    "FieldOfView",
    "Mask",
    "OriginalSlice",
    "Scan",
    "Series",
    "Shutter",
    "Study",
    "Unreadable",
    "biplane_pairs",
    "read_study",
    "scan",
]

# Name -> module. A process that only decodes pixels imports this package without its header
# parser, whose dictionaries take longer to load than some series take to decode.
_MODULES = {
    "Angiogram": "angiogram",
    "Calibration": "calibration",
    "Choice": "choice",
    "FieldOfView": "angiogram",
    "Mask": "angiogram",
    "OriginalSlice": "series",
    "Scan": "scanning",
    "Series": "series",
    "Shutter": "angiogram",
    "Study": "study",
    "Unreadable": "scanning",
    "biplane_pairs": "angiogram",
    "read_study": "scanning",
    "scan": "scanning",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(f"venoseg.dicom.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'venoseg.dicom' has no attribute {name!r}")
