"""The same images under other UIDs, as a second export or another anonymiser makes them.

Headers tell which series may be the same: those whose images have the same size and lie at the same
places. Pixels prove it: the noise of two acquisitions is never the same.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from venoseg.dicom.image import Image
from venoseg.dicom.pixels import open_frames
from venoseg.errors import InputError

# What is measured; other objects of a study do not make it another one.
MEASURED = ("CT", "XA", "RF")
# Frames of a series that are compared: the first, the last, and some in between.
_FRAMES = 5


def series_by_mark(images: Iterable[Image]) -> Iterator[tuple[str, list[Image]]]:
    """Yield each series of a study that can be measured, with a digest of what its headers say.

    The digest is the same for two series of images of the same sizes at the same places.
    """
    by_series: dict[str, dict[str, Image]] = defaultdict(dict)
    for image in images:
        if image.pixels is not None and image.modality in MEASURED:
            by_series[image.series_uid].setdefault(image.sop_uid, image)
    for _, members in sorted(by_series.items()):
        found = sorted(members.values(), key=_place)
        yield _digest(repr([_place(image) for image in found]).encode()), found


def _place(image: Image) -> tuple[object, ...]:
    assert image.pixels is not None
    planes = tuple(
        tuple(round(v, 2) for v in plane.position_lps_mm or ())
        + tuple(round(v, 4) for v in (*(plane.row_lps or ()), *(plane.column_lps or ())))
        + tuple(round(v, 4) for v in plane.spacing_mm or ())
        for plane in image.planes
    )
    shape = (image.pixels.frames, image.pixels.rows, image.pixels.columns)
    number = -1 if image.instance_number is None else image.instance_number
    return planes, shape, image.modality, number


def pixel_mark(images: list[Image]) -> str | None:
    """Return a digest of some frames of a series, None where they prove nothing.

    Parameters
    ----------
    images
        Of one series, in the order of `series_by_mark`.
    """
    frames = [(image, frame) for image in images for frame in range(_frames(image))]
    digests = []
    telling = False
    for number in sorted({round(n) for n in np.linspace(0, len(frames) - 1, _FRAMES)}):
        image, frame = frames[number]
        try:
            with open_frames(image) as opened:
                stored = opened.read(frame)
        except InputError:
            return None
        telling = telling or bool(stored.min() != stored.max())
        digests.append(_digest(stored.astype(np.int64).tobytes()))
    return _digest(" ".join(digests).encode()) if telling else None


def _frames(image: Image) -> int:
    return 0 if image.pixels is None else max(image.pixels.frames, 1)


def set_aside(
    marks: Mapping[str, frozenset[str]], rank: Callable[[str], tuple[object, ...]]
) -> dict[str, str]:
    """Return the studies all of whose images another one holds, each with that other one.

    Parameters
    ----------
    marks
        Study UID to the marks of its series.
    rank
        The study of the lowest rank is the one to keep.
    """
    kept: dict[str, list[str]] = defaultdict(list)
    same: dict[str, str] = {}
    for study in sorted(marks, key=rank):
        if not marks[study]:
            continue
        others = kept[min(marks[study])]
        twin = next((other for other in others if marks[study] <= marks[other]), None)
        if twin is not None:
            same[study] = twin
            continue
        for mark in marks[study]:
            kept[mark].append(study)
    return same


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
