"""The table of veins: what the figures are now, gray while they are being measured again."""

from __future__ import annotations

from qtpy.QtGui import QBrush, QColor, QIcon, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from venoseg.anatomy import BY_NAME
from venoseg.lumen.tables.records import STATE_IN_DOUBT
from venoseg.tables import Row
from venoseg_napari.desk import Desk
from venoseg_napari.places import narrowest

COLUMNS: dict[str, str] = {
    "vessel": "Vein",
    "minimum_diameter_mm": "min mm",
    "minimum_area_mm2": "min mm²",
    "area_stenosis_percent": "stenosis",
    "state": "state",
}
STALE_WORDS = "..."
_MARGIN_PX = 10
_ROW_PX = 20
# Qt's own, which its bindings do not name.
_NO_LIMIT_PX = 16_777_215
# Of a segment whose area lies so near to the limit that its interval holds both; the widest one.
_IN_DOUBT = "patent/stenotic"
_SWATCH_PX = 12
_STALE = QBrush(QColor("#d98c00"))


class NumbersTable(QTableWidget):
    """One row a vein; a click leads to its narrowest place."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(0, len(COLUMNS))
        self.desk = desk
        self._cells: list[list[QTableWidgetItem]] = []
        self._named: list[str] = []
        self.setHorizontalHeaderLabels(list(COLUMNS.values()))
        self.verticalHeader().setVisible(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        # Of fixed width: a table that follows its text lays itself out at every figure.
        for place, (column, title) in enumerate(COLUMNS.items()):
            words = _IN_DOUBT if column == "state" else title
            self.setColumnWidth(place, self.fontMetrics().horizontalAdvance(words) + _MARGIN_PX)
        self.verticalHeader().setDefaultSectionSize(_ROW_PX)
        self.cellClicked.connect(self._go)
        desk.figures_changed.connect(self.draw)
        desk.case_opened.connect(self.draw)
        desk.station_changed.connect(self._select)

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
            # What is left below belongs to the remarks.
            high = self.horizontalHeader().sizeHint().height() + _ROW_PX * len(rows)
            self.setMaximumHeight(high + 2 * self.frameWidth() if rows else _NO_LIMIT_PX)
            self._cells = [[QTableWidgetItem() for _ in COLUMNS] for _ in rows]
            for number, cells in enumerate(self._cells):
                for place, cell in enumerate(cells):
                    self.setItem(number, place, cell)
        if self._vessels() != self._named:
            self._named = self._vessels()
            for cells, vessel in zip(self._cells, self._named, strict=True):
                cells[0].setIcon(_swatch(vessel))
        self._select()
        for number, row in enumerate(rows):
            stale = self.desk.is_stale(str(row["vessel"]))
            for place, column in enumerate(COLUMNS):
                fixed = column == "vessel"
                words = _words(row, column) if fixed or not stale else STALE_WORDS
                item = self._cells[number][place]
                # What stays is not written again: every cell that is written is painted.
                if (item.text(), bool(item.toolTip())) == (words, stale):
                    continue
                item.setText(words)
                item.setForeground(_STALE if stale else QBrush())
                item.setToolTip("being measured again" if stale else "")

    def _select(self) -> None:
        """Show which vein is looked at."""
        vessels, station = self._vessels(), self.desk.station
        if station is not None and station[0] in vessels:
            row = vessels.index(station[0])
            if self.currentRow() != row:
                self.selectRow(row)
        else:
            self.clearSelection()

    def _vessels(self) -> list[str]:
        found = self.desk.figures.found
        return [str(row["vessel"]) for row in found.segments.rows] if found else []

    def _go(self, row: int, _: int) -> None:
        vessel = self._vessels()[row]
        profile = self.desk.profile(vessel)
        station = narrowest(profile) if profile is not None else None
        if station is not None:
            self.desk.go_to(vessel, station)


def _swatch(vessel: str) -> QIcon:
    """Return a square of the vein's colour."""
    picture = QPixmap(_SWATCH_PX, _SWATCH_PX)
    picture.fill(QColor(*BY_NAME[vessel].colour_rgb))
    return QIcon(picture)


def _words(row: Row, column: str) -> str:
    value = row[column]
    if column == "state" and STATE_IN_DOUBT in str(row["flags"] or "").split():
        return _IN_DOUBT
    if column == "vessel":
        return BY_NAME[str(value)].title.removesuffix(" vein")
    if value is None:
        return "-"
    if isinstance(value, str):
        return value.replace("_", " ")
    if column != "area_stenosis_percent":
        return f"{value:.1f}"
    # Wider than its reference everywhere: the tables hold by how much.
    return f"{round(value)} %" if round(value) > 0 else "none"
