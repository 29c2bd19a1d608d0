"""Panels of a vein at all visits on one axis: areas, widths, and the image along the vein."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from matplotlib.axes import Axes

from venoseg.followup.axis import OnAxis
from venoseg.lumen.tables.stenosis import expected_normal
from venoseg.reporting.drawing import FAINT_INK
from venoseg.reporting.gray import gray_ribbon
from venoseg.reporting.straightened import crossings_mm, draw_along
from venoseg.reporting.window import GrayWindow
from venoseg.reporting.words import area_words
from venoseg.runs import runs_of
from venoseg.volume import FloatArray

# A colour, a line and a mark for each visit, so that they can be told apart without colour.
COLOURS = ("#0b4f9e", "#c2410c", "#0f766e", "#7e22ce", "#4d4d4d")
LINES: tuple[object, ...] = ("solid", (0, (6, 1.6)), (0, (1.4, 1.3)), (0, (6, 1.5, 1.2, 1.5)), "-")
MARKS = ("o", "s", "^", "D", "v")

_ACROSS_MM = 0.5

# How much of the panel the words beside the expected normal area take.
_NAME_WIDTH, _NAME_HEIGHT = 0.28, 0.1


def draw_areas(axes: Axes, veins: Sequence[OnAxis]) -> None:
    """Draw the lumen's area at all visits, that inside stents, and the expected normal one."""
    top = 1.0
    reference = expected_normal(veins[0].profile.vessel)
    if reference is not None:
        axes.axhline(
            reference.area_mm2, color=FAINT_INK, linewidth=0.8, linestyle=(0, (8, 2, 1, 2))
        )
        top = reference.area_mm2
    for n, vein in enumerate(veins):
        values, low, high = _columns(
            vein, "lumen_area_mm2", "lumen_area_low_mm2", "lumen_area_high_mm2"
        )
        _draw_course(axes, n, vein, values, low, high)
        top = max(top, float(np.nanmax(high, initial=0.0)))
        _draw_shut(axes, n, vein)
        stent = _columns(vein, "stent_area_mm2")[0]
        if np.isfinite(stent).any():
            axes.plot(vein.at_mm, stent, color=COLOURS[n % 5], linewidth=0.7, alpha=0.8)
            top = max(top, float(np.nanmax(stent)))
    axes.set_ylim(0.0, 1.1 * top)
    if reference is not None:
        _name_reference(axes, veins, reference.area_mm2)
    axes.set_ylabel("area, mm²")
    axes.set_title("Lumen area (95 % interval)")
    axes.legend(
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=len(veins),
        frameon=False,
        borderaxespad=0.0,
        handlelength=3.0,
    )


def _name_reference(axes: Axes, veins: Sequence[OnAxis], area_mm2: float) -> None:
    """Write beside its line what the expected normal area is, where fewest curves run."""
    names = ("lumen_area_mm2", "lumen_area_low_mm2", "lumen_area_high_mm2", "stent_area_mm2")
    at = np.concatenate([np.tile(vein.at_mm, len(names)) for vein in veins])
    values = np.concatenate([np.concatenate(_columns(vein, *names)) for vein in veins])
    first, last = np.nanmin(at), np.nanmax(at)
    along = (at - first) / max(last - first, 1e-6)
    over = (values - area_mm2) / axes.get_ylim()[1]

    def crowded(place: tuple[bool, bool]) -> int:
        right, above = place
        beside = along > 1.0 - _NAME_WIDTH if right else along < _NAME_WIDTH
        near = (
            (over > 0.0) & (over < _NAME_HEIGHT) if above else (over < 0.0) & (over > -_NAME_HEIGHT)
        )
        return int((beside & near).sum())

    right, above = min(product((False, True), (False, True)), key=crowded)
    axes.annotate(
        f"expected normal {area_words(area_mm2)}",
        (1.0 if right else 0.0, area_mm2),
        xycoords=("axes fraction", "data"),
        xytext=(-2 if right else 2, 2 if above else -2),
        textcoords="offset points",
        ha="right" if right else "left",
        va="bottom" if above else "top",
        fontsize=7,
        color=FAINT_INK,
    )


def draw_widths(axes: Axes, veins: Sequence[OnAxis]) -> None:
    """Draw the least width at all visits."""
    top = 1.0
    for n, vein in enumerate(veins):
        values, low, high = _columns(
            vein, "minimum_diameter_mm", "minimum_diameter_low_mm", "minimum_diameter_high_mm"
        )
        _draw_course(axes, n, vein, values, low, high)
        _draw_shut(axes, n, vein)
        top = max(top, float(np.nanmax(high, initial=0.0)))
    axes.set_ylim(0.0, 1.15 * top)
    axes.set_ylabel("mm")
    axes.set_title("Least width (95 % interval)")


def _draw_course(
    axes: Axes, n: int, vein: OnAxis, values: FloatArray, low: FloatArray, high: FloatArray
) -> None:
    colour = COLOURS[n % 5]
    known = np.isfinite(vein.at_mm)
    at = vein.at_mm[known]
    axes.fill_between(at, low[known], high[known], color=colour, alpha=0.22, linewidth=0)
    axes.plot(
        at,
        values[known],
        color=colour,
        linewidth=1.4,
        linestyle=LINES[n % 5],
        marker=MARKS[n % 5],
        markersize=3.2,
        markerfacecolor="white",
        markevery=max(1, len(at) // 12),
        label=when_words(vein),
    )


def _draw_shut(axes: Axes, n: int, vein: OnAxis) -> None:
    """Draw a hatched bar along the axis where a vein is shut."""
    states = np.array([row["state"] for row in vein.visit.stations(vein.profile.vessel)])
    shut = np.isin(states, ("occluded", "bridged")) & np.isfinite(vein.at_mm)
    for start, stop in runs_of(shut):
        axes.axvspan(
            float(vein.at_mm[start]),
            float(vein.at_mm[stop - 1]),
            ymin=0.0,
            ymax=0.06,
            facecolor="white",
            edgecolor=COLOURS[n % 5],
            hatch="xxxx",
            linewidth=0.8,
        )


def draw_view(
    axes: Axes, vein: OnAxis, window: GrayWindow, half: float, limits: tuple[float, float]
) -> None:
    """Draw the image along the vein with its columns at their places on the axis."""
    curve = vein.profile.branch.curve
    offsets = np.arange(-half, half + _ACROSS_MM / 2.0, _ACROSS_MM)
    values = gray_ribbon(vein.visit.found.volume, curve, curve.across, offsets)
    at = np.arange(limits[0], limits[1] + 0.5, 0.5)
    known = np.isfinite(vein.at_mm)
    station = np.interp(at, vein.at_mm[known], np.flatnonzero(known), left=np.nan, right=np.nan)
    picture = np.full((len(offsets), len(at)), np.nan)
    seen = np.isfinite(station)
    picture[:, seen] = values[:, np.round(station[seen]).astype(int)]
    ends = (limits[0] - 0.25, limits[1] + 0.25)
    edges = crossings_mm(vein.profile.contours_mm, 0)
    draw_along(axes, picture, window, ends, half, vein.at_mm, edges)


def _columns(vein: OnAxis, *names: str) -> tuple[FloatArray, ...]:
    rows = vein.visit.stations(vein.profile.vessel)
    return tuple(
        np.array([np.nan if row[name] is None else float(row[name] or 0.0) for row in rows])
        for name in names
    )


def when_words(vein: OnAxis) -> str:
    """Return which visit a vein was seen at, with its day."""
    return f"{vein.visit.label.replace('_', ' ')} (day {vein.visit.day})"
