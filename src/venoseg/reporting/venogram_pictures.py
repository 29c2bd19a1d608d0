"""Pictures of a measured run: the strip of frames, the vein with its edges, its profile."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from venoseg.angiography import Venogram
from venoseg.angiography.lesions import Lesion, healthy_line
from venoseg.angiography.projection import Projection
from venoseg.reporting.drawing import (
    FAINT_INK,
    GRID_INK,
    INK,
    Picture,
    finish,
    new_figure,
    place_axes,
)
from venoseg.reporting.words import vein_title

WIDTH_MM = 180.0
_STRIP = 6
_STRIP_COLUMNS = 256
# Words on the picture keep this share of its height away from its upper and lower edge.
_LABEL = 0.02
VEIN_COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00")
_BESIDE_COLOUR = "#56b4e9"
_STENT_COLOUR = "#f0e442"


def draw_strip(found: Venogram) -> Picture:
    """Draw some of the subtracted frames beside each other."""
    count = len(found.subtraction.plan.pairings)
    wanted = sorted({int(n) for n in np.linspace(0, count - 1, min(_STRIP, count)).round()})
    step = max(found.subtraction.run.shape[1] // _STRIP_COLUMNS, 1)
    shown = [
        (n, picture[::step, ::step].copy())
        for n, picture in zip(wanted, found.subtraction.pictures(wanted), strict=True)
    ]
    low, high = _window(found)
    rows, columns = shown[0][1].shape
    side = (WIDTH_MM - 2.0 * (_STRIP - 1)) / _STRIP
    height = side * rows / columns
    figure = new_figure(WIDTH_MM, height + 6.0)
    times = found.subtraction.times_s
    for place, (number, picture) in enumerate(shown):
        axes = place_axes(figure, place * (side + 2.0), 5.0, side, height)
        axes.imshow(picture, cmap="gray_r", vmin=low, vmax=high)
        axes.set_axis_off()
        frame = found.subtraction.plan.pairings[number].contrast[0] + 1
        time = f", {times[number]:.2f} s" if found.subtraction.run.timed else ""
        axes.set_title(f"frame {frame}{time}", fontweight="normal", fontsize=7)
    return finish(figure, "Frames of the run, contrast medium dark")


def draw_vein(found: Venogram) -> Picture:
    """Draw the composite with the edges, the smallest diameters and the other filled vessels."""
    picture = found.composite.picture
    rows, columns = picture.shape
    width = 120.0
    figure = new_figure(width, width * rows / columns)
    axes = place_axes(figure, 0.0, 0.0, width, width * rows / columns)
    low, high = _window(found)
    axes.imshow(picture, cmap="gray_r", vmin=low, vmax=high)
    axes.set_axis_off()
    beside = {region.name: region.where for region in found.regions}["collateral"]
    if beside.any():
        axes.contour(beside, [0.5], colors=_BESIDE_COLOUR, linewidths=0.5)
    pairs = zip(found.projections, found.lesions, strict=True)
    for number, (projection, lesions) in enumerate(pairs):
        colour = VEIN_COLOURS[number % len(VEIN_COLOURS)]
        contours = projection.edges.contours_px()
        measured = np.isfinite(projection.diameter_px) & (projection.diameter_px > 0)
        for side in range(2):
            line = np.where(measured[:, None], contours[:, side], np.nan)
            axes.plot(line[:, 0], line[:, 1], color=colour, linewidth=0.8)
        shut = np.where(
            (projection.diameter_px == 0)[:, None], projection.edges.course.points_px, np.nan
        )
        axes.plot(shut[:, 0], shut[:, 1], color=colour, linewidth=0.8, linestyle=":")
        _label_widths(axes, projection, lesions, colour)
        for stent in found.stents[number]:
            for line in stent.contours_px(projection.edges.course).swapaxes(0, 1):
                axes.plot(
                    line[:, 0], line[:, 1], color=_STENT_COLOUR, linewidth=0.7, linestyle="--"
                )
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    caption = ["Lines: edges of the measured veins; dotted: occluded."]
    if any(found.stents):
        caption.append("Yellow, dashed: edges of stents.")
    if beside.any():
        caption.append("Thin outlines: other vessels that fill.")
    veins = ", ".join(vein_title(one.vessel).lower() for one in found.projections)
    alt = f"Composite of the run with the edges that were found of: {veins or 'no vein'}."
    return finish(figure, alt, tuple(caption))


def draw_profile(projection: Projection, lesions: tuple[Lesion, ...], number: int) -> Picture:
    """Draw the diameter along a vein with its interval, reference and lesions."""
    figure = new_figure(WIDTH_MM, 58.0)
    axes = place_axes(figure, 14.0, 4.0, WIDTH_MM - 16.0, 42.0)
    colour = VEIN_COLOURS[number % len(VEIN_COLOURS)]
    in_mm = projection.diameters_mm()
    position = projection.position_px
    factor = projection.mm_per_px_across
    if in_mm is None or factor is None:
        low = np.maximum(projection.diameter_px - projection.half_px, 0.0)
        high = projection.diameter_px + projection.half_px
        middle, unit, line = projection.diameter_px, "px", healthy_line(projection)
    else:
        middle, low, high = in_mm
        healthy = healthy_line(projection)
        unit, line = "mm", None if healthy is None else healthy * factor
    axes.fill_between(position, low, high, color=colour, alpha=0.25, linewidth=0)
    axes.plot(position, middle, color=colour, linewidth=1.1)
    if line is not None:
        axes.plot(position, line, color=FAINT_INK, linewidth=0.8, linestyle="--")
    for lesion in lesions:
        axes.axvspan(position[lesion.start], position[lesion.stop], color=GRID_INK, zorder=0)
    axes.set_xlim(float(position[0]), float(position[-1]))
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel("position from the central end, px")
    axes.set_ylabel(f"diameter, {unit}")
    plain(axes)
    title = vein_title(projection.vessel)
    words = f"{title}: diameter with its 95 % interval; dashed: computed reference; "
    known = middle[np.isfinite(middle)]
    told = f"{known.min():.1f} to {known.max():.1f} {unit}" if len(known) else "not measured"
    alt = (
        f"Diameter along the {title.lower()} with its 95 % interval: {told}; projection.csv has it."
    )
    return finish(figure, alt, (f"{words}gray: lesions.",))


def _label_widths(
    axes: Axes, projection: Projection, lesions: tuple[Lesion, ...], colour: str
) -> None:
    in_mm = projection.diameters_mm()
    contours = projection.edges.contours_px()
    known = np.flatnonzero(projection.diameter_px > 0)
    shown = {int(known[projection.diameter_px[known].argmin()])} if len(known) else set()
    shown |= {lesion.smallest for lesion in lesions if not lesion.occluded}
    bottom, top = sorted(axes.get_ylim())
    lines = bottom + _LABEL * (top - bottom), top - _LABEL * (top - bottom)
    for n in shown:
        axes.plot(contours[n, :, 0], contours[n, :, 1], color=colour, linewidth=1.2)
        size = projection.diameter_px[n] if in_mm is None else in_mm[0][n]
        text = f"{size:.1f} {'px' if in_mm is None else 'mm'}"
        axes.annotate(
            text,
            (float(contours[n, :, 0].max()), float(np.clip(contours[n, :, 1].mean(), *lines))),
            xytext=(6, 0),
            textcoords="offset points",
            color=INK,
            fontsize=7.5,
            va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.0},
        )


def _window(found: Venogram) -> tuple[float, float]:
    low, high = np.percentile(found.composite.picture[found.subtraction.seen], [2.0, 99.7])
    return float(low), float(max(high, low + 1e-6))


def plain(axes: Axes) -> None:
    """Draw axes with a faint grid and no frame."""
    axes.grid(color=GRID_INK, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
