"""What goes wrong while a case is open is said in the window, and nothing is lost."""

from __future__ import annotations

import resource

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QMessageBox

from venoseg.errors import DependencyError
from venoseg.review import list_versions
from venoseg_napari import operations
from venoseg_napari.operations import Stroke

pytestmark = pytest.mark.gui


def paint(made):
    """A ball beside the vein."""
    desk = made.desk
    desk.take(kind="ball", vessel="right_common_iliac_vein", radius_mm=4.0)
    stroke = Stroke(desk, desk.turn.grid.directions[:, 0])
    stroke.move_to(desk.cursor_lps_mm + np.array([-25.0, 0.0, 0.0]))
    stroke.finish()


def test_a_disk_that_is_full_at_saving_leaves_no_version_and_loses_no_step(window, wait):
    made = window()
    desk = made.desk
    paint(made)
    wait(lambda: desk.figures.settled)
    labels = desk.session.labels.copy()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400, limits[1]))
    try:
        QTest.mouseClick(made.bar.save, Qt.MouseButton.LeftButton)
        wait(lambda: not desk.busy and "saving" not in made.bar.message.text())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "on a disk with room" in made.bar.message.text()
    assert "not yet saved" in made.bar.state.text()
    assert [v.kind for v in list_versions(desk.session.folder.versions)[0]] == ["start"]
    np.testing.assert_array_equal(desk.session.labels, labels)
    QTest.mouseClick(made.bar.save, Qt.MouseButton.LeftButton)
    wait(lambda: not desk.busy and "0001-anna" in made.bar.state.text())


def test_the_window_does_not_close_over_steps_that_are_not_kept(window, wait, monkeypatch):
    made = window()
    desk, main = made.desk, made.viewer.window._qt_window
    path = desk.session.folder.journal("anna")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 5, limits[1]))
    try:
        paint(made)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    asked = []

    def no(*words):
        asked.append(words[2])
        return QMessageBox.StandardButton.No

    monkeypatch.setattr(QMessageBox, "question", no)
    main.close()
    assert "in memory only" in asked[0]
    assert main.isVisible()
    assert desk.session is not None
    desk.session.keep()
    wait(lambda: desk.figures.settled)


def test_a_part_of_the_core_that_is_not_installed_is_named(window, wait, monkeypatch):
    made = window()
    desk = made.desk

    def missing(*_):
        raise DependencyError("no model is installed", remedy="pip install 'venoseg[model]'")

    monkeypatch.setattr(operations, "segment", missing)
    labels = desk.session.labels.copy()
    QTest.mouseClick(made.tools.automatic, Qt.MouseButton.LeftButton)
    wait(lambda: not desk.busy and "pip install" in made.bar.message.text())
    np.testing.assert_array_equal(desk.session.labels, labels)
    assert made.bar.save.isEnabled()
