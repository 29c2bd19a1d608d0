"""Areas and diameters against digital twins whose lumen is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial import cKDTree

from venoseg.errors import LabelError, MeasurementError
from venoseg.lumen import Measurements, VesselProfile, measure
from venoseg.phantom import Rendering, Scanner, fit_grid, ideal_mask, render, sections_at, shape
from venoseg.phantom.shapes import elliptic, focal_stenosis
from venoseg.segmentation import Segmentation, VesselConfidence
from venoseg.volume import Grid, Source, Volume

FIGURES = ("equivalent_mm", "minimum_mm", "maximum_mm", "perimeter_mm", "inscribed_mm")


@pytest.fixture(scope="module")
def tilted_found(tilted) -> Measurements:
    return measure(tilted.image, tilted.segmentation)


@pytest.fixture(scope="module")
def y_found(y_twin) -> Measurements:
    return measure(y_twin.image, y_twin.segmentation)


def errors(profile: VesselProfile, scene) -> dict[str, np.ndarray]:
    """Measured minus true figures of the single vein of a scene, where measured."""
    tube = scene.tubes[0]
    nearest = cKDTree(tube.curve.points_lps_mm).query(profile.branch.curve.points_lps_mm)[1]
    truth = sections_at(tube, tube.curve.positions_mm[nearest])
    true = {
        "equivalent_mm": 2 * np.sqrt(truth.area_mm2 / np.pi),
        "minimum_mm": truth.minimum_mm,
        "maximum_mm": truth.maximum_mm,
        "perimeter_mm": truth.perimeter_mm,
        "inscribed_mm": truth.minimum_mm,
    }
    keep = profile.measured
    return {name: (getattr(profile.shapes, name) - true[name])[keep] for name in FIGURES}


def relabelled(twin: Rendering, labels: np.ndarray) -> Segmentation:
    seg = twin.segmentation
    return Segmentation(labels.astype(np.uint8), seg.grid, seg.names)


def words(profile: VesselProfile) -> set[str]:
    return {word for flags in profile.flags for word in flags}


class TestDoubts:
    def test_what_the_segmentation_doubts_is_a_warning(self, tilted):
        (vessel,) = tilted.segmentation.names.values()
        doubts = (
            VesselConfidence(vessel, 0.3, ("only 40 % of the wall shows",)),
            VesselConfidence("left_iliac_vein", 0.0, ("was not found",)),
        )
        found = measure(tilted.image, replace(tilted.segmentation, confidence=doubts))
        assert (
            f"{vessel}: low confidence in its labels (0.30): only 40 % of the wall shows"
            in found.warnings
        )
        assert "left_iliac_vein: was not found" in found.warnings
        assert found.failed == ("left_iliac_vein",)


class TestAccuracy:
    @pytest.mark.parametrize("boundary", ["gray", "mask"])
    def test_a_tilted_tube_is_as_wide_as_it_is(self, tilted, tilted_scene, boundary):
        found = measure(tilted.image, tilted.segmentation, boundary=boundary).profiles[0]
        assert found.measured.mean() > 0.9
        assert found.from_image.any() == (boundary == "gray")
        error = errors(found, tilted_scene)
        assert abs(error["equivalent_mm"].mean()) < 0.03
        inner = np.abs(error["equivalent_mm"][4:-4])
        assert inner.max() < 0.15
        assert np.quantile(inner, 0.95) < 0.1

    def test_every_figure_of_a_round_tube_is_its_diameter(self, tilted_found, tilted_scene):
        error = errors(tilted_found.profiles[0], tilted_scene)
        for name in ("minimum_mm", "maximum_mm", "inscribed_mm"):
            assert np.abs(error[name]).mean() < 0.2, name
        assert abs(error["perimeter_mm"].mean()) < 0.15

    @pytest.mark.parametrize("kind", ["curved", "elliptic", "focal-stenosis"])
    def test_gray_values_give_the_diameters_of_any_shape(self, kind):
        scene = shape(kind, seed=5)
        grid = fit_grid(scene, (1.0, 0.78, 0.78), margin_mm=8.0)
        twin = render(scene, grid, Scanner(noise_hu=15, seed=5))
        error = errors(measure(twin.image, twin.segmentation).profiles[0], scene)
        assert abs(error["equivalent_mm"].mean()) < 0.05
        assert np.quantile(np.abs(error["equivalent_mm"]), 0.95) < 0.15
        assert abs(error["minimum_mm"].mean()) < 0.12

    @pytest.mark.parametrize(("seed", "percent"), [(0, 50.0), (2, 50.0), (3, 70.0)])
    def test_the_narrowest_place_is_found_where_it_is(self, seed, percent):
        scene = focal_stenosis(seed, percent)
        grid = fit_grid(scene, (1.0, 0.78, 0.78), margin_mm=8.0)
        twin = render(scene, grid, Scanner(noise_hu=15, seed=5))
        row = measure(twin.image, twin.segmentation).segments.rows[0]
        truth = twin.truth.segments.rows[0]
        for name, within in (("minimum_area_position_mm", 1.5), ("minimum_diameter_mm", 0.15)):
            assert row[name] == pytest.approx(truth[name], abs=within)
        found, true = (2 * np.sqrt(r["minimum_area_mm2"] / np.pi) for r in (row, truth))
        assert found == pytest.approx(true, abs=0.15)

    def test_a_compressed_vein_keeps_its_perimeter_and_loses_its_width(self):
        """Flattened to an aspect of 3: the least width, not the area, tells."""
        scene = elliptic(4, aspect=3.0)
        grid = fit_grid(scene, (1.0, 0.78, 0.78), margin_mm=8.0)
        twin = render(scene, grid, Scanner(noise_hu=15, seed=5))
        profile = measure(twin.image, twin.segmentation).profiles[0]
        error = errors(profile, scene)
        assert abs(error["minimum_mm"].mean()) < 0.15
        assert abs(error["maximum_mm"].mean()) < 0.2
        assert abs(error["inscribed_mm"].mean()) < 0.2
        aspect = (profile.shapes.maximum_mm / profile.shapes.minimum_mm)[profile.measured]
        assert aspect == pytest.approx(3.0, abs=0.3)

    def test_the_interval_holds_the_truth_about_as_often_as_it_says(
        self, tilted_found, tilted_scene
    ):
        profile = tilted_found.profiles[0]
        area = np.pi * tilted_scene.tubes[0].profile.first_mm[0] ** 2
        low, high = profile.area_interval_mm2[profile.measured].T
        assert ((low <= area) & (area <= high)).mean() >= 0.85
        assert ((high - low) / area).max() < 0.15

    def test_every_vein_of_the_y_is_as_wide_as_it_is(self, y_found, y_twin):
        for profile in y_found.profiles:
            rows = [r for r in y_twin.truth.cross_sections.rows if r["vessel"] == profile.vessel]
            places = np.array([[r["x_mm"], r["y_mm"], r["z_mm"]] for r in rows])
            true = np.array([r["equivalent_diameter_mm"] for r in rows])
            clear = np.array([r["flags"] == "" for r in rows])
            nearest = cKDTree(places).query(profile.branch.curve.points_lps_mm)[1]
            keep = profile.measured & clear[nearest]
            error = (profile.shapes.equivalent_mm - true[nearest])[keep]
            assert keep.sum() > 15, profile.vessel
            assert abs(error.mean()) < 0.1, profile.vessel
            assert np.quantile(np.abs(error), 0.95) < 0.3, profile.vessel


class TestWhatIsNotMeasured:
    def test_where_veins_join_nothing_is_measured(self, y_found):
        for side in ("left", "right"):
            profile = next(p for p in y_found.profiles if p.vessel == f"{side}_common_iliac_vein")
            assert not profile.measured[:4].any()
            assert "junction" in profile.flags[2]

    def test_next_to_the_end_of_the_volume_nothing_is_measured(self, tilted):
        shape_of = tilted.image.grid.shape
        slices = np.flatnonzero(tilted.segmentation.labels.any(axis=(1, 2)))
        box = (
            slice(int(slices[0]) + 15, int(slices[-1]) - 15),
            slice(0, shape_of[1]),
            slice(0, shape_of[2]),
        )
        seg = tilted.segmentation
        part = Segmentation(seg.labels[box], seg.grid.crop(box), seg.names)
        found = measure(tilted.image.crop(box), part)
        profile, table = found.profiles[0], found.cross_sections
        assert not profile.measured[[0, 1, -2, -1]].any()
        assert "image_border" in profile.flags[0]
        assert table.column("state")[0] == table.column("state")[-1] == "not_covered"
        assert profile.measured.sum() > 10
        segment = found.segments.rows[0]
        assert segment["covered"] is False
        assert {"open_central_end", "open_peripheral_end"} <= set(segment["flags"].split())
        whole = measure(tilted.image, seg).profiles[0]
        assert profile.shapes.equivalent_mm[profile.measured] == pytest.approx(
            np.nanmean(whole.shapes.equivalent_mm), abs=0.15
        )

    def test_what_is_not_measured_is_empty_with_a_reason(self, y_found):
        for row in y_found.cross_sections.rows:
            figures = [
                value
                for name, value in row.items()
                if name.endswith(("_mm", "_mm2"))
                and name not in ("position_mm", "x_mm", "y_mm", "z_mm")
                and not name.startswith("stent")
            ]
            if row["state"] in ("not_assessable", "not_covered"):
                assert figures == [None] * len(figures)
                assert row["flags"]
            else:
                assert all(isinstance(value, float) and value > 0 for value in figures)

    def test_a_gap_in_the_slices_is_not_measured_across(self, tilted):
        middle = tilted.image.grid.shape[0] // 2
        source = Source(gaps=((middle - 3, middle + 3),))
        profile = measure(replace(tilted.image, source=source), tilted.segmentation).profiles[0]
        gap = np.array(["slice_gap" in flags for flags in profile.flags])
        assert gap.any()
        assert not profile.measured[gap].any()
        assert profile.measured[~gap].mean() > 0.8


class TestWhereTheEdgeComesFrom:
    def test_an_unenhanced_lumen_is_measured_by_its_labels_and_says_so(self, tilted_scene):
        scene = replace(tilted_scene, lumen_hu=60.0, background_hu=20.0)
        twin = render(scene, fit_grid(scene, (2.0, 1.0, 1.0), margin_mm=8.0), Scanner(noise_hu=5))
        gray = measure(twin.image, twin.segmentation).profiles[0]
        mask = measure(twin.image, twin.segmentation, boundary="mask").profiles[0]
        assert not gray.from_image.any()
        for n in np.flatnonzero(gray.measured):
            assert "gray_refused_not_enhanced" in gray.flags[n]
        assert np.array_equal(gray.shapes.area_mm2, mask.shapes.area_mm2, equal_nan=True)
        assert "gray_refused_not_enhanced" not in words(mask)

    def test_a_lumen_no_brighter_than_its_surroundings_is_refused_too(self, tilted_scene):
        scene = replace(tilted_scene, lumen_hu=110.0, background_hu=100.0)
        twin = render(scene, fit_grid(scene, (2.0, 1.0, 1.0), margin_mm=8.0), Scanner(noise_hu=5))
        profile = measure(twin.image, twin.segmentation).profiles[0]
        assert not profile.from_image.any()
        assert "gray_refused_low_contrast" in words(profile)

    @pytest.mark.parametrize(
        "change",
        [
            lambda mask: ndimage.binary_dilation(mask),
            lambda mask: ndimage.binary_erosion(mask),
            lambda mask: np.roll(mask, 1, axis=2),
            lambda mask: np.roll(mask, 1, axis=1),
        ],
        ids=["one voxel too large", "one voxel too small", "shifted sideways", "shifted back"],
    )
    def test_gray_diameters_do_not_depend_on_how_the_labels_were_drawn(
        self, tilted, tilted_found, change
    ):
        labels = change(tilted.segmentation.labels > 0)
        other = measure(tilted.image, relabelled(tilted, labels)).profiles[0]
        ideal = tilted_found.profiles[0]
        points = ideal.branch.curve.points_lps_mm[ideal.measured]
        distance, nearest = cKDTree(points).query(other.branch.curve.points_lps_mm)
        inner = other.measured & (distance < 2.0)
        # The twin's lumen ends where its ideal labels end: larger labels reach beyond it.
        inner[:10] = inner[-10:] = False
        difference = (
            other.shapes.equivalent_mm[inner]
            - ideal.shapes.equivalent_mm[ideal.measured][nearest[inner]]
        )
        assert inner.sum() > 50
        assert np.abs(difference).mean() < 0.05
        assert np.abs(difference).max() < 0.1
        away = other.centers_lps_mm[inner] - ideal.centers_lps_mm[ideal.measured][nearest[inner]]
        along = np.einsum("ij,ij->i", away, other.branch.curve.tangents[inner])
        aside = np.linalg.norm(away - along[:, None] * other.branch.curve.tangents[inner], axis=1)
        assert aside.mean() < 0.1

    def test_mask_diameters_follow_the_labels(self, tilted):
        larger = ndimage.binary_dilation(tilted.segmentation.labels > 0)
        ideal, wide = (
            measure(tilted.image, seg, boundary="mask").profiles[0]
            for seg in (tilted.segmentation, relabelled(tilted, larger))
        )
        grown = np.nanmean(wide.shapes.equivalent_mm) - np.nanmean(ideal.shapes.equivalent_mm)
        assert 1.2 < grown < 2.2

    def test_the_labels_alone_are_measured_on_a_constant_image(self, tilted):
        flat = replace(tilted.image, voxels=np.full(tilted.image.grid.shape, 40, dtype=np.int16))
        assert measure(flat, tilted.segmentation, boundary="mask").profiles[0].measured.any()

    def test_voxels_without_a_value_do_not_pull_the_edge(self, tilted, tilted_scene):
        """Half of the surroundings lie outside the field of view, filled with air."""
        missing = np.zeros(tilted.image.grid.shape, dtype=bool)
        inside = np.argwhere(tilted.segmentation.labels)
        wall = int(inside[:, 2].max()) - 12
        missing[:, :, wall:] = True
        voxels = np.where(missing, -1024, tilted.image.voxels).astype(np.int16)
        padded = replace(tilted.image, voxels=voxels, missing=missing)
        profile = measure(padded, tilted.segmentation).profiles[0]
        seen = profile.measured & profile.from_image
        truth = 2 * tilted_scene.tubes[0].profile.first_mm[0]
        assert seen.sum() > 15
        assert np.abs(profile.shapes.equivalent_mm[seen] - truth).max() < 0.4


def positions_along(known: VesselProfile, other: VesselProfile) -> tuple[np.ndarray, np.ndarray]:
    """Where the other's stations lie along a vein, and which are measured beside measured ones."""
    curve = known.branch.curve
    points, keep = other.branch.curve.points_lps_mm, known.measured
    distance, nearest = cKDTree(curve.points_lps_mm[keep]).query(points)
    ahead = points - curve.points_lps_mm[keep][nearest]
    along = np.einsum("ij,ij->i", ahead, curve.tangents[keep][nearest])
    return curve.position_mm[keep][nearest] + along, other.measured & (distance < 0.75)


class TestInvariance:
    @pytest.mark.parametrize(
        ("order", "flips"),
        [
            ((0, 1, 2), (True, False, False)),
            ((0, 1, 2), (False, False, True)),
            ((2, 0, 1), (False, False, False)),
            ((1, 0, 2), (False, True, True)),
        ],
        ids=["head-first", "mirrored columns", "sagittal", "coronal"],
    )
    def test_figures_do_not_depend_on_how_the_voxels_are_stored(
        self, y_twin, y_found, stored, order, flips
    ):
        image, seg = y_twin.image, y_twin.segmentation
        grid, apply = stored(image.grid, order, flips)
        again = measure(
            Volume(apply(image.voxels), grid), Segmentation(apply(seg.labels), grid, seg.names)
        )
        for before, after in zip(y_found.profiles, again.profiles, strict=True):
            assert before.vessel == after.vessel
            assert after.measured.sum() == pytest.approx(before.measured.sum(), abs=4)
            at, beside = positions_along(before, after)
            # Stations lie a little further along the vein: they meet other noise.
            low, high = after.minimum_interval_mm[beside].T
            noise_mm = np.mean(high - low) / 4.0
            for name, allowed_mm in (
                ("equivalent_mm", 0.05),
                ("minimum_mm", noise_mm),
                ("maximum_mm", noise_mm),
            ):
                known = getattr(before.shapes, name)[before.measured]
                expected = np.interp(at, before.branch.curve.position_mm[before.measured], known)
                difference = (getattr(after.shapes, name) - expected)[beside]
                assert np.abs(difference).mean() < allowed_mm, (before.vessel, name)

    def test_figures_do_not_depend_on_where_the_patient_lies(self, tilted, tilted_found):
        affine = tilted.image.grid.affine.copy()
        affine[:3, 3] += (100.0, -300.0, 1000.0)
        grid = Grid(tilted.image.grid.shape, affine)
        seg = tilted.segmentation
        moved = measure(
            replace(tilted.image, grid=grid), Segmentation(seg.labels, grid, seg.names)
        ).profiles[0]
        before = tilted_found.profiles[0]
        assert np.nanmean(moved.shapes.area_mm2) == pytest.approx(
            np.nanmean(before.shapes.area_mm2), rel=1e-3
        )
        assert moved.branch.curve.length_mm == pytest.approx(before.branch.curve.length_mm, abs=1.0)

    def test_brightness_and_contrast_of_the_image_do_not_move_the_edge(self, tilted, tilted_found):
        louder = replace(tilted.image, voxels=(tilted.image.voxels * 2 + 100).astype(np.int16))
        again = measure(louder, tilted.segmentation).profiles[0]
        assert again.shapes.equivalent_mm == pytest.approx(
            tilted_found.profiles[0].shapes.equivalent_mm, abs=0.01, nan_ok=True
        )

    def test_the_same_input_gives_the_same_figures(self, tilted, tilted_found):
        again = measure(tilted.image, tilted.segmentation)
        assert again.cross_sections == tilted_found.cross_sections
        assert again.segments == tilted_found.segments

    def test_the_step_changes_how_many_stations_there_are_not_how_wide_the_vein_is(
        self, tilted, tilted_found
    ):
        coarse = measure(tilted.image, tilted.segmentation, step_mm=2.0).profiles[0]
        assert np.nanmean(coarse.shapes.equivalent_mm) == pytest.approx(
            np.nanmean(tilted_found.profiles[0].shapes.equivalent_mm), abs=0.05
        )


class TestTables:
    def test_have_the_columns_of_the_contract(self, y_found):
        assert ",".join(y_found.cross_sections.names) == (
            "vessel,position_mm,x_mm,y_mm,z_mm,nx,ny,nz,state,lumen_area_mm2,lumen_area_low_mm2,"
            "lumen_area_high_mm2,equivalent_diameter_mm,minimum_diameter_mm,"
            "minimum_diameter_low_mm,minimum_diameter_high_mm,maximum_diameter_mm,perimeter_mm,"
            "inscribed_diameter_mm,lumen_components,stent_area_mm2,stent_minimum_diameter_mm,"
            "stent_maximum_diameter_mm,in_stent_area_stenosis_percent,flags"
        )
        assert ",".join(y_found.segments.names) == (
            "vessel,length_mm,covered,minimum_area_mm2,minimum_area_position_mm,"
            "minimum_diameter_mm,mean_area_mm2,maximum_area_mm2,reference_kind,"
            "reference_area_mm2,area_stenosis_percent,diameter_stenosis_percent,"
            "occluded_length_mm,stented_length_mm,stent_minimum_area_mm2,"
            "in_stent_area_stenosis_percent,state,flags"
        )

    def test_a_veins_row_agrees_with_its_stations(self, y_found):
        for segment in y_found.segments.rows:
            rows = [
                row
                for row in y_found.cross_sections.rows
                if row["vessel"] == segment["vessel"] and row["lumen_area_mm2"] is not None
            ]
            areas = [row["lumen_area_mm2"] for row in rows]
            least = [row["position_mm"] for row in rows if row["lumen_area_mm2"] == min(areas)]
            assert 0.99 * min(areas) <= segment["minimum_area_mm2"] <= min(areas)
            away = [abs(segment["minimum_area_position_mm"] - at) for at in least]
            assert min(away) <= 0.5
            assert segment["maximum_area_mm2"] == max(areas)
            assert segment["mean_area_mm2"] == pytest.approx(np.mean(areas), abs=0.01)
            widths = [row["minimum_diameter_mm"] for row in rows]
            assert 0.99 * min(widths) <= segment["minimum_diameter_mm"] <= min(widths)

    def test_no_figure_of_a_station_contradicts_another(self, y_found):
        for row in y_found.cross_sections.rows:
            if row["lumen_area_mm2"] is None:
                continue
            assert row["lumen_area_low_mm2"] < row["lumen_area_mm2"] < row["lumen_area_high_mm2"]
            assert row["minimum_diameter_low_mm"] < row["minimum_diameter_mm"]
            assert row["inscribed_diameter_mm"] <= row["minimum_diameter_mm"] + 0.01
            assert row["minimum_diameter_mm"] <= row["equivalent_diameter_mm"] * 1.001
            assert row["equivalent_diameter_mm"] <= row["maximum_diameter_mm"] * 1.001
            assert row["equivalent_diameter_mm"] <= row["perimeter_mm"] / np.pi * 1.001
            assert row["equivalent_diameter_mm"] == pytest.approx(
                2 * np.sqrt(row["lumen_area_mm2"] / np.pi), abs=0.002
            )

    def test_a_stenosis_is_told_against_a_reference_that_is_named(self, y_found):
        by_name = {row["vessel"]: row for row in y_found.segments.rows}
        common = by_name["left_common_iliac_vein"]
        assert common["reference_kind"] == "expected_normal"
        assert common["reference_area_mm2"] == 200.0
        assert common["area_stenosis_percent"] == pytest.approx(
            100 * (1 - common["minimum_area_mm2"] / 200.0), abs=0.06
        )
        circle = 2 * np.sqrt(200.0 / np.pi)
        assert common["diameter_stenosis_percent"] == pytest.approx(
            100 * (1 - common["minimum_diameter_mm"] / circle), abs=0.06
        )
        internal = by_name["left_internal_iliac_vein"]
        assert internal["reference_kind"] is None
        assert internal["area_stenosis_percent"] is None
        assert "no_reference" in internal["flags"].split()


class TestRefusals:
    def test_labels_on_another_grid(self, tilted):
        seg = tilted.segmentation
        affine = seg.grid.affine.copy()
        affine[0, 3] += 1.0
        other = Segmentation(seg.labels, Grid(seg.grid.shape, affine), seg.names)
        with pytest.raises(LabelError, match="another grid"):
            measure(tilted.image, other)

    def test_values_that_are_not_numbers(self, tilted):
        voxels = tilted.image.voxels.astype(np.float32)
        inside = np.argwhere(tilted.segmentation.labels)[1000]
        voxels[tuple(inside)] = np.nan
        with pytest.raises(MeasurementError, match="not numbers"):
            measure(replace(tilted.image, voxels=voxels), tilted.segmentation)

    def test_an_image_of_one_value(self, tilted):
        flat = replace(tilted.image, voxels=np.zeros(tilted.image.grid.shape, dtype=np.int16))
        with pytest.raises(MeasurementError, match="same value everywhere"):
            measure(flat, tilted.segmentation)

    def test_a_vein_too_small_is_named_and_counts_as_failed(self, y_twin):
        image, seg = y_twin.image, y_twin.segmentation
        labels = seg.labels.copy()
        value = next(v for v, name in seg.names.items() if name == "left_internal_iliac_vein")
        labels[tuple(np.argwhere(labels == value)[12:].T)] = 0
        found = measure(image, Segmentation(labels, seg.grid, seg.names), boundary="mask")
        assert found.failed == ("left_internal_iliac_vein",)
        assert "left_internal_iliac_vein: too few voxels to be measured" in found.warnings


def test_a_thin_vein_says_that_it_is_below_the_resolution():
    scene = shape("small", seed=7)
    seg = ideal_mask(scene, fit_grid(scene, (1.0, 0.78, 0.78), margin_mm=8.0))
    twin = render(scene, seg.grid, Scanner(noise_hu=10))
    diameter = 2 * scene.tubes[0].profile.first_mm.mean()
    profile = measure(twin.image, twin.segmentation).profiles[0]
    assert diameter < 3.2
    assert "below_resolution" in words(profile)


class TestStents:
    """Metal along the wall: the brightest edge is not that of the blood."""

    def test_the_edge_of_a_stented_lumen_is_not_taken_from_the_wires(self, tilted):
        """A ring of metal around a lumen half as wide as the labels' outer vessel."""
        image, labels = tilted.image, tilted.segmentation.labels > 0
        lumen = ndimage.binary_erosion(labels, iterations=3)
        ring = labels & ~ndimage.binary_erosion(labels)
        voxels = np.where(labels & ~lumen & ~ring, 60, image.voxels).astype(np.int16)
        voxels[ring] = 600
        stented = replace(image, voxels=voxels)
        found = measure(stented, relabelled(tilted, lumen)).profiles[0]
        inner = slice(10, -10)
        assert not found.from_image[inner].any()
        assert all("gray_refused_metal" in words for words in found.flags[inner])
        plain = measure(stented, relabelled(tilted, lumen), boundary="mask").profiles[0]
        np.testing.assert_allclose(
            found.shapes.area_mm2[inner], plain.shapes.area_mm2[inner], rtol=1e-9
        )
