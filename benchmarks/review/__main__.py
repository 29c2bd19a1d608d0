"""Seconds and memory of a review on a large CT: open, stroke to number, undo, save; scroll.

Run with ``python -m benchmarks.review [--slices 800] [--window]``; with ``--window`` the same is
timed in napari too, which needs a display (``xvfb-run -a -s "-screen 0 1920x1200x24"``).
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from venoseg.review import CaseFolder, Figures, Live, Session, changes_table, open_session
from venoseg.review.loading import keep_copy, read_copy
from venoseg.segmentation import Pen, Segmentation, apply, eraser, paint_ball
from venoseg.volume import Grid, Volume

STROKES = 12

T = TypeVar("T")


class Watch:
    """Waits for figures in which nothing is old."""

    def __init__(self) -> None:
        self.settled = threading.Event()

    def __call__(self, figures: Figures) -> None:
        """Take note of new figures."""
        if figures.settled:
            self.settled.set()


def main() -> None:
    """Make a case, review it, and print a line for every step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=800)
    parser.add_argument("--window", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = CaseFolder(Path(name) / "case")
        labels = prepare(folder, arguments.slices)
        again = timed("opening again", lambda: reopen(folder, labels))
        watch = Watch()
        live = Live(again.image, again.segmentation, watch)
        timed("first figures", watch.settled.wait)
        review(again, live, watch)
        timed("save and read back", lambda: again.save(changes_table(None, live.figures.found)))
        live.close()
        again.close()
        if arguments.window:
            from benchmarks.review.window import in_window

            in_window(folder, labels, lambda: reopen(folder, labels))
    peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{'peak memory':<34} {peak_gib:8.2f} GiB")


def prepare(folder: CaseFolder, slices: int) -> Segmentation:
    """Make a case, open it for the first time, and return what its review begins with."""
    image, labels = large_case(slices)
    rows, columns = image.grid.shape[1:]
    print(f"{columns} x {rows} x {slices}, wall seconds")
    session = timed("first opening", lambda: open_session(image, labels, folder.path, "anna"))
    timed("keep a copy of the image", lambda: keep_copy(image, folder))
    session.close()
    return labels


def large_case(slices: int) -> tuple[Volume, Segmentation]:
    """Return a cava and two iliac veins, bright in gray noise."""
    grid = Grid.from_axes((slices, 512, 512), spacing_mm=(0.75, 0.75, 0.75))
    labels = np.zeros(grid.shape, dtype=np.uint8)
    high, low, mid = 0.9 * slices, 0.15 * slices, 0.55 * slices
    for value, ends, radius in (
        (1, [(high, 260, 250), (mid, 260, 250)], 10.0),
        (2, [(mid, 260, 250), (low, 230, 340)], 7.0),
        (3, [(mid, 260, 250), (low, 230, 160)], 7.0),
    ):
        apply(labels, paint_ball(labels, grid, grid.to_lps(ends), radius, Pen(value)))
    noise = np.random.default_rng(1).integers(-15, 16, (grid.shape[1], 512), dtype=np.int16)
    voxels = np.empty(grid.shape, dtype=np.int16)
    for number in range(slices):
        veins = np.where(labels[number] > 0, np.int16(160), np.int16(40))
        voxels[number] = veins + np.roll(noise, 37 * number)
    names = {1: "ivc", 2: "left_iliac_vein", 3: "right_iliac_vein"}
    return Volume(voxels, grid), Segmentation(labels, grid, names)


def reopen(folder: CaseFolder, labels: Segmentation) -> Session:
    """Open a case from the copy of its image and its journal."""
    image = read_copy(folder)
    assert image is not None
    return open_session(image, labels, folder.path, "anna")


def review(session: Session, live: Live, watch: Watch) -> None:
    """Bite into the cava again and again, take it back, and time both to the new number."""
    found = live.figures.found
    assert found is not None
    curve = found.tree.branch("ivc").curve
    keep, new, back, work = [], [], [], []
    for number in range(STROKES):
        at = curve.points_lps_mm[20 + 5 * number] + 10.0 * curve.across[20 + 5 * number]
        watch.settled.clear()
        start, worked = time.perf_counter(), time.process_time()
        edit = paint_ball(session.labels, session.image.grid, [at, at + 2.0], 4.0, eraser(1))
        box = session.draw("bite", edit)
        keep.append(time.perf_counter() - start)
        live.change(box, session.labels[box])
        watch.settled.wait()
        new.append(time.perf_counter() - start)
        work.append(time.process_time() - worked)
        watch.settled.clear()
        start = time.perf_counter()
        undone = session.undo()
        assert undone is not None
        live.change(undone, session.labels[undone])
        watch.settled.wait()
        back.append(time.perf_counter() - start)
    for words, seconds in (
        ("stroke, kept on the disk", keep),
        ("stroke to number", new),
        ("  of it processor seconds", work),
        ("undo to number", back),
    ):
        line = f"{statistics.median(seconds):8.3f}  (worst of {STROKES}: {max(seconds):.3f})"
        print(f"{words:<34} {line}")


def timed(words: str, step: Callable[[], T]) -> T:
    """Do a step, print how long it took, and return what it gave."""
    start = time.perf_counter()
    result = step()
    print(f"{words:<34} {time.perf_counter() - start:8.3f}", flush=True)
    return result


if __name__ == "__main__":
    main()
