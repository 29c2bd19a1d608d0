"""Makes the pictures of the user guide: the window on a case, at two sizes of screen.

Called with a CT, its labels and a folder, under ``xvfb-run -a -s "-screen 0 1920x1200x24"``.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

from venoseg_napari.operations import Stroke
from venoseg_napari.window import ReviewWindow, open_window

SIZES = ((1366, 768), (1920, 1080))
_PATIENCE_S = 300.0


def main(ct: Path, labels: Path, out: Path) -> None:
    """Open the case and take every picture."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as reviews:
        viewer = napari.Viewer(title="venoseg review")
        made = open_window(ct, labels, Path(reviews), "anna", viewer)
        until(lambda: made.desk.session is not None and made.desk.figures.settled)
        for width, height in SIZES:
            viewer.window._qt_window.resize(width, height)
            name = f"{width}x{height}.png"
            made.left.setCurrentIndex(0)
            shoot(made, out / f"review-cases-{name}")
            made.left.setCurrentIndex(1)
            shoot(made, out / f"review-views-{name}")
            made.surfaces.toggle()
            shoot(made, out / f"review-surfaces-{name}")
            made.surfaces.toggle()
            stroke(made)
            shoot(made, out / f"review-stroke-{name}", seconds=0.0)
            until(lambda: made.desk.figures.settled)
            shoot(made, out / f"review-after-{name}")
            made.desk.undo()
            until(lambda: made.desk.figures.settled)
        made.close()
        viewer.close()


def stroke(made: ReviewWindow) -> None:
    """Take a bite out of the wall of the vein looked at."""
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
    drawn.finish()


def until(condition: Callable[[], bool]) -> None:
    """Let the window work until something is so."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > _PATIENCE_S:
            sys.exit("the window did not get ready")
        QApplication.processEvents()
        time.sleep(0.02)


def shoot(made: ReviewWindow, path: Path, seconds: float = 1.0) -> None:
    """Save what the window shows."""
    start = time.monotonic()
    QApplication.processEvents()
    while time.monotonic() - start < seconds:
        QApplication.processEvents()
        time.sleep(0.02)
    made.viewer.window._qt_window.grab().save(str(path))


if __name__ == "__main__":
    main(*(Path(word) for word in sys.argv[1:4]))
