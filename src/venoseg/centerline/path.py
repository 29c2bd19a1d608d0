"""A first path through a vein: coarse, but never outside of it and never across a fold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage, sparse
from scipy.sparse.csgraph import dijkstra

from venoseg.centerline.regions import Region
from venoseg.errors import MeasurementError
from venoseg.volume import BoolArray, FloatArray

# Voxels are pooled to about this size: the path is recentred at full resolution afterwards.
_POOLED_MM = 2.2

# In the order of the nodes they lead to.
_NEIGHBOURS = np.array([step for step in np.ndindex(3, 3, 3) if step != (1, 1, 1)]) - 1


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
    links = _links(nodes, pooled.shape)
    first, which = np.nonzero(links >= 0)
    second = links[first, which]
    ends = np.concatenate([[0], np.cumsum((links >= 0).sum(axis=1))])
    points = region.grid.to_lps(nodes * factor + (factor - 1) / 2)
    length = _apart_mm(points, first, second)
    node_depth = depth[tuple(nodes.T)]
    dearness = (node_depth.max() / np.minimum(node_depth[first], node_depth[second])) ** 2
    return Lattice(
        points,
        node_depth,
        *(sparse.csr_array((w, second, ends)) for w in (length, length * dearness)),
    )


def _apart_mm(
    points: FloatArray, first: npt.NDArray[np.integer], second: npt.NDArray[np.integer]
) -> FloatArray:
    """Return (k,) distances of pairs of (n, 3) points."""
    squared = np.zeros(len(first))
    # NumPy is slow at rows of three.
    for at in np.ascontiguousarray(points.T):
        squared += (at.take(first) - at.take(second)) ** 2
    return np.sqrt(squared)


def _links(nodes: npt.NDArray[np.intp], shape: tuple[int, ...]) -> npt.NDArray[np.int32]:
    """Return (n, 26) the numbers of the neighbours of (n, 3) voxels among them; -1 for none."""
    number = np.full(np.array(shape) + 2, -1, dtype=np.int32)
    places = np.ravel_multi_index(tuple((nodes + 1).T), number.shape)
    number.ravel()[places] = np.arange(len(nodes))
    steps = _NEIGHBOURS @ (np.array(number.strides) // number.itemsize)
    links: npt.NDArray[np.int32] = number.ravel()[places[:, None] + steps]
    return links


def farthest_from(graph: Lattice, start: int) -> int:
    """Return the node that is the longest way from ``start``."""
    distance = dijkstra(graph.length_graph, indices=start)
    return int(np.argmax(np.where(np.isfinite(distance), distance, -1.0)))


def nearest_to(graph: Lattice, point_lps_mm: FloatArray) -> int:
    """Return the node nearest to a point."""
    return int(np.argmin(np.linalg.norm(graph.points_lps_mm - point_lps_mm, axis=1)))


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
    pooled = np.pad(mask, [(0, -size % f) for size, f in zip(mask.shape, factor, strict=True)])
    for axis, size in enumerate(factor):
        along = np.moveaxis(pooled, axis, 0)
        joined = along[::size].copy()
        for n in range(1, size):
            joined |= along[n::size]
        pooled = np.moveaxis(joined, 0, axis)
    return pooled
