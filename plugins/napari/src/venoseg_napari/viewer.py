"""napari's viewer as the review wants it: the slices in a window of their own on the screen.

napari draws by OpenGL, and Qt copies a whole window through OpenGL, pixel by pixel, for each small
text in it that changes, as long as the drawing shares the window with the text. Where the drawing
has a window of its own, a new figure costs no more than its own pixels.
"""

from __future__ import annotations

import napari
from qtpy.QtCore import Qt
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QApplication

# Where windows within windows are known to be drawn right.
_PLATFORMS = ("xcb",)


def new_viewer() -> napari.Viewer:
    """Return a viewer that is shown."""
    # What a window is made of is settled when it is shown first.
    viewer = napari.Viewer(title="venoseg review", show=False)
    if QGuiApplication.platformName() in _PLATFORMS:
        # Not its neighbours and not what it stands in: they are text.
        QApplication.setAttribute(Qt.ApplicationAttribute.AA_DontCreateNativeWidgetSiblings)
        canvas = viewer.window._qt_viewer.canvas.native  # napari names no public way to it
        canvas.setAttribute(Qt.WidgetAttribute.WA_DontCreateNativeAncestors)
        canvas.setAttribute(Qt.WidgetAttribute.WA_NativeWindow)
    viewer.show()
    return viewer
