"""What a compressed frame says about itself, read before any decoder sees it.

Decoders have been seen to return stripes, zeros or a picture of another size without an error. A
frame is therefore decoded only when its own header agrees with the DICOM header and it is complete.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

JPEG_START = b"\xff\xd8"
JPEG_2000_START = b"\xff\x4f\xff\x51"
END_OF_IMAGE = b"\xff\xd9"
# Start-of-frame markers: baseline, extended, progressive, lossless and JPEG-LS.
FRAME_MARKERS = {0xC0, 0xC1, 0xC2, 0xC3, 0xF7}
STAND_ALONE = {0x01, *range(0xD0, 0xD9)}
START_OF_SCAN = 0xDA
PADDING_LIMIT_BYTES = 64


@dataclass(frozen=True, slots=True)
class CodestreamHeader:
    """Size and sample type as the compressed frame itself states them."""

    rows: int
    columns: int
    components: int
    precision: int
    signed: bool
    complete: bool


def read_jpeg_header(frame: bytes) -> CodestreamHeader | None:
    """Read a JPEG, JPEG lossless or JPEG-LS frame's header; None when there is none."""
    if not frame.startswith(JPEG_START):
        return None
    at = 2
    while at + 4 <= len(frame):
        if frame[at] != 0xFF:
            return None
        marker = frame[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in STAND_ALONE:
            at += 2
            continue
        if marker == START_OF_SCAN:
            return None
        length = int.from_bytes(frame[at + 2 : at + 4], "big")
        if marker in FRAME_MARKERS and at + 10 <= len(frame):
            precision, rows, columns, components = struct.unpack(">BHHB", frame[at + 4 : at + 10])
            return CodestreamHeader(rows, columns, components, precision, False, _ends(frame))
        at += 2 + max(length, 2)
    return None


def read_jpeg_2000_header(frame: bytes) -> CodestreamHeader | None:
    """Read a JPEG 2000 or HTJ2K codestream's size marker; None when there is none."""
    if not frame.startswith(JPEG_2000_START) or len(frame) < 45:
        return None
    x1, y1, x0, y0 = struct.unpack(">4I", frame[8:24])
    (components,) = struct.unpack(">H", frame[40:42])
    if len(frame) < 42 + 3 * components or components < 1:
        return None
    samples = frame[42 : 42 + 3 * components]
    if len({samples[i : i + 3] for i in range(0, len(samples), 3)}) != 1 or samples[1:3] != b"\1\1":
        return None
    return CodestreamHeader(
        rows=y1 - y0,
        columns=x1 - x0,
        components=components,
        precision=(samples[0] & 0x7F) + 1,
        signed=bool(samples[0] & 0x80),
        complete=_ends(frame),
    )


def _ends(frame: bytes) -> bool:
    """Tell whether the frame closes with its end marker, up to some padding.

    Entropy-coded data never contain the marker, so a frame that was cut off does not end with it.
    """
    return END_OF_IMAGE in frame[-PADDING_LIMIT_BYTES:]
