"""The worklist: thumbnails, status, filter, next and previous."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QSize, Qt, QTimer, Signal  # type: ignore[attr-defined]  # qtpy picks it
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from venoseg.errors import VenosegError
from venoseg.review import STATUSES, WorkItem, filtered, neighbour, thumbnail
from venoseg_napari.background import in_background
from venoseg_napari.desk import Desk

_EVERY = "every status"
_REST_MS = 500
_MARKS = {"to do": "○", "in progress": "◐", "signed": "●", "needs second reader": "◎"}


class WorklistDock(QWidget):
    """The cases found; a double click opens one."""

    chosen = Signal(object)

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self._icons: dict[str, QIcon] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        self.words = QLineEdit(placeholderText="filter")
        self.status = QComboBox()
        self.status.addItems([_EVERY, *STATUSES])
        self.list = QListWidget()
        self.list.setIconSize(QSize(56, 56))
        self.list.setWordWrap(True)
        row = QHBoxLayout()
        self.open_folder = QPushButton("Open folder")
        self.open_file = QPushButton("Open file")
        row.addWidget(self.open_folder)
        row.addWidget(self.open_file)
        for part in (self.words, self.status, self.list):
            layout.addWidget(part)
        layout.addLayout(row)
        self.words.textChanged.connect(self.draw)
        self.status.currentTextChanged.connect(self.draw)
        self.list.itemActivated.connect(self._activated)
        self.open_folder.clicked.connect(self._ask_folder)
        self.open_file.clicked.connect(self._ask_file)
        desk.worklist_changed.connect(self.draw)
        # Telling how far a case is reads files; that can wait until the hand rests.
        self._later = QTimer(self, singleShot=True, interval=_REST_MS)
        self._later.timeout.connect(self._draw_status)
        desk.state_changed.connect(self._later.start)
        self.chosen.connect(desk.open)

    def look_in(self, path: Path) -> None:
        """List the cases below a path in place of those listed; a single one is opened."""
        self.window().raise_()

        def found() -> None:
            if len(self.desk.items) == 1:
                self.desk.open(self.desk.items[0])

        self.desk.find(path, found)

    def shown(self) -> tuple[WorkItem, ...]:
        """Return the items that pass the filter."""
        status = self.status.currentText()
        wanted = next((s for s in STATUSES if s == status), None)
        return filtered(self.desk.items, self.desk.progress, status=wanted, words=self.words.text())

    def step(self, places: int) -> None:
        """Open the next (1) or the previous (-1) of the cases that pass the filter."""
        chosen = self.desk.chosen
        item = neighbour(self.shown(), chosen.key if chosen else "", places)
        if item is None:
            self.desk.told.emit("there is no further case in the list", False)
        else:
            self.desk.open(item)

    def draw(self) -> None:
        """List the items anew."""
        self.list.clear()
        for item in self.shown():
            entry = QListWidgetItem(self._words(item))
            entry.setToolTip(item.problem or item.key)
            entry.setData(Qt.ItemDataRole.UserRole, item)
            if item.key in self._icons:
                entry.setIcon(self._icons[item.key])
            else:
                self._fetch(item)
            self.list.addItem(entry)
            if self.desk.item is not None and item.key == self.desk.item.key:
                self.list.setCurrentItem(entry)

    def _words(self, item: WorkItem) -> str:
        done = self.desk.progress(item)
        by = f" ({', '.join(done.by)})" if done.by else ""
        words = f"{item.title}\n{_MARKS[done.status]} {done.status}{by}"
        return f"{words}\n! {item.problem}" if item.problem else words

    def _draw_status(self) -> None:
        """Say anew how far the open case is."""
        for number in range(self.list.count()):
            entry = self.list.item(number)
            item = entry.data(Qt.ItemDataRole.UserRole)
            if self.desk.item is not None and item.key == self.desk.item.key:
                entry.setText(self._words(item))

    def _fetch(self, item: WorkItem) -> None:
        """Make a thumbnail in the background."""
        self._icons[item.key] = QIcon()

        def done(picture: npt.NDArray[np.uint8]) -> None:
            gray = picture.copy()
            side = gray.shape[0]
            image = QImage(gray.data, side, side, side, QImage.Format.Format_Grayscale8)
            self._icons[item.key] = QIcon(QPixmap.fromImage(image.copy()))
            for number in range(self.list.count()):
                entry = self.list.item(number)
                if entry.data(Qt.ItemDataRole.UserRole).key == item.key:
                    entry.setIcon(self._icons[item.key])

        def failed(error: Exception) -> None:
            if not isinstance(error, VenosegError):
                raise error

        in_background(lambda: thumbnail(item), done, failed)

    def _activated(self, entry: QListWidgetItem) -> None:
        self.chosen.emit(entry.data(Qt.ItemDataRole.UserRole))

    def _ask_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Open a study, case or export")
        if path:
            self.look_in(Path(path))

    def _ask_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a ZIP, DICOM, NIfTI or NRRD file")
        if path:
            self.look_in(Path(path))
