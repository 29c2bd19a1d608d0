"""Figures that follow the editing, and never pass for new when they are not."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from venoseg.lumen import measure, remeasure
from venoseg.review import Contour, Live, Notes, empty_labels, stale_veins, with_contours
from venoseg.review.live import Figures
from venoseg.segmentation import Pen, Seed, apply, eraser, paint_ball
from venoseg.segmentation.edits import EMPTY_BOX


@pytest.fixture(scope="module")
def found(tilted):
    return measure(tilted.image, tilted.segmentation, boundary="mask")


class Desk:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Figures] = []
        self.lock = threading.Lock()

    def __call__(self, figures: Figures) -> None:
        with self.lock:
            self.told.append(figures)


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def live(tilted, found, desk):
    live = Live(tilted.image, tilted.segmentation, desk, known=found)
    yield live
    live.close()


def bite(labels, tilted, found, pen=None):
    """A stroke at the wall half way along the vein."""
    curve = found.profiles[0].branch.curve
    station = len(curve) // 2
    at = curve.points_lps_mm[station] + 7.0 * curve.across[station]
    return paint_ball(labels, tilted.image.grid, at, 3.0, pen or eraser(1))


def test_a_stroke_makes_its_vein_stale_at_once_and_new_soon(tilted, found, live, desk):
    labels = tilted.segmentation.labels.copy()
    edit = bite(labels, tilted, found)
    apply(labels, edit)
    live.change(edit.box, labels[edit.box])
    assert desk.told[0].stale == {"ivc"}
    assert desk.told[0].found is found
    assert not desk.told[0].settled
    assert live.wait(60)
    assert live.figures.settled
    assert desk.told[-1] is live.figures
    new = live.figures.found.segments.rows[0]
    assert new["minimum_area_mm2"] < found.segments.rows[0]["minimum_area_mm2"]


def test_a_stroke_in_hand_makes_its_vein_stale_from_its_first_voxel(tilted, found, live, desk):
    labels = tilted.segmentation.labels.copy()
    first = bite(labels, tilted, found)
    live.touch(first.box)
    assert desk.told[0].stale == {"ivc"}
    # Figures that come meanwhile of an earlier step are old already.
    apply(labels, first)
    live.change(first.box, labels[first.box])
    live.touch(first.box)
    assert live.wait(60)
    assert live.figures.found is not found
    assert live.figures.stale == {"ivc"}
    # No step comes of the stroke: what it touched is measured as it stands.
    live.let_go(first.box, labels[first.box])
    assert live.wait(60)
    assert live.figures.settled


def test_no_vein_changes_that_was_not_called_stale(y_twin):
    """Compare with a measurement along the same centerlines from the start."""
    found = measure(y_twin.image, y_twin.segmentation, boundary="mask")
    grid = y_twin.image.grid
    curve = found.tree.branch("left_common_iliac_vein").curve
    for station in (3, len(curve) // 2):
        labels = y_twin.segmentation.labels.copy()
        at = curve.points_lps_mm[station] + 5.0 * curve.upward[station]
        edit = paint_ball(labels, grid, at, 4.0, Pen(labels[tuple(_index(grid, curve, station))]))
        apply(labels, edit)
        edited = replace(y_twin.segmentation, labels=labels)
        again = remeasure(found, edited, edit.box)
        stale = stale_veins(found, edit.box)
        for old, new in zip(found.profiles, again.profiles, strict=True):
            same = np.allclose(old.shapes.area_mm2, new.shapes.area_mm2, equal_nan=True)
            assert same or old.vessel in stale
        assert "left_common_iliac_vein" in stale
        assert "right_external_iliac_vein" not in stale


def _index(grid, curve, station):
    return np.rint(grid.to_index(curve.points_lps_mm[station])).astype(int)


def test_strokes_while_measuring_are_all_in_the_last_figures(tilted, found, live):
    labels = tilted.segmentation.labels.copy()
    curve = found.profiles[0].branch.curve
    expected = found
    for station in (15, 30, 45, 60):
        at = curve.points_lps_mm[station] + 5.0 * curve.across[station]
        edit = paint_ball(labels, tilted.image.grid, at, 3.0, Pen(1))
        apply(labels, edit)
        live.change(edit.box, labels[edit.box])
        now = replace(tilted.segmentation, labels=labels.copy())
        expected = remeasure(expected, now, edit.box)
    assert live.wait(60)
    if not expected.needs_retrace:
        np.testing.assert_allclose(
            live.figures.found.profiles[0].shapes.area_mm2,
            expected.profiles[0].shapes.area_mm2,
            rtol=1e-6,
        )
    assert live.figures.settled


def test_a_longer_vein_is_traced_anew_and_nothing_passes_for_new_before(tilted, found, live, desk):
    labels = tilted.segmentation.labels.copy()
    curve = found.profiles[0].branch.curve
    tip = curve.points_lps_mm[-1] - 25.0 * curve.tangents[-1]
    beyond = curve.points_lps_mm[-1] + 5.0 * curve.tangents[-1]
    edit = paint_ball(labels, tilted.image.grid, [tip, beyond], 6.0, Pen(1))
    assert len(edit) > 0
    apply(labels, edit)
    live.change(edit.box, labels[edit.box])
    assert live.wait(60)
    assert live.figures.settled
    for figures in desk.told[:-1]:
        assert not figures.settled
    expected = measure(tilted.image, _with(tilted, labels))
    assert live.figures.found.segments.rows == expected.segments.rows


def test_an_end_that_is_set_limits_the_vein_until_it_is_taken_back(tilted, found, live):
    curve = found.profiles[0].branch.curve
    x, y, z = (float(value) for value in curve.points_lps_mm[20])
    end = Seed(found.profiles[0].vessel, "central_end", (x, y, z))
    nothing = tilted.segmentation.labels[EMPTY_BOX]
    live.change(EMPTY_BOX, nothing, notes=Notes(seeds=(end,)))
    assert not live.figures.settled
    assert live.wait(60)
    limited = live.figures.found.profiles[0].branch
    assert limited.curve.length_mm == pytest.approx(curve.length_mm - 20.0, abs=1.5)
    np.testing.assert_allclose(limited.curve.points_lps_mm[0], (x, y, z), atol=1.0)
    live.change(EMPTY_BOX, nothing, notes=Notes())
    assert live.wait(60)
    assert live.figures.found.profiles[0].branch.curve.length_mm == curve.length_mm


def _with(tilted, labels):
    return replace(tilted.segmentation, labels=labels)


def test_without_labels_nothing_is_measured_and_the_reason_is_told(tilted, desk):
    live = Live(tilted.image, empty_labels(tilted.image.grid), desk)
    try:
        assert live.wait(60)
        assert live.figures.found is None
        assert "no voxel of a vein" in live.figures.problem
        edit = paint_ball(
            empty_labels(tilted.image.grid).labels,
            tilted.image.grid,
            tilted.image.grid.to_lps([(20, 20, 20), (50, 20, 20)]),
            5.0,
            Pen(1),
        )
        part = np.zeros(tilted.image.grid.shape, np.uint8)
        apply(part, edit)
        live.change(edit.box, part[edit.box])
        assert live.wait(60)
        assert live.figures.found is not None
    finally:
        live.close()


def test_a_drawn_outline_takes_the_place_of_the_measured_one(found):
    profile = found.profiles[0]
    curve, station = profile.branch.curve, 30
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)[:, None]
    point = curve.points_lps_mm[station]
    outline = point + 4.0 * (
        np.cos(angle) * curve.across[station] + np.sin(angle) * curve.upward[station]
    )
    drawn = with_contours(found, [Contour(profile.vessel, point, outline)])
    assert drawn.profiles[0].shapes.area_mm2[station] == pytest.approx(np.pi * 16, rel=0.02)
    assert drawn.profiles[0].shapes.area_mm2[29] == profile.shapes.area_mm2[29]


def test_an_outline_that_fits_nowhere_is_left_out_and_named(found):
    profile = found.profiles[0]
    far = Contour(profile.vessel, np.full(3, 900.0), np.full((5, 3), 900.0))
    other = Contour("left_common_femoral_vein", np.zeros(3), np.zeros((5, 3)))
    result = with_contours(found, [far, other])
    assert result.segments.rows == found.segments.rows
    assert len(result.warnings) == len(found.warnings) + 2


def test_a_drawn_outline_is_in_the_figures_until_it_is_taken_back(tilted, found, live, desk):
    curve = found.profiles[0].branch.curve
    station = len(curve) // 2
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)[:, None]
    at = curve.points_lps_mm[station]
    ring = at + 3.0 * (
        np.cos(angle) * curve.across[station] + np.sin(angle) * curve.upward[station]
    )
    nothing = np.zeros((0, 0, 0), np.uint8)
    live.change(EMPTY_BOX, nothing, notes=Notes(contours=(Contour("ivc", at, ring),)))
    assert desk.told[0].stale == {"ivc"}
    assert live.wait(60)
    drawn = live.figures.found.profiles[0].shapes.equivalent_mm
    assert drawn[station] == pytest.approx(6.0, abs=0.1)
    # A stroke elsewhere does not lose it.
    labels = tilted.segmentation.labels.copy()
    edit = paint_ball(labels, tilted.image.grid, curve.points_lps_mm[8], 2.0, eraser(1))
    apply(labels, edit)
    live.change(edit.box, labels[edit.box])
    assert live.wait(60)
    kept = live.figures.found.profiles[0].shapes.equivalent_mm
    assert kept[station] == drawn[station]
    live.change(EMPTY_BOX, nothing, notes=Notes())
    assert live.wait(60)
    assert live.figures.settled
    again = live.figures.found.profiles[0]
    assert again.shapes.equivalent_mm[station] == pytest.approx(
        found.profiles[0].shapes.equivalent_mm[station], abs=0.2
    )
    assert not any("manual_contour" in flags for flags in again.flags)


def test_a_vein_that_is_erased_altogether_leaves_the_figures(y_twin, desk):
    found = measure(y_twin.image, y_twin.segmentation, boundary="mask")
    names = {name: value for value, name in y_twin.segmentation.names.items()}
    gone = names["left_external_iliac_vein"]
    labels = y_twin.segmentation.labels.copy()
    where = np.argwhere(labels == gone)
    low, high = where.min(axis=0), where.max(axis=0) + 1
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    labels[labels == gone] = 0
    live = Live(y_twin.image, y_twin.segmentation, desk, known=found, boundary="mask")
    try:
        live.change(box, labels[box])
        assert live.wait(120)
        assert live.figures.settled
        left = {p.vessel for p in live.figures.found.profiles}
        assert left == {p.vessel for p in found.profiles} - {"left_external_iliac_vein"}
    finally:
        live.close()


def test_a_defect_of_the_measuring_is_told_and_the_next_step_measures_anew(
    tilted, found, live, monkeypatch
):
    def broken(*_):
        raise IndexError("no such thing")

    labels = tilted.segmentation.labels.copy()
    edit = bite(labels, tilted, found)
    apply(labels, edit)
    with monkeypatch.context() as patch:
        patch.setattr("venoseg.review.live.remeasure", broken)
        live.change(edit.box, labels[edit.box])
        assert live.wait(60)
    assert live.figures.found is None
    assert "IndexError: a defect" in live.figures.problem
    live.change(edit.box, labels[edit.box])
    assert live.wait(60)
    assert live.figures.found is not None
