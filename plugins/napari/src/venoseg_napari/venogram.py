"""A venogram: the frames as cine, with and without mask; calibrate, measure, see the figures."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt, QTimer, Signal  # type: ignore[attr-defined]  # qtpy picks it
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSplitter, QVBoxLayout, QWidget

from venoseg.angiography import Venogram, VenogramOptions, Way, measure_run, run_of
from venoseg.angiography.fiducials import Fiducial
from venoseg.dicom.angiogram import Angiogram
from venoseg.dicom.angiogram_header import read_angiogram
from venoseg.dicom.calibration import Calibration
from venoseg.errors import InputError, VenosegError
from venoseg.review import WorkItem
from venoseg.venography import header_calibration
from venoseg_napari.background import in_background
from venoseg_napari.cine import Cine, cine_of
from venoseg_napari.venogram_bar import VenogramBar
from venoseg_napari.venogram_plots import VenogramPlots, positions_of, widths_of

Hand = Literal["look", "line", "points"]

_DEFAULT_FPS = 6.0
_EDGE, _POINT, _LINE = "#ffe14d", "#00c8ff", "#d98c00"
_NAMED = "vein"


class _Picture(pg.ViewBox):  # type: ignore[misc]  # pyqtgraph has no types
    """The frame; with a line in hand a drag draws it, else it moves the picture."""

    clicked = Signal(float, float)
    drawn = Signal(float, float, float, float, bool)

    def __init__(self) -> None:
        super().__init__(enableMenu=False, lockAspect=True, invertY=True)
        self.hand: Hand = "look"

    def mouseClickEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Tell where."""
        if event.button() == Qt.MouseButton.LeftButton:
            at = self.mapSceneToView(event.scenePos())
            self.clicked.emit(at.x(), at.y())
            event.accept()

    def mouseDragEvent(self, event: Any, axis: Any = None) -> None:  # noqa: N802 - Qt's name
        """Draw the line."""
        if self.hand != "line" or event.button() != Qt.MouseButton.LeftButton:
            super().mouseDragEvent(event, axis)
            return
        event.accept()
        first, second = (
            self.mapSceneToView(p) for p in (event.buttonDownScenePos(), event.scenePos())
        )
        self.drawn.emit(first.x(), first.y(), second.x(), second.y(), event.isFinish())


class VenogramWindow(QWidget):
    """One run at a time; its figures are shown and not kept.

    Attributes
    ----------
    angiogram, cine
        The open run; None before.
    frame
        Shown, counted from 0.
    points_px
        Clicked along the vein, central end first: (column, row).
    line_px
        Drawn on the object to calibrate with.
    found
        What was measured; None when nothing was, or it holds no more.
    """

    measured = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("venoseg venogram")
        self.angiogram: Angiogram | None = None
        self.cine: Cine | None = None
        self.frame = 0
        self.points_px: list[tuple[float, float]] = []
        self.line_px: tuple[tuple[float, float], tuple[float, float]] | None = None
        self.found: Venogram | None = None
        self.busy = False
        self._opened = 0
        self._levels = (0.0, 1.0)
        self.timer = QTimer(self)
        self.timer.timeout.connect(lambda: self.show_frame(self.frame + 1))
        self.bar, self.plots = VenogramBar(), VenogramPlots()
        self.figures, self.words = QLabel(""), QLabel("")
        for label in (self.figures, self.words):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
        self._lay_out()
        self._connect()

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
        self.timer.stop()
        self.bar.play.setChecked(False)
        self.angiogram = self.cine = self.found = self.line_px = None
        self.points_px = []
        self.gray.clear()
        self._draw_marks()
        self.plots.draw(None)
        self.figures.setText("")

    def _show_run(self, angiogram: Angiogram, cine: Cine) -> None:
        self.angiogram, self.cine = angiogram, cine
        self.bar.set_run(cine, fps_of(angiogram))
        self._tell("\n".join(angiogram.problems), problem=bool(angiogram.problems))
        self._say_calibration(header_calibration(angiogram))
        self.redraw()
        self.view.autoRange(padding=0)

    # Looking

    def show_frame(self, number: int) -> None:
        """Show a frame; beyond the last comes the first."""
        if self.cine is None:
            return
        self.frame = number % self.cine.count
        self.bar.show_frame(self.frame, self.cine.count)
        subtracted = self.bar.dsa.isChecked()
        picture = self.cine.picture(self.frame, subtracted=subtracted)
        # Contrast medium is dark, as on a light box.
        self.gray.setImage(-picture, autoLevels=False)
        self.gray.setLevels((-self._levels[1], -self._levels[0]))
        if self.angiogram is not None and self.found is not None:
            self.plots.show_time(float(self.found.subtraction.run.times_s[self.frame]))

    def redraw(self) -> None:
        """Show the frame with other limits: DSA or mask were changed."""
        if self.cine is not None:
            self._levels = self.cine.levels(subtracted=self.bar.dsa.isChecked())
            self.show_frame(min(self.frame, self.cine.count - 1))

    def play(self, on: bool) -> None:
        """Play or stop."""
        if on:
            self.timer.start(round(1000.0 / self.bar.speed.value()))
        else:
            self.timer.stop()

    # The mask

    def _choose_mask(self) -> None:
        if self.cine is None:
            return
        first, last, down, right = self.bar.mask_values()
        try:
            if (first, last) != self.cine.mask:
                self.cine.choose_mask(first, last)
            if (down, right) != self.cine.shift_px:
                self.cine.move_mask(down, right)
        except VenosegError as error:
            self._tell(str(error), problem=True)
            return
        self._outdate("the mask was changed")
        self.redraw()

    def _fit_mask(self) -> None:
        if self.cine is not None:
            shift = self.cine.fitted_shift(self.frame)
            if shift == (0.0, 0.0):
                self._tell("no shift explains this frame clearly better than none")
            self.bar.set_shift(*shift)

    # Measuring

    def _take_hand(self) -> None:
        self.view.hand = self.bar.hand()

    def _click(self, column: float, row: float) -> None:
        if self.bar.hand() != "points" or self.cine is None:
            return
        rows, columns = self.cine.run.shape
        if not (0 <= column < columns and 0 <= row < rows):
            return
        # Pixel centres lie at whole numbers; the picture is drawn from its corner.
        self.points_px.append((column - 0.5, row - 0.5))
        self._outdate("the points were changed")
        self._draw_marks()

    def _draw_line(self, x1: float, y1: float, x2: float, y2: float, last: bool) -> None:
        self.line_px = ((x1 - 0.5, y1 - 0.5), (x2 - 0.5, y2 - 0.5))
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
            options = self._options(self.angiogram)
        except VenosegError as error:
            self._tell(str(error), problem=True)
            return
        run, wanted = self.cine.run, self._opened
        self.busy = True
        self.bar.measure.setEnabled(False)
        self._tell("measuring ...")
        asked = (tuple(self.points_px), self.line_px, self.cine.mask, self.cine.shift_px)

        def done(found: Venogram) -> None:
            self._ready()
            now = self.cine
            if wanted != self._opened or now is None:
                return
            if asked != (tuple(self.points_px), self.line_px, now.mask, now.shift_px):
                self._tell("points, line or mask were changed meanwhile: measure again")
                return
            self._show_found(found)

        def failed(error: Exception) -> None:
            self._ready()
            self._failed(error)

        in_background(lambda: measure_run(run, options), done, failed)

    def _options(self, angiogram: Angiogram) -> VenogramOptions:
        if len(self.points_px) == 1:
            raise InputError(
                "one point makes no course", remedy="click the other end of the stretch too"
            )
        ways = (Way(_NAMED, np.array(self.points_px)),) if self.points_px else ()
        fiducial = None
        if self.line_px is not None:
            fiducial = Fiducial(*self.bar.fiducial(), *self.line_px)
        return VenogramOptions(
            ways=ways, fiducial=fiducial, calibration=header_calibration(angiogram)
        )

    def _ready(self) -> None:
        self.busy = False
        self.bar.measure.setEnabled(True)

    def _show_found(self, found: Venogram) -> None:
        self.found = found
        self._say_calibration(found.calibration)
        self._tell("\n".join(found.warnings), problem=bool(found.warnings))
        self._draw_marks()
        self.plots.draw(found)
        projection = found.projections[0]
        width = projection.diameter_px
        if np.isfinite(width).any():
            self._look_at(int(np.nanargmin(width)))
        self.show_frame(self.frame)
        self.measured.emit()

    def _look_at(self, station: int) -> None:
        """Mark a place of the vein in the picture and say its figures."""
        if self.found is None:
            return
        projection = self.found.projections[0]
        contour = projection.edges.contours_px()[station] + 0.5
        self.across.setData(contour[:, 0], contour[:, 1])
        self.plots.show_station(station)
        self.figures.setText(figures_of(self.found, station))

    def _outdate(self, why: str) -> None:
        """Take away figures that hold no more."""
        if self.found is not None:
            self.found = None
            self.plots.draw(None)
            self.figures.setText(f"{why}: measure again" if why else "")
        self._draw_marks()

    # Telling

    def _say_calibration(self, calibration: Calibration) -> None:
        self.bar.say_calibration(calibration)

    def _tell(self, words: str, *, problem: bool = False) -> None:
        self.words.setText(words)
        self.words.setStyleSheet("color: #e07b39" if problem else "")

    def _failed(self, error: Exception) -> None:
        if isinstance(error, VenosegError):
            self._tell(str(error), problem=True)
        else:
            self._tell(f"venoseg failed with {type(error).__name__}: a defect", problem=True)

    # Drawing

    def _draw_marks(self) -> None:
        if self.line_px is None:
            self.line.clear()
        else:
            ends = np.array(self.line_px) + 0.5
            self.line.setData(ends[:, 0], ends[:, 1])
        points = np.array(self.points_px).reshape(-1, 2) + 0.5
        self.points.setData(points[:, 0], points[:, 1])
        for side, edge in enumerate(self.edges):
            if self.found is None:
                edge.clear()
                continue
            projection = self.found.projections[0]
            contour = projection.edges.contours_px()[:, side] + 0.5
            contour[~np.isfinite(projection.diameter_px) | (projection.diameter_px == 0)] = np.nan
            edge.setData(contour[:, 0], contour[:, 1], connect="finite")
        if self.found is None:
            self.across.clear()

    def _lay_out(self) -> None:
        self.canvas = pg.GraphicsLayoutWidget()
        self.view = _Picture()
        self.canvas.addItem(self.view)
        self.gray = pg.ImageItem(axisOrder="row-major")
        self.edges = [pg.PlotDataItem(pen=pg.mkPen(_EDGE, width=1.5)) for _ in range(2)]
        self.across = pg.PlotDataItem(pen=pg.mkPen(_POINT, width=3))
        self.line = pg.PlotDataItem(pen=pg.mkPen(_LINE, width=2))
        self.points = pg.ScatterPlotItem(pen=pg.mkPen(_POINT, width=2), brush=None, size=12)
        for item in (self.gray, *self.edges, self.across, self.line, self.points):
            self.view.addItem(item)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        for part in (self.plots, self.figures, self.words):
            column.addWidget(part, 1 if part is self.plots else 0)
        parts = QSplitter(Qt.Orientation.Horizontal)
        for widget in (self.bar, self.canvas, right):
            parts.addWidget(widget)
            parts.setStretchFactor(parts.count() - 1, 0 if widget is self.bar else 1)
            widget.setMinimumWidth(200)
        parts.setSizes([235, 640, 470])
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(parts)
        self.resize(1340, 720)

    def _connect(self) -> None:
        bar = self.bar
        bar.run_chosen.connect(self.open_run)
        bar.play.toggled.connect(self.play)
        bar.speed.valueChanged.connect(lambda _: self.play(bar.play.isChecked()))
        bar.slider.valueChanged.connect(self.show_frame)
        bar.dsa.toggled.connect(lambda _: self.redraw())
        bar.mask_changed.connect(self._choose_mask)
        bar.fit.clicked.connect(self._fit_mask)
        bar.hand_changed.connect(self._take_hand)
        bar.object_changed.connect(lambda: self._outdate("the object was changed"))
        bar.measure.clicked.connect(self.measure)
        bar.clear.clicked.connect(self.clear_marks)
        self.view.clicked.connect(self._click)
        self.view.drawn.connect(self._draw_line)
        self.plots.place.connect(self._look_at)
        self.plots.moment.connect(self._go_to_time)

    def _go_to_time(self, seconds: float) -> None:
        if self.found is not None:
            times = self.found.subtraction.run.times_s
            self.show_frame(int(np.abs(times - seconds).argmin()))


def fps_of(angiogram: Angiogram) -> float:
    """Return the frames a second at which a run was taken; a usual rate where it does not say."""
    times = angiogram.frame_times_s
    if times is None or len(times) < 2 or times[-1] <= times[0]:
        return _DEFAULT_FPS
    return float((len(times) - 1) / (times[-1] - times[0]))


def figures_of(found: Venogram, station: int) -> str:
    """Say what was measured at a station of the first vein; mm only with a calibration."""
    projection = found.projections[0]
    position, unit = positions_of(projection)
    width, low, high = widths_of(projection)
    where = f"at {position[station]:.0f} {unit}"
    state = projection.state[station].replace("_", " ")
    if not np.isfinite(width[station]):
        flags = projection.flags[station].replace(";", ", ").replace("_", " ")
        return f"{where}: {state}" + (f" ({flags})" if flags else "")
    narrowed = [
        f"\nnarrowed from {position[lesion.start]:.0f} to {position[lesion.stop]:.0f} {unit}, "
        f"least width {width[lesion.smallest]:.1f} {unit}"
        for lesion in found.lesions[0]
    ]
    return (
        f"{where}: {width[station]:.1f} {unit} ({low[station]:.1f} to {high[station]:.1f}), "
        f"{state}{''.join(narrowed)}"
    )
