"""The visits of a case at one glance: the timeline, and a small picture of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from venoseg.followup.comparable import stented_station
from venoseg.followup.compared import Comparison
from venoseg.followup.visit import CtVisit, RunVisit
from venoseg.lumen import VesselProfile
from venoseg.lumen.rays.edges import to_lps
from venoseg.reporting.case_words import label_words, seen_at
from venoseg.reporting.drawing import INK, Picture, finish, new_figure, place_axes
from venoseg.reporting.mean_view import draw_mean_view
from venoseg.volume import FloatArray

_LUMEN, _STENT, _SHUT = "#7cc4ff", "#ffe14d", "#ff9f43"

# Size of a visit's picture, and room around the veins.
_WIDTH_MM, _HEIGHT_MM = 48.0, 62.0
_ROOM_MM = 15.0
_PIXEL_MM, _DEPTH_MM = 1.5, 4.0


@dataclass(frozen=True, slots=True)
class VisitCard:
    """What was seen at one visit: title, picture and lines of words."""

    title: str
    picture: Picture
    lines: tuple[str, ...]


def visit_cards(found: Comparison) -> tuple[VisitCard, ...]:
    """Return a card for everything that was imaged, in the order of time; all CTs at one scale."""
    size = np.max([_extent(scan) for scan in found.scans], axis=0) if found.scans else np.ones(2)
    scale = min(_WIDTH_MM / size[0], _HEIGHT_MM / size[1])
    return tuple(
        VisitCard(
            f"{label_words(visit.label).capitalize()}, day {visit.day}",
            _draw_run(visit) if isinstance(visit, RunVisit) else _draw_scan(visit, scale),
            seen_at(found, visit),
        )
        for visit in found.visits
    )


def _points(scan: CtVisit) -> FloatArray:
    return np.concatenate([p.branch.curve.points_lps_mm for p in scan.found.profiles])


def _extent(scan: CtVisit) -> FloatArray:
    """Return the width and the height of the veins with some room, in mm."""
    points = _points(scan)[:, [0, 2]]
    extent: FloatArray = points.max(axis=0) - points.min(axis=0) + 2.0 * _ROOM_MM
    return extent


def _draw_scan(scan: CtVisit, scale: float) -> Picture:
    """Draw the veins from the front over the mean of the image, ``scale`` paper mm to the mm."""
    figure = new_figure(_WIDTH_MM, _HEIGHT_MM)
    axes = place_axes(figure, 0.0, 0.0, _WIDTH_MM, _HEIGHT_MM)
    points = _points(scan)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2.0
    half = np.array([_WIDTH_MM, _HEIGHT_MM]) / (2.0 * scale)
    spans = (
        (float(middle[0] - half[0]), float(middle[0] + half[0])),
        (float(points[:, 1].min() - _ROOM_MM), float(points[:, 1].max() + _ROOM_MM)),
        (float(middle[2] - half[1]), float(middle[2] + half[1])),
    )
    draw_mean_view(axes, scan.found.volume, 0, spans, pixel_mm=_PIXEL_MM, depth_step_mm=_DEPTH_MM)
    for profile in scan.found.profiles:
        _draw_vein(axes, scan, profile)
    axes.set(xlim=spans[0], ylim=spans[2], xticks=[], yticks=[])
    for letter, place in (("R", 0.05), ("L", 0.95)):
        axes.text(
            place,
            0.5,
            letter,
            transform=axes.transAxes,
            color="white",
            ha="center",
            va="center",
            fontsize=8,
            fontweight="bold",
        )
    return finish(
        figure,
        f"The veins at {label_words(scan.label)} from the front over the mean of the image: open "
        "lumens, stretches without lumen and stents, as the lines below say.",
    )


def _draw_vein(axes: Axes, scan: CtVisit, profile: VesselProfile) -> None:
    """Draw a vein's lumen as a band, its stents' walls, and a dotted line where it is shut."""
    curve, rows = profile.branch.curve, scan.stations(profile.vessel)
    wall = curve.points_lps_mm[:, None, :] + to_lps(profile.contours_mm[:, ::4], curve)
    bands = wall[profile.measured][:, :, [0, 2]]
    axes.add_collection(PolyCollection(list(bands), facecolor=_LUMEN, alpha=0.35, linewidth=0))
    across, up = curve.points_lps_mm[:, 0], curve.points_lps_mm[:, 2]
    shut = np.array([row["state"] in ("occluded", "bridged") for row in rows])
    _line(axes, np.where(shut, across, np.nan), up, _SHUT, (0, (1.0, 1.1)), 2.2)
    stented = np.array([stented_station(row) for row in rows]) & profile.measured
    for edge in (wall[:, :, 0].min(axis=1), wall[:, :, 0].max(axis=1)):
        _line(axes, np.where(stented, edge, np.nan), up, _STENT, (0, (2.5, 1.0)), 1.1)


def _line(
    axes: Axes, across: FloatArray, up: FloatArray, ink: str, dashes: object, width: float
) -> None:
    axes.plot(across, up, color=INK, linewidth=width + 1.0, alpha=0.6)
    axes.plot(across, up, color=ink, linewidth=width, linestyle=dashes)


def _draw_run(run: RunVisit) -> Picture:
    """Draw the composite of a run, contrast medium dark."""
    picture = run.found.composite.picture
    low, high = np.percentile(picture[run.found.subtraction.seen], [2.0, 99.7])
    figure = new_figure(_WIDTH_MM, _HEIGHT_MM)
    axes = place_axes(figure, 0.0, 0.0, _WIDTH_MM, _HEIGHT_MM)
    axes.imshow(picture, cmap="gray_r", vmin=low, vmax=max(high, low + 1e-6), aspect="equal")
    axes.set(xticks=[], yticks=[])
    return finish(
        figure,
        f"All pictures of the run at {label_words(run.label)} as one, contrast medium dark.",
    )


def draw_timeline(marks: Sequence[tuple[int, str, str]]) -> Picture:
    """Draw what was done and seen in its order: (day, what, kind ``ct``, ``run``, ``event``...)."""
    days = sorted({day for day, _, _ in marks})
    width, height = 180.0, 30.0
    figure = new_figure(width, height)
    axes = place_axes(figure, 6.0, 2.0, width - 12.0, height - 4.0)
    axes.set_axis_off()
    axes.set_xlim(-0.5, len(days) - 0.5)
    axes.set_ylim(-1.0, 1.0)
    axes.plot([-0.4, len(days) - 0.6], [0.0, 0.0], color=INK, linewidth=1.2)
    for place, day in enumerate(days):
        here = [(words, kind) for d, words, kind in marks if d == day]
        images = [words for words, kind in here if kind != "event"]
        events = [words for words, kind in here if kind == "event"]
        shape = {"ct": "o", "run": "^", "record": "s"}
        kinds = [kind for _, kind in here if kind in shape]
        axes.plot(
            [place],
            [0.0],
            marker=shape[kinds[0]] if kinds else "D",
            markersize=8,
            color=INK,
            markerfacecolor="white" if not images else INK,
        )
        for y, words, stands in ((0.25, [f"day {day}", *images], "bottom"), (-0.25, events, "top")):
            axes.annotate(
                "\n".join(words), (place, y), ha="center", va=stands, fontsize=7, linespacing=1.3
            )
    alt = "; ".join(f"day {day}: {words}" for day, words, _ in sorted(marks, key=lambda m: m[0]))
    caption = (
        "Circle: CT; triangle: venogram; diamond: event only. Days stand in order, not to scale."
    )
    return finish(figure, f"Timeline. {alt}.", (caption,))
