"""A small picture of a measured study, by which a reader of many knows where to look."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from venoseg.lumen import Measurements, VesselProfile
from venoseg.lumen.tables.stenosis import expected_normal
from venoseg.reporting.drawing import INK, drawing_style, new_figure, place_axes
from venoseg.reporting.mean_view import draw_mean_view
from venoseg.reporting.panels import vessel_colour

_HEIGHT_MM, _WIDTH_MM, _DPI = 44.0, 30.0, 110
_MARGIN_MM, _PIXEL_MM, _DEPTH_MM = 20.0, 2.5, 8.0


def write_thumbnail(measurements: Measurements, path: Path) -> None:
    """Draw the veins from the front over the mean of the image, the narrowest section ringed.

    The same measurements give the same bytes.
    """
    with drawing_style():
        figure = new_figure(_WIDTH_MM, _HEIGHT_MM)
        axes = place_axes(figure, 0.0, 0.0, _WIDTH_MM, _HEIGHT_MM)
        points = np.concatenate([p.branch.curve.points_lps_mm for p in measurements.profiles])
        middle, half = _frame(points)
        (left, low), (right, high) = middle - half, middle + half
        front, back = points[:, 1].min(), points[:, 1].max() + _DEPTH_MM
        draw_mean_view(
            axes,
            measurements.volume,
            0,
            ((left, right), (front, back), (low, high)),
            pixel_mm=_PIXEL_MM,
            depth_step_mm=_DEPTH_MM,
        )
        for profile in measurements.profiles:
            line = profile.branch.curve.points_lps_mm[:, [0, 2]].T
            axes.plot(*line, color="white", linewidth=2.2)
            axes.plot(*line, color=vessel_colour(profile.vessel), linewidth=1.3)
        place = _narrowest(measurements.profiles)
        if place is not None:
            axes.plot(
                *place,
                marker="o",
                markersize=7,
                markerfacecolor="none",
                markeredgecolor="white",
                markeredgewidth=2.4,
            )
            axes.plot(
                *place,
                marker="o",
                markersize=7,
                markerfacecolor="none",
                markeredgecolor=INK,
                markeredgewidth=1.0,
            )
        axes.set_xlim(middle[0] - half[0], middle[0] + half[0])
        axes.set_ylim(middle[1] - half[1], middle[1] + half[1])
        axes.set_axis_off()
        figure.savefig(path, format="png", dpi=_DPI, metadata={"Software": None})


def _frame(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the middle and half the size of the picture along x and z, in its own proportion."""
    low, high = points.min(axis=0)[[0, 2]], points.max(axis=0)[[0, 2]]
    half = (high - low) / 2.0 + _MARGIN_MM
    scale = max(half[0] / _WIDTH_MM, half[1] / _HEIGHT_MM)
    return (low + high) / 2.0, np.array([_WIDTH_MM, _HEIGHT_MM]) * scale


def _narrowest(profiles: tuple[VesselProfile, ...]) -> tuple[float, float] | None:
    """Return x and z of the section that is smallest against its vein's expected normal area."""
    shares: dict[int, float] = {}
    for n, profile in enumerate(profiles):
        reference = expected_normal(profile.vessel)
        if reference is not None and profile.measured.any():
            shares[n] = float(np.nanmin(profile.shapes.area_mm2)) / reference.area_mm2
    if not shares:
        return None
    least = profiles[min(shares, key=lambda n: shares[n])]
    x, _, z = least.centers_lps_mm[int(np.nanargmin(least.shapes.area_mm2))]
    return float(x), float(z)
