"""Of a measured run: the profile of the vein, and contrast medium over time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Signal  # type: ignore[attr-defined]  # qtpy picks it
from qtpy.QtWidgets import QVBoxLayout, QWidget

from venoseg.angiography import Venogram
from venoseg.angiography.correction import DRAWN
from venoseg.angiography.projection import Projection
from venoseg.volume import FloatArray
from venoseg_napari.profile_plot import AREA

_COLORS = ("#2f7ed8", "#d9534f", "#5cb85c", "#d98c00", "#9467bd", "#17becf")
_MARK = "#00c8ff"
_UNSEEN = (0, 0, 0, 0)


class VenogramPlots(QWidget):
    """Diameter along the vein above opacity over time; a click in one of them moves the reader.

    ``place`` is emitted with a station of the vein, ``moment`` with a time.
    """

    place = Signal(int)
    moment = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.widget = pg.GraphicsLayoutWidget()
        layout.addWidget(self.widget)
        self.profile = self.widget.addPlot(row=0, col=0)
        self.curves = self.widget.addPlot(row=2, col=0)
        # Above the curves, not over them.
        self.legend = pg.LegendItem(labelTextSize="8pt", colCount=2, verSpacing=-4)
        self.widget.addItem(self.legend, row=1, col=0)
        self.curves.setLabel("left", "opacity")
        for plot in (self.profile, self.curves):
            plot.setMenuEnabled(False)
            plot.hideButtons()
            plot.getAxis("left").setWidth(44)
            for axis in ("left", "bottom"):
                plot.getAxis(axis).enableAutoSIPrefix(False)
        self.found: Venogram | None = None
        self.station_mark = pg.InfiniteLine(angle=90, pen=pg.mkPen(_MARK))
        self.time_mark = pg.InfiniteLine(angle=90, pen=pg.mkPen(_MARK))
        self.widget.scene().sigMouseClicked.connect(self._clicked)
        self.draw(None)

    def draw(self, found: Venogram | None) -> None:
        """Draw what was measured; None: nothing."""
        self.found = found
        self.profile.clear()
        self.curves.clear()
        self.legend.clear()
        if found is None:
            self.profile.setTitle("not measured yet", size="9pt")
            return
        self._draw_profile(found.projections[0])
        self._draw_curves(found)
        self.profile.addItem(self.station_mark)
        self.curves.addItem(self.time_mark)

    def show_time(self, seconds: float) -> None:
        """Mark a moment."""
        self.time_mark.setPos(seconds)

    def show_station(self, number: int) -> None:
        """Mark a place of the vein."""
        if self.found is not None:
            self.station_mark.setPos(float(positions_of(self.found.projections[0])[0][number]))

    def _draw_profile(self, projection: Projection) -> None:
        position, unit = positions_of(projection)
        values, low, high = widths_of(projection)
        self.profile.setLabel("bottom", f"{unit} from the central end")
        self.profile.setLabel("left", f"diameter, {unit}")
        self.profile.setTitle(
            f"{projection.vessel}: projected diameter with its 95 % interval", size="9pt"
        )
        # Not `pen=None`: a line without a pen has no path that could be filled.
        ends = [
            pg.PlotDataItem(position, edge, pen=_UNSEEN, connect="finite") for edge in (low, high)
        ]
        shade = (*pg.mkColor(AREA).getRgb()[:3], 60)
        self.interval = pg.FillBetweenItem(*ends, brush=shade)
        for item in (*ends, self.interval):
            self.profile.addItem(item)
        self.profile.plot(position, values, pen=pg.mkPen(AREA, width=2), connect="finite")
        top = float(np.nanmax(np.append(high[np.isfinite(high)], 1.0)))
        self.profile.setYRange(0.0, 1.1 * top, padding=0)
        self.profile.setXRange(float(position[0]), float(position[-1]), padding=0.01)

    def _draw_curves(self, found: Venogram) -> None:
        timed = found.subtraction.run.timed
        self.curves.setLabel("bottom", "time, s" if timed else "frame (no time is stated)")
        times = found.subtraction.times_s
        for number, curve in enumerate(found.curves):
            pen = pg.mkPen(_COLORS[number % len(_COLORS)], width=1.5)
            line = self.curves.plot(times, curve.opacity, pen=pen)
            self.legend.addItem(line, curve.name.replace("_", " "))

    def _clicked(self, event: Any) -> None:
        if self.found is None:
            return
        at = event.scenePos()
        if self.profile.vb.sceneBoundingRect().contains(at):
            position = positions_of(self.found.projections[0])[0]
            self.place.emit(int(np.abs(position - self.profile.vb.mapSceneToView(at).x()).argmin()))
        elif self.curves.vb.sceneBoundingRect().contains(at):
            self.moment.emit(float(self.curves.vb.mapSceneToView(at).x()))


def positions_of(projection: Projection) -> tuple[FloatArray, str]:
    """Return (n,) positions along the vein and their unit: mm only with a calibration."""
    in_mm = projection.position_mm
    return (projection.position_px, "px") if in_mm is None else (in_mm, "mm")


def widths_of(projection: Projection) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return (n,) diameters and their intervals, in the unit of `positions_of`."""
    in_mm = projection.diameters_mm()
    if in_mm is not None:
        return in_mm
    width, half = projection.diameter_px, projection.half_px
    return width, np.maximum(width - half, 0.0), width + half


def figures_of(found: Venogram, station: int) -> str:
    """Say what was measured at a station of the first vein; mm only with a calibration."""
    projection = found.projections[0]
    position, unit = positions_of(projection)
    width, low, high = widths_of(projection)
    where = f"at {position[station]:.0f} {unit}"
    state = projection.state[station].replace("_", " ")
    if not np.isfinite(width[station]):
        flags = projection.flags[station].replace(";", ", ").replace("_", " ")
        return f"{where}: {state}" + (f" ({flags})" if flags else "")
    drawn = ", drawn by hand" if DRAWN in projection.flags[station].split(";") else ""
    narrowed = [
        f"\nnarrowed from {position[lesion.start]:.0f} to {position[lesion.stop]:.0f} {unit}, "
        f"least width {width[lesion.smallest]:.1f} {unit}"
        for lesion in found.lesions[0]
    ]
    return (
        f"{where}: {width[station]:.1f} {unit} ({low[station]:.1f} to {high[station]:.1f}), "
        f"{state}{drawn}{''.join(narrowed)}"
    )
