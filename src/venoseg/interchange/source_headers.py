"""What results in DICOM take over from the images they were made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from venoseg.errors import OutputError

_NEEDED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_TAKEN = (
    *_NEEDED,
    "SOPClassUID",
    "FrameOfReferenceUID",
    "Modality",
    "Manufacturer",
    "ManufacturerModelName",
    "InstanceNumber",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "ImageType",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "SpacingBetweenSlices",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "LossyImageCompression",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
)
# These must stand in the result, but may stand empty.
_IDENTIFYING = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    # A free text, which should name a landmark of the body and need not.
    "PositionReferenceIndicator",
)


@contextmanager
def odd_headers_refused(where: str) -> Iterator[None]:
    """Say in one line when highdicom stumbles over the headers of the source images.

    Raises
    ------
    OutputError
        In place of whatever it stumbles with.
    """
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise OutputError(
            "the headers of the images are incomplete or contradict one another",
            where=where,
        ) from error


class SourceHeaders(list[Dataset]):
    """Headers that hold what a result refers to and nothing else."""


def source_headers(headers: Sequence[Dataset], *, identified: bool) -> SourceHeaders:
    """Return headers that hold what a result refers to and nothing else.

    Parameters
    ----------
    headers
        Of the images of one series, without pixels. Those that this function has returned for one
        result are ready for the next, as they are.
    identified
        Whether the patient, the accession number and the dates are taken over; otherwise they
        stand empty, and the result belongs to its study by the UIDs alone.

    Raises
    ------
    OutputError
        When there is no header, or one lacks a UID that the result must refer to.
    """
    if isinstance(headers, SourceHeaders):
        return headers
    if not headers:
        raise OutputError(
            "a result in DICOM must refer to DICOM images, and there are none",
            remedy="measure the DICOM series instead of a NIfTI or NRRD copy of it",
        )
    taken = SourceHeaders(_taken(header, identified=identified) for header in headers)
    first = taken[0].get("ImageOrientationPatient")
    for header in taken:
        # Some scanners write the same orientation with other last digits in each image.
        own = header.get("ImageOrientationPatient")
        if first is not None and own is not None and np.allclose(own, first, atol=1e-4):
            header.ImageOrientationPatient = first
    return taken


def _taken(header: Dataset, *, identified: bool) -> Dataset:
    result = Dataset()
    for keyword in _TAKEN:
        if header.get(keyword) is not None:
            setattr(result, keyword, header.get(keyword))
    if "SOPClassUID" not in result:
        file_meta = getattr(header, "file_meta", Dataset())
        result.SOPClassUID = file_meta.get("MediaStorageSOPClassUID", "")
    for keyword in (*_NEEDED, "SOPClassUID"):
        if not result.get(keyword):
            raise OutputError(
                f"an image has no {keyword}, so that a result in DICOM cannot refer to it"
            )
    if not result.get("FrameOfReferenceUID"):
        result.FrameOfReferenceUID = generate_uid(entropy_srcs=["frame", result.SeriesInstanceUID])
    for keyword in _IDENTIFYING:
        setattr(result, keyword, header.get(keyword, "") if identified else "")
    if identified and header.get("SpecificCharacterSet"):
        result.SpecificCharacterSet = header.SpecificCharacterSet
    return result
