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
LOSSY_FRAMES = {0xC0, 0xC1, 0xC2}
LOSSLESS_FRAME = 0xC3
JPEG_LS_FRAME = 0xF7
FRAME_MARKERS = {*LOSSY_FRAMES, LOSSLESS_FRAME, JPEG_LS_FRAME}
# Tables, restart interval, application data, comments, JPEG-LS parameters.
TABLE_MARKERS = {0xC4, 0xCC, 0xDB, 0xDD, 0xF8, 0xFE, *range(0xE0, 0xF0)}
START_OF_SCAN = 0xDA
PADDING_LIMIT_BYTES = 64


@dataclass(frozen=True, slots=True)
class CodestreamHeader:
    """Size and sample type as the compressed frame itself states them; 0 where it has no marker."""

    rows: int
    columns: int
    components: int
    precision: int
    signed: bool
    complete: bool
    marker: int = 0


def read_jpeg_header(frame: bytes) -> CodestreamHeader | None:
    """Read a JPEG, JPEG lossless or JPEG-LS frame's header; None when it is not sound.

    Every segment up to the first scan is walked: a decoder that finds its own way through broken
    ones may see another image than the one checked here, and GDCM then ends the whole process.
    """
    found: CodestreamHeader | None = None
    at = len(JPEG_START)
    while frame.startswith(JPEG_START) and at + 4 <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        length = int.from_bytes(frame[at + 2 : at + 4], "big")
        segment = frame[at + 4 : at + 2 + length]
        if length < 2 or len(segment) != length - 2:
            return None
        if marker == START_OF_SCAN:
            return found if found and _is_scan_of(segment, found) else None
        if marker in FRAME_MARKERS:
            if found is not None:
                return None
            found = _frame_header(marker, segment, _ends(frame))
            if found is None:
                return None
        elif marker not in TABLE_MARKERS:
            return None
        at += 2 + length
    return None


def _frame_header(marker: int, segment: bytes, complete: bool) -> CodestreamHeader | None:
    if len(segment) < 6:
        return None
    precision, rows, columns, components = struct.unpack(">BHHB", segment[:6])
    if len(segment) != 6 + 3 * components:
        return None
    return CodestreamHeader(rows, columns, components, precision, False, complete, marker)


def _is_scan_of(segment: bytes, found: CodestreamHeader) -> bool:
    """Tell whether the first scan fits the frame it belongs to."""
    if not segment or len(segment) != 4 + 2 * segment[0] or not 1 <= segment[0] <= found.components:
        return False
    start, end, approximation = segment[-3:]
    if found.marker == LOSSLESS_FRAME:
        return 1 <= start <= 7 and end == 0 and approximation < found.precision
    if found.marker in LOSSY_FRAMES:
        return start <= end <= 63
    return True


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
