"""Millimetres from something of known size in the picture: marker bands, a catheter, a stent.

The factor holds in the plane of the object. One inside the vein lies within half the vein's depth
of it; at 750 mm from the source that is about one percent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from venoseg.angiography.bands import Bands, find_bands, gap_px
from venoseg.angiography.catheter import catheter_width
from venoseg.angiography.edges import Edges
from venoseg.angiography.run import Image
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

_SEARCH_PX = 7
_DISTINCT = 6.0
_FITTED_PX = 5.5

Point = tuple[float, float]


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
            return _bands(float(size[:-2]), text)
        if kind == "catheter" and not at and size[-1:] in ("F", "f"):
            return _shaft(float(size[:-1]), text)
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


def _bands(spacing_mm: float, text: str) -> Bands:
    if not 1.0 <= spacing_mm <= 50.0:
        raise UsageError("the distance of the bands is impossible", where=text)
    return Bands(spacing_mm)


def _shaft(french: float, text: str) -> Shaft:
    if not 2.0 <= french <= 30.0:
        raise UsageError("the size of the catheter is impossible", where=text)
    return Shaft(french * FRENCH_MM)


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


def marker_middle(native: Image, point: Point) -> FloatArray:
    """Return column and row of the middle of the dense mark nearest to a point.

    Raises
    ------
    MeasurementError
        When nothing denser than its surroundings lies there.
    """
    reach = 3 * _SEARCH_PX
    column, row = (round(value) for value in point)
    top, left = max(row - reach, 0), max(column - reach, 0)
    patch = native[top : row + reach + 1, left : column + reach + 1].astype(np.float64)
    patch = patch - ndimage.median_filter(patch, 2 * _SEARCH_PX + 1, mode="nearest")
    calm = ndimage.gaussian_filter(patch, 1.0)
    rows, columns = np.indices(patch.shape)
    near = np.hypot(rows + top - row, columns + left - column) <= _SEARCH_PX
    scatter = 1.4826 * float(np.median(np.abs(calm))) + 1e-9
    peak = float(calm[near].max())
    if peak < _DISTINCT * scatter:
        raise MeasurementError(
            f"no marker stands out at column {point[0]:g}, row {point[1]:g}",
            remedy="point at the middle of a dense band",
        )
    peak_at = int(np.argmax(np.where(near, calm, -np.inf)))
    whole = native[top : row + reach + 1, left : column + reach + 1].astype(np.float64)
    width = calm.shape[1]
    middle = _fitted_middle(whole, (float(peak_at % width), float(peak_at // width)))
    return np.asarray(middle + np.array([left, top], dtype=np.float64))


def _fitted_middle(patch: FloatArray, start: Point) -> FloatArray:
    """Fit a bell of any direction on a slanting background around a place in a patch."""
    from scipy.optimize import least_squares

    rows, columns = np.mgrid[: patch.shape[0], : patch.shape[1]]
    near = np.hypot(columns - start[0], rows - start[1]) <= _FITTED_PX
    x, y, value = columns[near].astype(float), rows[near].astype(float), patch[near]
    plane = np.stack([np.ones_like(x), x - start[0], y - start[1]], axis=1)

    def left(bell: FloatArray) -> FloatArray:
        dx, dy = x - bell[0], y - bell[1]
        turned = np.cos(bell[4]) * dx + np.sin(bell[4]) * dy
        across = np.cos(bell[4]) * dy - np.sin(bell[4]) * dx
        height = np.exp(-0.5 * ((turned / bell[2]) ** 2 + (across / bell[3]) ** 2))
        parts = np.column_stack([height, plane])
        factors = np.linalg.lstsq(parts, value, rcond=None)[0]
        return np.asarray(parts @ factors - value)

    low = [start[0] - 3.0, start[1] - 3.0, 0.5, 0.5, -np.pi]
    high = [start[0] + 3.0, start[1] + 3.0, 4.0, 4.0, np.pi]
    fit = least_squares(
        left,
        [*start, 1.6, 1.4, 0.0],
        bounds=(low, high),
        loss="soft_l1",
        f_scale=0.05 * float(np.ptp(value)),
    )
    return np.array([fit.x[0], fit.x[1]])


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
