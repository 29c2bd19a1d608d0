"""`venoseg measure` from a folder of images to a folder of results."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from venoseg.cli import main

TABLES = ("cross_sections.csv", "segments.csv")
DOCUMENTS = ("measurements.json", "centerline.json")


def run(*words: str | Path) -> int:
    return main(["measure", *map(str, words)])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def labels(study) -> Path:
    return study / "truth" / "labels.seg.nrrd"


@pytest.fixture(scope="module")
def results(study, labels, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("results") / "Doe_Jane_19700101"
    assert run(study / "ct", "--labels", labels, "-o", out, "--quiet") == 0
    return out


def test_the_folder_holds_tables_and_documents(results):
    assert {*TABLES, *DOCUMENTS} <= {path.name for path in results.iterdir()}
    assert [row["vessel"] for row in rows(results / "segments.csv")] == ["ivc"]


def test_the_figures_are_those_of_the_twin(results, study):
    truth = rows(study / "truth" / "segments.csv")[0]
    found = rows(results / "segments.csv")[0]
    assert float(found["length_mm"]) == pytest.approx(float(truth["length_mm"]), abs=3.0)
    assert float(found["mean_area_mm2"]) == pytest.approx(float(truth["mean_area_mm2"]), rel=0.03)
    assert found["state"] == "patent"


def test_two_runs_write_the_same_bytes(results, study, labels, tmp_path):
    again = tmp_path / "again"
    assert run(study / "ct", "--labels", labels, "-o", again, "--quiet") == 0
    names = sorted(path.name for path in results.iterdir())
    assert sorted(path.name for path in again.iterdir()) == names
    for name in names:
        if not name.endswith(".dcm"):  # every DICOM object has a name and a time of its own
            assert (again / name).read_bytes() == (results / name).read_bytes(), name


def test_no_result_names_the_patient_or_a_folder(results, study):
    header = pydicom.dcmread(next((study / "ct").iterdir()))
    private = [
        str(header[name].value)
        for name in ("PatientName", "PatientID", "PatientBirthDate", "AccessionNumber")
        if header.get(name)
    ]
    assert private
    secrets = [*private, "Doe_Jane", str(study), str(results.parent)]
    for path in results.iterdir():
        content = path.read_bytes()
        for secret in secrets:
            assert secret.encode() not in content, (path.name, secret)


def test_the_documents_are_strict_json_that_agrees_with_the_tables(results):
    def refuse(word: str) -> None:
        pytest.fail(f"{word} is no JSON")

    found = json.loads((results / "measurements.json").read_text(), parse_constant=refuse)
    json.loads((results / "centerline.json").read_text(), parse_constant=refuse)
    table = rows(results / "cross_sections.csv")
    assert len(found["cross_sections"]) == len(table)
    for document, cells in zip(found["cross_sections"], table, strict=True):
        for name, cell in cells.items():
            value = document[name]
            if value is None:
                assert cell == ""
            elif isinstance(value, float):
                assert float(cell) == value
            else:
                assert cell == str(value)
    assert set(found["definitions"]) >= set(table[0])
    assert found["source"]["kind"] == "DICOM"
    assert found["source"]["series_instance_uid"]
    assert found["software"]["version"]


def test_words_go_to_stderr_and_the_summary_to_stdout(study, labels, tmp_path, capsys):
    assert run(study / "ct", "--labels", labels, "-o", tmp_path / "out") == 0
    said = capsys.readouterr()
    assert "measuring ..." in said.err
    assert said.out.splitlines()[1].startswith("ivc ")
    assert "measuring" not in said.out


def test_json_goes_to_stdout_and_is_the_document(study, labels, tmp_path, capsys):
    assert run(study / "ct", "--labels", labels, "-o", tmp_path / "out", "--json") == 0
    printed = capsys.readouterr().out
    assert json.loads(printed) == json.loads((tmp_path / "out/measurements.json").read_text())


def test_quiet_prints_no_progress_and_no_summary(study, labels, tmp_path, capsys):
    run(study / "ct", "--labels", labels, "-o", tmp_path / "out", "--quiet")
    said = capsys.readouterr()
    assert said.out == ""
    assert "..." not in said.err


def test_force_writes_over_old_results_and_keeps_other_files(study, labels, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("kept")
    (out / "segments.csv").write_text("old")
    assert run(study / "ct", "--labels", labels, "-o", out, "--quiet", "--force") == 0
    assert (out / "notes.txt").read_text() == "kept"
    assert rows(out / "segments.csv")[0]["vessel"] == "ivc"


def test_a_vein_that_cannot_be_measured_is_named_with_status_1(study, labels, tmp_path, capsys):
    image = sitk.ReadImage(str(labels))
    array = sitk.GetArrayFromImage(image)
    array[2:4, 2:4, 2:4] = 2
    both = sitk.GetImageFromArray(array)
    both.CopyInformation(image)
    sitk.WriteImage(both, str(tmp_path / "both.nrrd"))
    names = "1=ivc,2=left_iliac_vein"
    words = ["--labels", tmp_path / "both.nrrd", "--label-names", names]
    assert run(study / "ct", *words, "-o", tmp_path / "out", "--quiet") == 1
    said = capsys.readouterr().err
    said_so = "Left iliac vein (common and external): too few voxels to be measured"
    assert f"venoseg measure: {said_so}" in said
    first, second = rows(tmp_path / "out" / "segments.csv")
    assert first["vessel"] == "ivc"
    assert (second["vessel"], second["state"]) == ("left_iliac_vein", "not_assessable")
    assert (second["length_mm"], second["flags"]) == ("", "too_few_voxels")
    document = json.loads((tmp_path / "out" / "measurements.json").read_text())
    assert any("left_iliac_vein" in warning for warning in document["warnings"])


def test_a_gap_in_the_labels_is_bridged_and_not_measured(study, labels, tmp_path, capsys):
    image = sitk.ReadImage(str(labels))
    array = sitk.GetArrayFromImage(image)
    slices = np.flatnonzero(array.any(axis=(1, 2)))
    middle = int(slices.mean())
    array[middle - 3 : middle + 3] = 0
    cut = sitk.GetImageFromArray(array)
    cut.CopyInformation(image)
    sitk.WriteImage(cut, str(tmp_path / "cut.nrrd"))
    words = ["--labels", tmp_path / "cut.nrrd", "--label-names", "1=ivc", "--quiet"]
    assert run(study / "ct", *words, "-o", tmp_path / "out") == 0
    assert "Inferior vena cava: the labels miss the lumen along" in capsys.readouterr().err
    gap = [
        row
        for row in rows(tmp_path / "out" / "cross_sections.csv")
        if "unlabelled_lumen" in row["flags"]
    ]
    assert len(gap) > 5
    assert {row["state"] for row in gap} == {"not_assessable"}
    assert {row["lumen_area_mm2"] for row in gap} == {""}
    (vein,) = rows(tmp_path / "out" / "segments.csv")
    assert vein["occluded_length_mm"] == ""


def test_the_step_is_the_distance_of_the_stations(study, labels, tmp_path):
    assert run(study / "ct", "--labels", labels, "-o", tmp_path / "o", "--quiet", "--step=2") == 0
    positions = [float(row["position_mm"]) for row in rows(tmp_path / "o" / "cross_sections.csv")]
    assert np.diff(positions) == pytest.approx(2.0)


def test_dicom_and_nifti_of_the_same_ct_give_the_same_sections(results, study, labels, tmp_path):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(study / "ct")))
    sitk.WriteImage(reader.Execute(), str(tmp_path / "ct.nii.gz"))
    words = ["--labels", labels, "-o", tmp_path / "out", "--quiet"]
    assert run(tmp_path / "ct.nii.gz", *words) == 0
    one, other = rows(results / "cross_sections.csv"), rows(tmp_path / "out/cross_sections.csv")
    assert len(one) == len(other)
    for first, second in zip(one, other, strict=True):
        for name in ("x_mm", "y_mm", "z_mm", "minimum_diameter_mm"):
            if first[name]:
                assert float(first[name]) == pytest.approx(float(second[name]), abs=0.05)
    assert json.loads((tmp_path / "out/measurements.json").read_text())["source"]["kind"] == "NIfTI"


def test_voxels_without_a_value_next_to_the_vein_are_survived(study, labels, tmp_path):
    """A scanner that reads nothing outside of its field of view writes NaN there."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(study / "ct")))
    image = sitk.Cast(reader.Execute(), sitk.sitkFloat32)
    array = sitk.GetArrayFromImage(image)
    array[:, :4, :] = np.nan
    holed = sitk.GetImageFromArray(array)
    holed.CopyInformation(image)
    sitk.WriteImage(holed, str(tmp_path / "ct.nii.gz"))
    words = ["--labels", labels, "-o", tmp_path / "out", "--quiet"]
    assert run(tmp_path / "ct.nii.gz", *words) == 0
    assert "nan" not in (tmp_path / "out" / "cross_sections.csv").read_text().lower()
