"""Whose study it is and when it was taken: for the pairing of studies, in memory only."""

from __future__ import annotations

import hashlib
import math
import secrets
from dataclasses import dataclass, field
from datetime import date

from pydicom.dataset import FileDataset

from venoseg.dicom.elements import Elements
from venoseg.dicom.header import read_header
from venoseg.dicom.image import Image
from venoseg.dicom.study import Study

# Another one in every process: what is made with it means nothing outside.
_SALT = secrets.token_bytes(16)


@dataclass(frozen=True, slots=True)
class StudyIdentity:
    """What pairs a study with others of the same patient. Never written anywhere.

    Attributes
    ----------
    patient_key
        The same for two studies of one patient identifier within this process; None where the
        headers hold none.
    day
        Day of the study as a running number: the stated days since an event where the headers give
        these, else the study's date; None where both were removed.
    """

    patient_key: str | None = field(repr=False)
    day: int | None = field(repr=False)


def study_identity(study: Study) -> StudyIdentity:
    """Read who and when from the header of one image of a study.

    Raises
    ------
    InputError
        When that header is damaged.
    """
    image = _any_image(study)
    return StudyIdentity(None, None) if image is None else image_identity(image)


def image_identity(image: Image) -> StudyIdentity:
    """Read who and when from the header of one image.

    Raises
    ------
    InputError
        When that header is damaged.
    """
    header = read_header(image.location)
    if header is None:
        return StudyIdentity(None, None)
    elements = Elements(header, bool(header.original_encoding[1]))
    return StudyIdentity(_key(elements), _day(elements))


def study_header(study: Study) -> FileDataset | None:
    """Return the header of one image of a study, None when it is not DICOM.

    Raises
    ------
    InputError
        When that header is damaged.
    """
    image = _any_image(study)
    return None if image is None else read_header(image.location)


def _any_image(study: Study) -> Image | None:
    for series in study.series:
        images = [*series.runs, *(one.image for one in series.slices[:1])]
        if images:
            return images[0]
    return None


def _key(elements: Elements) -> str | None:
    identifier = elements.text("PatientID")
    if not identifier:
        return None
    issuer = elements.text("IssuerOfPatientID")
    return hashlib.sha256(_SALT + f"{issuer}\0{identifier}".encode()).hexdigest()


def _day(elements: Elements) -> int | None:
    stated = elements.floats("LongitudinalTemporalOffsetFromEvent")
    if stated and elements.text("LongitudinalTemporalEventType"):
        return round(stated[0]) if math.isfinite(stated[0]) else None
    digits = elements.text("StudyDate") or elements.text("AcquisitionDate")
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8])).toordinal()
    except ValueError:
        return None
