"""The tree of veins from the front and from the side, over the body."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from venoseg.anatomy import BY_NAME
from venoseg.lumen import Measurements, VesselProfile
from venoseg.lumen.edges import to_lps
from venoseg.reporting.drawing import GRAYS, INK, Picture, finish, new_figure, place_axes
from venoseg.reporting.gray import gray_at
from venoseg.reporting.panels import vessel_colour
from venoseg.volume import FloatArray, Volume

# Room around the veins along x, y and z, and the distance of the samples across and in depth.
_MARGIN_MM = np.array([35.0, 35.0, 12.0])
_PIXEL_MM, _DEPTH_MM = 1.5, 4.0

_HEIGHT_MM, _WIDTH_MM = 140.0, 120.0
_TOP_MM, _GAP_MM, _ENTRY_MM = 6.0, 5.0, 4.6

# Line styles in the order of the tree, so that veins can be told apart without colour.
STYLES: tuple[object, ...] = (
    "solid",
    (0, (5, 1.5)),
    (0, (1.2, 1.2)),
    (0, (6, 1.5, 1.2, 1.5)),
    (0, (9, 2)),
    (0, (3, 1, 1, 1, 1, 1)),
)


def draw_overview(measurements: Measurements) -> Picture:
    """Draw the centerlines and lumens from the front and from the left, the confluence marked."""
    points = np.concatenate([p.branch.curve.points_lps_mm for p in measurements.profiles])
    low, high = points.min(axis=0) - _MARGIN_MM, points.max(axis=0) + _MARGIN_MM
    size = high - low
    scale = min(_HEIGHT_MM / size[2], (_WIDTH_MM - _GAP_MM) / (size[0] + size[1]))
    height, width = size[2] * scale, (size[0] + size[1]) * scale + _GAP_MM
    legend = _ENTRY_MM * (len(measurements.profiles) + 2) + 3.0
    total = _TOP_MM + height + legend
    figure = new_figure(width, total)
    left = 0.0
    for axis, title in ((0, "From the front"), (1, "From the left side")):
        axes = place_axes(figure, left, _TOP_MM, size[axis] * scale, height)
        left += size[axis] * scale + _GAP_MM
        _draw_body(axes, measurements.volume, low, high, axis)
        for n, profile in enumerate(measurements.profiles):
            _draw_vessel(axes, profile, n, axis)
        _draw_confluence(axes, measurements, axis)
        _finish_axes(axes, low, high, axis)
        axes.set_title(title)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="lower left",
        bbox_to_anchor=(0.0, 0.0),
        frameon=False,
        borderaxespad=0.0,
        handlelength=3.2,
    )
    return finish(figure, _alt(measurements), (_caption(measurements),))


def _draw_body(axes: Axes, volume: Volume, low: FloatArray, high: FloatArray, axis: int) -> None:
    """Draw the mean of the image over the depth of the veins."""
    other = 1 - axis
    depth = np.arange(low[other] + 20.0, high[other] - 20.0, _DEPTH_MM)
    flat = np.arange(low[axis], high[axis], _PIXEL_MM)
    up = np.arange(low[2], high[2], _PIXEL_MM)
    points = np.empty((len(up), len(flat), len(depth), 3))
    points[..., axis] = flat[None, :, None]
    points[..., other] = depth
    points[..., 2] = up[:, None, None]
    mean = _mean_seen(gray_at(volume, points))
    seen = mean[~np.isnan(mean)]
    dark, bright = np.percentile(seen, [2.0, 99.5]) if seen.size else (0.0, 1.0)
    axes.imshow(
        np.ma.masked_invalid(mean),
        cmap=GRAYS,
        vmin=dark,
        vmax=max(bright, dark + 1.0),
        origin="lower",
        interpolation="bilinear",
        aspect="auto",
        extent=(flat[0], flat[-1] + _PIXEL_MM, up[0], up[-1] + _PIXEL_MM),
    )


def _mean_seen(values: npt.NDArray[np.float32]) -> FloatArray:
    """Return the mean over the last axis of what is not NaN; NaN where all is."""
    seen = ~np.isnan(values)
    count = seen.sum(axis=-1)
    total = np.where(seen, values, 0.0).sum(axis=-1, dtype=np.float64)
    mean: FloatArray = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return mean


def _draw_vessel(axes: Axes, profile: VesselProfile, order: int, axis: int) -> None:
    curve, colour = profile.branch.curve, vessel_colour(profile.vessel)
    wall = curve.points_lps_mm[:, None, :] + to_lps(profile.contours_mm[:, ::4], curve)
    shown = wall[profile.measured][::2][:, :, [axis, 2]]
    axes.add_collection(PolyCollection(list(shown), facecolor=colour, alpha=0.16, linewidth=0))
    line = curve.points_lps_mm[:, [axis, 2]].T
    axes.plot(*line, color="white", linewidth=3.0)
    axes.plot(
        *line,
        color=colour,
        linewidth=1.8,
        linestyle=STYLES[order % len(STYLES)],
        label=f"{order + 1}  {BY_NAME[profile.vessel].title}",
    )
    across, up = curve.points_lps_mm[len(curve) // 2, [axis, 2]]
    axes.annotate(
        str(order + 1),
        (float(across), float(up)),
        ha="center",
        va="center",
        fontsize=8,
        fontweight="bold",
        bbox={"boxstyle": "circle,pad=0.25", "facecolor": "white", "edgecolor": colour, "lw": 1.2},
        zorder=6,
    )
    if profile.measured.any():
        least = profile.centers_lps_mm[int(np.nanargmin(profile.shapes.area_mm2)), [axis, 2]]
        axes.plot(
            *least,
            marker="v",
            markersize=6,
            color=INK,
            markerfacecolor="white",
            linestyle="none",
            zorder=5,
            label="smallest section" if order == 0 else None,
        )


def _draw_confluence(axes: Axes, measurements: Measurements, axis: int) -> None:
    place = measurements.tree.confluence_lps_mm
    if place is not None:
        axes.plot(
            *place[[axis, 2]],
            marker="D",
            markersize=6,
            color=INK,
            markerfacecolor="#ffe14d",
            linestyle="none",
            zorder=7,
            label="confluence of the iliac veins",
        )


def _finish_axes(axes: Axes, low: FloatArray, high: FloatArray, axis: int) -> None:
    axes.set(xlim=(low[axis], high[axis]), ylim=(low[2], high[2]), xticks=[], yticks=[])
    letters = ("R", "L") if axis == 0 else ("A", "P")
    places = (
        (letters[0], (0.015, 0.5), "left", "center"),
        (letters[1], (0.985, 0.5), "right", "center"),
        ("H", (0.5, 0.985), "center", "top"),
        ("F", (0.5, 0.015), "center", "bottom"),
    )
    box = {"boxstyle": "square,pad=0.15", "facecolor": INK, "alpha": 0.7, "linewidth": 0}
    for letter, place, side, stands in places:
        axes.text(
            *place,
            letter,
            transform=axes.transAxes,
            color="white",
            fontsize=9,
            fontweight="bold",
            ha=side,
            va=stands,
            bbox=box,
        )
    start, up = low[axis] + 6.0, low[2] + 5.0
    axes.plot([start, start + 50.0], [up, up], color="white", linewidth=2.5, solid_capstyle="butt")
    axes.text(
        start + 25.0,
        up + 3.0,
        "50 mm",
        color="white",
        fontsize=8,
        ha="center",
        va="bottom",
        bbox=box,
    )


def _alt(measurements: Measurements) -> str:
    names = ", ".join(BY_NAME[p.vessel].title.lower() for p in measurements.profiles)
    return (
        f"The centerlines and lumens of {names}, seen from the front and from the left side. "
        f"{_confluence_words(measurements)} A triangle marks each vein's smallest section."
    )


def _caption(measurements: Measurements) -> str:
    return (
        "Centerlines and measured lumens over the mean of the image through the depth of the "
        f"veins. {_confluence_words(measurements)}"
    )


def _confluence_words(measurements: Measurements) -> str:
    if measurements.tree.confluence_lps_mm is None:
        return "The confluence of the iliac veins is not in view."
    return "The confluence of the iliac veins is marked."
