"""What ``venoseg angio`` says and gives for runs as other machines and archives write them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from tests.angiography.test_angio_command import SEEDS, dataset_of, table_of, written

from venoseg.cli import main

ENHANCED_XA = "1.2.840.10008.5.1.4.1.1.12.1.1"


def enhanced(made: Dataset) -> None:
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = ENHANCED_XA
    for name in ("PixelSpacing", "PixelSpacingCalibrationType", "PixelIntensityRelationship"):
        delattr(made, name)
    made.ImageType = ["ORIGINAL", "PRIMARY"]
    pixels, geometry, size, shared = Dataset(), Dataset(), Dataset(), Dataset()
    pixels.PixelIntensityRelationship, pixels.PixelIntensityRelationshipSign = "LIN", 1
    pixels.ImagerPixelSpacing = [0.7, 0.7]
    geometry.DistanceSourceToDetector, geometry.DistanceSourceToIsocenter = "1100", 750.0
    size.ObjectPixelSpacingInCenterOfBeam = [0.5, 0.5]
    shared.FramePixelDataPropertiesSequence = [pixels]
    shared.XRayGeometrySequence, shared.ProjectionPixelCalibrationSequence = [geometry], [size]
    made.SharedFunctionalGroupsSequence = [shared]


def biplane(made: Dataset) -> None:
    made.ImageType = ["ORIGINAL", "PRIMARY", "BIPLANE A"]
    made.PositionerPrimaryAngle, made.PositionerSecondaryAngle = "10", "0"


def logarithmic(made: Dataset) -> None:
    made.PixelIntensityRelationship = "LOG"


def subtracted(made: Dataset) -> None:
    values = np.log(made.pixel_array.astype(float))
    change = 2048 + 1500 * (values - values[:2].mean(axis=0))
    made.PixelData = np.clip(change, 0, 4095).astype("<u2").tobytes()
    made.PixelIntensityRelationship = "LOG"
    made.AcquisitionDeviceProcessingDescription = "SUBTRACTED"


def unmasked(made: Dataset) -> None:
    del made.MaskSubtractionSequence


@pytest.mark.parametrize(
    ("change", "scene_is", "operation"),
    [
        (enhanced, {}, "AVG_SUB"),
        (biplane, {}, "AVG_SUB"),
        (logarithmic, {"relation": "LOG"}, "AVG_SUB"),
        (subtracted, {}, "subtracted"),
        (unmasked, {}, "own"),
    ],
)
def test_these_are_measured_in_millimetres(
    scene: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Dataset], None],
    scene_is: dict[str, Any],
    operation: str,
):
    status, out, said = measured(scene.but(**scene_is), tmp_path, capsys, change)
    assert (status, said) == (0, [])
    widths = [float(row["diameter_mm"]) for row in table_of(out / "projection.csv") if row["state"]]
    assert np.median(widths) == pytest.approx(12.0, abs=0.1)
    document = json.loads((out / "angiogram.json").read_text())
    assert document["subtraction"]["operation"] == operation
    assert document["source"]["plane"] == ("A" if change is biplane else "single")


def without_spacing(made: Dataset) -> None:
    del made.PixelSpacing, made.PixelSpacingCalibrationType


def at_the_detector(made: Dataset) -> None:
    without_spacing(made)
    made.ImagerPixelSpacing = [0.3, 0.3]


def contradictory(made: Dataset) -> None:
    at_the_detector(made)
    made.DistanceSourceToDetector, made.DistanceSourceToPatient = "1100", "750"
    made.EstimatedRadiographicMagnificationFactor = "1.9"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without_spacing, "the header states no pixel spacing"),
        (at_the_detector, "the patient is magnified by an unknown factor"),
        (contradictory, "contradicts the distances from the source"),
    ],
)
def test_without_a_length_there_are_pixels_and_one_reason(
    scene: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Dataset], None],
    words: str,
):
    status, out, said = measured(scene, tmp_path, capsys, change)
    assert status == 0
    (reason,) = said
    assert words in reason
    assert {row["diameter_mm"] for row in table_of(out / "projection.csv")} == {""}


def test_a_catheter_that_the_header_names_and_nobody_sees_is_said(
    scene: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    def named(made: Dataset) -> None:
        without_spacing(made)
        device = Dataset()
        device.CodeMeaning, device.InterMarkerDistance = "Angiographic catheter", "10"
        device.DeviceDiameter, device.DeviceDiameterUnits = "6", "FR"
        made.DeviceSequence = [device]

    status, out, said = measured(scene, tmp_path, capsys, named)
    assert status == 0
    assert ["marker bands" in said[0], "catheter" in said[1], "no millimetres" in said[2]] == [
        True,
        True,
        True,
    ]
    assert {row["diameter_mm"] for row in table_of(out / "projection.csv")} == {""}


def test_one_frame_over_bones_gives_no_stenosis_that_is_not_called_unsure(
    scene: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    single = scene.but(frames=1, masks=0, filled=(1.0,))
    status, out, said = measured(single, tmp_path, capsys, unmasked)
    assert status == 0
    assert any("one frame" in words for words in said)
    for row in table_of(out / "lesions.csv"):
        assert "profile_unlike_a_single_vein" in row["flags"]


def test_saturated_pixels_give_no_width(
    scene: Any, vein: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    from dataclasses import replace

    full = scene.but(veins=(replace(vein, opacity=9.0),))
    status, out, said = measured(full, tmp_path, capsys, lambda _: None)
    assert status == 1
    assert "saturated" in " ".join(said)
    assert {row["diameter_px"] for row in table_of(out / "projection.csv")} == {""}


def measured(
    scene: Any,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Dataset], None],
) -> tuple[int, Path, list[str]]:
    """Write a changed run, measure it, return the status, the results and the lines said."""
    made = dataset_of(scene)
    change(made)
    seeds = folder / "seeds.json"
    seeds.write_text(json.dumps(SEEDS))
    run, out = written(folder, made), folder / "out"
    status = main(["angio", str(run), "-o", str(out), "--seeds", str(seeds), "--quiet"])
    said = capsys.readouterr().err.strip()
    return status, out, said.splitlines()
