"""Along a vein: the straightened image above its profile, on one axis of millimetres."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtWidgets import QVBoxLayout, QWidget

from venoseg.anatomy import BY_NAME
from venoseg_napari.advice import advice
from venoseg_napari.desk import Desk
from venoseg_napari.outlines import push_edge
from venoseg_napari.profile_plot import ProfilePlot
from venoseg_napari.straight import Straight
from venoseg_napari.words import Words

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
        self.title = Words()
        layout.insertWidget(0, self.title)
        # Apart from the title, so that both can be read.
        self.note = pg.LabelItem(_STALE_NOTE)
        self.straight = Straight(desk.display, lambda push: push_edge(desk, push))
        self.profile = ProfilePlot()
        for row, part in enumerate((self.straight.plot, self.profile.plot)):
            self.widget.addItem(part, row=row, col=0)
            self.widget.ci.layout.setRowStretchFactor(row, 1)
        self.profile.plot.setXLink(self.straight.plot)
        self.note.setParentItem(self.profile.plot.vb)
        self.note.anchor((0, 0), (0, 0), offset=(4, -4))
        self._plots = self.straight.plot, self.profile.plot
        for plot in self._plots:
            plot.getAxis("left").setWidth(38)
            plot.setMouseEnabled(x=True, y=False)
            plot.setMenuEnabled(False)
            plot.hideButtons()
        self.widget.scene().sigMouseClicked.connect(self._clicked)
        desk.station_changed.connect(self._follow)
        desk.plots_due.connect(self.draw)
        desk.notes_changed.connect(self.draw)
        desk.case_opened.connect(self.draw)
        desk.voxels_changed.connect(self._voxels_changed)

    def toggle_areas(self) -> None:
        """Show areas in place of diameters, or the other way round."""
        self.profile.toggle_areas()
        self.draw()

    def _voxels_changed(self, layer: str) -> None:
        session = self.desk.session
        if layer == "stent" and session is not None:
            self.straight.draw_metal(session.image.grid, session.stent)

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
            self.title.setText(escape(advice(self.desk.figures.problem)) or words)
            self.note.hide()
            return
        stale = self.desk.is_stale(profile.vessel)
        found = self.desk.figures.found
        reference = found.references[profile.vessel] if found else None
        self.straight.draw(profile, session.image, session.stent, stale=stale)
        self.profile.draw(profile, reference, session.notes.occluded, stale=stale)
        self.note.setVisible(stale)
        title = BY_NAME[profile.vessel].title
        self.title.setText(f"<b>{title}</b>: {self.profile.legend}")
        self._follow()

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
