"""Contrast medium over time: curves of regions, arrival, and washout."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from venoseg.angiography.grain import background_noise
from venoseg.angiography.regions import Region
from venoseg.angiography.subtraction import Subtraction
from venoseg.tables import Column, Row, Table
from venoseg.volume import FloatArray

FLOW_COLUMNS = (
    Column("time_s", "since the run's first frame", 4),
    Column("region", "main, collateral, or a vein's name and a place on it"),
    Column("opacity", "mean opacity of the region", 5),
)

_DISTINCT_RISE = 5.0

# So many pixels tell the mean of a region as well as all.
_ENOUGH = 30_000
# Frames in which the grain is measured.
_GRAINS = 6


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
