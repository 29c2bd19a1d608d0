from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pydicom
import pytest

from venoseg.cli import main
from venoseg.errors import UsageError
from venoseg.phantom import Curve, Profile, Scene, Span, Tube, iliocaval_y, variants
from venoseg.phantom.bolus import concentration, solve_flow
from venoseg.phantom.filaments import Filaments
from venoseg.phantom.identity import Visit
from venoseg.phantom.xa import XaSettings, run_xa
from venoseg.phantom.xa_devices import Ruler, marker_catheter
from venoseg.phantom.xa_dicom import XaSeries, xa_dataset
from venoseg.phantom.xa_geometry import Carm
from venoseg.phantom.xa_paths import tube_paths, wire_image
from venoseg.phantom.xa_truth import projected_width_mm, xa_truth_of

SMALL = Carm(rows=160, columns=160, pixel_mm=2.56)


def cylinder(
    radius_mm: float, first: tuple[float, float, float], last: tuple[float, float, float]
) -> Tube:
    curve = Curve.through([first, last])
    profile = Profile.along(curve, 0.0, radius_mm, radius_mm)
    return Tube(curve, profile, (Span("ivc", 0.0, curve.length_mm),))


@pytest.mark.parametrize("y_mm", [-60.0, 40.0])
@pytest.mark.parametrize("primary_deg", [0.0, 30.0])
def test_projected_width_of_a_cylinder_is_its_magnified_diameter(
    y_mm: float, primary_deg: float
) -> None:
    carm = Carm(primary_deg=primary_deg)
    tube = cylinder(8.0, (5.0, y_mm, 40.0), (5.0, y_mm, -80.0))
    paths = tube_paths(tube, carm)
    image = np.bincount(paths.pixels, paths.lengths_mm, minlength=carm.rows * carm.columns)
    row = image.reshape(carm.rows, carm.columns)[carm.rows // 2]
    chord = row[row > 4.0]
    where = np.flatnonzero(row > 4.0)
    # A chord squared is a parabola across the vessel; its roots are the edges.
    roots = np.roots(np.polyfit(where, chord**2, 2))
    depth = carm.depth(tube.curve.at(60.0))
    expected = 16.0 * carm.source_to_detector_mm / depth / carm.pixel_mm
    assert abs(roots[0] - roots[1]) == pytest.approx(expected, abs=0.2)
    width = projected_width_mm(tube, carm, np.array([60.0]))[0]
    assert width * carm.magnification(tube.curve.at(60.0)) / carm.pixel_mm == pytest.approx(
        expected, abs=0.05
    )


@pytest.mark.parametrize("radius_mm", [1.0, 5.0])
def test_a_grazing_ray_does_not_run_inside(radius_mm: float) -> None:
    carm = Carm(rows=4, columns=400, pixel_mm=0.08)
    tube = cylinder(radius_mm, (0.0, -20.0, 0.0), (0.0, -20.0, -40.0))
    paths = tube_paths(tube, carm)
    image = np.bincount(paths.pixels, paths.lengths_mm, minlength=4 * 400).reshape(4, 400)
    depth = float(carm.depth(np.array([0.0, -20.0, -20.0])))
    aside = (np.arange(400) - 199.5) * carm.pixel_mm * depth / carm.source_to_detector_mm
    nearest = aside / np.hypot(1.0, aside / depth)
    chord = 2 * np.sqrt(np.clip(radius_mm**2 - nearest**2, 0.0, None))
    assert image[2] == pytest.approx(chord, abs=0.12)
    spread = [np.sqrt((line * aside**2).sum() / line.sum()) for line in (image[2], chord)]
    assert spread[0] == pytest.approx(spread[1], rel=0.003)


def test_an_ellipse_shows_the_width_across_the_ray() -> None:
    curve = Curve.through([(0, 0, 50), (0, 0, -50)])
    tube = Tube(curve, Profile.along(curve, 0.0, 10.0, 4.0))
    frontal, lateral = Carm(), Carm(primary_deg=90.0)
    assert projected_width_mm(tube, frontal, np.array([50.0]))[0] == pytest.approx(20, abs=0.01)
    assert projected_width_mm(tube, lateral, np.array([50.0]))[0] == pytest.approx(8, abs=0.01)


def test_positioner_angles_turn_the_detector_as_dicom_says() -> None:
    assert Carm().towards_detector == pytest.approx([0, -1, 0])
    assert Carm(primary_deg=90).towards_detector == pytest.approx([1, 0, 0])
    assert Carm(secondary_deg=30).towards_detector[2] == pytest.approx(0.5)
    left, feet = Carm().project(np.array([(20.0, 0, -20.0), (0, 0, -60.0)]))
    assert left[0] > 255.5
    assert feet[1] > 255.5


def test_rays_and_projection_are_inverse() -> None:
    carm = Carm(primary_deg=25, secondary_deg=-15)
    ray = carm.rays(np.array([100.0]), np.array([300.0]))[0]
    assert carm.project(carm.source_lps_mm + 700 * ray) == pytest.approx([100, 300])


def test_wire_keeps_its_volume_on_the_detector() -> None:
    line = np.linspace((-20, 0, -20), (20, 0, -20), 401)
    image = wire_image(Filaments.along([line], 0.3), SMALL)
    pixel = SMALL.pixel_mm * SMALL.source_to_isocenter_mm / SMALL.source_to_detector_mm
    assert image.sum() * pixel**2 == pytest.approx(40 * np.pi * 0.15**2, rel=0.01)


def test_joining_veins_are_not_counted_twice() -> None:
    carm = SMALL
    first = cylinder(6.0, (0, 0, 30), (0, 0, -30))
    paths = tube_paths(first, carm, (first,))
    alone = tube_paths(first, carm)
    other = tube_paths(first, carm, (cylinder(9.0, (0, 0, 60), (0, 0, -60)),))
    assert paths.lengths_mm.sum() == pytest.approx(alone.lengths_mm.sum())
    assert other.lengths_mm.sum() == 0


def test_open_veins_carry_the_blood_and_a_shut_cava_sends_it_through_collaterals() -> None:
    healthy = solve_flow(iliocaval_y(1, femoral=True))
    assert healthy.arrival_s["confluence"] < healthy.arrival_s["heart"] < 15
    shut = solve_flow(variants.chronic_occlusion(1))
    assert "confluence" not in shut.arrival_s
    assert shut.arrival_s["left_inner_2"] < shut.arrival_s["left_drain"] < 15
    assert shut.arrival_s["heart"] < 15


def test_flow_is_conserved_at_every_junction() -> None:
    flow = solve_flow(variants.chronic_occlusion(1))
    balance: dict[str, float] = {}
    for edge, moved in zip(flow.edges, flow.flow_mm3_s, strict=True):
        balance[edge.start] = balance.get(edge.start, 0.0) - moved
        balance[edge.stop] = balance.get(edge.stop, 0.0) + moved
    inner = [v for node, v in balance.items() if not node.endswith(("_leg", "_chest", "heart"))]
    assert np.abs(inner).max() < 1.0


def test_bolus_comes_after_its_delay_and_goes_again() -> None:
    share = concentration(np.array([0.0, 1.0, 4.0, 30.0]), np.array(1.0), 4.0)
    assert share[0] < 0.05
    assert share[2] > 0.9
    assert share[3] < 0.01
    assert concentration(np.array([5.0]), np.array([np.inf]), 4.0)[0] == 0


@pytest.fixture(scope="module")
def healthy() -> Scene:
    return iliocaval_y(2)


def test_contrast_darkens_the_veins_and_nothing_else(healthy: Scene) -> None:
    settings = XaSettings(carm=SMALL, frames=14, photons=0, scatter=0, blur_px=0)
    run = run_xa(healthy, settings)
    centre = SMALL.project(healthy.tubes[2].curve.at(100.0))
    column, row = np.rint(centre).astype(int)
    assert run.pixels[-1, row, column] < 0.6 * run.pixels[0, row, column]
    assert run.pixels[-1, 80, 5] == run.pixels[0, 80, 5]
    attenuation = -np.log(run.pixels[-1, row, column] / run.pixels[0, row, column])
    truth = xa_truth_of(healthy, run).projection.rows
    near = min(
        (r for r in truth if str(r["vessel"]).startswith("right")),
        key=lambda r: np.hypot(float(r["column_px"]) - column, float(r["row_px"]) - row),  # type: ignore[arg-type]  # cells are of many types
    )
    assert attenuation == pytest.approx(0.06 * float(near["diameter_mm"]), rel=0.35)  # type: ignore[arg-type]  # cells are of many types


@pytest.mark.parametrize("relationship", ["LIN", "LOG", "DISP"])
def test_every_relationship_keeps_the_order_of_intensities(
    healthy: Scene, relationship: str
) -> None:
    settings = XaSettings(
        carm=SMALL,
        frames=12,
        photons=0,
        relationship=relationship,  # type: ignore[arg-type]  # a parameter is text
    )
    pixels = run_xa(healthy, settings).pixels[-1].astype(float)
    linear = run_xa(healthy, XaSettings(carm=SMALL, frames=12, photons=0)).pixels[-1]
    order = np.argsort(linear.ravel(), kind="stable")[::500]
    assert (np.diff(pixels.ravel()[order]) >= -1).all()


def test_motion_moves_the_mask_frames_only(healthy: Scene) -> None:
    catheter = marker_catheter(healthy.tubes[2].curve, 10.0, 150.0)
    base = {"carm": SMALL, "frames": 3, "photons": 0}
    still = run_xa(healthy, XaSettings(**base), catheter=catheter)  # type: ignore[arg-type]  # settings of many types
    moved = run_xa(
        healthy,
        XaSettings(**base, motion_px=(3.0, 0.0)),
        catheter=catheter,  # type: ignore[arg-type]  # settings of many types
    )
    assert np.array_equal(still.pixels[2], moved.pixels[2])
    assert np.abs(still.pixels[0].astype(int) - moved.pixels[0]).max() > 30


def test_catheter_bands_are_ten_millimetres_apart() -> None:
    catheter = marker_catheter(Curve.through([(0, 0, 0), (0, 5, -120)]), 0.0, 118.0)
    gaps = np.linalg.norm(np.diff(catheter.middles_lps_mm, axis=0), axis=1)
    assert gaps == pytest.approx(np.full(9, 10.0), abs=0.01)


def test_ruler_ticks_appear_where_the_truth_says() -> None:
    image = Ruler().image(SMALL)
    column, row = SMALL.project(Ruler().ticks_lps_mm())[10]
    near = image[round(row) - 1 : round(row) + 2, round(column) - 3 : round(column) + 4]
    assert near.sum() > 0.5


def test_dicom_says_what_was_done(healthy: Scene) -> None:
    run = run_xa(healthy, XaSettings(carm=SMALL, frames=6))
    dataset = xa_dataset(run, Visit("test", 1), XaSeries())
    assert dataset.NumberOfFrames == 6
    assert float(dataset.DistanceSourceToDetector) == 1100
    assert list(dataset.MaskSubtractionSequence[0].MaskFrameNumbers) == [1, 2]
    assert "PixelSpacing" not in dataset


def test_command_writes_every_kind_with_truth(tmp_path: Path) -> None:
    words = ["phantom", "venogram-tube", "-o", str(tmp_path / "v"), "--matrix", "96", "--quiet"]
    words += ["--frames", "4", "--kinds", "xa,enhanced-xa,secondary-capture"]
    assert main(words) == 0
    files = sorted(path.name for path in (tmp_path / "v" / "xa").iterdir())
    assert files == ["run1-enhanced-xa.dcm", "run1-secondary-capture.dcm", "run1-xa.dcm"]
    plain, enhanced = (
        pydicom.dcmread(tmp_path / "v" / "xa" / f"run1-{kind}.dcm")
        for kind in ("xa", "enhanced-xa")
    )
    assert np.array_equal(plain.pixel_array, enhanced.pixel_array)
    about = json.loads((tmp_path / "v" / "truth" / "run1.json").read_text())
    assert about["catheter"]["band_spacing_mm"] == 10
    assert (tmp_path / "v" / "truth" / "run1-projection.csv").stat().st_size > 1000


def test_same_seed_gives_the_same_run(healthy: Scene) -> None:
    settings = XaSettings(carm=SMALL, frames=3, seed=5)
    assert np.array_equal(run_xa(healthy, settings).pixels, run_xa(healthy, settings).pixels)


def test_table_moves_the_picture_to_the_feet() -> None:
    tube = cylinder(8.0, (0, 0, 60), (0, 0, -160))
    catheter = marker_catheter(tube.curve, 0.0, 200.0)
    settings = XaSettings(
        carm=SMALL, frames=4, mask_frames=1, photons=0, scatter=0, table_mm=(0, 0, 60, 60)
    )
    run = run_xa(Scene("tube", (tube,)), settings, catheter=catheter)
    bands = catheter.middles_lps_mm[6:7]
    before = settings.carm.project(bands)[0]
    after = settings.carm_at(60.0).project(bands)[0]
    assert before[1] - after[1] == pytest.approx(60 * 1100 / 750 / 2.56, rel=0.03)
    column, row = np.rint(after).astype(int)
    near = run.pixels[2, row - 2 : row + 3, column - 2 : column + 3]
    assert near.min() < 0.8 * np.median(run.pixels[2, row, column - 12 : column - 5])
    dataset = xa_dataset(run, Visit("test", 1), XaSeries())
    assert dataset.TableMotion == "DYNAMIC"
    assert "MaskSubtractionSequence" not in dataset


def test_table_needs_a_place_for_every_frame() -> None:
    with pytest.raises(UsageError, match="one number a frame"):
        XaSettings(frames=5, table_mm=(0.0, 10.0))
