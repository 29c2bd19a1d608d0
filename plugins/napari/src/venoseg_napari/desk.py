"""What all parts of the window share: the open case, the place looked at, the tool in hand.

The parts never talk to one another. Each takes the `Desk`, calls its methods, and draws anew when
one of its signals says so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]  # qtpy picks it

from venoseg.errors import VenosegError
from venoseg.lumen import Measurements
from venoseg.lumen.profile import Boundary, VesselProfile
from venoseg.review import (
    Cancelled,
    CaseFolder,
    Clock,
    Figures,
    Live,
    Loaded,
    Progressed,
    Session,
    WorkItem,
    find_work,
    load,
    neighbour,
    open_session,
    progress_of,
    system_clock,
    with_contours,
)
from venoseg.segmentation.edits import Box, is_empty
from venoseg.volume import FloatArray
from venoseg_napari.background import in_background
from venoseg_napari.orientation import Turn, turn_for_display
from venoseg_napari.tool import Tool

_NEAR_MM = 40.0


class Desk(QObject):
    """The state of the window.

    Attributes
    ----------
    items
        The worklist.
    chosen
        The item opened last, be it a CT or a venogram.
    session
        The open case; None when there is none.
    turn
        How its arrays lie on the screen.
    figures
        The newest measurements, and which of them are being made anew.
    cursor_lps_mm
        The place looked at.
    station
        Vein and station nearest to it; None when it is near none.
    tool
        In the reviewer's hand.
    boundary
        Where the lumen's edge is taken from.
    """

    worklist_changed = Signal()
    case_opened = Signal()
    voxels_changed = Signal()
    figures_changed = Signal()
    cursor_changed = Signal()
    station_changed = Signal()
    tool_changed = Signal()
    state_changed = Signal()
    # Words for the reviewer, and whether they are about a problem.
    told = Signal(str, bool)
    # What is being done in the background; empty when nothing is.
    working = Signal(str)
    # A venogram was chosen; it is looked at in its own window, and an open CT stays open.
    venogram_chosen = Signal(object)
    _measured = Signal(object)

    def __init__(self, reviewer: str, reviews: Path, clock: Clock = system_clock) -> None:
        super().__init__()
        self.reviewer, self.reviews, self.clock = reviewer, reviews, clock
        self.labels: Path | None = None
        self.items: tuple[WorkItem, ...] = ()
        self.item: WorkItem | None = None
        self.chosen: WorkItem | None = None
        self.session: Session | None = None
        self.turn: Turn | None = None
        self.figures = Figures(None)
        self.before: Measurements | None = None
        self.cursor_lps_mm: FloatArray = np.zeros(3)
        self.station: tuple[str, int] | None = None
        self.tool = Tool()
        self.boundary: Boundary = "gray"
        self.busy = ""
        self._live: Live | None = None
        self._stop = threading.Event()
        self._measured.connect(self._take_figures)

    # The worklist

    def find(self, path: Path, then: Callable[[], None] = lambda: None) -> None:
        """Look for cases below a path, in the background."""

        def found(items: tuple[WorkItem, ...]) -> None:
            self.items = items
            self.worklist_changed.emit()
            then()

        self._stop.clear()
        self._in_background("looking for images", lambda: find_work(path, self._count), found)

    def folder(self, item: WorkItem) -> CaseFolder:
        """Return where the review of an item is kept."""
        return CaseFolder(self.reviews / item.key)

    def progress(self, item: WorkItem) -> Progressed:
        """Tell how far an item's review is."""
        return progress_of(self.folder(item))

    def open(self, item: WorkItem, *, second_reading: bool = False) -> None:
        """Open a case, in the background."""
        self.chosen = item
        if item.series.kind == "angiogram":
            self.venogram_chosen.emit(item)
            return
        folder = self.folder(item)
        self._stop.clear()

        def work() -> tuple[Loaded, Session]:
            loaded = load(item, folder, self.labels, say=self._say, cancelled=self._stop.is_set)
            session = open_session(
                loaded.image,
                loaded.labels,
                folder.path,
                self.reviewer,
                clock=self.clock,
                second_reading=second_reading,
            )
            return loaded, session

        self.close_case()
        self._in_background("opening the case", work, lambda made: self._opened(item, *made))

    def step(self, places: int) -> None:
        """Open the next (1) or the previous (-1) case."""
        item = neighbour(self.items, self.chosen.key if self.chosen else "", places)
        if item is None:
            self.told.emit("there is no further case in the list", False)
        else:
            self.open(item)

    def cancel(self) -> None:
        """Stop what is being loaded."""
        self._stop.set()

    def close_case(self) -> None:
        """Put the case away; what was kept stays on the disk."""
        if self._live is not None:
            self._live.close()
            self._live = None
        if self.session is not None:
            self.session.close()
            self.session = None
        self.figures, self.before = Figures(None), None

    def _opened(self, item: WorkItem, loaded: Loaded, session: Session) -> None:
        self.item, self.session = item, session
        self.turn = turn_for_display(session.image.grid)
        grid = session.image.grid
        self.cursor_lps_mm = grid.to_lps((np.array(grid.shape) - 1) / 2.0)
        self.station = None
        self._start_measuring(session)
        self.case_opened.emit()
        self.worklist_changed.emit()
        self.state_changed.emit()
        for words in (*session.messages, loaded.message):
            if words and not (words is loaded.message and session.labels.any()):
                self.told.emit(words, True)

    def measure_by(self, boundary: Boundary) -> None:
        """Take the lumen's edge from the gray values or from the labels alone from now on."""
        self.boundary = boundary
        if self.session is not None:
            if self._live is not None:
                self._live.close()
            self._start_measuring(self.session)
            self.figures_changed.emit()
            self.state_changed.emit()

    def _start_measuring(self, session: Session) -> None:
        self.figures = Figures(None, retracing=True)
        self._live = Live(
            session.image, session.segmentation, self._measured.emit, boundary=self.boundary
        )

    # Looking

    def look_at(self, lps_mm: FloatArray) -> None:
        """Move the cursor; the nearest station follows."""
        self.cursor_lps_mm = np.asarray(lps_mm, dtype=np.float64)
        nearest = self._nearest_station()
        self.cursor_changed.emit()
        if nearest != self.station:
            self.station = nearest
            self.station_changed.emit()

    def go_to(self, vessel: str, station: int) -> None:
        """Move the cursor to a station of a vein."""
        profile = self.profile(vessel)
        if profile is None:
            return
        station = int(np.clip(station, 0, len(profile.branch.curve) - 1))
        self.cursor_lps_mm = profile.centers_lps_mm[station].copy()
        self.station = (vessel, station)
        self.cursor_changed.emit()
        self.station_changed.emit()

    def profile(self, vessel: str | None = None) -> VesselProfile | None:
        """Return what was measured of a vein, by default of the one looked at."""
        if vessel is None:
            vessel = self.station[0] if self.station else None
        profiles = self.figures.found.profiles if self.figures.found else ()
        return next((p for p in profiles if p.vessel == vessel), None)

    def is_stale(self, vessel: str) -> bool:
        """Tell whether the figures of a vein are being measured again."""
        return self.figures.retracing or vessel in self.figures.stale

    def _nearest_station(self) -> tuple[str, int] | None:
        best, least = None, _NEAR_MM
        for profile in self.figures.found.profiles if self.figures.found else ():
            gaps = np.linalg.norm(profile.centers_lps_mm - self.cursor_lps_mm, axis=1)
            number = int(gaps.argmin())
            if gaps[number] < least:
                best, least = (profile.vessel, number), float(gaps[number])
        return best

    # Changing

    def take(self, **settings: Any) -> None:
        """Change the tool or its settings."""
        self.tool = replace(self.tool, **settings)
        self.tool_changed.emit()

    def change(self, step: Callable[[Session], Box | None]) -> None:
        """Make a step in the open case and let everything follow."""
        if self.session is None:
            return
        if self.busy:
            self.told.emit(f"wait: {self.busy}", False)
            return
        before, steps = self.session.notes, self.session.steps
        box: Box | None = None
        try:
            box = step(self.session)
        except VenosegError as error:
            self.told.emit(str(error), True)
            if self.session.steps != steps:  # it is done, but could not be kept
                box = self._touched_box()
        self._follow(box, before)

    def undo(self) -> None:
        """Take the last step back."""
        self._walk("undo")

    def redo(self) -> None:
        """Do the step undone last again."""
        self._walk("redo")

    def _walk(self, way: str) -> None:
        history = self.session.history if self.session else None
        if history and not (history.done if way == "undo" else history.undone):
            self.told.emit(f"there is nothing to {way}", False)
        else:
            self.change(lambda session: session.undo() if way == "undo" else session.redo())

    def _touched_box(self) -> Box:
        """Return all voxels: which the failed step changed is not known here."""
        assert self.session is not None
        a, b, c = (slice(0, n) for n in self.session.labels.shape)
        return a, b, c

    def _follow(self, box: Box | None, before: object) -> None:
        session = self.session
        assert session is not None
        if box is not None and not is_empty(box):
            self.voxels_changed.emit()
            if self._live is not None:
                layer = session.touched
                self._live.change(box, session.layer(layer)[box], layer)
        if session.notes is not before:
            if self._live is not None and session.notes.occluded != getattr(before, "occluded", ()):
                self._live.occluded(session.notes.occluded)
            self.voxels_changed.emit()
            self._take_figures(self._live.figures if self._live else self.figures)
        self.state_changed.emit()

    def _take_figures(self, figures: Figures) -> None:
        if self.session is None:
            return
        found = figures.found
        if found is not None and self.session.notes.contours:
            found = with_contours(found, self.session.notes.contours)
        first = self.figures.found is None
        self.figures = replace(figures, found=found)
        if self.before is None and found is not None and figures.settled:
            self.before = found
        if first and found is not None:
            self._look_at_the_narrowest(found)
        elif self.station is not None and self.profile() is None:
            self.station = self._nearest_station()
        self.figures_changed.emit()
        self.station_changed.emit()

    def _look_at_the_narrowest(self, found: Measurements) -> None:
        """Begin where a reader would look first."""
        profile = next((p for p in found.profiles if p.measured.any()), None)
        if profile is not None:
            self.go_to(profile.vessel, int(np.nanargmin(profile.shapes.area_mm2)))

    # In the background

    def run_locked(self, words: str, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Do slow work on the open case, during which nothing of it can be changed."""
        self.busy = words

        def done(result: Any) -> None:
            self.busy = ""
            then(result)

        self._in_background(words, work, done)

    def _in_background(
        self, words: str, work: Callable[[], Any], then: Callable[[Any], None]
    ) -> None:
        def failed(error: Exception) -> None:
            self.busy = ""
            self.working.emit("")
            if isinstance(error, Cancelled):
                self.told.emit("stopped; nothing was changed", False)
            elif isinstance(error, VenosegError):
                self.told.emit(str(error), True)
            else:
                self.told.emit(f"venoseg failed with {type(error).__name__}: a defect", True)
            self.state_changed.emit()

        def finished(result: Any) -> None:
            self.working.emit("")
            then(result)

        self.working.emit(words)
        in_background(work, finished, failed)

    def _say(self, words: str) -> None:
        self.working.emit(words)

    def _count(self, done: int, of: int) -> None:
        if self._stop.is_set():
            raise Cancelled("stopped by the user")
        self.working.emit(f"looking for images: {done} of {of} files")
