"""From a file to its header: whether it is DICOM at all, and what it says."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from pydicom import Dataset, dcmread
from pydicom.dataset import FileDataset

from venoseg.dicom.elements import Elements
from venoseg.dicom.image import Image, Pixels
from venoseg.dicom.planes import planes_of
from venoseg.dicom.sources import Location
from venoseg.dicom.syntaxes import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from venoseg.errors import InputError

DAY_S = 24 * 3600
UNDEFINED_LENGTH = 0xFFFFFFFF
MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"


def is_dicom(start: bytes) -> bool:
    """Tell from a file's first 132 bytes whether it is worth reading as DICOM.

    Without the preamble a file counts when it begins with an element of group 0002 or 0008 whose
    number is one that stands first in practice.
    """
    if start[128:132] == b"DICM":
        return True
    if len(start) < 8:
        return False
    for order in "<>":
        group, element = struct.unpack(order + "HH", start[:4])
        if group in (2, 8) and element <= 0x18:
            return start[4:6].isalpha() or struct.unpack(order + "I", start[4:8])[0] < 2**16
    return False


def read_header(location: Location) -> FileDataset | None:
    """Read everything before the pixels.

    Returns
    -------
    The header, or None when the file is not DICOM.

    Raises
    ------
    InputError
        When the file is DICOM but damaged.
    """
    with location.open() as stream, quiet_pydicom():
        found = _parse(stream, location)
        return found[0] if found else None


def read_image(location: Location) -> Image | None:
    """Read what venoseg keeps of a header.

    Returns
    -------
    None when the file is not DICOM, or is the directory of a medium.

    Raises
    ------
    InputError
        When the file is DICOM but damaged.
    """
    with location.open() as stream, quiet_pydicom():
        found = _parse(stream, location)
        if found is None:
            return None
        try:
            return _image(location, *found)
        except (ValueError, TypeError, OverflowError, AttributeError, RecursionError) as error:
            raise _damaged(location) from error


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Keep pydicom from warning about what venoseg judges for itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _image(
    location: Location, dataset: FileDataset, offset: int | None, length: int | None
) -> Image | None:
    elements = Elements(dataset, bool(dataset.original_encoding[1]))
    meta = Elements(dataset.file_meta)
    sop_class = elements.text("SOPClassUID") or meta.text("MediaStorageSOPClassUID")
    if sop_class == MEDIA_DIRECTORY:
        return None
    pixels = _pixels(elements, meta, offset, length)
    return Image(
        location=location,
        study_uid=elements.text("StudyInstanceUID"),
        series_uid=elements.text("SeriesInstanceUID"),
        sop_uid=elements.text("SOPInstanceUID") or meta.text("MediaStorageSOPInstanceUID"),
        sop_class=sop_class,
        modality=elements.text("Modality"),
        frame_of_reference_uid=elements.text("FrameOfReferenceUID"),
        series_number=elements.integer("SeriesNumber"),
        instance_number=elements.integer("InstanceNumber"),
        description=_description(elements),
        contrast=elements.has("ContrastBolusAgent") or elements.has("ContrastBolusAgentSequence"),
        contrast_delay_s=_contrast_delay_s(elements),
        pixels=pixels,
        planes=planes_of(elements, sop_class, pixels.frames if pixels else 0),
    )


def _contrast_delay_s(elements: Elements) -> float | None:
    """Return the time from the start of the injection to the image, None when not stated."""
    start = _seconds(elements.text("ContrastBolusStartTime"))
    now = _seconds(elements.text("AcquisitionTime") or elements.text("ContentTime"))
    if start is None or now is None:
        return None
    return (now - start) % DAY_S


def _seconds(clock: str) -> float | None:
    """Return a time of day as seconds since midnight."""
    digits = clock.partition(".")[0]
    if len(digits) != 6 or not digits.isascii() or not digits.isdigit():
        return None
    return int(digits[:2]) * 3600.0 + int(digits[2:4]) * 60 + int(digits[4:])


def _description(elements: Elements) -> str:
    """Return the series' own description, in its character set where that can be decoded."""
    try:
        text = str(elements.dataset.get("SeriesDescription", "") or "")
    except (ValueError, LookupError, TypeError, AttributeError):
        text = elements.text("SeriesDescription")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:64]


def _pixels(
    elements: Elements, meta: Elements, offset: int | None, length: int | None
) -> Pixels | None:
    rows, columns = elements.binary("Rows"), elements.binary("Columns")
    if rows is None or columns is None:
        return None
    syntax = meta.text("TransferSyntaxUID") or _native_syntax(elements.dataset)
    bits = elements.binary("BitsAllocated") or 0
    stored = elements.binary("BitsStored") or bits
    frames = elements.integer("NumberOfFrames")
    overlay = 0
    if elements.binary("OverlayBitsAllocated") == bits and bits > 1:
        position = elements.binary("OverlayBitPosition")
        overlay = 1 << position if position is not None and position < bits else 0
    return Pixels(
        transfer_syntax=syntax,
        rows=rows,
        columns=columns,
        samples=elements.binary("SamplesPerPixel") or 1,
        photometric=elements.text("PhotometricInterpretation"),
        bits_allocated=bits,
        bits_stored=stored,
        high_bit=_or(elements.binary("HighBit"), stored - 1),
        signed=elements.binary("PixelRepresentation") == 1,
        frames=1 if frames is None else frames,
        offset=offset,
        length=length,
        padding=elements.binary("PixelPaddingValue"),
        padding_limit=elements.binary("PixelPaddingRangeLimit"),
        overlay_bits=overlay,
    )


def _or(value: int | None, fallback: int) -> int:
    return fallback if value is None else value


def _parse(
    stream: BinaryIO, location: Location
) -> tuple[FileDataset, int | None, int | None] | None:
    """Return (header, offset of the pixels, their length), or None when it is not DICOM."""
    start = stream.read(132)
    if not is_dicom(start):
        return None
    stream.seek(0)
    try:
        dataset = dcmread(stream, stop_before_pixels=True, force=True)
        offset, length = _pixel_place(stream, dataset)
    except Exception as error:
        # pydicom raises whatever a damaged file leads it into; all of it means the same here.
        raise _damaged(location) from error
    if not len(dataset):
        if start[128:132] != b"DICM":
            return None
        raise InputError("the DICOM header is empty", where=location.label)
    return dataset, offset, length


def _pixel_place(stream: BinaryIO, dataset: FileDataset) -> tuple[int | None, int | None]:
    """Return where the value of Pixel Data starts and its length, None when encapsulated."""
    implicit, little = dataset.original_encoding
    order = "<" if little else ">"
    head = stream.read(12)
    if len(head) < 8 or struct.unpack(order + "HH", head[:4]) != (0x7FE0, 0x0010):
        return None, None
    if implicit:
        stream.seek(-(len(head) - 8), io.SEEK_CUR)
        length = struct.unpack(order + "I", head[4:8])[0]
    else:
        length = struct.unpack(order + "I", head[8:12])[0]
    return stream.tell(), None if length == UNDEFINED_LENGTH else length


def _native_syntax(dataset: Dataset) -> str:
    """Name the syntax of a file that states none, from how its header turned out to be written."""
    implicit, little = dataset.original_encoding
    if implicit:
        return IMPLICIT_LITTLE
    return EXPLICIT_LITTLE if little else EXPLICIT_BIG


def _damaged(location: Location) -> InputError:
    return InputError(
        "the DICOM header is damaged", where=location.label, remedy="export the file again"
    )
