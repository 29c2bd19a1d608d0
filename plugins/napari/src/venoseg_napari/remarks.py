"""What a reviewer must know of the figures: what is doubted, left out, or was not measured."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from venoseg.reporting.words import warning_words
from venoseg_napari.advice import advice
from venoseg_napari.desk import Desk
from venoseg_napari.numbers_table import NumbersTable
from venoseg_napari.places import narrowest

# There is room for so many lines at least, below the table; more are scrolled to.
_LINES = 5


class Remarks(QListWidget):
    """One line a remark, gray while the figures are old; a click leads to the vein it is about."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self._told: tuple[str, ...] = ()
        self.setWordWrap(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumHeight(_LINES * self.fontMetrics().lineSpacing())
        self.hide()
        self.itemClicked.connect(self._go)
        desk.figures_changed.connect(self.draw)
        desk.case_opened.connect(self.draw)

    def texts(self) -> list[str]:
        """Return the remarks shown."""
        return [str(self.item(n).text()) for n in range(self.count())]

    def draw(self) -> None:
        """Show the remarks on the newest figures."""
        found = self.desk.figures.found
        told = found.warnings if found else ()
        if told != self._told:
            self._told = told
            self.clear()
            for warning in told:
                words = advice(warning_words(warning))
                item = QListWidgetItem(f"\N{BULLET} {words}")
                item.setToolTip(words)
                item.setData(Qt.ItemDataRole.UserRole, warning.partition(":")[0])
                self.addItem(item)
            self.setVisible(bool(told))
        self.setEnabled(self.desk.figures.settled)

    def _go(self, item: QListWidgetItem) -> None:
        """Show the narrowest place of the vein that a remark is about, if it is about one."""
        profile = self.desk.profile(str(item.data(Qt.ItemDataRole.UserRole)))
        if profile is not None:
            station = narrowest(profile)
            self.desk.go_to(profile.vessel, 0 if station is None else station)


def with_remarks(numbers: NumbersTable, remarks: Remarks) -> QWidget:
    """Return the table with the remarks below it."""
    column = QVBoxLayout(both := QWidget())
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(2)
    column.addWidget(numbers, 2)
    column.addWidget(remarks, 1)
    column.addStretch(0)
    return both
