"""What stands in a de-identified copy for names, numbers, UIDs and dates of one patient.

All of it are digests under a key: the same in every copy that is made with that key, and without
it nobody can tell what they were made from.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import UID

from venoseg.errors import UsageError

KEY_BYTES = 32
_STANDARD_ROOT = "1.2.840.10008."
_SHIFT_DAYS = 3650
_DATE = re.compile(r"\d{8}[0-9.+-]{0,18}")
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
_NAMING_GROUPS = (0x0008, 0x0010, 0x0020)
# What pydicom raises for an element that cannot be read.
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, OverflowError)


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


class Pseudonyms:
    """Pseudonyms for one object.

    Parameters
    ----------
    key
        The secret.
    dataset
        The object, from which it is read who the patient is.
    """

    def __init__(self, key: bytes, dataset: Dataset) -> None:
        self._key = key
        patient = _patient_of(dataset)
        self._shift = -timedelta(days=1 + int(self._digest("days", patient)[:8], 16) % _SHIFT_DAYS)
        self._naming = _naming_words(dataset)
        self.patient = f"VS-{self._digest('patient', patient)[:12].upper()}"

    def uid(self, uid: str) -> str:
        """Return what stands for a UID; those of the standard stay."""
        if not uid or uid.startswith(_STANDARD_ROOT):
            return uid
        return UID(f"2.25.{int(self._digest('uid', uid)[:32], 16)}")

    def moved(self, date: str) -> str:
        """Move a date, or a date with a time, by the patient's number of days.

        Raises
        ------
        ValueError
            When it is no date.
        """
        if not _DATE.fullmatch(date):
            raise ValueError("no date")
        day = datetime.strptime(date[:8], "%Y%m%d") + self._shift
        return f"{day.year:04d}{day.month:02d}{day.day:02d}{date[8:]}"

    def names(self, text: str) -> bool:
        """Tell whether a text holds a part of the patient's own name or numbers."""
        low = text.casefold()
        return any(word in low for word in self._naming)

    def _digest(self, kind: str, text: str) -> str:
        content = f"{kind}/{text}".encode(errors="replace")
        return hmac.new(self._key, content, hashlib.sha256).hexdigest()


def text_of(dataset: Dataset, keyword: str) -> str:
    """Return an element as text; empty when it is silent or cannot be read."""
    try:
        return str(dataset.get(keyword, "") or "").strip()
    except UNREADABLE:
        return ""


def _patient_of(dataset: Dataset) -> str:
    """Return what tells one patient from another: the ID, else name and birth date, else study."""
    number = text_of(dataset, "PatientID")
    if number:
        return f"{number}/{text_of(dataset, 'IssuerOfPatientID')}"
    name = text_of(dataset, "PatientName")
    if name:
        return f"{name}/{text_of(dataset, 'PatientBirthDate')}"
    return text_of(dataset, "StudyInstanceUID")


def _naming_words(dataset: Dataset) -> frozenset[str]:
    """Return the parts of the names and numbers in a header by which its patient is known."""
    words: set[str] = set()
    for element in _readable(dataset):
        if element.VR in _NAMING or element.keyword in _NAMING_KEYWORDS:
            words.update(re.split(r"[\^=\\\s,;\[\]']+", str(element.value).casefold()))
    return frozenset(word for word in words if len(word) > 2)


def _readable(dataset: Dataset) -> Iterator[DataElement]:
    for tag in dataset.keys():  # noqa: SIM118 - iterating a dataset reads its elements
        if tag.is_private or tag.group not in _NAMING_GROUPS:
            continue
        try:
            yield dataset[tag]
        except UNREADABLE:
            continue
