"""Hollow tubes in a mask: the room that a wall closes off, and the line through its middle."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from venoseg.volume import BoolArray, FloatArray, Grid

# The room of a vein's stent in a section, square millimetres: 5 to 36 mm wide, cut askew.
_LEAST_AREA_MM2, _MOST_AREA_MM2 = 3.0, 1200.0

# A tube shorter than this is not told from a loop of bowel contrast or a ring of calcium.
LEAST_LENGTH_MM = 12.0

# Thickness of the slices of equal distance along a tube.
_STEP_MM = 3.0

# A side room that stays smaller than this share of the largest is a leak, not a branch.
_BRANCH_SHARE = 0.25

# A line leads on from another where they do not turn by more than this (cosine).
_ONWARDS = 0.5

_ALL_AROUND = ndimage.generate_binary_structure(3, 3)


def rooms_within(wall: BoolArray, grid: Grid) -> BoolArray:
    """Return the voxels that the wall encloses in a slice, row plane or column plane.

    A tube is open at its ends but closed in the sections across it; one of the three planes of the
    grid always cuts it steeply enough.
    """
    inside = np.zeros_like(wall)
    spacing = grid.spacing_mm
    for axis in range(3):
        area = float(np.prod(np.delete(spacing, axis)))
        inside |= _holes(wall, axis, _LEAST_AREA_MM2 / area, _MOST_AREA_MM2 / area)
    return inside


def _holes(wall: BoolArray, axis: int, least: float, most: float) -> BoolArray:
    in_plane = ndimage.generate_binary_structure(2, 1)
    structure = np.zeros((3, 3, 3), dtype=bool)
    structure[tuple(slice(1, 2) if n == axis else slice(None) for n in range(3))] = np.expand_dims(
        in_plane, axis
    )
    labels, count = ndimage.label(~wall, structure=structure)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    keep = (sizes >= least) & (sizes <= most)
    keep[0] = False
    for other in range(3):
        if other != axis:
            for end in (0, -1):
                keep[np.unique(labels.take(end, axis=other))] = False
    result: BoolArray = keep[labels]
    return result


def middle_lines(room: BoolArray, grid: Grid) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield for every unbranched tube of a mask its middle line and radius.

    Yields
    ------
    tuple
        (n, 3) LPS mm, about 3 mm apart, and (n,) the radius of a circle of the section's size.
    """
    labels, _ = ndimage.label(room, structure=_ALL_AROUND)
    least = np.pi * 1.0**2 * LEAST_LENGTH_MM / grid.voxel_volume_mm3
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        part = np.pad(labels[box] == number, 1)
        if np.count_nonzero(part) < least:
            continue
        start = np.array([s.start - 1 for s in box])
        for chain in _chains(part, grid):
            index = np.array([node[0] for node in chain]) + start
            if len(chain) * _STEP_MM >= LEAST_LENGTH_MM:
                yield grid.to_lps(index), np.array([node[1] for node in chain])


def end_to_end(one: FloatArray, other: FloatArray, within_mm: float) -> FloatArray | None:
    """Put two lines together at the ends that face each other.

    Parameters
    ----------
    one, other
        (n, 3) and (m, 3) LPS mm.
    within_mm
        How far apart these ends may lie.

    Returns
    -------
    (n + m, 3) or None
        None where they lie farther apart, or where one does not lead on from the other.
    """
    pairs = [(a, b) for a in (one, one[::-1]) for b in (other, other[::-1])]
    first, second = min(pairs, key=lambda pair: float(np.linalg.norm(pair[1][0] - pair[0][-1])))
    if np.linalg.norm(second[0] - first[-1]) > within_mm:
        return None
    before, after = first[-1] - first[0], second[-1] - second[0]
    # What lies side by side turns back.
    if before @ after < _ONWARDS * np.linalg.norm(before) * np.linalg.norm(after):
        return None
    ahead = (second - first[-1]) @ before > 0.0
    return np.concatenate([first, second[ahead]])


_Node = tuple[FloatArray, float]


def _chains(part: BoolArray, grid: Grid) -> list[list[_Node]]:
    """Cut a component into slices of equal distance from one end; follow them where they split."""
    distance = _distance_along(part, grid)
    level = np.where(part, np.floor(distance / _STEP_MM), -1).astype(np.int64)
    slabs, parent = _slabs(level, grid)
    children: dict[int, list[int]] = {}
    for node, above in parent.items():
        children.setdefault(above, []).append(node)
    # A branch begins as a sliver where it leaves: it is as large as it becomes farther on.
    becomes = {node: radius for node, (_, radius) in slabs.items()}
    for node in reversed(slabs):
        if node in parent:
            becomes[parent[node]] = max(becomes[parent[node]], becomes[node])
    open_ends = [node for node in slabs if parent.get(node) is None]
    chains: list[list[_Node]] = []
    while open_ends:
        chain = [open_ends.pop()]
        while True:
            below = children.get(chain[-1], [])
            largest = max((slabs[n][1] for n in below), default=0.0)
            below = [n for n in below if becomes[n] ** 2 >= _BRANCH_SHARE * largest**2]
            if len(below) != 1:
                open_ends += below
                break
            chain.append(below[0])
        chains.append([slabs[node] for node in chain])
    return chains


def _distance_along(part: BoolArray, grid: Grid) -> FloatArray:
    """Return the geodesic distance from the end of a component farthest from some voxel."""
    voxels = np.argwhere(part)
    number = np.full(part.shape, -1, dtype=np.int64)
    number[part] = np.arange(len(voxels))
    rows, columns, lengths = [], [], []
    for offset in np.argwhere(_ALL_AROUND)[14:] - 1:
        # The component is padded: a neighbour never lies outside the array.
        beside = number[tuple((voxels + offset).T)]
        linked = np.flatnonzero(beside >= 0)
        rows.append(linked)
        columns.append(beside[linked])
        lengths.append(np.full(len(linked), np.linalg.norm(offset * grid.spacing_mm)))
    size = len(voxels)
    links = coo_array(
        (np.concatenate(lengths), (np.concatenate(rows), np.concatenate(columns))), (size, size)
    ).tocsr()
    start = 0
    for _ in range(2):
        along = dijkstra(links, directed=False, indices=start)
        start = int(np.argmax(np.where(np.isfinite(along), along, -1.0)))
    distance = np.zeros(part.shape)
    distance[part] = along
    return distance


def _slabs(level: npt.NDArray[np.int64], grid: Grid) -> tuple[dict[int, _Node], dict[int, int]]:
    """Return the connected parts of every level: middle and radius, and which precedes which."""
    node_of = np.zeros(level.shape, dtype=np.int64)
    slabs: dict[int, _Node] = {}
    parent: dict[int, int] = {}
    for value, tight in enumerate(ndimage.find_objects(level + 1)):
        if tight is None:
            continue
        # The component is padded, so that a margin of one voxel stays within the array.
        box = tuple(slice(s.start - 1, s.stop + 1) for s in tight)
        labels, count = ndimage.label(level[box] == value, structure=_ALL_AROUND)
        before = (level[box] == value - 1) & (value > 0)
        corner = np.array([s.start for s in box])
        for number in range(1, count + 1):
            mask = labels == number
            voxels = np.argwhere(mask)
            volume = len(voxels) * grid.voxel_volume_mm3
            name = len(slabs) + 1
            slabs[name] = voxels.mean(axis=0) + corner, float(np.sqrt(volume / _STEP_MM / np.pi))
            touching = ndimage.binary_dilation(mask, _ALL_AROUND) & before
            if touching.any():
                parent[name] = int(np.bincount(node_of[box][touching]).argmax())
            node_of[box][mask] = name
    return slabs, parent
