"""Which calibration a run gets: the object that was named, one that its header names, or none.

Every step down is said in words. A size is never guessed: an object that is seen in the picture
counts only when the user or the header states how large it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from venoseg.angiography.bands import Bands
from venoseg.angiography.course import Course
from venoseg.angiography.edges import Edges
from venoseg.angiography.fiducials import (
    Fiducial,
    calibrate,
    calibrate_by_bands,
    calibrate_by_shaft,
    count_bands,
)
from venoseg.angiography.run import Image
from venoseg.angiography.shaft_search import Shaft
from venoseg.angiography.subtraction import Subtraction, native_attenuation
from venoseg.dicom.calibration import Calibration
from venoseg.errors import MeasurementError

Object = Fiducial | Bands | Shaft
"""What can be measured in the picture to calibrate with."""

# The magnification at a vein lies between these; the detector's spacing over it is a pixel there.
_MAGNIFIED = (1.05, 2.2)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of lengths before the picture is looked at.

    Attributes
    ----------
    named
        The object that the user names; None: ``auto``.
    stated
        Objects that the header says lie in the picture, with their sizes, the surest first.
    header
        The best calibration the header allows without the picture.
    frames
        First and last frame, from 0, for which an object holds; None: all.
    """

    named: Object | None
    stated: Sequence[Bands | Shaft]
    header: Calibration
    frames: tuple[int, int] | None


def choose_calibration(
    subtraction: Subtraction, veins: list[Edges], known: Known
) -> tuple[Calibration, tuple[str, ...]]:
    """Return the calibration of a run, and what must be said about it.

    Raises
    ------
    MeasurementError
        When the object that the user names is not found. One that only the header names leads to
        the header's own calibration instead, and that is said.
    """
    native = native_attenuation(subtraction)
    row, column = subtraction.mask_shift_px
    placed = [_moved(edges, (-column, -row)) for edges in veins]

    def measured(wanted: Object) -> Calibration:
        seen = subtraction.run.seen
        if isinstance(wanted, Bands):
            return calibrate_by_bands(wanted, native, seen, placed, known.frames)
        if isinstance(wanted, Shaft):
            return calibrate_by_shaft(wanted, native, seen, placed, known.frames)
        moved = wanted.moved(-row, -column)
        return calibrate(moved, native, seen, veins[0].look, known.frames)

    if known.named is not None:
        found = measured(known.named)
        return found, _against(found, known.header)
    words: list[str] = []
    for wanted in known.stated:
        name = "marker bands" if isinstance(wanted, Bands) else "catheter"
        try:
            found = measured(wanted)
        except MeasurementError as error:
            words.append(f"the {name} of the header's device were not used: {error.what}")
            continue
        doubt = _against(found, known.header)
        if not doubt:
            stated = replace(found, reason=f"{found.reason}; the size is the header's")
            return stated, tuple(words)
        words.append(f"the {name} of the header's device were not used: {doubt[0]}")
    return known.header, (*words, *_unused(native, subtraction, placed, known))


def _moved(edges: Edges, by_px: tuple[float, float]) -> Edges:
    """Return edges elsewhere in the picture, by columns and rows."""
    if by_px == (0.0, 0.0):
        return edges
    course = Course(edges.course.points_px + np.array(by_px), edges.course.normals)
    return replace(edges, course=course)


def _against(found: Calibration, header: Calibration) -> tuple[str, ...]:
    """Say where a factor from the picture cannot be reconciled with the header's."""
    if found.mm_per_pixel is None or header.mm_per_pixel is None:
        return ()
    own, other = float(np.mean(found.mm_per_pixel)), float(np.mean(header.mm_per_pixel))
    if header.kind == "detector":
        low, high = other / _MAGNIFIED[1], other / _MAGNIFIED[0]
    else:
        width = float(
            np.hypot(found.relative_uncertainty or 0.0, header.relative_uncertainty or 0.0)
        )
        low, high = other * (1.0 - width), other * (1.0 + width)
    if low <= own <= high:
        return ()
    words = (
        f"the {found.kind} makes a pixel {own:.3f} mm, by the header it is {low:.3f} to "
        f"{high:.3f} mm: the size that was given or the header is wrong"
    )
    return (words,)


def _unused(
    native: Image, subtraction: Subtraction, veins: list[Edges], known: Known
) -> tuple[str, ...]:
    """Say that marker bands are seen which would calibrate, if somebody knew their distance."""
    if known.header.length_kind == "calibrated" or any(
        isinstance(wanted, Bands) for wanted in known.stated
    ):
        return ()
    count = count_bands(native, subtraction.run.seen, veins)
    if not count:
        return ()
    words = (
        f"{count} marker bands are seen in the vein, but nothing says how far apart they are: "
        "--calibration marker:LENGTHmm measures millimetres by them"
    )
    return (words,)
