"""Label maps, seeds and results on their way between venoseg and other programs."""

from __future__ import annotations

from venoseg.interchange.labels import read_labels
from venoseg.interchange.markups_out import MarkupCurve, write_markups
from venoseg.interchange.nrrd_out import write_seg_nrrd
from venoseg.interchange.provenance import Algorithm
from venoseg.interchange.seeds import read_seeds
from venoseg.interchange.seg_out import write_dicom_seg
from venoseg.interchange.sr_out import (
    Evaluation,
    Quantity,
    VesselReport,
    write_structured_report,
)
from venoseg.interchange.vein_names import parse_label_names

__all__ = [
    "Algorithm",
    "Evaluation",
    "MarkupCurve",
    "Quantity",
    "VesselReport",
    "parse_label_names",
    "read_labels",
    "read_seeds",
    "write_dicom_seg",
    "write_markups",
    "write_seg_nrrd",
    "write_structured_report",
]
