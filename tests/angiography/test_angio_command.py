"""``venoseg angio`` from a DICOM run to a folder, and every refusal in one line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, XRayAngiographicImageStorage, generate_uid

from venoseg.cli import main

SEEDS = {
    "points": [
        {"vessel": "ivc", "role": "central_end", "column": 128, "row": 20},
        {"vessel": "ivc", "role": "peripheral_end", "column": 128, "row": 235},
    ]
}


def dataset_of(scene: Any, **changes: Any) -> Dataset:
    stored = scene.stored()
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID = XRayAngiographicImageStorage
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    made.StudyInstanceUID, made.SeriesInstanceUID = generate_uid(), generate_uid()
    made.PatientName, made.PatientID, made.Modality = "Secret^Name", "SECRET-ID", "XA"
    made.Rows, made.Columns = scene.shape
    made.NumberOfFrames = len(stored)
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 12, 11, 0
    made.PixelIntensityRelationship = "LIN"
    made.FrameTime = "500"
    made.PixelSpacing, made.PixelSpacingCalibrationType = [0.5, 0.5], "FIDUCIAL"
    made.PixelData = stored.astype("<u2").tobytes()
    item = Dataset()
    item.MaskOperation, item.MaskFrameNumbers = "AVG_SUB", [1, 2]
    item.ApplicableFrameRange = [3, 10]
    made.MaskSubtractionSequence = [item]
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def table_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def written(folder: Path, made: Dataset) -> Path:
    path = folder / "run.dcm"
    made.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    path = tmp_path / "seeds.json"
    path.write_text(json.dumps(SEEDS))
    return path


def test_a_run_becomes_a_folder_of_results(
    scene: Any, tmp_path: Path, seeds: Path, capsys: pytest.CaptureFixture[str]
):
    run, out = written(tmp_path, dataset_of(scene)), tmp_path / "out"
    assert main(["angio", str(run), "-o", str(out), "--seeds", str(seeds), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    names = {path.name for path in out.iterdir()}
    assert names == {
        "projection.csv", "lesions.csv", "stents.csv", "flow.csv", "angiogram.json",
        "measurements.sr.dcm", "report.html",
    }  # fmt: skip
    assert json.loads((out / "angiogram.json").read_text()) == printed
    rows = table_of(out / "projection.csv")
    assert ",".join(rows[0]) == (
        "vessel,position_px,column_px,row_px,diameter_px,diameter_mm,diameter_low_mm,"
        "diameter_high_mm,length_kind,state,flags"
    )
    assert float(rows[len(rows) // 2]["diameter_mm"]) == pytest.approx(12.0, abs=0.1)
    assert {row["vessel"] for row in rows} == {"ivc"}
    lesions = (out / "lesions.csv").read_text()
    assert lesions.startswith(
        "vessel,position_px,minimum_diameter_mm,reference_kind,reference_diameter_mm,"
        "diameter_stenosis_percent,length_mm,occluded,flags"
    )
    flow = table_of(out / "flow.csv")
    assert {"main", "ivc:middle"} <= {row["region"] for row in flow}
    assert printed["calibration"]["kind"] == "fiducial"


def test_nothing_names_the_patient(scene: Any, tmp_path: Path, seeds: Path):
    run, out = written(tmp_path, dataset_of(scene)), tmp_path / "out"
    main(["angio", str(run), "-o", str(out), "--seeds", str(seeds), "--quiet"])
    for path in out.iterdir():
        assert b"secret" not in path.read_bytes().lower()


def test_the_structured_report_holds_outline_widths_and_calibration(
    scene: Any, tmp_path: Path, seeds: Path
):
    run, out = written(tmp_path, dataset_of(scene)), tmp_path / "out"
    main(["angio", str(run), "-o", str(out), "--seeds", str(seeds), "--quiet"])
    report = dcmread(out / "measurements.sr.dcm")
    assert report.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    items = list(_items(report))
    (outline,) = (item for item in items if item.ValueType == "SCOORD")
    corners = np.array(outline.GraphicData).reshape(-1, 2)
    assert outline.GraphicType == "POLYLINE"
    # The vein is 24 px wide around column 128, whose centre DICOM puts at 128.5.
    assert corners[:, 0].min() == pytest.approx(116.5, abs=0.4)
    assert corners[:, 0].max() == pytest.approx(140.5, abs=0.4)
    assert (corners[0] == corners[-1]).all()
    source = outline.ContentSequence[0].ReferencedSOPSequence[0]
    assert 3 <= source.ReferencedFrameNumber <= 10
    numbers = {
        item.ConceptNameCodeSequence[0].CodeMeaning: float(
            item.MeasuredValueSequence[0].NumericValue
        )
        for item in items
        if item.ValueType == "NUM"
    }
    assert numbers["Vessel lumen diameter"] == pytest.approx(12.0, abs=0.3)
    assert numbers["Calibration Factor"] == 0.5


def _items(node: Dataset) -> Iterator[Dataset]:
    for item in node.get("ContentSequence", []):
        yield item
        yield from _items(item)


def test_the_report_needs_no_network(scene: Any, tmp_path: Path, seeds: Path):
    run, out = written(tmp_path, dataset_of(scene)), tmp_path / "out"
    main(["angio", str(run), "-o", str(out), "--seeds", str(seeds), "--quiet"])
    page = (out / "report.html").read_text()
    assert "<img" in page
    assert 'src="http' not in page
    assert 'href="http' not in page


def test_the_same_run_gives_the_same_bytes(scene: Any, tmp_path: Path, seeds: Path):
    run = written(tmp_path, dataset_of(scene))
    for name in ("first", "second"):
        main(["angio", str(run), "-o", str(tmp_path / name), "--seeds", str(seeds), "--quiet"])
    # A DICOM object states when it was made.
    for path in sorted((tmp_path / "first").glob("*[!m]")):
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()


@pytest.mark.parametrize(
    ("changes", "arguments", "status", "words"),
    [
        ({}, ["--frames", "4-40"], 2, "frames 4 to 40 do not exist"),
        ({}, ["--calibration", "magic"], 2, "not understood"),
        ({}, ["--calibration", "catheter:6F@10,10,400,10"], 3, "outside the picture"),
        ({}, ["--calibration", "marker:10mm"], 3, "row of mark"),
        ({}, ["--stent-nominal", "16"], 3, "no stent is seen"),
        ({}, ["--seeds", "no.json"], 3, "seeds cannot be read"),
        ({"MaskSubtractionSequence": "far"}, [], 3, "mask frame"),
        ({"PhotometricInterpretation": "RGB"}, [], 3, "colour"),
    ],
)
def test_refusals_are_one_line_and_leave_nothing(
    scene: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, Any],
    arguments: list[str],
    status: int,
    words: str,
):
    made = dataset_of(scene)
    if changes.pop("MaskSubtractionSequence", None):
        made.MaskSubtractionSequence[0].MaskFrameNumbers = [40]
    if "PhotometricInterpretation" in changes:
        colour = np.zeros((10, *scene.shape, 3), np.uint8)
        changes |= {
            "SamplesPerPixel": 3, "PlanarConfiguration": 0, "BitsAllocated": 8,
            "BitsStored": 8, "HighBit": 7, "PixelData": colour.tobytes(),
        }  # fmt: skip
    for name, value in changes.items():
        setattr(made, name, value)
    run, out = written(tmp_path, made), tmp_path / "out"
    assert main(["angio", str(run), "-o", str(out), "--quiet", *arguments]) == status
    said = capsys.readouterr().err.strip()
    assert words in said
    assert "\n" not in said
    assert not out.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.12.2", "Modality": "RF"},
        {"FrameTime": None, "FrameTimeVector": [0, *[500] * 9]},
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"PixelIntensityRelationship": "DISP", "PixelSpacing": None},
    ],
)
def test_other_makers_headers_give_the_same_widths(
    scene: Any, tmp_path: Path, seeds: Path, changes: dict[str, Any]
):
    made = dataset_of(scene)
    for name, value in changes.items():
        if value is None:
            delattr(made, name)
        else:
            setattr(made, name, value)
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    run, out = written(tmp_path, made), tmp_path / "out"
    assert main(["angio", str(run), "-o", str(out), "--seeds", str(seeds), "--quiet"]) == 0
    rows = table_of(out / "projection.csv")
    widths = [float(row["diameter_px"]) for row in rows if row["diameter_px"]]
    assert np.median(widths) == pytest.approx(24.0, abs=1.0 if "PixelSpacing" in changes else 0.2)
    kinds = {row["length_kind"] for row in rows}
    assert kinds == {"pixel" if "PixelSpacing" in changes else "calibrated"}
    times = {float(row["time_s"]) for row in table_of(out / "flow.csv")}
    assert {1.0, 4.5} <= times


def test_contradictory_spacing_refuses_millimetres(
    scene: Any, tmp_path: Path, seeds: Path, capsys: pytest.CaptureFixture[str]
):
    made = dataset_of(scene)
    del made.PixelSpacing, made.PixelSpacingCalibrationType
    made.ImagerPixelSpacing = [0.3, 0.3]
    made.DistanceSourceToDetector, made.DistanceSourceToPatient = "1100", "750"
    made.EstimatedRadiographicMagnificationFactor = "1.9"
    run, out = written(tmp_path, made), tmp_path / "out"
    assert main(["angio", str(run), "-o", str(out), "--seeds", str(seeds), "--quiet"]) == 0
    assert "contradict" in capsys.readouterr().err
    rows = table_of(out / "projection.csv")
    assert {row["length_kind"] for row in rows} == {"pixel"}
    assert {row["diameter_mm"] for row in rows} == {""}


def test_a_mask_frame_that_does_not_exist_is_said_though_others_do(
    scene: Any, tmp_path: Path, seeds: Path, capsys: pytest.CaptureFixture[str]
):
    made = dataset_of(scene)
    made.MaskSubtractionSequence[0].MaskFrameNumbers = [2, 40]
    run, out = written(tmp_path, made), tmp_path / "out"
    assert main(["angio", str(run), "-o", str(out), "--seeds", str(seeds), "--quiet"]) == 0
    assert "mask frame 40 does not exist in a run of 10 frames" in capsys.readouterr().err
    document = json.loads((out / "angiogram.json").read_text())
    assert document["subtraction"]["mask_frames"] == [2]


def test_burned_in_text_is_a_warning(
    scene: Any, tmp_path: Path, seeds: Path, capsys: pytest.CaptureFixture[str]
):
    run = written(tmp_path, dataset_of(scene, BurnedInAnnotation="YES"))
    out = tmp_path / "out"
    assert main(["angio", str(run), "-o", str(out), "--seeds", str(seeds), "--quiet"]) == 0
    assert "burned" in capsys.readouterr().err


@pytest.mark.shared
def test_a_real_run_without_calibration_gives_pixels_only(shared_data: Path, tmp_path: Path):
    seeds = tmp_path / "seeds.json"
    points = [("central_end", 168, 150), ("peripheral_end", 220, 370)]
    seeds.write_text(
        json.dumps({"points": [{"role": r, "column": x, "row": y} for r, x, y in points]})
    )
    out = tmp_path / "out"
    run = shared_data / "xa_coronary_96f"
    arguments = ["--seeds", str(seeds), "--frames", "46-46", "--quiet"]
    assert main(["angio", str(run), "-o", str(out), *arguments]) == 0
    rows = table_of(out / "projection.csv")
    widths = [float(row["diameter_px"]) for row in rows if row["diameter_px"]]
    assert 9 < np.median(widths) < 15
    assert {row["diameter_mm"] for row in rows} == {""}
    document = json.loads((out / "angiogram.json").read_text())
    assert any("no pixel spacing" in warning for warning in document["warnings"])
