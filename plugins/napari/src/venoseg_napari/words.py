"""Text that changes often, in a place whose size does not follow it.

A label whose text changes asks the whole window for another layout, and the window is painted
anew; figures that follow the hand must not wait for that.
"""

from __future__ import annotations

from qtpy.QtCore import QEvent, QSize, Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QLabel, QSizePolicy, QWidget

_MARGIN_PX = 4


class Words(QWidget):
    """A text of a fixed number of lines, as wide as there is room.

    Parameters
    ----------
    lines
        What there is room for; longer text is cut off and is whole in the tool tip.
    """

    def __init__(self, lines: int = 1) -> None:
        super().__init__()
        self._label = QLabel("", self)
        self._label.setWordWrap(True)
        self._label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self._lines = lines
        self._take_height()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def setText(self, words: str) -> None:  # noqa: N802 - as Qt's label has it
        """Show a text."""
        if words != self._label.text():
            self._label.setText(words)
            self.setToolTip(words)

    def text(self) -> str:
        """Return the text shown."""
        return str(self._label.text())

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Keep room for the lines when the theme brings another font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._take_height()

    def _take_height(self) -> None:
        self._label.ensurePolished()
        spacing = self._label.fontMetrics().lineSpacing()
        self.setFixedHeight(self._lines * spacing + 2 * _MARGIN_PX)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return a size that does not depend on the text."""
        return QSize(120, self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Fill the place."""
        super().resizeEvent(event)
        self._label.setGeometry(self.rect())
