"""The tools, their settings, and what is done to a vein as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from venoseg.anatomy import VESSELS
from venoseg_napari.canvas import WINDOWS
from venoseg_napari.desk import Desk
from venoseg_napari.operations import SHAPES, mark_occluded, reshape, segment_case
from venoseg_napari.tool import TITLES, Kind

Part = TypeVar("Part", bound=QWidget)


class ToolsDock(QWidget):
    """Buttons for the tools; the desk holds which one is in the hand.

    Parameters
    ----------
    desk
        The state of the window.
    show_window
        Called with the name of a window of gray values.
    """

    def __init__(self, desk: Desk, show_window: Callable[[str], None]) -> None:
        super().__init__()
        self.desk = desk
        self._occluded_from: tuple[str, int] | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.setSpacing(3)
        layout.addLayout(self._windows(show_window))
        layout.addLayout(self._tools())
        layout.addLayout(self._settings())
        layout.addLayout(self._shapes())
        layout.addLayout(self._steps())
        layout.addStretch()
        desk.tool_changed.connect(self.draw)
        desk.state_changed.connect(self.draw)
        self.draw()

    def draw(self) -> None:
        """Show the tool in the hand and what can be undone."""
        tool = self.desk.tool
        self.buttons[tool.kind].setChecked(True)
        for widget, value in (
            (self.radius, tool.radius_mm),
            (self.step, tool.step_mm),
        ):
            widget.blockSignals(True)
            widget.setValue(value)
            widget.blockSignals(False)
        self.vessel.blockSignals(True)
        self.vessel.setCurrentIndex([v.name for v in VESSELS].index(tool.vessel))
        self.vessel.blockSignals(False)
        history = self.desk.session.history if self.desk.session else None
        done = history.done[-1].what if history and history.done else ""
        undone = history.undone[-1].what if history and history.undone else ""
        self.undo.setEnabled(bool(done))
        self.redo.setEnabled(bool(undone))
        self.undo.setToolTip(f"undo: {done}" if done else "nothing to undo")
        self.redo.setToolTip(f"redo: {undone}" if undone else "nothing to redo")

    def _windows(self, show_window: Callable[[str], None]) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(2)
        for name in WINDOWS:
            button = _narrow(QPushButton(name))
            button.setToolTip(f"show the gray values of the {name} window")
            button.clicked.connect(lambda _=False, n=name: show_window(n))
            row.addWidget(button)
        return row

    def _tools(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(2)
        group = QButtonGroup(self)
        self.buttons: dict[Kind, QPushButton] = {}
        for number, (kind, title) in enumerate(TITLES.items()):
            button = _narrow(QPushButton(title))
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, k=kind: self.desk.take(kind=k))
            group.addButton(button)
            grid.addWidget(button, number // 2, number % 2)
            self.buttons[kind] = button
        return grid

    def _settings(self) -> QFormLayout:
        form = QFormLayout()
        form.setVerticalSpacing(2)
        self.vessel = _narrow(QComboBox())
        for vessel in VESSELS:
            swatch = QPixmap(12, 12)
            swatch.fill(QColor(*vessel.colour_rgb))
            self.vessel.addItem(QIcon(swatch), vessel.title)
        self.vessel.currentIndexChanged.connect(
            lambda number: self.desk.take(vessel=VESSELS[number].name)
        )
        self.radius = _length(0.5, 30.0, lambda mm: self.desk.take(radius_mm=mm))
        self.step = _length(0.3, 10.0, lambda mm: self.desk.take(step_mm=mm))
        self.protect = QCheckBox("leave other veins alone")
        self.protect.setChecked(True)
        self.protect.toggled.connect(lambda on: self.desk.take(protect=on))
        self.between = QCheckBox("only between, HU")
        self.low, self.high = QSpinBox(), QSpinBox()
        for box, value in ((self.low, 80), (self.high, 400)):
            box.setRange(-1024, 3071)
            box.setValue(value)
            box.valueChanged.connect(self._set_window)
        self.between.toggled.connect(self._set_window)
        grays = QHBoxLayout()
        grays.setSpacing(2)
        for part in (self.low, self.high):
            grays.addWidget(part)
        form.addRow("Vein", self.vessel)
        form.addRow("Radius", self.radius)
        form.addRow(self.between)
        form.addRow(grays)
        form.addRow(self.protect)
        self.by_labels = QCheckBox("edge of the labels")
        self.by_labels.setToolTip(
            "not of the image: figures follow what is drawn even where the gray values show "
            "another edge"
        )
        self.by_labels.toggled.connect(lambda on: self.desk.measure_by("mask" if on else "gray"))
        form.addRow("Grow by", self.step)
        form.addRow(self.by_labels)
        return form

    def _shapes(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(2)
        # The longer words stand on the left.
        grid.setColumnStretch(0, 5)
        grid.setColumnStretch(1, 3)
        for number, (name, title) in enumerate(SHAPES.items()):
            button = _narrow(QPushButton(title))
            button.clicked.connect(lambda _=False, n=name: reshape(self.desk, n))
            grid.addWidget(button, number // 2, number % 2)
        self.occluded = QPushButton("Occluded from here")
        self.occluded.clicked.connect(self._mark_occluded)
        grid.addWidget(self.occluded, 3, 0, 1, 2)
        self.guided = _narrow(QPushButton("Segment from seeds"))
        self.automatic = _narrow(QPushButton("Segment"))
        self.guided.clicked.connect(lambda: segment_case(self.desk, from_seeds=True))
        self.automatic.clicked.connect(lambda: segment_case(self.desk, from_seeds=False))
        grid.addWidget(self.guided, 4, 0)
        grid.addWidget(self.automatic, 4, 1)
        return grid

    def _steps(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.undo, self.redo = QPushButton("Undo"), QPushButton("Redo")
        self.undo.clicked.connect(self.desk.undo)
        self.redo.clicked.connect(self.desk.redo)
        row.addWidget(self.undo)
        row.addWidget(self.redo)
        return row

    def _set_window(self) -> None:
        window = (float(self.low.value()), float(self.high.value()))
        self.desk.take(window_hu=window if self.between.isChecked() else None)

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
