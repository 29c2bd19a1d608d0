from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from venoseg.errors import DependencyError
from venoseg.followup.axis import on_one_axis
from venoseg.followup.case import LIMBS, Case, Conditions, Event, Stent, Timepoint
from venoseg.followup.change import change_table, ct_changes
from venoseg.followup.clinical import clinical_table
from venoseg.followup.compared import Comparison
from venoseg.followup.levels import Match, VesselMatch
from venoseg.followup.patency import patency_table
from venoseg.followup.scores import VILLALTA, Score
from venoseg.followup.visit import CtVisit
from venoseg.lumen.stents.records import STENT_COLUMNS
from venoseg.reporting.case_changes import change_tables
from venoseg.reporting.case_outcome import stent_rows
from venoseg.reporting.case_page import render_case
from venoseg.reporting.case_panels import COLOURS, LINES, MARKS
from venoseg.reporting.case_tables import segment_table
from venoseg.reporting.case_visits import visit_cards
from venoseg.reporting.case_words import case_headline, case_sentences
from venoseg.reporting.drawing import drawing_style
from venoseg.reporting.pdf import browser, print_pdf
from venoseg.tables import Table

SHIFT_MM = 6.0
SIDES = (("left", 7), ("right", 9))

OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

PRESS = """<script>
const first = document.querySelector(".course");
for (let n = 0; n < 3; n++) first.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight"}));
</script></body>"""


@pytest.fixture(scope="module")
def compared(measurements) -> Comparison:
    """Two visits with the same measurements, the levels of the second 6 mm farther along."""
    scores = [(Score(VILLALTA, "left", recorded_total=n, ulcer=False),) for n in (22, 1)]
    case = Case(
        "twin-<one>",
        (Timepoint("before", 0, scores=scores[0]), Timepoint("after", 40, scores=scores[1])),
        (Stent(10, "ivc", "ivc"),),
        (Event(10, ("recanalisation", "stent")),),
    )
    visits = tuple(
        CtVisit(t.label, t.label, t.day, measurements, Conditions()) for t in case.timepoints
    )
    vessels = {}
    for profile in measurements.profiles:
        at = profile.branch.curve.position_mm
        moved = np.where(at + SHIFT_MM <= at[-1], at + SHIFT_MM, np.nan)
        vessels[profile.vessel] = VesselMatch(at, moved)
    match = Match("bones", 0.4, None, vessels, ("a note of the match",))
    return Comparison(
        case,
        visits,
        {("before", "after"): match},
        change_table(ct_changes(*visits, match, case.rules)),
        patency_table(case, visits),
        clinical_table(case),
        ("third: it could not be read",),
        ("after: labels: labels_resampled",),
    )


@pytest.fixture(scope="module")
def page(compared) -> str:
    return render_case(compared)


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.images: list[dict[str, str | None]] = []
        self.links: list[str] = []
        self.headings: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "img":
            self.images.append(found)
        self.links += [str(found[name]) for name in ("src", "href") if found.get(name)]
        if tag in ("h1", "h2", "h3", "h4"):
            self.headings.append(tag)


def test_the_page_needs_nothing_else_and_describes_every_picture(page: str) -> None:
    reader = Reader()
    reader.feed(page)
    assert len(reader.images) >= 1 + 3 * 2
    assert all(len(image["alt"] or "") > 30 for image in reader.images)
    assert all(link.startswith(("data:", "#")) for link in reader.links)
    assert not re.search(r"https?://(?!www\.w3\.org)", page)
    assert reader.headings[0] == "h1"


def test_the_page_says_what_came_of_the_case(compared, page: str) -> None:
    assert "Villalta score (left): 22 → 1 (severe → none)." in page
    assert case_headline(compared) in page
    assert "twin-&lt;one&gt;" in page
    assert "third: it could not be read" in page
    assert "the labels were brought onto the grid of the image" in page
    assert "a note of the match" in page
    assert "0.4 mm" in page
    for word in ("unchanged", "stenosed_percent", "VERNACULAR", "recanalisation"):
        assert word in page


def test_the_page_is_the_same_each_time(compared, page: str) -> None:
    assert render_case(compared) == page


def test_visits_stand_on_one_axis(compared) -> None:
    before, after = on_one_axis(compared, "ivc")
    assert before.at_mm == pytest.approx(before.profile.branch.curve.position_mm)
    shown = np.isfinite(after.at_mm)
    moved = after.profile.branch.curve.position_mm[shown] - SHIFT_MM
    assert after.at_mm[shown] == pytest.approx(moved)


def test_a_visit_without_levels_is_named_and_not_drawn_on_the_axis(compared) -> None:
    unmatched = replace(compared, matches={("before", "after"): Match("none", None, None, {})})
    (_, after) = on_one_axis(unmatched, "ivc")
    assert np.isnan(after.at_mm).all()
    assert "levels could not be matched: after" in render_case(unmatched)


def test_the_keys_show_both_visits_at_one_level(page: str, tmp_path: Path) -> None:
    program = browser()
    if program is None:
        pytest.skip("no Chromium on this machine")
    path = tmp_path / "report.html"
    path.write_text(page.replace("</body>", PRESS), encoding="utf-8")
    command = [program, *OPTIONS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    done = subprocess.run(
        [*command, path.as_uri()], capture_output=True, text=True, timeout=240, check=True
    )
    readings = re.findall(r'<div class="reading">.*?<h4>(.*?)</h4><p>(\d+) mm: ', done.stdout)
    (first, at), (second, moved) = readings[:2]
    assert (first, second) == ("before (day 0)", "after (day 40)")
    assert int(moved) - int(at) == pytest.approx(SHIFT_MM, abs=2.0)


def luminance(colour: str) -> float:
    """Relative luminance of an sRGB colour, as WCAG 2 defines it."""
    parts = np.array([int(colour[n : n + 2], 16) for n in (1, 3, 5)]) / 255.0
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def test_words_and_lines_stand_out_from_the_paper(page: str) -> None:
    inks = dict(re.findall(r"--(ink|faint): (#\w{6})", page))
    assert len(inks) == 2
    for colour in (*inks.values(), *COLOURS):
        assert 1.05 / (luminance(colour) + 0.05) >= 4.5


def test_visits_are_told_apart_without_colour() -> None:
    assert len(set(MARKS)) == len(LINES) == len(COLOURS) == 5
    assert len(set(map(str, LINES[:4]))) == 4


def test_a_vein_without_stent_says_so_and_not_that_it_was_not_measured(compared) -> None:
    table = segment_table(compared)
    rows = [row for _, group in table.groups for row in group]
    stented = table.headings.index("Stented") - 1
    assert {row[stented] for row in rows} == {"–"}
    assert all("_" not in row[-1] for row in rows)


def test_every_visit_has_a_card_with_its_state_and_score(compared) -> None:
    with drawing_style():
        cards = visit_cards(compared)
    assert [card.title for card in cards] == ["Before, day 0", "After, day 40"]
    assert [card.lines[-1] for card in cards] == ["Villalta 22 (severe)", "Villalta 1 (none)"]
    states = {str(row["state"]) for row in compared.patency.rows if row["limb"] in LIMBS}
    assert states == {"patent"}
    assert cards[0].lines[0] == "both limbs patent"


def test_changes_are_told_pair_by_pair_without_what_was_nothing(compared) -> None:
    ((title, table),) = change_tables(compared)
    assert title == "before (day 0) to after (day 40)"
    assert [name for name, _ in table.groups] == list(dict.fromkeys(n for n, _ in table.groups))
    said = {row[0] for _, rows in table.groups for row in rows}
    assert "smallest area" in said
    assert "occluded length" not in said
    told = [r for r in compared.changes.rows if r["quantity"] == "occluded_length_mm"]
    assert told


def test_warnings_of_several_veins_are_told_once(compared) -> None:
    words = [f"after: {side}_common_iliac_vein: occluded along {n} mm" for side, n in SIDES]
    words += [f"after: {side}_common_iliac_vein: metal along {n} mm of it; so" for side, n in SIDES]
    page = render_case(replace(compared, warnings=(*words, "after: labels: labels_resampled")))
    told = page[page.index("<h3>Warnings</h3>") : page.index("</dl>")]
    assert "metal; so: left common iliac vein (along 7 mm of it), right common" in told
    assert told.count("<dd>") == 2
    # What is shut is said above, in the summary.
    assert "occluded" not in told


def test_warnings_of_stents_name_the_veins_they_lie_in(compared) -> None:
    rows = tuple(
        dict.fromkeys(column.name for column in STENT_COLUMNS)
        | {"stent": n, "vessels": f"{side}_common_iliac_vein"}
        for n, side in ((1, "left"), (2, "right"))
    )
    last = compared.visits[-1]
    stented = replace(last.found, stents=Table(STENT_COLUMNS, rows))
    visits = (*compared.visits[:-1], replace(last, found=stented))
    words = tuple(f"after: stent {n}: runs into another stent" for n in (1, 2))
    page = render_case(replace(compared, visits=visits, warnings=words))
    told = page[page.index("<h3>Warnings</h3>") : page.index("</dl>")]
    assert (
        "runs into another stent: stent of the left common iliac vein, stent of the right" in told
    )
    assert told.count("<dd>") == 1


def test_narrowing_at_the_same_site_is_told_as_a_change_of_area(compared) -> None:
    quantity = "area_stenosis_baseline_same_site_percent"
    rows = tuple(
        row | {"change": 20.0, "change_low": 12.0, "change_high": 28.0}
        for row in compared.changes.rows
        if row["quantity"] == quantity
    )[:1]
    ((_, table),) = change_tables(replace(compared, changes=change_table(rows)))
    ((_, (cells,)),) = table.groups
    assert cells[0] == "area at its narrowest site, against before"
    assert cells[3] == "-20.0 (-28.0 to -12.0)\N{NO-BREAK SPACE}%"


def test_stents_that_were_placed_and_what_became_of_them_are_told(compared) -> None:
    stent = replace(compared.case.stents[0], nominal_diameter_mm=22.0, model="Made-up")
    case = replace(compared.case, stents=(stent,))
    sentences = case_sentences(replace(compared, case=case))
    day = "Day 10, recanalisation and stent: inferior vena cava 22\N{NO-BREAK SPACE}mm (Made-up)."
    assert day in sentences
    assert "Both limbs, 30 days after the index procedure: primary patency." in sentences


def test_the_page_prints_as_pdf(page: str, tmp_path: Path) -> None:
    if browser() is None:
        pytest.skip("no Chromium on this machine")
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    print_pdf(path, tmp_path / "report.pdf")
    pages = re.findall(rb"/Type\s*/Page\b", (tmp_path / "report.pdf").read_bytes())
    assert len(pages) >= 5


def test_a_machine_without_browser_is_told_what_to_do(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DependencyError, match=r"open report\.html in any browser"):
        print_pdf(tmp_path / "report.html", tmp_path / "report.pdf")


def test_a_stent_has_the_interval_of_its_length_and_a_bound_where_metal_hides_the_lumen(
    compared,
) -> None:
    row = dict.fromkeys(column.name for column in STENT_COLUMNS) | {"vessels": "ivc", "stent": 1}
    row |= {"length_mm": 103.0, "length_low_mm": 97.6, "length_high_mm": 125.6}
    row |= {"in_stent_area_stenosis_high_percent": 21.3}
    visits = tuple(
        replace(visit, found=replace(visit.found, stents=Table(STENT_COLUMNS, (row,))))
        for visit in compared.scans
    )
    cells = repr(stent_rows(replace(compared, visits=visits))).replace("\\xa0", " ")
    assert "103 mm (98 to 126)" in cells
    assert "at most 21 %" in cells
