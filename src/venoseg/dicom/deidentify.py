"""A copy of studies without the patients' identity, by PS3.15's Basic profile.

UIDs, names and IDs become digests under a key: the same patient gets the same pseudonym in every
export that is copied with that key, and nobody without it can tell who it was. Dates move by a
number of days that is the patient's own, so that intervals stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset

from venoseg.dicom.cleaning import clean_copy
from venoseg.dicom.finding import walk_exports
from venoseg.dicom.header import is_dicom, quiet_pydicom
from venoseg.dicom.pseudonyms import text_of
from venoseg.dicom.sources import Location
from venoseg.errors import InputError, describe_defect
from venoseg.output import output_folder

_COPIED = ("CT", "XA", "RF", "SEG")
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


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
            unsure = _may_showtext_of(dataset) and not pixels_clean
            clean = clean_copy(dataset, key, identity_removed=not unsure)
            target = out / str(clean.PatientID) / clean.StudyInstanceUID / clean.SeriesInstanceUID
            target.mkdir(parents=True, exist_ok=True)
            dcmwrite(target / f"{clean.SOPInstanceUID}.dcm", clean, enforce_file_format=True)
    except InputError as error:
        return error.what
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - it is recorded
        # pydicom raises whatever a damaged file leads it into; the file is left out and counted.
        return f"damaged ({describe_defect(error).partition(':')[0]})"
    copied.images += 1
    copied.unsure += unsure
    return ""


def _against(dataset: Dataset, pixels_clean: bool) -> str:
    modality = text_of(dataset, "Modality")
    if text_of(dataset, "SOPClassUID").startswith(_SECONDARY_CAPTURE):
        return "secondary captures, which may show the patient's name"
    if modality not in _COPIED:
        return "no CT, angiogram or segmentation"
    if text_of(dataset, "BurnedInAnnotation") == "YES" and not pixels_clean:
        return "the header says that text is burned into the pixels"
    return ""


def _may_showtext_of(dataset: Dataset) -> bool:
    """Tell whether text in the pixels is usual and nothing rules it out."""
    derived = "SECONDARY" in str(dataset.get("ImageType", ""))
    usual = text_of(dataset, "Modality") in ("XA", "RF") or derived
    return usual and text_of(dataset, "BurnedInAnnotation") != "NO"
