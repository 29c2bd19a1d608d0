"""The panels of a vein's profile: area, source of the edge, diameters."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from venoseg.anatomy import BY_NAME
from venoseg.lumen import VesselProfile
from venoseg.lumen.tables.least import least_area, least_width
from venoseg.lumen.tables.stenosis import Reference
from venoseg.reporting.drawing import FAINT_INK, INK
from venoseg.reporting.stretches import edge_sources, step_mm, unmeasured
from venoseg.reporting.words import NO_REASON, REASONS, area_words
from venoseg.volume import BoolArray, FloatArray

# A hatch each, so that the reasons can be told apart without colour.
_HATCHES = dict(
    zip(
        (*REASONS.values(), NO_REASON),
        ("///", "xxx", "...", "\\\\\\", "oo", "++", "**", "--", "||", "//", "xx", "-.", "o|"),
        strict=True,
    )
)

_SHADE = "#eef1f3"


def draw_area(axes: Axes, profile: VesselProfile, reference: Reference | None) -> None:
    """Draw the area with its interval, its smallest value and the reference."""
    position, area = profile.branch.curve.position_mm, profile.shapes.area_mm2
    length = profile.branch.curve.length_mm
    colour = vessel_colour(profile.vessel)
    low, high = profile.area_interval_mm2.T
    axes.fill_between(position, low, high, color=colour, alpha=0.28, linewidth=0)
    _by_source(axes, position, area, profile.from_image, colour, 1.4)
    top = 1.0 if not profile.measured.any() else float(np.nanmax(high))
    if reference is not None:
        axes.axhline(
            reference.area_mm2,
            color=INK,
            linewidth=0.9,
            linestyle=(0, (6, 2, 1, 2)),
            label=f"expected normal {area_words(reference.area_mm2)}",
        )
        _legend_above(axes, 1)
        top = max(top, reference.area_mm2)
    if profile.measured.any():
        least = least_area(profile)
        _mark_least(axes, least.position_mm, length, least.value, area_words(least.value))
    axes.set_ylim(0.0, 1.15 * top)
    axes.set_ylabel("area, mm²")
    axes.set_title("Lumen area (95 % interval)")


def draw_diameters(axes: Axes, profile: VesselProfile) -> None:
    """Draw the minimum diameter with its interval, and the maximum."""
    position, shapes = profile.branch.curve.position_mm, profile.shapes
    length = profile.branch.curve.length_mm
    colour = vessel_colour(profile.vessel)
    low, high = profile.minimum_interval_mm.T
    axes.fill_between(position, low, high, color=colour, alpha=0.28, linewidth=0)
    axes.plot(
        position,
        shapes.minimum_mm,
        color=colour,
        linewidth=1.4,
        label="minimum (95 % interval)",
    )
    axes.plot(
        position,
        shapes.maximum_mm,
        color=INK,
        linewidth=1.0,
        linestyle=(0, (4, 2)),
        marker="^",
        markersize=3.0,
        markevery=_every(len(position)),
        label="maximum",
    )
    top = 1.0 if not profile.measured.any() else float(np.nanmax(shapes.maximum_mm))
    if profile.measured.any():
        least = least_width(profile)
        _mark_least(axes, least.position_mm, length, least.value, f"{least.value:.1f} mm")
    axes.set_ylim(0.0, 1.2 * top)
    axes.set_ylabel("diameter, mm")
    axes.set_title("Diameters")
    _legend_above(axes, 2)


def draw_sources(axes: Axes, profile: VesselProfile) -> None:
    """Draw a strip that says where the edge was taken from."""
    step = step_mm(profile)
    axes.set_ylim(0.0, 1.0)
    axes.set_yticks([])
    axes.set_ylabel("edge", rotation=0, ha="right", va="center", fontsize=7)
    axes.tick_params(bottom=False)
    axes.spines[:].set_visible(False)
    for stretch in edge_sources(profile):
        gray = stretch.kind == "gray values"
        axes.axvspan(
            *stretch.span_mm(step),
            facecolor="#4d565e" if gray else "white",
            edgecolor=FAINT_INK,
            linewidth=0.4,
            hatch=None if gray else "|||||",
        )


def shade_unmeasured(axes: Axes, profile: VesselProfile) -> None:
    """Shade the stretches that are not measured, with a hatch for each reason."""
    for stretch in unmeasured(profile):
        axes.axvspan(
            *stretch.span_mm(step_mm(profile)),
            facecolor=_SHADE,
            edgecolor="#9aa4ac",
            hatch=_HATCHES[stretch.kind],
            linewidth=0.0,
            zorder=0.5,
        )


def reason_patches(profile: VesselProfile) -> list[Patch]:
    """Return the entries of a legend for the reasons that occur."""
    kinds = dict.fromkeys(stretch.kind for stretch in unmeasured(profile))
    return [
        Patch(facecolor=_SHADE, edgecolor="#9aa4ac", hatch=_HATCHES[kind], label=kind)
        for kind in kinds
    ]


def source_patches(profile: VesselProfile) -> list[Patch]:
    """Return the entries of a legend for the sources of the edge that occur."""
    kinds = {stretch.kind for stretch in edge_sources(profile)}
    found = []
    if "gray values" in kinds:
        found.append(Patch(facecolor="#4d565e", label="edge from gray values"))
    if "labels" in kinds:
        found.append(
            Patch(facecolor="white", edgecolor=FAINT_INK, hatch="|||||", label="edge from labels")
        )
    return found


def vessel_colour(vessel: str) -> tuple[float, float, float]:
    """Return a vein's colour, 0 to 1 each."""
    red, green, blue = BY_NAME[vessel].colour_rgb
    return red / 255.0, green / 255.0, blue / 255.0


_HALO = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}


def _by_source(
    axes: Axes,
    position: FloatArray,
    values: FloatArray,
    from_image: BoolArray,
    colour: tuple[float, float, float],
    width: float,
) -> None:
    """Draw a line that is solid where the image decides and dotted with circles where labels do."""
    axes.plot(
        position, np.where(_touched(from_image), values, np.nan), color=colour, linewidth=width
    )
    axes.plot(
        position,
        np.where(from_image, np.nan, values),
        color=colour,
        linewidth=width,
        linestyle=(0, (1.2, 1.0)),
        marker="o",
        markersize=2.8,
        markerfacecolor="white",
        markeredgewidth=0.8,
        markevery=_every(len(position)),
    )


def _touched(chosen: BoolArray) -> BoolArray:
    """Widen by a station, so that the two lines of one course meet."""
    wider = chosen.copy()
    wider[:-1] |= chosen[1:]
    wider[1:] |= chosen[:-1]
    return wider


def _every(count: int) -> int:
    return max(1, count // 40)


def _legend_above(axes: Axes, columns: int) -> None:
    axes.legend(
        loc="lower right",
        bbox_to_anchor=(1.0, 0.99),
        ncols=columns,
        frameon=False,
        borderaxespad=0.0,
        handlelength=2.6,
        columnspacing=1.2,
    )


def _mark_least(axes: Axes, position_mm: float, length_mm: float, value: float, words: str) -> None:
    axes.plot(
        [position_mm],
        [value],
        marker="v",
        markersize=6,
        color=INK,
        markerfacecolor="white",
        clip_on=False,
        zorder=5,
    )
    share = position_mm / length_mm
    side = "left" if share < 0.2 else "right" if share > 0.8 else "center"
    axes.annotate(
        f"smallest {words}",
        (position_mm, value),
        xytext=(0, -9),
        textcoords="offset points",
        ha=side,
        va="top",
        fontsize=7.5,
        fontweight="bold",
        bbox=_HALO,
        zorder=5,
    )
