"""Ways across stretches without labelled lumen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from venoseg.centerline import trace
from venoseg.errors import InputError, MeasurementError
from venoseg.phantom import Rendering, Scanner, Scene, fit_grid, render
from venoseg.phantom.variants import chronic_occlusion
from venoseg.segmentation import OccludedCourse, Seed, Segmentation

SIDES = ("left", "right")


@pytest.fixture(scope="module")
def shut_scene() -> Scene:
    """Cava and common iliac veins shut to calcified cords in fat, with collaterals beside them."""
    return replace(chronic_occlusion(1), background_hu=-100.0)


@pytest.fixture(scope="module")
def shut(shut_scene) -> Rendering:
    grid = fit_grid(shut_scene, (2.0, 1.2, 1.2), margin_mm=10.0)
    low, high = grid.to_index((0.0, 0.0, -80.0))[0], grid.to_index((0.0, 0.0, 130.0))[0]
    box = (slice(int(low), int(high)), slice(0, grid.shape[1]), slice(0, grid.shape[2]))
    return render(shut_scene, grid.crop(box), Scanner(noise_hu=12, seed=1))


@pytest.fixture(scope="module")
def shut_tree(shut):
    return trace(shut.segmentation, volume=shut.image)


def axis_of(scene: Scene) -> np.ndarray:
    return np.vstack([t.curve.at(np.arange(0.0, t.curve.length_mm, 0.2)) for t in scene.tubes])


def truth_of(shut: Rendering, vessel: str) -> dict[str, float]:
    return next(row for row in shut.truth.segments.rows if row["vessel"] == vessel)


def gap_mm(tree, *vessels: str) -> float:
    gaps = [gap for name in vessels for gap in tree.branch(name).gaps]
    return sum(gap.stop_mm - gap.start_mm for gap in gaps)


def seeds_of(shut: Rendering, shut_scene: Scene) -> list[Seed]:
    seeds = []
    for tube in shut_scene.tubes:
        for span in tube.spans[:2]:
            ends = {"central_end": span.start_mm, "peripheral_end": span.stop_mm}
            inner = np.arange(span.start_mm + 15.0, span.stop_mm - 5.0, 20.0)
            for role, at in [*ends.items(), *(("waypoint", at) for at in inner)]:
                x, y, z = tube.curve.at(at)
                if shut.image.grid.contains((x, y, z)):
                    seeds.append(Seed(span.name, role, (x, y, z)))
    return seeds


class TestAShutConfluence:
    def test_is_found_where_the_cords_meet(self, shut_tree, shut_scene):
        truth = shut_scene.tubes[1].curve.points_lps_mm[0]
        assert np.linalg.norm(shut_tree.confluence_lps_mm - truth) < 4.0

    def test_is_reached_along_the_cords(self, shut_tree, shut_scene):
        axis = cKDTree(axis_of(shut_scene))
        for branch in shut_tree.branches:
            assert axis.query(branch.curve.points_lps_mm)[0].mean() < 1.0, branch.vessel

    def test_gives_the_veins_without_labels_a_branch_between_the_others(self, shut_tree):
        for side in SIDES:
            branch = shut_tree.branch(f"{side}_common_iliac_vein")
            assert branch.parent == "ivc"
            assert "not_labelled" in branch.flags
            assert shut_tree.branch(f"{side}_external_iliac_vein").parent == branch.vessel

    def test_has_gaps_as_long_as_the_lumen_is_shut(self, shut_tree, shut):
        assert gap_mm(shut_tree, "ivc") == pytest.approx(
            truth_of(shut, "ivc")["occluded_length_mm"], abs=4.0
        )
        for side in SIDES:
            names = f"{side}_common_iliac_vein", f"{side}_external_iliac_vein"
            expected = sum(truth_of(shut, name)["occluded_length_mm"] for name in names)
            assert gap_mm(shut_tree, *names) == pytest.approx(expected, abs=4.0)

    def test_is_where_seeds_say_and_so_are_the_ends_of_the_veins(self, shut, shut_scene):
        tree = trace(shut.segmentation, seeds=seeds_of(shut, shut_scene))
        for name in (
            "ivc",
            *(f"{side}_{part}_iliac_vein" for side in SIDES for part in ("common", "external")),
        ):
            expected = truth_of(shut, name)["occluded_length_mm"]
            assert gap_mm(tree, name) == pytest.approx(expected, abs=2.0), name
            assert {gap.source for gap in tree.branch(name).gaps} == {"waypoints"}

    def test_follows_the_courses_of_the_segmentation(self, shut, shut_scene):
        courses = []
        for tube, start in zip(shut_scene.tubes, (56.0, 0.0, 0.0), strict=True):
            span = tube.spans[0]
            points = tube.curve.at(np.arange(start, span.stop_mm, 2.0))
            courses.append(OccludedCourse(span.name, points, "labels"))
        tree = trace(replace(shut.segmentation, occluded=tuple(courses)))
        for name in ("ivc", "left_common_iliac_vein", "right_common_iliac_vein"):
            expected = truth_of(shut, name)["occluded_length_mm"]
            assert gap_mm(tree, name) == pytest.approx(expected, abs=2.0), name
            assert tree.branch(name).gaps[0].source == "labels"

    def test_is_not_guessed_without_image_waypoints_or_courses(self, shut):
        tree = trace(shut.segmentation)
        assert all(not branch.gaps for branch in tree.branches)
        assert "left_common_iliac_vein" not in {branch.vessel for branch in tree.branches}

    def test_that_air_bars_is_an_error_not_a_straight_line(self, shut):
        voxels = shut.image.voxels.copy()
        level = int(shut.image.grid.to_index((0.0, 0.0, 40.0))[0])
        voxels[level - 2 : level + 2] = -1000
        tree = trace(shut.segmentation, volume=replace(shut.image, voxels=voxels))
        assert {f.vessel for f in tree.failures} == {f"{s}_common_iliac_vein" for s in SIDES}
        assert all("no way leads" in failure.reason for failure in tree.failures)
        assert {b.vessel for b in tree.branches} >= {"ivc", "left_external_iliac_vein"}


class TestAGapInOneVein:
    def cut(self, tilted, half: int = 6) -> Segmentation:
        seg = tilted.segmentation
        labels = seg.labels.copy()
        slices = np.flatnonzero(labels.any(axis=(1, 2)))
        middle = int(slices.mean())
        labels[middle - half : middle + half] = 0
        return replace(seg, labels=labels)

    def test_is_bridged_through_the_lumen_that_the_labels_miss(self, tilted, tilted_scene):
        tree = trace(self.cut(tilted), volume=tilted.image)
        (branch,) = tree.branches
        away = cKDTree(axis_of(tilted_scene)).query(branch.curve.points_lps_mm)[0]
        assert away.max() < 1.5
        lean = abs(branch.curve.tangents[len(branch.curve) // 2, 2])
        assert gap_mm(tree, "ivc") == pytest.approx(12.0 / lean, abs=2.0)

    def test_is_refused_with_its_vein_without_an_image(self, tilted):
        with pytest.raises(MeasurementError, match="ivc: the labels fall into 2 separate pieces"):
            trace(self.cut(tilted))

    def test_pieces_side_by_side_are_refused(self, tilted):
        seg = tilted.segmentation
        labels = seg.labels.copy()
        part = labels[20:40].copy()
        labels[20:40, :8, :8] = part.max()
        with pytest.raises(MeasurementError, match="2 separate pieces"):
            trace(replace(seg, labels=labels), volume=tilted.image)


class TestSeeds:
    @pytest.fixture
    def refused(self, y_twin):
        def run(vessel: str, role: str, lps_mm) -> str:
            with pytest.raises(InputError) as raised:
                trace(y_twin.segmentation, volume=y_twin.image, seeds=[Seed(vessel, role, lps_mm)])
            return str(raised.value)

        return run

    def at(self, y_scene, vessel: str, share: float) -> tuple[float, float, float]:
        for tube in y_scene.tubes:
            for span in tube.spans:
                if span.name == vessel:
                    point = tube.curve.at(span.start_mm + share * (span.stop_mm - span.start_mm))
                    return tuple(point)
        raise KeyError(vessel)

    def test_limit_a_vein(self, y_twin, y_scene):
        name = "left_common_iliac_vein"
        ends = [
            Seed(name, "central_end", self.at(y_scene, name, 0.3)),
            Seed(name, "peripheral_end", self.at(y_scene, name, 0.8)),
        ]
        whole = trace(y_twin.segmentation).branch(name)
        branch = trace(y_twin.segmentation, seeds=ends).branch(name)
        assert branch.curve.length_mm == pytest.approx(0.5 * whole.curve.length_mm, abs=4.0)
        assert "limited_by_seeds" in branch.flags

    def test_outside_the_image_are_refused(self, refused):
        assert "seed 1 (ivc waypoint): lies outside the image" in refused(
            "ivc", "waypoint", (0, 0, 900)
        )

    def test_on_another_vein_are_refused_with_its_name(self, refused, y_scene):
        place = self.at(y_scene, "right_external_iliac_vein", 0.4)
        assert "Right external iliac vein" in refused("ivc", "peripheral_end", place)

    def test_on_the_other_side_ask_whether_sides_are_swapped(self, refused, y_scene):
        place = self.at(y_scene, "right_external_iliac_vein", 0.4)
        assert "swapped" in refused("left_external_iliac_vein", "waypoint", place)
        beside = (place[0] - 12.0, place[1] - 14.0, place[2])
        assert "swapped" in refused("left_external_iliac_vein", "waypoint", beside)

    def test_in_air_are_refused(self, y_twin, y_scene):
        x, y, z = self.at(y_scene, "ivc", 0.8)
        voxels = y_twin.image.voxels.copy()
        k, j, i = np.round(y_twin.image.grid.to_index((x, y - 14.0, z))).astype(int)
        voxels[k - 3 : k + 4, j - 3 : j + 4, i - 3 : i + 4] = -1000
        volume = replace(y_twin.image, voxels=voxels)
        with pytest.raises(InputError, match="lies in air"):
            trace(
                y_twin.segmentation,
                volume=volume,
                seeds=[Seed("ivc", "waypoint", (x, y - 14.0, z))],
            )

    def test_far_from_the_vein_are_refused(self, refused, y_scene):
        x, y, z = self.at(y_scene, "left_external_iliac_vein", 0.5)
        assert "mm from the course" in refused(
            "left_external_iliac_vein", "central_end", (x - 26, y, z)
        )

    def test_the_wrong_way_round_are_refused(self, y_twin, y_scene):
        name = "left_common_iliac_vein"
        ends = [
            Seed(name, "central_end", self.at(y_scene, name, 0.8)),
            Seed(name, "peripheral_end", self.at(y_scene, name, 0.3)),
        ]
        with pytest.raises(InputError, match="leave nothing of the vein"):
            trace(y_twin.segmentation, seeds=ends)

    def test_twice_the_same_end_is_refused(self, y_twin, y_scene):
        seed = Seed("ivc", "central_end", self.at(y_scene, "ivc", 0.7))
        with pytest.raises(InputError, match="second of its kind"):
            trace(y_twin.segmentation, seeds=[seed, seed])
