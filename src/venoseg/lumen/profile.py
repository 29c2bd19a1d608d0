"""One vein measured at all its stations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from venoseg.centerline.tree import Branch
from venoseg.lumen.division.lumens import Lumens
from venoseg.lumen.drawn import Drawn
from venoseg.lumen.evidence import Boundary, Evidence
from venoseg.lumen.geometry.contours import Shapes
from venoseg.lumen.stents.sections import StentSections
from venoseg.volume import BoolArray, FloatArray

__all__ = ["Boundary", "ShutState", "VesselProfile"]

ShutState = Literal["occluded", "bridged", "not_assessable"]


@dataclass(frozen=True, slots=True, eq=False)
class VesselProfile:
    """All n stations of one vein.

    Attributes
    ----------
    branch
        The vein's centerline.
    contours_mm
        (n, m, 2) the lumen in (across, upward) mm from the station, the largest where there are
        several; NaN where not measured.
    centers_lps_mm
        (n, 3) middle of the lumen; the station itself where not measured.
    shapes
        Its figures; NaN where not measured.
    area_interval_mm2, minimum_interval_mm
        (n, 2) low and high ends of the 95 % interval of the area and of the minimum diameter.
    common_half_mm
        (n,) the part of the half width of a diameter's interval that another image of the same vein
        shares, as it comes from the vein's own wall; 0 where there is none.
    measured
        (n,) True where the lumen could be measured.
    from_image
        (n,) True where the gray values, not the labels, decide where the edge is.
    components
        (n,) number of separate lumens.
    contrast_hu
        (n,) inside minus outside; NaN where it was not looked at.
    flags
        n tuples of words: why a station is not measured or how.
    drawn
        Contours that a person drew, which stand in place of what was found.
    evidence
        What the figures were made of.
    shut
        The state of each station without labelled lumen, None of the others; empty for a vein
        without such stations.
    stent
        The stents in the stations' planes; None where the vein holds none.
    lumens
        All lumens of the stations that have several; areas and outlines of these are summed in the
        vein's figures, widths are the least and the greatest.
    """

    branch: Branch
    contours_mm: FloatArray
    centers_lps_mm: FloatArray
    shapes: Shapes
    area_interval_mm2: FloatArray
    minimum_interval_mm: FloatArray
    common_half_mm: FloatArray
    measured: BoolArray
    from_image: BoolArray
    components: npt.NDArray[np.int64]
    contrast_hu: FloatArray
    flags: tuple[tuple[str, ...], ...]
    drawn: Drawn = field(repr=False)
    evidence: Evidence = field(repr=False)
    shut: tuple[ShutState | None, ...] = ()
    stent: StentSections | None = None
    lumens: Lumens = field(default_factory=Lumens.none, repr=False)

    @property
    def vessel(self) -> str:
        """The vein's name."""
        return self.branch.vessel

    @property
    def step_mm(self) -> float:
        """Distance of the stations."""
        return self.branch.curve.step_mm

    def outlines_mm(self, station: int) -> FloatArray:
        """Return (k, m, 2) the outlines of all lumens of a station, the largest first."""
        own = self.lumens.contours_mm[self.lumens.at(station)]
        return own if len(own) else self.contours_mm[station][None]
