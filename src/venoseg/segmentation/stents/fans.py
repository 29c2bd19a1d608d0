"""Fans of rays from the middle line of a tube, and where they meet its wall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.interpolate import make_smoothing_spline

from venoseg.volume import FloatArray, Volume

STATION_MM = 1.5
SAMPLE_MM = 0.4

# The wires are sought on a ray up to this many typical radii, and at least so far.
_REACH = 1.8
_LEAST_REACH_MM = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Fans:
    """The image on rays across the n points of a line.

    Attributes
    ----------
    points_lps_mm, values
        (n, angles, d, 3) places and (n, angles, d) the image there.
    depth_mm
        (d,) distance from the line.
    peak
        (n, angles) which place of each ray lies on the wall.
    """

    points_lps_mm: FloatArray
    values: npt.NDArray[np.float32]
    depth_mm: FloatArray
    peak: npt.NDArray[np.intp]

    @classmethod
    def outwards(cls, volume: Volume, line: FloatArray, turn: FloatArray, radius_mm: float) -> Fans:
        """Look at the image in (n, angles) directions from the n points of a line."""
        across, upward = _frames(line)
        rays = np.cos(turn)[..., None] * across[:, None] + np.sin(turn)[..., None] * upward[:, None]
        depth = np.arange(0.0, max(_REACH * radius_mm, _LEAST_REACH_MM) + 4.0, SAMPLE_MM)
        points = line[:, None, None, :] + rays[:, :, None, :] * depth[:, None]
        index = np.moveaxis(volume.grid.to_index(points), -1, 0)
        values = ndimage.map_coordinates(
            volume.voxels, index, output=np.float32, order=1, mode="nearest"
        )
        return cls(points, values, depth, _peaks(values, depth, radius_mm))


def spaced_evenly(turn: FloatArray, distance_mm: FloatArray) -> FloatArray:
    """Return (n, angles) directions whose places on the wall lie evenly apart.

    Seen from the middle of a flat ring most of an even fan goes to its near sides, and hardly a ray
    to the wires beside its tips.
    """
    around = np.pad(distance_mm, ((0, 0), (3, 3)), mode="wrap")
    typical = ndimage.median_filter(around, (9, 5), mode="nearest")[:, 3:-3]
    closed = np.append(turn, 2.0 * np.pi)
    x, y = (np.append(typical, typical[:, :1], axis=1) * f(closed) for f in (np.cos, np.sin))
    along = np.cumsum(np.hypot(np.diff(x, axis=1), np.diff(y, axis=1)), axis=1)
    along = np.pad(along, ((0, 0), (1, 0)))
    share = np.arange(len(turn)) / len(turn)
    return np.stack([np.interp(share * one[-1], one, closed) for one in along])


def evened(line_lps_mm: FloatArray) -> FloatArray | None:
    """Smooth a line of middles and space it evenly; the outermost ones, drawn in, go."""
    inner = line_lps_mm[1:-1] if len(line_lps_mm) > 6 else line_lps_mm
    steps = np.linalg.norm(np.diff(inner, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(np.maximum(steps, 1e-3))])
    if len(inner) < 5:
        return None
    spline = make_smoothing_spline(along, inner, lam=8.0**4 / 3.0)
    # The room ends a little inside the stent: look beyond it.
    at = np.arange(-4.0, along[-1] + 4.0, STATION_MM)
    inside = np.clip(at, 0.0, along[-1])
    direction = spline(inside, 1)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    result: FloatArray = spline(inside) + (at - inside)[:, None] * direction
    return result


def _frames(line: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (n, 3) two unit vectors across a line, carried along without twist."""
    tangent = np.gradient(line, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    across = np.empty_like(tangent)
    last = np.eye(3)[int(np.argmin(np.abs(tangent[0])))]
    for n, along in enumerate(tangent):
        last = last - (last @ along) * along
        last = last / np.linalg.norm(last)
        across[n] = last
    return across, np.cross(tangent, across)


def _peaks(
    values: npt.NDArray[np.float32], depth: FloatArray, radius_mm: float
) -> npt.NDArray[np.intp]:
    """Return (n, angles) where each ray meets the wall, near where its neighbours do."""
    allowed = (depth >= 0.3 * radius_mm) & (depth <= max(_REACH * radius_mm, _LEAST_REACH_MM))
    # Averaged over the mesh first, so that gaps between struts do not lead to what lies beyond.
    mean = ndimage.gaussian_filter(values, (1.5, 2.5, 0.5), mode=("nearest", "wrap", "nearest"))
    coarse = np.argmax(np.where(allowed, mean, -np.inf), axis=2)
    around = np.pad(coarse, ((0, 0), (3, 3)), mode="wrap")
    coarse = ndimage.median_filter(around, (5, 7), mode="nearest")[:, 3:-3]
    reach = 3
    offset = np.arange(-reach, reach + 1)
    near = np.clip(coarse[..., None] + offset, 0, len(depth) - 1)
    best = np.argmax(np.take_along_axis(values, near, axis=2), axis=2)
    result: npt.NDArray[np.intp] = np.take_along_axis(near, best[..., None], axis=2)[..., 0]
    return result
