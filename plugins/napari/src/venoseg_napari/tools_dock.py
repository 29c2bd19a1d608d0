"""The tools, their settings, and what is done to a vein as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from qtpy.QtCore import QSignalBlocker
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from venoseg.anatomy import VESSELS
from venoseg_napari.desk import Desk
from venoseg_napari.display import WINDOWS
from venoseg_napari.operations import SHAPES, forget_course, mark_occluded, reshape, segment_case
from venoseg_napari.tool import HINTS, TITLES, Kind

Part = TypeVar("Part", bound=QWidget)


class ToolsDock(QWidget):
    """Buttons for the tools; the desk holds which one is in the hand.

    Parameters
    ----------
    desk
        The state of the window.
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self._occluded_from: tuple[str, int] | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.setSpacing(3)
        for title, part in (
            ("Show", self._shown()),
            ("Tool", self._tools()),
            ("", self._settings()),
            ("Whole vein", self._shapes()),
            ("Course", self._course()),
            ("Segment anew", self._segment()),
            ("", self._steps()),
        ):
            if title:
                layout.addWidget(_heading(title))
            layout.addLayout(part)
        layout.addStretch()
        desk.tool_changed.connect(self.draw)
        desk.state_changed.connect(self.draw)
        desk.display.limits_changed.connect(self.draw_shown)
        desk.display.labels_changed.connect(self.draw_shown)
        self.draw()
        self.draw_shown()

    def draw(self) -> None:
        """Show the tool in the hand and what can be undone."""
        tool = self.desk.tool
        self.buttons[tool.kind].setChecked(True)
        blockers = [QSignalBlocker(part) for part in self._inputs]
        self.radius.setValue(tool.radius_mm)
        self.step.setValue(tool.step_mm)
        self.protect.setChecked(tool.protect)
        self.between.setChecked(tool.limited)
        self.low.setValue(round(tool.between_hu[0]))
        self.high.setValue(round(tool.between_hu[1]))
        self.by_labels.setChecked(self.desk.meter.boundary == "mask")
        self.vessel.setCurrentIndex([v.name for v in VESSELS].index(tool.vessel))
        del blockers
        history = self.desk.session.history if self.desk.session else None
        done = history.done[-1].what if history and history.done else ""
        undone = history.undone[-1].what if history and history.undone else ""
        self.undo.setEnabled(bool(done))
        self.redo.setEnabled(bool(undone))
        self.undo.setToolTip(f"undo: {done}" if done else "nothing to undo")
        self.redo.setToolTip(f"redo: {undone}" if undone else "nothing to redo")

    def draw_shown(self) -> None:
        """Show which window of gray values is chosen, and how the veins are shown."""
        display = self.desk.display
        low, high = display.limits
        for name, button in self.windows.items():
            button.setChecked(WINDOWS[name] == display.limits)
        self.labels.setText(f"Veins {display.labels}")
        self.gray.setText(f"{low:.0f} to {high:.0f} HU")

    def _shown(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(2)
        display = self.desk.display
        self.windows: dict[str, QPushButton] = {}
        for number, name in enumerate(WINDOWS):
            button = _narrow(QPushButton(name))
            button.setCheckable(True)
            button.setToolTip(f"gray values of the {name} window (W: the next one)")
            button.clicked.connect(lambda _=False, n=name: display.show_window(n))
            grid.addWidget(button, 0, number)
            self.windows[name] = button
        self.gray = QLabel("")
        self.gray.setToolTip("drag with the right mouse button to change them")
        self.labels = _narrow(QPushButton(""))
        self.labels.setToolTip("outlined, filled, hidden (O)")
        self.labels.clicked.connect(display.next_labels)
        row = _row(self.gray, self.labels)
        grid.addLayout(row, 1, 0, 1, 3)
        return grid

    def _tools(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(2)
        group = QButtonGroup(self)
        self.buttons: dict[Kind, QPushButton] = {}
        for number, (kind, title) in enumerate(TITLES.items()):
            button = _narrow(QPushButton(title))
            button.setCheckable(True)
            button.setToolTip(HINTS[kind])
            button.clicked.connect(lambda _=False, k=kind: self.desk.take(kind=k))
            group.addButton(button)
            grid.addWidget(button, number // 3, number % 3)
            self.buttons[kind] = button
        return grid

    def _settings(self) -> QVBoxLayout:
        desk = self.desk
        self.vessel = _narrow(QComboBox())
        for vessel in VESSELS:
            swatch = QPixmap(12, 12)
            swatch.fill(QColor(*vessel.colour_rgb))
            self.vessel.addItem(QIcon(swatch), vessel.title)
        self.vessel.setToolTip("the vein that is drawn")
        self.vessel.currentIndexChanged.connect(lambda n: desk.take(vessel=VESSELS[n].name))
        self.radius = _length(0.5, 30.0, lambda mm: desk.take(radius_mm=mm))
        self.step = _length(0.3, 10.0, lambda mm: desk.take(step_mm=mm))
        self.step.setToolTip("by how much Grow and Shrink change, and the detail Smooth removes")
        self.protect = QCheckBox("leave other veins alone")
        self.protect.toggled.connect(lambda on: desk.take(protect=on))
        self.between = QCheckBox("only between, HU")
        self.between.setToolTip("draw on these gray values alone")
        self.between.toggled.connect(lambda on: desk.take(limited=on))
        self.low, self.high = _narrow(QSpinBox()), _narrow(QSpinBox())
        for box in (self.low, self.high):
            box.setRange(-1024, 3071)
            box.valueChanged.connect(self._set_window)
        self.by_labels = QCheckBox("measure the edge of the labels")
        self.by_labels.setToolTip(
            "not of the image: figures follow what is drawn even where the gray values show "
            "another edge"
        )
        self.by_labels.toggled.connect(lambda on: desk.measure_by("mask" if on else "gray"))
        self._inputs = (
            *(self.vessel, self.radius, self.step, self.protect, self.between),
            *(self.low, self.high, self.by_labels),
        )
        column = QVBoxLayout()
        column.setSpacing(2)
        column.addWidget(self.vessel)
        form = QFormLayout()
        form.setVerticalSpacing(2)
        form.addRow("Radius", self.radius)
        form.addRow("Grow by", self.step)
        column.addLayout(form)
        column.addWidget(self.between)
        column.addLayout(_row(self.low, self.high))
        column.addWidget(self.protect)
        column.addWidget(self.by_labels)
        return column

    def _shapes(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(2)
        self.shapes: dict[str, QPushButton] = {}
        for number, (name, title) in enumerate(SHAPES.items()):
            button = _narrow(QPushButton(title))
            button.setToolTip(f"{title.lower()}: the whole of the vein chosen above")
            button.clicked.connect(lambda _=False, n=name: reshape(self.desk, n))
            self.shapes[name] = button
            # The longer words stand on the left.
            grid.addWidget(button, number // 2, number % 2)
        grid.setColumnStretch(0, 5)
        grid.setColumnStretch(1, 4)
        return grid

    def _course(self) -> QHBoxLayout:
        self.occluded = _narrow(QPushButton("Occluded from here"))
        self.occluded.setToolTip("from the station looked at; then go to its end and press again")
        self.occluded.clicked.connect(self._mark_occluded)
        self.forget = _narrow(QPushButton("Forget ends"))
        self.forget.setToolTip("of the vein chosen above: its ends, waypoints, occluded stretches")
        self.forget.clicked.connect(lambda: forget_course(self.desk))
        row = _row(self.occluded, self.forget)
        row.setStretch(0, 3)
        row.setStretch(1, 2)
        return row

    def _segment(self) -> QHBoxLayout:
        self.guided = _narrow(QPushButton("From the ends"))
        self.guided.setToolTip("find the veins between the ends and waypoints that were set")
        self.automatic = _narrow(QPushButton("Without"))
        self.automatic.setToolTip("find the veins without any ends")
        self.guided.clicked.connect(lambda: segment_case(self.desk, from_seeds=True))
        self.automatic.clicked.connect(lambda: segment_case(self.desk, from_seeds=False))
        return _row(self.guided, self.automatic)

    def _steps(self) -> QHBoxLayout:
        self.undo, self.redo = _narrow(QPushButton("Undo")), _narrow(QPushButton("Redo"))
        self.undo.clicked.connect(self.desk.undo)
        self.redo.clicked.connect(self.desk.redo)
        return _row(self.undo, self.redo)

    def _set_window(self) -> None:
        self.desk.take(between_hu=(float(self.low.value()), float(self.high.value())))

    def _mark_occluded(self) -> None:
        """First click remembers the station looked at, the second marks the stretch between."""
        station = self.desk.station
        if station is None:
            self.desk.told.emit("click on a vein first, in the profile for example", True)
            return
        start, self._occluded_from = self._occluded_from, None
        if start is None or start[0] != station[0]:
            self._occluded_from = station
            self.occluded.setText("Occluded up to here")
            return
        self.occluded.setText("Occluded from here")
        mark_occluded(self.desk, start[1], station[1])


def _heading(title: str) -> QLabel:
    label = QLabel(title)
    label.setStyleSheet("font-weight: bold; padding-top: 3px")
    return label


def _row(*parts: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(2)
    for part in parts:
        row.addWidget(part)
    return row


def _narrow(widget: Part) -> Part:
    """Let a widget be as narrow as a small screen makes it."""
    widget.setMinimumWidth(40)
    widget.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return widget


def _length(low: float, high: float, take: Callable[[float], None]) -> QDoubleSpinBox:
    box = _narrow(QDoubleSpinBox())
    box.setRange(low, high)
    box.setDecimals(1)
    box.setSingleStep(0.5)
    box.setSuffix(" mm")
    box.valueChanged.connect(take)
    return box
