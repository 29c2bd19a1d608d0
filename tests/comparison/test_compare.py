from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from venoseg.cli import main
from venoseg.comparison import check_identities, read_studies
from venoseg.errors import InputError
from venoseg.interchange.case_manifest import read_case


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def run(case_folder, out: Path, capsys, *words: str) -> tuple[int, str, str]:
    status = main(["compare", str(case_folder.folder), "-o", str(out), *words])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_a_case_becomes_the_files_of_the_contract(case_folder, tmp_path, capsys) -> None:
    case_folder.study("first", "20240101", PatientID="secret-7", PatientName="Doe^Jane")
    case_folder.study("second", "20240131", PatientID="secret-7", PatientName="Doe^Jane")
    out = tmp_path / "out"
    status, printed, errors = run(case_folder, out, capsys, "--json")
    assert status == 0
    assert {"changes.csv", "patency.csv", "clinical.csv", "case.json"} <= {
        p.name for p in out.iterdir()
    }
    for label in ("before", "after"):
        assert (out / label / "cross_sections.csv").is_file()
        assert (out / label / "report.html").is_file()
    changes = rows(out / "changes.csv")
    assert ",".join(changes[0]) == (
        "vessel,level,position_mm,timepoint_from,timepoint_to,quantity,value_from,value_to,change,"
        "change_low,change_high,verdict,reason"
    )
    # The same patient in the same state: nothing has changed, and most of it can be told.
    verdicts = [row["verdict"] for row in changes if row["change"]]
    assert len(verdicts) > 100
    assert set(verdicts) == {"unchanged"}
    assert ",".join(rows(out / "patency.csv")[0]) == (
        "limb,timepoint,days,state,primary,primary_assisted,secondary,reason"
    )
    totals = {
        r["timepoint"]: r["value"] for r in rows(out / "clinical.csv") if r["item"] == "total"
    }
    assert totals == {"before": "22", "after": "1"}
    document = json.loads(printed)
    assert document == json.loads((out / "case.json").read_text(encoding="utf-8"))
    assert document["matches"][0]["method"] == "arc length"
    texts = [errors, printed]
    texts += [
        p.read_text(encoding="utf-8") for p in out.rglob("*") if p.suffix in (".csv", ".json")
    ]
    assert not any("secret" in text or "Doe" in text for text in texts)


def check(case_folder) -> list[str]:
    case = read_case(case_folder.folder)
    return check_identities(case, read_studies(case))


def test_different_patients_are_refused_unless_that_is_known(case_folder, tmp_path, capsys) -> None:
    case_folder.study("first", "20240101", PatientID="secret-7")
    case_folder.study("second", "20240131", PatientID="secret-8")
    status, _, errors = run(case_folder, tmp_path / "out", capsys, "--quiet")
    assert status == 3
    assert "2 different patient identifiers" in errors
    assert "secret" not in errors
    assert not (tmp_path / "out").exists()
    text = (case_folder.folder / "case.toml").read_text()
    case_folder.manifest("ids_may_differ = true\n" + text)
    assert check(case_folder) == ["the studies carry different patient identifiers"]


def test_dates_that_contradict_the_order_are_refused(case_folder) -> None:
    case_folder.study("first", "20240131")
    case_folder.study("second", "20240101")
    with pytest.raises(InputError, match="comes before after in the manifest, and after it by"):
        check(case_folder)


@pytest.mark.parametrize(
    ("date", "words"),
    [
        ("", "1 of 2 studies carry no date"),
        ("20240301", "30 days in the manifest, 60 by the dates"),
    ],
)
def test_dates_stripped_or_shifted_are_told(case_folder, date: str, words: str) -> None:
    case_folder.study("first", "20240101")
    case_folder.study("second", date)
    (warning,) = check(case_folder)
    assert words in warning


def test_a_folder_without_images_is_no_study(case_folder, tmp_path, capsys) -> None:
    case_folder.study("first", "20240101")
    (case_folder.folder / "second").mkdir()
    (case_folder.folder / "second" / "notes.txt").write_text("no image")
    status, _, errors = run(case_folder, tmp_path / "out", capsys)
    assert status == 3
    assert "there is no DICOM image in it" in errors


def test_scans_of_other_parts_are_told_to_share_no_level(case_folder, tmp_path, capsys) -> None:
    whole = case_folder.slices
    heights = [float(one.ImagePositionPatient[2]) for one in whole]
    case_folder.slices = [one for one, z in zip(whole, heights, strict=True) if z > 10]
    case_folder.study("first", "20240101")
    case_folder.slices = [one for one, z in zip(whole, heights, strict=True) if z < -20]
    case_folder.study("second", "20240131")
    out = tmp_path / "out"
    status, _, errors = run(case_folder, out, capsys)
    assert status == 0
    assert "before to after: the confluence is not in view of both scans: no level can be" in errors
    changes = rows(out / "changes.csv")
    assert not [row for row in changes if row["level"] in ("station", "matched stretch")]
    document = json.loads((out / "case.json").read_text(encoding="utf-8"))
    assert document["matches"][0]["method"] == "none"
