"""What `venoseg measure` says, and leaves behind, when it cannot measure."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from venoseg import pipeline
from venoseg.cli import main
from venoseg.errors import InputError

Edit = Callable[[np.ndarray], None]
Refused = Callable[..., str]


@pytest.fixture
def refused(tmp_path, capsys) -> Refused:
    """Run `venoseg measure` and check that it fails with one line and nothing left behind."""

    def run(*words: str | Path, status: int = 3, out: Path | None = None) -> str:
        target = out or tmp_path / "out"
        before = sorted(tmp_path.rglob("*"))
        argv = ["measure", *map(str, words), "-o", str(target), "--quiet"]
        assert main(argv) == status
        said = capsys.readouterr()
        assert said.out == ""
        lines = said.err.splitlines()
        assert len(lines) == 1, said.err
        assert lines[0].startswith("venoseg measure: ")
        assert "Traceback" not in said.err
        assert sorted(tmp_path.rglob("*")) == before
        return lines[0]

    return run


def edited(source: Path, target: Path, edit: Edit) -> Path:
    """Write a copy of an image with other voxels."""
    image = sitk.ReadImage(str(source))
    array = sitk.GetArrayFromImage(image)
    edit(array)
    changed = sitk.GetImageFromArray(array)
    changed.CopyInformation(image)
    for key in image.GetMetaDataKeys():
        if key.startswith("Segment"):
            changed.SetMetaData(key, image.GetMetaData(key))
    sitk.WriteImage(changed, str(target))
    return target


@pytest.fixture
def labels(study) -> Path:
    return study / "truth" / "labels.seg.nrrd"


@pytest.fixture(scope="session")
def nifti(study, tmp_path_factory) -> Path:
    """The CT of the study as one NIfTI file of floats."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(study / "ct")))
    path = tmp_path_factory.mktemp("nifti") / "ct.nii.gz"
    sitk.WriteImage(sitk.Cast(reader.Execute(), sitk.sitkFloat32), str(path))
    return path


def test_a_path_that_does_not_exist(refused, labels, tmp_path):
    line = refused(tmp_path / "nowhere", "--labels", labels)
    assert "no such" in line
    assert "nowhere" in line


def test_an_empty_folder(refused, labels, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "empty" in refused(tmp_path / "empty", "--labels", labels)


def test_a_folder_without_a_ct(refused, labels, tmp_path):
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "letter.txt").write_text("Dear colleague")
    assert "DICOM" in refused(tmp_path / "papers", "--labels", labels)


def test_a_study_whose_only_image_is_no_ct(refused, study, labels, tmp_path):
    import pydicom

    (tmp_path / "mr").mkdir()
    for path in sorted((study / "ct").iterdir()):
        dataset = pydicom.dcmread(path)
        dataset.Modality = "MR"
        dataset.SOPClassUID = pydicom.uid.MRImageStorage
        dataset.file_meta.MediaStorageSOPClassUID = pydicom.uid.MRImageStorage
        dataset.save_as(tmp_path / "mr" / path.name)
    assert "CT" in refused(tmp_path / "mr", "--labels", labels)


def test_a_series_that_is_not_there(refused, study, labels):
    assert "1.2.3" in refused(study / "ct", "--labels", labels, "--series", "1.2.3")


def test_no_labels_and_nothing_to_start_from(refused, study):
    said = refused(study / "ct")
    assert "no lumbar spine was found" in said
    assert "seed points" in said


def test_labels_that_do_not_exist(refused, study, tmp_path):
    assert "absent.nrrd" in refused(study / "ct", "--labels", tmp_path / "absent.nrrd")


def test_labels_that_are_no_image(refused, study, tmp_path):
    (tmp_path / "veins.nii.gz").write_bytes(b"not an image")
    assert "veins.nii.gz" in refused(study / "ct", "--labels", tmp_path / "veins.nii.gz")


def test_labels_that_do_not_overlap_the_image(refused, study, labels, tmp_path):
    image = sitk.ReadImage(str(labels))
    image.SetOrigin((5000.0, 5000.0, 5000.0))
    sitk.WriteImage(image, str(tmp_path / "far.seg.nrrd"))
    line = refused(study / "ct", "--labels", tmp_path / "far.seg.nrrd")
    assert "overlap" in line


def test_labels_without_a_vein(refused, study, labels, tmp_path):
    none = edited(labels, tmp_path / "none.seg.nrrd", lambda a: a.fill(0))
    line = refused(study / "ct", "--labels", none)
    assert "vein" in line


def test_labels_that_do_not_say_which_vein_they_are(refused, study, labels, tmp_path):
    bare = sitk.ReadImage(str(labels))
    for key in bare.GetMetaDataKeys():
        bare.EraseMetaData(key)
    sitk.WriteImage(bare, str(tmp_path / "bare.nrrd"))
    assert "--label-names" in refused(study / "ct", "--labels", tmp_path / "bare.nrrd")


@pytest.mark.parametrize("names", ["1=aorta", "1", "ivc=1", "1=ivc,1=left_iliac_vein", ""])
def test_label_names_that_make_no_sense(refused, study, labels, names):
    refused(study / "ct", "--labels", labels, "--label-names", names, status=2)


def test_a_mask_of_three_voxels(refused, study, labels, tmp_path):
    def keep_three(array: np.ndarray) -> None:
        inside = np.argwhere(array)
        array[tuple(inside[3:].T)] = 0

    tiny = edited(labels, tmp_path / "tiny.seg.nrrd", keep_three)
    assert "3 voxels" in refused(study / "ct", "--labels", tiny)


def test_seeds_that_cannot_be_meant(refused, study, labels, tmp_path):
    seeds = tmp_path / "seeds.json"
    point = {"vessel": "ivc", "role": "central_end", "lps_mm": [0, 0, 5000]}
    seeds.write_text(json.dumps({"points": [point]}))
    line = refused(study / "ct", "--labels", labels, "--seeds", seeds)
    assert "seed 1 (ivc central_end): lies outside the image" in line
    assert "no such seed file" in refused(
        study / "ct", "--labels", labels, "--seeds", tmp_path / "none.json"
    )


def test_an_image_without_a_single_value(refused, nifti, labels, tmp_path):
    blank = edited(nifti, tmp_path / "nan.nii.gz", lambda a: a.fill(np.nan))
    refused(blank, "--labels", labels)


def test_an_image_without_values_where_the_veins_are(refused, nifti, labels, tmp_path):
    inside = sitk.GetArrayFromImage(sitk.ReadImage(str(labels))) > 0
    rows = inside.any(axis=(0, 1))

    def erase(array: np.ndarray) -> None:
        array[:, :, rows] = np.nan

    hollow = edited(nifti, tmp_path / "hollow.nii.gz", erase)
    assert "no values where the veins are" in refused(hollow, "--labels", labels)


def test_a_constant_image(refused, nifti, labels, tmp_path):
    flat = edited(nifti, tmp_path / "flat.nii.gz", lambda a: a.fill(40))
    assert "same value everywhere" in refused(flat, "--labels", labels)


def test_an_existing_output_folder_without_force(refused, study, labels, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "kept.txt").write_text("kept")
    line = refused(study / "ct", "--labels", labels, out=out, status=2)
    assert "--force" in line


def test_an_output_folder_below_a_file(refused, study, labels, tmp_path):
    (tmp_path / "file").write_text("a file")
    line = refused(study / "ct", "--labels", labels, out=tmp_path / "file" / "out")
    assert "cannot be written" in line


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_output_folder(refused, study, labels, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    assert "cannot be written" in refused(study / "ct", "--labels", labels, out=closed / "out")


def test_a_file_system_that_is_read_only(refused, study, labels):
    """Even root cannot make a folder in the kernel's own file system."""
    line = refused(study / "ct", "--labels", labels, out=Path("/proc/venoseg/out"))
    assert "cannot be written" in line


def test_a_disk_that_fills_up_half_way_leaves_nothing(refused, study, labels, monkeypatch):
    def fill_up(_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pipeline, "to_json", fill_up)
    assert "No space left" in refused(study / "ct", "--labels", labels)


def test_a_defect_of_the_program_is_one_line_too_and_leaves_nothing(
    refused, study, labels, monkeypatch
):
    def stumble(_: object) -> str:
        raise ZeroDivisionError("Jane Doe 1970-01-01")

    monkeypatch.setattr(pipeline, "to_json", stumble)
    line = refused(study / "ct", "--labels", labels)
    assert "ZeroDivisionError" in line
    assert "--debug" in line
    assert "Jane" not in line


def test_a_damaged_image_file(refused, study, labels, tmp_path):
    damaged = tmp_path / "ct"
    shutil.copytree(study / "ct", damaged)
    victim = sorted(damaged.iterdir())[5]
    victim.write_bytes(victim.read_bytes()[:900])
    refused(damaged, "--labels", labels)


@pytest.mark.parametrize(
    "words",
    [
        ["measure", "ct"],
        ["measure", "ct", "-o", "out", "--bounadry", "mask"],
        ["measure", "ct", "-o", "out", "--boundary", "guess"],
        ["measure", "ct", "-o", "out", "--step", "wide"],
        ["measure", "-o", "out"],
        ["mesure", "ct", "-o", "out"],
    ],
)
def test_wrong_words_are_explained_with_status_2(words, capsys):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "usage: venoseg" in capsys.readouterr().err


@pytest.mark.parametrize("step", ["0", "-1", "50", "nan"])
def test_a_step_that_makes_no_sense(refused, study, labels, step):
    assert "step" in refused(study / "ct", "--labels", labels, f"--step={step}", status=2)


def test_a_process_of_its_own_ends_with_one_line_and_the_status(tmp_path):
    script = "import sys; from venoseg.cli import main; sys.exit(main())"
    words = ["measure", str(tmp_path / "nowhere"), "-o", str(tmp_path / "out"), "--labels", "x"]
    command = [sys.executable, "-c", script, *words, "--quiet"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 3
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_whoever_asks_for_the_traceback_gets_it(tmp_path):
    words = ["measure", str(tmp_path / "nowhere"), "-o", str(tmp_path / "out"), "--labels", "x"]
    with pytest.raises(InputError, match="no such"):
        main([*words, "--quiet", "--debug"])
