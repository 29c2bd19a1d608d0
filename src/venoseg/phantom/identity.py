"""Who a digital twin is: an obviously synthetic patient, identified by kind and seed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from pydicom.dataset import Dataset

IMPLEMENTATION_UID = "2.25.228430174925131398174086294850321174651"
IMPLEMENTATION_NAME = "VENOSEG_TWIN_1"


def uid(*parts: str | int) -> str:
    """Return the DICOM UID (root 2.25) that belongs to these parts; always the same one."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    # The version and variant bits make it a valid UUID, which the root 2.25 stands for.
    number = int.from_bytes(digest[:16], "big")
    number = number & ~(0xF << 76) | (5 << 76)
    number = number & ~(0x3 << 62) | (2 << 62)
    return f"2.25.{number}"


@dataclass(frozen=True, slots=True)
class Visit:
    """One study of one synthetic patient.

    Attributes
    ----------
    twin, seed
        What the patient shows, and which of them it is; together they decide every UID.
    key
        Which visit of the patient, e.g. ``baseline``.
    date
        DICOM date of the study; fixed, so that the same seed gives the same bytes.
    description
        Of the study.
    """

    twin: str
    seed: int
    key: str = "baseline"
    date: str = "20240101"
    description: str = "Synthetic digital twin"

    def uid(self, *parts: str | int) -> str:
        """Return the UID of something in this study."""
        return uid(self.twin, self.seed, self.key, *parts)

    def header(self) -> Dataset:
        """Return the patient and study modules."""
        header = Dataset()
        header.PatientName = "Twin^One"
        header.PatientID = f"TWIN-{self.seed:04d}"
        header.PatientBirthDate = "19780101"
        header.PatientSex = "O"
        header.PatientAge = "046Y"
        header.PatientComments = "Synthetic digital twin, not a person"
        header.PatientIdentityRemoved = "YES"
        header.DeidentificationMethod = "Synthetic, never identified"
        header.StudyInstanceUID = self.uid("study")
        header.StudyID = "1"
        header.StudyDate = self.date
        header.StudyTime = "100000"
        header.AccessionNumber = ""
        header.ReferringPhysicianName = ""
        header.StudyDescription = self.description
        header.Manufacturer = "venoseg"
        header.ManufacturerModelName = "Digital twin"
        header.DeviceSerialNumber = "0"
        header.SoftwareVersions = "1"
        return header
