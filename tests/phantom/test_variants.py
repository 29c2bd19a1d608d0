from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from venoseg.phantom import Scene, fit_grid, ideal_mask, truth_of
from venoseg.phantom import variants as of
from venoseg.phantom.coverage import coverage
from venoseg.phantom.filaments import Filaments
from venoseg.phantom.stents import Lattice, place_stent
from venoseg.phantom.truth import Truth
from venoseg.phantom.tube import Profile, Tube
from venoseg.tables import Row
from venoseg.volume import Grid


def rows_of(truth: Truth, vessel: str) -> list[Row]:
    return [row for row in truth.cross_sections.rows if row["vessel"] == vessel]


def segment(truth: Truth, vessel: str) -> Row:
    return next(row for row in truth.segments.rows if row["vessel"] == vessel)


def number(row: Row, column: str) -> float:
    value = row[column]
    assert isinstance(value, int | float)
    return float(value)


@pytest.fixture(scope="module")
def occlusion() -> Scene:
    return of.chronic_occlusion(3)


def test_occlusion_has_its_length_and_zero_lumen(occlusion: Scene) -> None:
    truth = truth_of(occlusion)
    cava = segment(truth, "ivc")
    assert cava["state"] == "occluded"
    assert cava["minimum_area_mm2"] == 0
    shut = [row for row in rows_of(truth, "ivc") if row["state"] == "occluded"]
    assert all(row["lumen_area_mm2"] == 0 and row["lumen_components"] == 0 for row in shut)
    assert shut[0]["position_mm"] == of.SHUT_CAVA_MM
    length = number(cava, "length_mm") - of.SHUT_CAVA_MM
    assert number(cava, "occluded_length_mm") == pytest.approx(length, abs=0.1)


def test_mask_of_an_occlusion_leaves_the_cord_out(occlusion: Scene) -> None:
    mask = ideal_mask(occlusion, fit_grid(occlusion, (4, 2, 2)))
    middle = occlusion.tubes[0].curve.at(110.0)
    k, j, i = np.rint(mask.grid.to_index(middle)).astype(int)
    assert mask.labels[k, j, i] == 0
    assert not mask.mask("left_common_iliac_vein").any()
    assert mask.mask("left_external_iliac_vein").any()


def test_collaterals_form_loops_and_are_2_to_8_mm_wide(occlusion: Scene) -> None:
    truth = truth_of(occlusion)
    diameters = [number(row, "mean_diameter_mm") for row in truth.collaterals.rows]
    assert min(diameters) >= 2
    assert max(diameters) <= 8
    assert truth.collateral_loops >= 6


def test_collaterals_begin_and_end_in_open_veins(occlusion: Scene) -> None:
    for link in occlusion.collaterals:
        for port, end in ((link.central, 0), (link.peripheral, -1)):
            if port.host is not None:
                point = link.tube.curve.points_lps_mm[[end]]
                assert occlusion.tubes[port.host].distance(point)[0] < 0


def test_stents_truth_separates_wire_and_lumen() -> None:
    state = of.StentState(crush_percent=30, tissue_mm=0.4, focal_tissue_mm=1.5)
    truth = truth_of(of.reconstructed(3, state))
    rows = [r for r in rows_of(truth, "left_common_iliac_vein") if r["stent_area_mm2"] is not None]
    assert all(number(r, "lumen_area_mm2") < number(r, "stent_area_mm2") for r in rows)
    worst = max(rows, key=lambda row: number(row, "in_stent_area_stenosis_percent"))
    assert number(worst, "in_stent_area_stenosis_percent") > 35
    right = segment(truth, "right_common_iliac_vein")
    assert number(right, "in_stent_area_stenosis_percent") < 20
    pressed = min(rows, key=lambda row: number(row, "stent_minimum_diameter_mm"))
    assert number(pressed, "position_mm") < 15


def test_kissing_stents_give_the_cava_two_lumens() -> None:
    scene = of.kissing(3)
    double = [row for row in rows_of(truth_of(scene), "ivc") if row["lumen_components"] == 2]
    assert 35 < len(double) < 50
    own = sum(
        float(np.pi * t.profile.first_mm[200] * t.profile.second_mm[200]) for t in scene.tubes[1:]
    )
    assert number(double[20], "lumen_area_mm2") == pytest.approx(own, rel=0.05)
    assert number(double[20], "stent_area_mm2") == pytest.approx(own * 1.06, rel=0.05)


def test_trabeculated_vein_keeps_several_thin_channels() -> None:
    rows = rows_of(truth_of(of.post_thrombotic(3)), "left_external_iliac_vein")
    several = [row for row in rows if row["lumen_components"] == 3]
    assert len(several) > 40
    assert all(row["state"] == "stenotic" and "channels" in str(row["flags"]) for row in several)


def test_thrombus_with_a_rim_leaves_a_ring_of_lumen() -> None:
    scene = of.floating_thrombus(3)
    rows = [
        r
        for r in rows_of(truth_of(scene), "left_common_iliac_vein")
        if "thrombus" in str(r["flags"])
    ]
    vein, clot = scene.tubes[1], scene.cores[0]
    at = np.searchsorted(vein.curve.positions_mm, number(rows[10], "position_mm"))
    ring = np.pi * (
        vein.profile.first_mm[at] * vein.profile.second_mm[at]
        - clot.profile.first_mm[at] * clot.profile.second_mm[at]
    )
    assert number(rows[10], "lumen_area_mm2") == pytest.approx(ring, rel=0.01)
    assert number(rows[10], "inscribed_diameter_mm") < 4


def test_fresh_thrombus_shuts_the_vein_without_thinning_it() -> None:
    truth = truth_of(of.fresh_thrombus(3))
    assert segment(truth, "left_common_iliac_vein")["state"] == "occluded"
    assert segment(truth, "right_common_iliac_vein")["state"] == "patent"


@pytest.mark.parametrize("build", [of.duplicated_cava, of.left_cava])
def test_left_sided_cava_lies_left_of_the_midline(build: Callable[[int], Scene]) -> None:
    scene = build(3)
    mask = ideal_mask(scene, fit_grid(scene, (4, 2, 2)))
    cava = mask.grid.to_lps(np.argwhere(mask.mask("ivc")))
    assert (cava[(cava[:, 2] > 40) & (cava[:, 2] < 60), 0] > 20).any()


def test_mixing_darkens_the_centre_of_the_infrarenal_cava_only() -> None:
    scene = of.early_phase(3)
    curve = scene.tubes[0].curve
    grey = scene.after[0].hu
    assert callable(grey)
    centre, wall = curve.at([90.0]), curve.at([90.0]) + 9.0 * curve.axes_at([90.0])[0]
    assert grey(centre)[0] < 90
    assert grey(wall)[0] > 130


def test_wire_volume_is_kept_in_the_voxels() -> None:
    line = np.stack([np.linspace(0, 30, 301), np.zeros(301), np.linspace(0, 20, 301)], axis=1)
    wire = Filaments.along([line], 0.25)
    grid = Grid.from_axes((40, 20, 50), spacing_mm=(1, 1, 1), origin_lps_mm=(-5, -10, -5))
    _, share = coverage(wire, grid)
    analytic = np.hypot(30, 20) * np.pi * 0.25**2 / 4
    assert share.sum() * grid.voxel_volume_mm3 == pytest.approx(analytic, rel=1e-4)


@pytest.mark.parametrize("cells", ["closed", "open"])
def test_stent_wire_lies_on_its_ellipse(cells: str) -> None:
    tube = Tube.plain([(0, 0, 0), (0, 0, -40)], 9.0, 6.0)
    lattice = Lattice(15.0, cells=cells)  # type: ignore[arg-type]  # a parameter is text
    stent = place_stent(tube.curve, tube.profile, 5.0, 35.0, lattice)
    assert np.abs(tube.distance(stent.wires.points_lps_mm)).max() < 0.15
    assert stent.wires.points_lps_mm[:, 2].min() > -35.2
    assert isinstance(stent.profile, Profile)


def test_fracture_leaves_a_gap_in_the_wire() -> None:
    stent = of.broken_stent(3).stents[1]
    broken = stent.lattice.fracture_mm
    assert broken is not None
    along = (stent.wires.points_lps_mm - stent.curve.at(broken)) @ stent.curve.tangent_at(broken)
    assert not ((along > 0.5) & (along < 2.5)).any()
