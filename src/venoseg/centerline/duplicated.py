"""A cava on each side: telling the one that is measured from the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from venoseg.anatomy import BY_NAME
from venoseg.centerline.path import Lattice, nearest_to, path_between
from venoseg.centerline.regions import Region
from venoseg.volume import FloatArray

# The iliac veins of two cavas join far apart: the way through the labels from one place to the
# other is this long, and this many times the direct way.
_APART_MM = 60.0
_DETOUR = 2.0

FLAG = "duplicated_ivc"


def fed_apart(graph: Lattice, places: Mapping[str, FloatArray]) -> tuple[str, ...]:
    """Return the veins that drain into a second cava; none where there is but one.

    The first is the one that the right iliac veins drain into, as in most people who have one.

    Parameters
    ----------
    graph
        The cava's labels.
    places
        Where each vein drains into them.
    """
    right = next((name for name in places if BY_NAME[name].side == "right"), None)
    if right is None:
        return ()
    start = nearest_to(graph, places[right])
    distance = dijkstra(graph.length_graph, indices=start)
    apart = []
    for name, place in places.items():
        through = float(distance[nearest_to(graph, place)])
        direct = float(np.linalg.norm(place - places[right]))
        if np.isfinite(through) and through > max(_APART_MM, _DETOUR * direct):
            apart.append(name)
    return tuple(apart)


def without_second(
    region: Region, graph: Lattice, path_lps_mm: FloatArray, fed_at: FloatArray, top: int
) -> Region:
    """Return the labels of the cava along a path; those of the other one count as another vein.

    Parameters
    ----------
    region, graph
        The labels of both.
    path_lps_mm
        (n, 3) the course of the one that is kept.
    fed_at
        (3,) where a vein drains into the other one.
    top
        The node of the graph where both have become one.
    """
    other = path_between(graph, nearest_to(graph, fed_at), top)
    kept = cKDTree(path_lps_mm)
    away = kept.query(other)[0]
    radius = graph.depth_mm[cKDTree(graph.points_lps_mm).query(path_lps_mm)[1]]
    joined = np.flatnonzero(away < 2.0 * float(np.median(radius)))
    other = other[: int(joined[0])] if len(joined) else other
    if len(other) == 0:
        return region
    voxels = np.argwhere(region.owner)
    points = region.grid.to_lps(voxels)
    second = voxels[cKDTree(other).query(points)[0] < kept.query(points)[0]]
    owner, foreign, pieces = region.owner.copy(), region.foreign.copy(), region.pieces.copy()
    where = tuple(second.T)
    owner[where], foreign[where], pieces[where] = 0, True, 0
    return replace(region, owner=owner, foreign=foreign, pieces=pieces, flags=(*region.flags, FLAG))
