"""One vein measured at all its stations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.centerline.curve import Curve
from venoseg.centerline.label_sections import (
    SHARED_RIM,
    LabelSections,
    cut_by_end,
    cut_by_slices,
    label_sections,
)
from venoseg.centerline.tree import Branch
from venoseg.lumen.contours import Shapes, area_and_centroid, measure_shapes
from venoseg.lumen.edges import to_lps
from venoseg.lumen.outline import outline_labels
from venoseg.lumen.uncertainty import intervals_of
from venoseg.lumen.wall import LEAST_CONTRAST_HU, Wall, wall_of_image, wall_of_labels
from venoseg.volume import BoolArray, FloatArray, Grid, Volume

Boundary = Literal["gray", "mask"]

# Unenhanced blood and fresh clot lie below this (clot 30 to 70 HU); above it venous enhancement on
# CT is deemed adequate. Below, an edge in the image need not be the edge of the lumen.
ENHANCED_HU = 75.0
_ENHANCED_OVER_STATIONS = 41

# At least this share of the rim must show an edge before the image decides where it is.
_LEAST_RIM = 0.6

# A lumen narrower than this many times the width of the blur (full width at half maximum) is seen
# as a bright line whose width is that of the blur.
_RESOLVED_WIDTHS = 2.0
_FWHM = 2.355

# The labels are looked at in planes with points this many voxels apart.
_PIXEL = 0.6

# Sections this near to another vein on a small part of their rim are measured, but say so.
_NEAR_JUNCTION = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class VesselProfile:
    """All n stations of one vein.

    Attributes
    ----------
    branch
        The vein's centerline.
    contours_mm
        (n, m, 2) the lumen in (across, upward) mm from the station; NaN where not measured.
    centers_lps_mm
        (n, 3) middle of the lumen; the station itself where not measured.
    shapes
        Its figures; NaN where not measured.
    area_interval_mm2, minimum_interval_mm
        (n, 2) low and high ends of the 95 % interval of the area and of the minimum diameter.
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
    """

    branch: Branch
    contours_mm: FloatArray
    centers_lps_mm: FloatArray
    shapes: Shapes
    area_interval_mm2: FloatArray
    minimum_interval_mm: FloatArray
    measured: BoolArray
    from_image: BoolArray
    components: npt.NDArray[np.int64]
    contrast_hu: FloatArray
    flags: tuple[tuple[str, ...], ...]

    @property
    def vessel(self) -> str:
        """The vein's name."""
        return self.branch.vessel


def profile_of(volume: Volume, branch: Branch, boundary: Boundary) -> VesselProfile:
    """Measure one vein at all its stations.

    Parameters
    ----------
    volume
        The image; its grid is that of the labels.
    branch
        The vein.
    boundary
        ``gray``: the edge is where the gray values put it, and where they show none, where the
        labels put it; ``mask``: the labels' own edge throughout.
    """
    curve = branch.curve
    flags: list[list[str]] = [[] for _ in range(len(curve))]
    pixel_mm = float(np.clip(_PIXEL * branch.region.grid.spacing_mm.min(), 0.4, 1.0))
    sections = label_sections(branch.region, curve, branch.half_width_mm, pixel_mm)
    outlines = outline_labels(sections, float(curve.position_mm[1]))
    measured = outlines.found & _whole(volume, branch, sections, flags)
    stations = np.flatnonzero(measured)
    contours = np.full(outlines.contours_mm.shape, np.nan)
    from_image = np.zeros(len(curve), dtype=bool)
    contrast = np.full(len(curve), np.nan)
    half_area, half_minimum = np.full(len(curve), np.nan), np.full(len(curve), np.nan)
    for run in _runs(stations):
        part = curve.part(run)
        wall = wall_of_labels(branch.region, part, outlines.contours_mm[run])
        contours[run] = wall.contours_mm
        if boundary == "mask":
            interval = intervals_of(wall, part, branch.region.grid, "mask")
            half_area[run], half_minimum[run] = interval.equivalent_mm, interval.minimum_mm
            continue
        image = wall_of_image(volume, branch.region, part, wall.contours_mm)
        good = _image_decides(image, volume, flags[run])
        contours[run] = np.where(good[:, None, None], image.contours_mm, wall.contours_mm)
        edges: tuple[tuple[Wall, Grid, BoolArray, Boundary], ...] = (
            (image, volume.grid, good, "gray"),
            (wall, branch.region.grid, ~good, "mask"),
        )
        for of, grid, chosen, edge in edges:
            if chosen.any():
                interval = intervals_of(of, part, grid, edge)
                half_area[run] = np.where(chosen, interval.equivalent_mm, half_area[run])
                half_minimum[run] = np.where(chosen, interval.minimum_mm, half_minimum[run])
        from_image[run] = good
        contrast[run] = image.inside - image.outside
        resolved = _RESOLVED_WIDTHS * _FWHM * image.blur.in_plane_mm
        for n, shape in enumerate(measure_shapes(contours[run]).equivalent_mm):
            if shape < resolved:
                flags[run][n].append("below_resolution")
    shapes = measure_shapes(contours)
    measured = ~np.isnan(shapes.area_mm2)
    _note_components(outlines.components, measured, flags)
    return VesselProfile(
        branch=branch,
        contours_mm=contours,
        centers_lps_mm=_centers(curve, contours, measured),
        shapes=shapes,
        area_interval_mm2=_area_interval(shapes, half_area),
        minimum_interval_mm=_clipped(shapes.minimum_mm, half_minimum),
        measured=measured,
        from_image=from_image,
        components=outlines.components,
        contrast_hu=contrast,
        flags=tuple(tuple(words) for words in flags),
    )


def _whole(
    volume: Volume, branch: Branch, sections: LabelSections, flags: list[list[str]]
) -> BoolArray:
    """Tell which sections show the vein, whole and alone, and note why the others do not."""
    curve, region = branch.curve, branch.region
    step_mm = float(curve.position_mm[1] - curve.position_mm[0])
    cut = cut_by_slices(curve, sections.extent_mm, region)
    cut |= cut_by_end(sections.areas_mm2, sections.extent_mm, step_mm)
    border = _meets_border(volume, curve, sections.extent_mm)
    gap = _meets_gap(volume, curve, sections.extent_mm)
    shared = sections.shared > SHARED_RIM
    for n in range(len(curve)):
        if border[n]:
            flags[n].append("image_border")
        elif cut[n]:
            flags[n].append("end_of_labels")
        if gap[n]:
            flags[n].append("slice_gap")
        if shared[n]:
            flags[n].append("junction")
        elif sections.shared[n] > _NEAR_JUNCTION:
            flags[n].append("near_junction")
    whole: BoolArray = ~(cut | border | gap | shared) & (sections.areas_mm2 > 0)
    return whole


def _meets_border(volume: Volume, curve: Curve, extent_mm: FloatArray) -> BoolArray:
    """Tell which sections reach beyond the outermost voxel centres of the image."""
    index = volume.grid.to_index(curve.points_lps_mm)
    directions = volume.grid.directions
    lean = np.sqrt(np.clip(1.0 - (curve.tangents @ directions) ** 2, 0.0, 1.0))
    half = lean * extent_mm[:, None] / volume.grid.spacing_mm
    last = np.array(volume.grid.shape) - 1
    meets: BoolArray = np.any((index - half < 0) | (index + half > last), axis=1)
    return meets


def _meets_gap(volume: Volume, curve: Curve, extent_mm: FloatArray) -> BoolArray:
    """Tell which sections touch slices for which there is no image."""
    meets = np.zeros(len(curve), dtype=bool)
    if not volume.source.gaps:
        return meets
    height = volume.grid.to_index(curve.points_lps_mm)[:, 0]
    normal = volume.grid.directions[:, 0]
    lean = np.sqrt(np.clip(1.0 - (curve.tangents @ normal) ** 2, 0.0, 1.0))
    half = lean * extent_mm / volume.grid.spacing_mm[0]
    for before, after in volume.source.gaps:
        meets |= (height + half > before) & (height - half < after)
    return meets


def _image_decides(wall: Wall, volume: Volume, flags: list[list[str]]) -> BoolArray:
    """Tell at which stations the gray values show the lumen's edge, and note why elsewhere not."""
    rim = wall.usable.mean(axis=1)
    # Over a length, so that a stretch beside bone or metal does not pass for enhanced.
    inside = ndimage.median_filter(wall.inside, _ENHANCED_OVER_STATIONS, mode="nearest")
    enhanced = inside >= ENHANCED_HU if volume.unit == "HU" else np.ones(len(rim), dtype=bool)
    contrast = wall.inside - wall.outside >= LEAST_CONTRAST_HU
    for n in range(len(rim)):
        if not enhanced[n]:
            flags[n].append("gray_refused_not_enhanced")
        elif not contrast[n] or rim[n] < _LEAST_RIM:
            flags[n].append("gray_refused_low_contrast")
        elif rim[n] < 0.9:
            flags[n].append("edge_partly_from_labels")
    decides: BoolArray = enhanced & contrast & (rim >= _LEAST_RIM)
    return decides


def _note_components(
    components: npt.NDArray[np.int64], measured: BoolArray, flags: list[list[str]]
) -> None:
    for n in np.flatnonzero(measured & (components > 1)):
        flags[n].append("several_lumens")


def _runs(stations: npt.NDArray[np.intp]) -> list[slice]:
    """Return the runs of consecutive stations long enough to be smoothed along."""
    if len(stations) == 0:
        return []
    breaks = np.flatnonzero(np.diff(stations) > 1)
    starts = np.concatenate([[stations[0]], stations[breaks + 1]])
    stops = np.concatenate([stations[breaks], [stations[-1]]]) + 1
    return [slice(int(a), int(b)) for a, b in zip(starts, stops, strict=True) if b - a > 1]


def _centers(curve: Curve, contours: FloatArray, measured: BoolArray) -> FloatArray:
    middle = np.nan_to_num(area_and_centroid(contours)[1])
    moved = curve.points_lps_mm + to_lps(middle[:, None, :], curve)[:, 0]
    return np.where(measured[:, None], moved, curve.points_lps_mm)


def _area_interval(shapes: Shapes, half_equivalent_mm: FloatArray) -> FloatArray:
    """Turn the interval of the equivalent diameter into one of the area."""
    diameters = _clipped(shapes.equivalent_mm, half_equivalent_mm)
    interval: FloatArray = np.pi / 4.0 * diameters**2
    return interval


def _clipped(value: FloatArray, half: FloatArray) -> FloatArray:
    return np.stack([np.maximum(value - half, 0.0), value + half], axis=-1)
