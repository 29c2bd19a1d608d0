from __future__ import annotations

import pytest

from venoseg.errors import InputError
from venoseg.followup.ceap import ceap_from
from venoseg.followup.claudication import claudication_from
from venoseg.followup.scores import VCSS, VILLALTA, Scale, score_from


def full(scale: Scale, value: int) -> dict[str, object]:
    return dict.fromkeys(scale.items, value) | {"side": "left"}


@pytest.mark.parametrize(
    ("total", "category"),
    [
        (0, "none"),
        (4, "none"),
        (5, "mild"),
        (9, "mild"),
        (10, "moderate"),
        (14, "moderate"),
        (15, "severe"),
        (33, "severe"),
    ],
)
def test_villalta_categories(total: int, category: str) -> None:
    score = score_from(VILLALTA, {"side": "left", "total": total, "ulcer": False}, "case")
    assert (score.total, score.category) == (total, category)
    assert score.as_recorded


def test_items_make_the_total() -> None:
    score = score_from(VILLALTA, full(VILLALTA, 2) | {"ulcer": False}, "case")
    assert score.total == 22
    assert not score.as_recorded
    assert score_from(VCSS, full(VCSS, 3), "case").total == 30


def test_an_ulcer_changes_the_category_and_not_the_sum() -> None:
    score = score_from(VILLALTA, full(VILLALTA, 0) | {"ulcer": True}, "case")
    assert (score.total, score.category) == (0, "severe")


def test_a_missing_item_leaves_no_total_and_is_named() -> None:
    record = full(VILLALTA, 3)
    del record["redness"]
    score = score_from(VILLALTA, record, "case")
    assert score.total is None
    assert score.category is None
    assert "redness" in score.note


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pain": 4}, "only 0 to 3"),
        ({"pain": -1}, "only 0 to 3"),
        ({"pain": 1.5}, "whole number"),
        ({"pain": True}, "whole number"),
        ({"walking": 1}, "no item 'walking'"),
        ({"total": 34}, "only 0 to 33"),
        ({"total": 20}, "that of the items is 22"),
        ({"side": "middle"}, "side is 'middle'"),
        ({"ulcer": "yes"}, "true or false"),
    ],
)
def test_impossible_scores_are_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        score_from(VILLALTA, full(VILLALTA, 2) | change, "case.toml, baseline")


def test_a_total_without_its_side_is_refused() -> None:
    with pytest.raises(InputError, match=r"case, villalta: no side is recorded"):
        score_from(VILLALTA, {"total": 22}, "case")


def test_ceap_is_read_and_written_as_it_is_spoken() -> None:
    record = {
        "side": "left",
        "clinical": "C4b",
        "symptoms": "s",
        "etiology": "Esi",
        "anatomy": ["Ad"],
        "pathophysiology": "Pr,o",
    }
    assert ceap_from(record, "case").text == "C4bs Esi Ad Pr,o"


@pytest.mark.parametrize(
    "change",
    [
        {"clinical": "C7"},
        {"clinical": "C4d"},
        {"clinical": None},
        {"etiology": "Es"},
        {"anatomy": "Ax"},
        {"pathophysiology": "Px"},
        {"symptoms": "x"},
        {"class": "C3"},
    ],
)
def test_ceap_classes_that_do_not_exist_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match="ceap"):
        ceap_from({"side": "left", "clinical": "C3"} | change, "case")


def test_claudication_keeps_what_was_not_recorded_empty() -> None:
    record = claudication_from({"side": "left", "present": True, "onset_distance_m": 130}, "case")
    assert record.onset_distance_m == 130.0
    assert record.stop_distance_m is None


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({}, "not recorded whether"),
        ({"present": True, "onset_distance_m": 200, "stop_distance_m": 100}, "begins after 200 m"),
        ({"present": True, "onset_distance_m": -5}, "0 or more"),
        ({"present": False, "stop_distance_m": 100}, "there is none"),
        ({"present": True, "test": "swimming"}, "no test 'swimming'"),
    ],
)
def test_impossible_claudication_is_refused(record: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        claudication_from({"side": "left"} | record, "case")
