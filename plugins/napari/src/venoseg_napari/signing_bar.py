"""Saving and signing, and what the reviewer must know about it."""

from __future__ import annotations

from html import escape
from pathlib import Path

from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from venoseg.errors import VenosegError
from venoseg.lumen import Measurements
from venoseg.review import Version, changes_table, sign_off
from venoseg_napari.advice import advice
from venoseg_napari.desk import Desk
from venoseg_napari.words import Words

_GOOD, _BAD, _OPEN = "#3c9a3c", "#d9534f", "#d98c00"


class SigningBar(QWidget):
    """Says what is kept, saves, signs, and shows every message until the next one."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 2, 4, 2)
        column = QVBoxLayout()
        column.setSpacing(0)
        self.state = Words()
        self.save, self.sign = QPushButton("Save version"), QPushButton("Sign")
        self.second = QCheckBox("ask for a second reader")
        self.elsewhere = QPushButton("Keep elsewhere ...")
        self.cancel = QPushButton("Cancel")
        self.message = Words(lines=2)
        column.addWidget(self.state)
        column.addWidget(self.message)
        row.addLayout(column, 1)
        # Without an end: how long it takes is not known, only how far it is, which words say.
        self.progress = QProgressBar(maximum=0)
        self.progress.setFixedWidth(70)
        self.progress.setTextVisible(False)
        self.progress.hide()
        for part in (self.progress, self.cancel, self.elsewhere, self.second, self.save, self.sign):
            row.addWidget(part)
        self.save.clicked.connect(self.save_version)
        self.sign.clicked.connect(self.sign_case)
        self.elsewhere.clicked.connect(self._ask_folder)
        self.cancel.clicked.connect(desk.cancel)
        self.cancel.hide()
        desk.told.connect(self._tell)
        desk.work.said.connect(self._work)
        desk.state_changed.connect(self.draw)
        desk.figures_changed.connect(self.draw)
        self.draw()

    def draw(self) -> None:
        """Show whether everything is kept and whether it is in a version."""
        session = self.desk.session
        ready = session is not None and not self.desk.busy
        self.save.setEnabled(ready)
        self.sign.setEnabled(ready and self.desk.figures.settled)
        self.elsewhere.setVisible(session is not None and not session.kept)
        if session is None:
            self.state.setText("no case is open")
            return
        words, colour = "every step is kept", _GOOD
        if not session.kept:
            words, colour = "NOT KEPT: the last steps are in memory only", _BAD
        elif session.changed:
            words, colour = "every step is kept; not yet saved as a version", _OPEN
        elif session.parent is not None and session.parent.kind == "start":
            words = "nothing is changed yet"
        elif session.parent is not None:
            words = f"saved as {session.parent.name}"
        self.state.setText(f"<span style='color:{colour}'>{words}</span>")

    def save_version(self) -> None:
        """Save a version, in the background."""
        desk, session = self.desk, self.desk.session
        if session is None or desk.busy:
            return
        before = desk.before

        def work() -> tuple[Version, Measurements | None]:
            # A version holds the figures of its labels, those of the last stroke too.
            found = desk.meter.wait()
            return session.save(changes_table(before, found)), found

        def done(result: tuple[Version, Measurements | None]) -> None:
            version, found = result
            desk.before = found
            desk.told.emit(f"saved as {version.name} and read back", False)
            desk.state_changed.emit()

        desk.work.start_locked("saving", work, done)

    def sign_case(self) -> None:
        """Sign the case and write its results, in the background."""
        desk, session, item = self.desk, self.desk.session, self.desk.item
        if session is None or item is None or desk.busy:
            return
        before, second = desk.before, self.second.isChecked()

        def work() -> tuple[Version, Measurements, Path]:
            headers = item.series.headers() if session.image.source.kind == "DICOM" else ()
            return sign_off(
                session, before, headers, second_reader=second, boundary=desk.meter.boundary
            )

        def done(result: tuple[Version, Measurements, Path]) -> None:
            version, found, out = result
            desk.before = found
            name = version.name
            desk.told.emit(f"signed as {name}; results in results/{out.name}", False)
            desk.state_changed.emit()
            desk.worklist_changed.emit()

        desk.work.start_locked("signing", work, done)

    def may_close(self) -> bool:
        """Ask before steps that are not kept are lost; tell whether to go on."""
        session = self.desk.session
        if session is None or session.kept:
            return True
        answer = QMessageBox.question(
            self,
            "Steps that are not kept",
            "The last steps are in memory only and are lost when the window closes. "
            "Close all the same? With No you can keep the review in another folder.",
        )
        return bool(answer == QMessageBox.StandardButton.Yes)

    def move_to(self, folder: Path) -> None:
        """Keep the review of the open case in another folder."""
        session = self.desk.session
        if session is None:
            return
        try:
            session.move_to(folder / session.folder.path.name)
        except VenosegError as error:
            self.desk.told.emit(str(error), True)
        else:
            self.desk.told.emit("the review is kept there now, with every step", False)
        self.desk.state_changed.emit()

    def _ask_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Keep the review in")
        if path:
            self.move_to(Path(path))

    def _tell(self, words: str, problem: bool) -> None:
        colour = _BAD if problem else _GOOD
        told = escape(advice(words))
        self.message.setText(f"<span style='color:{colour}'>{told}</span>")

    def _work(self, words: str) -> None:
        self.cancel.setVisible(bool(words) and not self.desk.busy)
        self.progress.setVisible(bool(words))
        if words:
            self.message.setText(f"<span style='color:{_OPEN}'>{words} ...</span>")
        elif "..." in self.message.text():
            self.message.setText("")
        self.draw()
