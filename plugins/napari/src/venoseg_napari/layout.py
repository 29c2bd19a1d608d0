"""Where the parts of the window stand."""

from __future__ import annotations

from collections.abc import Sequence

import napari
from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtWidgets import (
    QApplication,
    QDockWidget,
    QFrame,
    QScrollArea,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

# Of the left column, in pixels; of the right one and the lower row, as shares of the window.
_LEFT_PX = 262
_RIGHT, _LOW = 0.25, 0.42
_PARTS = (405, 225, 475)


class Layout(QObject):
    """The list and the tools on the left, slices above, figures below.

    Parameters
    ----------
    viewer
        napari's viewer, whose canvas stands in the middle.
    cases, tools
        Tabs of the left column.
    planes
        The slices of the right column, one above the other.
    figures
        The lower row, from left to right.
    bar
        Below them.

    Attributes
    ----------
    left
        The tabs.
    """

    def __init__(
        self,
        viewer: napari.Viewer,
        cases: QWidget,
        tools: QWidget,
        planes: Sequence[QWidget],
        figures: Sequence[QWidget],
        bar: QWidget,
    ) -> None:
        super().__init__()
        self.left = QTabWidget()
        self.left.addTab(cases, "Cases")
        self._tools = _scrolled(tools)
        self.left.addTab(self._tools, "Tools")
        self.left.setMinimumWidth(250)
        self._splitters = (
            _split(Qt.Orientation.Vertical, planes),
            _split(Qt.Orientation.Horizontal, figures),
        )
        column = QVBoxLayout(below := QWidget())
        column.setContentsMargins(2, 0, 2, 0)
        column.setSpacing(1)
        column.addWidget(self._splitters[1], 1)
        column.addWidget(bar)
        self._splitters[1].setSizes(list(_PARTS))
        self._window = viewer.window._qt_window  # napari names no public way to it
        self._window.setCorner(Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.LeftDockWidgetArea)
        self._docks = [
            _docked(viewer, widget, name, area)
            for widget, name, area in (
                (self.left, "Review", "left"),
                (self._splitters[0], "Coronal and sagittal", "right"),
                (below, "Along the vein", "bottom"),
            )
        ]
        viewer_part = viewer.window._qt_viewer  # to make room on small screens
        for dock in (viewer_part.dockLayerList, viewer_part.dockLayerControls):
            dock.setVisible(False)
        self._window.statusBar().hide()
        self._wanted = _RIGHT, _LOW
        # Docks take a size only once the window has its own.
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self._arrange)
        self._arranged = False
        for widget in (self._window, *self._docks):
            widget.installEventFilter(self)
        self._later.start()

    def show_tools(self) -> None:
        """Bring the tools to the front."""
        self.left.setCurrentWidget(self._tools)

    def arrange(self, right: float, low: float) -> None:
        """Give the right column and the lower row their shares of the window."""
        self._wanted = right, low
        self._later.start()

    def shares(self) -> tuple[float, float]:
        """Return the shares of the right column and the lower row."""
        return self._wanted

    def _arrange(self) -> None:
        window, (left, side, below), (right, low) = self._window, self._docks, self._wanted
        widths = [_LEFT_PX, round(right * window.width())]
        window.resizeDocks([left, side], widths, Qt.Orientation.Horizontal)
        window.resizeDocks([below], [round(low * window.height())], Qt.Orientation.Vertical)
        self._arranged = bool(window.isVisible())

    def eventFilter(self, part: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Keep the shares when the window gets another size, those that were pulled too."""
        if part is self._window:
            if event.type() in (QEvent.Type.Show, QEvent.Type.Resize):
                self._later.start()
        elif event.type() == QEvent.Type.Resize and self._pulled():
            _, side, below = self._docks
            width, height = self._window.width(), self._window.height()
            self._wanted = side.width() / width, below.height() / height
        return False

    def _pulled(self) -> bool:
        """Tell whether it is the reader who moves parts, by their edges."""
        held = QApplication.mouseButtons() & Qt.MouseButton.LeftButton
        return bool(held) and self._arranged and not self._later.isActive()


def _scrolled(widget: QWidget) -> QScrollArea:
    """Return an area in which a widget is scrolled where the screen is too low for it."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(widget)
    area.setMinimumWidth(widget.minimumSizeHint().width())
    return area


def _split(orientation: Qt.Orientation, parts: Sequence[QWidget]) -> QSplitter:
    splitter = QSplitter(orientation)
    for part in parts:
        splitter.addWidget(part)
        part.setMinimumWidth(180)
    return splitter


def _docked(viewer: napari.Viewer, widget: QWidget, name: str, area: str) -> QDockWidget:
    """Dock a widget that cannot be closed or torn off, without a title, which takes room."""
    dock: QDockWidget = viewer.window.add_dock_widget(widget, name=name, area=area)
    dock.setFeatures(QDockWidget.DockWidgetFeature.NoDockWidgetFeatures)
    dock.setTitleBarWidget(QWidget())
    return dock
