from __future__ import annotations

import pytest

from venoseg.errors import InputError
from venoseg.followup.case import Case, Event, Stent, Timepoint, check_case
from venoseg.followup.clinical import clinical_table
from venoseg.followup.rules import SOURCES, Rules, rules_from
from venoseg.followup.scores import VILLALTA, Score


def case(*days: int, **parts: object) -> Case:
    return Case("p", tuple(Timepoint(f"t{n}", day) for n, day in enumerate(days)), **parts)


def test_a_case_needs_two_timepoints_in_order() -> None:
    with pytest.raises(InputError, match=r"case\.toml: .* and has 1; add the other visits"):
        check_case(case(0), "case.toml")
    with pytest.raises(InputError, match=r"wrong order: t0 \(day 395\) comes before t1 \(day 0\)"):
        check_case(case(395, 0), "case.toml")
    assert check_case(case(0, 0, 3), "case.toml").timepoints[2].day == 3


@pytest.mark.parametrize("label", ["", "a/b", "../x", "-x", "x" * 41, "day 1"])
def test_a_label_must_be_a_folder_name(label: str) -> None:
    points = (Timepoint(label, 0), Timepoint("b", 1))
    with pytest.raises(InputError, match="cannot be the label"):
        check_case(Case("p", points), "case.toml")


def test_two_timepoints_of_one_label_are_refused() -> None:
    points = (Timepoint("a", 0), Timepoint("a", 1))
    with pytest.raises(InputError, match="two have the label 'a'"):
        check_case(Case("p", points), "case.toml")


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        (("left_common_iliac_vein", "right_external_iliac_vein"), "from one side to the other"),
        (("left_external_iliac_vein", "left_common_iliac_vein"), "nearer to the heart"),
        (("left_external_iliac_vein", "ivc"), "nearer to the heart"),
    ],
)
def test_a_stent_runs_down_one_side(ends: tuple[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_case(case(0, 1, stents=(Stent(0, *ends),)), "case.toml")


@pytest.mark.parametrize(
    ("ends", "vessels", "limbs"),
    [
        (("ivc", "ivc"), ("ivc",), ("left", "right")),
        (("ivc", "left_iliac_vein"), ("ivc", "left_iliac_vein"), ("left",)),
        (
            ("ivc", "left_external_iliac_vein"),
            ("ivc", "left_common_iliac_vein", "left_external_iliac_vein"),
            ("left",),
        ),
        (
            ("right_common_iliac_vein", "right_external_iliac_vein"),
            ("right_common_iliac_vein", "right_external_iliac_vein"),
            ("right",),
        ),
    ],
)
def test_the_veins_of_a_stent(
    ends: tuple[str, str], vessels: tuple[str, ...], limbs: tuple[str, ...]
) -> None:
    stent = check_case(case(0, 1, stents=(Stent(0, *ends),)), "case.toml").stents[0]
    assert (stent.vessels, stent.limbs) == (vessels, limbs)


def test_a_visit_knows_the_stents_that_were_placed_by_then() -> None:
    left = "left_common_iliac_vein"
    stents = (
        Stent(30, "ivc", left, nominal_diameter_mm=16.0),
        Stent(30, "right_common_iliac_vein", "right_common_iliac_vein"),
        Stent(90, "ivc", "ivc", nominal_diameter_mm=22.0),
    )
    one = case(0, 400, stents=stents)
    assert one.stents_by(0) == {}
    assert one.stents_by(30) == {"ivc": 16.0, left: 16.0, "right_common_iliac_vein": None}
    # Two sizes lie in the cava: which one a ring belongs to is not known.
    assert one.stents_by(400)["ivc"] is None


def test_the_index_day_is_that_of_the_first_stent_or_intervention() -> None:
    assert case(0, 1).index_day is None
    assert case(0, 1, events=(Event(3, ("bleeding",)), Event(7, ("stent",)))).index_day == 7
    stents = (Stent(30, "ivc", "ivc"),)
    assert case(0, 1, stents=stents, events=(Event(7, ("thrombolysis",)),)).index_day == 30


def test_every_rule_has_a_source_and_can_be_replaced() -> None:
    assert {one.name for one in SOURCES} == set(Rules.__slots__)
    assert rules_from({"stenosed_percent": 70}, "rules").stenosed_percent == 70.0
    for value in (0, -1, True, "70", float("nan")):
        with pytest.raises(InputError, match="positive number"):
            rules_from({"stenosed_percent": value}, "rules")
    with pytest.raises(InputError, match="no rule 'stenosis'"):
        rules_from({"stenosis": 50}, "rules")


def test_the_clinical_table_holds_every_item_and_says_what_is_missing() -> None:
    items = dict.fromkeys(VILLALTA.items, 1)
    del items["pain"]
    point = Timepoint("a", 0, scores=(Score(VILLALTA, "left", items),))
    table = clinical_table(Case("p", (point, Timepoint("b", 1))))
    rows = {row["item"]: row for row in table.rows}
    assert rows["cramps"]["value"] == 1
    assert (rows["pain"]["value"], rows["pain"]["status"]) == (None, "missing")
    assert (rows["total"]["value"], rows["total"]["status"]) == (None, "missing")
    assert "pain" in rows["total"]["note"]
