"""Measure the inferior vena cava and the iliac veins on CT and venography.

One verb a step::

    import venoseg as vs

    ct = vs.read_study("export/").ct()
    veins = vs.segment(ct)  # or vs.read_labels("veins.nii.gz", ct)
    found = vs.measure(ct, veins)
    vs.report(found, "out/")

Research software, not a medical device.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from venoseg.centerline import trace
    from venoseg.comparison import compare
    from venoseg.dicom import read_study
    from venoseg.errors import VenosegError
    from venoseg.interchange import read_labels
    from venoseg.lumen import (
        Measurements,
        ReferenceRule,
        measure,
        remeasure,
        with_contour,
        with_reference,
    )
    from venoseg.pipeline import report
    from venoseg.segmentation import Segmentation, segment
    from venoseg.volume import Grid, Volume

# Public name -> the module it lives in, loaded at first use: `import venoseg` costs nothing.
_HOMES = {
    "Grid": "venoseg.volume",
    "Measurements": "venoseg.lumen",
    "Segmentation": "venoseg.segmentation",
    "VenosegError": "venoseg.errors",
    "Volume": "venoseg.volume",
    "compare": "venoseg.comparison",
    "ReferenceRule": "venoseg.lumen",
    "measure": "venoseg.lumen",
    "remeasure": "venoseg.lumen",
    "with_contour": "venoseg.lumen",
    "with_reference": "venoseg.lumen",
    "read_labels": "venoseg.interchange",
    "read_study": "venoseg.dicom",
    "report": "venoseg.pipeline",
    "segment": "venoseg.segmentation",
    "trace": "venoseg.centerline",
}

__all__ = [
    "Grid",
    "Measurements",
    "ReferenceRule",
    "Segmentation",
    "VenosegError",
    "Volume",
    "compare",
    "measure",
    "read_labels",
    "read_study",
    "remeasure",
    "report",
    "segment",
    "trace",
    "with_contour",
    "with_reference",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'venoseg' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
