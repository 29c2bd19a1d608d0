"""The smallest section of a vein as a picture, and the widest beside it at the same scale."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from venoseg.anatomy import BY_NAME
from venoseg.lumen import VesselProfile
from venoseg.lumen.geometry.contours import measure_shapes
from venoseg.lumen.tables.stenosis import expected_normal
from venoseg.reporting.calipers import Caliper, greatest_width, least_width
from venoseg.reporting.drawing import (
    GRAYS,
    INK,
    Picture,
    finish,
    new_figure,
    place_axes,
)
from venoseg.reporting.gray import gray_plane
from venoseg.reporting.window import GrayWindow
from venoseg.reporting.words import (
    area_range,
    area_words,
    length_range,
    length_words,
    patient_direction,
)
from venoseg.volume import Volume

_SIDE_MM, _TOP_MM, _BOTTOM_MM = 90.0, 6.0, 0.5
_PIXEL_MM = 0.25

# Half the picture against the reach of the wall, and the least tissue beside it: room for labels.
_ROOM, _BESIDE_MM = 2.1, 13.0

_EDGE, _LEAST, _GREATEST = "#ffe14d", "#ffffff", "#7fd4ff"


def draw_sections(
    profile: VesselProfile, volume: Volume, window: GrayWindow
) -> tuple[Picture, ...]:
    """Draw the sections of the smallest and of the largest area; empty where none was measured."""
    if not profile.measured.any():
        return ()
    areas = profile.shapes.area_mm2
    stations = {
        "Smallest section": int(np.nanargmin(areas)),
        "Widest section": int(np.nanargmax(areas)),
    }
    reach = max(float(np.abs(profile.outlines_mm(n)).max()) for n in stations.values())
    half = max(_ROOM * reach, reach + _BESIDE_MM)
    return tuple(
        _draw_section(title, profile, station, volume, window, half)
        for title, station in stations.items()
    )


def _draw_section(
    title: str,
    profile: VesselProfile,
    station: int,
    volume: Volume,
    window: GrayWindow,
    half_mm: float,
) -> Picture:
    figure = new_figure(_SIDE_MM, _TOP_MM + _SIDE_MM + _BOTTOM_MM)
    axes = place_axes(figure, 0.0, _TOP_MM, _SIDE_MM, _SIDE_MM)
    position = profile.branch.curve.position_mm[station]
    draw_plane(axes, profile, station, volume, window, half_mm)
    axes.set_title(f"{title}, {position:.0f} mm from the central end")
    figures = _figures(profile, station)
    return finish(
        figure,
        f"{title} of the {BY_NAME[profile.vessel].title.lower()}, {position:.0f} mm from its "
        f"central end: {', '.join(figures)}. The image across the vein with the edge of each "
        "lumen, both diameters, the patient's directions and a bar of 10 mm.",
        (*figures, window.name),
    )


def draw_plane(
    axes: Axes,
    profile: VesselProfile,
    station: int,
    volume: Volume,
    window: GrayWindow,
    half_mm: float,
) -> None:
    """Draw the image across a vein at a station, with the lumen where it was measured."""
    curve = profile.branch.curve
    offsets = np.arange(-half_mm, half_mm + _PIXEL_MM / 2.0, _PIXEL_MM)
    axes.imshow(
        np.ma.masked_invalid(gray_plane(volume, curve, station, offsets)),
        cmap=GRAYS,
        vmin=window.low,
        vmax=window.high,
        origin="lower",
        interpolation="bilinear",
        extent=(-half_mm, half_mm, -half_mm, half_mm),
    )
    if profile.measured[station]:
        _draw_lumen(axes, profile, station)
    _draw_directions(axes, profile, station)
    _draw_scale_bar(axes, half_mm)
    axes.set(xlim=(-half_mm, half_mm), ylim=(-half_mm, half_mm), xticks=[], yticks=[])


def _draw_lumen(axes: Axes, profile: VesselProfile, station: int) -> None:
    """Draw the lumens' edges, the circle of the reference and both widths."""
    outlines = profile.outlines_mm(station)
    for outline in outlines:
        closed = np.vstack([outline, outline[:1]])
        axes.plot(*closed.T, color="black", linewidth=2.4, alpha=0.6)
        axes.plot(*closed.T, color=_EDGE, linewidth=1.3)
    reference = expected_normal(profile.vessel)
    if reference is not None:
        turn = np.linspace(0.0, 2.0 * np.pi, 120)
        circle = reference.diameter_mm / 2.0 * np.stack([np.cos(turn), np.sin(turn)])
        axes.plot(
            *(circle + outlines.mean(axis=(0, 1))[:, None]),
            color="white",
            linewidth=0.8,
            linestyle=(0, (1, 2.5)),
        )
    angles = measure_shapes(outlines).minimum_angle_rad
    least = [least_width(one, float(angle)) for one, angle in zip(outlines, angles, strict=True)]
    widths = (
        ("min", min(least, key=_width), _LEAST, "solid"),
        ("max", max(map(greatest_width, outlines), key=_width), _GREATEST, (0, (5, 2))),
    )
    for row, (name, caliper, colour, style) in enumerate(widths):
        _draw_caliper(axes, caliper, colour, style)
        _write_width(axes, row, name, caliper, colour)


def _width(caliper: Caliper) -> float:
    return caliper.width_mm


def _draw_caliper(axes: Axes, caliper: Caliper, colour: str, style: object) -> None:
    """Draw a width as a line between two short jaws."""
    ends, jaw = caliper.ends_mm, 1.6 * caliper.jaw
    for width, ink in ((2.4, "black"), (1.2, colour)):
        axes.plot(*ends.T, color=ink, linewidth=width, linestyle=style, alpha=0.9)
        for end in ends:
            axes.plot(*np.stack([end - jaw, end + jaw]).T, color=ink, linewidth=width, alpha=0.9)


def _write_width(axes: Axes, row: int, name: str, caliper: Caliper, colour: str) -> None:
    """Write a width into the corner, where neither the lumen nor the patient's sides stand."""
    axes.text(
        0.015,
        0.985 - 0.085 * row,
        f"{name} {caliper.width_mm:.1f} mm",
        transform=axes.transAxes,
        color=colour,
        fontsize=8,
        fontweight="bold",
        ha="left",
        va="top",
        bbox={"boxstyle": "square,pad=0.15", "facecolor": INK, "alpha": 0.7, "linewidth": 0},
    )


def _draw_directions(axes: Axes, profile: VesselProfile, station: int) -> None:
    curve = profile.branch.curve
    across, upward = curve.across[station], curve.upward[station]
    places = (
        (across, (0.985, 0.5), "right", "center"),
        (-across, (0.015, 0.5), "left", "center"),
        (upward, (0.5, 0.985), "center", "top"),
        (-upward, (0.5, 0.015), "center", "bottom"),
    )
    for direction, place, side, stands in places:
        axes.text(
            *place,
            patient_direction(direction),
            transform=axes.transAxes,
            color="white",
            fontsize=9,
            fontweight="bold",
            ha=side,
            va=stands,
            bbox={"boxstyle": "square,pad=0.15", "facecolor": INK, "alpha": 0.7, "linewidth": 0},
        )


def _draw_scale_bar(axes: Axes, half_mm: float) -> None:
    start, height = -0.95 * half_mm, -0.93 * half_mm
    axes.plot(
        [start, start + 10.0], [height, height], color="black", linewidth=4.5, solid_capstyle="butt"
    )
    axes.plot(
        [start, start + 10.0], [height, height], color="white", linewidth=2.5, solid_capstyle="butt"
    )
    axes.text(
        start + 5.0,
        height + 0.03 * half_mm,
        "10 mm",
        color="white",
        fontsize=8,
        ha="center",
        va="bottom",
        bbox={"boxstyle": "square,pad=0.1", "facecolor": INK, "alpha": 0.6, "linewidth": 0},
    )


def _figures(profile: VesselProfile, n: int) -> tuple[str, ...]:
    shapes = profile.shapes
    area, low_high = area_words(shapes.area_mm2[n]), area_range(*profile.area_interval_mm2[n])
    minimum, span = (
        length_words(shapes.minimum_mm[n]),
        length_range(*profile.minimum_interval_mm[n]),
    )
    maximum, equivalent = length_words(shapes.maximum_mm[n]), length_words(shapes.equivalent_mm[n])
    return (
        f"area {area} (95 % interval {low_high})",
        f"minimum diameter {minimum} ({span})",
        f"maximum diameter {maximum}, equivalent {equivalent}",
        "edge from gray values" if profile.from_image[n] else "edge from labels",
    )
