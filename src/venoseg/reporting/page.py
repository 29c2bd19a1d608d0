"""The report as one HTML page."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from importlib.metadata import version

from jinja2 import Environment, StrictUndefined

from venoseg.anatomy import BY_NAME
from venoseg.lumen import Measurements, VesselProfile
from venoseg.reporting import tables
from venoseg.reporting.drawing import Picture, drawing_style
from venoseg.reporting.figure_course import CoursePicture, draw_course
from venoseg.reporting.figure_overview import draw_overview
from venoseg.reporting.figure_section import draw_sections
from venoseg.reporting.readout import Readout, readout_of
from venoseg.reporting.strip import SIDE_PX, SectionStrip, strip_of
from venoseg.reporting.summary import headline, notes, summary_sentences
from venoseg.reporting.window import GrayWindow, choose_window
from venoseg.reporting.words import STATE_MEANINGS, row_state_words, warning_words
from venoseg.tables import Row
from venoseg.volume import Volume


@dataclass(frozen=True, slots=True)
class VesselPage:
    """One vein's part of the page."""

    name: str
    title: str
    number: int
    state: str
    state_words: str
    sentences: tuple[str, ...]
    notes: tuple[str, ...]
    course: CoursePicture
    sections: tuple[Picture, ...]
    readout: Readout
    strip: SectionStrip


def render_page(measurements: Measurements) -> str:
    """Return the page's text: everything it shows is in it."""
    volume = measurements.volume
    window = choose_window(measurements)
    with drawing_style():
        overview = draw_overview(measurements)
        vessels = [
            _vessel_page(number, profile, row, volume, window)
            for number, (profile, row) in enumerate(
                zip(measurements.profiles, measurements.segments.rows, strict=False), start=1
            )
        ]
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_resource("page.html.jinja")).render(
        style=_resource("page.css"),
        script=_resource("page.js"),
        version=version("venoseg"),
        headline=headline(measurements),
        overview=overview,
        vessels=vessels,
        warnings=[warning_words(warning) for warning in measurements.warnings],
        segments=tables.segment_rows(measurements),
        lesions=tables.lesion_rows(measurements),
        stents=tables.stent_rows(measurements),
        collaterals=tables.collateral_rows(measurements),
        empty_columns=tables.empty_columns(measurements),
        provenance=tables.provenance_rows(measurements, window),
        references=tables.reference_rows(measurements),
        states=STATE_MEANINGS,
        definitions=tables.definition_rows(measurements),
        side_px=SIDE_PX,
    )


def _vessel_page(
    number: int, profile: VesselProfile, row: Row, volume: Volume, window: GrayWindow
) -> VesselPage:
    state = str(row["state"])
    return VesselPage(
        name=profile.vessel,
        title=BY_NAME[profile.vessel].title,
        number=number,
        state=state,
        state_words=row_state_words(row),
        sentences=summary_sentences(profile),
        notes=notes(profile, row),
        course=draw_course(profile, volume, window),
        sections=draw_sections(profile, volume, window),
        readout=readout_of(profile),
        strip=strip_of(profile, volume, window),
    )


def _resource(name: str) -> str:
    return resources.files("venoseg.reporting").joinpath(name).read_text(encoding="utf-8")
