"""The controls of a venogram: cine, mask, calibration, measuring."""

from __future__ import annotations

from typing import Literal

from qtpy.QtCore import QSignalBlocker, Qt, Signal  # type: ignore[attr-defined]  # qtpy picks it
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QRadioButton,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from venoseg.angiography.fiducials import FRENCH_MM, FiducialKind
from venoseg.dicom.calibration import Calibration
from venoseg_napari.cine import Cine
from venoseg_napari.venogram_picture import Hand

_FASTEST_FPS = 30.0
_FURTHEST_PX = 50.0

# What can be pointed at: its kind, the unit of its size, the size to begin with.
_OBJECTS: dict[str, tuple[FiducialKind, Literal["F", "mm"], float]] = {
    "catheter": ("catheter", "F", 5.0),
    "two markers": ("marker", "mm", 10.0),
    "two ruler ticks": ("ruler", "mm", 50.0),
}
_HANDS: dict[str, Hand] = {
    "look": "look",
    "draw on the object": "line",
    "click along the vein": "points",
    "move an edge of the vein": "edge",
}


class VenogramBar(QWidget):
    """Knows no run; the window that holds it asks it and listens."""

    run_chosen = Signal(int)
    mask_changed = Signal()
    hand_changed = Signal()
    object_changed = Signal()
    frames_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.runs = QComboBox()
        self.runs.activated.connect(self.run_chosen)
        layout.addWidget(self.runs)
        for title, part in (
            ("Cine", self._cine()),
            ("Mask", self._mask()),
            ("Hand", self._hand()),
            ("Calibrate", self._calibrate()),
        ):
            group = QGroupBox(title)
            group.setLayout(part)
            layout.addWidget(group)
        layout.addLayout(self._measured())
        self.measure = QPushButton("Measure")
        self.measure.setToolTip("between the clicked points, or the main vessel where none are")
        self.clear = QPushButton("Clear the marks")
        row = QHBoxLayout()
        row.addWidget(self.measure)
        row.addWidget(self.clear)
        layout.addLayout(row)
        self.back = QPushButton("Put the last edge back")
        self.back.setEnabled(False)
        layout.addWidget(self.back)
        layout.addStretch(1)

    def set_runs(self, names: list[str]) -> None:
        """Offer the runs of a series."""
        self.runs.clear()
        self.runs.addItems(names)
        self.runs.setVisible(len(names) > 1)

    def set_run(self, cine: Cine, fps: float) -> None:
        """Set everything to a run, without a signal."""
        parts = (
            *(self.slider, self.speed, self.dsa),
            *(self.first, self.last, self.down, self.right, self.begin, self.end),
        )
        blockers = [QSignalBlocker(part) for part in parts]
        self.slider.setRange(0, cine.count - 1)
        self.slider.setValue(0)
        self.speed.setValue(fps)
        for box in (self.first, self.last, self.begin, self.end):
            box.setRange(1, cine.count)
        self.begin.setValue(1)
        self.end.setValue(cine.count)
        first, last = cine.mask or (0, 0)
        self.first.setValue(first + 1)
        self.last.setValue(last + 1)
        for spin in (self.down, self.right):
            spin.setValue(0.0)
        for widget in (self.dsa, self.first, self.last, self.down, self.right, self.fit):
            widget.setEnabled(cine.mask is not None)
        self.dsa.setChecked(cine.mask is not None)
        del blockers

    def show_frame(self, number: int, count: int) -> None:
        """Say which frame is shown, counted from 0."""
        blocker = QSignalBlocker(self.slider)
        self.slider.setValue(number)
        del blocker
        self.number.setText(f"frame {number + 1} of {count}")

    def set_shift(self, down_px: float, right_px: float) -> None:
        """Move the mask."""
        blocker = QSignalBlocker(self.down)
        self.down.setValue(down_px)
        del blocker
        self.right.setValue(right_px)
        self.mask_changed.emit()

    def mask_values(self) -> tuple[int, int, float, float]:
        """Return first and last mask frame, counted from 0, and its shift (down, right)."""
        first, last = self.first.value() - 1, self.last.value() - 1
        return first, last, self.down.value(), self.right.value()

    def frames(self) -> tuple[int, int] | None:
        """Return first and last frame to measure, counted from 0; None: all."""
        first, last = sorted((self.begin.value(), self.end.value()))
        return None if (first, last) == (1, self.end.maximum()) else (first - 1, last - 1)

    def hand(self) -> Hand:
        """Return what the mouse does."""
        return next(hand for button, hand in self._hands.items() if button.isChecked())

    def fiducial(self) -> tuple[FiducialKind, float]:
        """Return kind and size in mm of the object to calibrate with."""
        kind, unit, _ = _OBJECTS[self.object.currentText()]
        return kind, self.known_size.value() * (FRENCH_MM if unit == "F" else 1.0)

    def say_calibration(self, calibration: Calibration) -> None:
        """Say what a pixel is."""
        if not calibration.is_patient_length or calibration.mm_per_pixel is None:
            self.said.setText(f"no millimetres: {calibration.reason or 'no calibration'}")
            return
        row, column = calibration.mm_per_pixel
        size = f"{row:.4f}" if row == column else f"{row:.4f} x {column:.4f}"
        share = calibration.relative_uncertainty
        doubt = "" if share is None else f" (± {100 * share:.1f} %)"
        self.said.setText(f"{size} mm a pixel{doubt}, by {calibration.kind}; {calibration.plane}")

    def _cine(self) -> QVBoxLayout:
        column = QVBoxLayout()
        self.play = QPushButton("Play")
        self.play.setCheckable(True)
        self.play.setShortcut("Space")
        self.play.toggled.connect(lambda on: self.play.setText("Stop" if on else "Play"))
        self.speed = QDoubleSpinBox(minimum=0.5, maximum=_FASTEST_FPS, decimals=1, suffix=" /s")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.number = QLabel("")
        self.dsa = QCheckBox("DSA")
        row = QHBoxLayout()
        for part in (self.play, self.speed, self.dsa):
            row.addWidget(part)
        column.addLayout(row)
        column.addWidget(self.slider)
        column.addWidget(self.number)
        return column

    def _mask(self) -> QFormLayout:
        form = QFormLayout()
        self.first, self.last = QSpinBox(), QSpinBox()
        self.down, self.right = (
            QDoubleSpinBox(minimum=-_FURTHEST_PX, maximum=_FURTHEST_PX, singleStep=0.25, decimals=2)
            for _ in range(2)
        )
        self.fit = QPushButton("Fit the shift to this frame")
        for words, pair in (
            ("frames", (self.first, self.last)),
            ("shift", (self.down, self.right)),
        ):
            row = QHBoxLayout()
            for spin in pair:
                row.addWidget(spin)
                spin.valueChanged.connect(lambda _: self.mask_changed.emit())
            form.addRow(words, row)
        self.down.setToolTip("pixels down")
        self.right.setToolTip("pixels to the right")
        form.addRow(self.fit)
        return form

    def _measured(self) -> QFormLayout:
        form = QFormLayout()
        row = QHBoxLayout()
        self.begin, self.end = QSpinBox(), QSpinBox()
        for spin in (self.begin, self.end):
            spin.setToolTip("the first and the last frame that are measured")
            spin.valueChanged.connect(lambda _: self.frames_changed.emit())
            row.addWidget(spin)
        form.addRow("frames", row)
        return form

    def _hand(self) -> QVBoxLayout:
        column = QVBoxLayout()
        self.hands = QButtonGroup(self)
        self._hands: dict[QRadioButton, Hand] = {}
        for words, hand in _HANDS.items():
            button = QRadioButton(words)
            self._hands[button] = hand
            self.hands.addButton(button)
            column.addWidget(button)
        next(iter(self._hands)).setChecked(True)
        self.hands.buttonToggled.connect(lambda *_: self.hand_changed.emit())
        return column

    def take(self, hand: Hand) -> None:
        """Take something in hand."""
        next(button for button, does in self._hands.items() if does == hand).setChecked(True)

    def _calibrate(self) -> QFormLayout:
        form = QFormLayout()
        self.object = QComboBox()
        self.object.addItems(list(_OBJECTS))
        self.known_size = QDoubleSpinBox(
            minimum=1.0, maximum=500.0, decimals=1, value=5.0, suffix=" F"
        )
        self.object.currentTextChanged.connect(self._take_object)
        self.known_size.valueChanged.connect(lambda _: self.object_changed.emit())
        self.said = QLabel("")
        self.said.setWordWrap(True)
        form.addRow(self.object, self.known_size)
        form.addRow(self.said)
        return form

    def _take_object(self, name: str) -> None:
        _, unit, size = _OBJECTS[name]
        self.known_size.setSuffix(f" {unit}")
        self.known_size.setValue(size)
        self.object_changed.emit()
