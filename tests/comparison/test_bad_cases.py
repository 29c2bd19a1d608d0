"""Cases that make no sense, through the command line: one clear line, no traceback, no results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.comparison.conftest import MANIFEST, CaseFolder

from venoseg.cli import main

SECOND = MANIFEST[MANIFEST.rindex("[[timepoints]]") :]


def answer(path: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """Compare a case; return the status and what is said beside the progress."""
    status = main(["compare", str(path), "-o", str(out), "--quiet"])
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err + printed.out
    return status, printed.err.splitlines()


def refused(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str) -> None:
    """Hold that a case is refused with one line that says these words."""
    status, lines = answer(path, tmp_path / "out", capsys)
    assert status == 3
    assert len(lines) == 1
    assert words in lines[0]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (SECOND, "", "a case needs two timepoints or more, and has 1"),
        ("day = 30", "day = -3", "the timepoints stand in the wrong order: before (day 0)"),
        ('patient = "p1"', "", "'patient' is missing"),
        ('label = "after"', "", "'label' is missing"),
        ("day = 30", "", "'day' is missing"),
        ('studies = ["second"]', 'studies = ["third"]', "third"),
        ("total = 22", "total = 34", "34"),
        ("total = 22", "pain = 4", "pain"),
        ("total = 22", "total = -1", "-1"),
        ('side = "left", total = 22', "total = 22", "side"),
        ('patient = "p1"', "patient = ", "the manifest cannot be read"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(
    case_folder: CaseFolder,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    old: str,
    new: str,
    words: str,
) -> None:
    case_folder.study("first", "20240101")
    case_folder.study("second", "20240131")
    assert old in MANIFEST
    case_folder.manifest(MANIFEST.replace(old, new))
    refused(case_folder.folder, tmp_path, capsys, words)


def _other_patient(case: CaseFolder) -> None:
    case.study("first", "20240101", PatientID="secret-7")
    case.study("second", "20240131", PatientID="secret-8")


def _dates_against_the_days(case: CaseFolder) -> None:
    case.study("first", "20240131")
    case.study("second", "20240101")


def _no_labels_in_view(case: CaseFolder) -> None:
    case.study("first", "20240101")
    for one in case.slices:
        one.ImagePositionPatient = [900.0, 900.0, one.ImagePositionPatient[2] + 900.0]
    case.study("second", "20240131")


@pytest.mark.parametrize(
    ("spoil", "status", "words"),
    [
        (_other_patient, 3, "2 different patient identifiers"),
        (_dates_against_the_days, 3, "before comes before after in the manifest, and after it by"),
        (_no_labels_in_view, 1, "after: "),
    ],
)
def test_studies_that_do_not_belong_together_are_told(
    case_folder: CaseFolder,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[CaseFolder], None],
    status: int,
    words: str,
) -> None:
    spoil(case_folder)
    found, lines = answer(case_folder.folder, tmp_path / "out", capsys)
    assert found == status
    assert [line for line in lines if words in line]
    assert not any("secret" in line for line in lines)


def test_sides_that_are_swapped_are_refused_by_the_visit(
    case_folder: CaseFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case_folder.study("first", "20240101")
    case_folder.study("second", "20240131")
    labels = (case_folder.folder / "labels.seg.nrrd").read_bytes()
    head, mark, voxels = labels.partition(b"\n\n")
    for left, right in ((b"Left", b"Right"), (b"left", b"right"), (b"7771000", b"24028007")):
        head = right.join(part.replace(right, left) for part in head.split(left))
    labels = head + mark + voxels
    (case_folder.folder / "swapped.seg.nrrd").write_bytes(labels)
    before, after = MANIFEST[: MANIFEST.index(SECOND)], SECOND
    case_folder.manifest(before + after.replace("labels.seg.nrrd", "swapped.seg.nrrd"))
    status, lines = answer(case_folder.folder, tmp_path / "out", capsys)
    assert status == 1
    assert [line for line in lines if "after" in line and "swapped" in line]
    assert not (tmp_path / "out" / "after").exists()


def test_a_folder_whose_dates_were_stripped_needs_a_manifest(
    case_folder: CaseFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case_folder.study("first", "")
    case_folder.study("second", "")
    (case_folder.folder / "case.toml").unlink()
    refused(case_folder.folder, tmp_path, capsys, "date")


def test_a_manifest_stands_in_for_dates_that_were_stripped(
    case_folder: CaseFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case_folder.study("first", "")
    case_folder.study("second", "")
    status, lines = answer(case_folder.folder, tmp_path / "out", capsys)
    assert status == 0
    assert [line for line in lines if "carry no date" in line]


def test_a_single_study_in_a_folder_is_no_case(
    case_folder: CaseFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case_folder.study("first", "20240101")
    (case_folder.folder / "case.toml").unlink()
    refused(case_folder.folder, tmp_path, capsys, "two")


def test_a_case_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(tmp_path / "nothing", tmp_path, capsys, "nothing")
