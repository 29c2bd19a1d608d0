"""What ``venoseg measure`` writes for other programs."""

from __future__ import annotations

import shutil

import highdicom
import numpy as np
import pydicom
import pytest

from venoseg import read_labels, read_study
from venoseg.cli.main import main


def measure(study, out, *more):
    words = ["measure", study / "ct", "--labels", study / "truth" / "labels.seg.nrrd", "-o", out]
    return main([*map(str, words), "--quiet", *more])


@pytest.fixture
def named_study(study, tmp_path):
    """The study as it would come from a hospital."""
    shutil.copytree(study, tmp_path / "named")
    for path in (tmp_path / "named" / "ct").iterdir():
        header = pydicom.dcmread(path)
        header.PatientName, header.PatientID = "Ypsilantis^Wilhelmina", "MRN-47110815"
        header.PatientBirthDate, header.AccessionNumber = "19500101", "ACCESSION-0815"
        header.save_as(path)
    return tmp_path / "named"


def test_both_segmentations_hold_the_labels_that_were_measured(study, tmp_path):
    assert measure(study, tmp_path / "out") == 0
    ct = read_study(study / "ct").ct()
    given = read_labels(study / "truth" / "labels.seg.nrrd", ct)
    for name in ("segmentation.seg.nrrd", "segmentation.seg.dcm"):
        found = read_labels(tmp_path / "out" / name, ct)
        np.testing.assert_array_equal(found.labels, given.labels)
        assert found.flags == ()


def test_the_structured_report_tells_the_figures_of_the_table(study, tmp_path):
    assert measure(study, tmp_path / "out") == 0
    out = tmp_path / "out"
    heads, row = ((out / "segments.csv").read_text().splitlines()[line] for line in (0, 1))
    segments = dict(zip(heads.split(","), row.split(","), strict=True))
    content = highdicom.sr.srread(out / "measurements.sr.dcm").content
    (group,) = content.get_volumetric_roi_measurement_groups()
    told = {
        (m.name.meaning, m.derivation and m.derivation.meaning): m for m in group.get_measurements()
    }
    for name, derivation, column in (
        ("Length of Segment", None, "length_mm"),
        ("Vessel lumen cross-sectional area", "Minimum", "minimum_area_mm2"),
        ("Vessel lumen cross-sectional area", "Mean", "mean_area_mm2"),
        ("Vessel lumen cross-sectional area", "Maximum", "maximum_area_mm2"),
        ("Vessel lumen diameter", "Minimum", "minimum_diameter_mm"),
        ("Lumen area of the reference", None, "reference_area_mm2"),
        ("Lumen Area Stenosis", None, "area_stenosis_percent"),
        ("Lumen Diameter Stenosis", None, "diameter_stenosis_percent"),
    ):
        assert told[name, derivation].value == float(segments[column]), name
    assert told["Lumen Area Stenosis", None].method.meaning == "Area Based Method"
    assert ("Stent Length", None) not in told
    (kind,) = (e for e in group.get_qualitative_evaluations() if "reference" in e.name.meaning)
    assert kind.value.value == segments["reference_kind"]
    seg = pydicom.dcmread(out / "segmentation.seg.dcm")
    assert group.referenced_segment.referenced_sop_instance_uid == seg.SOPInstanceUID


def test_no_result_names_the_patient_unless_asked_to(named_study, tmp_path):
    secrets = (b"Ypsilantis", b"Wilhelmina", b"MRN-47110815", b"19500101", b"ACCESSION-0815")
    assert measure(named_study, tmp_path / "out") == 0
    for path in (tmp_path / "out").iterdir():
        content = path.read_bytes()
        assert [secret for secret in secrets if secret in content] == [], path.name
    assert measure(named_study, tmp_path / "asked", "--identified") == 0
    seg = pydicom.dcmread(tmp_path / "asked" / "segmentation.seg.dcm")
    assert seg.PatientName == "Ypsilantis^Wilhelmina"


def test_images_that_dicom_results_cannot_refer_to_do_not_cost_the_measurement(
    named_study, tmp_path, capsys
):
    for path in (named_study / "ct").iterdir():
        header = pydicom.dcmread(path)
        del header.StudyInstanceUID
        header.save_as(path)
    assert measure(named_study, tmp_path / "out") == 0
    told = capsys.readouterr().err
    assert "no DICOM SEG and SR were written: an image has no StudyInstanceUID" in told
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert "segments.csv" in made
    assert "segmentation.seg.nrrd" in made
    assert "segmentation.seg.dcm" not in made
