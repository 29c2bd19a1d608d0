"""Millimetres from something of known size in the picture: marker bands, or a catheter's width.

The factor holds in the plane of the object. One inside the vein lies within half the vein's depth
of it; at 750 mm from the source that is about one percent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import ndimage

from venoseg.angiography.course import Course, smooth_course
from venoseg.angiography.outline import SAMPLE_PX, sample_across
from venoseg.angiography.run import Image
from venoseg.angiography.widthmodel import Look, Samples, fit_profiles
from venoseg.dicom.calibration import Calibration
from venoseg.errors import MeasurementError, UsageError
from venoseg.volume import BoolArray, FloatArray

FRENCH_MM = 1.0 / 3.0

# Half widths of 95 % intervals: of a marker's middle, of a
# catheter's width where blur is not known better, and of what depth does to an object that lies
# in the vein.
_MARKER_PX = 0.25
_CATHETER_PX = 0.25
_DEPTH = 0.007

_SEARCH_PX = 7
_DISTINCT = 6.0
_AROUND_PX = 12.0
_FITTED_PX = 5.5
_PIECES = 5

# A line of which so much is dense lies along a catheter, another across one.
_MOSTLY = 0.7
_PIECE_PX = 20.0
_AWAY_PX = 4.0

# The catheter must rise so far above the scatter beside it, and its pieces be as wide within this.
_STANDS_OUT = 5.0
_UNEVEN = 0.12

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Fiducial:
    """What the user points at.

    Attributes
    ----------
    kind
        ``marker``: two marks, ``size_mm`` apart. ``catheter``: a line across or along a catheter
        of outer diameter ``size_mm``.
    size_mm
        Known.
    first_px, second_px
        Column and row.
    """

    kind: Literal["marker", "catheter"]
    size_mm: float
    first_px: Point
    second_px: Point


def parse_fiducial(text: str) -> Fiducial:
    """Read ``marker:10mm@x1,y1,x2,y2`` or ``catheter:6F@x1,y1,x2,y2``.

    Raises
    ------
    UsageError
        When the text is neither, or the size is impossible.
    """
    kind, _, rest = text.partition(":")
    size, _, places = rest.partition("@")
    try:
        numbers = [float(part) for part in places.split(",")]
        first, second = (numbers[0], numbers[1]), (numbers[2], numbers[3])
        if len(numbers) != 4:
            raise ValueError
        if kind == "marker" and size.endswith("mm"):
            size_mm = float(size[:-2])
        elif kind == "catheter" and size[-1:] in ("F", "f"):
            size_mm = float(size[:-1]) * FRENCH_MM
        else:
            raise ValueError
    except (ValueError, IndexError):
        raise UsageError(
            "the calibration is not understood",
            where=text,
            remedy="write marker:10mm@x1,y1,x2,y2 or catheter:6F@x1,y1,x2,y2, or auto",
        ) from None
    if not (0.3 <= size_mm <= 500.0 and np.isfinite(numbers).all()):
        raise UsageError("the size of the object is impossible", where=text)
    known: Literal["marker", "catheter"] = "marker" if kind == "marker" else "catheter"
    return Fiducial(known, size_mm, first, second)


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
    if fiducial.kind == "marker":
        marks = [marker_middle(native, p) for p in (fiducial.first_px, fiducial.second_px)]
        size_px = float(np.hypot(*(marks[1] - marks[0])))
        if size_px < 4.0:
            raise MeasurementError(
                "both points of the calibration lie on the same marker",
                remedy="point at two different markers",
            )
        own = np.sqrt(2.0) * _MARKER_PX / size_px
        words = f"two markers {fiducial.size_mm:g} mm apart, {size_px:.2f} px in the picture"
    else:
        size_px, own = catheter_width(native, fiducial, look)
        words = f"catheter of {fiducial.size_mm:.3f} mm, {size_px:.3f} px wide in the picture"
    factor = fiducial.size_mm / size_px
    return Calibration(
        fiducial.kind,
        (factor, factor),
        float(np.hypot(own, _DEPTH)),
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


def catheter_width(native: Image, fiducial: Fiducial, look: Look) -> tuple[float, float]:
    """Return the width of a catheter in pixels and the relative half width of its 95 % interval.

    Raises
    ------
    MeasurementError
        When no catheter stands out along or across the line.
    """
    dense = native - ndimage.median_filter(native, int(2 * _AROUND_PX) + 1)
    course = _course(dense, fiducial)
    offsets = np.arange(-_AROUND_PX, _AROUND_PX + SAMPLE_PX / 2, SAMPLE_PX)
    values = sample_across(native, course, offsets)
    outer = np.abs(offsets) > _AROUND_PX / 2
    # Each station's own slanting background comes off before stations are put together.
    slope = np.polynomial.polynomial.polyfit(offsets[outer], values[:, outer].T, 1)
    values = values - np.polynomial.polynomial.polyval(offsets, slope)
    pieces = np.array_split(np.arange(len(values)), _PIECES)
    # Bands are wider than the shaft, and few: the median passes over them.
    profiles = np.array([np.median(values[piece], axis=0) for piece in pieces])
    middle = np.median(values, axis=0)
    rise = float(middle[np.abs(offsets) < 1.0].mean())
    grain = float(middle[outer].std()) + 1e-9
    if rise < _STANDS_OUT * grain:
        raise _no_catheter()
    whole = np.concatenate([middle[None], profiles])
    opacity = np.full(len(whole), max(rise, 0.02))
    samples = Samples(offsets, whole, np.ones_like(whole), opacity, grain)
    fit = fit_profiles(samples, np.tile([-2.5, 2.5], (len(whole), 1)), look)
    widths = fit.edges_px[:, 1] - fit.edges_px[:, 0]
    if float(np.std(widths[1:], ddof=1)) > _UNEVEN * float(widths[0]):
        raise _no_catheter()
    spread = 1.96 * float(np.std(widths[1:], ddof=1)) / np.sqrt(_PIECES)
    return float(widths[0]), float(np.hypot(spread, _CATHETER_PX)) / float(widths[0])


def _no_catheter() -> MeasurementError:
    return MeasurementError(
        "no catheter of even width stands out along or across the line",
        remedy="draw the line on a straight, dense piece of the catheter, away from bone edges",
    )


def _course(dense: Image, fiducial: Fiducial) -> Course:
    """Lay a course on the catheter: along the line, or, for a line across it, to both sides."""
    first, second = np.array(fiducial.first_px), np.array(fiducial.second_px)
    length = float(np.hypot(*(second - first)))
    if length < 3.0:
        raise UsageError("the line on the catheter has no length", where="--calibration")
    steps = np.linspace(0.0, 1.0, max(int(2 * length), 8))[:, None]
    line = first + steps * (second - first)
    calm = ndimage.gaussian_filter(dense, 1.0)
    along = _along(calm, line)
    if np.mean(along > 3.0 * _grain_near(calm, line)) < _MOSTLY:
        line = _crossing(calm, line, length)
    course = smooth_course(line, 2.0)
    offsets = np.arange(-_AWAY_PX, _AWAY_PX + 0.25, 0.5)
    for _ in range(3):
        across = sample_across(calm, course, offsets)
        # Bands outshine the shaft: every station counts the same.
        across = across / np.maximum(across.max(axis=1, keepdims=True), 1e-6)
        across = ndimage.gaussian_filter1d(across, 4.0, axis=0)
        weight = np.maximum(across - 0.5 * across.max(axis=1, keepdims=True), 0.0)
        middle = (weight * offsets).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-9)
        course = smooth_course(course.points_px + middle[:, None] * course.normals, 5.0)
    return course


def _crossing(calm: Image, line: FloatArray, length: float) -> FloatArray:
    """Return a piece of the catheter that a line crosses: the densest way through it."""
    middle = line[int(_along(calm, line).argmax())]
    aside = np.array([-(line[-1] - line[0])[1], (line[-1] - line[0])[0]]) / length
    reach = np.linspace(-_PIECE_PX, _PIECE_PX, 81)[:, None]
    ways = []
    for turn in np.radians(np.arange(-40, 41, 2)):
        direction = np.array(
            [
                np.cos(turn) * aside[0] - np.sin(turn) * aside[1],
                np.sin(turn) * aside[0] + np.cos(turn) * aside[1],
            ]
        )
        way = middle + reach * direction
        ways.append((float(np.median(_along(calm, way))), way))
    best: FloatArray = max(ways, key=lambda found: found[0])[1]
    return best


def _along(picture: Image, line: FloatArray) -> FloatArray:
    values: FloatArray = ndimage.map_coordinates(picture, [line[:, 1], line[:, 0]], order=1)
    return values


def _grain_near(picture: Image, line: FloatArray) -> float:
    """Return the robust scatter of a picture in the box around a line."""
    low = np.maximum(np.floor(line.min(axis=0)).astype(int) - 25, 0)
    high = np.ceil(line.max(axis=0)).astype(int) + 26
    box = picture[low[1] : high[1], low[0] : high[0]]
    return 1.4826 * float(np.median(np.abs(box - np.median(box))))


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
