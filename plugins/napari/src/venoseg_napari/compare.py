"""Baseline and follow-up side by side, linked by matched level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QLabel, QVBoxLayout, QWidget

from venoseg.anatomy import BY_NAME
from venoseg.centerline.straighten import straighten
from venoseg.dicom.identity import study_identity
from venoseg.dicom.study import study_of
from venoseg.errors import InputError
from venoseg.followup.levels import Match
from venoseg.followup.matching import match_visits
from venoseg.followup.rules import Rules
from venoseg.lumen import Measurements, measure
from venoseg.lumen.profile import VesselProfile
from venoseg.reporting.words import reason_of
from venoseg.review import CaseFolder, WorkItem, list_versions, load, read_version
from venoseg_napari.advice import advice
from venoseg_napari.section_picture import SectionPicture
from venoseg_napari.straight import crossings_mm

_PIXEL_MM = 0.5
_BESIDE_MM = 8.0
_VEIN_WINDOW_HU = (-100.0, 300.0)
_BASELINE, _FOLLOWUP, _MARK = "#2f7ed8", "#d98c00", "#00c8ff"


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two visits and how their levels belong together; the titles name them."""

    titles: tuple[str, str]
    before: Measurements
    after: Measurements
    match: Match


def pair_of(titles: tuple[str, str], before: Measurements, after: Measurements) -> Pair:
    """Match the levels of two visits as `venoseg compare` does.

    Raises
    ------
    InputError
        When no level of a vein can be matched.
    """
    match = match_visits(before, after, Rules().match_residual_limit_mm)
    if not any(np.isfinite(one.to_mm).any() for one in match.vessels.values()):
        raise InputError("no level can be matched: " + "; ".join(match.notes))
    return Pair(titles, before, after, match)


def check_same_patient(first: WorkItem, second: WorkItem) -> None:
    """Refuse two series whose headers name different patients.

    Raises
    ------
    InputError
        When they do.
    """
    keys = {
        study_identity(study_of(item.series.study_uid, [item.series])).patient_key
        for item in (first, second)
    }
    if len(keys - {None}) > 1:
        raise InputError(
            "the two cases carry different patient identifiers",
            remedy="choose a case of the same patient; of studies pseudonymised one by one, "
            "`venoseg compare` takes a manifest",
        )


def measured(item: WorkItem, folder: CaseFolder) -> Measurements:
    """Measure a case on its newest saved labels, or on those that it begins with.

    Raises
    ------
    VenosegError
        When it cannot be read, has no labels or cannot be measured.
    """
    loaded = load(item, folder)
    versions, _ = list_versions(folder.versions)
    labels = read_version(folder.versions, versions[-1])[0] if versions else loaded.labels
    return measure(loaded.image, labels)


class CompareWindow(QWidget):
    """Two straightened views with a section each, above one plot of both profiles, along one vein.

    Parameters
    ----------
    parent
        The window whose theme it takes.

    Attributes
    ----------
    pair
        What is compared; None before.
    level
        Station of the baseline that is looked at.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setWindowTitle("venoseg compare")
        self.pair: Pair | None = None
        self.level = 0
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        self.vessels, self.words = QComboBox(), QLabel("")
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.widget = pg.GraphicsLayoutWidget()
        for part in (self.vessels, self.widget, self.words):
            layout.addWidget(part, 1 if part is self.widget else 0)
        self.views = [self.widget.addPlot(row=n, col=0) for n in range(2)]
        self.sections = [SectionPicture(_VEIN_WINDOW_HU) for _ in range(2)]
        for n, section in enumerate(self.sections):
            self.widget.addItem(section.view, row=n, col=1)
        for column, share in enumerate((4, 1)):
            self.widget.ci.layout.setColumnStretchFactor(column, share)
        self.profile = self.widget.addPlot(row=2, col=0, colspan=2)
        self.profile.setLabel("left", "min diameter, mm")
        self.profile.setLabel("bottom", "mm from the central end, at baseline")
        self.legend = self.profile.addLegend(offset=(-4, 4), colCount=2, labelTextSize="8pt")
        for plot in (*self.views, self.profile):
            plot.setMenuEnabled(False)
            plot.hideButtons()
            plot.setMouseEnabled(x=False, y=False)
            plot.getAxis("left").setWidth(44)
        self.marks = [pg.InfiniteLine(angle=90, pen=pg.mkPen(_MARK)) for _ in range(3)]
        self.vessels.currentTextChanged.connect(lambda _: self.draw())
        self.widget.scene().sigMouseClicked.connect(self._clicked)
        self.resize(1100, 700)

    def tell(self, words: str) -> None:
        """Say why there is nothing to see, or what is being done."""
        self.pair = None
        self._clear()
        self.vessels.clear()
        self.words.setText(advice(words))

    def show_pair(self, pair: Pair) -> None:
        """Show two visits; the first vein with matched levels first."""
        self.pair = None
        self.vessels.clear()
        for vessel, one in pair.match.vessels.items():
            if np.isfinite(one.to_mm).any():
                self.vessels.addItem(BY_NAME[vessel].title, vessel)
        self.pair = pair
        self.draw()

    def draw(self) -> None:
        """Draw the chosen vein of both visits."""
        vessel = self.vessels.currentData()
        if self.pair is None or vessel is None:
            return
        self._clear()
        found = self.pair.before, self.pair.after
        both = tuple(profile_of(one, vessel) for one in found)
        for n, (visit, profile) in enumerate(zip(found, both, strict=True)):
            self._draw_straight(self.views[n], visit, profile)
            self.views[n].setTitle(self.pair.titles[n], size="9pt")
            self.views[n].addItem(self.marks[n])
        here = both[0].branch.curve.position_mm
        there = at_levels(self.pair.match.vessels[vessel].to_mm, both[1])
        for name, values, color in (
            ("baseline", both[0].shapes.minimum_mm, _BASELINE),
            ("follow-up", there, _FOLLOWUP),
        ):
            pen = pg.mkPen(color, width=2)
            self.profile.plot(here, values, pen=pen, name=name, connect="finite")
        self.profile.addItem(self.marks[2])
        self.profile.setXRange(0.0, float(here[-1]), padding=0.01)
        top = np.nanmax(np.concatenate([both[0].shapes.minimum_mm, there, [5.0]]))
        self.profile.setYRange(0.0, 1.3 * float(top), padding=0)
        apart = np.abs(there - both[0].shapes.minimum_mm)
        self.go_to(int(np.nanargmax(apart)) if np.isfinite(apart).any() else 0)

    def go_to(self, level: int) -> None:
        """Look at a station of the baseline and the matched one of the follow-up."""
        vessel = self.vessels.currentData()
        if self.pair is None or vessel is None:
            return
        self.level = level
        match = self.pair.match.vessels[vessel]
        before, after = (profile_of(one, vessel) for one in (self.pair.before, self.pair.after))
        here, there = float(match.from_mm[level]), float(match.to_mm[level])
        self.marks[0].setPos(here)
        self.marks[2].setPos(here)
        self.marks[1].setVisible(bool(np.isfinite(there)))
        self.sections[0].draw(self.pair.before, before, level)
        self.sections[1].clear()
        words = [f"baseline, {figures(before, level)}"]
        if np.isfinite(there):
            self.marks[1].setPos(there)
            number = int(np.abs(after.branch.curve.position_mm - there).argmin())
            self.sections[1].draw(self.pair.after, after, number)
            words.append(f"follow-up, {figures(after, number)}")
        else:
            words.append("follow-up: this level is not in view")
        apart = self.pair.match.residual_mm
        doubt = "" if apart is None else f", to within {apart:.0f} mm"
        words.append(f"matched by {self.pair.match.method}{doubt}")
        self.words.setText("\n".join((*words, *self.pair.match.notes)))

    def _clear(self) -> None:
        for plot in (*self.views, self.profile):
            plot.clear()
        for section in self.sections:
            section.clear()
        self.legend.clear()

    def _draw_straight(
        self, plot: pg.PlotItem, found: Measurements, profile: VesselProfile
    ) -> None:
        curve = profile.branch.curve
        half = profile.branch.half_width_mm + _BESIDE_MM
        offsets = np.arange(-half, half + _PIXEL_MM / 2, _PIXEL_MM)
        values = straighten(found.volume.voxels, found.volume.grid, curve, curve.across, offsets)
        gray = pg.ImageItem(np.nan_to_num(values, nan=-1024.0), axisOrder="row-major")
        gray.setLevels(_VEIN_WINDOW_HU)
        step = float(curve.position_mm[1])
        gray.setRect(-step / 2, -half, len(curve) * step, 2 * half)
        plot.addItem(gray)
        for edge in crossings_mm(profile.contours_mm).T:
            plot.plot(curve.position_mm, edge, pen=pg.mkPen("#ffe14d"), connect="finite")
        plot.setXRange(0.0, curve.length_mm, padding=0.01)
        plot.setYRange(-half, half, padding=0)

    def _clicked(self, event: Any) -> None:
        vessel = self.vessels.currentData()
        if self.pair is None or vessel is None:
            return
        match = self.pair.match.vessels[vessel]
        for plot, places in (
            (self.views[0], match.from_mm),
            (self.views[1], match.to_mm),
            (self.profile, match.from_mm),
        ):
            if plot.vb.sceneBoundingRect().contains(event.scenePos()):
                at = plot.vb.mapSceneToView(event.scenePos()).x()
                self.go_to(int(np.nanargmin(np.abs(places - at))))


def profile_of(found: Measurements, vessel: str) -> VesselProfile:
    """Return what was measured of a vein."""
    return next(p for p in found.profiles if p.vessel == vessel)


def at_levels(to_mm: np.ndarray[Any, Any], after: VesselProfile) -> np.ndarray[Any, Any]:
    """Return (n,) least diameters of the follow-up at matched levels; NaN where there is none."""
    position = after.branch.curve.position_mm
    values = np.interp(to_mm, position, after.shapes.minimum_mm)
    return np.where(np.isfinite(to_mm), values, np.nan)


def figures(profile: VesselProfile, station: int) -> str:
    """Say what was measured at a station."""
    where = f"at {profile.branch.curve.position_mm[station]:.0f} mm: "
    if not profile.measured[station]:
        return f"{where}not measured: {reason_of(profile.flags[station])}"
    low, high = profile.minimum_interval_mm[station]
    interval = f" ({low:.1f} to {high:.1f})" if np.isfinite(low) else ""
    shapes = profile.shapes
    return (
        f"{where}min {shapes.minimum_mm[station]:.1f}{interval} mm, "
        f"max {shapes.maximum_mm[station]:.1f} mm, area {shapes.area_mm2[station]:.0f} mm²"
    )
