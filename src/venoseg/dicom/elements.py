"""Reading single values out of a header by what they must be, not by the type the file claims.

Exports carry wrong value types, padded text and empty elements. Here every value is taken from its
raw bytes by the meaning its tag has in the standard; what does not fit is "silent" (None), never an
exception and never a guess. An element so damaged that it has no bytes of its own is a ValueError.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from functools import cache

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag, Tag

from venoseg.dicom.image import Vector

TEXT_LIMIT = 1024
# Groups that may be repeated have no keyword in the dictionary; this is the first of them.
OVERLAY_TAGS = {"OverlayBitsAllocated": 0x60000100, "OverlayBitPosition": 0x60000102}


@cache
def _tag(keyword: str) -> BaseTag:
    tag = OVERLAY_TAGS.get(keyword) or tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(f"{keyword} is no keyword of the standard")
    return Tag(tag)


class Elements:
    """The elements of one dataset, read by keyword.

    Parameters
    ----------
    dataset
        The header or one item of a sequence in it.
    little_endian
        Byte order of binary numbers in it.
    """

    __slots__ = ("dataset", "little_endian")

    def __init__(self, dataset: Dataset, little_endian: bool = True) -> None:
        self.dataset = dataset
        self.little_endian = little_endian

    def has(self, keyword: str) -> bool:
        """Tell whether the element is present with a value."""
        return bool(self._raw(keyword))

    def text(self, keyword: str) -> str:
        """Return the first value as text, empty when silent."""
        values = self.texts(keyword)
        return values[0] if values else ""

    def texts(self, keyword: str) -> tuple[str, ...]:
        """Return all values as stripped text."""
        value = self._raw(keyword)
        if value is None:
            return ()
        if isinstance(value, bytes):
            words = value[:TEXT_LIMIT].decode("latin-1").split("\\")
        elif isinstance(value, (list, tuple, MultiValue)):
            words = [str(word) for word in value]
        else:
            words = [str(value)]
        return tuple(word.strip(" \t\r\n\0") for word in words)

    def decimals(self, keyword: str, count: int) -> tuple[float, ...] | None:
        """Return exactly ``count`` finite decimal-string numbers, or None."""
        words = self.texts(keyword)
        if len(words) != count:
            return None
        try:
            numbers = tuple(float(word) for word in words)
        except ValueError:
            return None
        return numbers if all(math.isfinite(n) and abs(n) < 1e9 for n in numbers) else None

    def decimal(self, keyword: str) -> float | None:
        """Return one finite decimal-string number, or None."""
        numbers = self.decimals(keyword, 1)
        return numbers[0] if numbers else None

    def vector(self, keyword: str) -> Vector | None:
        """Return three decimal-string numbers, or None."""
        numbers = self.decimals(keyword, 3)
        return (numbers[0], numbers[1], numbers[2]) if numbers else None

    def pair(self, keyword: str) -> tuple[float, float] | None:
        """Return two decimal-string numbers, or None."""
        numbers = self.decimals(keyword, 2)
        return (numbers[0], numbers[1]) if numbers else None

    def integer(self, keyword: str) -> int | None:
        """Return one integer-string number, or None."""
        number = self.decimal(keyword)
        return int(number) if number is not None and number == int(number) else None

    def binary(self, keyword: str) -> int | None:
        """Return one 16- or 32-bit number as its unsigned bit pattern, or None."""
        numbers = self.binaries(keyword)
        return numbers[0] if numbers else None

    def binaries(self, keyword: str) -> tuple[int, ...]:
        """Return all 16-bit (or one 32-bit) numbers as unsigned bit patterns."""
        value = self._raw(keyword)
        if isinstance(value, bytes):
            order = "<" if self.little_endian else ">"
            if len(value) == 4 and self._vr(keyword) in ("UL", "SL"):
                return struct.unpack(order + "I", value)
            count = min(len(value), TEXT_LIMIT) // 2
            return struct.unpack(f"{order}{count}H", value[: 2 * count])
        if isinstance(value, int):
            return (value & 0xFFFFFFFF if value >= 0 else value & 0xFFFF,)
        if isinstance(value, (list, tuple, MultiValue)):
            return tuple(int(v) & 0xFFFF for v in value)
        return ()

    def floats(self, keyword: str) -> tuple[float, ...]:
        """Return the values of a binary floating point element (FL, FD) or numbers as text."""
        value = self._raw(keyword)
        if isinstance(value, bytes):
            order = "<" if self.little_endian else ">"
            code, size = ("d", 8) if self._vr(keyword) == "FD" else ("f", 4)
            count = min(len(value), 2**20) // size
            return struct.unpack(f"{order}{count}{code}", value[: size * count])
        if isinstance(value, (list, tuple, MultiValue)):
            return tuple(float(v) for v in value)
        return () if value is None else (float(str(value)),)

    def items(self, keyword: str) -> Iterator[Elements]:
        """Iterate over the items of a sequence; none when it is absent or is no sequence.

        Raises
        ------
        ValueError
            When it is damaged.
        """
        tag = _tag(keyword)
        if tag not in self.dataset:
            return
        try:
            value = self.dataset[tag].value
        except Exception as error:
            # pydicom raises whatever a damaged sequence leads it into.
            raise ValueError(f"{keyword} cannot be read") from error
        if isinstance(value, MultiValue) or not isinstance(value, bytes | str):
            for item in value or ():
                if isinstance(item, Dataset):
                    yield Elements(item, self.little_endian)

    def item(self, keyword: str) -> Elements | None:
        """Return the first item of a sequence, or None."""
        return next(self.items(keyword), None)

    def _element(self, keyword: str) -> object:
        tag = _tag(keyword)
        try:
            return self.dataset.get_item(tag)
        except KeyError:
            return None
        except Exception as error:
            # pydicom raises whatever a damaged element leads it into.
            raise ValueError(f"{keyword} cannot be read") from error

    def _raw(self, keyword: str) -> object:
        element = self._element(keyword)
        value = getattr(element, "value", None)
        if value is None or value == b"" or value == "":
            return None
        return value

    def _vr(self, keyword: str) -> str:
        element = self._element(keyword)
        vr = getattr(element, "VR", None) or ""
        if isinstance(element, RawDataElement) and vr in ("", "UN"):
            return dictionary_VR(keyword)
        return str(vr)
