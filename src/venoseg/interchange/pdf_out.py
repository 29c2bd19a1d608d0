"""A report for people as a DICOM object: Encapsulated PDF."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian, generate_uid

from venoseg.errors import OutputError
from venoseg.interchange.source_headers import odd_headers_refused, source_headers

_SERIES_NUMBER = 902
_TITLE = ("18748-4", "LN", "Diagnostic imaging report")


def write_encapsulated_pdf(pdf: Path, header: Dataset, path: Path) -> Dataset:
    """Write a PDF as a DICOM object of the study that an image belongs to.

    It names no patient and no date; the study's UID is what it belongs by. The same PDF gets the
    same UIDs again.

    Parameters
    ----------
    pdf
        The file.
    header
        Of one image of the study, without pixels.
    path
        Where to write.

    Raises
    ------
    OutputError
        When the header lacks what the object must refer to, or the file cannot be written.
    """
    with odd_headers_refused(path.name):
        (source,) = source_headers([header], identified=False)
        found = _dataset(pdf.read_bytes(), source)
    try:
        found.save_as(path, enforce_file_format=True)
    except OSError as error:
        raise OutputError("the PDF cannot be written as DICOM", where=path.name) from error
    return found


def _dataset(content: bytes, source: Dataset) -> Dataset:
    digest = hashlib.sha256(content).hexdigest()
    entropy = [str(source.StudyInstanceUID), digest]
    found = Dataset()
    found.SOPClassUID = EncapsulatedPDFStorage
    found.SOPInstanceUID = generate_uid(entropy_srcs=["pdf", *entropy])
    for keyword in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex"):
        setattr(found, keyword, "")
    for keyword in ("StudyDate", "StudyTime", "AccessionNumber", "StudyID"):
        setattr(found, keyword, "")
    found.ReferringPhysicianName = ""
    found.StudyInstanceUID = source.StudyInstanceUID
    found.SeriesInstanceUID = generate_uid(entropy_srcs=["pdf series", *entropy])
    found.SeriesNumber = _SERIES_NUMBER
    found.SeriesDescription = "Veins over time"
    found.InstanceNumber = 1
    found.Modality = "DOC"
    found.ConversionType = "WSD"
    found.Manufacturer = found.ManufacturerModelName = "venoseg"
    found.DeviceSerialNumber = "none"
    found.SoftwareVersions = version("venoseg")
    found.SpecificCharacterSet = "ISO_IR 192"
    for keyword in ("ContentDate", "ContentTime", "AcquisitionDateTime"):
        setattr(found, keyword, "")
    found.BurnedInAnnotation = "NO"
    found.DocumentTitle = "Inferior vena cava and iliac veins over time"
    title = Dataset()
    title.CodeValue, title.CodingSchemeDesignator, title.CodeMeaning = _TITLE
    found.ConceptNameCodeSequence = [title]
    found.MIMETypeOfEncapsulatedDocument = "application/pdf"
    found.EncapsulatedDocumentLength = len(content)
    found.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found.file_meta.MediaStorageSOPClassUID = found.SOPClassUID
    found.file_meta.MediaStorageSOPInstanceUID = found.SOPInstanceUID
    return found
