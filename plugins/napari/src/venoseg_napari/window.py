"""The reviewer's window: napari with the worklist, the views, the figures and the tools."""

from __future__ import annotations

import getpass
import re
from pathlib import Path
from typing import Any

import napari
from qtpy.QtCore import QEvent, QObject, QSettings, Qt
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QInputDialog,
    QScrollArea,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from venoseg.errors import VenosegError
from venoseg.review import Clock, WorkItem, default_reviews, system_clock
from venoseg_napari.along import Along
from venoseg_napari.background import in_background
from venoseg_napari.canvas import WINDOWS, Canvas
from venoseg_napari.compare import CompareWindow, Pair, check_same_patient, measured, pair_of
from venoseg_napari.desk import Desk
from venoseg_napari.keys import HelpPanel, Key, bind
from venoseg_napari.letters import Letters
from venoseg_napari.numbers_table import NumbersTable
from venoseg_napari.planes import Plane
from venoseg_napari.section import Section
from venoseg_napari.signing_bar import SigningBar
from venoseg_napari.surfaces import Surfaces
from venoseg_napari.tool import Kind
from venoseg_napari.tools_dock import ToolsDock
from venoseg_napari.venogram import VenogramWindow
from venoseg_napari.worklist_dock import WorklistDock

_SETTINGS = ("venoseg", "review")

# Of the left and the right dock, and the height of the lower one, in pixels.
_WIDTHS = (255, 330)
_HEIGHT = 270


class ReviewWindow(QObject):
    """Everything in napari's window that belongs to a review.

    Parameters
    ----------
    viewer
        napari's viewer.
    reviewer, reviews
        Who, and where the reviews are kept.
    clock
        Tells the time.
    """

    def __init__(
        self,
        viewer: napari.Viewer,
        reviewer: str,
        reviews: Path,
        clock: Clock = system_clock,
    ) -> None:
        super().__init__()
        self.viewer = viewer
        self.desk = Desk(reviewer, reviews, clock)
        self.canvas = Canvas(viewer, self.desk)
        self.surfaces = Surfaces(viewer, self.canvas)
        self.coronal, self.sagittal = Plane(self.desk, 1), Plane(self.desk, 2)
        self.along, self.section = Along(self.desk), Section(self.desk)
        self.numbers = NumbersTable(self.desk)
        self.worklist = WorklistDock(self.desk)
        self.tools = ToolsDock(self.desk, self.show_window)
        self.bar = SigningBar(self.desk)
        self.letters = Letters(viewer, self.desk)
        self.venogram, self.comparison = VenogramWindow(), CompareWindow()
        self._docks()
        self.keys = self._keys()
        window = viewer.window._qt_window  # napari names no public way to it
        self.shortcuts = bind(window, self.keys)
        self.help = HelpPanel(self.keys)
        window.installEventFilter(self)
        self._window = window
        self.desk.case_opened.connect(lambda: self.show_window("vein"))
        self.desk.venogram_chosen.connect(self._open_venogram)
        self._restore()

    def show_window(self, name: str) -> None:
        """Show gray values of a preset in every view."""
        self.canvas.show_window(name)
        for view in (self.coronal, self.sagittal, self.along, self.section):
            view.show_window(WINDOWS[name])

    def toggle_help(self) -> None:
        """Show or hide the list of keys."""
        self.help.setVisible(not self.help.isVisible())

    def _open_venogram(self, item: WorkItem) -> None:
        self.venogram.show()
        self.venogram.raise_()
        self.venogram.open(item)

    def compare_with_selected(self) -> None:
        """Show the open case beside the CT selected in the worklist, the earlier in it first."""
        desk, entry = self.desk, self.worklist.list.currentItem()
        other: WorkItem | None = entry.data(Qt.ItemDataRole.UserRole) if entry else None
        item, found = desk.item, desk.figures.found
        if desk.session is None or item is None or found is None or not desk.figures.settled:
            desk.told.emit("open a case and wait for its figures, then compare", False)
            return
        if other is None or other.key == item.key or other.series.kind != "ct":
            desk.told.emit("select another CT in the list of cases to compare with", False)
            return
        folder = desk.folder(other)

        def work() -> Pair:
            check_same_patient(item, other)
            theirs = measured(other, folder)
            if desk.items.index(other) < desk.items.index(item):
                return pair_of((other.title, item.title), theirs, found)
            return pair_of((item.title, other.title), found, theirs)

        def failed(error: Exception) -> None:
            known = isinstance(error, VenosegError)
            self.comparison.tell(
                str(error) if known else f"venoseg failed with {type(error).__name__}: a defect"
            )

        self.comparison.tell("measuring and matching ...")
        self.comparison.show()
        self.comparison.raise_()
        in_background(work, self.comparison.show_pair, failed)

    def close(self) -> None:
        """Put the case away and keep the settings."""
        self._store()
        self.venogram.close()
        self.comparison.close()
        self.help.close()
        self.desk.close_case()

    def eventFilter(self, _: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Ask before steps that are not kept are lost with the window."""
        if event.type() == QEvent.Type.Close:
            if not self.bar.may_close():
                event.ignore()
                return True
            self.close()
        return False

    def _docks(self) -> None:
        window = self.viewer.window
        left = QTabWidget()
        left.addTab(self.worklist, "Cases")
        # Scrolled where the screen is too low for all of them.
        tools = QScrollArea()
        tools.setWidgetResizable(True)
        tools.setFrameShape(QFrame.Shape.NoFrame)
        tools.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        tools.setWidget(self.tools)
        left.addTab(tools, "Tools")
        self.left = left
        self.desk.case_opened.connect(lambda: left.setCurrentWidget(tools))
        left.setMinimumWidth(250)
        planes = QSplitter(Qt.Orientation.Vertical)
        planes.addWidget(self.coronal)
        planes.addWidget(self.sagittal)
        planes.setMinimumWidth(240)
        bottom = QWidget()
        column = QVBoxLayout(bottom)
        column.setContentsMargins(2, 0, 2, 0)
        column.setSpacing(1)
        row = QHBoxLayout()
        parts = QSplitter(Qt.Orientation.Horizontal)
        for part, width in ((self.along, 560), (self.section, 240), (self.numbers, 420)):
            parts.addWidget(part)
            part.setMinimumWidth(180)
            parts.setStretchFactor(parts.count() - 1, width)
        parts.setSizes([470, 230, 460])
        row.addWidget(parts)
        column.addLayout(row, 1)
        column.addWidget(self.bar)
        bottom.setMinimumHeight(240)
        docks = [
            window.add_dock_widget(widget, name=name, area=area)
            for widget, name, area in (
                (left, "Review", "left"),
                (planes, "Coronal and sagittal", "right"),
                (bottom, "Along the vein", "bottom"),
            )
        ]
        main = window._qt_window  # napari names no public way to it
        main.resizeDocks(docks[:2], list(_WIDTHS), Qt.Orientation.Horizontal)
        main.resizeDocks(docks[2:], [_HEIGHT], Qt.Orientation.Vertical)
        viewer = window._qt_viewer  # to make room on small screens
        for dock in (viewer.dockLayerList, viewer.dockLayerControls):
            dock.setVisible(False)

    def _keys(self) -> list[Key]:
        desk = self.desk

        def tool(kind: Kind) -> Any:
            return lambda: desk.take(kind=kind)

        def radius(factor: float) -> Any:
            return lambda: desk.take(
                radius_mm=min(30.0, max(0.5, round(desk.tool.radius_mm * factor, 1)))
            )

        def along(stations: int) -> Any:
            def go() -> None:
                if desk.station is not None:
                    desk.go_to(desk.station[0], desk.station[1] + stations)

            return go

        return [
            Key("V", "look: click to go there, drag to move the picture", tool("look")),
            Key("B", "ball", tool("ball")),
            Key("D", "brush: a disc in the slice", tool("disc")),
            Key("E", "eraser", tool("erase")),
            Key("T", "mark a stent", tool("stent")),
            Key("R", "rename a branch", tool("relabel")),
            Key("X", "cut the vein and remove what lies peripheral", tool("cut")),
            Key("[", "smaller brush", radius(1 / 1.25)),
            Key("]", "larger brush", radius(1.25)),
            Key("Ctrl+Z", "undo", desk.undo),
            Key("Ctrl+Shift+Z", "redo", desk.redo),
            Key("F2", "save a version", self.bar.save_version),
            Key("F4", "sign", self.bar.sign_case),
            Key("Alt+Left", "a station towards the heart", along(-1)),
            Key("Alt+Right", "a station away from the heart", along(1)),
            Key("PgDown", "next case", lambda: desk.step(1)),
            Key("PgUp", "previous case", lambda: desk.step(-1)),
            Key("C", "compare with the selected case", self.compare_with_selected),
            Key("3", "slices or surfaces", self.surfaces.toggle),
            Key("F1", "this list", self.toggle_help),
        ]

    def _store(self) -> None:
        settings, tool = QSettings(*_SETTINGS), self.desk.tool
        settings.setValue("radius_mm", tool.radius_mm)
        settings.setValue("step_mm", tool.step_mm)

    def _restore(self) -> None:
        settings = QSettings(*_SETTINGS)
        self.desk.take(
            radius_mm=float(str(settings.value("radius_mm", 4.0))),
            step_mm=float(str(settings.value("step_mm", 1.0))),
        )


def open_window(
    path: Path,
    labels: Path | None = None,
    reviews: Path | None = None,
    reviewer: str | None = None,
    viewer: napari.Viewer | None = None,
    clock: Clock = system_clock,
) -> ReviewWindow:
    """Open the window on a path; the first case opens when there is only one."""
    viewer = viewer or napari.Viewer(title="venoseg review")
    made = ReviewWindow(
        viewer, reviewer or suggested_reviewer(), reviews or default_reviews(path), clock
    )
    made.desk.labels = labels

    def found() -> None:
        if len(made.desk.items) == 1:
            made.desk.open(made.desk.items[0])

    made.desk.find(path, found)
    return made


def suggested_reviewer() -> str:
    """Return the name of the one who is logged in, as it can be part of file names."""
    return re.sub(r"[^A-Za-z0-9_-]", "", getpass.getuser())[:32] or "reviewer"


def run(path: Path, labels: Path | None, reviews: Path | None, reviewer: str | None) -> int:
    """Open the window, wait until it is closed, and return the exit status."""
    viewer = napari.Viewer(title="venoseg review")
    if reviewer is None:
        name, good = QInputDialog.getText(
            None, "venoseg review", "Reviewer (initials)", text=suggested_reviewer()
        )
        if not good:
            viewer.close()
            return 0
        reviewer = re.sub(r"[^A-Za-z0-9_-]", "", name)[:32] or suggested_reviewer()
    window = open_window(path, labels, reviews, reviewer, viewer)
    napari.run()
    window.close()
    return 0
