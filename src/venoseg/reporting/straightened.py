"""The straightened views of a vein with its lumen's edges."""

from __future__ import annotations

from typing import Literal

import numpy as np
from matplotlib.axes import Axes

from venoseg.lumen import VesselProfile
from venoseg.reporting.drawing import GRAYS, INK
from venoseg.reporting.gray import gray_ribbon
from venoseg.reporting.stretches import step_mm
from venoseg.reporting.window import GrayWindow
from venoseg.reporting.words import patient_direction
from venoseg.volume import FloatArray, Volume

_PIXEL_MM = 0.4
_EDGE = "#ffe14d"

# Tissue to be seen beside the lumen, and the least and most of the view from its axis.
_BESIDE_MM = 7.0
_LEAST_HALF_MM, _MOST_HALF_MM = 14.0, 30.0

_NAMES = ("across", "front to back")


def half_width_mm(profile: VesselProfile) -> float:
    """Return how far from the centerline the straightened views reach."""
    wall = np.abs(profile.contours_mm[profile.measured])
    reach = float(wall.max()) if wall.size else profile.branch.half_width_mm
    reach = max(reach, float(np.abs(profile.lumens.contours_mm).max(initial=0.0)))
    return float(np.clip(reach + _BESIDE_MM, _LEAST_HALF_MM, _MOST_HALF_MM))


def draw_along(
    axes: Axes,
    values: FloatArray,
    window: GrayWindow,
    ends_mm: tuple[float, float],
    half_mm: float,
    places_mm: FloatArray,
    edges_mm: FloatArray,
) -> None:
    """Draw the image along a vein and the lumen's edges in it.

    Parameters
    ----------
    axes, window
        Where to draw, and which gray values to show.
    values
        (rows, columns) from ``-half_mm`` to ``half_mm``, and from the first to the last of
        ``ends_mm``; NaN where there is no image.
    places_mm, edges_mm
        (n,) stations along, and (n, k) how far from the middle edges cross the view there.
    """
    axes.imshow(
        np.ma.masked_invalid(values),
        cmap=GRAYS,
        vmin=window.low,
        vmax=window.high,
        origin="lower",
        aspect="auto",
        interpolation="bilinear",
        extent=(*ends_mm, -half_mm, half_mm),
    )
    for edge in edges_mm.T:
        axes.plot(places_mm, edge, color="black", linewidth=1.8, alpha=0.6)
        axes.plot(places_mm, edge, color=_EDGE, linewidth=0.9)
    axes.set_ylim(-half_mm, half_mm)
    axes.set_ylabel("mm")


def draw_straightened(
    axes: Axes,
    profile: VesselProfile,
    volume: Volume,
    window: GrayWindow,
    *,
    axis: Literal[0, 1],
    half_mm: float,
) -> None:
    """Draw the image along the vein, ``axis`` 0 across it and 1 from front to back.

    The edges drawn are where the measured contours of all lumens cross the plane of the view.
    """
    curve = profile.branch.curve
    directions = curve.upward if axis else curve.across
    offsets = np.arange(-half_mm, half_mm + _PIXEL_MM / 2.0, _PIXEL_MM)
    values = gray_ribbon(volume, curve, directions, offsets)
    step = step_mm(profile)
    ends = (-step / 2.0, float(curve.position_mm[-1]) + step / 2.0)
    edges = crossings_mm(profile.contours_mm, axis)
    edges[profile.lumens.stations] = np.nan
    draw_along(axes, values.astype(np.float64), window, ends, half_mm, curve.position_mm, edges)
    _draw_lumens(axes, profile, axis)
    axes.plot(
        curve.position_mm,
        np.zeros(len(curve)),
        color="white",
        linewidth=0.5,
        linestyle=(0, (1, 5)),
    )
    axes.set_title(f"Straightened view, {_NAMES[axis]}")
    if profile.measured.any():
        least = curve.position_mm[int(np.nanargmin(profile.shapes.area_mm2))]
        axes.axvline(least, color="white", linewidth=0.8, linestyle=(0, (2, 3)))
    for station, x, side in ((0, 0.004, "left"), (-1, curve.position_mm[-1], "right")):
        for sign, y, stands in ((1.0, 0.96, "top"), (-1.0, 0.04, "bottom")):
            axes.annotate(
                patient_direction(sign * directions[station]),
                (0.0 if side == "left" else float(x), y),
                xycoords=("data", "axes fraction"),
                xytext=(3 if side == "left" else -3, 0),
                textcoords="offset points",
                ha=side,
                va=stands,
                color="white",
                fontsize=8,
                fontweight="bold",
                bbox={"boxstyle": "square,pad=0.12", "facecolor": INK, "alpha": 0.65, "lw": 0},
            )


def _draw_lumens(axes: Axes, profile: VesselProfile, axis: Literal[0, 1]) -> None:
    """Draw the edges of all lumens of a station that has several, each station by itself.

    Which of a station's lumens goes on as which of the next is not known.
    """
    places = profile.branch.curve.position_mm[profile.lumens.stations]
    half = step_mm(profile) / 2.0
    for edge in crossings_mm(profile.lumens.contours_mm, axis).T:
        for colour, width, alpha in (("black", 1.8, 0.6), (_EDGE, 0.9, 1.0)):
            axes.hlines(edge, places - half, places + half, colour, linewidth=width, alpha=alpha)


def crossings_mm(contours_mm: FloatArray, axis: Literal[0, 1]) -> FloatArray:
    """Return where contours cross an axis of their plane.

    Parameters
    ----------
    contours_mm
        (n, m, 2) closed contours about the stations, in (across, upward) mm.
    axis
        The axis that is crossed, 0 across and 1 upward.

    Returns
    -------
    FloatArray
        (n, 2) the lowest and the highest crossing; NaN where the contour is NaN or lies beside the
        axis.
    """
    along, beside = contours_mm[..., axis], contours_mm[..., 1 - axis]
    along_next, beside_next = np.roll(along, -1, axis=1), np.roll(beside, -1, axis=1)
    crosses = (beside < 0) != (beside_next < 0)
    crosses &= ~np.isnan(beside)
    share = beside / np.where(crosses, beside - beside_next, 1.0)
    at = along + share * (along_next - along)
    low = np.where(crosses, at, np.inf).min(axis=1)
    high = np.where(crosses, at, -np.inf).max(axis=1)
    found = crosses.any(axis=1)
    return np.where(found[:, None], np.stack([low, high], axis=-1), np.nan)
