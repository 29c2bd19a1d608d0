"""Following the wires of a stent, and the lumen inside, along the stent's own course."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from venoseg.centerline.curve import Curve
from venoseg.errors import MeasurementError
from venoseg.lumen.geometry.contours import equivalent_mm, measure_shapes, outward_normals
from venoseg.lumen.rays.edges import Blur
from venoseg.lumen.stents.course import course_of, recentred, rough_contours
from venoseg.lumen.stents.image import blur_of_wires, lumen_level, sharpened, tissue_level
from venoseg.lumen.stents.lumen import END_MM, SHOWS_WIDTHS, Lining, fit_lining
from venoseg.lumen.stents.metal import (
    between_ends,
    gaps_of,
    may_be_fracture,
    metal_between,
    metal_of,
    overlaps_of,
    overshoots,
    within,
)
from venoseg.lumen.stents.profile import (
    END,
    GAP,
    HIDDEN,
    NARROWEST_MM,
    NOT_ENHANCED,
    OVERLAP,
    SHARP,
    THICK_SLICES,
    THICKEST_SLICE_MM,
    TOO_NARROW,
    StentProfile,
    Wires,
    area_interval,
    displaced_mm,
    interval_of,
)
from venoseg.lumen.stents.struts import TISSUE_HU, Rays, follow_struts, rays_through, unblurred
from venoseg.lumen.stents.view import around
from venoseg.segmentation import StentDevice
from venoseg.volume import BoolArray, FloatArray, Volume

# Flags on the lumen inside.
ABOUT_LUMEN = (NOT_ENHANCED, SHARP, END, HIDDEN)

# Wires and lumen are fitted in turn, at most so many times, from a lumen that begins so far inside,
# until the depth of half the rays changes by less than this.
_ROUNDS = 5
_FIRST_DEPTH_MM = 0.3
_SETTLED_MM = 0.03

# Then the level of tissue, with the blur and all that in turn, until it changes by less than this.
_TISSUE_ROUNDS = 3
_TISSUE_SETTLED_HU = 3.0

# Tissue is told by the rays between struts. The more metal these meet, by its share of that on
# struts, the farther from the wire the lumen's edge must lie to be told: at the first share as many
# widths of the blur as the first of `SHOWS_WIDTHS`, at the second so many.
_OPEN_SHARE, _DENSE_SHARE, _DENSE_SHOWS_WIDTHS = 0.2, 0.6, 2.1

# Half widths of the 95 % interval of the depth of the lumen: next to the glare of the wire, clear
# of it, and beyond where a hidden edge would show, up to which it may be anywhere; to the side of
# the wire it may then lie nearer by the width of the blur. Found on digital twins.
_BESIDE_GLARE_DOUBT_MM, _CLEAR_DOUBT_MM, _HIDDEN_DOUBT_MM = 0.4, 0.25, 0.3
_CLEAR_WIDTHS = 2.3

# A bare wire reads like one with half a millimetre of tissue: where more than this share of the
# ring is hidden, what it hides may be more than three points of the stent's area.
_MOST_HIDDEN = 0.4

# The lumen needs this much more than tissue to show its edge inside a stent.
_LEAST_CONTRAST_HU = 40.0


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
    view = around(volume, device.line_lps_mm, device.radius_mm)
    contours = rough_contours(view, curve, device.radius_mm)
    if np.median(equivalent_mm(contours)) < NARROWEST_MM:
        return _refused(device, curve, TOO_NARROW)
    wires = _wires(view, curve, contours, device.radius_mm)
    if wires is None:
        return None
    struts, curve = wires.rays.struts, wires.rays.struts.curve
    metal = metal_of(struts)
    gaps, overlaps = gaps_of(metal, curve), overlaps_of(metal, curve)
    contours = unblurred(struts.contours_mm, curve, wires.blur, view.grid)
    in_gap = within(curve, gaps)
    contours[in_gap] = np.nan
    lumen, lumen_interval, words = lumen_inside(wires)
    flags = [list(one) for one in words]
    doubled = within(curve, overlaps)
    _note(flags, doubled, OVERLAP)
    _note(flags, in_gap, GAP)
    shapes = measure_shapes(contours)
    return StentProfile(
        device=device,
        curve=curve,
        contours_mm=contours,
        lumen_mm=lumen,
        shapes=shapes,
        lumen_shapes=measure_shapes(lumen),
        area_interval_mm2=area_interval(shapes, displaced_mm(contours, wires.blur, doubled)),
        lumen_interval_mm2=lumen_interval,
        metal=metal,
        overlaps=overlaps,
        gaps=gaps,
        fractures=tuple(gap for gap in gaps if may_be_fracture(gap, metal, curve)),
        flags=tuple(tuple(one) for one in flags),
        shared=np.zeros(len(curve)),
        wires=wires,
    )


def with_own_blood(volume: Volume, wires: Wires) -> Wires:
    """Return stations with the level of the blood found in them alone."""
    struts = wires.rays.struts
    return replace(wires, lumen_hu=lumen_level(volume, struts.curve, struts.contours_mm))


def lumen_inside(wires: Wires) -> tuple[FloatArray, FloatArray, list[tuple[str, ...]]]:
    """Tell the lumen inside the wires of some stations, and what is doubtful about it.

    Returns
    -------
    tuple
        (n, m, 2) contours, NaN where not told; (n, 2) ends of the 95 % interval of the area, which
        is known as well where the wire outshines the edge; n tuples of flags.
    """
    struts, curve = wires.rays.struts, wires.rays.struts.curve
    lining = fit_lining(wires.rays, wires.lumen_hu, wires.blur, wires.tissue_hu)
    # The lumen's edge bends more than the wire, and blur draws it farther inwards.
    inwards = outward_normals(struts.contours_mm) * lining.depth_mm[..., None]
    lumen = unblurred(struts.contours_mm - inwards, curve, wires.blur, wires.rays.grid)
    enhanced = wires.lumen_hu - lining.tissue_hu >= _LEAST_CONTRAST_HU
    refused = np.full(len(curve), overshoots(wires.rays))
    from_start = curve.position_mm - curve.position_mm[0]
    at_end = np.minimum(from_start, from_start[-1] - from_start) < END_MM
    in_gap = within(curve, gaps_of(metal_of(struts), curve))
    unseen, farther, nearer = _doubts(wires, lining)
    hidden = unseen > _MOST_HIDDEN
    flags: list[list[str]] = [[] for _ in range(len(curve))]
    _note(flags, ~enhanced, NOT_ENHANCED)
    _note(flags, refused, SHARP)
    _note(flags, at_end, END)
    _note(flags, enhanced & hidden & ~refused, HIDDEN)
    interval = interval_of(measure_shapes(lumen), farther, nearer)
    # A figure from behind the wire's glare would be a guess; its interval bounds it.
    lumen[hidden] = np.nan
    untold = ~enhanced | at_end | in_gap | refused
    interval[untold] = np.nan
    lumen[untold] = np.nan
    return lumen, interval, [tuple(words) for words in flags]


def _doubts(wires: Wires, lining: Lining) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Tell where the wire hides the lumen's edge, and how far the edge may lie from where it seems.

    Returns
    -------
    tuple
        (n,) share of the ring where it is hidden; (n,) mm by which the edge may lie farther from
        the wire and nearer to it, averaged around the ring.
    """
    rays, deep = wires.rays, lining.depth_mm
    width = np.median(wires.blur.along(rays.normals_lps, rays.grid), axis=1, keepdims=True)
    woven = (metal_between(rays.struts) - _OPEN_SHARE) / (_DENSE_SHARE - _OPEN_SHARE)
    more = _DENSE_SHOWS_WIDTHS - SHOWS_WIDTHS[0]
    shows = width * (SHOWS_WIDTHS[0] + more * np.maximum(woven, 0.0)[:, None])
    hidden = deep < shows
    clear = deep >= _CLEAR_WIDTHS * width
    doubt = np.where(clear, _CLEAR_DOUBT_MM, _BESIDE_GLARE_DOUBT_MM)
    farther = np.where(hidden, shows - deep + _HIDDEN_DOUBT_MM, doubt)
    # Beside tissue that shows, what seems to be thin tissue may be none.
    alone = np.where(hidden.all(axis=1, keepdims=True), width, np.inf)
    nearer = np.where(hidden, np.minimum(alone, deep), doubt)
    return hidden.mean(axis=1), farther.mean(axis=1), nearer.mean(axis=1)


def _wires(volume: Volume, curve: Curve, contours: FloatArray, radius_mm: float) -> Wires | None:
    """Follow the wires and fit the lining in turn; None when there is nothing between the ends."""
    lumen_hu = lumen_level(volume, curve, contours)
    blur = blur_of_wires(volume, curve, contours, lumen_hu)
    # On the course found first, then on that through the middle of the wires. Beyond its ends there
    # is no wire that hides the lumen: what is seen there is the vein.
    struts = follow_struts(volume, curve, contours, _FIRST_DEPTH_MM, lumen_hu, blur)
    inner = between_ends(struts)
    if inner is None:
        return None
    curve = recentred(curve, struts.contours_mm, inner, curve.step_mm)
    contours = rough_contours(volume, curve, radius_mm)
    lumen_hu = lumen_level(volume, curve, contours)
    struts = follow_struts(volume, curve, contours, _FIRST_DEPTH_MM, lumen_hu, blur)
    inner = between_ends(struts)
    if inner is None:
        return None
    curve, contours, lumen_hu = curve.part(inner), struts.contours_mm[inner], lumen_hu[inner]
    levels = (lumen_hu, TISSUE_HU)
    rays, lining = _settled(volume, curve, contours, _FIRST_DEPTH_MM, levels, blur)
    for _ in range(_TISSUE_ROUNDS):
        blur = sharpened(rays, lumen_hu, blur, lining.tissue_hu)
        before, tissue_hu = lining.tissue_hu, tissue_level(rays, lumen_hu, blur, lining)
        contours, levels = rays.struts.contours_mm, (lumen_hu, tissue_hu)
        rays, lining = _settled(volume, curve, contours, lining.depth_mm, levels, blur)
        if abs(tissue_hu - before) < _TISSUE_SETTLED_HU:
            break
    return Wires(rays, lumen_hu, lining.tissue_hu, blur)


def _settled(
    volume: Volume,
    curve: Curve,
    contours: FloatArray,
    depth: FloatArray | float,
    levels: tuple[FloatArray, float],
    blur: Blur,
) -> tuple[Rays, Lining]:
    """Fit wires and lining in turn until neither changes, with levels of blood and tissue."""
    lumen_hu, tissue_hu = levels
    for _ in range(_ROUNDS):
        struts = follow_struts(volume, curve, contours, depth, lumen_hu, blur, tissue_hu)
        contours = struts.contours_mm
        rays = rays_through(volume, struts)
        lining = fit_lining(rays, lumen_hu, blur, tissue_hu)
        change = float(np.median(np.abs(lining.depth_mm - depth)))
        depth = lining.depth_mm
        if change < _SETTLED_MM:
            break
    return rays, lining


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


def _note(flags: list[list[str]], where: BoolArray, word: str) -> None:
    for n in np.flatnonzero(where):
        flags[n].append(word)
