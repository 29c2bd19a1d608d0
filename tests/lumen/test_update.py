"""An edit measured again must give what a measurement of everything gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from venoseg.errors import LabelError, MeasurementError, UsageError
from venoseg.lumen import Measurements, measure, measure_along, remeasure, with_contour
from venoseg.phantom import Scanner, fit_grid, ideal_mask, render, shape
from venoseg.segmentation import Segmentation
from venoseg.volume import Grid

Box = tuple[slice, slice, slice]


@pytest.fixture(scope="module", params=["gray", "mask"])
def found(request, y_twin) -> Measurements:
    return measure(y_twin.image, y_twin.segmentation, boundary=request.param)


@pytest.fixture(scope="module")
def gray_found(y_twin) -> Measurements:
    return measure(y_twin.image, y_twin.segmentation)


def random_edit(seg: Segmentation, seed: int) -> tuple[Segmentation, Box]:
    """Return labels changed somewhere: a slice grown or thinned, a dent, a bump, a lost speck."""
    rng = np.random.default_rng(seed)
    voxels = np.argwhere(seg.labels)
    k, j, i = voxels[rng.integers(len(voxels))].tolist()
    labels = seg.labels.copy()
    height, width = labels.shape[1:]
    whole: Box = (slice(k, k + 1), slice(0, height), slice(0, width))
    small = tuple(
        slice(max(n - 3, 0), min(n + 4, size))
        for n, size in zip((k, j, i), labels.shape, strict=True)
    )
    kind = rng.integers(5)
    if kind == 0:
        grown = ndimage.grey_dilation(labels[k], (3, 3))
        labels[k] = np.where(labels[k] > 0, labels[k], grown)
    elif kind == 1:
        labels[k] = np.where(ndimage.binary_erosion(labels[k] > 0), labels[k], 0)
    elif kind == 2:
        labels[small] = np.where(ndimage.binary_erosion(labels[small] > 0), labels[small], 0)
    elif kind == 3:
        labels[small] = labels[k, j, i]
    else:
        labels[k, j, i] = 0
    return replace(seg, labels=labels), whole if kind < 2 else small


def whole_again(found: Measurements, after: Measurements) -> Measurements:
    models = {p.vessel: p.evidence.model for p in found.profiles}
    boundary = str(found.parameters["boundary"])
    return measure_along(after.tree, found.volume, after.segmentation, boundary, models=models)


def assert_alike(part: Measurements, whole: Measurements) -> None:
    for some, every in zip(part.profiles, whole.profiles, strict=True):
        assert some.flags == every.flags
        np.testing.assert_array_equal(some.measured, every.measured)
        np.testing.assert_array_equal(some.from_image, every.from_image)
        for name in ("equivalent_mm", "minimum_mm", "maximum_mm", "inscribed_mm"):
            np.testing.assert_allclose(
                getattr(some.shapes, name), getattr(every.shapes, name), atol=0.005
            )
        np.testing.assert_allclose(some.minimum_interval_mm, every.minimum_interval_mm, atol=0.005)
        np.testing.assert_allclose(some.area_interval_mm2, every.area_interval_mm2, rtol=1e-3)


@pytest.mark.parametrize("seed", range(6))
def test_an_edit_measured_again_is_the_whole_measured_again(found, seed):
    edited, box = random_edit(found.segmentation, seed)
    after = remeasure(found, edited, box)
    assert after.segmentation is edited
    assert_alike(after, whole_again(found, after))


def test_edit_after_edit_is_the_whole_measured_again(gray_found):
    after = gray_found
    for seed in range(20, 23):
        edited, box = random_edit(after.segmentation, seed)
        after = remeasure(after, edited, box)
    assert_alike(after, whole_again(gray_found, after))


def test_what_lies_far_from_the_edit_is_the_very_same(gray_found):
    seg = gray_found.segmentation
    k = int(np.flatnonzero((seg.labels == value_of(seg, "ivc")).any(axis=(1, 2)))[-12])
    labels = seg.labels.copy()
    labels[k] = np.where(ndimage.binary_erosion(labels[k] > 0), labels[k], 0)
    box = (slice(k, k + 1), slice(0, labels.shape[1]), slice(0, labels.shape[2]))
    after = remeasure(gray_found, replace(seg, labels=labels), box)
    assert after.needs_retrace == ()
    assert after.cross_sections != gray_found.cross_sections
    for before, now in zip(gray_found.profiles, after.profiles, strict=True):
        if before.vessel != "ivc":
            assert now.shapes is before.shapes
    kept = [row for row in after.cross_sections.rows if row["vessel"] != "ivc"]
    assert kept == [r for r in gray_found.cross_sections.rows if r["vessel"] != "ivc"]


def test_an_edit_that_changes_nothing_changes_nothing(gray_found):
    box = tuple(slice(0, n) for n in gray_found.segmentation.labels.shape)
    after = remeasure(gray_found, gray_found.segmentation, box)
    assert after.cross_sections == gray_found.cross_sections
    assert after.segments == gray_found.segments
    assert after.needs_retrace == ()


def test_an_edit_far_from_every_vein_and_a_box_of_nothing_change_nothing(gray_found):
    seg = gray_found.segmentation
    slices = seg.labels.shape[0]
    beside: Box = (slice(slices - 2, slices), slice(0, 2), slice(0, 2))
    assert not seg.labels[beside].any()
    for box in (beside, (slice(0, 0), slice(0, 0), slice(0, 0))):
        after = remeasure(gray_found, seg, box)
        assert all(a is b for a, b in zip(after.profiles, gray_found.profiles, strict=True))
        assert not after.needs_retrace


def value_of(seg: Segmentation, vessel: str) -> int:
    return next(value for value, name in seg.names.items() if name == vessel)


def middle_slice(seg: Segmentation, vessel: str) -> int:
    slices = np.flatnonzero((seg.labels == value_of(seg, vessel)).any(axis=(1, 2)))
    return int(slices[len(slices) // 2])


class TestNeedsRetrace:
    def test_when_a_vein_is_cut_in_two(self, gray_found):
        seg = gray_found.segmentation
        k = middle_slice(seg, "ivc")
        labels = seg.labels.copy()
        labels[k] = 0
        after = remeasure(gray_found, replace(seg, labels=labels), box_of(seg, k, k + 1))
        assert any("parts pieces" in reason for reason in after.needs_retrace)

    def test_when_a_vein_is_prolonged(self, gray_found):
        seg = gray_found.segmentation
        value = value_of(seg, "left_internal_iliac_vein")
        slices = np.flatnonzero((seg.labels == value).any(axis=(1, 2)))
        first = int(slices[0])
        labels = seg.labels.copy()
        for k in range(first - 6, first):
            labels[k][(labels[first] == value) & (labels[k] == 0)] = value
        after = remeasure(gray_found, replace(seg, labels=labels), box_of(seg, first - 6, first))
        assert any("longer" in reason for reason in after.needs_retrace)

    def test_when_the_labels_move_away_from_the_centerline(self, gray_found):
        seg = gray_found.segmentation
        k = middle_slice(seg, "ivc")
        labels = seg.labels.copy()
        labels[k - 2 : k + 3] = np.roll(labels[k - 2 : k + 3], 7, axis=2)
        after = remeasure(gray_found, replace(seg, labels=labels), box_of(seg, k - 2, k + 3))
        assert any("no longer runs in the middle" in reason for reason in after.needs_retrace)

    def test_when_a_vein_comes_that_was_not_traced(self, tilted):
        seg = tilted.segmentation
        found = measure(tilted.image, seg, boundary="mask")
        names = {**seg.names, 9: "left_internal_iliac_vein"}
        labels = seg.labels.copy()
        labels[0:2, 0:4, 0:4] = 9
        edited = Segmentation(labels, seg.grid, names)
        after = remeasure(found, edited, (slice(0, 2), slice(0, 4), slice(0, 4)))
        assert after.needs_retrace == ("left_internal_iliac_vein: not traced yet",)

    def test_and_goes_on_saying_so(self, gray_found):
        seg = gray_found.segmentation
        k = middle_slice(seg, "ivc")
        labels = seg.labels.copy()
        labels[k] = 0
        cut = remeasure(gray_found, replace(seg, labels=labels), box_of(seg, k, k + 1))
        edited, box = random_edit(cut.segmentation, 3)
        again = remeasure(cut, edited, box)
        assert set(cut.needs_retrace) <= set(again.needs_retrace)


def box_of(seg: Segmentation, first: int, last: int) -> Box:
    return (slice(first, last), slice(0, seg.labels.shape[1]), slice(0, seg.labels.shape[2]))


def test_labels_on_another_grid_are_refused(gray_found):
    seg = gray_found.segmentation
    affine = seg.grid.affine.copy()
    affine[0, 3] += 1.0
    moved = Segmentation(seg.labels, Grid(seg.grid.shape, affine), seg.names)
    with pytest.raises(LabelError, match="another grid"):
        remeasure(gray_found, moved, box_of(seg, 0, 1))


def circle(found: Measurements, vessel: str, station: int, radius_mm: float) -> np.ndarray:
    """Return a circle in a station's plane, around the station."""
    curve = next(p for p in found.profiles if p.vessel == vessel).branch.curve
    angle = np.linspace(0.0, 2 * np.pi, 60, endpoint=False)[:, None]
    return (
        curve.points_lps_mm[station]
        + radius_mm * np.cos(angle) * curve.across[station]
        + radius_mm * np.sin(angle) * curve.upward[station]
    )


class TestDrawnContours:
    def drawn(self, found: Measurements) -> Measurements:
        return with_contour(found, "ivc", 20.0, circle(found, "ivc", 20, 5.0))

    def test_are_measured_in_place_of_what_was_found(self, gray_found):
        before, after = gray_found.cross_sections.rows, self.drawn(gray_found).cross_sections.rows
        changed = [n for n, row in enumerate(after) if row != before[n]]
        assert len(changed) == 1
        row = after[changed[0]]
        assert (row["vessel"], row["position_mm"]) == ("ivc", 20.0)
        assert row["equivalent_diameter_mm"] == pytest.approx(10.0, abs=0.03)
        assert row["minimum_diameter_mm"] == pytest.approx(10.0, abs=0.03)
        assert "manual_contour" in str(row["flags"]).split()
        assert row["lumen_area_low_mm2"] is None
        assert row["minimum_diameter_high_mm"] is None

    def test_enter_the_row_of_the_vein(self, gray_found):
        after = self.drawn(gray_found)
        ivc = next(row for row in after.segments.rows if row["vessel"] == "ivc")
        assert ivc["minimum_area_mm2"] == pytest.approx(25 * np.pi, abs=0.5)
        assert ivc["minimum_area_position_mm"] == 20.0

    def test_make_a_station_measured_that_was_not(self, gray_found):
        ivc = next(p for p in gray_found.profiles if p.vessel == "ivc")
        blank = int(np.flatnonzero(~ivc.measured)[-1])
        after = with_contour(gray_found, "ivc", blank, circle(gray_found, "ivc", blank, 6.0))
        row = [r for r in after.cross_sections.rows if r["vessel"] == "ivc"][blank]
        assert row["lumen_area_mm2"] == pytest.approx(36 * np.pi, rel=0.01)

    def test_can_be_taken_back(self, gray_found):
        again = with_contour(self.drawn(gray_found), "ivc", 20.0, None)
        assert again.cross_sections == gray_found.cross_sections
        assert again.segments == gray_found.segments

    def test_stay_when_the_labels_are_edited(self, gray_found):
        drawn = self.drawn(gray_found)
        k = round(drawn.segmentation.grid.to_index(circle(drawn, "ivc", 20, 0.0)[0])[0])
        labels = drawn.segmentation.labels.copy()
        labels[k] = np.where(ndimage.binary_erosion(labels[k] > 0), labels[k], 0)
        edited = replace(drawn.segmentation, labels=labels)
        after = remeasure(drawn, edited, box_of(edited, k, k + 1))
        row = next(r for r in after.cross_sections.rows if "manual_contour" in str(r["flags"]))
        assert row["equivalent_diameter_mm"] == pytest.approx(10.0, abs=0.03)

    @pytest.mark.parametrize("turned", [False, True], ids=["counter-clockwise", "clockwise"])
    def test_may_run_either_way(self, gray_found, turned):
        outline = circle(gray_found, "ivc", 20, 5.0)[:: -1 if turned else 1]
        after = with_contour(gray_found, "ivc", 20.0, outline)
        assert after.profiles[0].shapes.area_mm2[20] == pytest.approx(25 * np.pi, abs=0.5)

    def test_out_of_the_plane_are_refused(self, gray_found):
        with pytest.raises(MeasurementError, match="plane"):
            with_contour(gray_found, "ivc", 20.0, circle(gray_found, "ivc", 30, 5.0))

    def test_without_an_area_are_refused(self, gray_found):
        with pytest.raises(MeasurementError, match="no area"):
            with_contour(gray_found, "ivc", 20.0, circle(gray_found, "ivc", 20, 0.0))

    def test_of_a_vein_that_is_not_there_are_refused(self, tilted):
        found = measure(tilted.image, tilted.segmentation, boundary="mask")
        with pytest.raises(UsageError, match="not measured"):
            with_contour(found, "left_iliac_vein", 20.0, np.zeros((4, 3)))


def test_an_edit_of_a_thin_vein_is_felt_as_far_as_its_level_is_averaged():
    scene = shape("small", seed=61)
    seg = ideal_mask(scene, fit_grid(scene, (1.0, 0.78, 0.78), margin_mm=8.0))
    twin = render(scene, seg.grid, Scanner(noise_hu=10, seed=7))
    before = measure(twin.image, twin.segmentation)
    for seed in (44, 53):
        edited, box = random_edit(twin.segmentation, seed)
        after = remeasure(before, edited, box)
        assert_alike(after, whole_again(before, after))
