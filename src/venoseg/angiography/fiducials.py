"""Millimetres from something of known size in the picture: marker bands, a catheter, a stent.

The factor holds in the plane of the object. One inside the vein lies within half the vein's depth
of it; at 750 mm from the source that is about one percent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.spatial import cKDTree

from venoseg.angiography.bands import Bands, find_bands, gap_px
from venoseg.angiography.catheter import catheter_width
from venoseg.angiography.edges import Edges
from venoseg.angiography.marks import marker_middle
from venoseg.angiography.run import Image
from venoseg.angiography.shaft import Point
from venoseg.angiography.shaft_search import Shaft, find_shaft
from venoseg.angiography.stents import stent_width
from venoseg.angiography.widthmodel import Look
from venoseg.dicom.calibration import Calibration
from venoseg.errors import MeasurementError, UsageError
from venoseg.volume import BoolArray, FloatArray

FRENCH_MM = 1.0 / 3.0

FiducialKind = Literal["marker", "catheter", "ruler", "stent"]

# Half widths of 95 % intervals: of a marker's middle, and, as shares, of what depth does, at 750 mm
# from the source. An object in the vein lies within half its depth, and along its course the vein
# comes nearer by as much again in a view tilted by a few degrees: 7 mm; a ruler on the table lies
# up to 10 cm off.
_MARKER_PX = 0.25
_DEPTHS: dict[FiducialKind, float] = {
    "marker": 0.01,
    "catheter": 0.01,
    "ruler": 0.13,
    "stent": 0.01,
}

# So many of the bands that are found by themselves must lie in a measured vein.
_IN_THE_VEIN = 0.7


@dataclass(frozen=True, slots=True)
class Fiducial:
    """What the user points at.

    Attributes
    ----------
    kind
        ``marker``: two marks in the vein, ``size_mm`` apart. ``ruler``: two ticks of a ruler beside
        the patient. ``catheter``: a line across or along a catheter of outer diameter ``size_mm``.
        ``stent``: a line across a stent, ``size_mm`` between the middles of its outermost wires.
    size_mm
        Known.
    first_px, second_px
        Column and row.
    """

    kind: FiducialKind
    size_mm: float
    first_px: Point
    second_px: Point

    def moved(self, down_px: float, right_px: float) -> Fiducial:
        """Return the same object elsewhere in the picture."""
        first, second = (
            (column + right_px, row + down_px) for column, row in (self.first_px, self.second_px)
        )
        return replace(self, first_px=first, second_px=second)


def parse_fiducial(text: str) -> Fiducial | Bands | Shaft:
    """Read ``marker:10mm@x1,y1,x2,y2``, or ``ruler``, ``stent`` and ``catheter:6F`` with places.

    ``marker:10mm`` without places is a catheter with bands 10 mm apart, wherever it lies in a
    measured vein, ``catheter:6F`` one of this thickness.

    Raises
    ------
    UsageError
        When the text is neither, or the size is impossible.
    """
    kind, _, rest = text.partition(":")
    size, at, places = rest.partition("@")
    try:
        if kind == "marker" and not at and size.endswith("mm"):
            return Bands(_within(float(size[:-2]), (1.0, 50.0), "distance of the bands", text))
        if kind == "catheter" and not at and size[-1:] in ("F", "f"):
            french = _within(float(size[:-1]), (2.0, 30.0), "size of the catheter", text)
            return Shaft(french * FRENCH_MM)
        numbers = [float(part) for part in places.split(",")]
        first, second = (numbers[0], numbers[1]), (numbers[2], numbers[3])
        if len(numbers) != 4:
            raise ValueError
        if kind in ("marker", "ruler", "stent") and size.endswith("mm"):
            size_mm = float(size[:-2])
        elif kind == "catheter" and size[-1:] in ("F", "f"):
            size_mm = float(size[:-1]) * FRENCH_MM
        else:
            raise ValueError
    except (ValueError, IndexError):
        raise UsageError(
            "the calibration is not understood",
            where=text,
            remedy="write marker:10mm@x1,y1,x2,y2, ruler:50mm@..., stent:16mm@... or "
            "catheter:6F@..., marker:10mm or catheter:6F for what lies in the vein, or auto",
        ) from None
    if not (0.3 <= size_mm <= 500.0 and np.isfinite(numbers).all()):
        raise UsageError("the size of the object is impossible", where=text)
    known: dict[str, FiducialKind] = {"marker": "marker", "ruler": "ruler", "stent": "stent"}
    return Fiducial(known.get(kind, "catheter"), size_mm, first, second)


def _within(value: float, limits: tuple[float, float], what: str, text: str) -> float:
    """Return a value, or raise a UsageError that says what is impossible."""
    if not limits[0] <= value <= limits[1]:
        raise UsageError(f"the {what} is impossible", where=text)
    return value


def calibrate_by_bands(
    bands: Bands,
    native: Image,
    seen: BoolArray,
    veins: list[Edges],
    frames: tuple[int, int] | None,
) -> Calibration:
    """Find the one marker catheter in a measured vein and calibrate by all of its bands.

    Raises
    ------
    MeasurementError
        When there is none, more than one, or it does not lie in a measured vein: elsewhere it is
        at another depth.
    """
    middles = _bands_in(native, seen, veins)
    gap, own = gap_px(middles)
    factor = bands.spacing_mm / gap
    words = (
        f"{len(middles)} bands found, {bands.spacing_mm:g} mm apart, {gap:.2f} px in the picture"
    )
    share = float(np.hypot(own, _DEPTHS["marker"]))
    return Calibration("marker", (factor, factor), share, "the plane of the marker", frames, words)


def calibrate_by_shaft(
    shaft: Shaft,
    native: Image,
    seen: BoolArray,
    veins: list[Edges],
    frames: tuple[int, int] | None,
) -> Calibration:
    """Find the one catheter in a measured vein and calibrate by its thickness.

    Raises
    ------
    MeasurementError
        When there is none, more than one, or its width is not even.
    """
    width, own = find_shaft(native, seen, veins, veins[0].look.blur_px)
    factor = shaft.diameter_mm / width
    words = f"catheter of {shaft.diameter_mm:.3f} mm found, {width:.3f} px wide in the picture"
    share = float(np.hypot(own, _DEPTHS["catheter"]))
    where = "the plane of the catheter"
    return Calibration("catheter", (factor, factor), share, where, frames, words)


def count_bands(native: Image, seen: BoolArray, veins: list[Edges]) -> int:
    """Return how many bands the one marker catheter in a measured vein shows; 0: there is none."""
    try:
        return len(_bands_in(native, seen, veins))
    except MeasurementError:
        return 0


def _bands_in(native: Image, seen: BoolArray, veins: list[Edges]) -> FloatArray:
    """Return (n, 2) column and row of the bands of the one marker catheter in a measured vein."""
    spots = find_bands(native, seen)
    middles = np.array([marker_middle(native, (float(x), float(y))) for x, y in spots])
    within = np.zeros(len(middles), dtype=bool)
    for edges in veins:
        away, station = cKDTree(edges.course.points_px).query(middles)
        within |= away < edges.width_px[station]
    if within.mean() < _IN_THE_VEIN:
        raise MeasurementError(
            "the marker bands that are seen do not lie in a measured vein",
            remedy="point at two marks in the vein: --calibration marker:LENGTHmm@x1,y1,x2,y2",
        )
    return middles


def calibrate(
    fiducial: Fiducial, native: Image, seen: BoolArray, look: Look, frames: tuple[int, int] | None
) -> Calibration:
    """Measure an object of known size in a picture of the patient.

    Parameters
    ----------
    fiducial
        What and where it is.
    native
        (rows, columns) attenuation, not subtracted.
    seen
        Where the picture shows the patient.
    look
        Blur and scatter of the picture, as found at the vein.
    frames
        For which frames the factor holds.

    Raises
    ------
    MeasurementError
        When a point lies outside the picture, or nothing stands out there.
    """
    for point in (fiducial.first_px, fiducial.second_px):
        _check_inside(point, seen)
    if fiducial.kind == "stent":
        size_px, own = stent_width(native, fiducial.first_px, fiducial.second_px, look.blur_px)
        words = f"stent of {fiducial.size_mm:g} mm, {size_px:.2f} px wide in the picture"
    elif fiducial.kind != "catheter":
        marks = [marker_middle(native, p) for p in (fiducial.first_px, fiducial.second_px)]
        size_px = float(np.hypot(*(marks[1] - marks[0])))
        if size_px < 4.0:
            raise MeasurementError(
                "both points of the calibration lie on the same marker",
                remedy="point at two different markers",
            )
        own = np.sqrt(2.0) * _MARKER_PX / size_px
        marked = f"two {fiducial.kind} marks {fiducial.size_mm:g} mm apart"
        words = f"{marked}, {size_px:.2f} px in the picture"
    else:
        size_px, own = catheter_width(native, fiducial.first_px, fiducial.second_px, look.blur_px)
        words = f"catheter of {fiducial.size_mm:.3f} mm, {size_px:.3f} px wide in the picture"
    factor = fiducial.size_mm / size_px
    return Calibration(
        fiducial.kind,
        (factor, factor),
        float(np.hypot(own, _DEPTHS[fiducial.kind])),
        f"the plane of the {fiducial.kind}",
        frames,
        words,
    )


def _check_inside(point: Point, seen: BoolArray) -> None:
    rows, columns = seen.shape
    column, row = point
    inside = 0 <= column <= columns - 1 and 0 <= row <= rows - 1
    if not inside or not seen[round(row), round(column)]:
        raise MeasurementError(
            f"the calibration's point at column {column:g}, row {row:g} lies outside the picture "
            f"of {columns} x {rows} pixels",
            remedy="point at an object in the picture",
        )
