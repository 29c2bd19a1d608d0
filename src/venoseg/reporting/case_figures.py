"""Pictures of a vein at all visits on one axis: profiles, straightened views, one level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from venoseg.anatomy import BY_NAME
from venoseg.followup.axis import OnAxis
from venoseg.reporting.case_panels import (
    COLOURS,
    draw_areas,
    draw_view,
    draw_widths,
    when_words,
)
from venoseg.reporting.drawing import (
    GRID_INK,
    Picture,
    finish,
    new_figure,
    place_axes,
)
from venoseg.reporting.figure_section import draw_plane
from venoseg.reporting.straightened import half_width_mm
from venoseg.reporting.window import GrayWindow
from venoseg.reporting.words import area_range, area_words, length_words
from venoseg.tables import Row

_LEFT_MM, _RIGHT_MM, _TOP_MM, _BOTTOM_MM = 17.0, 4.0, 8.0, 11.0
_WIDTH_MM, _AREA_MM, _DIAMETER_MM, _GAP_MM, _TITLE_MM = 150.0, 40.0, 32.0, 3.0, 5.0
_SECTION_MM = 62.0


@dataclass(frozen=True, slots=True)
class AxisPicture:
    """A picture and where its axis lies in it; shares of the width, and mm at the axis' ends."""

    picture: Picture
    axis_left: float
    axis_right: float
    axis_from_mm: float
    axis_to_mm: float


def axis_limits(veins: Sequence[OnAxis]) -> tuple[float, float]:
    """Return the first and the last position of the axis that all visits together show."""
    shown = np.concatenate([vein.at_mm for vein in veins])
    shown = shown[np.isfinite(shown)]
    return float(shown.min()), float(shown.max())


def draw_profiles(veins: Sequence[OnAxis], windows: Sequence[GrayWindow]) -> AxisPicture:
    """Draw the areas, least widths and straightened views of a vein at all its visits."""
    matched = [n for n, vein in enumerate(veins) if np.isfinite(vein.at_mm).any()]
    limits = axis_limits(veins)
    half = max(half_width_mm(vein.profile) for vein in veins)
    view = float(np.clip(2.0 * half * _WIDTH_MM / (limits[1] - limits[0] + 1.0), 14.0, 46.0))
    heights = [_AREA_MM, _DIAMETER_MM, *([view] * len(matched))]
    gaps = [_TOP_MM, _GAP_MM + _TITLE_MM, *([_GAP_MM + _TITLE_MM] * len(matched))]
    total = sum(heights) + sum(gaps) + _BOTTOM_MM
    figure = new_figure(_LEFT_MM + _WIDTH_MM + _RIGHT_MM, total)
    panels: list[Axes] = []
    top = 0.0
    for gap, height in zip(gaps, heights, strict=True):
        top += gap
        panels.append(place_axes(figure, _LEFT_MM, top, _WIDTH_MM, height))
        top += height
    draw_areas(panels[0], veins)
    draw_widths(panels[1], veins)
    for n, panel in zip(matched, panels[2:], strict=True):
        draw_view(panel, veins[n], windows[n], half, limits)
        panel.set_title(f"Straightened view across, {when_words(veins[n])}", color=COLOURS[n % 5])
    for panel in panels:
        panel.set_xlim(limits[0] - 0.5, limits[1] + 0.5)
        panel.tick_params(labelbottom=panel is panels[-1], length=2.5)
    panels[-1].set_xlabel(
        "distance from the central end (towards the heart) on the common axis, mm"
    )
    for panel in panels[:2]:
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(visible=True, color=GRID_INK, linewidth=0.5)
        panel.set_axisbelow(True)
    full = _LEFT_MM + _WIDTH_MM + _RIGHT_MM
    return AxisPicture(
        finish(figure, _alt(veins), _caption(windows)),
        _LEFT_MM / full,
        (_LEFT_MM + _WIDTH_MM) / full,
        limits[0] - 0.5,
        limits[1] + 0.5,
    )


def draw_level(veins: Sequence[OnAxis], windows: Sequence[GrayWindow]) -> tuple[Picture, ...]:
    """Draw the sections of all visits at the level of the last visit's smallest section."""
    measured = [vein for vein in veins if vein.profile.measured.any()]
    if not measured:
        return ()
    last = measured[-1]
    areas = np.where(np.isfinite(last.at_mm), last.profile.shapes.area_mm2, np.nan)
    if not np.isfinite(areas).any():
        return ()
    level = float(last.at_mm[int(np.nanargmin(areas))])
    stations = [_station(vein, level) for vein in veins]
    walls = [
        float(np.nanmax(np.abs(vein.profile.contours_mm[n])))
        for vein, n in zip(veins, stations, strict=True)
        if n is not None and vein.profile.measured[n]
    ]
    half = max(2.0 * max(walls), 20.0)
    return tuple(
        _draw_section(vein, n, window, half, level)
        for vein, n, window in zip(veins, stations, windows, strict=True)
        if n is not None
    )


def _draw_section(vein: OnAxis, n: int, window: GrayWindow, half: float, level: float) -> Picture:
    profile = vein.profile
    figure = new_figure(_SECTION_MM, _SECTION_MM + 6.0)
    axes = place_axes(figure, 0.0, 6.0, _SECTION_MM, _SECTION_MM)
    draw_plane(axes, profile, n, vein.visit.found.volume, window, half)
    axes.set_title(when_words(vein))
    row = vein.visit.stations(profile.vessel)[n]
    words = _section_words(row)
    title = BY_NAME[profile.vessel].title
    return finish(
        figure,
        f"Section of the {title.lower()} at {level:.0f} mm of the common axis, {when_words(vein)}: "
        f"{words}.",
        (words,),
    )


def _section_words(row: Row) -> str:
    area, low, high = (
        row[name] for name in ("lumen_area_mm2", "lumen_area_low_mm2", "lumen_area_high_mm2")
    )
    if row["state"] == "occluded":
        return "occluded: no lumen"
    if row["state"] == "bridged":
        return "no lumen is seen"
    if area is None:
        return "not measured"
    words = f"area {area_words(float(area))}"
    if low is not None and high is not None:
        words += f" (95 % {area_range(float(low), float(high))})"
    width = row["minimum_diameter_mm"]
    if width is not None:
        words += f", least width {length_words(float(width))}"
    stent = row["stent_area_mm2"]
    return words if stent is None else f"{words}, stent {area_words(float(stent))}"


def _station(vein: OnAxis, level: float) -> int | None:
    """Return the station at a level of the axis, None where the visit does not show it."""
    apart = np.abs(vein.at_mm - level)
    if not np.isfinite(apart).any():
        return None
    nearest = int(np.nanargmin(apart))
    return nearest if apart[nearest] <= 2.0 else None


def _caption(windows: Sequence[GrayWindow]) -> tuple[str, ...]:
    names = "; ".join(dict.fromkeys(window.name for window in windows))
    line = (
        "All visits on one axis; bands: 95 % interval; cross-hatched bar: no lumen; thin line: "
        f"area inside the stent's wires. Yellow: the lumen's edge; {names}."
    )
    return (line,)


def _alt(veins: Sequence[OnAxis]) -> str:
    title = BY_NAME[veins[0].profile.vessel].title
    parts = []
    for vein in veins:
        areas = vein.profile.shapes.area_mm2
        if np.isfinite(areas).any():
            parts.append(
                f"{when_words(vein)}: {np.nanmin(areas):.0f} to {np.nanmax(areas):.0f} mm²"
            )
        else:
            parts.append(f"{when_words(vein)}: no lumen measured")
    return (
        f"{title} at {len(veins)} visits on one axis: lumen area and least width with their 95 % "
        f"intervals, and straightened views. Area {'; '.join(parts)}. The values stand in "
        "cross_sections.csv and changes.csv."
    )
