"""What is known of stents beforehand, and what a measurement takes from it."""

from __future__ import annotations

from venoseg.lumen.stents.sizes import nominal_mm_in, sizes_in_words, stented_veins

VEINS = ("ivc", "left_common_iliac_vein")


def test_one_size_is_that_of_all_stents_in_any_vein() -> None:
    assert nominal_mm_in(16.0, ["ivc"]) == 16.0
    assert stented_veins(16.0, VEINS) == set(VEINS)


def test_sizes_of_veins_are_theirs_alone() -> None:
    sizes = {"left_common_iliac_vein": 16.0, "left_external_iliac_vein": None}
    assert nominal_mm_in(sizes, ["ivc"]) is None
    assert nominal_mm_in(sizes, ["left_common_iliac_vein"]) == 16.0
    # A stent through both is of the one size or of another that nobody wrote down.
    assert nominal_mm_in(sizes, list(sizes)) is None
    assert stented_veins(sizes, VEINS) == {"left_common_iliac_vein"}


def test_nothing_known_is_no_stent() -> None:
    assert stented_veins(None, VEINS) == frozenset()
    assert nominal_mm_in(None, VEINS) is None


def test_a_parameter_names_every_vein() -> None:
    assert sizes_in_words({"ivc": 22.0, "left_iliac_vein": None}) == "ivc=22 left_iliac_vein=?"
    assert sizes_in_words(16.0) == 16.0
