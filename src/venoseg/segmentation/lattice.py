"""Telling the lattice of a stent from other walls, on rays from its middle line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.interpolate import make_smoothing_spline

from venoseg.volume import FloatArray, Volume

_STATION_MM = 1.5
_ANGLES = 64
_SAMPLE_MM = 0.4

# The wires are sought on a ray up to this many typical radii, and at least so far.
_REACH = 1.8
_LEAST_REACH_MM = 5.0

# A ray meets wire when its peak exceeds both sides by this much.
_STRUT_HU = 120.0

# Struts close the ring when none of its places is farther from one than the mesh of a stent.
_MESH_STATIONS, _MESH_ANGLES = 5, 9
_LEAST_CLOSED = 0.8

_LEAST_RINGED = 0.9

# Between struts lie gaps: within a mesh peaks fall by this share of the highest, and from ray to
# ray they scatter by this share of their mean. The shell of a bone is even, its rims are coarse.
_LEAST_DEPTH = 0.6
_LEAST_TEXTURE = 0.4

# A dense weave in a narrow stent scatters less. It passes where wires and gaps take turns around
# the ring as often as no plaque does (stents 12 to 13 times, patches of calcium 3 to 7 on twins),
# the wires are thin, and nothing like bone lies behind.
_LEAST_DENSE_TEXTURE = 0.25
_LEAST_DENSE_DEPTH = 0.66
_LEAST_TURNS = 9.5
_THIN_MM = 2.4
_HARDLY_BONE = 0.1

# Smoothed by a kernel, wires are faint and stand out little. In a labelled vein, where hardly
# anything else closes a ring, these are enough (calcium on digital twins: 7 turns at most where it
# lies in patches, a depth of 0.56 at most where it is a shell).
_LEAST_FAINT_TURNS = 10.0
_LEAST_FAINT_TEXTURE = 0.2

# Bone goes on beyond its inner face: this share of the rays finds a level so far above the inside
# on average 2 to 4 mm beyond the peak.
_MOST_BONE = 0.35
_BONE_HU = 130.0

# The legs of a filter spread like a cone, this much per millimetre over no more than so far; a
# stent that is crushed at one end narrows less.
_CONE, _CONE_MM = 0.08, 50.0

# A stent is longer than it is wide; a vertebra is not.
_LEAST_LONG = 1.6

# The brightest tenth of a stent's wires rises by this much, bone's thin shell seldom does.
_LEAST_BRIGHT_HU = 250.0

# Blood, tissue or clot inside, and nothing brighter than contrast.
_INSIDE_HU = (-30.0, 700.0)

# Wire is no wider than the scanner's blur; full width at half maximum of the brightest rays.
_WIDEST_MM = 3.2

_LEAST_MM = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """What rays from a middle line meet.

    Attributes
    ----------
    line_lps_mm
        (n, 3) the stretch of the line around which the ring is closed.
    surface_lps_mm
        (n, angles, 3) where the rays peak.
    radius_mm, spread
        Median distance of the peaks from the line, and how much it changes per millimetre.
    closed, depth, texture, turns, bone, bright_hu, inside_hu, width_mm
        Share of the ring within reach of a strut, how far gaps lie below struts and how much
        neighbouring peaks scatter (relative), how often wires and gaps take turns around the ring,
        the share of rays with bone beyond, the upper tenth of the peaks above both sides, the level
        inside, and the width of the brightest peaks.
    """

    line_lps_mm: FloatArray
    surface_lps_mm: FloatArray
    radius_mm: float
    spread: float
    closed: float
    depth: float
    texture: float
    turns: float
    bone: float
    bright_hu: float
    inside_hu: float
    width_mm: float

    @property
    def length_mm(self) -> float:
        """Length of the line."""
        return float(np.linalg.norm(np.diff(self.line_lps_mm, axis=0), axis=1).sum())

    @property
    def is_ring(self) -> bool:
        """Whether something thin and bright lies all around: enough where a stent is known."""
        return (
            self.closed >= _LEAST_RINGED
            and self.length_mm >= 2.0 * _LEAST_LONG * self.radius_mm
            and not (self.spread >= _CONE and self.length_mm <= _CONE_MM)
            and self.bone <= _MOST_BONE
            and _INSIDE_HU[0] <= self.inside_hu <= _INSIDE_HU[1]
            and self.width_mm <= _WIDEST_MM
        )

    @property
    def is_stent(self) -> bool:
        """Whether this is a lattice of wire around blood or tissue, wherever it lies."""
        return (
            self.is_ring
            and self.depth >= _LEAST_DEPTH
            and (self.texture >= _LEAST_TEXTURE or self._is_dense_weave)
            and self.bright_hu >= _LEAST_BRIGHT_HU
        )

    @property
    def is_faint_stent(self) -> bool:
        """Whether this is one if it lies in a labelled vein, however faint its wires are."""
        return (
            self.is_ring
            and self.depth >= _LEAST_DEPTH
            and self.texture >= _LEAST_FAINT_TEXTURE
            and self.turns >= _LEAST_FAINT_TURNS
            and self.bone <= _HARDLY_BONE
        )

    @property
    def _is_dense_weave(self) -> bool:
        return (
            self.texture >= _LEAST_DENSE_TEXTURE
            and self.depth >= _LEAST_DENSE_DEPTH
            and self.turns >= _LEAST_TURNS
            and self.width_mm <= _THIN_MM
            and self.bone <= _HARDLY_BONE
        )


def lattice_along(volume: Volume, line_lps_mm: FloatArray, radius_mm: float) -> Lattice | None:
    """Look outwards from a middle line.

    Parameters
    ----------
    volume
        The image.
    line_lps_mm
        (n, 3) points in the middle of a room.
    radius_mm
        Its typical radius.

    Returns
    -------
    Lattice or None
        None where no stretch of at least 10 mm is ringed by something bright.
    """
    line = _evened(line_lps_mm)
    if line is None:
        return None
    across, upward = _frames(line)
    turn = np.linspace(0.0, 2.0 * np.pi, _ANGLES, endpoint=False)
    rays = np.cos(turn)[:, None] * across[:, None, :] + np.sin(turn)[:, None] * upward[:, None, :]
    depth = np.arange(0.0, max(_REACH * radius_mm, _LEAST_REACH_MM) + 4.0, _SAMPLE_MM)
    points = line[:, None, None, :] + rays[:, :, None, :] * depth[:, None]
    index = np.moveaxis(volume.grid.to_index(points), -1, 0)
    values = ndimage.map_coordinates(
        volume.voxels, index, output=np.float32, order=1, mode="nearest"
    )
    inside = float(np.median(values[..., depth < 0.4 * radius_mm]))
    peak = _peaks(values, depth, radius_mm)
    height = np.take_along_axis(values, peak[..., None], axis=2)[..., 0]
    outside = _beyond(values, peak)
    excess = height - np.maximum(inside, outside)
    strut = excess > _STRUT_HU
    kept = _ringed(strut)
    if np.count_nonzero(kept) * _STATION_MM < _LEAST_MM:
        return None
    stretch = slice(int(np.argmax(kept)), len(kept) - int(np.argmax(kept[::-1])))
    surface = np.take_along_axis(points, peak[..., None, None], axis=2)[:, :, 0]
    on = excess[stretch]
    radius = np.median(depth[peak[stretch]], axis=1)
    slope = np.polyfit(np.arange(len(radius)) * _STATION_MM, radius, 1)[0]
    return Lattice(
        line_lps_mm=line[stretch],
        surface_lps_mm=surface[stretch],
        radius_mm=float(np.median(radius)),
        spread=float(abs(slope)),
        closed=float(_meshed(strut)[stretch].mean()),
        depth=_depth(on),
        texture=_texture(on),
        turns=_turns(on),
        bone=float(np.mean(_beyond(values, peak, np.mean)[stretch] > inside + _BONE_HU)),
        bright_hu=float(np.quantile(on, 0.9)),
        inside_hu=inside,
        width_mm=_width(values[stretch], peak[stretch], on),
    )


def _evened(line_lps_mm: FloatArray) -> FloatArray | None:
    """Smooth a line of middles and space it evenly; the outermost ones, drawn in, go."""
    inner = line_lps_mm[1:-1] if len(line_lps_mm) > 6 else line_lps_mm
    steps = np.linalg.norm(np.diff(inner, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(np.maximum(steps, 1e-3))])
    if len(inner) < 5:
        return None
    spline = make_smoothing_spline(along, inner, lam=8.0**4 / 3.0)
    # The room ends a little inside the stent: look beyond it.
    at = np.arange(-4.0, along[-1] + 4.0, _STATION_MM)
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


def _beyond(
    values: npt.NDArray[np.float32],
    peak: npt.NDArray[np.intp],
    level: Callable[..., FloatArray] = np.min,
) -> FloatArray:
    """Return (n, angles) the least, or another, level 2 to 4 mm outside the peak."""
    offset = np.arange(5, 11)
    at = np.clip(peak[..., None] + offset, 0, values.shape[2] - 1)
    beyond: FloatArray = level(np.take_along_axis(values, at, axis=2), axis=2)
    return beyond


def _meshed(strut: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    near: npt.NDArray[np.bool_] = ndimage.maximum_filter(
        strut.view(np.uint8), (_MESH_STATIONS, _MESH_ANGLES), mode=("nearest", "wrap")
    ).view(bool)
    return near


def _ringed(strut: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell (n,) the stations whose ring is closed by struts."""
    ringed: npt.NDArray[np.bool_] = _meshed(strut).mean(axis=1) >= _LEAST_CLOSED
    return ringed


def _depth(excess: FloatArray) -> float:
    """Return how far gaps lie below struts within a mesh, relative to the struts; the median."""
    window = {"size": (_MESH_STATIONS, _MESH_ANGLES), "mode": ("nearest", "wrap")}
    strut = ndimage.maximum_filter(excess, **window)
    gap = ndimage.minimum_filter(excess, **window)
    depth: float = float(np.median((strut - gap) / np.maximum(strut, 1.0)))
    return depth


def _texture(excess: FloatArray) -> float:
    """Return how much peaks differ from those around, relative to their mean."""
    smooth = ndimage.gaussian_filter(excess, (2.0, 3.0), mode=("nearest", "wrap"))
    return float(np.std(excess - smooth)) / max(float(np.mean(np.maximum(excess, 0.0))), 1.0)


def _turns(excess: FloatArray) -> float:
    """Return how often, around the ring, peaks pass from above their surroundings to below."""
    around = ndimage.gaussian_filter1d(excess, 6.0, axis=1, mode="wrap")
    above = excess > around
    return float(np.mean(np.count_nonzero(above & ~np.roll(above, -1, axis=1), axis=1)))


def _width(
    values: npt.NDArray[np.float32], peak: npt.NDArray[np.intp], excess: FloatArray
) -> float:
    """Return the full width at half maximum of the brightest quarter's mean profile."""
    bright = excess >= np.quantile(excess, 0.75)
    offset = np.arange(-12, 13)
    at = np.clip(peak[bright][:, None] + offset, 0, values.shape[2] - 1)
    mean = np.take_along_axis(values[bright], at, axis=1).mean(axis=0)
    sides = np.linspace(mean[:4].mean(), mean[-4:].mean(), len(mean))
    share = (mean - sides) / max(float(mean[12] - sides[12]), 1.0)
    return float(np.count_nonzero(share > 0.5)) * _SAMPLE_MM
