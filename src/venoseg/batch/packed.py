"""The headers of a study as one blob, so that no process holds those of studies that wait."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Iterable

from venoseg.dicom.image import Image


def pack_images(images: list[Image]) -> bytes:
    """Return headers as a blob."""
    return zlib.compress(pickle.dumps(images), 1)


def unpack_images(packed: Iterable[bytes]) -> list[Image]:
    """Return the headers of a study in the order of their places."""
    images = [image for blob in packed for image in pickle.loads(zlib.decompress(blob))]
    return sorted(images, key=lambda image: image.location)
