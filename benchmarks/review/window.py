"""What a reviewer waits for in the window: a case to show, a number to follow a stroke, a slice."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
from qtpy.QtWidgets import QApplication

from venoseg.review import CaseFolder, Loaded, Session
from venoseg.segmentation import Segmentation
from venoseg_napari.operations import Stroke
from venoseg_napari.viewer import new_viewer
from venoseg_napari.window import ReviewWindow

OPENINGS, STROKES, MOVES, SLICES = 3, 10, 8, 40
# So often the mouse tells where it is.
_MOUSE_S = 0.016
_SIZE = (1366, 768)


def in_window(folder: CaseFolder, labels: Segmentation, again: Callable[[], Session]) -> None:
    """Open a case several times, stroke and scroll, and print a line for each.

    Parameters
    ----------
    folder
        Where its review is kept.
    labels
        What it began with.
    again
        Opens the case from the disk.
    """
    viewer = new_viewer()
    made = ReviewWindow(viewer, "anna", folder.path.parent)
    viewer.window._qt_window.resize(*_SIZE)
    seconds = [_opened(made, labels, again) for _ in range(OPENINGS)]
    print(f"{'window: first case seen':<34} {seconds[0]:8.3f}")
    print(f"{'window: later cases seen':<34} {statistics.median(seconds[1:]):8.3f}", flush=True)
    _settle(made)
    _strokes(made)
    _scroll(made)
    made.close()
    viewer.close()


def _opened(made: ReviewWindow, labels: Segmentation, again: Callable[[], Session]) -> float:
    """Return the seconds from the disk to the painted slices."""
    made.desk.close_case()
    start = time.perf_counter()
    session = again()
    made.desk._opened(None, Loaded(session.image, labels), session)  # type: ignore[arg-type]  # in no worklist
    QApplication.processEvents()
    return time.perf_counter() - start


def _settle(made: ReviewWindow) -> None:
    while not made.desk.figures.settled:
        QApplication.processEvents()
        time.sleep(0.001)
    QApplication.processEvents()


def _rest(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        QApplication.processEvents()
        time.sleep(0.001)


def _strokes(made: ReviewWindow) -> None:
    desk = made.desk
    assert desk.figures.found is not None
    assert desk.turn is not None
    curve = desk.figures.found.tree.branch("ivc").curve
    desk.take(kind="erase", vessel="ivc", radius_mm=4.0)
    moves, new, work, window = [], [], [], []
    for number in range(STROKES):
        station = 20 + 5 * number
        desk.go_to("ivc", station)
        _settle(made)
        at = curve.points_lps_mm[station] + 10.0 * curve.across[station]
        stroke = Stroke(desk, desk.turn.grid.directions[:, 0])
        for share in np.linspace(0.0, 2.0, MOVES):
            start = time.perf_counter()
            stroke.move_to(at + share)
            QApplication.processEvents()
            moves.append(time.perf_counter() - start)
            _rest(_MOUSE_S - moves[-1])
        start, all_work = time.perf_counter(), time.process_time()
        own_work = time.thread_time()
        stroke.finish()
        _settle(made)
        new.append(time.perf_counter() - start)
        work.append(time.process_time() - all_work)
        window.append(time.thread_time() - own_work)
    for words, seconds in (
        ("window: a move of the brush seen", moves),
        ("window: stroke to number seen", new),
        ("  of it processor seconds", work),
        ("  of these the window's own", window),
    ):
        line = f"{statistics.median(seconds):8.3f}  (worst of {len(seconds)}: {max(seconds):.3f})"
        print(f"{words:<34} {line}")


def _scroll(made: ReviewWindow) -> None:
    seconds = []
    for number in range(SLICES):
        start = time.perf_counter()
        made.canvas.scroll(1 if number % 20 < 10 else -1)
        QApplication.processEvents()
        seconds.append(time.perf_counter() - start)
    print(f"{'window: scroll one slice':<34} {statistics.median(seconds):8.3f}")
