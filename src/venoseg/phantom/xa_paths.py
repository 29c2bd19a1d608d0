"""How far each ray runs through vessels, wires and the rest of the patient."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from venoseg.phantom.body import Shape, bounded_distance
from venoseg.phantom.filaments import Filaments
from venoseg.phantom.tube import Tube
from venoseg.phantom.xa_geometry import Carm
from venoseg.volume import FloatArray, Volume

Image = npt.NDArray[np.float64]

WATER_PER_MM = 0.0195
"""Attenuation of water at the effective energy of about 70 kVp."""

_PIECE_MM = 12.0
_RAYS_AT_ONCE = 4000


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """Lengths of rays inside a tube, piece by piece.

    Attributes
    ----------
    pixels
        (n,) flat indices into the image.
    positions_mm
        (n,) arc lengths on the tube.
    lengths_mm
        (n,) how far the ray runs through that piece.
    """

    pixels: npt.NDArray[np.int64]
    positions_mm: FloatArray
    lengths_mm: FloatArray


def tube_paths(tube: Tube, carm: Carm, deeper: tuple[Shape, ...] = ()) -> Paths:
    """Trace all rays through a tube.

    Parameters
    ----------
    tube
        The vessel.
    carm
        The geometry.
    deeper
        Other vessels; a point that lies deeper in one of them is not counted here, so that the
        lumen where vessels join counts once.
    """
    step = float(
        np.clip(min(tube.profile.first_mm.min(), tube.profile.second_mm.min()) / 8, 0.125, 0.5)
    )
    found = [
        part
        for start in np.arange(0.0, tube.curve.length_mm, _PIECE_MM)
        for part in _piece_paths(tube, carm, float(start), step, deeper)
    ]
    if not found:
        return Paths(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    return Paths(
        np.concatenate([part.pixels for part in found]),
        np.concatenate([part.positions_mm for part in found]),
        np.concatenate([part.lengths_mm for part in found]),
    )


def _piece_paths(
    tube: Tube, carm: Carm, start_mm: float, step_mm: float, deeper: tuple[Shape, ...]
) -> Iterator[Paths]:
    stop = min(start_mm + _PIECE_MM, tube.curve.length_mm)
    axis = tube.curve.at(np.arange(start_mm, stop + 1.0, 1.0))
    columns, rows = _pixels_near(axis, tube.widest_mm + 1.0, carm)
    depth = carm.depth(axis)
    margin = tube.widest_mm + 1.0
    levels = np.arange(depth.min() - margin, depth.max() + margin, step_mm)
    first = start_mm if start_mm > 0 else -np.inf
    last = stop if stop < tube.curve.length_mm - 1e-9 else np.inf
    for begin in range(0, len(columns), _RAYS_AT_ONCE):
        part = slice(begin, begin + _RAYS_AT_ONCE)
        rays = carm.rays(columns[part].astype(float), rows[part].astype(float))
        flat = rows[part] * carm.columns + columns[part]
        yield _traced(tube, carm, rays, flat, levels, (first, last), deeper)


def _pixels_near(
    points_lps_mm: FloatArray, radius_mm: float, carm: Carm
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    from scipy.spatial import cKDTree

    centres = carm.project(points_lps_mm)
    reach = float((carm.magnification(points_lps_mm) * radius_mm / carm.pixel_mm).max()) + 1.5
    low = np.maximum(np.floor(centres.min(axis=0) - reach), 0).astype(int)
    high = np.minimum(np.ceil(centres.max(axis=0) + reach) + 1, (carm.columns, carm.rows)).astype(
        int
    )
    if (high <= low).any():
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    columns, rows = np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1]))
    near = cKDTree(centres).query(np.stack([columns, rows], axis=-1))[0] <= reach
    return columns[near], rows[near]


def _traced(
    tube: Tube,
    carm: Carm,
    rays: FloatArray,
    flat: npt.NDArray[np.int64],
    levels: FloatArray,
    piece: tuple[float, float],
    deeper: tuple[Shape, ...],
) -> Paths:
    points = carm.source_lps_mm + levels[None, :, None] * rays[:, None, :]
    stride = np.linalg.norm(rays, axis=1)[:, None] * (levels[1] - levels[0])
    distance, position = tube.locate(points.reshape(-1, 3))
    share = _share_inside(distance.reshape(stride.shape[0], -1))
    own = (position >= piece[0]) & (position < piece[1])
    length = (share * stride).ravel() * own
    kept = np.flatnonzero(length)
    inside = points.reshape(-1, 3)[kept]
    for other in deeper:
        hidden = bounded_distance(other, inside) < distance[kept]
        kept, inside = kept[~hidden], inside[~hidden]
    rays_kept = kept // len(levels)
    # One entry a ray and millimetre of the tube keeps the list short.
    slot = np.floor(position[kept]).astype(np.int64)
    keys, where = np.unique(rays_kept * 100_000 + slot + 1000, return_inverse=True)
    lengths = np.bincount(where, length[kept], minlength=len(keys)).astype(np.float64)
    slots = (keys % 100_000 - 1000).astype(np.float64) + 0.5
    return Paths(flat[keys // 100_000], slots, lengths)


def _share_inside(distance: FloatArray) -> FloatArray:
    """Return (rays, levels) which part of the step around each level lies inside.

    The surface is crossed where the signed distance, linear between levels, is zero. The distance
    itself, over the step, would make a ray that only grazes the vessel run partly inside it.
    """
    halfway = (distance[:, 1:] + distance[:, :-1]) / 2
    behind = np.concatenate([halfway, distance[:, -1:]], axis=1)
    before = np.concatenate([distance[:, :1], halfway], axis=1)
    share: FloatArray = (_inside(distance, behind) + _inside(distance, before)) / 2
    return share


def _inside(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return which part of the way from one signed distance to another is negative."""
    deep = np.maximum(-first, 0.0) + np.maximum(-second, 0.0)
    part: FloatArray = deep / np.maximum(np.abs(first) + np.abs(second), 1e-12)
    return part


def wire_image(wires: Filaments, carm: Carm) -> Image:
    """Return the (rows, columns) lengths in mm that rays run through wires."""
    place = np.rint(carm.project(wires.points_lps_mm)).astype(np.int64)
    inside = ((place >= 0) & (place < (carm.columns, carm.rows))).all(axis=1)
    pixel_area = (carm.pixel_mm / carm.magnification(wires.points_lps_mm[inside])) ** 2
    flat = place[inside, 1] * carm.columns + place[inside, 0]
    lengths = wires.volumes_mm3[inside] / pixel_area
    total = np.bincount(flat, lengths, minlength=carm.rows * carm.columns)
    return total.reshape(carm.rows, carm.columns).astype(np.float64)


def volume_image(body: Volume, carm: Carm, shrink: int = 2, step_mm: float = 2.0) -> Image:
    """Return the (rows, columns) attenuation of a CT volume, traced on a coarser image."""
    from scipy.ndimage import map_coordinates, zoom

    rows, columns = -(-carm.rows // shrink), -(-carm.columns // shrink)
    column, row = np.meshgrid(np.arange(columns), np.arange(rows))
    centres = (np.stack([column, row]).reshape(2, -1) + 0.5) * shrink - 0.5
    rays = carm.rays(*centres.astype(np.float64))
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in body.grid.shape])).reshape(3, -1).T
    depth = carm.depth(body.grid.to_lps(corners))
    per_mm = WATER_PER_MM * np.maximum(1.0 + body.voxels.astype(np.float32) / 1000.0, 0.0)
    total = np.zeros(len(rays))
    for level in np.arange(depth.min(), depth.max(), step_mm):
        index = body.grid.to_index(carm.source_lps_mm + level * rays).T
        total += map_coordinates(per_mm, index, order=1, mode="constant", output=np.float64)
    total *= step_mm * np.linalg.norm(rays, axis=1)
    full = zoom(total.reshape(rows, columns), shrink, order=1, mode="nearest", grid_mode=True)
    image: Image = full[: carm.rows, : carm.columns]
    return image
