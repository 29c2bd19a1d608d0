"""A copy of studies without the patients' identity, by PS3.15's Basic profile.

UIDs, names and IDs become digests under a key: the same patient gets the same pseudonym in every
export that is copied with that key, and nobody without it can tell who it was. Dates move by a
number of days that is the patient's own, so that intervals stay.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydicom import dcmread, dcmwrite
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from venoseg.dicom.finding import walk_exports
from venoseg.dicom.header import is_dicom, quiet_pydicom
from venoseg.dicom.profile import action_for, known_words
from venoseg.dicom.sources import Location
from venoseg.errors import InputError, UsageError, describe_defect
from venoseg.output import output_folder

KEY_BYTES = 32
METHOD = (
    "venoseg: PS3.15 Basic profile by a list of what is kept, dates moved, descriptions cleaned"
)
# CID 7050.
_CODES = (
    ("113100", "Basic Application Confidentiality Profile"),
    ("113105", "Clean Descriptors Option"),
    ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
)
_STANDARD_ROOT = "1.2.840.10008."
_COPIED = ("CT", "XA", "RF", "SEG")
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_SHIFT_DAYS = 3650
_CODE = re.compile(r"[A-Z0-9 _]{0,16}")
_DATE = re.compile(r"\d{8}[0-9.+-]{0,18}")
_TIME = re.compile(r"[0-9.:]{0,16}")
_NUMBER = re.compile(r"[-+0-9.eE ]{0,16}")
# What names a patient in a header, for finding it again in text that is kept.
_NAMING = ("PN",)
_NAMING_KEYWORDS = (
    "PatientID",
    "OtherPatientIDs",
    "AccessionNumber",
    "PatientBirthDate",
    "InstitutionName",
    "StudyID",
    "PatientAddress",
)


@dataclass(slots=True)
class Copied:
    """What a copy came to.

    Attributes
    ----------
    images
        Objects written.
    left_out
        Why objects were left out, and how many for each reason.
    unsure
        Objects whose pixels may show text: nothing says that they do not.
    """

    images: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    unsure: int = 0


def read_key(path: Path | None) -> bytes:
    """Return the key of a file, which is made when it is not there; None: one for this time only.

    Raises
    ------
    UsageError
        When the file is too short for a key, or cannot be read or made.
    """
    if path is None:
        return secrets.token_bytes(KEY_BYTES)
    try:
        if not path.exists():
            path.touch(mode=0o600, exist_ok=False)
            path.write_bytes(secrets.token_bytes(KEY_BYTES))
        key = path.read_bytes()
    except OSError as error:
        raise UsageError("the key cannot be read or made", where=path.name) from error
    if len(key) < KEY_BYTES // 2:
        raise UsageError(
            f"the key has fewer than {KEY_BYTES // 2} bytes",
            where=path.name,
            remedy="name a file that does not exist yet: a key is then made",
        )
    return key


def deidentify(
    path: Path,
    out: Path,
    key: bytes,
    *,
    pixels_clean: bool = False,
    force: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Copied:
    """Copy every CT, angiogram and segmentation below a path without the patients' identity.

    Parameters
    ----------
    path
        A folder tree, archive, DICOMDIR or file.
    out
        The folder to make; nothing of it remains when something fails.
    key
        Secret of the pseudonyms.
    pixels_clean
        Somebody looked, and no image shows text that names the patient.
    force
        Write into ``out`` though it exists.
    progress
        Told how many objects have been written.

    Raises
    ------
    InputError
        When there is nothing to copy.
    UsageError, OutputError
        When ``out`` exists or cannot be written.
    """
    copied = Copied()
    with output_folder(out, force=force) as scratch:
        for location, reason in _located(path, out):
            reason = reason or _copy(location, scratch, key, pixels_clean, copied)
            if reason:
                copied.left_out[reason] = copied.left_out.get(reason, 0) + 1
            progress(copied.images)
        if copied.images == 0:
            raise InputError("there is no CT, angiogram or segmentation to copy", where=path.name)
    return copied


def _located(path: Path, out: Path) -> Iterator[tuple[Location, str]]:
    for found in walk_exports(path, out):
        yield found if isinstance(found, tuple) else (found, "")


def _copy(location: Location, out: Path, key: bytes, pixels_clean: bool, copied: Copied) -> str:
    """Copy one file; return why not, when it is left out."""
    try:
        with location.open() as stream, quiet_pydicom():
            if not is_dicom(stream.read(132)):
                return "not DICOM"
            stream.seek(0)
            dataset = dcmread(stream, force=True)
            reason = _against(dataset, pixels_clean)
            if reason:
                return reason
            unsure = _may_show_text(dataset) and not pixels_clean
            clean = clean_copy(dataset, key, identity_removed=not unsure)
            target = out / str(clean.PatientID) / clean.StudyInstanceUID / clean.SeriesInstanceUID
            target.mkdir(parents=True, exist_ok=True)
            dcmwrite(target / f"{clean.SOPInstanceUID}.dcm", clean, enforce_file_format=True)
    except InputError as error:
        return error.what
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001
        # pydicom raises whatever a damaged file leads it into; the file is left out and counted.
        return f"damaged ({describe_defect(error).partition(':')[0]})"
    copied.images += 1
    copied.unsure += unsure
    return ""


def _against(dataset: Dataset, pixels_clean: bool) -> str:
    modality = _text(dataset, "Modality")
    if _text(dataset, "SOPClassUID").startswith(_SECONDARY_CAPTURE):
        return "secondary captures, which may show the patient's name"
    if modality not in _COPIED:
        return "no CT, angiogram or segmentation"
    if _text(dataset, "BurnedInAnnotation") == "YES" and not pixels_clean:
        return "the header says that text is burned into the pixels"
    return ""


def _may_show_text(dataset: Dataset) -> bool:
    """Tell whether text in the pixels is usual and nothing rules it out."""
    derived = "SECONDARY" in str(dataset.get("ImageType", ""))
    usual = _text(dataset, "Modality") in ("XA", "RF") or derived
    return usual and _text(dataset, "BurnedInAnnotation") != "NO"


def _text(dataset: Dataset, keyword: str) -> str:
    try:
        return str(dataset.get(keyword, "") or "").strip()
    except (ValueError, TypeError, LookupError, AttributeError):
        return ""


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
    patient = _patient_key(dataset)
    cleaner = _Cleaner(key, _shift(key, patient), _naming_words(dataset))
    clean = cleaner.copy(dataset)
    pseudonym = f"VS-{_digest(key, 'patient', patient)[:12].upper()}"
    clean.PatientName = clean.PatientID = pseudonym
    clean.PatientIdentityRemoved = "YES" if identity_removed else "NO"
    clean.DeidentificationMethod = METHOD[:64]
    clean.DeidentificationMethodCodeSequence = Sequence([_code(*code) for code in _CODES])
    clean.LongitudinalTemporalInformationModified = "MODIFIED"
    if _text(dataset, "BurnedInAnnotation"):
        clean.BurnedInAnnotation = _text(dataset, "BurnedInAnnotation")
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


class _Cleaner:
    """Copies datasets by the profile, items of sequences included."""

    def __init__(self, key: bytes, shift: timedelta, naming: frozenset[str]) -> None:
        self._key = key
        self._shift = shift
        self._naming = naming

    def copy(self, dataset: Dataset) -> Dataset:
        """Return what the profile keeps of a dataset."""
        clean = Dataset()
        for tag in sorted(dataset.keys()):
            action, _ = action_for(tag)
            if action == "remove":
                continue
            try:
                element = dataset[tag]
                value = self._value(action, element)
            except (ValueError, TypeError, LookupError, AttributeError, OverflowError):
                continue  # An element that cannot be read cannot be known to be harmless.
            if value is not None:
                clean[tag] = DataElement(tag, element.VR, value)
        return clean

    def _value(self, action: str, element: DataElement) -> Any:
        """Return the value of the copy's element, None to leave it out."""
        value = element.value
        if action == "sequence":
            return Sequence([self.copy(item) for item in value]) if element.VR == "SQ" else None
        if action == "keep":
            return value
        if action == "time":
            return value if _fits(value, _TIME) else ""
        if action == "empty":
            return ""
        if action == "uid":
            return _each(value, self._uid)
        if action in ("date", "datetime"):
            return _each(value, self._moved)
        return self._cleaned(action, element)

    def _cleaned(self, action: str, element: DataElement) -> Any:
        value = element.value
        if action == "number":
            strings = element.VR in ("DS", "IS")
            return value if not strings or _fits(value, _NUMBER) else None
        if action == "code":
            return value if _fits(value, _CODE) and not self._names(value) else None
        if action == "text":
            return value if not self._names(value) else ""
        if action == "words":
            words = known_words(str(value))
            return words if not self._names(words) else ""
        return "CONTRAST" if str(value).strip() else ""

    def _uid(self, uid: str) -> str:
        if not uid or uid.startswith(_STANDARD_ROOT):
            return uid
        number = int(_digest(self._key, "uid", uid)[:32], 16)
        return UID(f"2.25.{number}")

    def _moved(self, date: str) -> str:
        """Move a date, or a date with a time, by the patient's number of days."""
        if not _DATE.fullmatch(date):
            raise ValueError("no date")
        day = datetime.strptime(date[:8], "%Y%m%d") + self._shift
        return f"{day.year:04d}{day.month:02d}{day.day:02d}{date[8:]}"

    def _names(self, value: Any) -> bool:
        """Tell whether a text holds a part of the patient's own name or numbers."""
        text = str(value).casefold()
        return any(word in text for word in self._naming)


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


def _naming_words(dataset: Dataset) -> frozenset[str]:
    """Return the parts of the names and numbers in a header by which its patient is known."""
    words: set[str] = set()
    for element in _readable(dataset):
        if element.VR in _NAMING or element.keyword in _NAMING_KEYWORDS:
            words.update(re.split(r"[\^=\\\s,;\[\]']+", str(element.value).casefold()))
    return frozenset(word for word in words if len(word) > 2)


def _readable(dataset: Dataset) -> Iterator[DataElement]:
    for tag in dataset.keys():  # noqa: SIM118 - iterating a dataset reads its elements
        if tag.is_private or tag.group not in (0x0008, 0x0010, 0x0020):
            continue
        try:
            yield dataset[tag]
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError):
            continue


def _patient_key(dataset: Dataset) -> str:
    """Return what tells one patient from another: the ID, else name and birth date, else study."""
    number = _text(dataset, "PatientID")
    if number:
        return f"{number}/{_text(dataset, 'IssuerOfPatientID')}"
    name = _text(dataset, "PatientName")
    if name:
        return f"{name}/{_text(dataset, 'PatientBirthDate')}"
    return _text(dataset, "StudyInstanceUID")


def _shift(key: bytes, patient: str) -> timedelta:
    return -timedelta(days=1 + int(_digest(key, "days", patient)[:8], 16) % _SHIFT_DAYS)


def _digest(key: bytes, kind: str, text: str) -> str:
    content = f"{kind}/{text}".encode(errors="replace")
    return hmac.new(key, content, hashlib.sha256).hexdigest()
