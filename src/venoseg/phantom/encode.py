"""Writing DICOM files whose bytes depend on nothing but their content."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from venoseg.errors import OutputError, UsageError
from venoseg.phantom.identity import IMPLEMENTATION_NAME, IMPLEMENTATION_UID

TRANSFER_SYNTAXES: dict[str, UID] = {
    "explicit": ExplicitVRLittleEndian,
    "implicit": ImplicitVRLittleEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
    "big-endian": ExplicitVRBigEndian,
    "rle": RLELossless,
    "jpeg-lossless": JPEGLosslessSV1,
    "jpeg-ls": JPEGLSLossless,
    "jpeg-2000": JPEG2000Lossless,
}
"""Names of the transfer syntaxes that can be written, all lossless, and their UIDs."""


def sequence_item(**values: object) -> Dataset:
    """Return a dataset of keywords and values, to stand in a sequence."""
    item = Dataset()
    for name, value in values.items():
        setattr(item, name, value)
    return item


_PLAIN = ("explicit", "implicit", "deflated", "big-endian")


def write_dicom(dataset: Dataset, path: Path, transfer_syntax: str = "explicit") -> None:
    """Write one dataset as a DICOM file.

    ``dataset`` holds little-endian, uncompressed pixel data; it is changed where the transfer
    syntax demands it.

    Raises
    ------
    UsageError
        When the transfer syntax is not one of `TRANSFER_SYNTAXES`.
    OutputError
        When the file cannot be written.
    """
    if transfer_syntax not in TRANSFER_SYNTAXES:
        raise UsageError(
            f"cannot write the transfer syntax {transfer_syntax!r}",
            remedy=f"use one of {', '.join(TRANSFER_SYNTAXES)}",
        )
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(IMPLEMENTATION_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_NAME
    dataset.file_meta = meta
    if transfer_syntax in _PLAIN:
        dataset.file_meta.TransferSyntaxUID = TRANSFER_SYNTAXES[transfer_syntax]
    elif transfer_syntax == "jpeg-lossless":
        _compress_jpeg(dataset)
    else:
        _compress(dataset, transfer_syntax)
    if transfer_syntax == "big-endian" and dataset.get("BitsAllocated") == 16:
        dataset.PixelData = _swapped(dataset.PixelData)
    try:
        dataset.save_as(path, enforce_file_format=True)
    except OSError as error:
        raise OutputError("cannot be written", where=str(path)) from error


def _compress(dataset: Dataset, transfer_syntax: str) -> None:
    try:
        dataset.compress(TRANSFER_SYNTAXES[transfer_syntax], generate_instance_uid=False)
    except RuntimeError as error:
        raise OutputError(
            f"the encoder of {transfer_syntax} refuses images of this size or kind",
            remedy="choose another transfer syntax or larger images",
        ) from error


def _compress_jpeg(dataset: Dataset) -> None:
    """Compress as lossless JPEG, which pydicom has no encoder for, with that of GDCM."""
    import gdcm

    with tempfile.TemporaryDirectory() as scratch:
        plain, packed = str(Path(scratch) / "plain.dcm"), str(Path(scratch) / "packed.dcm")
        dataset.save_as(plain, enforce_file_format=True)
        reader, change = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax()
        reader.SetFileName(plain)
        kind = gdcm.TransferSyntax.JPEGLosslessProcess14_1
        change.SetTransferSyntax(gdcm.TransferSyntax(kind))
        done = reader.Read()
        change.SetInput(reader.GetImage())
        writer = gdcm.ImageWriter()
        writer.SetFileName(packed)
        writer.SetFile(reader.GetFile())
        done = done and change.Change()
        writer.SetImage(change.GetOutput())
        if not (done and writer.Write()):
            raise OutputError("the encoder of lossless JPEG refuses the image")
        dataset.PixelData = dcmread(packed).PixelData
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = JPEGLosslessSV1


def _swapped(pixels: bytes) -> bytes:
    import numpy as np

    return np.frombuffer(pixels, dtype="<u2").astype(">u2").tobytes()
