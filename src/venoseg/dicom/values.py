"""From stored pixels to values with a meaning: padding, unused bits, rescale, and the unit.

Values become int16 where slope and intercept are whole numbers and the result fits, which is how CT
is written in practice; else float32. A voxel without a measurement gets `FILL_HU` and is marked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from venoseg.dicom.image import Image, Pixels, Plane
from venoseg.errors import DecodeError, SeriesError
from venoseg.volume import BoolArray, Unit

FILL_HU = -1024
# Nothing in a patient is darker than air; a corner filled with one value below this is padding
# that the header did not declare.
UNDECLARED_PADDING_HU = -1100
INT16 = np.iinfo(np.int16)

Stored = npt.NDArray[Any]


class DoesNotFitInt16Error(Exception):
    """Rescaled values leave the range of int16: the whole series must become float32."""


@dataclass(frozen=True, slots=True)
class Rescale:
    """Stored value to output value for one frame."""

    slope: float
    intercept: float

    @property
    def is_whole(self) -> bool:
        """Whether whole numbers stay whole."""
        return self.slope == int(self.slope) and self.intercept == int(self.intercept)


def rescale_of(plane: Plane) -> Rescale:
    """Return the rescale of a frame; 1 and 0 where the header is silent.

    Raises
    ------
    SeriesError
        When a table maps the values or the slope is zero.
    """
    if plane.has_lookup:
        raise SeriesError("its values go through a lookup table, which is not supported for CT")
    slope = 1.0 if plane.slope is None else plane.slope
    if slope == 0:
        raise SeriesError("its rescale slope is zero")
    return Rescale(slope, plane.intercept or 0.0)


def unit_of(images: list[tuple[Image, Plane]]) -> Unit:
    """Return ``HU`` where every frame says so or is a plain CT image with a rescale.

    A rescale type other than HU, a parametric frame (perfusion, material maps) or a missing rescale
    makes the values arbitrary.
    """
    for image, plane in images:
        if plane.slope is None or plane.intercept is None:
            return "arbitrary"
        if plane.rescale_type.upper() not in ("", "HU", "HU_MOD"):
            return "arbitrary"
        if image.modality != "CT":
            return "arbitrary"
    return "HU"


def convert(
    stored: Stored, pixels: Pixels, rescale: Rescale, label: str, out: Stored
) -> BoolArray | None:
    """Write the values of one stored frame into ``out``.

    Parameters
    ----------
    stored
        (rows, columns) as read; may share its memory with ``out``.
    out
        (rows, columns), int16 or float32.

    Returns
    -------
    Where nothing was measured, or None when everything was.

    Raises
    ------
    DoesNotFitInt16Error
        When ``out`` is int16 and a value is outside its range.
    DecodeError
        When stored values contradict the number of bits the header states.
    """
    missing = _declared_padding(stored, pixels)
    if missing is not None:
        # Padding may lie outside the bits in use; any value inside them does for it.
        stored[missing] = 0
    stored, low, high = meaningful_bits(stored, pixels, label)
    ends = sorted(
        (low * rescale.slope + rescale.intercept, high * rescale.slope + rescale.intercept)
    )
    padding = _undeclared_padding(stored, low, high, rescale, ends[0])
    if padding is not None:
        missing = padding if missing is None else missing | padding
    _scale(stored, rescale, ends, out)
    if missing is not None:
        out[missing] = FILL_HU
    return missing


def _scale(stored: Stored, rescale: Rescale, ends: list[float], out: Stored) -> None:
    if out.dtype != np.int16:
        np.multiply(stored, rescale.slope, out=out, casting="unsafe")
        np.add(out, np.float32(rescale.intercept), out=out)
        return
    if ends[0] < INT16.min or ends[1] > INT16.max:
        raise DoesNotFitInt16Error
    if rescale.slope != 1:
        out[...] = stored.astype(np.int64) * int(rescale.slope) + int(rescale.intercept)
    elif stored.dtype.itemsize == 2:
        # The result fits, so arithmetic modulo 2**16 gives it whatever the sign of the stored type.
        intercept = np.uint16(int(rescale.intercept) & 0xFFFF)
        np.add(stored.view(np.uint16), intercept, out=out.view(np.uint16))
    else:
        out[...] = stored.astype(np.int64) + int(rescale.intercept)


def _declared_padding(stored: Stored, pixels: Pixels) -> BoolArray | None:
    if pixels.padding is None:
        return None
    pattern = stored.view(np.dtype(f"u{stored.dtype.itemsize}"))
    cell = (1 << pixels.bits_allocated) - 1
    padding = pixels.padding & cell
    if pixels.padding_limit is None:
        missing: BoolArray = pattern == padding
    else:
        as_stored = np.array([padding, pixels.padding_limit & cell], pattern.dtype)
        first, last = sorted(int(v) for v in as_stored.view(stored.dtype))
        missing = (stored >= first) & (stored <= last)
    return missing if missing.any() else None


def meaningful_bits(stored: Stored, pixels: Pixels, label: str) -> tuple[Stored, int, int]:
    """Return the values of the bits in use, the lowest and the highest.

    Bits above them must repeat the sign, or be empty, or be declared as a drawing; a value that
    needs more bits than the header states makes both doubtful.
    """
    bits, cell = pixels.bits_stored, pixels.bits_allocated
    low, high = int(stored.min()), int(stored.max())
    if bits == cell:
        return stored, low, high
    shift = pixels.high_bit + 1 - bits
    if shift == 0 and not pixels.overlay_bits:
        if pixels.signed and -(1 << (bits - 1)) <= low and high < 1 << (bits - 1):
            return stored, low, high
        if low >= 0 and high < 1 << bits:
            return (
                _with_range(_signed(stored, bits, cell)) if pixels.signed else (stored, low, high)
            )
        raise DecodeError(
            f"pixels hold values from {low} to {high} where the header states {bits} bits",
            where=label,
        )
    pattern = stored.view(np.dtype(f"u{stored.dtype.itemsize}")) >> shift
    kept = (pattern & ((1 << bits) - 1)).astype(pattern.dtype)
    return _with_range(_signed(kept.view(stored.dtype), bits, cell) if pixels.signed else kept)


def _with_range(stored: Stored) -> tuple[Stored, int, int]:
    return stored, int(stored.min()), int(stored.max())


def _signed(stored: Stored, bits: int, cell: int) -> Stored:
    """Extend the sign of values kept in the lower bits."""
    unused = cell - bits
    extended: Stored = (stored << unused) >> unused
    return extended


def _undeclared_padding(
    stored: Stored, low: int, high: int, rescale: Rescale, lowest: float
) -> BoolArray | None:
    if lowest >= UNDECLARED_PADDING_HU:
        return None
    darkest = low if rescale.slope > 0 else high
    corners = stored[[0, 0, -1, -1], [0, -1, 0, -1]]
    return stored == darkest if (corners == darkest).any() else None
