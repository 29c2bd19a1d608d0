from __future__ import annotations

from pathlib import Path

import pytest

from venoseg.errors import InputError
from venoseg.interchange.case_manifest import read_case

SAMPLES = Path(__file__).parents[2] / "sample_data"

GOOD = """
patient = "p1"
[[timepoints]]
label = "before"
day = 0
studies = ["a"]
labels = "a/labels.nrrd"
villalta = { side = "left", total = 22 }
[[timepoints]]
label = "after"
day = 30
studies = [{ path = "b", name = "first" }, { path = "b", name = "second", calibration = "auto" }]
ceap = [{ side = "left", clinical = "C3" }, { side = "right", clinical = "C0" }]
[[stents]]
day = 10
from = "ivc"
to = "left_external_iliac_vein"
nominal_diameter_mm = 16
[[events]]
day = 10
kind = ["recanalisation", "stent"]
limb = "left"
[rules]
stenosed_percent = 60
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "labels.nrrd").touch()
    (tmp_path / "case.toml").write_text(GOOD)
    return tmp_path


def test_a_manifest_becomes_a_case(folder: Path) -> None:
    case = read_case(folder)
    assert case == read_case(folder / "case.toml")
    before, after = case.timepoints
    assert before.studies[0].path == folder / "a"
    assert before.studies[0].labels == folder / "a" / "labels.nrrd"
    assert [study.name for study in after.studies] == ["first", "second"]
    assert [ceap.side for ceap in after.ceap] == ["left", "right"]
    assert case.stents[0].limbs == ("left",)
    assert case.events[0].kinds == ("recanalisation", "stent")
    assert case.rules.stenosed_percent == 60.0


def test_the_sample_case_is_read() -> None:
    case = read_case(SAMPLES / "case")
    assert [t.label for t in case.timepoints] == ["baseline", "procedure", "day1", "one_year"]
    totals = [score.total for t in case.timepoints for score in t.scores]
    assert totals == [22, 1]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('patient = "p1"\n', "", "'patient' is missing"),
        ('label = "before"\n', "", r"timepoint 1: 'label' is missing"),
        ("day = 0\n", "", r"timepoint 1 \(before\): 'day' is missing"),
        ("day = 0\n", 'day = "0"\n', "whole number of days"),
        ("day = 30\n", "day = -1\n", "wrong order"),
        ('studies = ["a"]', 'studies = ["c"]', "no 'c' beside the manifest"),
        ('studies = ["a"]', 'studies = "a"', "studies is no list"),
        ('studies = ["a"]', 'studies = ["a", "b"]', "labels stands beside 2 studies"),
        ('name = "second"', 'name = "first"', "two have the name 'first'"),
        ("total = 22", "total = 40", "only 0 to 33 is possible"),
        ('from = "ivc"', 'from = "vena cava"', "'vena cava' is not a vein"),
        ('from = "ivc"\n', "", "stent 1: 'from' is missing"),
        ("nominal_diameter_mm = 16", "nominal_diameter_mm = 160", "between 0 and 60"),
        ('"recanalisation"', '"magic"', "no kind of event 'magic'"),
        ('limb = "left"', 'limb = "arm"', "limb is 'arm'"),
        ("stenosed_percent", "stenosis", "no rule 'stenosis'"),
        ("[[stents]]", "[[stent]]", "no key 'stent'"),
        ("[[stents]]", "[[stents", "cannot be read"),
    ],
)
def test_a_faulty_manifest_is_refused_with_the_place(
    folder: Path, old: str, new: str, words: str
) -> None:
    assert old in GOOD
    (folder / "case.toml").write_text(GOOD.replace(old, new, 1))
    with pytest.raises(InputError, match=words):
        read_case(folder)


def test_landmarks_are_places_in_the_only_ct_of_a_timepoint(folder: Path) -> None:
    (folder / "case.toml").write_text(
        GOOD.replace("day = 0\n", "day = 0\nlandmarks = { renal_veins = [1, -2.5, 112] }\n", 1)
    )
    assert read_case(folder).timepoints[0].landmarks == {"renal_veins": (1.0, -2.5, 112.0)}


@pytest.mark.parametrize("place", ["[1, 2]", "[1, 2, true]", '"L1"', "[1, 2, 1e300]"])
def test_a_landmark_without_a_place_is_refused(folder: Path, place: str) -> None:
    (folder / "case.toml").write_text(
        GOOD.replace("day = 0\n", f"day = 0\nlandmarks = {{ renal_veins = {place} }}\n", 1)
    )
    with pytest.raises(InputError, match="landmark renal_veins needs three numbers"):
        read_case(folder)


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"case\.toml: there is no such manifest"):
        read_case(tmp_path)


CLINICAL = """timepoint,scale,side,item,value
before,villalta,right,pain,2
before,villalta,right,cramps,
before,villalta,right,ulcer,no
after,claudication,left,present,true
after,claudication,left,onset_distance_m,120
after,ceap,left,clinical,C4b
"""


def test_clinical_records_come_from_a_table_too(folder: Path) -> None:
    (folder / "clinical.csv").write_text(CLINICAL)
    before, after = read_case(folder).timepoints
    left, right = before.scores
    assert left.total == 22
    assert right.items == {"pain": 2}
    assert right.total is None
    assert right.ulcer is False
    assert after.claudication[0].onset_distance_m == 120.0
    assert [ceap.text for ceap in after.ceap] == ["C3", "C0", "C4b"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("before,villalta,right,pain,2", "never,villalta,right,pain,2", "no timepoint 'never'"),
        ("pain,2", "pain,7", "only 0 to 3 is possible"),
        ("pain,2", "pain,2,x", "line 2: there are 6 cells"),
        ("cramps,", "pain,1", "line 3: pain stands there twice"),
        ("before,villalta", "before,ves", "no scale 'ves'"),
        ("timepoint,scale", "visit,scale", "first line"),
    ],
)
def test_a_faulty_table_of_records_is_refused(folder: Path, old: str, new: str, words: str) -> None:
    (folder / "clinical.csv").write_text(CLINICAL.replace(old, new, 1))
    with pytest.raises(InputError, match=words):
        read_case(folder)
