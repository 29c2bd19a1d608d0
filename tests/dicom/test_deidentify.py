"""A de-identified copy: nothing of the patient, everything that measurement needs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from venoseg.cli import main
from venoseg.dicom import read_study
from venoseg.dicom.cleaning import clean_copy
from venoseg.dicom.deidentify import deidentify
from venoseg.dicom.pseudonyms import read_key
from venoseg.errors import InputError, UsageError
from venoseg.phantom.catalogue import TWINS
from venoseg.phantom.export import CtOptions, write_ct_twin

KEY = b"0123456789abcdef"


@pytest.fixture(scope="module")
def exported(marked, tmp_path_factory) -> Path:
    """Two marked visits of one patient, a year apart, and a secondary capture."""
    root = tmp_path_factory.mktemp("marked")
    made = root / "made"
    write_ct_twin(TWINS["straight"], made, CtOptions(seed=1, spacing_mm=(8.0, 3.0, 3.0), seg=False))
    with pydicom.config.disable_value_validation():
        for visit, date in (("a", "20230110"), ("b", "20240115")):
            folder = root / "export" / visit
            folder.mkdir(parents=True)
            for file in sorted((made / "ct").iterdir())[:4]:
                dataset = marked(pydicom.dcmread(file))
                dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = date
                dataset.SeriesDescription = "Zzyzxqvb Abdomen venous 1.0 mm"
                dataset.ConvolutionKernel = "Br40d"
                if visit == "b":
                    for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
                        dataset[name].value += ".2"
                    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
                dataset.preamble = b"Zzyzxqvb".ljust(128, b"\0")
                pydicom.dcmwrite(folder / f"Zzyzxqvb-{file.name}", dataset)
        dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
        pydicom.dcmwrite(root / "export" / "capture.dcm", dataset)
    return root / "export"


@pytest.fixture(scope="module")
def copied(exported, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("copied") / "out"
    found = deidentify(exported, out, KEY)
    assert list(found.left_out.values()) == [1]
    assert found.images == sum(1 for _ in out.rglob("*.dcm"))
    return out


def test_nothing_of_the_patient_is_left(copied, traces):
    assert traces(copied) == []


def test_every_attribute_that_can_name_somebody_was_marked(exported):
    dataset = pydicom.dcmread(next((exported / "a").iterdir()))
    # Of those that PS3.15 table E.1-1 takes away.
    for keyword in (
        "PatientName",
        "OtherPatientNames",
        "PatientMotherBirthName",
        "PatientAddress",
        "IssuerOfPatientID",
        "OperatorsName",
        "ReferringPhysicianName",
        "InstitutionalDepartmentName",
        "StationName",
        "DeviceSerialNumber",
        "ProtocolName",
        "ImageComments",
        "PerformedStationAETitle",
        "ScheduledProcedureStepDescription",
        "ReasonForStudy",
        "AdmissionID",
        "TextString",
        "ClinicalTrialSubjectID",
        "ContributionDescription",
        "UnformattedTextValue",
        "DataSetTrailingPadding",
        "IconImageSequence",
        "OriginalAttributesSequence",
        "ContentSequence",
        "DigitalSignaturesSequence",
    ):
        assert keyword in dataset, keyword
    assert len(dataset) > 1000


def test_no_uid_of_the_original_is_left(copied, exported):
    old = {
        element.value
        for path in exported.rglob("*.dcm")
        for element in pydicom.dcmread(path, stop_before_pixels=True).iterall()
        if element.VR == "UI" and not str(element.value).startswith("1.2.840.10008.")
    }
    for path in copied.rglob("*.dcm"):
        content = path.read_bytes()
        assert not any(uid.encode() in content for uid in old)


def test_the_volume_and_what_decides_about_it_stay_the_same(copied, exported):
    (patient,) = copied.iterdir()
    before = read_study(exported / "a").ct_series()
    found = [read_study(study) for study in sorted(patient.iterdir())]
    for after in (study.ct_series() for study in found):
        assert after.phase == before.phase == "venous"
        assert after.kernel == before.kernel == "Br40d"
        assert after.thickness_mm == before.thickness_mm
        volume, original = after.read(), before.read()
        assert np.array_equal(volume.voxels, original.voxels)
        assert np.array_equal(volume.grid.affine, original.grid.affine)


def test_dates_move_and_intervals_stay(copied):
    dates = {pydicom.dcmread(path).StudyDate for path in copied.rglob("*.dcm")}
    first, second = sorted(np.datetime64(f"{d[:4]}-{d[4:6]}-{d[6:]}") for d in dates)
    assert second - first == np.timedelta64(370, "D")
    assert first < np.datetime64("2023-01-10")


def test_the_copy_says_what_was_done(copied):
    dataset = pydicom.dcmread(next(copied.rglob("*.dcm")))
    codes = [item.CodeValue for item in dataset.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113105", "113107"]
    assert dataset.PatientIdentityRemoved == "YES"
    assert dataset.LongitudinalTemporalInformationModified == "MODIFIED"
    assert dataset.PatientName == dataset.PatientID
    assert dataset.SeriesDescription == "Abdomen venous 1.0 mm"
    assert not any(element.tag.is_private for element in dataset.iterall())


def test_one_key_gives_one_pseudonym_and_another_key_another(exported):
    original = pydicom.dcmread(next((exported / "a").iterdir()))
    first, again, other = (clean_copy(original, key) for key in (KEY, KEY, b"another key 0000"))
    assert first == again
    assert first.PatientID != other.PatientID
    assert first.StudyInstanceUID != other.StudyInstanceUID


def test_images_that_may_show_text_do_not_call_themselves_clean(exported, tmp_path, capsys):
    run = pydicom.dcmread(next((exported / "a").iterdir()))
    run.Modality = "XA"
    if "BurnedInAnnotation" in run:
        del run.BurnedInAnnotation
    source = tmp_path / "runs"
    source.mkdir()
    with pydicom.config.disable_value_validation():
        run.save_as(source / "silent.dcm")
        run.BurnedInAnnotation = "YES"
        run.save_as(source / "burned.dcm")
    assert main(["deidentify", str(source), "-o", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().err
    assert "1 images may show text" in said
    assert "1 left out: the header says that text is burned" in said
    (kept,) = (tmp_path / "out").rglob("*.dcm")
    assert pydicom.dcmread(kept).PatientIdentityRemoved == "NO"
    words = ["deidentify", str(source), "-o", str(tmp_path / "looked"), "--pixels-clean"]
    assert main(words) == 0
    flags = {
        pydicom.dcmread(p).PatientIdentityRemoved for p in (tmp_path / "looked").rglob("*.dcm")
    }
    assert flags == {"YES"}


def test_a_key_is_made_once_and_kept_private(tmp_path):
    made = read_key(tmp_path / "key")
    assert read_key(tmp_path / "key") == made
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0
    (tmp_path / "short").write_bytes(b"secret")
    with pytest.raises(UsageError, match="fewer than"):
        read_key(tmp_path / "short")


def test_the_key_must_not_lie_in_the_copy(exported, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["deidentify", str(exported), "-o", str(out), "--key", str(out / "key")]) == 2
    assert "must not lie in the copy" in capsys.readouterr().err
    assert not out.exists()


def test_values_that_are_not_what_they_should_be_are_left_out(exported):
    with pydicom.config.disable_value_validation():
        original = pydicom.dcmread(next((exported / "a").iterdir()))
        original.StudyDate = "20230110Zzyzxqvb"
        original.AcquisitionTime = "Zzyzxqvb"
        original.ScanOptions = "ZZYZX QUUX"
        original.FilterType = "quux"
        original.BodyPartExamined = "ZZYZX"
        item = Dataset()
        item.CodeMeaning = "zzyzx quux"
        original.AnatomicRegionSequence = [item]
        clean = clean_copy(original, KEY)
    assert "Zzyzxqvb".lower() not in str(clean).lower()


def test_a_folder_without_images_is_said_in_words(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("no image")
    with pytest.raises(InputError, match="no CT"):
        deidentify(tmp_path / "in", tmp_path / "out", KEY)
    assert not (tmp_path / "out").exists()
