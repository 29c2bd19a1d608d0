from __future__ import annotations

import numpy as np
import pytest

from venoseg.anatomy import NAMES
from venoseg.errors import UsageError
from venoseg.phantom import (
    SHAPES,
    Curve,
    Profile,
    Scanner,
    Scene,
    Span,
    Tube,
    fit_grid,
    ideal_mask,
    iliocaval_y,
    render,
    sections_at,
    shape,
    truth_of,
)
from venoseg.phantom.stents import Lattice, stented
from venoseg.volume import Grid


def cylinder_scene(direction: tuple[float, float, float], radius_mm: float) -> Scene:
    unit = np.array(direction) / np.linalg.norm(direction)
    curve = Curve.through([-25 * unit, 25 * unit])
    profile = Profile.along(curve, 0.0, radius_mm, radius_mm)
    tube = Tube(curve, profile, (Span("ivc", 0.0, curve.length_mm),))
    return Scene("cylinder", (tube,), lumen_hu=1000.0, background_hu=0.0)


@pytest.mark.parametrize("radius_mm", [2.0, 8.0])
@pytest.mark.parametrize("direction", [(0, 0, -1), (0.5, 0.3, -0.8)])
@pytest.mark.parametrize("spacing_mm", [(1.0, 0.78, 0.78), (3.0, 0.78, 0.78)])
def test_rendered_volume_of_a_cylinder_is_its_analytic_volume(
    radius_mm: float, direction: tuple[float, float, float], spacing_mm: tuple[float, float, float]
) -> None:
    scene = cylinder_scene(direction, radius_mm)
    grid = fit_grid(scene, spacing_mm, margin_mm=12)
    image = render(scene, grid, Scanner(noise_hu=0)).image.voxels
    volume = image.sum(dtype=np.float64) / 1000 * grid.voxel_volume_mm3
    assert volume == pytest.approx(np.pi * radius_mm**2 * 50, rel=0.005)


def test_mask_follows_the_lumen_on_a_flipped_grid() -> None:
    scene = cylinder_scene((0, 0, -1), 8.0)
    flipped = np.array([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    grid = Grid.from_axes(
        (30, 60, 50), spacing_mm=(2, 1, 1), origin_lps_mm=(30, -20, 29), directions=flipped
    )
    centre = grid.to_lps(np.argwhere(ideal_mask(scene, grid).labels)).mean(axis=0)
    assert centre == pytest.approx([0, 0, 0], abs=0.2)


def test_slices_with_gaps_are_refused() -> None:
    scene = cylinder_scene((0, 0, -1), 5.0)
    with pytest.raises(UsageError, match="leave gaps"):
        render(scene, fit_grid(scene, (3, 1, 1)), Scanner(slice_thickness_mm=1.0))


def test_thick_overlapping_slices_blur_along_the_axis_and_keep_the_volume() -> None:
    scene = cylinder_scene((1, 0, 0), 4.0)
    grid = fit_grid(scene, (1.0, 1.0, 1.0))
    thin = render(scene, grid, Scanner(noise_hu=0)).image.voxels.astype(float)
    thick = render(scene, grid, Scanner(noise_hu=0, slice_thickness_mm=5.0)).image.voxels
    assert thick.sum() == pytest.approx(thin.sum(), rel=0.002)
    assert (thick > 20).any(axis=(1, 2)).sum() > (thin > 20).any(axis=(1, 2)).sum() + 1


def test_noise_has_the_chosen_strength_and_the_seed_decides_it() -> None:
    scene = cylinder_scene((0, 0, -1), 5.0)
    grid = fit_grid(scene, (2, 1, 1), margin_mm=30)
    clean = render(scene, grid, Scanner(noise_hu=0)).image.voxels
    first = render(scene, grid, Scanner(noise_hu=15, seed=4)).image.voxels
    assert (first - clean).std() == pytest.approx(15, rel=0.02)
    assert np.array_equal(first, render(scene, grid, Scanner(noise_hu=15, seed=4)).image.voxels)
    assert not np.array_equal(first, render(scene, grid, Scanner(noise_hu=15, seed=5)).image.voxels)


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_has_truth_and_differs_by_seed(name: str) -> None:
    first, second = (truth_of(shape(name, seed)) for seed in (1, 2))
    assert first.cross_sections.rows != second.cross_sections.rows
    assert {row["vessel"] for row in first.cross_sections.rows} <= set(NAMES)
    assert min(first.cross_sections.column("lumen_area_mm2")) > 0  # type: ignore[type-var]  # cells are of many types


def test_unknown_shape_is_refused_with_the_list() -> None:
    with pytest.raises(UsageError, match="straight"):
        shape("banana")


def test_y_has_its_veins_where_they_belong() -> None:
    scene = iliocaval_y(3, internal=True, femoral=True)
    mask = ideal_mask(scene, fit_grid(scene, (4, 2, 2)))
    centre = {
        name: mask.grid.to_lps(np.argwhere(mask.mask(name))).mean(axis=0)
        for name in mask.names.values()
    }
    assert len(centre) == 9
    assert centre["left_external_iliac_vein"][0] > 30 > -30 > centre["right_external_iliac_vein"][0]
    assert centre["ivc"][2] > centre["left_common_iliac_vein"][2]
    assert centre["left_internal_iliac_vein"][1] > centre["left_external_iliac_vein"][1]


@pytest.mark.parametrize("percent", [50.0, 70.0])
def test_stenosis_of_the_y_is_in_its_truth(percent: float) -> None:
    segments = truth_of(iliocaval_y(1, stenosis_percent=percent)).segments.rows
    lost = {row["vessel"]: row["area_stenosis_percent"] for row in segments}
    assert lost["left_common_iliac_vein"] == pytest.approx(percent, abs=0.01)
    assert lost["right_common_iliac_vein"] == pytest.approx(0, abs=0.01)


def test_compression_flattens_and_lies_near_the_confluence() -> None:
    scene = iliocaval_y(2, compression_percent=60)
    row = next(r for r in truth_of(scene).segments.rows if r["vessel"] == "left_common_iliac_vein")
    worst = sections_at(scene.tubes[1], np.array([row["minimum_area_position_mm"]], dtype=float))
    assert row["area_stenosis_percent"] == pytest.approx(60, abs=0.1)
    assert 15 < float(row["minimum_area_position_mm"]) < 35  # type: ignore[arg-type]  # cells are of many types
    assert worst.maximum_mm[0] / worst.minimum_mm[0] > 3


def test_rows_where_veins_join_are_flagged() -> None:
    rows = truth_of(iliocaval_y(1)).cross_sections.rows
    left = [r for r in rows if r["vessel"] == "left_common_iliac_vein"]
    flagged = [r["position_mm"] for r in left if r["flags"] == "junction"]
    assert flagged == [r["position_mm"] for r in left[: len(flagged)]]
    assert 5 < len(flagged) < 25


def test_kernel_noise_keeps_its_strength_and_has_grain() -> None:
    scene = cylinder_scene((0, 0, -1), 5.0)
    grid = fit_grid(scene, (10, 0.8, 0.8), margin_mm=60)
    clean = render(scene, grid, Scanner(noise_hu=0, kernel="smooth")).image.voxels.astype(float)
    noise = render(scene, grid, Scanner(noise_hu=20, kernel="smooth")).image.voxels - clean
    assert noise.std() == pytest.approx(20, rel=0.05)
    neighbours = np.corrcoef(noise[:, :, 1:].ravel(), noise[:, :, :-1].ravel())[0, 1]
    assert neighbours > 0.4


def test_sharp_kernel_overshoots_and_smooth_one_does_not() -> None:
    scene = cylinder_scene((0, 0, -1), 8.0)
    grid = fit_grid(scene, (5.0, 0.5, 0.5))
    sharp = render(scene, grid, Scanner(noise_hu=0, kernel="sharp")).image.voxels
    smooth = render(scene, grid, Scanner(noise_hu=0, kernel="smooth")).image.voxels
    assert sharp.max() > 1030
    assert smooth.max() <= 1000


def test_unknown_kernel_is_refused() -> None:
    scene = cylinder_scene((0, 0, -1), 5.0)
    with pytest.raises(UsageError, match="white, smooth, sharp"):
        render(scene, fit_grid(scene, (3, 1, 1)), Scanner(kernel="B30f"))


def test_breath_moves_what_lies_above_the_step() -> None:
    bead = cylinder_scene((0.6, 0, -0.8), 4.0)
    grid = fit_grid(bead, (1.0, 1.0, 1.0))
    still = render(bead, grid, Scanner(noise_hu=0)).image.voxels
    moved = render(bead, grid, Scanner(noise_hu=0, breath=(0.0, 5.0))).image.voxels
    z = grid.to_lps([(k, 0, 0) for k in range(grid.shape[0])])[:, 2]
    below = z < 0
    assert np.array_equal(still[below], moved[below])
    step = int(np.argmax(~below))
    assert np.abs(moved[step].astype(int) - still[step + 5]).max() <= 1


def test_stents_appear_in_the_segmentation_and_bloom() -> None:
    tube = cylinder_scene((0, 0, -1), 8.0).tubes[0]
    profile = Profile.along(tube.curve, 0.0, 8.0, 8.0)
    opened, stent = stented(tube, profile, 10.0, 40.0, Lattice(16.0))
    scene = Scene("stent", (opened,), stents=(stent,))
    grid = fit_grid(scene, (1.0, 0.8, 0.8))
    found = render(scene, grid, Scanner(noise_hu=0))
    assert found.segmentation.stent is not None
    assert found.image.voxels[found.segmentation.stent].mean() > 500
    assert render(bare(scene), grid, Scanner(noise_hu=0)).segmentation.stent is None


def bare(scene: Scene) -> Scene:
    return Scene(scene.name, scene.tubes)
