"""One picture of a vein along its length: profiles above, straightened views below, one axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from venoseg.anatomy import BY_NAME
from venoseg.lumen import VesselProfile
from venoseg.lumen.tables.stenosis import expected_normal
from venoseg.reporting.drawing import GRID_INK, Picture, finish, new_figure, place_axes
from venoseg.reporting.panels import (
    draw_area,
    draw_diameters,
    draw_sources,
    reason_patches,
    shade_unmeasured,
    source_patches,
)
from venoseg.reporting.straightened import draw_straightened, half_width_mm
from venoseg.reporting.stretches import step_mm
from venoseg.reporting.window import GrayWindow
from venoseg.volume import Volume

_LEFT_MM, _RIGHT_MM, _TOP_MM, _BOTTOM_MM = 17.0, 8.0, 6.0, 19.0
_WIDEST_MM, _NARROWEST_MM = 161.0, 100.0
_AREA_MM, _DIAMETER_MM, _STRIP_MM = 37.0, 31.0, 2.6
_GAP_MM, _TITLE_MM = 2.0, 6.5

# Lengths are drawn at most this much larger than life, so that a short vein does not fill a page.
_LARGEST_SCALE = 1.4


@dataclass(frozen=True, slots=True)
class CoursePicture:
    """The picture and where its axis lies in it, for the reading of values under the pointer.

    Attributes
    ----------
    picture
        Profiles and straightened views.
    axis_left, axis_right
        Share of the picture's width at which the axis begins and ends.
    axis_from_mm, axis_to_mm
        Positions there.
    """

    picture: Picture
    axis_left: float
    axis_right: float
    axis_from_mm: float
    axis_to_mm: float


def draw_course(profile: VesselProfile, volume: Volume, window: GrayWindow) -> CoursePicture:
    """Draw the profiles and the two straightened views of one vein."""
    curve = profile.branch.curve
    step = step_mm(profile)
    width = float(np.clip(curve.length_mm * _LARGEST_SCALE, _NARROWEST_MM, _WIDEST_MM))
    reach = max(curve.length_mm, width / _LARGEST_SCALE)
    limits = (-step / 2.0, reach + step / 2.0)
    half = half_width_mm(profile)
    view = 2.0 * half * width / (limits[1] - limits[0])

    heights = (_AREA_MM, _STRIP_MM, _DIAMETER_MM, view, view)
    before = (_TOP_MM, _GAP_MM, _TITLE_MM, _TITLE_MM + 1.0, _TITLE_MM)
    total = sum(heights) + sum(before) + _BOTTOM_MM
    full = _LEFT_MM + width + _RIGHT_MM
    figure = new_figure(full, total)
    axes: list[Axes] = []
    top = 0.0
    for gap, height in zip(before, heights, strict=True):
        top += gap
        axes.append(place_axes(figure, _LEFT_MM, top, width, height))
        top += height

    area, strip, diameters, across, upward = axes
    draw_area(area, profile, expected_normal(profile.vessel))
    draw_sources(strip, profile)
    draw_diameters(diameters, profile)
    draw_straightened(across, profile, volume, window, axis=0, half_mm=half)
    draw_straightened(upward, profile, volume, window, axis=1, half_mm=half)
    for panel in (area, diameters):
        shade_unmeasured(panel, profile)
    for panel in axes:
        panel.set_xlim(*limits)
        panel.tick_params(labelbottom=panel is upward, length=2.5)
    upward.set_xlabel("distance from the central end (towards the heart), mm")
    for panel in (area, diameters):
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(visible=True, color=GRID_INK, linewidth=0.5)
        panel.set_axisbelow(True)
    figure.legend(
        handles=[*source_patches(profile), *reason_patches(profile)],
        loc="lower left",
        bbox_to_anchor=(_LEFT_MM / full, 0.5 / total),
        ncols=2 if width < 120.0 else 3,
        frameon=False,
        borderaxespad=0.0,
    )
    return CoursePicture(
        finish(figure, _alt(profile, window), (_caption(window),)),
        _LEFT_MM / full,
        (_LEFT_MM + width) / full,
        *limits,
    )


def _caption(window: GrayWindow) -> str:
    return (
        "Straightened views: lengths along and across are to one scale; yellow: the lumen's edge; "
        f"dashed: place of the smallest section; {window.name}."
    )


def _alt(profile: VesselProfile, window: GrayWindow) -> str:
    title = BY_NAME[profile.vessel].title
    what = (
        f"{title} along its length of {profile.branch.curve.length_mm:.0f} mm, from its central "
        "end. Lumen area with its 95 % interval, minimum and maximum diameter, and two "
        f"straightened views of the image ({window.name}) with the lumen's edges drawn in. "
    )
    if not profile.measured.any():
        return what + "No station could be measured: the profiles are empty."
    areas = profile.shapes.area_mm2
    return what + (
        f"The area runs from {np.nanmin(areas):.0f} to {np.nanmax(areas):.0f} mm²; "
        "the values stand in cross_sections.csv."
    )
