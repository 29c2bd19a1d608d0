"""The page as a whole: complete, self-contained, safe, the same every time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import matplotlib
import numpy as np
import pytest

from venoseg.anatomy import BY_NAME
from venoseg.errors import OutputError
from venoseg.lumen import Measurements, VesselProfile
from venoseg.lumen.geometry.contours import measure_shapes
from venoseg.lumen.tables.least import least_area
from venoseg.lumen.tables.records import cross_section_table, segment_table
from venoseg.reporting import write_report
from venoseg.reporting.words import row_state_words, warning_words

HOSTILE = "</script><script>alert(1)</script><b>"

# Names of XML vocabularies look like addresses but are never fetched.
VOCABULARIES = ("http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink")


class Elements(HTMLParser):
    """Every start tag with its attributes, and the text outside scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._skips = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._skips = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._skips = self._skips and tag not in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._skips:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def page(measurements: Measurements, folder: Path) -> str:
    write_report(measurements, folder / "report.html")
    return (folder / "report.html").read_text(encoding="utf-8")


def pictures(text: str) -> list[str]:
    return [unquote(one) for one in re.findall(r"data:image/svg\+xml,([^\"]+)", text)]


def with_profiles(
    measurements: Measurements, change: Callable[[VesselProfile], VesselProfile]
) -> Measurements:
    profiles = tuple(change(profile) for profile in measurements.profiles)
    return replace(
        measurements,
        profiles=profiles,
        segments=segment_table(profiles),
        cross_sections=cross_section_table(profiles),
    )


def unmeasured(profile: VesselProfile) -> VesselProfile:
    contours = np.full(profile.contours_mm.shape, np.nan)
    return replace(
        profile,
        contours_mm=contours,
        centers_lps_mm=profile.branch.curve.points_lps_mm,
        shapes=measure_shapes(contours),
        area_interval_mm2=np.full(profile.area_interval_mm2.shape, np.nan),
        minimum_interval_mm=np.full(profile.minimum_interval_mm.shape, np.nan),
        measured=np.zeros(profile.measured.shape, dtype=bool),
        from_image=np.zeros(profile.measured.shape, dtype=bool),
        flags=tuple(("end_of_labels",) for _ in profile.flags),
    )


@pytest.fixture(scope="module")
def text(measurements: Measurements, tmp_path_factory: pytest.TempPathFactory) -> str:
    return page(measurements, tmp_path_factory.mktemp("report"))


def test_nothing_is_fetched_from_anywhere(text: str) -> None:
    for part in (text, *pictures(text)):
        for name in VOCABULARIES:
            part = part.replace(name, "")
        assert "://" not in part
        assert not re.search(r"@import|url\((?!#|%23|\$\{stations\.uri\})", part)
    for _, attributes in Elements(text).found:
        for name in ("src", "href", "data", "srcset", "action"):
            value = attributes.get(name) or "#"
            assert value.startswith(("data:image/svg+xml,", "#"))


def test_pointer_finds_a_line_for_every_station(text: str, measurements: Measurements) -> None:
    found = re.findall(r'<script type="application/json">(.*?)</script>', text, re.DOTALL)
    assert len(found) == len(measurements.profiles)
    for coded, profile in zip(found, measurements.profiles, strict=True):
        stations = json.loads(coded)
        position = profile.branch.curve.position_mm
        assert stations["uri"].startswith("data:image/jpeg;base64,")
        assert len(stations["lines"]) == len(stations["outlines"]) == len(position)
        assert stations["first"] + stations["step"] * (len(position) - 1) == position[-1]
        for line, measured in zip(stations["lines"], profile.measured, strict=True):
            assert ("not measured" in line) == (not measured)


def test_every_vein_has_its_section_pictures_and_sentence(
    text: str, measurements: Measurements
) -> None:
    elements = Elements(text)
    identifiers = {attributes.get("id") for attributes in elements.attributes("section")}
    for profile in measurements.profiles:
        assert profile.vessel in identifiers
        assert BY_NAME[profile.vessel].title in elements.text
    images = elements.attributes("img")
    assert len(images) == 1 + 3 * len(measurements.profiles)


def test_every_picture_says_in_words_what_it_shows(text: str) -> None:
    for attributes in Elements(text).attributes("img"):
        assert len((attributes["alt"] or "").split()) > 15


def test_smallest_area_stands_in_the_summary_as_in_the_table(
    text: str, measurements: Measurements
) -> None:
    words = Elements(text).text
    for row, profile in zip(measurements.segments.rows, measurements.profiles, strict=True):
        # The table's hundredths, rounded once more, may fall on the other side of a tenth.
        area = least_area(profile).value
        assert row["minimum_area_mm2"] == pytest.approx(area, abs=0.005)
        shown = f"{area:.0f} mm²" if area >= 100 else f"{area:.1f} mm²"
        assert f"Smallest lumen area {shown} (95 % interval" in words
        assert f"{row['minimum_area_position_mm']:.0f} mm from the central end" in words


def test_headline_names_the_vein_that_is_narrowest_against_its_reference(
    text: str, measurements: Measurements
) -> None:
    rows = measurements.segments.rows
    worst = max(rows, key=lambda row: float(str(row["area_stenosis_percent"])))
    title = BY_NAME[str(worst["vessel"])].title.lower()
    percent = f"{float(str(worst['area_stenosis_percent'])):.0f} % by area"
    words = Elements(text).text
    assert worst["vessel"] == "left_common_iliac_vein"
    assert (
        f"2 of 2 veins measured. Narrowest against its expected normal area: the {title}, " in words
    )
    assert percent in words


def test_definitions_come_from_the_tables_columns(text: str, measurements: Measurements) -> None:
    words = Elements(text).text
    for table in (measurements.segments, measurements.cross_sections):
        for column in table.columns:
            assert column.name in words
            assert column.meaning in words


def test_it_says_what_it_is_and_what_it_was_made_with(
    text: str, measurements: Measurements
) -> None:
    words = Elements(text).text
    assert words.count("Research software, not a medical device") == 2
    assert "center 100 HU, width 400 HU" in words
    for name, value in measurements.parameters.items():
        assert f"Setting {name} {value}" in words


def test_same_input_gives_the_same_bytes(
    text: str, measurements: Measurements, tmp_path: Path
) -> None:
    with matplotlib.rc_context({"font.size": 20.0, "svg.hashsalt": "another", "lines.marker": "x"}):
        assert page(measurements, tmp_path) == text


def test_settings_of_matplotlib_are_left_as_they_were(
    measurements: Measurements, tmp_path: Path
) -> None:
    with matplotlib.rc_context({"font.size": 20.0}):
        before = dict(matplotlib.rcParams)
        page(measurements, tmp_path)
        assert dict(matplotlib.rcParams) == before


def test_hostile_words_do_not_become_markup(measurements: Measurements, tmp_path: Path) -> None:
    def flagged(profile: VesselProfile) -> VesselProfile:
        return replace(profile, flags=tuple((HOSTILE,) for _ in profile.flags))

    changed = replace(
        with_profiles(measurements, flagged),
        warnings=(f"image: {HOSTILE}", HOSTILE),
        parameters={HOSTILE: HOSTILE},
        volume=replace(
            measurements.volume,
            source=replace(measurements.source, convolution_kernel=HOSTILE),
        ),
    )
    text = page(changed, tmp_path)
    plain = Elements(text)
    assert "alert(1)" in plain.text
    assert "<script>alert" not in text
    assert "<b>" not in text
    scripts = len(plain.attributes("script"))
    assert scripts == 1 + len(changed.profiles)


def test_flag_of_a_few_stations_is_told_with_its_length(
    measurements: Measurements, tmp_path: Path
) -> None:
    def flagged(profile: VesselProfile) -> VesselProfile:
        flags = [("several_lumens",) if n < 3 else () for n in range(len(profile.flags))]
        return replace(profile, flags=tuple(flags))

    words = Elements(page(with_profiles(measurements, flagged), tmp_path)).text
    told = (
        "more than one lumen in the section: the area is that of all, the least width that of the"
    )
    assert f"{told} narrowest (6 mm)" in words


def test_vein_without_any_measured_station_says_why(
    measurements: Measurements, tmp_path: Path
) -> None:
    changed = with_profiles(measurements, lambda p: unmeasured(p) if p.vessel == "ivc" else p)
    elements = Elements(page(changed, tmp_path))
    assert "No station has a lumen that could be measured" in elements.text
    assert "(end of the labels)" in elements.text
    assert "Smallest section: not measured" in elements.text
    assert len(elements.attributes("img")) == 3 * len(measurements.profiles) - 1


def test_study_with_nothing_measured_is_a_page_without_zeros(
    measurements: Measurements, tmp_path: Path
) -> None:
    changed = with_profiles(measurements, unmeasured)
    elements = Elements(page(changed, tmp_path))
    assert "No vein could be measured." in elements.text
    assert "0.0 mm" not in elements.text.replace("0.00 mm", "")
    assert "nan" not in elements.text.lower().split()


def test_missing_voxels_and_no_hounsfield_units_can_be_drawn(
    measurements: Measurements, tmp_path: Path
) -> None:
    volume = measurements.volume
    missing = np.zeros(volume.voxels.shape, dtype=bool)
    missing[::7] = True
    changed = replace(measurements, volume=replace(volume, missing=missing, unit="arbitrary"))
    words = Elements(page(changed, tmp_path)).text
    assert "window fitted to the veins" in words
    assert "without unit" in words


def test_place_that_cannot_be_written_is_named_without_its_folder(
    measurements: Measurements, tmp_path: Path
) -> None:
    with pytest.raises(OutputError) as caught:
        write_report(measurements, tmp_path / "absent" / "report.html")
    assert "report.html" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_a_state_at_its_limit_is_said_to_be_either() -> None:
    row = {"state": "patent", "flags": "in_stent state_in_doubt"}
    assert row_state_words(row) == "patent or stenotic: its area is at the limit"
    assert row_state_words(row | {"flags": "in_stent"}) == "patent"


def test_warnings_name_veins_as_people_do() -> None:
    words = warning_words("left_common_iliac_vein: metal along 46 mm of its wall")
    assert words == "Left common iliac vein: metal along 46 mm of its wall"
