"""The table of veins: what the figures are now, gray while they are being measured again."""

from __future__ import annotations

from qtpy.QtGui import QBrush, QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from venoseg.anatomy import BY_NAME
from venoseg.tables import Value
from venoseg_napari.desk import Desk
from venoseg_napari.places import narrowest

COLUMNS: dict[str, str] = {
    "vessel": "Vein",
    "minimum_diameter_mm": "min mm",
    "minimum_area_mm2": "area mm²",
    "area_stenosis_percent": "stenosis %",
    "state": "state",
}
STALE_WORDS = "..."
_MARGIN_PX = 14
_WIDEST_STATE = "not assessable"
_STALE = QBrush(QColor("#d98c00"))


class NumbersTable(QTableWidget):
    """One row a vein; a click leads to its narrowest place."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(0, len(COLUMNS))
        self.desk = desk
        self._cells: list[list[QTableWidgetItem]] = []
        self.setHorizontalHeaderLabels(list(COLUMNS.values()))
        self.verticalHeader().setVisible(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        # Of fixed width: a table that follows its text lays itself out at every figure.
        for place, (column, title) in enumerate(COLUMNS.items()):
            words = _WIDEST_STATE if column == "state" else title
            self.setColumnWidth(place, self.fontMetrics().horizontalAdvance(words) + _MARGIN_PX)
        self.verticalHeader().setDefaultSectionSize(20)
        self.cellClicked.connect(self._go)
        desk.figures_changed.connect(self.draw)
        desk.case_opened.connect(self.draw)

    def text(self, vessel: str, column: str) -> str:
        """Return what is shown of a vein."""
        rows = self._vessels()
        item = self.item(rows.index(vessel), list(COLUMNS).index(column))
        return str(item.text()) if item else ""

    def draw(self) -> None:
        """Show the newest figures."""
        found = self.desk.figures.found
        rows = found.segments.rows if found else ()
        if self.rowCount() != len(rows):
            self.setRowCount(len(rows))
            self._cells = [[QTableWidgetItem() for _ in COLUMNS] for _ in rows]
            for number, cells in enumerate(self._cells):
                for place, cell in enumerate(cells):
                    self.setItem(number, place, cell)
        for number, row in enumerate(rows):
            stale = self.desk.is_stale(str(row["vessel"]))
            for place, column in enumerate(COLUMNS):
                fixed = column == "vessel"
                item = self._cells[number][place]
                item.setText(_words(row[column], column) if fixed or not stale else STALE_WORDS)
                item.setForeground(_STALE if stale else QBrush())
                item.setToolTip("being measured again" if stale else "")

    def _vessels(self) -> list[str]:
        found = self.desk.figures.found
        return [str(row["vessel"]) for row in found.segments.rows] if found else []

    def _go(self, row: int, _: int) -> None:
        vessel = self._vessels()[row]
        profile = self.desk.profile(vessel)
        station = narrowest(profile) if profile is not None else None
        if station is not None:
            self.desk.go_to(vessel, station)


def _words(value: Value, column: str) -> str:
    if column == "vessel":
        return BY_NAME[str(value)].title
    if value is None:
        return "-"
    return f"{value:.1f}" if isinstance(value, float | int) else str(value).replace("_", " ")
