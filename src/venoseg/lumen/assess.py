"""Which sections can be measured, and on what: words that say why travel with every station."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.centerline.curve import Curve
from venoseg.centerline.label_sections import (
    SHARED_RIM,
    cut_by_end,
    cut_by_slices,
)
from venoseg.centerline.tree import Branch
from venoseg.lumen.boundary.covering import hidden_by_metal
from venoseg.lumen.boundary.levels import LEAST_CONTRAST_HU
from venoseg.lumen.boundary.wall import Wall
from venoseg.lumen.geometry.contours import Shapes, areas_mm2, perimeters_mm, solidity
from venoseg.lumen.label_view import LabelView
from venoseg.lumen.rays.edges import Blur
from venoseg.volume import BoolArray, FloatArray, Grid, Volume

CONCAVE = "concave_section"
"""Flag of a station whose outline is bent around something, or holds two vessels."""

SEVERAL = "several_lumens"
"""Flag of a station in whose section the vein has more than one lumen."""

APART = "lumens_apart"
"""Flag of a station whose lumens lie too far apart to be measured together."""

WEBBED = "webs_in_lumen"
"""Flag of a station in whose lumen the image shows webs, which its area counts in."""

AMBIGUOUS = "ambiguous_edge"
"""Flag of a station whose edge streams of blood, calcium or an enhancing wall explain alike."""

DARK = "dark_in_labels"
"""Flag of a station whose labels hold something far darker than its blood, which is left out."""

BRIEF = "too_short_to_resolve"
"""Flag of a station in a narrow place shorter than slices and averages along the vein resolve."""

# Ellipses fill their hull, a vein pressed over an artery about 95 %; two round vessels side by
# side, labelled as one, 88 to 92 %.
_LEAST_SOLIDITY = 0.94

# A diameter whose 95 % interval reaches farther than this share of it to either side says little
# more than that there is a vein: its area could be a quarter or twice as large.
_MOST_DOUBT = 0.5

Flags = list[list[str]]

NOT_ENHANCED = "gray_refused_not_enhanced"
METAL = "gray_refused_metal"

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

# Sections this near to another vein on a small part of their rim are measured, but say so.
_NEAR_JUNCTION = 0.01

# A lumen that gains or loses this factor of the area of its labels, and more than labels do that
# are so many voxels too small or too large all around, is not the lumen any more.
_AREA_CHANGE = 2.5
_VOXELS_OFF = 1.2


def whole_sections(
    volume: Volume, branch: Branch, sections: LabelView
) -> tuple[BoolArray, tuple[tuple[str, ...], ...]]:
    """Tell which of n sections show the vein, whole and alone, and in words why others do not."""
    curve, region = branch.curve, branch.region
    flags: Flags = [[] for _ in range(len(curve))]
    step_mm = curve.step_mm
    cut = cut_by_slices(curve, sections.extent_mm, region)
    cut |= cut_by_end(sections.areas_mm2, sections.extent_mm, step_mm)
    border = _meets_border(volume, curve, sections.extent_mm)
    gap = _meets_gap(volume, curve, sections.extent_mm)
    # Beside a junction even a small part of the rim that another vein takes widens the section.
    near = sections.shared > _NEAR_JUNCTION
    meets = ndimage.binary_propagation(sections.shared > SHARED_RIM, mask=near)
    shared = _up_to_junction(branch, meets)
    for n in range(len(curve)):
        if border[n]:
            flags[n].append("image_border")
        elif cut[n]:
            flags[n].append("end_of_labels")
        if gap[n]:
            flags[n].append("slice_gap")
        if shared[n]:
            flags[n].append("junction")
        elif near[n]:
            flags[n].append("near_junction")
    whole: BoolArray = ~(cut | border | gap | shared) & sections.found & (sections.areas_mm2 > 0)
    for bridged in branch.gaps:
        whole &= (curve.position_mm < bridged.start_mm) | (curve.position_mm > bridged.stop_mm)
    return whole, tuple(map(tuple, flags))


def _up_to_junction(branch: Branch, shared: BoolArray) -> BoolArray:
    """Add to the shared sections those between the begin of the vein and its junction.

    There its course lies inside the vein it drains into, and what the labels show of it is a tip.
    """
    first = int(np.argmax(shared))
    reach_mm = 2.0 * branch.half_width_mm
    begins_inside = branch.central_end == "junction" and shared.any()
    if begins_inside and branch.curve.position_mm[first] <= reach_mm:
        shared[:first] = True
    return shared


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


def image_decides(wall: Wall, volume: Volume, flags: Flags) -> BoolArray:
    """Tell at which stations the gray values show the lumen's edge, and note why elsewhere not."""
    rim = wall.rim
    # Over a length, so that a stretch beside bone or metal does not pass for enhanced.
    inside = ndimage.median_filter(wall.inside, _ENHANCED_OVER_STATIONS, mode="nearest")
    enhanced = inside >= ENHANCED_HU if volume.unit == "HU" else np.ones(len(rim), dtype=bool)
    contrast = wall.inside - wall.outside >= LEAST_CONTRAST_HU
    metal = hidden_by_metal(wall.bright)
    for n in range(len(rim)):
        if metal[n]:
            flags[n].append(METAL)
        elif not enhanced[n]:
            flags[n].append(NOT_ENHANCED)
        elif not contrast[n] or rim[n] < _LEAST_RIM:
            flags[n].append("gray_refused_low_contrast")
        elif rim[n] < 0.9:
            flags[n].append("edge_partly_from_labels")
    decides: BoolArray = enhanced & contrast & ~metal & (rim >= _LEAST_RIM)
    return decides


def resolution_mm(blur: Blur, curve: Curve, grid: Grid) -> FloatArray:
    """Return the full width at half maximum of the blur in the planes across a curve.

    It is no finer than a voxel.
    """
    through, pixel = grid.slice_and_pixel_mm
    fine = Blur(max(_FWHM * blur.in_plane_mm, pixel), max(_FWHM * blur.through_plane_mm, through))
    across, upward = fine.along(curve.across, grid), fine.along(curve.upward, grid)
    resolution: FloatArray = np.sqrt((across**2 + upward**2) / 2.0)
    return resolution


def note_narrow(equivalent_mm: FloatArray, resolution: FloatArray, flags: Flags) -> BoolArray:
    """Tell which lumens are too narrow for the blur to be told from their width, and note it."""
    narrow: BoolArray = equivalent_mm < _RESOLVED_WIDTHS * resolution
    for n in np.flatnonzero(narrow):
        flags[n].append("below_resolution")
    return narrow


def note_lost(
    contours_mm: FloatArray, sections: LabelView, spacing_mm: FloatArray, flags: Flags
) -> BoolArray:
    """Tell where the edge that was found is not that of the labelled vein, and note it.

    Parameters
    ----------
    contours_mm
        (n, m, 2) outlines of the lumen.
    sections
        What the labels show.
    spacing_mm
        (slices, rows, columns) of the labels' voxels.
    flags
        Of the stations.
    """
    areas = areas_mm2(contours_mm)
    ratio = areas / np.maximum(sections.areas_mm2, 1e-3)
    rim_mm2 = _VOXELS_OFF * float(spacing_mm[1:].max()) * perimeters_mm(contours_mm)
    alike = (ratio > 1.0 / _AREA_CHANGE) & (ratio < _AREA_CHANGE)
    lost: BoolArray = ~(alike | (np.abs(areas - sections.areas_mm2) < rim_mm2))
    for n in np.flatnonzero(lost & ~np.isnan(areas)):
        flags[n].append("edge_lost")
    return lost


def note_vague(
    equivalent_mm: FloatArray, half_mm: FloatArray, measured: BoolArray, flags: Flags
) -> BoolArray:
    """Tell which diameters are so uncertain that they are no measurement, and note it.

    Parameters
    ----------
    equivalent_mm, half_mm
        (n,) diameters and half widths of their 95 % intervals.
    measured
        (n,) where there is a diameter.
    flags
        Of the stations.
    """
    with np.errstate(invalid="ignore"):
        vague: BoolArray = measured & (half_mm > _MOST_DOUBT * equivalent_mm)
    for n in np.flatnonzero(vague):
        flags[n].append("too_uncertain")
    return vague


def note_apart(view: LabelView, flags: Flags) -> BoolArray:
    """Tell where other channels of the vein lie beside the one outlined, and note it.

    What is measured of one alone would not be the vein's.
    """
    apart: BoolArray = view.found & view.beside.channels
    for n in np.flatnonzero(apart):
        flags[n].append(APART)
    return apart


def note_components(components: npt.NDArray[np.int64], measured: BoolArray, flags: Flags) -> None:
    """Note the stations at which the vein has more than one lumen."""
    for n in np.flatnonzero(measured & (components > 1)):
        flags[n].append(SEVERAL)


def note_webbed(wall: Wall, from_image: BoolArray, flags: Flags) -> None:
    """Note the stations in whose lumen the image shows webs."""
    for n in np.flatnonzero(from_image & (wall.webbed > 0.0)):
        flags[n].append(WEBBED)


def note_dark(dark: BoolArray, from_image: BoolArray, flags: Flags) -> None:
    """Note the stations whose labels hold something dark that the outline leaves out."""
    for n in np.flatnonzero(from_image & dark):
        flags[n].append(DARK)


def note_ambiguous(wall: Wall, from_image: BoolArray, flags: Flags) -> None:
    """Note the stations whose edge several causes explain that put it at different places."""
    for n in np.flatnonzero(from_image & (wall.ambiguous > 0.0)):
        flags[n].append(AMBIGUOUS)


def note_concave(contours_mm: FloatArray, shapes: Shapes, flags: Flags) -> None:
    """Note the stations whose outline has a waist or a bay, as that of two vessels together has.

    ``shapes`` are the figures of the (n, m, 2) outlines.
    """
    # An outline fills no less of its hull than of a circle as long as the outline.
    of_circle = 4.0 * np.pi * shapes.area_mm2 / shapes.perimeter_mm**2
    perhaps = np.flatnonzero(of_circle < _LEAST_SOLIDITY)
    for n in perhaps[solidity(contours_mm[perhaps]) < _LEAST_SOLIDITY]:
        flags[n].append(CONCAVE)


def note_brief(brief: BoolArray, flags: Flags) -> None:
    """Note the stations in narrow places too short for their depth to be told."""
    for n in np.flatnonzero(brief):
        flags[n].append(BRIEF)


def note_unexplained(found: BoolArray, measured: BoolArray, flags: Flags) -> None:
    """Say of every station without figures why, where nothing has said so yet."""
    for n in np.flatnonzero(~measured):
        if not flags[n]:
            flags[n].append("isolated_station" if found[n] else "outside_labels")
