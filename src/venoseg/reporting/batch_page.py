"""The summary of a batch as one HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.metadata import version

import numpy as np
from jinja2 import Environment, StrictUndefined
from matplotlib.ticker import MaxNLocator

from venoseg.anatomy import BY_NAME
from venoseg.lumen.tables.stenosis import STENOTIC_AREA_PERCENT, expected_normal
from venoseg.reporting.drawing import (
    FAINT_INK,
    GRID_INK,
    INK,
    Picture,
    drawing_style,
    finish,
    new_figure,
    place_axes,
)
from venoseg.reporting.words import flag_words, state_words
from venoseg.volume import FloatArray

_STATES = ("patent", "stenotic", "bridged", "occluded", "not_assessable", "not_covered")
_PLOT_MM, _LEFT_MM, _TOP_MM, _HEIGHT_MM, _BELOW_MM = 72.0, 11.0, 7.0, 32.0, 9.0
_AXIS_MM2 = 500.0
_BIN_MM2 = 25.0


@dataclass(frozen=True, slots=True)
class VeinFigures:
    """One kind of vein in all CTs: its states, and the smallest areas of those measured."""

    vessel: str
    states: dict[str, int]
    minimum_area_mm2: FloatArray


@dataclass(frozen=True, slots=True)
class CaseVein:
    """A vein worth a look: its figures as text, and its flags."""

    vessel: str
    state: str
    figures: str
    flags: Sequence[str]


@dataclass(frozen=True, slots=True)
class Case:
    """An image worth a look: which part of which study, its veins, and where its report is.

    ``thumbnail`` is a ``data:`` address, empty when there is no picture.
    """

    study: str
    part: str
    veins: Sequence[CaseVein]
    report: str
    thumbnail: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A kind of failure: at which stage, why, what to do, how often, and one study of it."""

    stage: str
    reason: str
    remedy: str
    number: int
    example: str


@dataclass(frozen=True, slots=True)
class Followed:
    """A patient who was followed: when, how the limbs fared, and where the report is.

    ``changed`` counts the figures that changed, ``missing`` the visits that are not compared.
    """

    case: str
    days: str
    course: str
    changed: int
    missing: int
    report: str


@dataclass(frozen=True, slots=True)
class BatchFigures:
    """What the page shows.

    Attributes
    ----------
    counts
        Words and number, in the order shown.
    veins
        CTs only; the veins of runs are counted in ``counts``.
    cases
        The most striking first.
    followed
        Patients with several visits, the most striking first.
    flags
        Flag and number of veins.
    failures
        The most frequent first.
    set_aside
        Reason and number of series.
    """

    counts: Sequence[tuple[str, int]]
    veins: Sequence[VeinFigures]
    cases: Sequence[Case]
    followed: Sequence[Followed]
    flags: Sequence[tuple[str, int]]
    failures: Sequence[Failure]
    set_aside: Sequence[tuple[str, int]]


def render_batch(figures: BatchFigures) -> str:
    """Return the page's text; it needs no network, only the reports that it leads to."""
    with drawing_style():
        areas = [(vein, _draw_areas(vein)) for vein in figures.veins if vein.minimum_area_mm2.size]
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_resource("batch.html.jinja")).render(
        style=_resource("page.css"),
        version=version("venoseg"),
        figures=figures,
        areas=[picture for _, picture in areas],
        veins=[_vein_row(vein) for vein in figures.veins],
        states=[state_words(state).partition(":")[0] for state in _STATES],
        title=lambda name: BY_NAME[name].title if name in BY_NAME else name,
        flag_words=flag_words,
        short_words=lambda flag: flag_words(flag).partition(":")[0],
        state_words=lambda state: state_words(state).partition(":")[0],
        stenotic_percent=f"{STENOTIC_AREA_PERCENT:.0f}",
    )


def _vein_row(vein: VeinFigures) -> list[str]:
    areas = vein.minimum_area_mm2
    title = BY_NAME[vein.vessel].title if vein.vessel in BY_NAME else vein.vessel
    counts = [str(vein.states.get(state, 0)) for state in _STATES]
    if areas.size == 0:
        return [title, *counts, "-", "-"]
    low, median, high = np.percentile(areas, [25.0, 50.0, 75.0])
    return [title, *counts, f"{median:.0f}", f"{low:.0f} to {high:.0f}"]


def _draw_areas(vein: VeinFigures) -> Picture:
    """Draw how the smallest areas of one kind of vein are distributed."""
    figure = new_figure(_LEFT_MM + _PLOT_MM + 3.0, _TOP_MM + _HEIGHT_MM + _BELOW_MM)
    axes = place_axes(figure, _LEFT_MM, _TOP_MM, _PLOT_MM, _HEIGHT_MM)
    areas = vein.minimum_area_mm2
    edges = np.arange(0.0, _AXIS_MM2 + _BIN_MM2, _BIN_MM2)
    axes.hist(
        np.minimum(areas, _AXIS_MM2 - 1e-6), bins=list(edges), color="#6f8faf", edgecolor="white"
    )
    reference = expected_normal(vein.vessel)
    if reference is not None:
        half = reference.area_mm2 * (1.0 - STENOTIC_AREA_PERCENT / 100.0)
        axes.axvline(reference.area_mm2, color=INK, linewidth=1.0)
        axes.axvline(half, color=INK, linewidth=1.0, linestyle=(0, (3, 2)))
    axes.set_xlim(0.0, _AXIS_MM2)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.grid(axis="y", color=GRID_INK, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(labelsize=7, color=FAINT_INK)
    axes.set_xlabel("smallest lumen area, mm² (last bar: and more)", labelpad=2.0)
    title = BY_NAME[vein.vessel].title if vein.vessel in BY_NAME else vein.vessel
    axes.set_title(f"{title} ({areas.size})")
    alt = f"Distribution of the smallest lumen area of the {title.lower()} in {areas.size} CTs"
    return finish(figure, alt)


def _resource(name: str) -> str:
    return resources.files("venoseg.reporting").joinpath(name).read_text(encoding="utf-8")
