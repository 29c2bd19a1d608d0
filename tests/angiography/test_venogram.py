"""A run from frames to figures: diameters, lesions, calibration, flow, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from venoseg.angiography import Run, Venogram, VenogramOptions, Way, measure_run
from venoseg.angiography.fiducials import Fiducial, parse_fiducial
from venoseg.angiography.flow import arrival_of
from venoseg.angiography.marks import marker_middle
from venoseg.dicom.angiogram import Mask
from venoseg.dicom.calibration import Calibration
from venoseg.errors import MeasurementError, UsageError

AVERAGE = Mask("AVG_SUB", ((2, 9),), (0, 1))
HALF_MM = Calibration("fiducial", (0.5, 0.5), 0.01, "the vein", None, "known")
ALONG = (Way("ivc", np.array([[128.0, 20.0], [128.0, 235.0]])),)


def venogram_of(scene: Any, **options: Any) -> Venogram:
    known: dict[str, Any] = {"ways": ALONG, "calibration": HALF_MM}
    run = scene.run(masks=(AVERAGE,))
    return measure_run(run, VenogramOptions(**(known | options)))


def narrowed(vein: Any, share: float) -> Any:
    return type(vein)(
        width_px=lambda along: 24.0 * (1 - share * np.exp(-(((along - 150) / 14) ** 2)))
    )


def shut(vein: Any) -> Any:
    return type(vein)(width_px=lambda along: np.where(np.abs(along - 150) < 30, 0.0, 24.0))


def test_diameters_come_in_millimetres_with_an_interval(scene: Any):
    rows = venogram_of(scene).projection_table.rows
    middle = rows[len(rows) // 2]
    assert middle["length_kind"] == "calibrated"
    assert middle["diameter_mm"] == pytest.approx(12.0, abs=0.1)
    assert middle["diameter_low_mm"] < 12.0 < middle["diameter_high_mm"]
    assert middle["column_px"] == pytest.approx(128.0, abs=0.3)
    assert rows[0]["row_px"] < rows[-1]["row_px"]


@pytest.mark.parametrize("kind", ["detector", "none"])
def test_without_a_calibration_there_are_no_millimetres(scene: Any, kind: Any):
    spacing = (0.3, 0.3) if kind == "detector" else None
    calibration = Calibration(kind, spacing, None, "", None, "the header is silent")
    found = venogram_of(scene.but(veins=(narrowed(scene.veins[0], 0.5),)), calibration=calibration)
    for row in found.projection_table.rows:
        assert row["diameter_mm"] is row["diameter_low_mm"] is row["diameter_high_mm"] is None
        assert row["length_kind"] == ("detector" if kind == "detector" else "pixel")
    lesion = found.lesion_table.rows[0]
    assert lesion["minimum_diameter_mm"] is lesion["length_mm"] is None
    assert lesion["diameter_stenosis_percent"] == pytest.approx(50, abs=3)
    assert any("the header is silent" in warning for warning in found.warnings)


def test_pixels_that_are_not_square_are_measured_in_their_direction(scene: Any):
    oblong = Calibration("fiducial", (0.9, 0.4), 0.01, "the vein", None, "known")
    rows = venogram_of(scene, calibration=oblong).projection_table.rows
    assert rows[len(rows) // 2]["diameter_mm"] == pytest.approx(24 * 0.4, abs=0.1)


@pytest.mark.parametrize("share", [0.4, 0.6, 0.75])
def test_percent_stenosis_is_right_to_three_points_by_every_reference(scene: Any, share: float):
    found = venogram_of(scene.but(veins=(narrowed(scene.veins[0], share),)))
    rows = found.lesion_table.rows
    assert {row["reference_kind"] for row in rows} == {
        "computer_calculated",
        "interpolated_local",
        "mean_local",
    }
    for row in rows:
        assert row["diameter_stenosis_percent"] == pytest.approx(100 * share, abs=3)
        assert row["minimum_diameter_mm"] == pytest.approx(12 * (1 - share), abs=0.2)
        assert not row["occluded"]


def test_a_healthy_vein_has_no_lesion(scene: Any):
    found = venogram_of(scene)
    assert found.lesion_table.rows == ()
    assert {row["state"] for row in found.projection_table.rows} == {"patent"}


def test_a_nominal_diameter_is_one_more_reference(scene: Any):
    found = venogram_of(scene.but(veins=(narrowed(scene.veins[0], 0.5),)), nominal_mm=16.0)
    nominal = {row["reference_kind"]: row for row in found.lesion_table.rows}["nominal"]
    assert nominal["reference_diameter_mm"] == pytest.approx(16.0)
    assert nominal["diameter_stenosis_percent"] == pytest.approx(100 * (1 - 6 / 16), abs=2)


def test_an_occlusion_is_shut_between_filled_stretches(scene: Any):
    found = venogram_of(scene.but(veins=(shut(scene.veins[0]),)))
    rows = found.projection_table.rows
    gap = [row for row in rows if row["state"] == "occluded"]
    assert {row["diameter_px"] for row in gap} == {0.0}
    assert len(gap) == pytest.approx(60, abs=6)
    lesions = found.lesion_table.rows
    assert all(row["occluded"] for row in lesions)
    assert {row["diameter_stenosis_percent"] for row in lesions} == {100.0}


def test_a_vein_that_ends_is_not_called_occluded(scene: Any, vein: Any):
    ending = type(vein)(width_px=lambda along: np.where(along < 170, 24.0, 0.0))
    rows = venogram_of(scene.but(veins=(ending,))).projection_table.rows
    assert rows[-1]["state"] == "not_assessable"
    assert rows[-1]["diameter_px"] is None
    assert "not_filled" in rows[-1]["flags"]


@pytest.mark.parametrize("at", [60.0, 210.0])
def test_a_narrowing_that_the_course_ends_in_is_no_stenosis(scene: Any, vein: Any, at: float):
    upwards = at < 100
    stump = type(vein)(
        width_px=lambda along: np.where((along < at) == upwards, 7.0, 24.0),
    )
    found = venogram_of(scene.but(veins=(stump,)))
    assert found.lesion_table.rows == ()
    rows = found.projection_table.rows
    end = rows[:15] if upwards else rows[-15:]
    assert {row["state"] for row in end} == {"not_assessable"}
    assert {row["diameter_px"] for row in end} == {None}
    assert all("narrow_up_to_the_end" in row["flags"] for row in end)
    assert rows[len(rows) // 2]["state"] == "patent"
    assert any("no healthy vein seen beyond" in warning for warning in found.warnings)


def test_a_short_healthy_stretch_beyond_keeps_a_stenosis(scene: Any, vein: Any):
    near_end = type(vein)(
        width_px=lambda along: 24.0 * (1 - 0.6 * np.exp(-(((along - 210) / 14) ** 2)))
    )
    rows = venogram_of(scene.but(veins=(near_end,))).lesion_table.rows
    assert [row["flags"] for row in rows if row["reference_kind"] == "computer_calculated"] == [""]
    assert rows[0]["diameter_stenosis_percent"] == pytest.approx(60, abs=3)


def test_unsubtracted_frames_together_give_no_stenosis(scene: Any):
    run = scene.but(veins=(narrowed(scene.veins[0], 0.5),)).run(masks=(Mask("NONE", (), ()),))
    options = VenogramOptions(ways=ALONG, frames=(2, 9), calibration=HALF_MM)
    several = measure_run(run, options)
    assert several.lesion_table.rows == ()
    assert any("choose one frame" in warning for warning in several.warnings)
    one = measure_run(run, VenogramOptions(ways=ALONG, frames=(5, 5), calibration=HALF_MM))
    assert not any("choose one frame" in warning for warning in one.warnings)


def test_of_unsubtracted_frames_the_best_filled_is_taken(scene: Any):
    filled = (0.0, 0.0, 0.2, 0.5, 0.8, 1.0, 1.0, 0.7, 0.4, 0.2)
    run = scene.but(filled=filled, veins=(narrowed(scene.veins[0], 0.5),)).run(
        masks=(Mask("NONE", (), ()),)
    )
    found = measure_run(run, VenogramOptions(ways=ALONG, calibration=HALF_MM))
    (pairing,) = found.subtraction.plan.pairings
    assert pairing.contrast[0] in (5, 6)
    assert found.lesion_table.rows
    assert any("vessels fill most" in warning for warning in found.warnings)


def test_the_main_vessel_is_found_without_seeds(scene: Any, vein: Any):
    side = type(vein)(start=(128.0, 120.0), stop=(220.0, 60.0), width_px=lambda a: a * 0 + 7.0)
    found = venogram_of(scene.but(veins=(scene.veins[0], side)), ways=())
    (projection,) = found.projections
    points = projection.edges.course.points_px
    assert np.abs(points[:, 0] - 128).max() < 4
    assert np.ptp(points[:, 1]) > 180
    assert points[0, 1] < points[-1, 1]


def test_no_contrast_medium_is_said(scene: Any):
    empty = scene.but(filled=(0.0,) * 10)
    for ways in ((), ALONG):
        with pytest.raises(MeasurementError, match="no contrast medium"):
            venogram_of(empty, ways=ways)


def test_saturated_pixels_are_not_measured(scene: Any):
    stored = scene.stored()
    stored[2:, 100:150, 118:139] = 0
    run = Run.from_array(
        stored, np.arange(10) / 2.0, bits_stored=12, relation="LIN", masks=(AVERAGE,)
    )
    found = measure_run(run, VenogramOptions(ways=ALONG, calibration=HALF_MM))
    flagged = [row for row in found.projection_table.rows if "saturated" in row["flags"]]
    assert len(flagged) > 30
    assert {row["diameter_px"] for row in flagged} == {None}
    assert any("saturated" in warning for warning in found.warnings)


def test_an_overlapping_vessel_is_flagged_where_it_crosses(scene: Any, vein: Any):
    crossing = type(vein)(start=(20.0, 60.0), stop=(240.0, 200.0), width_px=lambda a: a * 0 + 14.0)
    found = venogram_of(scene.but(veins=(scene.veins[0], crossing)))
    rows = found.projection_table.rows
    flagged = [row["row_px"] for row in rows if "profile_unlike" in row["flags"]]
    assert flagged
    assert all(90 < row < 170 for row in flagged)


def test_a_course_that_leaves_its_points_is_said(scene: Any):
    points = np.array([[128.0, 20.0], [150.0, 120.0], [128.0, 235.0]])
    found = venogram_of(scene, ways=(Way("ivc", points),))
    assert any("leaves the given points" in warning for warning in found.warnings)
    assert not any("leaves" in warning for warning in venogram_of(scene).warnings)


def test_one_frame_gives_diameters_and_no_flow(scene: Any):
    run = Run.from_array(scene.stored()[5:6], np.zeros(1), bits_stored=12, relation="LIN")
    found = measure_run(run, VenogramOptions(ways=ALONG, calibration=HALF_MM))
    widths = [row["diameter_px"] for row in found.projection_table.rows]
    assert np.nanmedian(np.array(widths, dtype=float)) == pytest.approx(24, abs=1.0)
    assert all(curve.arrival_s is None for curve in found.curves)


def test_eight_bit_display_values_give_widths_but_no_amounts(scene: Any):
    found = venogram_of(scene.but(relation="DISP"))
    rows = found.projection_table.rows
    assert rows[len(rows) // 2]["diameter_px"] == pytest.approx(24, abs=1.0)
    assert found.collaterals is None
    assert any("display" in warning for warning in found.warnings)


def test_collaterals_are_a_share_of_all_contrast_medium(scene: Any, vein: Any):
    side = type(vein)(start=(50.0, 30.0), stop=(70.0, 230.0), width_px=lambda a: a * 0 + 8.0)
    scene = scene.but(veins=(scene.veins[0], side))
    found = venogram_of(scene)
    main, beside = (one.picture(scene.shape) for one in scene.veins)
    # Of the main vein only the stretch between the seeds and a width beyond counts.
    truth = beside.sum() / (beside.sum() + main[20:236].sum())
    filling = found.collaterals
    assert filling is not None
    assert np.nanmedian(filling.by_picture) == pytest.approx(truth, abs=0.05)
    assert filling.whole == pytest.approx(truth, abs=0.05)
    assert filling.whole_low < truth < filling.whole_high


def test_no_collaterals_are_none(scene: Any):
    filling = venogram_of(scene).collaterals
    assert filling is not None
    assert np.nanmax(filling.by_picture) < 0.01
    assert filling.whole_high < 0.05


@pytest.mark.parametrize("arrival", [1.3, 2.0, 3.6])
def test_arrival_is_found_to_a_frame(arrival: float):
    times = np.arange(0.0, 8.0, 1 / 3)
    curve = 1 / (1 + np.exp(-(times - arrival - 0.4) / 0.2))
    noisy = curve + np.random.default_rng(0).normal(0, 0.01, len(times))
    assert arrival_of(times, noisy, 0.01) == pytest.approx(arrival, abs=1 / 3)


def test_no_arrival_is_none_not_zero():
    times = np.arange(12.0)
    assert arrival_of(times, np.random.default_rng(0).normal(0, 0.01, 12), 0.01) is None
    assert arrival_of(times, np.linspace(1.0, 0.4, 12), 0.01) is None


def marked(scene: Any, places: list[tuple[float, float]]) -> Any:
    row, column = np.indices(scene.shape)
    bands = sum(
        0.8 * np.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * 1.4**2)) for x, y in places
    )
    return scene.but(extra=bands)


def test_two_markers_give_the_scale(scene: Any):
    places = [(200.3, 40.7), (180.4, 150.6)]
    true_px = float(np.hypot(*np.subtract(*places)))
    fiducial = Fiducial("marker", 30.0, (202.0, 39.0), (182.0, 152.0))
    found = venogram_of(marked(scene, places), fiducial=fiducial)
    assert found.calibration.kind == "marker"
    assert found.calibration.mm_per_pixel is not None
    assert found.calibration.mm_per_pixel[0] == pytest.approx(30.0 / true_px, rel=0.005)
    assert found.calibration.length_kind == "calibrated"


def test_a_ruler_beside_the_patient_is_less_sure(scene: Any):
    places = [(200.3, 40.7), (180.4, 150.6)]
    fiducial = Fiducial("ruler", 30.0, (202.0, 39.0), (182.0, 152.0))
    found = venogram_of(marked(scene, places), fiducial=fiducial).calibration
    assert (found.kind, found.plane) == ("ruler", "the plane of the ruler")
    assert found.relative_uncertainty == pytest.approx(0.13, abs=0.01)


def test_a_marker_is_found_to_a_fraction_of_a_pixel(scene: Any):
    marks = marked(scene, [(200.3, 40.7)])
    native = -np.log(marks.stored()[:2].mean(axis=0) / 4095).astype(np.float32)
    np.testing.assert_allclose(marker_middle(native, (202.0, 39.0)), (200.3, 40.7), atol=0.1)


def test_nothing_to_calibrate_with_is_said(scene: Any):
    with pytest.raises(MeasurementError, match="no marker stands out"):
        venogram_of(scene, fiducial=Fiducial("marker", 10.0, (60.0, 60.0), (60.0, 90.0)))


@pytest.mark.parametrize("kind", ["marker", "catheter"])
def test_an_object_outside_the_picture_is_refused(scene: Any, kind: Any):
    with pytest.raises(MeasurementError, match="outside the picture"):
        venogram_of(scene, fiducial=Fiducial(kind, 10.0, (60.0, 60.0), (400.0, 90.0)))


@pytest.mark.parametrize(
    ("text", "kind", "size_mm"),
    [
        ("marker:10mm@1,2,3,4", "marker", 10.0),
        ("ruler:50mm@1,2,3,4", "ruler", 50.0),
        ("catheter:6F@1,2,3.5,4", "catheter", 2.0),
    ],
)
def test_calibrations_are_read(text: str, kind: str, size_mm: float):
    fiducial = parse_fiducial(text)
    assert (fiducial.kind, fiducial.size_mm) == (kind, pytest.approx(size_mm))
    assert fiducial.first_px == (1.0, 2.0)


@pytest.mark.parametrize(
    "text",
    ["marker:10@1,2,3,4", "marker:10cm", "catheter:6mm@1,2,3,4", "wire:16mm@1,2,3,4", "",
     "marker:10mm@1,2,3", "marker:0mm@1,2,3,4", "marker:10mm@1,2,3,nan"],
)  # fmt: skip
def test_calibrations_that_mean_nothing_are_refused(text: str):
    with pytest.raises(UsageError):
        parse_fiducial(text)


@pytest.mark.parametrize("width", [6.0, 9.0])
@pytest.mark.parametrize("line", [(70.0, 60.0, 70.5, 150.0), (62.0, 100.0, 80.0, 100.5)])
def test_a_catheter_gives_the_scale_along_and_across(
    scene: Any, vein: Any, width: float, line: tuple[float, ...]
):
    shaft = type(vein)((70.2, 10.0), (70.2, 200.0), lambda a: a * 0 + width, 0.5 * 12 / width)
    scene = scene.but(extra=shaft.picture(scene.shape))
    fiducial = Fiducial("catheter", 2.0, (line[0], line[1]), (line[2], line[3]))
    calibration = venogram_of(scene, fiducial=fiducial).calibration
    assert calibration.mm_per_pixel is not None
    assert calibration.relative_uncertainty is not None
    error = calibration.mm_per_pixel[0] / (2.0 / width) - 1.0
    assert abs(error) < 0.03
    assert abs(error) < calibration.relative_uncertainty


def test_no_catheter_is_said(scene: Any):
    with pytest.raises(MeasurementError, match="no catheter"):
        venogram_of(scene, fiducial=Fiducial("catheter", 2.0, (30.0, 60.0), (30.0, 150.0)))
