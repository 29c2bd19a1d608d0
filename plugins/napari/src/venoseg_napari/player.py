"""Plays a run: which frame is shown, with or without the mask, and which mask."""

from __future__ import annotations

from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]  # qtpy picks it

from venoseg.errors import VenosegError
from venoseg_napari.cine import Cine
from venoseg_napari.venogram_bar import VenogramBar
from venoseg_napari.venogram_picture import VenogramPicture


class Player(QObject):
    """Shows the frames of a run in a picture, as the controls say.

    Attributes
    ----------
    cine
        The open run; None before.
    frame
        Shown, counted from 0.
    """

    # The number of the frame that is shown now.
    shown = Signal(int)
    mask_changed = Signal()
    # Words for the reader, and whether they are about a problem.
    told = Signal(str, bool)

    def __init__(self, bar: VenogramBar, picture: VenogramPicture) -> None:
        super().__init__()
        self.bar, self.picture = bar, picture
        self.cine: Cine | None = None
        self.frame = 0
        self._levels = (0.0, 1.0)
        self.timer = QTimer(self)
        self.timer.timeout.connect(lambda: self.show_frame(self.frame + 1))
        bar.play.toggled.connect(self.play)
        bar.speed.valueChanged.connect(lambda _: self.play(bar.play.isChecked()))
        bar.slider.valueChanged.connect(self.show_frame)
        bar.dsa.toggled.connect(lambda _: self.redraw())
        bar.mask_changed.connect(self._choose_mask)
        bar.fit.clicked.connect(self._fit_mask)

    def put_away(self) -> None:
        """Stop, and hold no run."""
        self.timer.stop()
        self.bar.play.setChecked(False)
        self.cine = None

    def load(self, cine: Cine, fps: float) -> None:
        """Show a run from its first frame."""
        self.cine = cine
        self.bar.set_run(cine, fps)
        self.redraw()
        self.picture.fit()

    def show_frame(self, number: int) -> None:
        """Show a frame; beyond the last comes the first."""
        if self.cine is None:
            return
        self.frame = number % self.cine.count
        self.bar.show_frame(self.frame, self.cine.count)
        picture = self.cine.picture(self.frame, subtracted=self.bar.dsa.isChecked())
        self.picture.show_frame(picture, self._levels)
        self.shown.emit(self.frame)

    def redraw(self) -> None:
        """Show the frame with other limits: DSA or mask were changed."""
        if self.cine is not None:
            self._levels = self.cine.levels(subtracted=self.bar.dsa.isChecked())
            self.show_frame(min(self.frame, self.cine.count - 1))

    def play(self, on: bool) -> None:
        """Play or stop."""
        if on:
            self.timer.start(round(1000.0 / self.bar.speed.value()))
        else:
            self.timer.stop()

    def _choose_mask(self) -> None:
        if self.cine is None:
            return
        first, last, down, right = self.bar.mask_values()
        try:
            if (first, last) != self.cine.mask:
                self.cine.choose_mask(first, last)
            if (down, right) != self.cine.shift_px:
                self.cine.move_mask(down, right)
        except VenosegError as error:
            self.told.emit(str(error), True)
            return
        self.mask_changed.emit()
        self.redraw()

    def _fit_mask(self) -> None:
        if self.cine is not None:
            shift = self.cine.fitted_shift(self.frame)
            if shift == (0.0, 0.0):
                self.told.emit("no shift explains this frame clearly better than none", False)
            self.bar.set_shift(*shift)
