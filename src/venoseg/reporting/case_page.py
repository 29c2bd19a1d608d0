"""The report of a case as one HTML page, for a radiologist and a clinician."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.metadata import version
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined

from venoseg.anatomy import BY_NAME
from venoseg.followup.axis import OnAxis, on_one_axis
from venoseg.followup.compared import Comparison
from venoseg.reporting import case_tables as tables
from venoseg.reporting.case_changes import change_tables
from venoseg.reporting.case_figures import AxisPicture, draw_level, draw_profiles
from venoseg.reporting.case_outcome import clinical_rows, patency_rows, stent_rows
from venoseg.reporting.case_visits import draw_timeline, visit_cards
from venoseg.reporting.case_words import case_headline, case_sentences, label_words
from venoseg.reporting.drawing import Picture, drawing_style
from venoseg.reporting.readout import readout_of
from venoseg.reporting.strip import SIDE_PX, strip_of
from venoseg.reporting.venogram_pictures import draw_strip, draw_vein
from venoseg.reporting.window import GrayWindow, choose_window
from venoseg.reporting.words import veins_in_words, warning_words

# How far a warning reaches along a vein.
_SIZE = re.compile(r" (?:along|over) [\d.]+ (?:mm|%)(?: of it(?:s wall)?)?")

# Sections kept of each vein and visit for the reading under the pointer.
_SECTIONS = 110


@dataclass(frozen=True, slots=True)
class VeinPart:
    """One vein's part of the page."""

    name: str
    title: str
    figure: AxisPicture
    level: tuple[Picture, ...]
    visits: tuple[dict[str, Any], ...]
    unmatched: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunPart:
    """One run's part of the page."""

    title: str
    composite: Picture
    strip: Picture


def render_case(found: Comparison) -> str:
    """Return the page's text: everything it shows is in it."""
    windows = {visit.label: choose_window(visit.found) for visit in found.scans}
    traced = {p.vessel for visit in found.scans for p in visit.found.profiles}
    names = [name for name in BY_NAME if name in traced]
    with drawing_style():
        timeline = draw_timeline(_marks(found))
        cards = visit_cards(found)
        veins = [_vein_part(found, name, windows) for name in names]
        runs = [
            RunPart(
                f"{label_words(run.label)} (day {run.day})",
                draw_vein(run.found),
                draw_strip(run.found),
            )
            for run in found.runs
        ]
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_resource("case.html.jinja")).render(
        style=_resource("page.css") + _resource("case.css"),
        script=_resource("case.js"),
        version=version("venoseg"),
        patient=found.case.patient,
        headline=case_headline(found),
        sentences=case_sentences(found),
        timeline=timeline,
        cards=cards,
        has_scans=bool(found.scans),
        veins=veins,
        runs=runs,
        failures=found.failures,
        warnings=_warnings(found.warnings, _stent_names(found)),
        segments=tables.segment_table(found),
        changes=change_tables(found),
        patency=patency_rows(found),
        stents=stent_rows(found),
        clinical=clinical_rows(found),
        matches=tables.match_rows(found),
        provenance=tables.provenance_rows(found),
        rules=tables.rule_rows(found),
        definitions=tables.definition_rows(found),
        side_px=SIDE_PX,
    )


def _vein_part(found: Comparison, name: str, windows: dict[str, GrayWindow]) -> VeinPart:
    veins = on_one_axis(found, name)
    shown = [windows[vein.visit.label] for vein in veins]
    figure = draw_profiles(veins, shown)
    return VeinPart(
        name,
        BY_NAME[name].title,
        figure,
        draw_level(veins, shown),
        tuple(
            _reading(vein, window, figure)
            for vein, window in zip(veins, shown, strict=True)
            if np.isfinite(vein.at_mm).any()
        ),
        tuple(label_words(v.visit.label) for v in veins if not np.isfinite(v.at_mm).any()),
    )


def _reading(vein: OnAxis, window: GrayWindow, figure: AxisPicture) -> dict[str, Any]:
    """Return what stands beside the pointer for one visit: words and sections by axis mm."""
    strip = strip_of(vein.profile, vein.visit.found.volume, window, _SECTIONS)
    axis = np.arange(np.ceil(figure.axis_from_mm), figure.axis_to_mm + 1e-6)
    return {
        "title": f"{label_words(vein.visit.label)} (day {vein.visit.day})",
        "first": float(axis[0]),
        "stations": _stations(vein, axis),
        "lines": readout_of(vein.profile).lines,
        "uri": strip.uri,
        "side": SIDE_PX,
        "columns": strip.columns,
        "stride": strip.stride,
        "outlines": strip.outlines,
        "sides": strip.sides,
    }


def _stations(vein: OnAxis, axis: Sequence[float] | np.ndarray[Any, Any]) -> list[int]:
    """Return the nearest station at each mm of the axis, -1 where the visit shows none."""
    at = np.where(np.isfinite(vein.at_mm), vein.at_mm, 1e9)
    nearest = [int(np.abs(at - place).argmin()) for place in axis]
    return [n if abs(at[n] - p) <= 1.5 else -1 for n, p in zip(nearest, axis, strict=True)]


def _marks(found: Comparison) -> list[tuple[int, str, str]]:
    marks: list[tuple[int, str, str]] = []
    for timepoint in found.case.timepoints:
        here = [visit for visit in found.visits if visit.timepoint == timepoint.label]
        kind = "record" if not here else "ct" if here[0] in found.scans else "run"
        what = {"ct": "CT", "run": "venogram", "record": "records"}[kind]
        marks.append((timepoint.day, f"{label_words(timepoint.label)}: {what}", kind))
        for score in timepoint.scores:
            total = "?" if score.total is None else score.total
            marks.append((timepoint.day, f"{score.scale.name.capitalize()} {total}", "record"))
    for event in found.case.events:
        words = ",\n".join(kind.replace("_", " ") for kind in event.kinds)
        marks.append((event.day, words, "event"))
    return sorted(marks, key=lambda mark: mark[0])


def _stent_names(found: Comparison) -> dict[tuple[str, str], str]:
    """Return which veins each numbered stent of a visit lies in, in words."""
    return {
        (visit.label, f"stent {row['stent']}"): "stent of the "
        + veins_in_words(str(row["vessels"]))
        for visit in found.scans
        for row in visit.found.stents.rows
        if row["vessels"]
    }


def _warnings(
    words: Sequence[str], stents: Mapping[tuple[str, str], str]
) -> list[tuple[str, tuple[str, ...]]]:
    """Return the warnings of each visit; what is said of several veins or stents is said once.

    Which veins are shut is no warning here: the summary says it.
    """
    visits: dict[str, dict[str, list[str]]] = {}
    for one in words:
        label, _, rest = one.partition(": ")
        about = rest.partition(": ")[0]
        what = warning_words(rest).partition(": ")[2]
        if what.startswith("occluded along"):
            continue
        veins = visits.setdefault(label_words(label), {})
        if about in BY_NAME:
            size = _SIZE.search(what)
            said = what if size is None else _SIZE.sub("", what, count=1)
            extent = "" if size is None else f" ({size.group(0).strip()})"
            veins.setdefault(said, []).append(f"{BY_NAME[about].title.lower()}{extent}")
        elif (label, about) in stents:
            veins.setdefault(what, []).append(stents[label, about])
        else:
            veins.setdefault(warning_words(rest), [])
    return [
        (label, tuple(f"{said}: {', '.join(who)}" if who else said for said, who in veins.items()))
        for label, veins in visits.items()
    ]


def _resource(name: str) -> str:
    return resources.files("venoseg.reporting").joinpath(name).read_text(encoding="utf-8")
