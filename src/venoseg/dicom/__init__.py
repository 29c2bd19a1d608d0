"""Images in: every CT and angiographic export becomes right, or is refused with a reason."""

from __future__ import annotations

from venoseg.dicom.choice import Choice
from venoseg.dicom.scanning import Scan, Unreadable, read_study, scan
from venoseg.dicom.series import Series
from venoseg.dicom.study import Study

__all__ = ["Choice", "Scan", "Series", "Study", "Unreadable", "read_study", "scan"]
