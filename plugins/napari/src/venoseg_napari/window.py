"""The reviewer's window: napari with the worklist, the views, the figures and the tools."""

from __future__ import annotations

import gc
import getpass
import re
from collections.abc import Sequence
from pathlib import Path

import napari
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QInputDialog

from venoseg.errors import VenosegError
from venoseg.review import Clock, WorkItem, system_clock
from venoseg_napari.along import Along
from venoseg_napari.background import in_background
from venoseg_napari.bindings import keys_of
from venoseg_napari.canvas import Canvas
from venoseg_napari.compare import CompareWindow, Pair, check_same_patient, measured, pair_of
from venoseg_napari.crosshair import Crosshair
from venoseg_napari.desk import Desk
from venoseg_napari.keys import HelpPanel, bind
from venoseg_napari.layout import Layout
from venoseg_napari.letters import Letters
from venoseg_napari.numbers_table import NumbersTable
from venoseg_napari.planes import Plane
from venoseg_napari.remarks import Remarks, with_remarks
from venoseg_napari.section import Section
from venoseg_napari.settings import restore, store
from venoseg_napari.signing_bar import SigningBar
from venoseg_napari.surfaces import Surfaces
from venoseg_napari.tools_dock import ToolsDock
from venoseg_napari.venogram import VenogramWindow
from venoseg_napari.viewer import new_viewer
from venoseg_napari.worklist_dock import WorklistDock


class ReviewWindow(QObject):
    """Everything in napari's window that belongs to a review.

    Parameters
    ----------
    viewer
        napari's viewer.
    reviewer, reviews
        Who, and where the reviews are kept; None: beside the images.
    clock
        Tells the time.
    """

    def __init__(
        self,
        viewer: napari.Viewer,
        reviewer: str,
        reviews: Path | None,
        clock: Clock = system_clock,
    ) -> None:
        super().__init__()
        self.viewer = viewer
        self.desk = Desk(reviewer, reviews, clock)
        self.canvas = Canvas(viewer, self.desk)
        self.surfaces = Surfaces(viewer, self.canvas)
        self.coronal, self.sagittal = Plane(self.desk, 1), Plane(self.desk, 2)
        self.along, self.section = Along(self.desk), Section(self.desk)
        self.numbers, self.remarks = NumbersTable(self.desk), Remarks(self.desk)
        self.worklist = WorklistDock(self.desk)
        self.tools = ToolsDock(self.desk)
        self.bar = SigningBar(self.desk)
        self.letters = Letters(viewer, self.desk)
        self.crosshair = Crosshair(viewer, self.canvas)
        self.layout = Layout(
            viewer,
            self.worklist,
            self.tools,
            (self.coronal, self.sagittal),
            (self.along, self.section, with_remarks(self.numbers, self.remarks)),
            self.bar,
        )
        window = viewer.window._qt_window  # napari names no public way to it
        self.venogram, self.comparison = VenogramWindow(window), CompareWindow(window)
        self.keys = keys_of(self)
        self.shortcuts = bind(window, self.keys)
        self.help = HelpPanel(self.keys, window)
        window.installEventFilter(self)
        self._window = window
        self.desk.case_opened.connect(self.layout.show_tools)
        self.desk.venogram_chosen.connect(self._open_venogram)
        restore(self.desk, self.layout)
        # Where File > Open ends, and a drop on the window: it has no public name, and a reader
        # among several would make napari ask each time which of them to take.
        viewer.window._qt_viewer._qt_open = self._look_in
        # napari's objects live as long as its window. To look through all of them for what nobody
        # holds any more would stop the hand that paints for half a second now and then.
        gc.collect()
        gc.freeze()

    def toggle_help(self) -> None:
        """Show or hide the list of keys."""
        self.help.setVisible(not self.help.isVisible())

    def _look_in(self, paths: Sequence[str], *_: object, **__: object) -> None:
        """List the cases below what is opened in the window, rather than add a layer."""
        self.worklist.look_in(Path(paths[0]))

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
        store(self.desk, self.layout)
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


def open_window(
    path: Path,
    labels: Path | None = None,
    reviews: Path | None = None,
    reviewer: str | None = None,
    viewer: napari.Viewer | None = None,
    clock: Clock = system_clock,
) -> ReviewWindow:
    """Open the window on a path; the first case opens when there is only one."""
    viewer = viewer or new_viewer()
    made = ReviewWindow(viewer, reviewer or suggested_reviewer(), reviews, clock)
    made.desk.labels = labels
    made.worklist.look_in(path)
    return made


def suggested_reviewer() -> str:
    """Return the name of the one who is logged in, as it can be part of file names."""
    return re.sub(r"[^A-Za-z0-9_-]", "", getpass.getuser())[:32] or "reviewer"


def run(path: Path, labels: Path | None, reviews: Path | None, reviewer: str | None) -> int:
    """Open the window, wait until it is closed, and return the exit status."""
    viewer = new_viewer()
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
