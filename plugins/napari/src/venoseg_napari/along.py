"""Along a vein: the straightened image above its profile, on one axis of millimetres."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtWidgets import QVBoxLayout, QWidget

from venoseg.anatomy import BY_NAME
from venoseg_napari.desk import Desk
from venoseg_napari.outlines import push_edge
from venoseg_napari.profile_plot import LEGEND, ProfilePlot
from venoseg_napari.straight import Straight

_STALE_NOTE = "<span style='color:#d98c00'>being measured again ...</span>"


class Along(QWidget):
    """The vein that is looked at from its central end, with the place looked at."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.widget = pg.GraphicsLayoutWidget()
        layout.addWidget(self.widget)
        self.title = pg.LabelItem("", justify="left")
        # Apart from the title, since another title lays the whole view out anew.
        self.note = pg.LabelItem(_STALE_NOTE)
        self.straight = Straight(lambda push: push_edge(desk, push))
        self.profile = ProfilePlot()
        for row, part in enumerate((self.title, self.straight.plot, self.profile.plot)):
            self.widget.addItem(part, row=row, col=0)
        self.profile.plot.setXLink(self.straight.plot)
        self.widget.ci.layout.setRowStretchFactor(2, 2)
        self.widget.ci.layout.setRowStretchFactor(1, 2)
        self.note.setParentItem(self.profile.plot.vb)
        self.note.anchor((0, 0), (0, 0), offset=(4, -4))
        self._plots = self.straight.plot, self.profile.plot
        for plot in self._plots:
            plot.getAxis("left").setWidth(38)
            plot.setMouseEnabled(x=True, y=False)
            plot.setMenuEnabled(False)
            plot.hideButtons()
        self.show_window = self.straight.show_window
        self.widget.scene().sigMouseClicked.connect(self._clicked)
        desk.station_changed.connect(self._follow)
        desk.figures_changed.connect(self.draw)
        desk.notes_changed.connect(self.draw)
        desk.case_opened.connect(self.draw)

    def _follow(self) -> None:
        """Show the vein and the station looked at."""
        profile = self.desk.profile()
        if profile is not self.straight.profile:
            self.draw()
            return
        if profile is not None and self.desk.station is not None:
            at = float(profile.branch.curve.position_mm[self.desk.station[1]])
            for mark in (self.straight.mark, self.profile.mark):
                mark.setPos(at)

    def draw(self) -> None:
        """Draw the vein; in gray dashes while its figures are being measured again."""
        profile, session = self.desk.profile(), self.desk.session
        if profile is None or session is None:
            self.straight.clear()
            self.profile.clear()
            words = "measuring ..." if session else "no case is open"
            self._say(self.desk.figures.problem or words)
            self.note.hide()
            return
        stale = self.desk.is_stale(profile.vessel)
        self.straight.draw(profile, session.image)
        self.profile.draw(profile, session.notes.occluded, stale=stale)
        self.note.setVisible(stale)
        self._say(f"<b>{BY_NAME[profile.vessel].title}</b>{self.straight.sides}; {LEGEND}")
        self._follow()

    def _say(self, words: str) -> None:
        if self.title.text != words:
            self.title.setText(words)

    def _clicked(self, event: Any) -> None:
        profile = self.desk.profile()
        if profile is None:
            return
        for plot in self._plots:
            if plot.vb.sceneBoundingRect().contains(event.scenePos()):
                at = plot.vb.mapSceneToView(event.scenePos()).x()
                self.desk.go_to(
                    profile.vessel, int(np.abs(profile.branch.curve.position_mm - at).argmin())
                )
