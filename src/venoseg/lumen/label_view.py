"""What the labels show at every station of a vein."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from venoseg.centerline.label_sections import label_sections
from venoseg.centerline.tree import Branch
from venoseg.lumen.beside import Beside, look_beside
from venoseg.lumen.geometry.outline import outline_labels, smoothed_stations
from venoseg.lumen.geometry.stationwise import part_of, with_stations
from venoseg.volume import BoolArray, FloatArray

# The labels are looked at in planes with points this many voxels apart, and at least so many from
# the middle to the rim of the plane: a thin vein is looked at more closely.
_PIXEL = 1.0
_LEAST_POINTS = 8


@dataclass(frozen=True, slots=True, eq=False)
class LabelView:
    """The labels in the planes of n stations.

    Attributes
    ----------
    contours_mm
        (n, m, 2) their outline in (across, upward) mm from the station; NaN where there is none.
    found
        (n,) True where the labels show in the section.
    components
        (n,) number of separate lumens of the vein in the section.
    beside
        What lies beside the one outlined.
    areas_mm2, extent_mm
        (n,) area of the vein at the station, and the distance from its middle to its farthest
        point.
    shared
        (n,) share of its rim that lies against another vein.
    off_middle_mm
        (n,) distance of the station from the middle of the section.
    """

    contours_mm: FloatArray
    found: BoolArray
    components: npt.NDArray[np.int64]
    beside: Beside
    areas_mm2: FloatArray
    extent_mm: FloatArray
    shared: FloatArray
    off_middle_mm: FloatArray

    def part(self, keep: slice) -> LabelView:
        """Return the stations of ``keep``."""
        return part_of(self, keep)

    def replaced(self, stations: slice, part: LabelView) -> LabelView:
        """Return the view with other ``stations``."""
        return with_stations(self, stations, part)


def view_labels(branch: Branch, stations: slice | None = None) -> LabelView:
    """Cut a vein's labels across its centerline.

    Parameters
    ----------
    branch
        The vein.
    stations
        The stations wanted, all by default. Each is seen as it is when all are cut.
    """
    count = len(branch.curve)
    wanted = slice(0, count) if stations is None else stations
    station_mm = branch.curve.step_mm
    margin = smoothed_stations(station_mm)
    first = max(wanted.start - margin, 0)
    curve = branch.curve.part(slice(first, min(wanted.stop + margin, count)))
    finest_mm = min(
        _PIXEL * branch.region.grid.spacing_mm.min(), branch.half_width_mm / _LEAST_POINTS
    )
    pixel_mm = float(np.clip(finest_mm, 0.4, 1.0))
    sections = label_sections(branch.region, curve, branch.half_width_mm, pixel_mm)
    keep = slice(wanted.start - first, wanted.stop - first)
    contours, found, components = outline_labels(sections, station_mm, keep)
    return LabelView(
        contours_mm=contours,
        found=found,
        components=components,
        beside=look_beside(sections).part(keep),
        areas_mm2=sections.areas_mm2[keep],
        extent_mm=sections.extent_mm[keep],
        shared=sections.shared[keep],
        off_middle_mm=np.linalg.norm(sections.middles_lps_mm - curve.points_lps_mm, axis=1)[keep],
    )
