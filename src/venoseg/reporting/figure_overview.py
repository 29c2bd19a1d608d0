"""The tree of veins from the front and from the side, over the body."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from venoseg.anatomy import BY_NAME
from venoseg.lumen import Measurements, VesselProfile
from venoseg.lumen.rays.edges import to_lps
from venoseg.reporting.drawing import INK, Picture, finish, new_figure, place_axes
from venoseg.reporting.mean_view import draw_mean_view
from venoseg.reporting.panels import vessel_colour
from venoseg.volume import FloatArray

# Room around the veins along x, y and z, and the distance of the samples across and in depth.
_MARGIN_MM = np.array([35.0, 35.0, 12.0])
_PIXEL_MM, _DEPTH_MM = 1.5, 4.0
_SHALLOWER_MM = 20.0

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
        spans = [(float(low[n]), float(high[n])) for n in range(3)]
        # Nearer the veins in depth than across, so that bone does not hide them.
        spans[1 - axis] = (spans[1 - axis][0] + _SHALLOWER_MM, spans[1 - axis][1] - _SHALLOWER_MM)
        draw_mean_view(
            axes,
            measurements.volume,
            axis,
            (spans[0], spans[1], spans[2]),
            pixel_mm=_PIXEL_MM,
            depth_step_mm=_DEPTH_MM,
        )
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


def _draw_vessel(axes: Axes, profile: VesselProfile, order: int, axis: int) -> None:
    curve, colour = profile.branch.curve, vessel_colour(profile.vessel)
    shown = [
        lumen[:, [axis, 2]]
        for n in np.flatnonzero(profile.measured)[::2].tolist()
        for lumen in curve.points_lps_mm[n]
        + to_lps(profile.outlines_mm(n)[:, ::4], curve.part(slice(n, n + 1)))
    ]
    axes.add_collection(PolyCollection(shown, facecolor=colour, alpha=0.16, linewidth=0))
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
