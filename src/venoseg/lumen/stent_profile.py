"""One stent measured along its own course: wires, lumen inside, length, gaps and overlaps."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from venoseg.centerline.curve import Curve
from venoseg.errors import MeasurementError
from venoseg.lumen.contours import (
    Shapes,
    area_and_centroid,
    measure_shapes,
    outward_normals,
)
from venoseg.lumen.edges import Blur, sample_profiles
from venoseg.lumen.stent_lumen import END_MM, Lining, blur_of_wires, fit_lining, lumen_level
from venoseg.lumen.stent_metal import (
    between_ends,
    gaps_of,
    is_dense,
    may_be_fracture,
    metal_of,
    overlaps_of,
    overshoots,
    within,
)
from venoseg.lumen.struts import (
    Struts,
    course_of,
    follow_struts,
    recentred,
    rough_contours,
    unblurred,
)
from venoseg.segmentation import StentDevice
from venoseg.volume import BoolArray, FloatArray, Volume

# In thicker slices a strut is smeared over its neighbours and blooming hides what lies inside.
THICKEST_SLICE_MM = 3.0

THICK_SLICES = "stent_refused_thick_slices"
NOT_ENHANCED = "in_stent_lumen_not_enhanced"
OVERLAP = "stent_overlap"
GAP = "stent_gap"
END = "stent_end"
HIDDEN = "in_stent_edge_hidden"
SHARP = "in_stent_refused_sharp_kernel"

# Wires and lumen are fitted in turn, at most so many times, from a lumen that begins so far inside,
# until the depth of half the rays changes by less than this.
_ROUNDS = 5
_FIRST_DEPTH_MM = 0.3
_SETTLED_MM = 0.03

# Tissue of this thickness or more shows its own edge; thinner, the wire outshines it. In a dense
# weave glare passes for thin tissue, and more of it is needed.
_RESOLVED_MM, _DENSE_RESOLVED_MM = 0.9, 1.3

# Half widths of the 95 % interval of the wire's mean radius, and of the depth of the lumen: where
# its edge is hidden, where it lies next to the wire's glare, and where it is clear of it. Found on
# digital twins.
_RADIUS_DOUBT_MM = 0.10
_HIDDEN_DOUBT_MM, _BESIDE_GLARE_DOUBT_MM, _CLEAR_DOUBT_MM = 0.6, 0.4, 0.25
_CLEAR_MM = 1.5

# The lumen needs this much more than tissue to show its edge inside a stent.
_LEAST_CONTRAST_HU = 40.0


# From where to where along a stent, mm.
_Stretch = tuple[float, float]


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
        (n, m, 2) the middle of the wires and the edge of the lumen inside, in (across, upward) mm;
        NaN where not measured.
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


def measure_stent(volume: Volume, device: StentDevice, step_mm: float = 1.0) -> StentProfile | None:
    """Measure one stent.

    Parameters
    ----------
    volume
        The image.
    device
        Where it is.
    step_mm
        Distance of the stations.

    Returns
    -------
    StentProfile or None
        None when it is too short to have sections.
    """
    try:
        curve = course_of(device.line_lps_mm, step_mm)
    except MeasurementError:
        return None
    thickness = max(volume.source.slice_thickness_mm or 0.0, float(volume.grid.spacing_mm.max()))
    if thickness > THICKEST_SLICE_MM:
        return _refused(device, curve, THICK_SLICES)
    followed = _followed(volume, curve, device.radius_mm)
    if followed is None:
        return None
    curve, lumen_hu = followed.curve, followed.lumen_hu
    struts, lining, blur = followed.struts, followed.lining, followed.blur
    depth = lining.depth_mm
    metal = metal_of(struts)
    sharp = _is_sharp(volume, struts)
    contours = unblurred(struts.contours_mm, curve, blur, volume.grid)
    lumen = contours - outward_normals(contours) * depth[..., None]
    flags: list[list[str]] = [[] for _ in range(len(curve))]
    enhanced = lumen_hu - lining.tissue_hu >= _LEAST_CONTRAST_HU
    refused = np.full(len(curve), sharp)
    gaps, overlaps = gaps_of(metal, curve), overlaps_of(metal, curve)
    _note(flags, ~enhanced, NOT_ENHANCED)
    _note(flags, refused, SHARP)
    from_start = curve.position_mm - curve.position_mm[0]
    at_end = np.minimum(from_start, from_start[-1] - from_start) < END_MM
    in_gap = within(curve, gaps)
    _note(flags, at_end, END)
    _note(flags, within(curve, overlaps), OVERLAP)
    _note(flags, in_gap, GAP)
    deep = np.median(depth, axis=1)
    hidden = deep < np.where(is_dense(struts), _DENSE_RESOLVED_MM, _RESOLVED_MM)
    _note(flags, enhanced & hidden & ~refused, HIDDEN)
    whole = measure_shapes(lumen)
    shown_doubt = np.where(deep < _CLEAR_MM, _BESIDE_GLARE_DOUBT_MM, _CLEAR_DOUBT_MM)
    lumen_interval = _interval(whole, np.where(hidden, _HIDDEN_DOUBT_MM, shown_doubt))
    # A figure from behind the wire's glare would be a guess; its interval bounds it.
    lumen[hidden] = np.nan
    untold = ~enhanced | at_end | in_gap | refused
    lumen_interval[untold] = np.nan
    contours[in_gap] = np.nan
    lumen[untold] = np.nan
    shapes, lumen_shapes = measure_shapes(contours), measure_shapes(lumen)
    return StentProfile(
        device=device,
        curve=curve,
        contours_mm=contours,
        lumen_mm=lumen,
        shapes=shapes,
        lumen_shapes=lumen_shapes,
        area_interval_mm2=area_interval(shapes, np.zeros(len(curve))),
        lumen_interval_mm2=lumen_interval,
        metal=metal,
        overlaps=overlaps,
        gaps=gaps,
        fractures=tuple(gap for gap in gaps if may_be_fracture(gap, metal, curve)),
        flags=tuple(tuple(words) for words in flags),
        shared=np.zeros(len(curve)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Followed:
    """Wires and lining of a stent, between its ends, settled on one another."""

    curve: Curve
    lumen_hu: FloatArray
    blur: Blur
    struts: Struts
    lining: Lining


def _followed(volume: Volume, curve: Curve, radius_mm: float) -> _Followed | None:
    """Follow the wires and fit the lining in turn; None when there is nothing between the ends."""
    contours = rough_contours(volume, curve, radius_mm)
    lumen_hu = lumen_level(volume, curve, radius_mm)
    blur = blur_of_wires(volume, curve, contours, lumen_hu)
    # On the course found first, then on that through the middle of the wires. Beyond its ends there
    # is no wire that hides the lumen: what is seen there is the vein.
    struts = follow_struts(volume, curve, contours, _FIRST_DEPTH_MM, lumen_hu, blur)
    inner = between_ends(struts)
    if inner is None:
        return None
    curve = recentred(curve, struts.contours_mm, inner, float(curve.position_mm[1]))
    contours = rough_contours(volume, curve, radius_mm)
    lumen_hu = lumen_level(volume, curve, radius_mm)
    struts = follow_struts(volume, curve, contours, _FIRST_DEPTH_MM, lumen_hu, blur)
    inner = between_ends(struts)
    if inner is None:
        return None
    curve, contours, lumen_hu = curve.part(inner), struts.contours_mm[inner], lumen_hu[inner]
    depth: FloatArray | float = _FIRST_DEPTH_MM
    for _ in range(_ROUNDS):
        struts = follow_struts(volume, curve, contours, depth, lumen_hu, blur)
        contours = struts.contours_mm
        lining = fit_lining(volume, struts, lumen_hu, blur)
        change = float(np.median(np.abs(lining.depth_mm - depth)))
        depth = lining.depth_mm
        if change < _SETTLED_MM:
            break
    return _Followed(curve, lumen_hu, blur, struts, lining)


def _is_sharp(volume: Volume, struts: Struts) -> bool:
    """Tell whether the image shows the overshoot of a sharp kernel beside the wires."""
    depth: FloatArray = np.arange(-1.0, 14.0) * 0.2
    normals = outward_normals(struts.contours_mm)
    profiles = sample_profiles(
        volume.voxels, volume.grid, struts.curve, struts.contours_mm, normals, depth
    )
    return overshoots(struts, depth, profiles.values.astype(np.float64))


def _refused(device: StentDevice, curve: Curve, why: str) -> StentProfile:
    none = np.full((len(curve), 8, 2), np.nan)
    shapes = measure_shapes(none)
    interval = np.full((len(curve), 2), np.nan)
    return StentProfile(
        device=device,
        curve=curve,
        contours_mm=none,
        lumen_mm=none,
        shapes=shapes,
        lumen_shapes=shapes,
        area_interval_mm2=interval,
        lumen_interval_mm2=interval,
        metal=np.full(len(curve), np.nan),
        overlaps=(),
        gaps=(),
        fractures=(),
        flags=((why,),) * len(curve),
        shared=np.zeros(len(curve)),
        whole=(why,),
    )


def area_interval(shapes: Shapes, displaced_mm: FloatArray) -> FloatArray:
    """Return (n, 2) ends of the 95 % interval of the area inside the wires.

    Parameters
    ----------
    shapes
        Of the contours.
    displaced_mm
        (n,) what may displace a contour as a whole, beside what always does.
    """
    return _interval(shapes, np.hypot(_RADIUS_DOUBT_MM, displaced_mm))


def _interval(shapes: Shapes, half_radius_mm: FloatArray) -> FloatArray:
    """Return (n, 2) areas of contours moved in and out by the half width."""
    change = shapes.perimeter_mm * half_radius_mm
    low = np.maximum(shapes.area_mm2 - change + np.pi * half_radius_mm**2, 0.0)
    return np.stack([low, shapes.area_mm2 + change + np.pi * half_radius_mm**2], axis=-1)


def _note(flags: list[list[str]], where: BoolArray, word: str) -> None:
    for n in np.flatnonzero(where):
        flags[n].append(word)


def centers_lps_mm(profile: StentProfile, contours_mm: FloatArray) -> FloatArray:
    """Return (n, 3) the centres of area of contours of a stent's sections."""
    middle = np.nan_to_num(area_and_centroid(contours_mm)[1])
    curve = profile.curve
    result: FloatArray = (
        curve.points_lps_mm + middle[:, :1] * curve.across + middle[:, 1:] * curve.upward
    )
    return result
