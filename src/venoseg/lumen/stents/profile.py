"""One stent along its own course: wires, lumen inside, length, gaps and overlaps."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from venoseg.centerline.curve import Curve
from venoseg.lumen.geometry.contours import Shapes, centroids_mm, curvatures_per_mm
from venoseg.lumen.rays.edges import Blur
from venoseg.lumen.stents.struts import Rays
from venoseg.segmentation import StentDevice
from venoseg.volume import BoolArray, FloatArray

# In thicker slices a strut is smeared over its neighbours and blooming hides what lies inside.
THICKEST_SLICE_MM = 3.0

# Between wires nearer to one another than this no lumen can be told from their glare.
NARROWEST_MM = 4.0

THICK_SLICES = "stent_refused_thick_slices"
TOO_NARROW = "stent_refused_narrow"
NOT_ENHANCED = "in_stent_lumen_not_enhanced"
OVERLAP = "stent_overlap"
GAP = "stent_gap"
END = "stent_end"
HIDDEN = "in_stent_edge_hidden"
SHARP = "in_stent_refused_sharp_kernel"

# Half width of the 95 % interval of the wire's mean radius, found on digital twins.
_RADIUS_DOUBT_MM = 0.10

# What blur draws in at sharp bends may be so many times what it does at bends that differ from the
# mean by as much. Found on stents pressed flat to a third.
_BLUNTED = 2.5

# Two stents in one another are one bright line in the image, and the contour its middle: that of
# either lies half their distance away, a wire's thickness or more.
_NESTED_MM = 0.3

# From where to where along a stent, mm.
_Stretch = tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Wires:
    """The wires of a stent between its ends, and what was taken for granted of the image there.

    Attributes
    ----------
    rays
        The wires, and the image across them.
    lumen_hu
        (n,) level of the blood.
    tissue_hu
        Level of what lies between blood and wire.
    blur
        Of the image.
    """

    rays: Rays
    lumen_hu: FloatArray
    tissue_hu: float
    blur: Blur

    def part(self, keep: slice) -> Wires:
        """Return some of the stations."""
        return Wires(self.rays.part(keep), self.lumen_hu[keep], self.tissue_hu, self.blur)


@dataclass(frozen=True, slots=True, eq=False)
class StentProfile:
    """All n stations of one stent, or of several that overlap end to end.

    Attributes
    ----------
    device
        What was found.
    curve
        The stations on its own middle line, from the end nearer to the head, between its ends.
    contours_mm, lumen_mm
        (n, m, 2) the middle of the wires, of both where two stents overlap, and the edge of the
        lumen inside, in (across, upward) mm; NaN where not measured.
    shapes, lumen_shapes
        Their figures.
    area_interval_mm2, lumen_interval_mm2
        (n, 2) ends of the 95 % intervals of both areas; that of the lumen is known as well where
        the wire outshines its edge and no figure is given.
    metal
        (n,) amount of metal in the section relative to the typical section.
    overlaps, gaps
        (start, stop) in mm along the course.
    fractures
        Those of the gaps on either side of which the stent is the same.
    flags
        n tuples of words; ``whole`` holds those that concern all stations.
    whole
        What concerns the whole device.
    shared
        (n,) share of the contour near which the wires of other stents run.
    wires
        What the figures were found from; None where nothing was measured.
    """

    device: StentDevice
    curve: Curve
    contours_mm: FloatArray
    lumen_mm: FloatArray
    shapes: Shapes
    lumen_shapes: Shapes
    area_interval_mm2: FloatArray
    lumen_interval_mm2: FloatArray
    metal: FloatArray
    overlaps: tuple[tuple[float, float], ...]
    gaps: tuple[tuple[float, float], ...]
    fractures: tuple[tuple[float, float], ...]
    flags: tuple[tuple[str, ...], ...]
    shared: FloatArray
    wires: Wires | None = None
    whole: tuple[str, ...] = field(default=())

    def part(self, first: int, stop: int) -> StentProfile:
        """Return the stations from ``first`` to before ``stop`` as a stent of their own."""
        keep = slice(first, stop)
        position = self.curve.position_mm - self.curve.position_mm[0]
        low, high = float(position[first]), float(position[stop - 1])

        def within_part(stretches: tuple[_Stretch, ...]) -> tuple[_Stretch, ...]:
            cut = ((max(a, low) - low, min(b, high) - low) for a, b in stretches)
            return tuple((a, b) for a, b in cut if b > a)

        return replace(
            self,
            curve=self.curve.part(keep),
            contours_mm=self.contours_mm[keep],
            lumen_mm=self.lumen_mm[keep],
            shapes=self.shapes.part(keep),
            lumen_shapes=self.lumen_shapes.part(keep),
            area_interval_mm2=self.area_interval_mm2[keep],
            lumen_interval_mm2=self.lumen_interval_mm2[keep],
            metal=self.metal[keep],
            overlaps=within_part(self.overlaps),
            gaps=within_part(self.gaps),
            fractures=within_part(self.fractures),
            flags=self.flags[keep],
            shared=self.shared[keep],
            wires=None if self.wires is None else self.wires.part(keep),
        )

    @property
    def stenosis_percent(self) -> FloatArray:
        """(n,) 100 (1 - lumen area / stent area)."""
        result: FloatArray = 100.0 * (1.0 - self.lumen_shapes.area_mm2 / self.shapes.area_mm2)
        return result

    @property
    def stenosis_interval_percent(self) -> FloatArray:
        """(n, 2) ends of its 95 % interval: that of the lumen within the stent as measured."""
        ratio = self.lumen_interval_mm2[:, ::-1] / self.shapes.area_mm2[:, None]
        result: FloatArray = 100.0 * (1.0 - ratio)
        return result


def displaced_mm(contours_mm: FloatArray, blur: Blur, doubled: BoolArray) -> FloatArray:
    """Return (n,) how far contours may lie from the middle of the wires of one stent.

    Blur draws them inwards where they bend sharply: what it shifts on an even bend is put back; at
    the tips of a stent pressed flat, which bend within the width of the blur, that is too little.
    Where two stents overlap, as ``doubled`` (n,) tells, they run between both.
    """
    bend = curvatures_per_mm(contours_mm)
    blunted = _BLUNTED * 0.5 * blur.in_plane_mm**2 * bend.std(axis=1)
    result: FloatArray = np.hypot(blunted, _NESTED_MM * doubled)
    return result


def area_interval(shapes: Shapes, displaced_mm: FloatArray) -> FloatArray:
    """Return (n, 2) ends of the 95 % interval of the area inside the wires.

    Parameters
    ----------
    shapes
        Of the contours.
    displaced_mm
        (n,) what may displace a contour as a whole, beside what always does.
    """
    half = np.hypot(_RADIUS_DOUBT_MM, displaced_mm)
    return interval_of(shapes, half, half)


def interval_of(shapes: Shapes, inwards_mm: FloatArray, outwards_mm: FloatArray) -> FloatArray:
    """Return (n, 2) areas of contours moved so far inwards, and so far outwards.

    NaN where there is no contour.
    """
    low = shapes.area_mm2 - shapes.perimeter_mm * inwards_mm + np.pi * inwards_mm**2
    # A contour that would be turned inside out is gone.
    gone = 2.0 * np.pi * inwards_mm >= shapes.perimeter_mm
    low = np.where(gone, 0.0, np.maximum(low, 0.0))
    high = shapes.area_mm2 + shapes.perimeter_mm * outwards_mm + np.pi * outwards_mm**2
    return np.stack([low, high], axis=-1)


def centers_lps_mm(profile: StentProfile, contours_mm: FloatArray) -> FloatArray:
    """Return (n, 3) the centres of area of contours of a stent's sections."""
    middle = np.nan_to_num(centroids_mm(contours_mm))
    curve = profile.curve
    result: FloatArray = (
        curve.points_lps_mm + middle[:, :1] * curve.across + middle[:, 1:] * curve.upward
    )
    return result
