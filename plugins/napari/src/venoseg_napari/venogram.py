"""A venogram: the frames as cine, with and without mask; calibrate, measure, see the figures."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]  # qtpy picks it
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSplitter, QVBoxLayout, QWidget

from venoseg.angiography import Venogram, measure_run, run_of
from venoseg.angiography.correction import DrawnEdge, with_drawn_edge
from venoseg.dicom.angiogram import Angiogram
from venoseg.dicom.angiogram_header import read_angiogram
from venoseg.dicom.calibration import Calibration
from venoseg.errors import VenosegError
from venoseg.review import WorkItem
from venoseg.venography import header_calibration
from venoseg_napari.advice import advice
from venoseg_napari.background import in_background, told_of
from venoseg_napari.cine import Cine, cine_of, fps_of
from venoseg_napari.player import Player
from venoseg_napari.venogram_bar import VenogramBar
from venoseg_napari.venogram_options import options_of
from venoseg_napari.venogram_picture import Point, VenogramPicture
from venoseg_napari.venogram_plots import VenogramPlots, figures_of


class VenogramWindow(QWidget):
    """One run at a time; its figures are shown and not kept.

    Parameters
    ----------
    parent
        The window whose theme it takes.

    Attributes
    ----------
    angiogram
        The header of the open run; None before.
    player
        Shows its frames.
    points_px
        Clicked along the vein, central end first: (column, row).
    line_px
        Drawn on the object to calibrate with.
    found
        What was measured; None when nothing was, or it holds no more.
    before
        What was measured before each edge that was moved since.
    """

    measured = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setWindowTitle("venoseg venogram")
        self.angiogram: Angiogram | None = None
        self.points_px: list[Point] = []
        self.line_px: tuple[Point, Point] | None = None
        self.found: Venogram | None = None
        self.before: list[Venogram] = []
        self.busy = False
        self._opened = 0
        self.bar, self.picture, self.plots = VenogramBar(), VenogramPicture(), VenogramPlots()
        self.player = Player(self.bar, self.picture)
        self.figures, self.words = QLabel(""), QLabel("")
        for label in (self.figures, self.words):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
        self._lay_out()
        self._connect()

    @property
    def cine(self) -> Cine | None:
        """The open run; None before."""
        return self.player.cine

    # Opening

    def open(self, item: WorkItem) -> None:
        """Open the first run of an item, in the background; what is wrong is said."""
        if item.problem or not item.series.runs:
            self._tell(f"{item.title}: {item.problem or 'there is no run'}", problem=True)
            return
        self.bar.set_runs([f"run {n + 1}" for n in range(len(item.series.runs))])
        self._item = item
        self.open_run(0)

    def open_run(self, number: int) -> None:
        """Open another run of the same series."""
        image = self._item.series.runs[number]

        def work() -> tuple[Angiogram, Cine]:
            angiogram = read_angiogram(image)
            return angiogram, cine_of(angiogram, run_of(angiogram))

        self._opened += 1
        wanted = self._opened
        self._put_away()
        self._tell("reading the run ...")

        def done(made: tuple[Angiogram, Cine]) -> None:
            if wanted == self._opened:
                self._show_run(*made)

        in_background(work, done, self._failed)

    def _put_away(self) -> None:
        self.player.put_away()
        self.angiogram = self.found = self.line_px = None
        self.points_px, self.before = [], []
        self.picture.clear()
        self.plots.draw(None)
        self.figures.setText("")
        self.bar.back.setEnabled(False)

    def _show_run(self, angiogram: Angiogram, cine: Cine) -> None:
        self.angiogram = angiogram
        self._tell("\n".join(angiogram.problems), problem=bool(angiogram.problems))
        self._say_calibration(header_calibration(angiogram))
        self.player.load(cine, fps_of(angiogram))

    # Measuring

    def _take_hand(self) -> None:
        self.picture.hand = self.bar.hand()

    def _click(self, column: float, row: float) -> None:
        if self.bar.hand() != "points" or self.cine is None:
            return
        rows, columns = self.cine.run.shape
        if not (-0.5 <= column < columns - 0.5 and -0.5 <= row < rows - 0.5):
            return
        self.points_px.append((column, row))
        self._outdate("the points were changed")
        self._draw_marks()

    def _draw_line(self, first: Point, second: Point, last: bool) -> None:
        self.line_px = (first, second)
        self._draw_marks()
        if last:
            self._outdate("the calibration was changed")
            self._tell("the line calibrates at the next measurement")

    def clear_marks(self) -> None:
        """Forget the points and the line."""
        self.points_px, self.line_px = [], None
        self._outdate("")
        self._draw_marks()
        if self.angiogram is not None:
            self._say_calibration(header_calibration(self.angiogram))

    def measure(self) -> None:
        """Measure between the points, or the main vessel when there are none; in the background."""
        if self.angiogram is None or self.cine is None or self.busy:
            return
        try:
            options = options_of(
                *(self.angiogram, self.points_px, self.line_px),
                self.bar.fiducial(),
                self.bar.frames(),
            )
        except VenosegError as error:
            self._tell(str(error), problem=True)
            return
        run, wanted = self.cine.run, self._opened
        self.busy = True
        self.bar.measure.setEnabled(False)
        self._tell("measuring ...")
        asked = self._asked(self.cine)

        def done(found: Venogram) -> None:
            self._ready()
            now = self.cine
            if wanted != self._opened or now is None:
                return
            if asked != self._asked(now):
                self._tell("points, line, frames or mask were changed meanwhile: measure again")
                return
            self._show_found(found)

        def failed(error: Exception) -> None:
            self._ready()
            self._failed(error)

        in_background(lambda: measure_run(run, options), done, failed)

    def _asked(self, cine: Cine) -> tuple[object, ...]:
        """Return what figures hold for."""
        points, line, frames = tuple(self.points_px), self.line_px, self.bar.frames()
        return points, line, frames, cine.mask, cine.shift_px

    def _ready(self) -> None:
        self.busy = False
        self.bar.measure.setEnabled(True)

    def _show_found(self, found: Venogram) -> None:
        self.before = []
        self._say_calibration(found.calibration)
        self._tell("\n".join(found.warnings), problem=bool(found.warnings))
        width = found.projections[0].diameter_px
        narrowest = int(np.nanargmin(width)) if np.isfinite(width).any() else None
        self._draw_found(found, narrowest)
        self.measured.emit()

    def _draw_found(self, found: Venogram, station: int | None) -> None:
        self.found = found
        self.picture.show_vein(found.projections[0])
        self.plots.draw(found)
        if station is not None:
            self._look_at(station)
        self._mark_time(self.player.frame)
        self.bar.back.setEnabled(bool(self.before))

    def _look_at(self, station: int) -> None:
        """Mark a place of the vein in the picture and say its figures."""
        if self.found is None:
            return
        self.picture.show_width(station)
        self.plots.show_station(station)
        self.figures.setText(figures_of(self.found, station))

    # Correcting

    def move_edge(self, drawn: DrawnEdge) -> None:
        """Take an edge that was drawn for the vein's."""
        if self.found is None:
            return
        try:
            found = with_drawn_edge(self.found, drawn)
        except VenosegError as error:
            self._tell(str(error), problem=True)
            self.picture.show_vein(self.found.projections[0])
            return
        self.before.append(self.found)
        self._draw_found(found, drawn.station)
        self._tell("the edge was drawn by hand; its interval also holds where it was found")

    def put_edge_back(self) -> None:
        """Take the last edge that was drawn back."""
        if self.before:
            self._draw_found(self.before.pop(), None)
            self.picture.across.clear()
            self.figures.setText("")
            self._tell("the last edge is back where it was")

    def _outdate(self, why: str) -> None:
        """Take away figures that hold no more."""
        if self.found is not None:
            self.found, self.before = None, []
            self.picture.show_vein(None)
            self.plots.draw(None)
            self.bar.back.setEnabled(False)
            self.figures.setText(f"{why}: measure again" if why else "")
        self._draw_marks()

    # Telling

    def _say_calibration(self, calibration: Calibration) -> None:
        self.bar.say_calibration(calibration)

    def _tell(self, words: str, *, problem: bool = False) -> None:
        self.words.setText(advice(words))
        self.words.setStyleSheet("color: #e07b39" if problem else "")

    def _failed(self, error: Exception) -> None:
        words, _ = told_of(error)
        self._tell(words, problem=True)

    # Drawing

    def _draw_marks(self) -> None:
        self.picture.show_marks(self.points_px, self.line_px)

    def _lay_out(self) -> None:
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        for part in (self.plots, self.figures, self.words):
            column.addWidget(part, 1 if part is self.plots else 0)
        parts = QSplitter(Qt.Orientation.Horizontal)
        for widget in (self.bar, self.picture, right):
            parts.addWidget(widget)
            parts.setStretchFactor(parts.count() - 1, 0 if widget is self.bar else 1)
            if widget is not self.bar:  # which must not cut its words
                widget.setMinimumWidth(200)
        parts.setSizes([235, 640, 470])
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(parts)
        self.resize(1340, 720)

    def _connect(self) -> None:
        bar = self.bar
        bar.run_chosen.connect(self.open_run)
        self.player.shown.connect(self._mark_time)
        self.player.mask_changed.connect(lambda: self._outdate("the mask was changed"))
        self.player.told.connect(lambda words, problem: self._tell(words, problem=problem))
        bar.hand_changed.connect(self._take_hand)
        bar.object_changed.connect(lambda: self._outdate("the object was changed"))
        bar.frames_changed.connect(lambda: self._outdate("the frames were changed"))
        bar.measure.clicked.connect(self.measure)
        bar.clear.clicked.connect(self.clear_marks)
        bar.back.clicked.connect(self.put_edge_back)
        self.picture.clicked.connect(self._click)
        self.picture.line_drawn.connect(self._draw_line)
        self.picture.edge_moved.connect(self.move_edge)
        self.plots.place.connect(self._look_at)
        self.plots.moment.connect(self._go_to_time)

    def _go_to_time(self, seconds: float) -> None:
        if self.found is not None:
            times = self.found.subtraction.run.times_s
            self.player.show_frame(int(np.abs(times - seconds).argmin()))

    def _mark_time(self, frame: int) -> None:
        if self.found is not None:
            self.plots.show_time(float(self.found.subtraction.run.times_s[frame]))
