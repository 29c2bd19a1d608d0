"""Makes the pictures of the user guide: every part of the window, at two sizes of screen.

Called with a case that has two CTs with labels and a venogram, as `sample_data/case`, and a folder,
under ``xvfb-run -a -s "-screen 0 1920x1200x24"``.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from qtpy.QtCore import QPointF
from qtpy.QtGui import QImage
from qtpy.QtWidgets import QApplication, QWidget

from venoseg.review import WorkItem
from venoseg_napari.operations import Stroke, mark_occluded
from venoseg_napari.viewer import new_viewer
from venoseg_napari.window import ReviewWindow, open_window

SIZES = ((1366, 768), (1920, 1080))
_PATIENCE_S = 600.0
_QUALITY = 70


class Camera:
    """Takes pictures of one size into a folder."""

    def __init__(self, out: Path, size: tuple[int, int]) -> None:
        self._out, self._size = out, size

    def shoot(
        self, name: str, widget: QWidget, seconds: float = 1.0, *, resized: bool = True
    ) -> None:
        """Save what a window shows, after it has had time to settle."""
        if resized:
            widget.resize(*self._size)
        if seconds:
            work(seconds)
        width, height = self._size
        seen = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
        raw = bytes(seen.constBits())
        picture = Image.frombytes(
            "RGB", (seen.width(), seen.height()), raw, "raw", "RGB", seen.bytesPerLine()
        )
        picture.save(self._out / f"review-{name}-{width}x{height}.webp", quality=_QUALITY, method=6)


def main(case: Path, out: Path) -> None:
    """Open the case and take every picture."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as reviews:
        viewer = new_viewer()
        made = open_window(case, None, Path(reviews), "anna", viewer)
        until(lambda: bool(made.desk.items))
        cts = [item for item in made.desk.items if item.series.kind == "ct"]
        runs = [item for item in made.desk.items if item.series.kind == "angiogram"]
        for size in SIZES:
            camera = Camera(out, size)
            made.desk.reviews = Path(reviews) / f"{size[0]}"
            review(made, cts[-1], camera)
            compare(made, cts[0], camera)
            venogram(made, runs[0], camera)
        light(made, Camera(out, SIZES[0]))
        made.close()
        viewer.close()


def review(made: ReviewWindow, item: WorkItem, camera: Camera) -> None:
    """Picture the list, the views, the surfaces, corrections, saving and signing."""
    desk, window, left = made.desk, made.viewer.window._qt_window, made.layout.left
    desk.take(kind="look")
    desk.display.show_window("vein")
    desk.open(item)
    until(lambda: desk.session is not None and desk.figures.settled)
    left.setCurrentIndex(0)
    camera.shoot("cases", window)
    left.setCurrentIndex(1)
    desk.go_to("left_common_iliac_vein", 12)
    camera.shoot("views", window)
    desk.display.show_window("stent")
    camera.shoot("stents", window)
    desk.display.show_window("vein")
    made.surfaces.toggle()
    camera.shoot("surfaces", window, seconds=2.0)
    made.surfaces.toggle()
    made.along.toggle_areas()
    camera.shoot("areas", window)
    made.along.toggle_areas()
    drawn = stroke(made)
    camera.shoot("stroke", window)
    drawn.finish()
    until(lambda: desk.figures.settled)
    camera.shoot("after", window)
    desk.undo()
    until(lambda: desk.figures.settled)
    pull_edge(made)
    camera.shoot("edge", window)
    occlude(made)
    camera.shoot("occluded", window)
    desk.undo()
    until(lambda: desk.figures.settled)
    made.bar.save_version()
    until(lambda: not desk.busy and desk.session is not None and not desk.session.changed)
    until(lambda: desk.figures.settled)
    made.bar.sign_case()
    until(lambda: not desk.busy and "signed as" in made.bar.message.text())
    left.setCurrentIndex(0)
    camera.shoot("signed", window)
    made.toggle_help()
    camera.shoot("keys", made.help, resized=False)
    made.toggle_help()


def occlude(made: ReviewWindow) -> None:
    """Mark a stretch of the vein looked at as occluded, with the ends that limit it."""
    desk = made.desk
    profile, place = desk.profile(), desk.station
    assert profile is not None
    assert place is not None
    mark_occluded(desk, place[1], place[1] + 12)
    until(lambda: desk.figures.settled)


def stroke(made: ReviewWindow) -> Stroke:
    """Take a bite out of the wall of the vein looked at, and keep the eraser down."""
    desk = made.desk
    profile, station = desk.profile(), desk.station
    assert profile is not None
    assert station is not None
    desk.take(kind="erase", vessel=profile.vessel, radius_mm=4.0, protect=True)
    curve = profile.branch.curve
    wall = profile.centers_lps_mm[station[1]] + curve.across[station[1]] * np.nanmax(
        profile.contours_mm[station[1], :, 0]
    )
    assert desk.turn is not None
    drawn = Stroke(desk, desk.turn.grid.directions[:, 0])
    drawn.move_to(wall)
    return drawn


def pull_edge(made: ReviewWindow) -> None:
    """Push the edge in at the station looked at, and wait for its figures."""
    desk, straight = made.desk, made.along.straight
    profile, place = desk.profile(), desk.station
    assert profile is not None
    assert place is not None
    at = float(profile.branch.curve.position_mm[place[1]])
    high = float(straight.edges_mm[place[1], 1])
    straight.grasp(QPointF(at, high))
    straight.pull(QPointF(at, high - 2.5), last=True)
    until(lambda: desk.figures.settled)


def compare(made: ReviewWindow, other: WorkItem, camera: Camera) -> None:
    """Picture two visits side by side."""
    listed = made.worklist.list
    for number in range(listed.count()):
        if other.title in listed.item(number).text():
            listed.setCurrentRow(number)
    made.compare_with_selected()
    until(lambda: made.comparison.pair is not None)
    camera.shoot("compare", made.comparison)
    made.comparison.hide()


def venogram(made: ReviewWindow, item: WorkItem, camera: Camera) -> None:
    """Picture a measured run."""
    window = made.venogram
    made.desk.open(item)
    until(lambda: window.cine is not None)
    window.measure()
    until(lambda: window.found is not None)
    assert window.cine is not None
    window.player.show_frame(window.cine.count * 2 // 3)
    window.picture.fit()
    camera.shoot("venogram", window)
    window.hide()


def light(made: ReviewWindow, camera: Camera) -> None:
    """Picture the light theme."""
    made.viewer.theme = "light"
    made.layout.left.setCurrentIndex(1)
    camera.shoot("light", made.viewer.window._qt_window)


def until(condition: Callable[[], bool]) -> None:
    """Let the window work until something is so."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > _PATIENCE_S:
            sys.exit("the window did not get ready")
        QApplication.processEvents()
        time.sleep(0.02)


def work(seconds: float) -> None:
    """Let the window work for some time."""
    start = time.monotonic()
    QApplication.processEvents()
    while time.monotonic() - start < seconds:
        QApplication.processEvents()
        time.sleep(0.02)


if __name__ == "__main__":
    main(*(Path(word) for word in sys.argv[1:3]))
