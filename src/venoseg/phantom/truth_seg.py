"""The ideal mask as a DICOM SEG whose bytes depend on nothing but its content."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydicom.dataset import Dataset

from venoseg.interchange.seg_out import dicom_seg
from venoseg.phantom.encode import write_dicom
from venoseg.phantom.identity import uid
from venoseg.segmentation import Segmentation

_TIME = "120000"


def write_truth_seg(segmentation: Segmentation, headers: Sequence[Dataset], path: Path) -> None:
    """Write a segmentation as DICOM SEG of the CT images it belongs to.

    The clock of the study replaces that of the machine, identifiers that are drawn at random follow
    from the object's own, and versions of the software that writes it are left out.
    """
    dataset = dicom_seg(segmentation, headers, identified=True)
    date = headers[0].StudyDate
    dataset.InstanceCreationDate = dataset.ContentDate = date
    dataset.InstanceCreationTime = dataset.ContentTime = _TIME
    if "SeriesDate" in dataset:
        dataset.SeriesDate, dataset.SeriesTime = date, _TIME
    if "ContributingEquipmentSequence" in dataset:
        del dataset.ContributingEquipmentSequence
    dataset.SoftwareVersions = "1"
    organization = uid(dataset.SOPInstanceUID, "dimensions")
    for item in (*dataset.DimensionOrganizationSequence, *dataset.DimensionIndexSequence):
        item.DimensionOrganizationUID = organization
    write_dicom(dataset, path)
