"""Angiographic runs: frames, times, angles, masks, shutters, planes, and what a pixel measures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

from venoseg.cli import main
from venoseg.dicom import biplane_pairs, read_study
from venoseg.dicom.calibration import StatedSpacing, calibrations_of
from venoseg.errors import SeriesError

XA = "1.2.840.10008.5.1.4.1.1.12.1"
ENHANCED_XA = "1.2.840.10008.5.1.4.1.1.12.1.1"


def item(**elements) -> Dataset:
    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.fixture
def xa(ct):
    """A function that writes a run whose frame n is filled with the value 10 + n."""
    study = generate_uid()

    def write(frames: int = 5, **elements) -> str:
        dataset = Dataset()
        dataset.SOPClassUID, dataset.SOPInstanceUID = XA, generate_uid()
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, generate_uid()
        dataset.Modality, dataset.SeriesNumber, dataset.InstanceNumber = "XA", 2, 1
        dataset.PatientName = "Doe^Jane"
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "SINGLE PLANE"]
        dataset.Rows, dataset.Columns, dataset.NumberOfFrames = 6, 8, frames
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
        dataset.PixelRepresentation = 0
        values = 10 + np.arange(frames, dtype="<u2")
        dataset.PixelData = np.repeat(values, 48).tobytes()
        dataset["PixelData"].VR = "OW"
        for keyword, value in elements.items():
            setattr(dataset, keyword, value)
        ct.save(dataset, "1.2.840.10008.1.2.1")
        return dataset.SOPInstanceUID

    write.folder = ct.folder
    return write


def only(folder: Path):
    (run,) = read_study(folder).angiograms()
    return run


def test_frames_are_decoded_when_asked_for_and_not_before(xa):
    xa(frames=4)
    run = only(xa.folder)
    assert (run.frame_count, run.rows, run.columns, run.bits) == (4, 6, 8, 12)
    assert np.unique(run.frame(2)).tolist() == [12]
    assert [int(f[0, 0]) for f in run.frames([3, 0])] == [13, 10]
    assert run.read().shape == (4, 6, 8)
    for path in xa.folder.iterdir():
        path.write_bytes(path.read_bytes()[:-200])
    assert only(xa.folder).frame_count == 4


@pytest.mark.parametrize("index", [-1, 4, 99])
def test_a_frame_that_does_not_exist_is_refused(xa, index):
    xa(frames=4)
    with pytest.raises(SeriesError, match="frames 0 to 3"):
        only(xa.folder).frame(index)


def test_a_constant_frame_time_and_its_delay(xa):
    xa(frames=3, FrameTime=500, FrameDelay=2000)
    np.testing.assert_allclose(only(xa.folder).frame_times_s, [2.0, 2.5, 3.0])


def test_a_vector_of_frame_times_goes_before_the_nominal_one(xa):
    xa(frames=4, FrameTime=33, FrameTimeVector=[0, 500, 500, 1000])
    np.testing.assert_allclose(only(xa.folder).frame_times_s, [0, 0.5, 1.0, 2.0])


def test_no_time_base_is_no_time_base(xa):
    xa()
    run = only(xa.folder)
    assert run.frame_times_s is None
    assert any("no time base" in p for p in run.problems)


def test_angles_follow_the_moving_arm(xa):
    xa(
        frames=3,
        PositionerPrimaryAngle=10,
        PositionerSecondaryAngle=-5,
        PositionerMotion="DYNAMIC",
        PositionerPrimaryAngleIncrement=[0, 2, 4],
    )
    run = only(xa.folder)
    assert run.primary_angles_degrees.tolist() == [10, 12, 14]
    assert run.secondary_angles_degrees.tolist() == [-5, -5, -5]


def test_the_mask_module_counts_from_zero_and_keeps_its_signs(xa):
    average = item(
        MaskOperation="AVG_SUB",
        ApplicableFrameRange=[3, 5],
        MaskFrameNumbers=[1, 2],
        ContrastFrameAveraging=2,
        MaskSubPixelShift=[0.5, -1.25],
    )
    difference = item(MaskOperation="TID", TIDOffset=-2)
    xa(MaskSubtractionSequence=Sequence([average, difference]), RecommendedViewingMode="SUB")
    first, second = only(xa.folder).masks
    assert first.operation == "AVG_SUB"
    assert first.applies_to == ((2, 4),)
    assert first.mask_frames == (0, 1)
    assert first.contrast_averaging == 2
    assert first.sub_pixel_shift == (0.5, -1.25)
    assert (second.operation, second.tid_offset) == ("TID", -2)


@pytest.mark.parametrize(("operation", "problems"), [("AVG_SUB", 1), ("NONE", 0)])
def test_only_a_mask_that_is_used_can_be_missing(xa, operation, problems):
    xa(MaskSubtractionSequence=Sequence([item(MaskOperation=operation, MaskFrameNumbers=[0])]))
    found = [words for words in only(xa.folder).problems if "mask frame 0" in words]
    assert len(found) == problems


def test_shutters_leave_only_the_open_area(xa):
    xa(
        ShutterShape=["RECTANGULAR", "CIRCULAR"],
        ShutterLeftVerticalEdge=1,
        ShutterRightVerticalEdge=8,
        ShutterUpperHorizontalEdge=1,
        ShutterLowerHorizontalEdge=6,
        CenterOfCircularShutter=[3, 4],
        RadiusOfCircularShutter=2,
    )
    area = only(xa.folder).open_area()
    assert area.shape == (6, 8)
    assert area[2, 3]
    assert not area[0].any()
    assert not area[2, 6]


def test_intensity_sign_view_and_flips(xa):
    xa(
        PixelIntensityRelationship="LOG",
        PixelIntensityRelationshipSign=-1,
        FieldOfViewRotation=90,
        FieldOfViewHorizontalFlip="YES",
        BurnedInAnnotation="YES",
    )
    run = only(xa.folder)
    assert (run.intensity, run.intensity_sign) == ("LOG", -1)
    assert run.field_of_view.rotation_degrees == 90
    assert run.field_of_view.horizontal_flip
    assert run.burned_in
    assert any("burned" in p for p in run.problems)


@pytest.mark.parametrize(
    "elements",
    [
        {"ImageType": ["DERIVED", "PRIMARY", "SINGLE PLANE", "DIGITAL_SUBTR"]},
        {"AcquisitionDeviceProcessingDescription": "DSA subtracted"},
        {"DerivationDescription": "Subtraction of frame 1"},
    ],
)
def test_a_run_that_was_subtracted_already_is_recognised(xa, elements):
    xa(**elements)
    assert only(xa.folder).already_subtracted


def test_two_planes_of_one_acquisition_are_a_pair(xa):
    a = xa(ImageType=["ORIGINAL", "PRIMARY", "BIPLANE A"])
    reference = item(ReferencedSOPClassUID=XA, ReferencedSOPInstanceUID=a)
    b = xa(
        ImageType=["ORIGINAL", "PRIMARY", "BIPLANE B"],
        ReferencedImageSequence=Sequence([reference]),
    )
    xa()
    pairs = biplane_pairs(read_study(xa.folder).angiograms())
    assert [(x.sop_uid, y.sop_uid) for x, y in pairs] == [(a, b)]


def test_a_display_copy_in_colour_is_not_measured(xa):
    xa(SamplesPerPixel=3, PhotometricInterpretation="RGB")
    run = only(xa.folder)
    assert not run.usable
    with pytest.raises(SeriesError, match="colour"):
        run.frame(0)


def test_an_enhanced_run_asks_each_frame_first(xa):
    def frame(n: int) -> Dataset:
        return item(
            FrameContentSequence=Sequence(
                [item(FrameAcquisitionDateTime=f"2024010110000{n}.500000")]
            ),
            PositionerPositionSequence=Sequence(
                [item(PositionerPrimaryAngle=10 + n, PositionerSecondaryAngle=0)]
            ),
        )

    shared = item(
        XRayGeometrySequence=Sequence(
            [item(DistanceSourceToDetector=1200, DistanceSourceToIsocenter=800.0)]
        ),
        FramePixelDataPropertiesSequence=Sequence(
            [
                item(
                    PixelIntensityRelationship="LIN",
                    PixelIntensityRelationshipSign=1,
                    ImagerPixelSpacing=[0.3, 0.3],
                    ImageProcessingApplied="NONE",
                )
            ]
        ),
    )
    xa(
        frames=3,
        SOPClassUID=ENHANCED_XA,
        SharedFunctionalGroupsSequence=Sequence([shared]),
        PerFrameFunctionalGroupsSequence=Sequence([frame(n) for n in range(3)]),
    )
    run = only(xa.folder)
    assert run.frame_times_s.tolist() == [0, 1, 2]
    assert run.primary_angles_degrees.tolist() == [10, 11, 12]
    assert run.intensity_sign == 1
    assert run.calibration.kind == "isocentre"
    np.testing.assert_allclose(run.calibration.mm_per_pixel, 0.2)


def test_a_run_is_no_ct(xa):
    xa()
    study = read_study(xa.folder)
    with pytest.raises(SeriesError, match="no CT series"):
        study.ct()
    with pytest.raises(SeriesError, match="it is no CT series"):
        study.ct(study.series[0].series_uid)


def test_scan_lists_a_run_as_measurable_in_pixels_only(xa, capsys):
    xa()
    assert main(["scan", str(xa.folder), "--json"]) == 0
    (series,) = json.loads(capsys.readouterr().out)["studies"][0]["series"]
    assert series["kind"] == "angiogram"
    assert series["images"] == 5
    assert series["usable"]
    assert any("mm are refused" in p for p in series["problems"])


# --- the ladder --------------------------------------------------------------------------------

IMAGER = (0.3, 0.3)


@pytest.mark.parametrize(
    ("stated", "kind", "factor"),
    [
        (StatedSpacing(), "none", None),
        (StatedSpacing(pixel_mm=(0.2, 0.2)), "none", None),
        (StatedSpacing(imager_mm=IMAGER), "detector", 0.3),
        (StatedSpacing(imager_mm=IMAGER, pixel_mm=IMAGER), "detector", 0.3),
        (StatedSpacing(imager_mm=IMAGER, magnification=1.5), "isocentre", 0.2),
        (
            StatedSpacing(imager_mm=IMAGER, source_to_detector_mm=1200, source_to_patient_mm=800),
            "isocentre",
            0.2,
        ),
        (StatedSpacing(imager_mm=IMAGER, pixel_mm=(0.21, 0.21)), "geometry", 0.21),
        (
            StatedSpacing(imager_mm=IMAGER, pixel_mm=(0.21, 0.21), calibration_type="GEOMETRY"),
            "geometry",
            0.21,
        ),
        (
            StatedSpacing(imager_mm=IMAGER, pixel_mm=(0.22, 0.22), calibration_type="FIDUCIAL"),
            "fiducial",
            0.22,
        ),
        (
            StatedSpacing(
                imager_mm=IMAGER,
                pixel_mm=(0.22, 0.22),
                calibration_type="FIDUCIAL",
                object_mm=(0.19, 0.19),
            ),
            "object_spacing",
            0.19,
        ),
    ],
)
def test_the_best_rung_of_the_ladder_is_taken(stated, kind, factor):
    best = calibrations_of(stated)[0][0]
    assert best.kind == kind
    if factor is None:
        assert best.mm_per_pixel is None
    else:
        np.testing.assert_allclose(best.mm_per_pixel, factor)


@settings(deadline=None)
@given(
    imager=st.floats(0.05, 0.5),
    detector=st.floats(500, 1500) | st.none(),
    patient=st.floats(-100, 2000) | st.none(),
    factor=st.floats(-1, 10) | st.none(),
)
def test_detector_millimetres_are_never_called_patient_millimetres(
    imager, detector, patient, factor
):
    stated = StatedSpacing(
        imager_mm=(imager, imager),
        source_to_detector_mm=detector,
        source_to_patient_mm=patient,
        magnification=factor,
    )
    for calibration in calibrations_of(stated)[0]:
        if calibration.is_patient_length:
            assert calibration.mm_per_pixel[0] < imager
            assert calibration.relative_uncertainty > 0


def test_contradictory_statements_are_named():
    contradictory = StatedSpacing(
        imager_mm=IMAGER, source_to_detector_mm=1200, source_to_patient_mm=800, magnification=1.2
    )
    assert any("contradicts" in p for p in calibrations_of(contradictory)[1])
    impossible = StatedSpacing(
        imager_mm=IMAGER, source_to_detector_mm=800, source_to_patient_mm=900
    )
    best, problems = calibrations_of(impossible)
    assert best[0].kind == "detector"
    assert any("impossible" in p for p in problems)


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({"pixel_mm": (0.5, 0.5)}, "contradicts the detector's"),
        ({"object_mm": (0.31, 0.31)}, "contradicts the detector's"),
        # Called calibrated, and still the detector's: at the isocentre it would be 0.2.
        (
            {"pixel_mm": IMAGER, "source_to_detector_mm": 1200, "source_to_patient_mm": 800},
            "contradicts the stated distances",
        ),
        ({"pixel_mm": IMAGER, "magnification": 1.5}, "contradicts the stated distances"),
        ({"pixel_mm": (5.0, 5.0)}, "of 5 mm is impossible"),
    ],
)
@pytest.mark.parametrize("kind", ["FIDUCIAL", "GEOMETRY"])
def test_a_spacing_that_the_detector_or_the_geometry_rules_out_is_named(stated, words, kind):
    (problem,) = calibrations_of(StatedSpacing(imager_mm=IMAGER, calibration_type=kind, **stated))[
        1
    ]
    assert words in problem


@pytest.mark.parametrize("depth", [0.85, 1.0, 1.15])
def test_a_spacing_of_another_depth_than_the_isocentre_is_no_contradiction(depth):
    stated = StatedSpacing(
        imager_mm=IMAGER,
        pixel_mm=(0.2 * depth, 0.2 * depth),
        calibration_type="FIDUCIAL",
        source_to_detector_mm=1200,
        source_to_patient_mm=800,
    )
    assert calibrations_of(stated)[1] == ()


@pytest.mark.shared
def test_the_public_coronary_run_loads_and_plays_and_refuses_millimetres(shared_data):
    run = only(shared_data / "xa_coronary_96f")
    assert (run.frame_count, run.rows, run.columns) == (96, 512, 512)
    np.testing.assert_allclose(np.diff(run.frame_times_s), 0.033)
    assert run.primary_angles_degrees[0] == -32
    assert run.secondary_angles_degrees[0] == 2
    assert [m.operation for m in run.masks] == ["NONE"]
    assert run.calibration.kind == "none"
    assert not run.calibration.is_patient_length
    frames = run.read()
    assert frames.shape == (96, 512, 512)
    # A moving heart: neighbours are alike, none is a copy, none is empty.
    correlation = [np.corrcoef(frames[k].ravel(), frames[k + 1].ravel())[0, 1] for k in (0, 40, 94)]
    assert min(correlation) > 0.8
    assert max(correlation) < 1
    assert frames.reshape(96, -1).std(axis=1).min() > 10
