"""What is taken for granted of the image at a stent: levels of blood and tissue, and blur."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage
from scipy.optimize import minimize_scalar

from venoseg.centerline.curve import Curve
from venoseg.centerline.sections import sample_planes
from venoseg.lumen.geometry.contours import areas_mm2
from venoseg.lumen.rays.edges import Blur
from venoseg.lumen.stents.lumen import Lining, close_misfits, fit_lining
from venoseg.lumen.stents.struts import TISSUE_HU, Rays, follow_struts, rays_through
from venoseg.volume import BoolArray, FloatArray, Volume

# The level of the blood is read within this share of the stent's radius, away from the wire: so far
# at least from where it comes nearest, unless less than the last is left.
_INNER_SHARE = 0.45
_GLARE_MM, _LEAST_INNER_MM = 2.2, 0.6

# Blood is the same over this length, a standard deviation. Both which part of a section shows it
# and how bright it is are told over it: the brighter part of a single section is so by its noise.
# A section that differs from most within the second length is left out.
_SAME_BLOOD_MM, _ODD_MM = 6.0, 11.0

# The blur is sought between these, on so many sections in the middle, for the least misfit.
_BLURS_MM = (0.45, 1.3)
_SECTIONS = 16

# What these sections tell is right within this share.
_BLUR_DOUBT = 0.1

# Linear interpolation between slices adds on average h2/6 of variance; rays that lean read it as
# this share, as it is no Gaussian. Found on digital twins.
_INTERPOLATED_SHARE = 1.0 / 5.0

# Blur in the plane and the level of tissue are told by rays that the blur along the slices makes no
# wider than this, in blurs in the plane, if so large a share of all rays are.
_IN_PLANE_WIDTHS, _LEAST_IN_PLANE = 1.05, 0.15

# The level of tissue is told by rays on which the lumen begins so many widths of the blur inside
# the wire, if so large a share of all rays is; thinner tissue never shows its own. It is sought
# between these, and so far below the blood at most.
_SHOWN_WIDTHS, _LEAST_SHOWN = 2.7, 0.15
_TISSUE_HU, _BELOW_BLOOD_HU = (30.0, 110.0), 40.0


def lumen_level(volume: Volume, curve: Curve, contours: FloatArray) -> FloatArray:
    """Return (n,) HU of the enhanced blood inside, from the brighter part of the inner room.

    Parameters
    ----------
    volume
        The image.
    curve
        n stations.
    contours
        (n, m, 2) contours near the wires.
    """
    radius_mm = float(np.sqrt(np.nanmedian(areas_mm2(contours)) / np.pi))
    offsets = np.arange(-6, 7) / 6.0 * _INNER_SHARE * radius_mm
    planes = sample_planes(volume.voxels, volume.grid, curve, offsets).reshape(-1, 13, 13)
    # In a stent pressed flat the wires' glare fills most of the room that a round one would leave.
    room = np.hypot(contours[..., 0], contours[..., 1]).min(axis=1) - _GLARE_MM
    reach = np.clip(room, min(_LEAST_INNER_MM, offsets[-1]), offsets[-1])
    disc = np.hypot(*np.meshgrid(offsets, offsets)) <= reach[:, None, None]
    step_mm = curve.step_mm
    along = _SAME_BLOOD_MM / step_mm
    smooth = ndimage.gaussian_filter(planes, (along, 1.0, 1.0), mode="nearest")
    inner = np.where(disc, smooth, np.nan).reshape(len(planes), -1)
    top = np.nanquantile(inner, 0.9, axis=1, keepdims=True)
    low = np.minimum(np.nanquantile(inner, 0.1, axis=1, keepdims=True), top - 40.0)
    bright = inner > (0.35 * low + 0.65 * top)
    seen = np.where(bright, planes.reshape(len(planes), -1), np.nan)
    mean = ndimage.median_filter(
        np.nanmean(seen, axis=1), round(_ODD_MM / step_mm) | 1, mode="nearest"
    )
    result: FloatArray = ndimage.gaussian_filter1d(mean.astype(np.float64), along, mode="nearest")
    return result


def blur_of_wires(volume: Volume, curve: Curve, rough_mm: FloatArray, lumen_hu: FloatArray) -> Blur:
    """Return the blur of the image, told from the wires in the middle of a stent.

    The blur in the plane is the one of least misfit; that along the slices, which struts seldom
    show, is what slice thickness and interpolation make.
    """
    through, _ = volume.grid.slice_and_pixel_mm
    thickness = max(volume.source.slice_thickness_mm or through, through)
    along = float(np.sqrt(thickness**2 / 12.0 + _INTERPOLATED_SHARE * through**2))
    first = max(0, (len(curve) - _SECTIONS) // 2)
    middle = slice(first, first + _SECTIONS)
    stations, blood = curve.part(middle), lumen_hu[middle]

    def misfit(width_mm: float) -> float:
        blur, contours = Blur(width_mm, along), rough_mm[middle]
        depth: FloatArray | float = 0.3
        for _ in range(2):
            struts = follow_struts(volume, stations, contours, depth, blood, blur)
            rays = rays_through(volume, struts)
            lining = fit_lining(rays, blood, blur, TISSUE_HU, aside=False)
            contours, depth = struts.contours_mm, lining.depth_mm
        return float(close_misfits(rays, blood, blur, TISSUE_HU, aside=False).mean())

    found = minimize_scalar(misfit, bounds=_BLURS_MM, method="bounded", options={"xatol": 0.02})
    return Blur(float(found.x), along)


def sharpened(rays: Rays, lumen_hu: FloatArray, blur: Blur, tissue_hu: float) -> Blur:
    """Return the blur of least misfit over a whole stent whose wires have been followed.

    Where tissue is about as thin as the blur, one part in twenty of the blur passes for a tenth of
    a millimetre of tissue: what a few sections tell is not good enough.
    """

    def misfit(width_mm: float) -> float:
        wider = replace(blur, in_plane_mm=width_mm)
        return float(close_misfits(rays, lumen_hu, wider, tissue_hu, aside=False)[level].mean())

    level = _in_plane(rays, blur)
    bounds = [blur.in_plane_mm * (1.0 + side * _BLUR_DOUBT) for side in (-1.0, 1.0)]
    found = minimize_scalar(misfit, bounds=bounds, method="bounded", options={"xatol": 0.003})
    return replace(blur, in_plane_mm=float(found.x))


def _in_plane(rays: Rays, blur: Blur) -> BoolArray:
    """Tell (n, m) which rays show the blur in the plane alone; all where too few do."""
    width = blur.along(rays.normals_lps, rays.grid)
    level = width <= _IN_PLANE_WIDTHS * blur.in_plane_mm
    return level if level.mean() >= _LEAST_IN_PLANE else np.ones_like(level)


def tissue_level(rays: Rays, lumen_hu: FloatArray, blur: Blur, lining: Lining) -> float:
    """Return the level of tissue that leaves least, where there is enough of it to show its own.

    Elsewhere what was taken for it so far. Tissue taken for darker than it is seems thinner: by a
    third of a millimetre where it has 80 HU beside blood of 150, and not 55.
    """
    width = blur.along(rays.normals_lps, rays.grid)
    thick = (lining.depth_mm >= _SHOWN_WIDTHS * width) & _in_plane(rays, blur)
    low, high = _TISSUE_HU[0], min(_TISSUE_HU[1], float(np.median(lumen_hu)) - _BELOW_BLOOD_HU)
    if thick.mean() < _LEAST_SHOWN or high <= low:
        return lining.tissue_hu

    def misfit(tissue_hu: float) -> float:
        return float(close_misfits(rays, lumen_hu, blur, tissue_hu)[thick].mean())

    found = minimize_scalar(misfit, bounds=(low, high), method="bounded", options={"xatol": 1.0})
    return float(found.x)
