from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from venoseg.cli import main
from venoseg.errors import OutputError
from venoseg.phantom import Scanner
from venoseg.phantom.catalogue import TWINS
from venoseg.phantom.encode import TRANSFER_SYNTAXES
from venoseg.phantom.export import CtOptions, write_ct_twin
from venoseg.phantom.identity import uid
from venoseg.phantom.sample import write_sample_data

SAMPLES = Path(__file__).parents[2] / "sample_data"
COARSE = CtOptions(seed=2, spacing_mm=(4.0, 2.0, 2.0), scanner=Scanner(noise_hu=5))


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_sample_data_is_made_again_bit_for_bit(tmp_path: Path) -> None:
    for name in write_sample_data(tmp_path):
        made, kept = contents(tmp_path / name), contents(SAMPLES / name)
        assert sorted(made) == sorted(kept)
        assert [file for file in made if made[file] != kept[file]] == []


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
    assert image.GetMetaData("Segment0_Name") == "ivc"


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
