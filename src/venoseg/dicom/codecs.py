"""One decoder per transfer syntax, chosen for being right first and fast second.

============================  =======================  ==========================================
syntax                        decoder                  why
============================  =======================  ==========================================
RLE                           pydicom                  plain Python and NumPy, exact
JPEG baseline to lossless     GDCM                     the only permissive one for 12 and 16 bit
JPEG-LS                       CharLS (pyjpegls)        the reference implementation
JPEG 2000                     OpenJPEG through GDCM    same library, a third less overhead
HTJ2K                         OpenJPEG (pylibjpeg)     the only one
============================  =======================  ==========================================

Whatever a decoder returns is held against the frame's own header and the DICOM header.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from venoseg.dicom.codestream import (
    JPEG_LS_FRAME,
    LOSSLESS_FRAME,
    LOSSY_FRAMES,
    CodestreamHeader,
    read_jpeg_2000_header,
    read_jpeg_header,
)
from venoseg.dicom.image import Pixels
from venoseg.dicom.syntaxes import HTJ2K, JPEG, JPEG_LOSSLESS, JPEG_LS, RLE
from venoseg.errors import DecodeError

Stored = npt.NDArray[Any]


def decode_frame(frame: bytes, pixels: Pixels, label: str) -> Stored:
    """Decode one compressed frame.

    Returns
    -------
    (rows, columns) or (rows, columns, 3), in the type that bits allocated and sign demand.

    Raises
    ------
    DecodeError
        When the frame is incomplete, contradicts the DICOM header, or the decoder fails.
    """
    syntax = pixels.transfer_syntax
    if syntax == RLE:
        return _checked(_rle, frame, pixels, None, label)
    if syntax in JPEG or syntax in JPEG_LS:
        header = read_jpeg_header(frame)
        decoder = _jpeg_ls if syntax in JPEG_LS else _gdcm
    else:
        header = read_jpeg_2000_header(frame)
        decoder = _openjpeg if syntax in HTJ2K else _gdcm
    _compare(header, pixels, label)
    return _checked(decoder, frame, pixels, header, label)


PHOTOMETRIC = {
    "MONOCHROME1",
    "MONOCHROME2",
    "RGB",
    "YBR_FULL",
    "YBR_FULL_422",
    "YBR_ICT",
    "YBR_RCT",
}
Decoder = Callable[[bytes, Pixels, Any], Stored]


def _checked(
    decoder: Decoder, frame: bytes, pixels: Pixels, header: CodestreamHeader | None, label: str
) -> Stored:
    try:
        decoded = decoder(frame, pixels, header)
    except Exception as error:
        # The decoders raise whatever their C libraries hand them; all of it means the same here.
        raise DecodeError("a frame cannot be decoded", where=label) from error
    expected = pixels.rows * pixels.columns * pixels.samples
    if decoded.size != expected:
        raise DecodeError(
            f"a frame decodes to {decoded.size} samples where {expected} are stated", where=label
        )
    shape = (pixels.rows, pixels.columns) + ((pixels.samples,) if pixels.samples > 1 else ())
    return _as_stored(decoded.reshape(shape), pixels, header)


def _compare(header: CodestreamHeader | None, pixels: Pixels, label: str) -> None:
    if header is None:
        raise DecodeError("a compressed frame has no readable header", where=label)
    if header.marker and header.marker not in _frame_markers(pixels.transfer_syntax):
        raise DecodeError(
            "a compressed frame is not of the kind that its transfer syntax names", where=label
        )
    if not header.complete:
        raise DecodeError("a compressed frame is cut off", where=label, remedy="export it again")
    stated = (pixels.rows, pixels.columns, pixels.samples)
    if (header.rows, header.columns, header.components) != stated:
        raise DecodeError(
            f"a compressed frame is {header.rows} x {header.columns} x {header.components} where "
            f"the header states {stated[0]} x {stated[1]} x {stated[2]}",
            where=label,
        )
    if not 2 <= header.precision <= pixels.bits_allocated:
        raise DecodeError(
            f"a compressed frame has {header.precision} bits where {pixels.bits_allocated} fit",
            where=label,
        )


def _frame_markers(syntax: str) -> set[int]:
    """Return the start-of-frame markers that frames of a JPEG syntax may have."""
    if syntax in JPEG_LS:
        return {JPEG_LS_FRAME}
    return {LOSSLESS_FRAME} if syntax in JPEG_LOSSLESS else LOSSY_FRAMES


def _as_stored(decoded: Stored, pixels: Pixels, header: CodestreamHeader | None) -> Stored:
    """Bring decoded samples to the stored type, reading their sign as the DICOM header does.

    A JPEG frame has no sign of its own, and JPEG 2000 encoders often get theirs wrong: the bit
    pattern counts, at the precision of the frame.
    """
    dtype = np.dtype(f"{'i' if pixels.signed else 'u'}{pixels.bits_allocated // 8}")
    if header is None or (header.signed == pixels.signed and decoded.dtype.kind == dtype.kind):
        return decoded.astype(dtype, copy=False)
    unused = pixels.bits_allocated - header.precision
    pattern = decoded.astype(np.dtype(f"u{pixels.bits_allocated // 8}"))
    if unused == 0:
        return pattern.view(dtype)
    shifted: Stored = (pattern << unused).view(dtype) >> unused
    return shifted


def _rle(frame: bytes, pixels: Pixels, header: None) -> Stored:  # noqa: ARG001 - as the others
    from pydicom.encaps import encapsulate
    from pydicom.pixels.decoders.base import get_decoder

    options: dict[str, Any] = {
        "rows": pixels.rows,
        "columns": pixels.columns,
        "number_of_frames": 1,
        "samples_per_pixel": pixels.samples,
        "photometric_interpretation": _photometric(pixels),
        "planar_configuration": 1,
        "bits_allocated": pixels.bits_allocated,
        "bits_stored": pixels.bits_allocated,
        "pixel_representation": int(pixels.signed),
        "pixel_keyword": "PixelData",
    }
    source = encapsulate([frame], has_bot=False)
    decoder = get_decoder(RLE)
    decoded, _ = decoder.as_array(source, raw=True, index=0, decoding_plugin="pydicom", **options)
    return np.asarray(decoded)


def _jpeg_ls(frame: bytes, pixels: Pixels, header: CodestreamHeader) -> Stored:  # noqa: ARG001 - as the others
    import jpeg_ls

    return np.asarray(jpeg_ls.decode(np.frombuffer(frame, np.uint8)))


def _openjpeg(frame: bytes, pixels: Pixels, header: CodestreamHeader) -> Stored:  # noqa: ARG001 - as the others
    from openjpeg.utils import decode

    return np.asarray(decode(frame))


def _photometric(pixels: Pixels) -> str:
    """Return a name that GDCM knows: it ends the whole process over any other."""
    if pixels.photometric in PHOTOMETRIC:
        return pixels.photometric
    return "MONOCHROME2" if pixels.samples == 1 else "RGB"


def _gdcm(frame: bytes, pixels: Pixels, header: CodestreamHeader) -> Stored:
    import gdcm

    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(frame)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((pixels.columns, pixels.rows, 1))
    image.SetDataElement(element)
    kind = gdcm.PhotometricInterpretation.GetPIType(_photometric(pixels))
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(kind))
    syntax = gdcm.TransferSyntax.GetTSType(pixels.transfer_syntax)
    image.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    cell = 8 if header.precision <= 8 else 16 if header.precision <= 16 else 32
    signed = int(header.signed)
    # By this GDCM chooses among its JPEG decoders; one that does not fit says so on stderr first.
    chosen = 12 if pixels.transfer_syntax in JPEG and 8 < header.precision <= 12 else cell
    image.SetPixelFormat(
        gdcm.PixelFormat(pixels.samples, chosen, header.precision, header.precision - 1, signed)
    )
    raw = image.GetBuffer().encode("utf-8", "surrogateescape")
    return np.frombuffer(raw, np.dtype(f"<{'i' if signed else 'u'}{cell // 8}"))
