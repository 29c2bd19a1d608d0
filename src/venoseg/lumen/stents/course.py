"""The course of a stent, and where its wires roughly lie in the sections across it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.centerline.curve import Curve, curve_through, smooth
from venoseg.errors import MeasurementError
from venoseg.lumen.geometry.contours import centroids_mm
from venoseg.lumen.geometry.outline import CONTOUR_POINTS
from venoseg.lumen.rays.edges import sample_profiles
from venoseg.lumen.stents.struts import SAMPLE_MM, even
from venoseg.volume import FloatArray, Volume

# Rough positions are averaged over a mesh of this size first.
_MESH_MM = 2.5

# The rough search reaches from this share of the expected radius to this one.
_SEARCHED = (0.35, 1.7)

# Bone and other metal beyond the wire outshine it. The wire is the first peak from inside that
# exceeds the inside by this share of what the typical ray's highest peak does.
_FIRST_PEAK_SHARE = 0.5

# The line of the stent is smoothed over this length before sections are laid across it.
_COURSE_MM = 7.0

# It is led on beyond the ends, so far, in the direction of its last stations.
_BEYOND_MM = 5.0
_LEADING = 5


def course_of(line_lps_mm: FloatArray, step_mm: float) -> Curve:
    """Lay stations along the middle line of a device, from its end nearer to the head.

    Raises
    ------
    MeasurementError
        When it is too short to have a direction.
    """
    line = line_lps_mm if line_lps_mm[0, 2] >= line_lps_mm[-1, 2] else line_lps_mm[::-1]
    if len(line) < 8:
        raise MeasurementError("a stent shorter than 12 mm has no course to be measured along")
    return curve_through(smooth(line, smoothing_length_mm=_COURSE_MM), step_mm)


def recentred(curve: Curve, contours_mm: FloatArray, inner: slice, step_mm: float) -> Curve:
    """Lay a course through the middles of contours, and straight on beyond both ends.

    The room that a stent was found by is drawn aside at its ends, where it opens: sections across
    its middle line lean against the stent there.

    Parameters
    ----------
    curve, contours_mm
        The stations, and a contour in each.
    inner
        The stations in the stent.
    step_mm
        Distance of the new stations.
    """
    middle = centroids_mm(contours_mm[inner])
    across, upward = curve.across[inner], curve.upward[inner]
    line = curve.points_lps_mm[inner] + middle[:, :1] * across + middle[:, 1:] * upward
    line = smooth(line, smoothing_length_mm=_COURSE_MM)
    beyond = np.arange(step_mm, _BEYOND_MM, step_mm)[:, None]
    reach = min(_LEADING, len(line) - 1)
    ahead, behind = line[0] - line[reach], line[-1] - line[-1 - reach]
    before = line[0] + beyond[::-1] * ahead / np.linalg.norm(ahead)
    after = line[-1] + beyond * behind / np.linalg.norm(behind)
    return curve_through(np.concatenate([before, line, after]), step_mm)


def rough_contours(volume: Volume, curve: Curve, radius_mm: float) -> FloatArray:
    """Return (n, m, 2) contours near the wires, sought outwards from the course."""
    turn = np.linspace(0.0, 2.0 * np.pi, CONTOUR_POINTS, endpoint=False)
    outwards = np.broadcast_to(
        np.stack([np.cos(turn), np.sin(turn)], axis=-1), (len(curve), CONTOUR_POINTS, 2)
    )
    depth: FloatArray = np.arange(_SEARCHED[0] * radius_mm, _SEARCHED[1] * radius_mm, SAMPLE_MM)
    none = np.zeros_like(outwards)
    values = sample_profiles(volume.voxels, volume.grid, curve, none, outwards, depth).values
    station_mm = curve.step_mm
    around = 2.0 * np.pi * radius_mm / CONTOUR_POINTS
    sigma = (_MESH_MM / station_mm, _MESH_MM / around, 1.0)
    mean = ndimage.gaussian_filter(values, sigma, mode=("nearest", "wrap", "nearest"))
    at = _first_peaks(mean)
    padded = np.pad(at, ((0, 0), (8, 8)), mode="wrap")
    at = ndimage.median_filter(padded, (7, 9), mode="nearest")[:, 8:-8]
    radius = ndimage.gaussian_filter(depth[at], (2.0, 2.0), mode=("nearest", "wrap"))
    rough: FloatArray = outwards * radius[..., None]
    return even(rough)


def _first_peaks(values: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    """Return (n, m) the first clear peak of every ray from inside; its highest where none is."""
    inside = np.median(values[..., :3], axis=(1, 2), keepdims=True)
    typical = np.median(values.max(axis=2, keepdims=True) - inside, axis=(1, 2), keepdims=True)
    peak = np.zeros(values.shape, dtype=bool)
    peak[..., 1:-1] = (values[..., 1:-1] >= values[..., :-2]) & (
        values[..., 1:-1] > values[..., 2:]
    )
    peak &= values - inside >= _FIRST_PEAK_SHARE * typical
    found: npt.NDArray[np.intp] = np.where(
        peak.any(axis=2), peak.argmax(axis=2), values.argmax(axis=2)
    )
    return found
