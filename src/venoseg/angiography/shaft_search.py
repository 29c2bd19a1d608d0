"""A catheter in a measured vein, found in the frame: one long thin dense line inside the lumen."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import ndimage

from venoseg.angiography.catheter import catheter_width
from venoseg.angiography.devices import surroundings
from venoseg.angiography.edges import Edges
from venoseg.angiography.outline import SAMPLE_PX, cheapest_contour, sample_across, seen_across
from venoseg.angiography.run import Image
from venoseg.angiography.shaft import Point
from venoseg.errors import MeasurementError
from venoseg.volume import BoolArray, FloatArray

# A shaft bends the picture across itself over about this distance.
_RIDGE_PX = 1.5
_CALM_ALONG_PX = 4.0

# It is sought from edge to edge of the lumen and so much beyond, as a share of the width.
_BEYOND = 0.1

_AROUND_PX = 15.0
# A quarter of normal scatter lies below this part of its standard deviation.
_CALM = 1.0 / 0.3186

# It stands out where its bend exceeds that of the rest of the lumen so many times, over so long.
_DISTINCT = 4.0
_LONG_PX = 60
_GAP_PX = 12
# So far beside the first line a second one is another device.
_APART_PX = 6.0

# A shaft is straight over such a length, and followed on from there.
_PIECE_PX = 30.0

# Widths of two pieces that differ by more than this share are not of one even shaft.
_EVEN = 0.08


@dataclass(frozen=True, slots=True)
class Shaft:
    """What the user or the header knows of a catheter: its outer diameter in mm."""

    diameter_mm: float


def find_shaft(
    native: Image, seen: BoolArray, veins: list[Edges], blur_px: float
) -> tuple[float, float]:
    """Return the width in pixels of the one catheter in the veins, and its relative half width.

    Parameters
    ----------
    native
        (rows, columns) attenuation, not subtracted.
    seen
        Where the picture shows the patient.
    veins
        Edges, as they lie in ``native``.
    blur_px
        Standard deviation of the picture's blur as far as it is known.

    Raises
    ------
    MeasurementError
        When none stands out over a good length, several do, or its width is not even.
    """
    calm = ndimage.gaussian_filter(native - surroundings(native), 0.7)
    lines = [line for edges in veins for line in _lines(calm, seen, edges)]
    if not lines:
        raise MeasurementError(
            "no catheter is seen in the measured veins",
            remedy="draw a line along it: --calibration catheter:6F@x1,y1,x2,y2",
        )
    # Where veins follow one another the catheter runs on through them; the longest piece tells.
    found = [_measured(native, line, blur_px) for line in sorted(lines, key=len)[::-1][:2]]
    widths = [width for width, _ in found]
    if max(widths) - min(widths) > _EVEN * min(widths):
        raise MeasurementError(
            "the lines in the measured veins are of different width: several devices, or wires",
            remedy="draw a line along the catheter: --calibration catheter:6F@x1,y1,x2,y2",
        )
    return found[0]


def _measured(native: Image, line: FloatArray, blur_px: float) -> tuple[float, float]:
    """Return width and half width on three pieces of a line, of which two must agree.

    Raises
    ------
    MeasurementError
        When no two do.
    """
    found = []
    for share in (0.25, 0.5, 0.75):
        with suppress(MeasurementError):
            found.append(catheter_width(native, *_straight(line, share), blur_px))
    found.sort()
    pairs = [(one, other) for one, other in pairwise(found) if other[0] < (1 + _EVEN) * one[0]]
    if not pairs:
        raise MeasurementError(
            "a thin line is seen in the measured veins, but it is not of even width",
            remedy="draw a line along the catheter: --calibration catheter:6F@x1,y1,x2,y2",
        )
    one, other = min(pairs, key=lambda pair: pair[1][0] / pair[0][0])
    apart = (other[0] - one[0]) / other[0]
    return (one[0] + other[0]) / 2, float(np.hypot(max(one[1], other[1]), apart))


def _straight(line: FloatArray, share: float) -> tuple[Point, Point]:
    """Return the ends of a piece around a share of a line, so short that it is straight."""
    reach = min(int(_PIECE_PX / 2), len(line) // 4 - 1)
    middle = int(share * len(line))
    first, last = line[middle - reach], line[middle + reach]
    return (float(first[0]), float(first[1])), (float(last[0]), float(last[1]))


def _lines(calm: Image, seen: BoolArray, edges: Edges) -> list[FloatArray]:
    """Return (n, 2) column and row of the straight-enough pieces of a thin line in one vein.

    Raises
    ------
    MeasurementError
        When two lines run beside each other.
    """
    reach = float(np.abs(edges.edges_px).max()) + _BEYOND * float(edges.width_px.max()) + _AROUND_PX
    offsets = np.arange(-np.ceil(reach), np.ceil(reach) + SAMPLE_PX / 2, SAMPLE_PX)
    values = sample_across(calm, edges.course, offsets)
    bend = -ndimage.gaussian_filter1d(values, _RIDGE_PX / SAMPLE_PX, axis=1, order=2)
    beyond = _BEYOND * edges.width_px[:, None]
    inside = (offsets > edges.edges_px[:, :1] - beyond) & (offsets < edges.edges_px[:, 1:] + beyond)
    visible = seen_across(seen, edges.course, offsets)
    inside &= visible
    # Of the calmer part, some of it beside: in a narrow vein a catheter is most of what there is.
    scatter = _CALM * float(np.percentile(np.abs(bend[visible]), 25.0)) + 1e-12
    first = cheapest_contour(np.where(inside, -np.clip(bend / scatter, -2.0, 8.0), 8.0))
    away = np.abs(offsets - offsets[first][:, None]) > _APART_PX
    second = cheapest_contour(np.where(inside & away, -np.clip(bend / scatter, -2.0, 8.0), 8.0))
    distinct, rival = (_distinct(bend, inside, at, scatter) for at in (first, second))
    if distinct.sum() and (rival & distinct).sum() > len(np.flatnonzero(distinct)) / 3:
        raise MeasurementError(
            "several thin lines run along the measured vein, and which is the catheter cannot be "
            "told",
            remedy="draw a line along it: --calibration catheter:6F@x1,y1,x2,y2",
        )
    points = edges.course.at(offsets[first][:, None])[:, 0]
    labels, count = ndimage.label(distinct)
    pieces = [points[labels == number] for number in range(1, count + 1)]
    return [piece for piece in pieces if len(piece) >= _LONG_PX]


def _distinct(
    bend: FloatArray,
    inside: BoolArray,
    at: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    scatter: float,
) -> BoolArray:
    """Return (n,) where a line along the vein stands out, short gaps closed."""
    stations = np.arange(len(at))
    height = ndimage.median_filter(bend[stations, at], int(2 * _CALM_ALONG_PX) + 1)
    there = (height > _DISTINCT * scatter) & inside[stations, at]
    closed = ndimage.binary_closing(np.pad(there, _GAP_PX), np.ones(_GAP_PX))
    result: BoolArray = closed[_GAP_PX:-_GAP_PX]
    return result
