"""The figures of the open case: what they are, which of them are old, and when plots follow."""

from __future__ import annotations

from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]  # qtpy picks it

from venoseg.lumen import Measurements
from venoseg.lumen.profile import Boundary
from venoseg.review import Figures, Live, Notes, Session
from venoseg.review.actions import Layer
from venoseg.segmentation.edits import Box

# New lines and outlines are drawn after this time, when the numbers have been painted; old ones are
# drawn as such after a longer one, unless new ones come before: drawing slows the measuring.
_NEW_PLOTS_MS, _OLD_PLOTS_MS = 15, 150
# Measuring a whole case takes seconds.
_PATIENCE_S = 300.0


class Meter(QObject):
    """Measures beside the window, and tells the window when figures are new or have become old.

    Attributes
    ----------
    figures
        The newest measurements, and which of them are being made anew.
    boundary
        Where the lumen's edge is taken from.
    """

    changed = Signal()
    # Follows when there is time for plots: numbers come first, and drawing slows the measuring.
    plots_due = Signal()
    # There are new figures; from the thread that measures.
    _measured = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.figures = Figures(None)
        self.boundary: Boundary = "gray"
        self._live: Live | None = None
        self._plots = QTimer(self, singleShot=True)
        self._plots.timeout.connect(self.plots_due)
        self.changed.connect(self._draw_plots_soon)
        self._measured.connect(self._take)

    def start(self, session: Session) -> None:
        """Measure a case, and whatever changes in it from now on."""
        self.stop()
        self.expect()
        self._live = Live(
            session.image,
            session.segmentation,
            lambda _: self._measured.emit(),
            boundary=self.boundary,
            notes=session.notes,
        )

    def expect(self) -> None:
        """Let the figures look as they do before the first ones."""
        self.figures = Figures(None, retracing=True)

    def stop(self) -> None:
        """Measure nothing any more."""
        if self._live is not None:
            self._live.close()
            self._live = None
        self.figures = Figures(None)

    def touch(self, box: Box) -> None:
        """Let the figures look old from the first voxel that a stroke changes."""
        if self._live is not None:
            self._live.touch(box)

    def let_go(self, session: Session, box: Box, layer: Layer) -> None:
        """End a stroke, whether or not it became a step."""
        if self._live is not None:
            self._live.let_go(box, session.layer(layer)[box], layer)

    def follow(self, session: Session, box: Box, notes: Notes | None) -> None:
        """Measure again what a step changed: voxels, and what was said besides if it is given."""
        if self._live is not None:
            layer = session.touched
            self._live.change(box, session.layer(layer)[box], layer, notes)

    def wait(self) -> Measurements | None:
        """Wait until nothing is measured any more, beside the window, and return what was."""
        live = self._live
        if live is None or not live.wait(_PATIENCE_S):
            return None
        return live.figures.found

    def _take(self) -> None:
        if self._live is None:
            return
        # Not those that were told: a step made since has made some of them old, and what was
        # measured of another case, or with another edge, may come late.
        figures = self._live.figures
        if not figures.says_no_more_than(self.figures):
            self.figures = figures
            self.changed.emit()

    def _draw_plots_soon(self) -> None:
        self._plots.start(_NEW_PLOTS_MS if self.figures.settled else _OLD_PLOTS_MS)
