"""Stents in a run: their edges in the picture before contrast medium, along a vein's course.

A stent is a thin shell of wire. Averaged along it, rays meet the more wire the nearer they pass to
its edge: 1 / sqrt(1 - u^2), u = -1 and 1 at the middle of the outermost wire. Blurred, this is
fitted on a slanting background, as the vein's own profile is in the subtracted picture.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from scipy import ndimage

from venoseg.angiography.course import Course
from venoseg.angiography.edges import Edges
from venoseg.angiography.outline import (
    SAMPLE_PX,
    cheapest_contour,
    sample_across,
    seen_across,
)
from venoseg.angiography.run import Image
from venoseg.angiography.widthmodel import Fit, Look, Samples, fit_profiles
from venoseg.errors import MeasurementError
from venoseg.volume import BoolArray, FloatArray

# The wire is averaged along the stent over this share of the vein's width, and at least.
_ALONG = 0.12
_ALONG_PX = 3.0

# The stent's edge is sought from so far inside the lumen's edge to so far outside, in widths.
_INSIDE = 0.25
_OUTSIDE = 0.45
_RIM_SIGMA_PX = 1.2

# A shell is believed where both its rims stand out so far, in the scatter of such ridges elsewhere
# across the vein, over such a length in widths. Bone has an edge on one side or on none.
_STANDS_OUT = 2.8
_SHORTEST = 0.8
_GAP = 0.5
_RIM_PX = 3.0
_SMOOTHED = 0.2

# Half width of 95 % of what the model of an even shell leaves out, in pixels: wires are few.
_MODEL_PX = 1.6

# A stent ends where less than this share of its usual wire is met.
_HALF = 0.5
_BESIDE_PX = 8.0


@dataclass(frozen=True, slots=True, eq=False)
class StentEdges:
    """A stent along a vein's course.

    Attributes
    ----------
    stations
        (n,) numbers of the course's stations that it covers, one after the other.
    edges_px
        (n, 2) distances of the middle of its outermost wire from the course, along the normals.
    half_px
        (n,) half width of the 95 % interval of the width.
    seen
        (n,) where both its edges stand out; elsewhere they are guessed, and count for nothing.
    end_half_px
        Half width of the 95 % interval of where it ends, along the course.
    sure_ends
        Whether the stent is seen to end at the central and the peripheral end: not where the
        course ends first, or where wire goes on of which the edges do not stand out.
    """

    stations: np.ndarray[tuple[int], np.dtype[np.int64]]
    edges_px: FloatArray
    half_px: FloatArray
    seen: BoolArray
    end_half_px: float
    sure_ends: tuple[bool, bool]

    @property
    def width_px(self) -> FloatArray:
        """(n,) distance of its edges."""
        width: FloatArray = self.edges_px[:, 1] - self.edges_px[:, 0]
        return width

    def contours_px(self, course: Course) -> FloatArray:
        """Return (n, 2, 2): column and row of the left and right edge; NaN where guessed."""
        part = Course(course.points_px[self.stations], course.normals[self.stations])
        return np.where(self.seen[:, None, None], part.at(self.edges_px), np.nan)

    def extremes(self) -> tuple[int, int]:
        """Return where along it, counted from its first station, it is narrowest and widest."""
        # At its very ends the average holds picture without wire.
        trim = min(int(self.end_half_px), len(self.stations) // 4)
        whole = ndimage.binary_erosion(self.seen, iterations=max(trim, 1))
        inner = np.flatnonzero(whole if whole.any() else self.seen)
        width = self.width_px[inner]
        return int(inner[width.argmin()]), int(inner[width.argmax()])


def find_stents(native: Image, seen: BoolArray, edges: Edges) -> list[StentEdges]:
    """Find the stents that a vein runs through.

    Parameters
    ----------
    native
        (rows, columns) attenuation before contrast medium, lying on the contrast frames.
    seen
        Where the picture shows the patient.
    edges
        Of the vein.
    """
    usual = float(np.median(edges.width_px))
    sigma = max(_ALONG * usual, _ALONG_PX)
    reach = float(np.abs(edges.edges_px).max()) + _OUTSIDE * usual + _BESIDE_PX
    offsets = np.arange(-np.ceil(reach), np.ceil(reach) + SAMPLE_PX / 2, SAMPLE_PX)
    raw = sample_across(native, edges.course, offsets)
    inside = seen_across(seen, edges.course, offsets)
    values = ndimage.gaussian_filter1d(raw, sigma, axis=0)
    start = _rims(offsets, values, edges.edges_px, usual)
    near = (offsets > start[:, :1] - _BESIDE_PX) & (offsets < start[:, 1:] + _BESIDE_PX)
    weights = (near & inside).astype(np.float32)
    weights[weights.sum(axis=1) < 4 * _BESIDE_PX] = 1.0
    samples = Samples(
        offsets, values.astype(np.float32), weights, np.zeros(len(values)), edges.noise
    )
    # Values averaged so far along the vein hardly differ from one station to the next.
    last = len(values) - 1
    some = np.unique(np.append(np.arange(0, last, max(int(sigma / 2), 1)), last))
    look = Look(blur_px=edges.look.blur_px, shell=True)
    fit = _between(fit_profiles(samples.of(some), start[some], look), some, last + 1)
    there = _is_stent(samples, fit, usual)
    window = 2 * int(_SMOOTHED * usual) + 1
    calm = ndimage.median_filter(fit.edges_px, size=(window, 1), mode="nearest")
    smooth = ndimage.gaussian_filter1d(calm, 0.5 * sigma, axis=0)
    return [_stent(fit, smooth, there, run, sigma) for run in _stretches(there, usual)]


def _between(fit: Fit, stations: np.ndarray[tuple[int], np.dtype[np.int64]], count: int) -> Fit:
    """Return a fit of some stations for all ``count``, linear in between."""
    every = np.arange(count)

    def all_of(name: str) -> FloatArray:
        known: FloatArray = getattr(fit, name)
        columns = known.reshape(len(known), -1).T
        filled = np.stack([np.interp(every, stations, column) for column in columns], axis=1)
        return filled.reshape(count, *known.shape[1:])

    return Fit(*(all_of(field.name) for field in fields(fit)))


def stent_width(
    native: Image, first_px: tuple[float, float], second_px: tuple[float, float], blur_px: float
) -> tuple[float, float]:
    """Return the width of a stent in pixels and the relative half width of its 95 % interval.

    Parameters
    ----------
    native
        (rows, columns) attenuation before contrast medium.
    first_px, second_px
        Column and row of the ends of a line that crosses the stent squarely, about as long as the
        stent is wide.
    blur_px
        Standard deviation of the picture's blur as far as it is known.

    Raises
    ------
    MeasurementError
        When no two edges of wire stand out near the line's ends.
    """
    first, second = np.array(first_px), np.array(second_px)
    length = float(np.hypot(*(second - first)))
    across = (second - first) / max(length, 1e-9)
    along = np.array([across[1], -across[0]])
    sigma = max(_ALONG * length, _ALONG_PX)
    steps = np.arange(-np.ceil(4 * sigma), np.ceil(4 * sigma) + 1.0)
    course = Course((first + second) / 2 + steps[:, None] * along, np.tile(across, (len(steps), 1)))
    reach = np.ceil((0.5 + _OUTSIDE) * length + _BESIDE_PX)
    offsets = np.arange(-reach, reach + SAMPLE_PX / 2, SAMPLE_PX)
    values = ndimage.gaussian_filter1d(sample_across(native, course, offsets), sigma, axis=0)
    lumen = np.tile([-length / 2, length / 2], (len(steps), 1))
    start = _rims(offsets, values, lumen, length)
    near = (offsets > start[:, :1] - _BESIDE_PX) & (offsets < start[:, 1:] + _BESIDE_PX)
    samples = Samples(
        offsets, values.astype(np.float32), near.astype(np.float32), np.zeros(len(values)), 1e-3
    )
    fit = fit_profiles(samples, start, Look(blur_px=blur_px, shell=True))
    middle = slice(len(steps) // 2 - int(sigma), len(steps) // 2 + int(sigma) + 1)
    if not _is_stent(samples, fit, length)[middle].all():
        raise MeasurementError(
            "no stent with two edges of wire stands out along the line",
            remedy="draw the line squarely across the stent, from edge to edge",
        )
    width = float(np.median((fit.edges_px[:, 1] - fit.edges_px[:, 0])[middle]))
    return width, float(np.hypot(_MODEL_PX, 1.96 * np.median(fit.width_sd_px[middle]))) / width


def _rims(offsets: FloatArray, values: FloatArray, lumen: FloatArray, usual: float) -> FloatArray:
    """Return (n, 2) first edges: the contours of most wire near either edge of the lumen."""
    ridge = _ridge(values)
    ridge /= max(float(np.percentile(ridge, 98)), 1e-9)
    costs = []
    for side, sign in ((0, -1.0), (1, 1.0)):
        out = sign * (offsets[None, :] - lumen[:, side : side + 1]) / usual
        allowed = (out > -_INSIDE) & (out < _OUTSIDE)
        costs.append(np.where(allowed, -np.clip(ridge, -0.5, 1.5), 3.0))
    rims: FloatArray = offsets[cheapest_contour(np.stack(costs))].T
    return rims


def _ridge(values: FloatArray | Image) -> FloatArray:
    """Return the (n, m) bend of values across the vein: large on a thin dense line."""
    bend: FloatArray = -ndimage.gaussian_filter1d(
        values, _RIM_SIGMA_PX / SAMPLE_PX, axis=1, order=2, output=np.float64
    )
    return bend


def _is_stent(samples: Samples, fit: Fit, usual: float) -> BoolArray:
    """Return (n,) where both rims of a shell stand out."""
    ridge, offsets = _ridge(samples.values), samples.offsets_px
    away = (np.abs(offsets - fit.edges_px[:, :1]) > _RIM_PX) & (samples.weights > 0)
    away &= np.abs(offsets - fit.edges_px[:, 1:]) > _RIM_PX
    scatter = 1.4826 * float(np.median(np.abs(ridge[away]))) + 1e-12
    heights = [
        ndimage.gaussian_filter1d(
            # The blurred rim is highest a little inside the edge.
            [np.interp(at, offsets, row) for at, row in zip(rim, ridge, strict=True)],
            _SMOOTHED * usual,
        )
        for rim in (fit.edges_px[:, 0] + 0.5, fit.edges_px[:, 1] - 0.5)
    ]
    filled = ndimage.median_filter(fit.amplitude, 9) > 0
    return np.asarray((np.minimum(*heights) > _STANDS_OUT * scatter) & filled)


def _stretches(there: BoolArray, usual: float) -> list[tuple[int, int]]:
    """Return first and last station of each stent; short gaps closed, short pieces left out."""
    closed = ndimage.binary_closing(
        np.pad(there, int(usual)), structure=np.ones(max(int(_GAP * usual), 3))
    )[int(usual) : -int(usual)]
    labels, count = ndimage.label(closed)
    found = []
    for number in range(1, count + 1):
        places = np.flatnonzero(labels == number)
        if len(places) >= _SHORTEST * usual:
            found.append((int(places[0]), int(places[-1])))
    return found


def _stent(
    fit: Fit, edges: FloatArray, there: BoolArray, run: tuple[int, int], sigma: float
) -> StentEdges:
    first, last = run
    wire = ndimage.gaussian_filter1d(fit.amplitude, 0.5 * sigma)
    enough = wire > _HALF * float(np.median(wire[first : last + 1]))
    full = np.flatnonzero(enough[first : last + 1]) + first
    first, last = int(full[0]), int(full[-1])
    stations = np.arange(first, last + 1)
    width = (fit.edges_px[:, 1] - fit.edges_px[:, 0])[stations]
    swing = width - ndimage.gaussian_filter1d(width, 2.0 * sigma, mode="nearest")
    sd = 1.4826 * float(np.median(np.abs(swing)))
    half = np.hypot(1.96 * np.maximum(fit.width_sd_px[stations], sd), _MODEL_PX)
    ahead = int(2 * sigma)
    before, after = enough[max(first - ahead, 0) : first], enough[last + 1 : last + 1 + ahead]
    sure = tuple(len(part) == ahead and bool(part.mean() < _HALF) for part in (before, after))
    return StentEdges(
        stations, edges[stations], half, there[stations], 2.0 * sigma, (sure[0], sure[1])
    )
