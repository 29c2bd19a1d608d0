"""Contrast medium over time: curves, arrival, transit, and how much goes beside the main way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.angiography.edges import background_noise
from venoseg.angiography.projection import Projection
from venoseg.angiography.run import Image
from venoseg.angiography.strays import ASTRAY, BRIDGED, runs_of
from venoseg.angiography.subtraction import Subtraction
from venoseg.tables import Column, Row, Table
from venoseg.volume import BoolArray, FloatArray

FLOW_COLUMNS = (
    Column("time_s", "since the run's first frame", 4),
    Column("region", "main, collateral, or a vein's name and a place on it"),
    Column("opacity", "mean opacity of the region", 5),
)

ELSEWHERE = "elsewhere"
"""Name of the region beside the measured veins and all outlined vessels."""

# A vessel beside the measured veins must rise so far above the noise, and hold so many pixels.
_DISTINCT = 5.0
_FAINTEST = 0.06
_LEAST_PX = 40
# Distance from the measured vein's edge at which another vessel is one.
_APART_PX = 3
_RIM_PX = 2

_DISTINCT_RISE = 5.0

# Stations of a vein that are drawn at once; frames in which the grain is measured.
_PIECE = 24
# So many pixels tell the mean of a region as well as all.
_ENOUGH = 100_000
_GRAINS = 12


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Pixels whose mean is followed.

    ``name`` is ``main``, ``collateral``, or a vein and a place on it; ``where`` (rows, columns).
    """

    name: str
    where: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """The opacity of a region over time.

    Attributes
    ----------
    name
        Of the region.
    area_px
        Its pixels.
    opacity
        (p,) mean of each picture.
    arrival_s
        When contrast medium arrives: where the tangent at the steepest rise meets the base line of
        the fitted curve; None when none arrives or it is there from the start.
    peak_s
        When most of it is there; None as above.
    washout_s
        From the peak until half of it has gone; None while it has not.
    """

    name: str
    area_px: int
    opacity: FloatArray
    arrival_s: float | None
    peak_s: float | None
    washout_s: float | None


def regions_of(
    projections: list[Projection], composite: Image, seen: BoolArray, *, subtracted: bool = True
) -> list[Region]:
    """Return the measured veins as ``main``, all other vessels as ``collateral``, and places.

    Without subtraction other vessels cannot be told from the rest of the patient: there are none.
    """
    main = np.zeros(composite.shape, dtype=bool)
    regions = []
    for projection in projections:
        lumen = lumen_mask(projection, composite.shape, _own(projection))
        main |= lumen
        regions += _places(projection, composite.shape)
    main &= seen
    covered = main | _beyond_ends(projections, main.shape)
    beside = np.zeros_like(main)
    if subtracted:
        beside = other_vessels(composite, seen, covered, projections)
    return [Region("main", main), Region("collateral", beside), *regions]


def _own(projection: Projection) -> BoolArray:
    """Return (n,) where a course follows its vein, and no other vessel or a line beside them."""
    return np.array([not {BRIDGED, ASTRAY} & set(flag.split(";")) for flag in projection.flags])


def elsewhere_of(projections: list[Projection], regions: list[Region], seen: BoolArray) -> Region:
    """Return what is seen beside the measured veins, their ways on, and all other vessels."""
    named = {region.name: region.where for region in regions}
    own = named["main"] | _beyond_ends(projections, seen.shape)
    return Region(ELSEWHERE, seen & ~_near(own) & ~named["collateral"])


def lumen_mask(
    projection: Projection, shape: tuple[int, ...], stations: BoolArray | None = None
) -> BoolArray:
    """Return (rows, columns), True between the edges of a vein, shut stretches included.

    ``stations`` (n,) chooses some of them; None: all.
    """
    from skimage.draw import polygon2mask

    contours = projection.edges.contours_px()
    mask = np.zeros(shape, dtype=bool)
    chosen = np.ones(len(contours), dtype=bool) if stations is None else stations
    # Short pieces, each in its own box: a polygon's cost is its corners times its pixels.
    for start, last in [
        (begin, min(begin + _PIECE, end))
        for first, end in runs_of(chosen)
        for begin in range(first, end, _PIECE)
    ]:
        piece = contours[start : last + 1]
        ring = np.concatenate([piece[:, 0], piece[::-1, 1]])[:, ::-1]
        low = np.maximum(np.floor(ring.min(axis=0)).astype(int), 0)
        high = np.minimum(np.ceil(ring.max(axis=0)).astype(int) + 1, shape)
        if (high > low).all():
            drawn = polygon2mask(tuple(high - low), ring - low)
            mask[low[0] : high[0], low[1] : high[1]] |= np.asarray(drawn, dtype=bool)
    return mask


def other_vessels(
    composite: Image, seen: BoolArray, main: BoolArray, projections: list[Projection]
) -> BoolArray:
    """Return where vessels other than the measured ones fill."""
    calm = ndimage.gaussian_filter(composite, 1.0)
    calm = calm - np.float32(np.median(calm[seen]))
    noise = 1.4826 * float(np.median(np.abs(calm[seen & ~main])))
    usual = float(np.median([np.median(p.edges.amplitude[p.filled]) for p in projections]))
    threshold = max(_DISTINCT * noise, _FAINTEST * usual)
    found = (calm > threshold) & ~_near(main) & seen
    labels, count = ndimage.label(found, structure=np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    kept: BoolArray = (sizes >= _LEAST_PX)[labels]
    # The rim of a vessel is fainter than what was sought.
    whole: BoolArray = ndimage.binary_dilation(kept, iterations=_RIM_PX) & ~main & seen
    return whole if kept.any() else kept


def _near(where: BoolArray) -> BoolArray:
    """Return what lies at most `_APART_PX` from a mask, line by line of the disc around a pixel.

    A map of all distances takes twenty times as long.
    """
    padded = np.pad(where, _APART_PX)
    rows, columns = where.shape
    near = np.zeros_like(where)
    for right in range(-_APART_PX, _APART_PX + 1):
        reach = int(np.sqrt(_APART_PX**2 - right**2))
        for down in range(-reach, reach + 1):
            top, left = _APART_PX + down, _APART_PX + right
            near |= padded[top : top + rows, left : left + columns]
    return near


def _beyond_ends(projections: list[Projection], shape: tuple[int, ...]) -> BoolArray:
    """Return discs of a vein's width at its ends: there it only goes on."""
    row, column = np.ogrid[: shape[0], : shape[1]]
    discs = np.zeros(shape, dtype=bool)
    for projection in projections:
        width = float(np.median(projection.edges.width_px[projection.filled]))
        own = _own(projection)
        for end in projection.edges.course.points_px[[0, -1]][own[[0, -1]]]:
            discs |= (column - end[0]) ** 2 + (row - end[1]) ** 2 <= (1.2 * width) ** 2
    return discs


def follow(subtraction: Subtraction, regions: list[Region]) -> list[Curve]:
    """Go through a run once and return the curve of each region that holds pixels."""
    held = [region for region in regions if region.where.any()]
    places = [_some(np.flatnonzero(region.where)) for region in held]
    starts = np.concatenate([[0], np.cumsum([len(place) for place in places])])[:-1]
    sizes = np.array([len(place) for place in places])
    count = len(subtraction.plan.pairings)
    opacity = np.empty((len(held), count))
    for n, values in enumerate(subtraction.opacities_at(np.concatenate(places))):
        opacity[:, n] = np.add.reduceat(values, starts, dtype=np.float64) / sizes
    probed = sorted(set(np.linspace(0, count - 1, _GRAINS).astype(int).tolist()))
    seen = subtraction.seen[::2, ::2]
    grains = subtraction.in_parts(
        lambda part: [background_noise(picture[::2, ::2], seen) for picture in part], probed
    )
    grain = float(np.median(np.concatenate(grains)))
    times = subtraction.times_s
    return [_curve(region, opacity[n], times, grain) for n, region in enumerate(held)]


def _some(places: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return evenly chosen pixels of a region so large that not all are needed for its mean."""
    return places[:: max(len(places) // _ENOUGH, 1)]


def arrival_of(times_s: FloatArray, opacity: FloatArray, noise: float) -> float | None:
    """Return when a curve begins to rise, between frames where the fit says so.

    A logistic rise is fitted up to the peak; its tangent at the middle meets the base line there.
    """
    from scipy.optimize import least_squares

    top = int(opacity.argmax())
    first = opacity[: max(top // 3, 1)].min()
    rise = float(opacity[top] - first)
    if len(opacity) < 4 or rise < _DISTINCT_RISE * noise or top == 0:
        return None
    if opacity[0] - opacity.min() > 0.5 * rise:
        return None
    level = 0.9 * rise + first
    until = int(np.flatnonzero(opacity >= level)[0]) + 2
    time, value = times_s[:until], opacity[:until]
    half = float(np.interp(0.5 * rise + first, value[: until - 1], time[: until - 1]))
    step = float(np.median(np.diff(times_s)))

    def left(parameters: FloatArray) -> FloatArray:
        base, height, middle, spread = parameters
        fitted = base + height / (1.0 + np.exp(-(time - middle) / spread))
        return np.asarray(fitted - value)

    bounds = (
        [first - rise, 0.5 * rise, times_s[0] - step, 0.05 * step],
        [first + rise, 1.5 * rise, times_s[-1], 20.0 * step],
    )
    start = [first, rise, float(np.clip(half, bounds[0][2], bounds[1][2])), 0.5 * step]
    fit = least_squares(left, start, bounds=bounds)
    arrival = float(fit.x[2] - 2.0 * fit.x[3])
    return max(arrival, float(times_s[0]))


def flow_table(times_s: FloatArray | None, curves: list[Curve]) -> Table:
    """Return ``flow.csv``; without a time base the times are empty and the frames in order."""
    if times_s is None:
        rows: list[Row] = [
            {"time_s": None, "region": curve.name, "opacity": float(value)}
            for curve in curves
            for value in curve.opacity
        ]
        return Table.from_rows(FLOW_COLUMNS, rows)
    rows = [
        {"time_s": float(time), "region": curve.name, "opacity": float(value)}
        for curve in curves
        for time, value in zip(times_s, curve.opacity, strict=True)
    ]
    return Table.from_rows(FLOW_COLUMNS, rows)


def _curve(region: Region, opacity: FloatArray, times_s: FloatArray, noise: float) -> Curve:
    area = int(region.where.sum())
    # Grain is correlated over a few pixels; exposure changes by a little from frame to frame.
    own = float(np.hypot(3.0 * noise / np.sqrt(area), 0.05 * noise))
    arrival = arrival_of(times_s, opacity, own)
    if arrival is None:
        return Curve(region.name, area, opacity, None, None, None)
    top = int(opacity.argmax())
    base = float(opacity[: top + 1].min())
    gone = np.flatnonzero(opacity[top:] < base + 0.5 * (opacity[top] - base))
    washout = float(times_s[top + int(gone[0])] - times_s[top]) if len(gone) else None
    return Curve(region.name, area, opacity, arrival, float(times_s[top]), washout)


def _places(projection: Projection, shape: tuple[int, ...]) -> list[Region]:
    """Return the vein's central end, middle and peripheral end, where it fills."""
    stations = np.flatnonzero(projection.filled & np.isfinite(projection.diameter_px))
    if len(stations) < 12:
        return []
    count = len(projection.filled)
    wanted = {"central_end": 0.06, "middle": 0.5, "peripheral_end": 0.94}
    regions = []
    for name, share in wanted.items():
        nearest = stations[np.abs(stations - share * (count - 1)).argmin()]
        around = np.arange(max(nearest - 3, 0), min(nearest + 4, count))
        inner = np.linspace(0.25, 0.75, 9)
        edges = projection.edges.edges_px[around]
        offsets = edges[:, :1] + inner * (edges[:, 1:] - edges[:, :1])
        column, row = _points(projection, around, offsets)
        where = np.zeros(shape, dtype=bool)
        row = np.clip(np.rint(row).astype(int), 0, shape[0] - 1)
        column = np.clip(np.rint(column).astype(int), 0, shape[1] - 1)
        where[row, column] = True
        regions.append(Region(f"{projection.vessel}:{name}", where))
    return regions


def _points(
    projection: Projection,
    stations: np.ndarray[tuple[int], np.dtype[np.int64]],
    offsets: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    course = projection.edges.course
    points = (
        course.points_px[stations][:, None, :]
        + offsets[..., None] * course.normals[stations][:, None, :]
    )
    return points[..., 0].ravel(), points[..., 1].ravel()
