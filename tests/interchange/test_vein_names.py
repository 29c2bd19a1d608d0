"""What a label's own name, code or explicit name means."""

from __future__ import annotations

import pytest

from venoseg.anatomy import NAMES, VESSELS, Code
from venoseg.errors import UsageError
from venoseg.interchange.vein_names import (
    name_from_code,
    name_from_terminology,
    name_from_text,
    parse_label_names,
)


@pytest.mark.parametrize("name", NAMES)
def test_the_names_of_the_contract_mean_themselves(name):
    assert name_from_text(name) == name
    assert name_from_text(name.replace("_", " ").title()) == name


@pytest.mark.parametrize("vessel", VESSELS, ids=lambda v: v.name)
def test_the_titles_for_people_mean_their_vein(vessel):
    assert name_from_text(vessel.title) == vessel.name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("inferior_vena_cava", "ivc"),
        ("IVC lumen", "ivc"),
        ("Infrarenal IVC", "ivc"),
        ("iliac_vena_left", "left_iliac_vein"),
        ("iliac_vena_right", "right_iliac_vein"),
        ("Vein, common iliac, L", "left_common_iliac_vein"),
        ("REIV", "right_external_iliac_vein"),
        ("left hypogastric vein", "left_internal_iliac_vein"),
        ("In-stent lumen of left common iliac vein", "left_common_iliac_vein"),
        ("Stent", "stent"),
    ],
)
def test_other_programs_names_are_understood(text, name):
    assert name_from_text(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "aorta",
        "IVC filter",
        "superior vena cava",
        "iliac_artery_left",
        "left common iliac",
        "thrombus in left iliac vein",
        "common iliac vein",
        "left right iliac vein",
        "left femoral vein",
        "portal_vein_and_splenic_vein",
        "Segment_1",
    ],
)
def test_a_name_that_is_not_understood_in_full_is_no_vein(text):
    assert name_from_text(text) is None


def test_a_paired_vein_code_without_a_side_is_not_guessed():
    common_iliac = Code("46027005", "SCT", "Common iliac vein")
    assert name_from_code(common_iliac, None) is None
    assert name_from_code(common_iliac, "right") == "right_common_iliac_vein"


def test_the_terminology_of_a_slicer_segment_is_understood():
    tags = (
        "Segmentation.Status:inprogress|TerminologyEntry:Segmentation category and type"
        "~SCT^123037004^Anatomical Structure~SCT^63507001^External iliac vein"
        "~SCT^7771000^Left~Anatomic codes~^^~^^|"
    )
    assert name_from_terminology(tags) == "left_external_iliac_vein"
    assert name_from_terminology("TerminologyEntry:~SCT^85756007^Tissue") is None
    assert name_from_terminology("") is None


def test_explicit_names_are_parsed():
    assert parse_label_names("1=ivc, 2=left_common_iliac_vein,3=stent") == {
        1: "ivc",
        2: "left_common_iliac_vein",
        3: "stent",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not VALUE=NAME"),
        ("ivc", "is not VALUE=NAME"),
        ("1=ivc,", "is not VALUE=NAME"),
        ("0=ivc", "is not VALUE=NAME"),
        ("-1=ivc", "is not VALUE=NAME"),
        ("1.5=ivc", "is not VALUE=NAME"),
        ("1=ivc,1=left_iliac_vein", "named twice"),
        ("1=aorta", "'aorta' is not a vein"),
        ("1=", "'' is not a vein"),
    ],
)
def test_wrong_explicit_names_are_refused(text, message):
    with pytest.raises(UsageError, match=message):
        parse_label_names(text)
