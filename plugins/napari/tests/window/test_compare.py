"""Two visits side by side: a vein that is narrower at the second, in another frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import QPointF, Qt
from qtpy.QtTest import QTest

from venoseg.errors import InputError
from venoseg.lumen import measure
from venoseg.segmentation import Segmentation
from venoseg.volume import Grid, Volume
from venoseg_napari.compare import CompareWindow, pair_of

pytestmark = pytest.mark.gui

MOVED_MM = 30.0


def visit(
    small_case, *, moved_mm: float = 0.0, narrow: bool = False, names: dict[int, str] | None = None
):
    """Measure the small case; narrow: 3 mm less all around from 60 to 75 mm up."""
    voxels, segmentation = small_case
    original = segmentation.grid
    labels = segmentation.labels.copy()
    if narrow:
        x, y, z = np.moveaxis(
            original.to_lps(np.moveaxis(np.indices(original.shape), 0, -1)), -1, 0
        )
        shut = (np.hypot(x - 10.0, y) > 4.5) & (z > 60) & (z < 75) & (labels > 0)
        voxels, labels = np.where(shut, 40, voxels).astype(np.int16), np.where(shut, 0, labels)
    affine = original.affine.copy()
    affine[:3, 3] += moved_mm
    grid = Grid(original.shape, affine)
    volume = Volume(voxels, grid, "HU")
    known = segmentation.names if names is None else names
    return measure(volume, Segmentation(labels.astype(np.uint8), grid, known))


@pytest.fixture(scope="module")
def pair(small_case):
    after = visit(small_case, moved_mm=MOVED_MM, narrow=True)
    return pair_of(("January", "June"), visit(small_case), after)


def test_a_click_finds_the_same_level_of_the_other_visit(qtbot, pair):
    window = CompareWindow()
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    window.show_pair(pair)
    assert window.vessels.currentData() == "ivc"
    # It begins where the visits differ most.
    match = pair.match.vessels["ivc"]
    curve = pair.before.profiles[0].branch.curve
    assert 58.0 < curve.points_lps_mm[window.level, 2] < 77.0
    view = window.views[1]
    level = len(curve) // 3
    scene = view.vb.mapViewToScene(QPointF(float(match.to_mm[level]), 0.0))
    place = window.widget.mapFromScene(scene)
    QTest.mouseClick(window.widget.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert abs(window.level - level) <= 1
    assert window.marks[0].value() == pytest.approx(match.from_mm[window.level])
    assert window.marks[1].value() == pytest.approx(match.to_mm[window.level])
    assert "baseline, at" in window.words.text()
    assert "follow-up, at" in window.words.text()


def test_matched_levels_are_the_same_place_of_the_patient(small_case):
    pair = pair_of(("a", "b"), visit(small_case), visit(small_case, moved_mm=MOVED_MM))
    before, after = (one.profiles[0].branch.curve for one in (pair.before, pair.after))
    match = pair.match.vessels["ivc"]
    for level in (5, 20, 30):
        number = int(np.abs(after.position_mm - match.to_mm[level]).argmin())
        apart = after.points_lps_mm[number] - before.points_lps_mm[level]
        assert np.allclose(apart, MOVED_MM, atol=1.0)


def test_a_key_compares_the_open_case_with_the_selected_one(window, wait, case):
    made = window()
    desk = made.desk
    told = []
    desk.told.connect(lambda words, _: told.append(words))
    made.compare_with_selected()
    assert "select another CT" in told[-1]
    other = replace(desk.item, key="other", title="later", labels=case / "labels.seg.nrrd")
    desk.items = (desk.items[0], other)
    desk.worklist_changed.emit()
    made.worklist.list.setCurrentRow(1)
    next(key for key in made.keys if key.sequence == "C").act()
    wait(lambda: made.comparison.pair is not None)
    assert made.comparison.pair.titles[1] == "later"
    assert "follow-up, at" in made.comparison.words.text()
    made.comparison.hide()


def test_visits_without_a_common_level_are_refused(small_case):
    names = {1: "right_common_iliac_vein", 2: "right_external_iliac_vein"}
    before, after = visit(small_case), visit(small_case, names=names)
    with pytest.raises(InputError, match="no level can be matched"):
        pair_of(("a", "b"), before, after)
