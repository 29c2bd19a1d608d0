"""A first path through a vein: coarse, but never outside of it and never across a fold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage, sparse
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from venoseg.centerline.regions import Region
from venoseg.errors import MeasurementError
from venoseg.volume import BoolArray, FloatArray

# Voxels are pooled to about this size: the path is recentred at full resolution afterwards.
_POOLED_MM = 2.2

_NEIGHBOURS = np.array(
    [(a, b, c) for a in (-1, 0, 1) for b in (-1, 0, 1) for c in (-1, 0, 1) if (a, b, c) > (0, 0, 0)]
)


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """One piece of a vein as a graph of pooled voxels.

    Attributes
    ----------
    points_lps_mm
        (n, 3) centres of the nodes.
    depth_mm
        (n,) distance of each node to the outside.
    length_graph, centred_graph
        Sparse (n, n): the distance between neighbours in mm, and the same made dear near the wall.
    """

    points_lps_mm: FloatArray
    depth_mm: FloatArray
    length_graph: sparse.csr_array
    centred_graph: sparse.csr_array


def lattice(region: Region, piece: int) -> Lattice:
    """Build the graph of one connected piece of a region."""
    spacing = region.grid.spacing_mm
    factor = np.maximum(1, np.round(_POOLED_MM / spacing)).astype(int)
    pooled = _pooled(region.pieces == piece, factor)
    depth = ndimage.distance_transform_edt(np.pad(pooled, 1), sampling=spacing * factor)
    depth = depth[1:-1, 1:-1, 1:-1]
    nodes = np.argwhere(pooled)
    number = np.full(np.array(pooled.shape) + 2, -1, dtype=np.int64)
    number[tuple((nodes + 1).T)] = np.arange(len(nodes))
    points = region.grid.to_lps(nodes * factor + (factor - 1) / 2)
    start, end = [], []
    for offset in _NEIGHBOURS:
        other = number[tuple((nodes + 1 + offset).T)]
        linked = np.flatnonzero(other >= 0)
        start.append(linked)
        end.append(other[linked])
    first, second = np.concatenate(start), np.concatenate(end)
    length = np.linalg.norm(points[first] - points[second], axis=1)
    node_depth = depth[tuple(nodes.T)]
    dearness = (node_depth.max() / np.minimum(node_depth[first], node_depth[second])) ** 2
    return Lattice(
        points,
        node_depth,
        _symmetric(first, second, length, len(nodes)),
        _symmetric(first, second, length * dearness, len(nodes)),
    )


def farthest_from(graph: Lattice, start: int) -> int:
    """Return the node that is the longest way from ``start``."""
    distance = dijkstra(graph.length_graph, indices=start)
    return int(np.argmax(np.where(np.isfinite(distance), distance, -1.0)))


def nearest_to(graph: Lattice, point_lps_mm: FloatArray) -> int:
    """Return the node nearest to a point."""
    return int(cKDTree(graph.points_lps_mm).query(point_lps_mm)[1])


def path_between(graph: Lattice, start: int, end: int) -> FloatArray:
    """Return (n, 3) LPS points on the way from one node to another that keeps off the wall.

    Raises
    ------
    MeasurementError
        When there is no way.
    """
    distance, previous = dijkstra(graph.centred_graph, indices=start, return_predecessors=True)
    if not np.isfinite(distance[end]):
        raise MeasurementError("no way leads through the labels from one end to the other")
    nodes = [end]
    while nodes[-1] != start:
        nodes.append(int(previous[nodes[-1]]))
    return graph.points_lps_mm[nodes[::-1]]


def _pooled(mask: BoolArray, factor: npt.NDArray[np.int64]) -> BoolArray:
    """Join blocks of voxels; a block with any voxel inside is inside, so nothing falls apart."""
    padded = np.pad(mask, [(0, -size % f) for size, f in zip(mask.shape, factor, strict=True)])
    for axis, size in enumerate(factor):
        shape = (*padded.shape[:axis], -1, size, *padded.shape[axis + 1 :])
        padded = np.asarray(padded.reshape(shape).any(axis=axis + 1))
    return padded


def _symmetric(
    first: npt.NDArray[np.int64],
    second: npt.NDArray[np.int64],
    weight: FloatArray,
    count: int,
) -> sparse.csr_array:
    rows, columns = np.concatenate([first, second]), np.concatenate([second, first])
    return sparse.csr_array((np.concatenate([weight, weight]), (rows, columns)), (count, count))
