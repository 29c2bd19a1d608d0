"""What all parts of the window share: the open case, the place looked at, the tool in hand.

The parts never talk to one another. Each takes the `Desk`, calls its methods, and draws anew when
one of its signals says so.
"""

from __future__ import annotations

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
    NO_LABELS,
    CaseFolder,
    Clock,
    Figures,
    Loaded,
    Notes,
    Progressed,
    Session,
    WorkItem,
    default_reviews,
    find_work,
    progress_of,
    system_clock,
)
from venoseg.segmentation.edits import EMPTY_BOX, Box, is_empty
from venoseg.volume import FloatArray
from venoseg_napari.background import Work
from venoseg_napari.cases import Asked, read_case
from venoseg_napari.display import Display
from venoseg_napari.meter import Meter
from venoseg_napari.orientation import Turn, turn_for_display
from venoseg_napari.places import Place, first_place, nearest_station, profile_of
from venoseg_napari.tool import Tool


class Desk(QObject):
    """The state of the window.

    Parameters
    ----------
    reviewer, reviews, clock
        Who, where the reviews are kept (None: beside the images), and what tells the time.

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
    meter
        Measures the open case.
    before
        What was measured when it was opened, or saved last.
    cursor_lps_mm
        The place looked at.
    station
        Vein and station nearest to it; None when it is near none.
    tool
        In the reviewer's hand.
    display
        How gray values and labels are shown.
    work
        What is done in the background.
    """

    worklist_changed = Signal()
    case_opened = Signal()
    # The layer: "veins" or "stent".
    voxels_changed = Signal(str)
    notes_changed = Signal()
    figures_changed = Signal()
    # Follows when there is time for plots: numbers come first, and drawing slows the measuring.
    plots_due = Signal()
    cursor_changed = Signal()
    station_changed = Signal()
    tool_changed = Signal()
    state_changed = Signal()
    # Words for the reviewer, and whether they are about a problem.
    told = Signal(str, bool)
    # A venogram was chosen; it is looked at in its own window, and an open CT stays open.
    venogram_chosen = Signal(object)

    def __init__(self, reviewer: str, reviews: Path | None, clock: Clock = system_clock) -> None:
        super().__init__()
        self.reviewer, self.clock = reviewer, clock
        self.reviews = reviews or Path()
        self._beside_images = reviews is None
        self.labels: Path | None = None
        self.items: tuple[WorkItem, ...] = ()
        self.item: WorkItem | None = None
        self.chosen: WorkItem | None = None
        self.session: Session | None = None
        self.turn: Turn | None = None
        self.before: Measurements | None = None
        self.cursor_lps_mm: FloatArray = np.zeros(3)
        self.station: Place | None = None
        self.tool = Tool()
        self.display = Display()
        self.work = Work()
        self.work.ended.connect(self._ended)
        self.meter = Meter(self)
        self.meter.changed.connect(self._tell_figures)
        self.meter.plots_due.connect(self.plots_due)
        self._looked = False

    @property
    def figures(self) -> Figures:
        """The newest measurements, and which of them are being made anew."""
        return self.meter.figures

    @property
    def busy(self) -> str:
        """What is being done to the open case, so that it cannot be changed; else empty."""
        return self.work.locked

    # The worklist

    def find(self, path: Path, then: Callable[[], None] = lambda: None) -> None:
        """Look for cases below a path, in the background."""

        def found(items: tuple[WorkItem, ...]) -> None:
            if self._beside_images:
                self.reviews = default_reviews(path)
            self.items = items
            self.worklist_changed.emit()
            then()

        self.work.start("looking for images", lambda: find_work(path, self.work.count), found)

    def folder(self, item: WorkItem) -> CaseFolder:
        """Return where the review of an item is kept."""
        return CaseFolder(self.reviews / item.key)

    def progress(self, item: WorkItem) -> Progressed:
        """Tell how far an item's review is."""
        return progress_of(self.folder(item))

    def open(self, item: WorkItem) -> None:
        """Open a case, in the background; for who is asked as second reader, as it first was."""
        self.chosen = item
        if item.series.kind == "angiogram":
            self.venogram_chosen.emit(item)
            return
        known = self.progress(item)
        second = known.status == "needs second reader" and self.reviewer not in known.by
        asked = Asked(self.folder(item), self.labels, self.reviewer, self.clock, second)
        self.close_case()
        self.work.start(
            "opening the case",
            lambda: read_case(item, asked, self.work),
            lambda made: self._opened(item, *made, second_reading=second),
        )

    def cancel(self) -> None:
        """Stop what is being loaded."""
        self.work.stop.set()

    def close_case(self) -> None:
        """Put the case away; what was kept stays on the disk."""
        self.meter.stop()
        if self.session is not None:
            self.session.close()
            self.session = None
        self.before = None

    def _opened(
        self, item: WorkItem, loaded: Loaded, session: Session, *, second_reading: bool = False
    ) -> None:
        self.item, self.session = item, session
        self.turn = turn_for_display(session.image.grid)
        grid = session.image.grid
        self.cursor_lps_mm = grid.to_lps((np.array(grid.shape) - 1) / 2.0)
        self.station = None
        self._looked = False
        self.meter.expect()
        self.case_opened.emit()
        # The case is seen before it is measured: both at once would take longer to show it.
        self.meter.start(session)
        self.worklist_changed.emit()
        self.state_changed.emit()
        if second_reading:
            self.told.emit("second reading: it begins where the first reading began", False)
        drawn = loaded.message == NO_LABELS and session.labels.any()
        words = "; ".join([*session.messages, *([] if drawn else [loaded.message])])
        if words:
            self.told.emit(words, True)

    def measure_by(self, boundary: Boundary) -> None:
        """Take the lumen's edge from the gray values or from the labels alone from now on."""
        self.meter.boundary = boundary
        if self.session is not None:
            self.meter.start(self.session)
            self.meter.changed.emit()
            self.state_changed.emit()

    # Looking

    def look_at(self, lps_mm: FloatArray) -> None:
        """Move the cursor; the nearest station follows."""
        self.cursor_lps_mm = np.asarray(lps_mm, dtype=np.float64)
        nearest = nearest_station(self.figures.found, self.cursor_lps_mm)
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

    def walk(self, stations: int) -> None:
        """Go some stations away from the heart."""
        if self.station is not None:
            self.go_to(self.station[0], self.station[1] + stations)

    def profile(self, vessel: str | None = None) -> VesselProfile | None:
        """Return what was measured of a vein, by default of the one looked at."""
        if vessel is None and self.station is not None:
            vessel = self.station[0]
        return profile_of(self.figures.found, vessel)

    def is_stale(self, vessel: str) -> bool:
        """Tell whether the figures of a vein are being measured again."""
        return self.figures.retracing or vessel in self.figures.stale

    # Changing

    def take(self, **settings: Any) -> None:
        """Change the tool or its settings."""
        self.tool = replace(self.tool, **settings)
        self.tool_changed.emit()

    def change(self, step: Callable[[Session], Box | None], *, seen: bool = False) -> None:
        """Make a step in the open case and let everything follow.

        ``seen`` says that the views show its voxels already, as they do during a stroke.
        """
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
                box = self.session.touched_box
        self._follow(box, before, seen=seen)

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

    def _follow(self, box: Box | None, before: Notes, *, seen: bool) -> None:
        """Mark what is old now and begin to measure it, then show the step."""
        session = self.session
        assert session is not None
        box, notes = box or EMPTY_BOX, session.notes
        self.meter.follow(session, box, notes if notes is not before else None)
        if not (seen or is_empty(box)):
            self.voxels_changed.emit(session.touched)
        if notes is not before:
            self.notes_changed.emit()
        self.state_changed.emit()

    def _tell_figures(self) -> None:
        found = self.figures.found
        if self.before is None and self.figures.settled:
            self.before = found
        self.figures_changed.emit()
        place = first_place(found) if found is not None and not self._looked else None
        if place is not None:
            self._looked = True
            self.go_to(*place)
        elif found is not None and self.station is not None and self.profile() is None:
            self.station = nearest_station(found, self.cursor_lps_mm)
            self.station_changed.emit()

    def _ended(self, words: str, problem: bool) -> None:
        self.told.emit(words, problem)
        self.state_changed.emit()
