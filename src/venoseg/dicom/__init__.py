"""Images in: every CT and angiographic export becomes right, or is refused with a reason."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from venoseg.dicom.choice import Choice
    from venoseg.dicom.scanning import Scan, Unreadable, read_study, scan
    from venoseg.dicom.series import OriginalSlice, Series
    from venoseg.dicom.study import Study

__all__ = [
    "Choice",
    "OriginalSlice",
    "Scan",
    "Series",
    "Study",
    "Unreadable",
    "read_study",
    "scan",
]

# Name -> module. A process that only decodes pixels imports this package without its header
# parser, whose dictionaries take longer to load than some series take to decode.
_MODULES = {
    "Choice": "choice",
    "OriginalSlice": "series",
    "Scan": "scanning",
    "Series": "series",
    "Study": "study",
    "Unreadable": "scanning",
    "read_study": "scanning",
    "scan": "scanning",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(f"venoseg.dicom.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'venoseg.dicom' has no attribute {name!r}")
