"""Contrast medium over time: a panel for the whole picture and one for each vein."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from venoseg.angiography import Venogram
from venoseg.angiography.flow import Curve
from venoseg.reporting.drawing import Picture, finish, new_figure, place_axes
from venoseg.reporting.venogram_pictures import VEIN_COLOURS, WIDTH_MM, plain
from venoseg.reporting.words import vein_title

_COLUMNS = 3
_LEFT_MM, _ABOVE_MM, _BELOW_MM, _HIGH_MM, _LEGEND_MM = 14.0, 7.0, 8.0, 30.0, 8.0
_APART_MM = 5.0
# Curves of a panel can be told apart without colour, and are the same place in every panel.
_DRAWN = {
    "main": ("solid", "o"),
    "collateral": ((0, (1.4, 1.3)), "D"),
    "central_end": ("solid", "o"),
    "middle": ((0, (6, 1.6)), "s"),
    "peripheral_end": ((0, (1.4, 1.3)), "D"),
}
_WORDS = {"main": "measured veins", "collateral": "other vessels"}


def draw_curves(found: Venogram) -> Picture:
    """Draw the opacity of each region over time, and the share beside the measured veins."""
    panels = panels_of(found.curves)
    columns = min(len(panels), _COLUMNS)
    rows = -(-len(panels) // _COLUMNS)
    wide = (WIDTH_MM - _LEFT_MM - 2.0 - _APART_MM * (_COLUMNS - 1)) / _COLUMNS
    row_mm = _ABOVE_MM + _HIGH_MM + _BELOW_MM
    height_mm = rows * row_mm + 2.0 * _LEGEND_MM
    figure = new_figure(WIDTH_MM, height_mm)
    lowest = min(0.0, *(float(curve.opacity.min()) for curve in found.curves))
    highest = max(float(curve.opacity.max()) for curve in found.curves)
    colours = {
        vein_title(vein.vessel): VEIN_COLOURS[n % len(VEIN_COLOURS)]
        for n, vein in enumerate(found.projections)
    }
    unit = "s" if found.subtraction.run.timed else "frames"
    last_row = {n for n in range(len(panels)) if n + columns >= len(panels)}
    for number, (title, curves) in enumerate(panels.items()):
        row, column = divmod(number, _COLUMNS)
        left = _LEFT_MM + column * (wide + _APART_MM)
        axes = place_axes(figure, left, row * row_mm + _ABOVE_MM, wide, _HIGH_MM)
        colour = colours.get(title, "black")
        for curve in curves:
            _draw(axes, curve, found.subtraction.times_s, colour)
        axes.set_ylim(lowest - 0.04 * (highest - lowest), 1.06 * highest)
        axes.set_title(title, fontsize=7.5, loc="left")
        if column == 0:
            axes.set_ylabel("opacity")
        else:
            axes.set_yticklabels([])
        if number in last_row:
            axes.set_xlabel(f"time, {unit}")
        plain(axes)
        if number < 2:
            # One legend for the whole picture, one that holds for every vein.
            x, y = left / WIDTH_MM, (_LEGEND_MM - 1.0) / height_mm
            handles, words = axes.get_legend_handles_labels()
            figure.legend(
                handles,
                words,
                loc="center left",
                bbox_to_anchor=(x, y),
                ncols=3,
                frameon=False,
                columnspacing=1.0,
                handletextpad=0.4,
            )
    return finish(figure, _alt(found, unit), tuple(_caption(found)))


def panels_of(curves: tuple[Curve, ...]) -> dict[str, list[Curve]]:
    """Return the curves of each panel: of the whole picture, then of each vein."""
    panels: dict[str, list[Curve]] = {}
    for curve in curves:
        vessel, colon, _ = curve.name.partition(":")
        panels.setdefault(vein_title(vessel) if colon else "Whole picture", []).append(curve)
    return panels


def _draw(axes: Axes, curve: Curve, times: np.typing.NDArray[np.float64], colour: str) -> None:
    place = curve.name.rpartition(":")[2]
    line, mark = _DRAWN.get(place, ("solid", "o"))
    axes.plot(
        times,
        curve.opacity,
        color=colour,
        linewidth=1.1,
        linestyle=line,
        marker=mark,
        markersize=2.6,
        markerfacecolor="white",
        markevery=max(len(times) // 12, 1),
        label=_WORDS.get(place, place.replace("_", " ")),
    )
    if curve.arrival_s is not None:
        axes.plot([curve.arrival_s], [0.0], marker="^", color=colour, markersize=4)


def _caption(found: Venogram) -> list[str]:
    caption = ["Triangles: arrival of contrast medium."]
    beside = found.collaterals
    if beside is not None and np.isfinite(beside.whole):
        caption.append(
            f"Share of contrast medium in other filled vessels: {100 * beside.whole:.0f} % "
            f"(95 % {100 * beside.whole_low:.0f} to {100 * beside.whole_high:.0f})."
        )
    return caption


def _alt(found: Venogram, unit: str) -> str:
    arrivals = [
        f"{_region_words(curve.name)} at {curve.arrival_s:.1f}"
        for curve in found.curves
        if curve.arrival_s is not None
    ]
    return (
        f"Contrast medium over time; it arrives in {', '.join(arrivals) or 'no region'} ({unit})."
    )


def _region_words(name: str) -> str:
    """Return what a region of the flow is called, such as a place along a vein."""
    vessel, colon, place = name.partition(":")
    if colon:
        return f"{vein_title(vessel)}, {place.replace('_', ' ')}"
    return _WORDS.get(name, name)
