"""Looking for the lattice of a stent on rays from its middle line."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.segmentation.stents.fans import SAMPLE_MM, STATION_MM, Fans, evened, spaced_evenly
from venoseg.segmentation.stents.lattice import Lattice
from venoseg.volume import FloatArray, Volume

_ANGLES = 64

# A ray meets wire when its peak exceeds both sides by this much.
_STRUT_HU = 120.0

# Struts close the ring when none of its places is farther from one than the mesh of a stent.
_MESH_STATIONS, _MESH_ANGLES = 5, 9
_LEAST_CLOSED = 0.8

# A ring is flat when a circle of its size is so much wider than the ring typically is.
_FLAT = 1.15

# Bone shows a level so far above the inside on average 2 to 4 mm beyond the peak.
_BONE_HU = 130.0

# Peaks differ where they do by so many standard deviations of the noise.
_NOISES = 2.0

_LEAST_MM = 10.0


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
    line = evened(line_lps_mm)
    if line is None:
        return None
    turn = np.linspace(0.0, 2.0 * np.pi, _ANGLES, endpoint=False)
    rays = Fans.outwards(volume, line, np.tile(turn, (len(line), 1)), radius_mm)
    distance = rays.depth_mm[rays.peak]
    size = _radius(distance)
    if size > float(np.median(distance)):
        rays = Fans.outwards(volume, line, spaced_evenly(turn, distance), radius_mm)
    values, peak, depth = rays.values, rays.peak, rays.depth_mm
    inner = values[..., depth < 0.4 * radius_mm]
    inside = float(np.median(inner))
    height = np.take_along_axis(values, peak[..., None], axis=2)[..., 0].astype(np.float64)
    outside = _beyond(values, peak)
    excess = height - np.maximum(inside, outside)
    strut = excess > _STRUT_HU
    kept = _ringed(strut)
    if np.count_nonzero(kept) * STATION_MM < _LEAST_MM:
        return None
    stretch = slice(int(np.argmax(kept)), len(kept) - int(np.argmax(kept[::-1])))
    surface = np.take_along_axis(rays.points_lps_mm, peak[..., None, None], axis=2)[:, :, 0]
    on = excess[stretch]
    noise = _noise(inner)
    radius = np.median(depth[peak[stretch]], axis=1)
    slope = np.polyfit(np.arange(len(radius)) * STATION_MM, radius, 1)[0]
    return Lattice(
        line_lps_mm=line[stretch],
        surface_lps_mm=surface[stretch],
        radius_mm=_radius(distance[stretch]),
        spread=float(abs(slope)),
        closed=float(_meshed(strut)[stretch].mean()),
        open_mm=_longest(~kept[stretch]) * STATION_MM,
        depth=_depth(on),
        texture=_texture(on),
        turns=_turns(on),
        clear_turns=_turns(on, _NOISES * noise),
        ripple=_ripple(on) / max(float(np.mean(np.maximum(on, 0.0))), 1.0),
        noises=_ripple(on) / max(noise, 1.0),
        bone=float(np.mean(_beyond(values, peak, np.mean)[stretch] > inside + _BONE_HU)),
        bright_hu=float(np.quantile(on, 0.9)),
        inside_hu=inside,
        width_mm=_width(values[stretch], peak[stretch], on),
    )


def _radius(distance_mm: FloatArray) -> float:
    """Return the typical distance of the wires; of a flat ring the radius of a circle of its size.

    Most of a flat ring lies nearer to its middle than its tips do.
    """
    typical, of_size = float(np.median(distance_mm)), float(np.sqrt(np.mean(distance_mm**2)))
    return of_size if of_size > _FLAT * typical else typical


def _noise(inside: npt.NDArray[np.float32]) -> float:
    """Return the typical standard deviation inside a station: of noise, and of mixing."""
    within = inside.reshape(len(inside), -1)
    apart = np.abs(within - np.median(within, axis=1, keepdims=True))
    return float(np.median(apart)) * 1.4826


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


def _longest(chosen: npt.NDArray[np.bool_]) -> int:
    """Return how many stations in a row are chosen, at most."""
    labels, count = ndimage.label(chosen)
    return int(np.bincount(labels, minlength=count + 1)[1:].max(initial=0))


def _depth(excess: FloatArray) -> float:
    """Return how far gaps lie below struts within a mesh, relative to the struts; the median."""
    window = {"size": (_MESH_STATIONS, _MESH_ANGLES), "mode": ("nearest", "wrap")}
    strut = ndimage.maximum_filter(excess, **window)
    gap = ndimage.minimum_filter(excess, **window)
    depth: float = float(np.median((strut - gap) / np.maximum(strut, 1.0)))
    return depth


def _texture(excess: FloatArray) -> float:
    """Return how much peaks differ from those around, relative to their mean."""
    return float(np.std(_differences(excess))) / max(float(np.mean(np.maximum(excess, 0.0))), 1.0)


def _ripple(excess: FloatArray) -> float:
    """Return the standard deviation of peaks from those around, as the typical place shows it.

    The ends of a ring, where it begins, do not tell in it.
    """
    return float(np.median(np.abs(_differences(excess)))) * 1.4826


def _differences(excess: FloatArray) -> FloatArray:
    """Return by how much (n, angles) peaks differ from those around."""
    smooth: FloatArray = ndimage.gaussian_filter(excess, (2.0, 3.0), mode=("nearest", "wrap"))
    return excess - smooth


def _turns(excess: FloatArray, least_hu: float = 0.0) -> float:
    """Return how often, around the ring, peaks pass from above their surroundings to below.

    By more than ``least_hu`` either way: noise alone makes an even wall pass as often as wires do.
    """
    above = excess - ndimage.gaussian_filter1d(excess, 6.0, axis=1, mode="wrap")
    side = np.where(above > least_hu, 1, np.where(above < -least_hu, -1, 0))
    turns = 0
    for station in side:
        swings = station[station != 0]
        turns += int(np.count_nonzero((swings == 1) & (np.roll(swings, -1) == -1)))
    return turns / len(side)


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
    return float(np.count_nonzero(share > 0.5)) * SAMPLE_MM
