from __future__ import annotations

import csv
import json
import os
import tomllib
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from venoseg.cli import main
from venoseg.errors import OutputError
from venoseg.phantom import Scanner, case, truth_of
from venoseg.phantom.catalogue import TWINS
from venoseg.phantom.ct import scan_slices
from venoseg.phantom.encode import TRANSFER_SYNTAXES
from venoseg.phantom.export import CtOptions, write_ct_twin
from venoseg.phantom.identity import uid
from venoseg.phantom.sample import SAMPLE_Y, write_sample_data

SAMPLES = Path(__file__).parents[2] / "sample_data"
COARSE = CtOptions(seed=2, spacing_mm=(4.0, 2.0, 2.0), scanner=Scanner(noise_hu=5))


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_sample_vein_is_made_again_bit_for_bit(tmp_path: Path) -> None:
    write_ct_twin(TWINS["iliocaval-y"], tmp_path / "y", SAMPLE_Y)
    assert differing(tmp_path / "y", SAMPLES / "iliocaval-y") == []


@pytest.mark.skipif(
    "VENOSEG_REMAKE_SAMPLES" not in os.environ,
    reason="takes minutes; set VENOSEG_REMAKE_SAMPLES=1",
)
@pytest.mark.timeout(3600)
def test_whole_sample_data_is_made_again_bit_for_bit(tmp_path: Path) -> None:
    for name in write_sample_data(tmp_path):
        assert differing(tmp_path / name, SAMPLES / name) == []


@pytest.mark.parametrize("key", ["baseline", "one_year"])
def test_some_slices_of_the_sample_case_are_made_again_bit_for_bit(
    key: str,
) -> None:
    scene, grid = case.case_scene(key), case.case_grid(key, case.Resolution())
    image, _, _ = scan_slices(scene, grid, case.case_scanner(key), 130, 133)
    part = grid.crop((slice(130, 133), slice(0, grid.shape[1]), slice(0, grid.shape[2])))
    for number, voxels in enumerate(image):
        kept = pydicom.dcmread(SAMPLES / "case" / key / "ct" / f"{131 + number:04d}.dcm")
        assert np.array_equal(kept.pixel_array.astype(int) - 1024, voxels)
        assert kept.ImagePositionPatient == pytest.approx(part.to_lps((number, 0, 0)), abs=1e-4)
        assert kept.StudyInstanceUID == case.case_visit(key).uid("study")
    tables = truth_of(scene)
    folder = SAMPLES / "case" / key / "truth"
    assert tables.cross_sections.to_csv() == (folder / "cross_sections.csv").read_text()
    assert tables.segments.to_csv() == (folder / "segments.csv").read_text()


def test_sample_case_is_one_patient_with_four_studies() -> None:
    first = [min((SAMPLES / "case" / key).rglob("*.dcm")) for key in case.DAYS]
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in first]
    assert len({header.PatientID for header in headers}) == 1
    assert len({header.StudyInstanceUID for header in headers}) == 4
    manifest = tomllib.loads((SAMPLES / "case" / "case.toml").read_text())
    assert [point["label"] for point in manifest["timepoints"]] == list(case.DAYS)
    assert [point["day"] for point in manifest["timepoints"]] == list(case.DAYS.values())


def differing(made: Path, kept: Path) -> list[str]:
    first, second = contents(made), contents(kept)
    names = sorted(first.keys() | second.keys())
    return [name for name in names if first.get(name) != second.get(name)]


def test_itk_reads_the_series_with_the_same_geometry_and_values(tmp_path: Path) -> None:
    made = write_ct_twin(TWINS["straight"], tmp_path / "twin", COARSE)
    files = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(tmp_path / "twin" / "ct"))
    image = sitk.ReadImage(files)
    origin, spacing, direction = made.image.grid.itk_geometry()
    assert np.array_equal(sitk.GetArrayFromImage(image), made.image.voxels)
    assert image.GetOrigin() == pytest.approx(origin, abs=1e-4)
    assert image.GetSpacing() == pytest.approx(spacing, abs=1e-4)
    assert image.GetDirection() == pytest.approx(direction)


def test_label_map_lies_on_the_ct(tmp_path: Path) -> None:
    made = write_ct_twin(TWINS["straight"], tmp_path / "twin", COARSE)
    image = sitk.ReadImage(str(tmp_path / "twin" / "truth" / "labels.seg.nrrd"))
    assert np.array_equal(sitk.GetArrayFromImage(image), made.segmentation.labels)
    assert image.GetOrigin() == pytest.approx(made.image.grid.itk_geometry()[0])
    assert image.GetMetaData("Segment0_ID") == "ivc"


@pytest.mark.parametrize("name", TRANSFER_SYNTAXES)
def test_every_transfer_syntax_keeps_the_values(tmp_path: Path, name: str) -> None:
    options = CtOptions(COARSE.seed, (20.0, 2.0, 2.0), margin_mm=70, transfer_syntax=name)
    made = write_ct_twin(TWINS["straight"], tmp_path / "twin", options)
    dataset = pydicom.dcmread(tmp_path / "twin" / "ct" / "0003.dcm")
    assert dataset.file_meta.TransferSyntaxUID == TRANSFER_SYNTAXES[name]
    assert np.array_equal(dataset.pixel_array.astype(int) - 1024, made.image.voxels[2])


def test_images_too_small_for_an_encoder_are_refused(tmp_path: Path) -> None:
    options = CtOptions(0, (20.0, 4.0, 4.0), margin_mm=5, transfer_syntax="jpeg-2000")
    with pytest.raises(OutputError, match="larger images"):
        write_ct_twin(TWINS["straight"], tmp_path / "twin", options)
    assert list(tmp_path.iterdir()) == []


def test_same_seed_same_bytes_other_seed_other_patient(tmp_path: Path) -> None:
    for folder, seed in (("a", 5), ("b", 5), ("c", 6)):
        write_ct_twin(TWINS["curved"], tmp_path / folder, CtOptions(seed, (4.0, 2.0, 2.0)))
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    first, other = (pydicom.dcmread(tmp_path / f / "ct" / "0001.dcm") for f in "ac")
    assert first.StudyInstanceUID != other.StudyInstanceUID
    assert first.PatientID != other.PatientID


def test_uids_are_valid_and_distinct() -> None:
    found = {uid("a", number) for number in range(200)}
    assert len(found) == 200
    assert all(pydicom.uid.UID(text).is_valid and len(text) <= 64 for text in found)


def test_command_writes_a_twin_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["phantom", "straight", "-o", str(tmp_path / "t"), "--spacing", "5,2,2", "--json"]
    assert main(words) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["images"] == len(list((tmp_path / "t" / "ct").iterdir()))
    with (tmp_path / "t" / "truth" / "cross_sections.csv").open() as file:
        assert {row["vessel"] for row in csv.DictReader(file)} == {"ivc"}


def test_list_names_every_twin(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["phantom", "list", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == set(TWINS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["banana", "-o", "x"], "no digital twin 'banana'"),
        (["straight"], "no output folder"),
        (["straight", "-o", "x", "--thickness", "0.1"], "leave gaps"),
        (["straight", "-o", "x", "--transfer-syntax", "gif"], "transfer syntax 'gif'"),
        (["straight", "-o", "x", "--variant", "banana"], "no variant 'banana'"),
        (["straight", "-o", "x", "--kernel", "B30f"], "no kernel 'B30f'"),
        (["venogram-tube", "-o", "x", "--kinds", "film"], "unknown kind of angiogram"),
    ],
)
def test_wrong_usage_is_one_line_and_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["phantom", *words, "--quiet"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert said in lines[0]
    assert list(tmp_path.iterdir()) == []


def test_existing_folder_is_refused_unless_forced_and_its_other_files_stay(tmp_path: Path) -> None:
    out = tmp_path / "twin"
    out.mkdir()
    (out / "mine.txt").write_text("keep")
    words = ["phantom", "straight", "-o", str(out), "--spacing", "5,2,2", "--quiet"]
    assert main(words) == 2
    assert (out / "mine.txt").exists()
    assert main([*words, "--force"]) == 0
    assert (out / "mine.txt").read_text() == "keep"
    assert (out / "ct").is_dir()
