"""The list of cases, File > Open, loading that is stopped, second readers."""

from __future__ import annotations

import shutil
import threading
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from venoseg.review import Cancelled, find_work, list_versions
from venoseg.segmentation import eraser, paint_ball
from venoseg_napari import cases
from venoseg_napari.window import ReviewWindow

pytestmark = pytest.mark.gui


def said_by(desk):
    said = []
    desk.told.connect(lambda words, _: said.append(words))
    desk.work.said.connect(said.append)
    return said


@pytest.fixture
def three(window, case):
    """A list of three volumes; the first is open."""
    made = window()
    for name in ("second", "third"):
        (case / name).mkdir()
        shutil.copy(case / "ct.nii.gz", case / name / "ct.nii.gz")
    (first,) = made.desk.items
    # Of equal bytes they would be one case to the list.
    made.desk.items = (
        first,
        replace(first, key="2" * 16, title="second"),
        replace(first, key="3" * 16, title="third"),
    )
    made.desk.worklist_changed.emit()
    return made


@pytest.mark.parametrize("packed", [False, True])
def test_file_open_leads_to_the_list_and_adds_no_layer(window, wait, case, packed):
    made = window()
    layers = list(made.viewer.layers)
    path = case / "ct.nii.gz"
    if packed:
        path = case / "export.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(case / "ct.nii.gz", "ct.nii.gz")
    made.desk.items = ()
    said = said_by(made.desk)
    # What napari's own File > Open and a drop call.
    made.viewer.window._qt_viewer._qt_open([str(path)], stack=False)
    wait(lambda: bool(made.desk.items) or any("choose" in words for words in said))
    assert list(made.viewer.layers) == layers
    wait(lambda: made.desk.session is not None and made.desk.figures.settled)


def test_the_keys_lead_through_the_cases_that_pass_the_filter(three, wait):
    desk, dock = three.desk, three.worklist
    main = three.viewer.window._qt_window
    dock.words.setText("third")
    assert dock.list.count() == 1
    main.activateWindow()
    assert QTest.qWaitForWindowActive(main)
    three.viewer.window._qt_viewer.canvas.native.setFocus()
    QTest.keyClick(main, Qt.Key.Key_PageDown)
    assert desk.chosen.title == "third"
    wait(lambda: desk.session is not None and desk.figures.settled)
    said = said_by(desk)
    QTest.keyClick(main, Qt.Key.Key_PageDown)
    assert "no further case" in said[0]
    dock.words.setText("")
    QTest.keyClick(main, Qt.Key.Key_PageUp)
    assert desk.chosen.title == "second"
    wait(lambda: desk.session is not None and desk.figures.settled)
    dock.status.setCurrentText("in progress")
    titles = {item.title for item in dock.shown()}
    assert titles == {desk.items[0].title, "second", "third"}
    dock.status.setCurrentText("signed")
    assert dock.shown() == ()
    dock.status.setCurrentIndex(0)


def test_loading_says_how_far_it_is_and_is_stopped_by_the_button(window, wait, monkeypatch):
    made = window()
    desk, bar = made.desk, made.bar
    going = threading.Event()

    def slow(*_, say, cancelled):
        number = 0
        while not cancelled():
            number += 1
            say(f"reading the image: {number} of 1000 slices")
            going.wait(0.01)
        raise Cancelled("stopped by the user")

    monkeypatch.setattr(cases, "load", slow)
    said = said_by(desk)
    desk.open(desk.items[0])
    wait(lambda: any("of 1000 slices" in words for words in said))
    assert bar.progress.isVisibleTo(bar)
    assert bar.cancel.isVisibleTo(bar)
    QTest.qWait(100)  # until it has its place
    QTest.mouseClick(bar.cancel, Qt.MouseButton.LeftButton)
    wait(lambda: "stopped" in bar.message.text())
    assert desk.session is None
    assert not bar.cancel.isVisibleTo(bar)
    monkeypatch.undo()
    desk.open(desk.items[0])
    wait(lambda: desk.session is not None and desk.figures.settled)


def test_a_second_reader_begins_where_the_first_did(window, wait):
    made = window()
    desk = made.desk
    start = desk.session.labels.copy()
    place = desk.cursor_lps_mm
    edit = paint_ball(desk.session.labels, desk.session.image.grid, place, 4.0, eraser(1))
    desk.change(lambda session: session.draw("bite", edit))
    wait(lambda: desk.figures.settled)
    made.bar.second.setChecked(True)
    QTest.mouseClick(made.bar.sign, Qt.MouseButton.LeftButton)
    wait(lambda: not desk.busy and "signed as" in made.bar.message.text(), 120)
    made.bar.second.setChecked(False)
    assert "needs second reader" in made.worklist.list.item(0).text()
    first = desk.session.labels.copy()
    assert not np.array_equal(first, start)
    said = said_by(desk)
    desk.reviewer = "bert"
    try:
        desk.open(desk.items[0])
        wait(lambda: desk.session is not None and desk.figures.settled)
        assert any("second reading" in words for words in said)
        np.testing.assert_array_equal(desk.session.labels, start)
        QTest.mouseClick(made.bar.sign, Qt.MouseButton.LeftButton)
        wait(lambda: not desk.busy and "signed as 0002-bert" in made.bar.message.text(), 120)
        assert "signed" in made.worklist.list.item(0).text()
        names = [version.name for version in list_versions(desk.session.folder.versions)[0]]
        assert names == ["0000-start", "0001-anna", "0002-bert"]
    finally:
        desk.reviewer = "anna"


def test_reviews_lie_beside_the_images_of_each_path_unless_named(case, qtbot):
    import napari

    viewer = napari.Viewer(show=False)
    made = ReviewWindow(viewer, "anna", None)
    with qtbot.waitSignal(made.desk.worklist_changed, timeout=30_000):
        made.desk.find(case / "ct.nii.gz")
    assert made.desk.reviews == case / "venoseg-review"
    assert find_work(case / "ct.nii.gz")[0].key == made.desk.items[0].key
    made.close()
    viewer.close()
