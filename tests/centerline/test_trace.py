"""The tree of centerlines against digital twins whose course is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from venoseg.centerline import Curve, VesselTree, trace
from venoseg.errors import LabelError, MeasurementError
from venoseg.phantom import Scanner, Scene, fit_grid, ideal_mask, iliocaval_y, render, shape
from venoseg.phantom.variants import duplicated_cava, left_cava
from venoseg.segmentation import Segmentation
from venoseg.volume import Grid


def aside_mm(curve: Curve, truth: np.ndarray) -> np.ndarray:
    """Distance of the stations from a line of dense points; those beyond its ends are left out."""
    distance, nearest = cKDTree(truth).query(curve.points_lps_mm)
    return distance[(nearest > 0) & (nearest < len(truth) - 1)]


def dense(curve: Curve) -> np.ndarray:
    at = np.arange(0.0, curve.position_mm[-1], 0.05)
    points = [np.interp(at, curve.position_mm, axis) for axis in curve.points_lps_mm.T]
    return np.column_stack(points)


def course_of(scene, vessel: str) -> np.ndarray:
    for tube in scene.tubes:
        for span in tube.spans:
            if span.name == vessel:
                positions = np.arange(span.start_mm, span.stop_mm, 0.05)
                return tube.curve.at(positions)
    raise KeyError(vessel)


def inner(curve: Curve, share: float = 0.05) -> Curve:
    cut = int(np.ceil(share * len(curve)))
    return curve.part(slice(cut, len(curve) - cut))


@pytest.fixture(scope="module")
def y_tree(y_twin) -> VesselTree:
    return trace(y_twin.segmentation)


@pytest.fixture
def change(y_twin):
    """Trace the Y's labels after an edit: ``edit(labels, value_of)``."""
    seg = y_twin.segmentation
    value_of = {name: value for value, name in seg.names.items()}

    def run(edit) -> VesselTree:
        labels = seg.labels.copy()
        edit(labels, value_of)
        return trace(Segmentation(labels, seg.grid, seg.names))

    return run


def index_at(tree: VesselTree, vessel: str, station: int) -> tuple[int, int, int]:
    point = tree.branch(vessel).curve.points_lps_mm[station]
    k, j, i = np.round(tree.grid.to_index(point)).astype(int)
    return k, j, i


# A vein that joins at a sharp angle begins inside its parent: where exactly, and how it runs to the
# wall, is a matter of convention. Nothing is measured there.
INSIDE_PARENT_MM = 20.0


def assert_same_tree(tree: VesselTree, expected: VesselTree, within_mm: float = 0.3) -> None:
    assert [b.vessel for b in tree.branches] == [b.vessel for b in expected.branches]
    assert [b.parent for b in tree.branches] == [b.parent for b in expected.branches]
    for branch in tree.branches:
        before = expected.branch(branch.vessel).curve
        free = 4.0 if "internal" in branch.vessel else 2.0
        assert branch.curve.length_mm == pytest.approx(before.length_mm, abs=free)
        first = int(INSIDE_PARENT_MM) if branch.parent else 0
        own = branch.curve.part(slice(first, None))
        assert aside_mm(own, dense(before)).max() < within_mm, branch.vessel


class TestOneVein:
    def test_runs_through_the_middle_of_a_tilted_tube(self, tilted, tilted_scene):
        curve = trace(tilted.segmentation).branch("ivc").curve
        error = aside_mm(inner(curve), course_of(tilted_scene, "ivc"))
        assert error.mean() < 0.08
        assert np.quantile(error, 0.95) < 0.16

    @pytest.mark.parametrize("kind", ["curved", "elliptic", "small", "focal-stenosis"])
    def test_runs_through_the_middle_of_any_shape(self, kind):
        scene = shape(kind, seed=5)
        seg = ideal_mask(scene, fit_grid(scene, (1.0, 0.78, 0.78), margin_mm=4.0))
        error = aside_mm(inner(trace(seg).branch("ivc").curve), course_of(scene, "ivc"))
        assert error.mean() < 0.09
        assert np.quantile(error, 0.95) < 0.16

    def test_thick_slices_cost_little(self, tilted_scene):
        seg = ideal_mask(tilted_scene, fit_grid(tilted_scene, (3.0, 0.78, 0.78), margin_mm=4.0))
        error = aside_mm(inner(trace(seg).branch("ivc").curve), course_of(tilted_scene, "ivc"))
        assert error.mean() < 0.11
        assert np.quantile(error, 0.95) < 0.22

    def test_begins_at_the_end_towards_the_heart_and_points_peripherally(
        self, tilted, tilted_scene
    ):
        curve = trace(tilted.segmentation).branch("ivc").curve
        truth = tilted_scene.tubes[0].curve
        assert curve.position_mm[0] == 0.0
        assert np.linalg.norm(curve.points_lps_mm[0] - truth.points_lps_mm[0]) < 1.5
        assert np.linalg.norm(curve.points_lps_mm[-1] - truth.points_lps_mm[-1]) < 1.5
        assert (curve.tangents @ truth.tangents[0] > 0.999).all()

    def test_stations_are_evenly_spaced_by_arc_length(self, tilted):
        for step in (0.5, 1.0, 2.5):
            curve = trace(tilted.segmentation, step_mm=step).branch("ivc").curve
            assert np.diff(curve.position_mm) == pytest.approx(step)
            chords = np.linalg.norm(np.diff(curve.points_lps_mm, axis=0), axis=1)
            assert chords == pytest.approx(step, rel=0.01)

    def test_the_frame_is_orthonormal_and_does_not_twist(self, y_tree):
        for branch in y_tree.branches:
            curve = branch.curve
            frame = np.stack([curve.tangents, curve.across, curve.upward], axis=1)
            assert frame @ frame.transpose(0, 2, 1) == pytest.approx(
                np.broadcast_to(np.eye(3), (len(curve), 3, 3)), abs=1e-6
            )
            twist = np.einsum("ij,ij->i", np.diff(curve.across, axis=0), curve.upward[:-1])
            assert np.abs(twist).max() < 0.02

    def test_a_mask_that_runs_out_of_the_volume_has_open_ends(self, tilted):
        seg = tilted.segmentation
        slices = np.flatnonzero(seg.labels.any(axis=(1, 2)))
        box = (
            slice(int(slices[0]) + 20, int(slices[-1]) - 20),
            slice(0, seg.grid.shape[1]),
            slice(0, seg.grid.shape[2]),
        )
        branch = trace(Segmentation(seg.labels[box], seg.grid.crop(box), seg.names)).branches[0]
        assert (branch.central_end, branch.peripheral_end) == ("open", "open")

    def test_a_mask_that_ends_inside_has_closed_ends(self, tilted):
        branch = trace(tilted.segmentation).branches[0]
        assert (branch.central_end, branch.peripheral_end) == ("closed", "closed")

    def test_a_second_piece_is_refused_with_its_vein(self, tilted):
        seg = tilted.segmentation
        labels = seg.labels.copy()
        middle = labels.shape[0] // 2
        labels[middle - 2 : middle + 2] = 0
        with pytest.raises(MeasurementError, match=r"ivc: .*2 separate pieces"):
            trace(Segmentation(labels, seg.grid, seg.names))

    def test_too_few_voxels_are_refused(self):
        labels = np.zeros((10, 10, 10), dtype=np.uint8)
        labels[4:7, 5, 5] = 1
        grid = Grid.from_axes(labels.shape, spacing_mm=(1, 1, 1))
        with pytest.raises(LabelError, match="3 voxels"):
            trace(Segmentation(labels, grid, {1: "ivc"}))
        with pytest.raises(LabelError, match="no voxel of a vein"):
            trace(Segmentation(np.zeros_like(labels), grid, {1: "ivc"}))

    def test_a_vein_of_a_single_slice_is_refused_not_measured(self):
        turn = np.indices((1, 40, 40))
        labels = (np.hypot(turn[1] - 20, turn[2] - 20) < 8).astype(np.uint8)
        grid = Grid.from_axes(labels.shape, spacing_mm=(1, 1, 1))
        with pytest.raises((LabelError, MeasurementError)):
            trace(Segmentation(labels, grid, {1: "ivc"}))


class TestTheTree:
    def test_has_one_branch_for_every_vein_parents_first(self, y_tree):
        assert {b.vessel: b.parent for b in y_tree.branches} == {
            "ivc": None,
            "left_common_iliac_vein": "ivc",
            "left_external_iliac_vein": "left_common_iliac_vein",
            "left_internal_iliac_vein": "left_common_iliac_vein",
            "right_common_iliac_vein": "ivc",
            "right_external_iliac_vein": "right_common_iliac_vein",
            "right_internal_iliac_vein": "right_common_iliac_vein",
        }
        known: list[str | None] = [None]
        for branch in y_tree.branches:
            assert branch.parent in known
            known.append(branch.vessel)

    def test_every_vein_runs_through_its_middle(self, y_tree, y_scene):
        for branch in y_tree.branches:
            curve, truth = branch.curve, course_of(y_scene, branch.vessel)
            clear = (curve.position_mm > 15) & (curve.position_mm < curve.position_mm[-1] - 8)
            keep = np.flatnonzero(clear)
            error = aside_mm(curve.part(slice(keep[0], keep[-1])), truth)
            assert error.mean() < 0.15, branch.vessel
            assert np.quantile(error, 0.95) < 0.35, branch.vessel

    def test_veins_in_full_view_are_as_long_as_they_are(self, y_tree, y_twin):
        for row in y_twin.truth.segments.rows:
            if "common" in row["vessel"] or "internal" in row["vessel"]:
                length = y_tree.branch(row["vessel"]).curve.length_mm
                assert length == pytest.approx(row["length_mm"], abs=4.0), row["vessel"]

    @pytest.mark.parametrize("seed", [2, 3])
    def test_the_confluence_is_where_the_axes_meet(self, seed):
        scene = iliocaval_y(seed)
        seg = ideal_mask(scene, fit_grid(scene, (3.0, 1.5, 1.5), margin_mm=4.0))
        meeting = trace(seg).confluence_lps_mm
        assert np.linalg.norm(meeting - scene.tubes[0].curve.points_lps_mm[-1]) < 1.5

    def test_all_veins_meet_at_the_confluence(self, y_tree, y_scene):
        meeting = y_tree.confluence_lps_mm
        assert np.linalg.norm(meeting - y_scene.tubes[0].curve.points_lps_mm[-1]) < 1.5
        assert np.linalg.norm(y_tree.branch("ivc").curve.points_lps_mm[-1] - meeting) < 1.0
        for side in ("left", "right"):
            first = y_tree.branch(f"{side}_common_iliac_vein").curve.points_lps_mm[0]
            assert np.linalg.norm(first - meeting) < 0.5

    def test_a_vein_begins_where_the_one_before_it_ends(self, y_tree):
        for side in ("left", "right"):
            end = y_tree.branch(f"{side}_common_iliac_vein").curve.points_lps_mm[-1]
            begin = y_tree.branch(f"{side}_external_iliac_vein").curve.points_lps_mm[0]
            assert np.linalg.norm(end - begin) <= 1.01

    def test_tangents_point_away_from_the_heart(self, y_tree):
        for branch in y_tree.branches:
            assert branch.curve.tangents[:, 2].mean() < -0.3, branch.vessel

    def test_left_veins_lie_on_the_left(self, y_tree):
        for part in ("external_iliac_vein", "internal_iliac_vein"):
            left = y_tree.branch(f"left_{part}").curve.points_lps_mm[:, 0]
            right = y_tree.branch(f"right_{part}").curve.points_lps_mm[:, 0]
            assert left.min() > right.max()

    def test_ends_are_junctions_open_or_closed(self, y_tree):
        ends = {b.vessel: (b.central_end, b.peripheral_end) for b in y_tree.branches}
        assert ends["ivc"] == ("open", "junction")
        assert ends["left_common_iliac_vein"] == ("junction", "junction")
        assert ends["left_external_iliac_vein"] == ("junction", "open")
        assert ends["left_internal_iliac_vein"] == ("junction", "closed")


# A spur of 3 x 3 voxels pulls the centre of the sections it leaves from, in a vein 20 mm wide.
PULL_MM = 0.75


class TestFaultyMasks:
    def test_a_hole_is_filled(self, change, y_tree):
        k, j, i = index_at(y_tree, "ivc", 30)

        def pierce(labels, _):
            labels[k - 2 : k + 2, j - 2 : j + 2, i - 2 : i + 2] = 0

        tree = change(pierce)
        assert "holes_filled" in tree.branch("ivc").flags
        assert_same_tree(tree, y_tree, within_mm=0.01)

    def test_an_island_is_removed(self, change, y_tree):
        def drop(labels, value_of):
            labels[2:5, 2:5, 2:5] = value_of["ivc"]

        tree = change(drop)
        assert "islands_removed" in tree.branch("ivc").flags
        assert_same_tree(tree, y_tree, within_mm=0.1)

    def test_a_spur_does_not_become_a_branch(self, change, y_tree):
        k, j, i = index_at(y_tree, "ivc", 30)

        def grow(labels, value_of):
            labels[k - 1 : k + 2, j - 1 : j + 2, i : i + 22] = value_of["ivc"]

        assert_same_tree(change(grow), y_tree, within_mm=PULL_MM)

    def test_a_spur_at_the_side_of_an_end_does_not_turn_the_vein(self, change, y_tree):
        """A renal vein's stump near the top: the cava still ends at its own top."""
        k, j, i = index_at(y_tree, "ivc", 15)

        def grow(labels, value_of):
            labels[k - 1 : k + 2, j - 2 : j + 3, i : i + 20] = value_of["ivc"]

        assert_same_tree(change(grow), y_tree, within_mm=PULL_MM)

    def test_a_loop_does_not_divert_the_vein(self, change, y_tree):
        k, j, i = index_at(y_tree, "ivc", 30)

        def bridge(labels, value_of):
            ivc = value_of["ivc"]
            labels[k - 8 : k - 5, j - 1 : j + 2, i : i + 20] = ivc
            labels[k + 5 : k + 8, j - 1 : j + 2, i : i + 20] = ivc
            labels[k - 8 : k + 8, j - 1 : j + 2, i + 17 : i + 20] = ivc

        assert_same_tree(change(bridge), y_tree, within_mm=PULL_MM)

    def test_a_rough_surface_costs_little(self, change, y_tree):
        def roughen(labels, _):
            from scipy.ndimage import binary_dilation

            inside = labels > 0
            rim = inside & binary_dilation(~inside)
            labels[rim & (np.random.default_rng(4).random(labels.shape) < 0.3)] = 0

        assert_same_tree(change(roughen), y_tree, within_mm=0.6)

    def test_labels_drawn_with_a_gap_of_one_voxel_still_join(self, change, y_tree):
        def part(labels, _):
            apart = np.zeros(labels.shape, dtype=bool)
            for axis in range(3):
                here, there = np.moveaxis(labels, axis, 0)[:-1], np.moveaxis(labels, axis, 0)[1:]
                touching = (here != there) & (here > 0) & (there > 0)
                np.moveaxis(apart, axis, 0)[:-1] |= touching
            labels[apart] = 0

        tree = change(part)
        assert [b.parent for b in tree.branches] == [b.parent for b in y_tree.branches]
        assert np.linalg.norm(tree.confluence_lps_mm - y_tree.confluence_lps_mm) < 1.5
        for branch in tree.branches:
            course = dense(y_tree.branch(branch.vessel).curve)
            own = branch.curve.part(slice(int(INSIDE_PARENT_MM) if branch.parent else 0, None))
            assert np.median(aside_mm(own, course)) < 0.1, branch.vessel

    def test_a_gap_of_one_slice_between_veins_of_one_tube_is_bridged(self, change, y_tree):
        """Whoever draws the external iliac vein may begin a slice below the common one."""
        top = index_at(y_tree, "left_external_iliac_vein", 20)[0]

        def part(labels, value_of):
            common, external = (
                value_of[f"left_{part}_iliac_vein"] for part in ("common", "external")
            )
            above = np.arange(labels.shape[0])[:, None, None] > top
            tube = (labels == common) | (labels == external)
            labels[tube & above] = common
            labels[tube & ~above] = external
            labels[top][(labels[top] == common) | (labels[top] == external)] = 0

        tree = change(part)
        assert tree.branch("left_external_iliac_vein").parent == "left_common_iliac_vein"
        whole = np.vstack(
            [dense(y_tree.branch(f"left_{p}_iliac_vein").curve) for p in ("common", "external")]
        )
        for part_name in ("common", "external"):
            curve = tree.branch(f"left_{part_name}_iliac_vein").curve
            assert np.median(aside_mm(curve, whole)) < 0.1

    def test_a_vein_of_a_few_voxels_is_named_and_the_others_are_traced(self, change, y_tree):
        def shrink(labels, value_of):
            external = np.argwhere(labels == value_of["right_external_iliac_vein"])
            labels[tuple(external[12:].T)] = 0
            internal = np.argwhere(labels == value_of["right_internal_iliac_vein"])
            labels[tuple(internal[:-12].T)] = 0

        tree = change(shrink)
        gone = {"right_external_iliac_vein", "right_internal_iliac_vein"}
        assert {failure.vessel for failure in tree.failures} == gone
        traced = {branch.vessel for branch in tree.branches}
        assert traced == {branch.vessel for branch in y_tree.branches} - gone

    def test_veins_that_do_not_touch_are_traced_apart(self, change):
        def remove_left(labels, value_of):
            labels[labels == value_of["left_common_iliac_vein"]] = 0

        tree = change(remove_left)
        assert tree.branch("left_external_iliac_vein").parent is None
        assert tree.branch("right_common_iliac_vein").parent == "ivc"


@pytest.mark.parametrize(
    ("order", "flips"),
    [
        ((0, 1, 2), (True, False, False)),
        ((0, 1, 2), (False, False, True)),
        ((0, 1, 2), (True, True, True)),
        ((2, 0, 1), (False, False, False)),
        ((1, 0, 2), (False, True, True)),
        ((2, 1, 0), (False, True, False)),
    ],
    ids=["head-first", "mirrored columns", "all turned", "sagittal", "coronal", "transposed"],
)
def test_the_tree_does_not_depend_on_how_the_voxels_are_stored(
    y_twin, y_tree, stored, order, flips
):
    seg = y_twin.segmentation
    grid, apply = stored(seg.grid, order, flips)
    tree = trace(Segmentation(apply(seg.labels), grid, seg.names))
    assert np.linalg.norm(tree.confluence_lps_mm - y_tree.confluence_lps_mm) < 0.1
    assert_same_tree(tree, y_tree, within_mm=0.2)


def test_the_tree_moves_with_the_patient(y_twin, y_tree):
    seg = y_twin.segmentation
    affine = seg.grid.affine.copy()
    shift = np.array([123.4, -56.7, 1089.1])
    affine[:3, 3] += shift
    tree = trace(Segmentation(seg.labels, Grid(seg.grid.shape, affine), seg.names))
    moved = [
        replace(
            branch,
            curve=replace(branch.curve, points_lps_mm=branch.curve.points_lps_mm - shift),
        )
        for branch in tree.branches
    ]
    assert_same_tree(replace(tree, branches=tuple(moved)), y_tree, within_mm=0.1)


def test_undivided_iliac_veins_are_traced_from_the_confluence(y_twin, y_scene):
    """As TotalSegmentator labels them: one vein a side from the cava to the groin."""
    seg = y_twin.segmentation
    names = {1: "ivc", 2: "left_iliac_vein", 3: "right_iliac_vein"}
    lookup = np.zeros(256, dtype=np.uint8)
    for value, name in seg.names.items():
        if "internal" not in name:
            lookup[value] = 1 if name == "ivc" else 2 if name.startswith("left") else 3
    tree = trace(Segmentation(lookup[seg.labels], seg.grid, names))
    assert {b.vessel: b.parent for b in tree.branches} == {
        "ivc": None,
        "left_iliac_vein": "ivc",
        "right_iliac_vein": "ivc",
    }
    meeting = y_scene.tubes[0].curve.points_lps_mm[-1]
    assert np.linalg.norm(tree.confluence_lps_mm - meeting) < 1.5


def test_noise_in_the_image_has_no_say_in_the_labels_tree(tilted_scene):
    grid = fit_grid(tilted_scene, (2.0, 1.5, 1.5), margin_mm=4.0)
    trees = [
        trace(render(tilted_scene, grid, Scanner(noise_hu=noise)).segmentation) for noise in (0, 40)
    ]
    first, second = (tree.branches[0].curve.points_lps_mm for tree in trees)
    assert np.array_equal(first, second)


@pytest.fixture(scope="module")
def doubled() -> Scene:
    return duplicated_cava(2)


@pytest.fixture(scope="module")
def doubled_tree(doubled) -> VesselTree:
    return trace(ideal_mask(doubled, fit_grid(doubled, (3.0, 1.5, 1.5), margin_mm=4.0)))


class TestVariants:
    def test_of_two_cavas_the_right_one_is_followed_from_end_to_end(self, doubled, doubled_tree):
        branch = doubled_tree.branch("ivc")
        assert "duplicated_ivc" in branch.flags
        assert branch.curve.length_mm == pytest.approx(doubled.tubes[0].curve.length_mm, abs=4.0)
        assert aside_mm(inner(branch.curve), course_of(doubled, "ivc")).max() < 1.0

    def test_the_left_iliac_vein_ends_where_the_left_cava_begins(self, doubled, doubled_tree):
        branch = doubled_tree.branch("left_common_iliac_vein")
        assert branch.parent == "ivc"
        assert aside_mm(inner(branch.curve), course_of(doubled, branch.vessel)).max() < 1.0
        begin = branch.curve.points_lps_mm[0]
        assert np.linalg.norm(begin - doubled_tree.confluence_lps_mm) > 35.0

    def test_a_cava_on_the_left_is_one_cava(self):
        scene = left_cava(2)
        tree = trace(ideal_mask(scene, fit_grid(scene, (3.0, 1.5, 1.5), margin_mm=4.0)))
        branch = tree.branch("ivc")
        assert branch.flags == ()
        assert aside_mm(inner(branch.curve), course_of(scene, "ivc")).max() < 1.5
        assert {b.parent for b in tree.branches if "common_iliac" in b.vessel} == {"ivc"}
