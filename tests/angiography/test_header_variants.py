"""What ``venoseg angio`` says and gives for runs as other machines and archives write them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless
from skimage.draw import polygon2mask
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


def turned_over(made: Dataset) -> None:
    """Lower values mean more X-ray, and are shown bright."""
    made.PixelData = (4095 - made.pixel_array).astype("<u2").tobytes()
    made.PixelIntensityRelationshipSign, made.PhotometricInterpretation = -1, "MONOCHROME1"


def run_lengths(made: Dataset) -> None:
    made.compress(RLELossless)


def shuttered(made: Dataset) -> None:
    """A polygon that lets the middle through."""
    made.ShutterShape = "POLYGONAL"
    corners = [(20, 100), (20, 160), (128, 230), (240, 160), (240, 100), (128, 30)]
    made.VerticesOfThePolygonalShutter = [n for corner in corners for n in corner]
    hidden = ~polygon2mask((256, 256), np.array(corners) - 1)
    pixels = made.pixel_array.copy()
    pixels[:, hidden] = 0
    made.PixelData = pixels.astype("<u2").tobytes()


@pytest.mark.parametrize(
    ("change", "scene_is", "operation"),
    [
        (enhanced, {}, "AVG_SUB"),
        (biplane, {}, "AVG_SUB"),
        (logarithmic, {"relation": "LOG"}, "AVG_SUB"),
        (subtracted, {}, "subtracted"),
        (unmasked, {}, "own"),
        (turned_over, {}, "AVG_SUB"),
        (run_lengths, {}, "AVG_SUB"),
        (shuttered, {}, "AVG_SUB"),
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
    rows = table_of(out / "projection.csv")
    widths = [float(row["diameter_mm"]) for row in rows if row["diameter_mm"]]
    assert len(widths) > 0.97 * len(rows)
    assert np.median(widths) == pytest.approx(12.0, abs=0.1)
    document = json.loads((out / "angiogram.json").read_text())
    assert document["subtraction"]["operation"] == operation
    assert document["source"]["plane"] == ("A" if change is biplane else "single")


def without_spacing(made: Dataset) -> None:
    del made.PixelSpacing, made.PixelSpacingCalibrationType


def at_the_detector(made: Dataset) -> None:
    without_spacing(made)
    made.ImagerPixelSpacing = [0.3, 0.3]


def larger_than_at_the_detector(made: Dataset) -> None:
    made.ImagerPixelSpacing = [0.3, 0.3]


def impossible(made: Dataset) -> None:
    made.PixelSpacing = [5.0, 5.0]


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
        (larger_than_at_the_detector, "contradicts the detector's, which it is larger than"),
        (impossible, "no millimetres: the stated pixel spacing of 5 mm is impossible"),
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


def badly_shuttered(made: Dataset) -> None:
    made.ShutterShape, made.VerticesOfThePolygonalShutter = "POLYGONAL", [20, 100, 20]


def oddly_masked(made: Dataset) -> None:
    made.MaskSubtractionSequence[0].MaskOperation = "OTHER"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (badly_shuttered, "a shutter is stated without its place"),
        (oddly_masked, "a mask operation is stated that DICOM does not know"),
    ],
)
def test_what_the_header_says_in_vain_is_said(
    scene: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Dataset], None],
    words: str,
):
    status, out, said = measured(scene, tmp_path, capsys, change)
    assert status == 0
    (line,) = said
    assert words in line
    widths = [float(row["diameter_mm"]) for row in table_of(out / "projection.csv")]
    assert np.median(widths) == pytest.approx(12.0, abs=0.1)


def test_a_shutter_through_the_vein_is_not_called_saturation(
    scene: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    def halved(made: Dataset) -> None:
        made.ShutterShape = "RECTANGULAR"
        made.ShutterLeftVerticalEdge, made.ShutterRightVerticalEdge = 130, 250
        made.ShutterUpperHorizontalEdge, made.ShutterLowerHorizontalEdge = 10, 250
        pixels = made.pixel_array.copy()
        pixels[:, :, :129] = 0
        made.PixelData = pixels.astype("<u2").tobytes()

    status, out, said = measured(scene, tmp_path, capsys, halved)
    assert status == 1
    assert "saturated" not in " ".join(said)
    assert {row["state"] for row in table_of(out / "projection.csv")} == {"not_assessable"}


def test_a_blank_run_is_not_called_shuttered(
    scene: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    def blank(made: Dataset) -> None:
        made.PixelData = bytes(len(made.PixelData))

    status, _, said = measured(scene, tmp_path, capsys, blank)
    assert (status, len(said)) == (3, 1)
    assert "every pixel is black or white" in said[0]


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
