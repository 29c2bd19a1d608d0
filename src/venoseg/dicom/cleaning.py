"""One object without its patient's identity: what `venoseg.dicom.profile` keeps, and no more."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence

from venoseg.dicom.profile import action_for, known_words
from venoseg.dicom.pseudonyms import UNREADABLE, Pseudonyms, text_of

METHOD = (
    "venoseg: PS3.15 Basic profile by a list of what is kept, dates moved, descriptions cleaned"
)
# CID 7050.
_CODES = (
    ("113100", "Basic Application Confidentiality Profile"),
    ("113105", "Clean Descriptors Option"),
    ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
)
_CODE = re.compile(r"[A-Z0-9 _]{0,16}")
_TIME = re.compile(r"[0-9.:]{0,16}")
_NUMBER = re.compile(r"[-+0-9.eE ]{0,16}")


def clean_copy(dataset: FileDataset, key: bytes, *, identity_removed: bool = True) -> FileDataset:
    """Return an object without its patient's identity.

    Parameters
    ----------
    dataset
        The object, which is left as it is.
    key
        Secret of the pseudonyms.
    identity_removed
        What the copy says of itself; False when its pixels may still name the patient.
    """
    pseudonyms = Pseudonyms(key, dataset)
    clean = _cleaned_dataset(dataset, pseudonyms)
    clean.PatientName = clean.PatientID = pseudonyms.patient
    clean.PatientIdentityRemoved = "YES" if identity_removed else "NO"
    clean.DeidentificationMethod = METHOD[:64]
    clean.DeidentificationMethodCodeSequence = Sequence([_code(*code) for code in _CODES])
    clean.LongitudinalTemporalInformationModified = "MODIFIED"
    burned = text_of(dataset, "BurnedInAnnotation")
    if burned in ("YES", "NO"):
        clean.BurnedInAnnotation = burned
    for keyword in ("PatientBirthDate", "PatientSex", "StudyID", "AccessionNumber"):
        setattr(clean, keyword, "")
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = clean.SOPInstanceUID
    meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    meta.ImplementationVersionName = "VENOSEG"
    made = FileDataset("", clean, file_meta=meta, preamble=b"\0" * 128)
    made.set_original_encoding(*dataset.original_encoding)
    return made


def _code(value: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
    return code


def _cleaned_dataset(dataset: Dataset, pseudonyms: Pseudonyms) -> Dataset:
    """Return what the profile keeps of a dataset, items of sequences included."""
    clean = Dataset()
    for tag in sorted(dataset.keys()):
        action, _ = action_for(tag)
        if action == "remove":
            continue
        try:
            element = dataset[tag]
            value = _value(action, element, pseudonyms)
        except UNREADABLE:
            continue  # An element that cannot be read cannot be known to be harmless.
        if value is not None:
            clean[tag] = DataElement(tag, element.VR, value)
    return clean


def _value(action: str, element: DataElement, pseudonyms: Pseudonyms) -> Any:
    """Return the value of the copy's element, None to leave it out."""
    value = element.value
    if action == "sequence":
        if element.VR != "SQ":
            return None
        return Sequence([_cleaned_dataset(item, pseudonyms) for item in value])
    if action == "keep":
        return value
    if action == "time":
        return value if _fits(value, _TIME) else ""
    if action == "empty":
        return ""
    if action == "uid":
        return _each(value, pseudonyms.uid)
    if action in ("date", "datetime"):
        return _each(value, pseudonyms.moved)
    return _checked(action, element, pseudonyms)


def _checked(action: str, element: DataElement, pseudonyms: Pseudonyms) -> Any:
    """Return a value that stays where it is what it should be and does not name the patient."""
    value = element.value
    if action == "number":
        strings = element.VR in ("DS", "IS")
        return value if not strings or _fits(value, _NUMBER) else None
    if action == "code":
        return value if _fits(value, _CODE) and not pseudonyms.names(str(value)) else None
    if action == "text":
        return value if not pseudonyms.names(str(value)) else ""
    if action == "words":
        words = known_words(str(value))
        return words if not pseudonyms.names(words) else ""
    return "CONTRAST" if str(value).strip() else ""


def _each(value: Any, change: Callable[[str], str]) -> Any:
    if value is None or str(value) == "":
        return value
    if isinstance(value, str):
        return change(value)
    try:
        return [change(str(one)) for one in value]
    except TypeError:
        return change(str(value))


def _fits(value: Any, form: re.Pattern[str]) -> bool:
    values = [value] if isinstance(value, str) or not hasattr(value, "__iter__") else value
    return all(form.fullmatch(str(one)) for one in values)
