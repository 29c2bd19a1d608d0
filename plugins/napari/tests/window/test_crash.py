"""The process of the window is killed in the middle of the work, and nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from venoseg.review import CaseFolder, find_work, load, open_session

pytestmark = pytest.mark.gui

# Paints three strokes with the mouse of the window, takes one back, and waits to be killed.
CHILD = """
    import sys, time
    from pathlib import Path
    import numpy as np
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest
    from venoseg_napari.window import open_window

    case, reviews = Path(sys.argv[1]), Path(sys.argv[2])
    made = open_window(case / "ct.nii.gz", case / "labels.seg.nrrd", reviews, "anna")
    desk = made.desk
    while desk.session is None or not desk.figures.settled:
        QTest.qWait(20)
    native = made.viewer.window._qt_viewer.canvas.native
    desk.take(kind="erase", vessel="ivc", radius_mm=4.0)
    for station in (10, 20, 30):
        desk.go_to("ivc", station)
        at = made.crosshair.place(made.canvas.to_world(desk.cursor_lps_mm))
        QTest.mouseClick(native, Qt.MouseButton.LeftButton, pos=at)
    desk.undo()
    np.save(reviews / "labels.npy", desk.session.labels)
    print(len(desk.session.history.done), len(desk.session.history.undone), flush=True)
    time.sleep(600)
"""


def test_strokes_of_a_window_that_was_killed_are_there_again(case, tmp_path):
    reviews = tmp_path / "kept"
    reviews.mkdir()
    words = [sys.executable, "-c", textwrap.dedent(CHILD), str(case), str(reviews)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as window:
        assert window.stdout.readline().split() == ["2", "1"]
        os.kill(window.pid, signal.SIGKILL)
    assert window.returncode == -signal.SIGKILL

    (item,) = find_work(case / "ct.nii.gz")
    folder = CaseFolder(reviews / item.key)
    loaded = load(item, folder, case / "labels.seg.nrrd")
    session = open_session(loaded.image, loaded.labels, folder.path, "anna")
    np.testing.assert_array_equal(session.labels, np.load(reviews / "labels.npy"))
    assert [a.what for a in session.history.done] == ["eraser", "eraser"]
    before = session.labels.copy()
    session.redo()
    assert np.count_nonzero(session.labels) < np.count_nonzero(before)
    session.close()
