"""From labels to the tree of centerlines."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from venoseg.anatomy import BY_NAME
from venoseg.centerline.centering import (
    COARSE_ROUNDS_MM,
    FINE_ROUNDS_MM,
    centre,
    half_width_mm,
)
from venoseg.centerline.curve import curve_through
from venoseg.centerline.path import farthest_from, lattice, nearest_to, path_between
from venoseg.centerline.regions import Region, contact, touching_mm, vein_regions
from venoseg.centerline.tree import Branch, EndKind, VesselTree
from venoseg.errors import MeasurementError
from venoseg.segmentation import Segmentation
from venoseg.volume import FloatArray

# Over this length next to a junction a vein is taken to run straight towards it.
_STRAIGHT_MM = 12.0

DEFAULT_STEP_MM = 1.0

# Chains are traced side by side; NumPy and SciPy let go of the interpreter where it matters.
_THREADS = 2


@dataclass(frozen=True, slots=True, eq=False)
class _Chain:
    """A region, where it hangs in the tree, and its course so far.

    Attributes
    ----------
    region
        The voxels.
    parent
        The vein that the first vessel drains into, None for a root.
    joins_lps_mm
        (3,) where it touches the parent, None for a root.
    path_lps_mm
        (n, 3) its course, central end first.
    """

    region: Region
    parent: str | None
    joins_lps_mm: FloatArray | None
    path_lps_mm: FloatArray


def trace(segmentation: Segmentation, *, step_mm: float = DEFAULT_STEP_MM) -> VesselTree:
    """Trace the centerlines of labelled veins.

    Each chain of veins that is one tube (common iliac, external iliac, common femoral) is traced
    as one smooth curve through the middles of its sections and divided where the labels change.

    Parameters
    ----------
    segmentation
        The labels.
    step_mm
        Distance of the stations along each vein.

    Returns
    -------
    VesselTree
        One branch for each vein that has enough labels, parents before children.

    Raises
    ------
    LabelError
        When no vein has enough voxels.
    MeasurementError
        When a vein is cut into pieces or too short to have a direction.
    """
    regions, too_small = vein_regions(segmentation)
    for region in regions:
        _refuse_pieces(region)
    with ThreadPoolExecutor(_THREADS) as pool:
        coarse = list(pool.map(lambda region: _coarse(region, regions), regions))
        begins, confluence = _junctions(coarse)
        fine = pool.map(lambda c: _fine(c, begins.get(c.region.vessels[0]), confluence), coarse)
        branches = [b for chain in fine for b in _divided(chain, segmentation, step_mm, confluence)]
    return VesselTree(tuple(branches), segmentation.grid, confluence, too_small)


def _refuse_pieces(region: Region) -> None:
    if region.piece_count > 1:
        sizes = np.bincount(region.pieces.ravel())[1:]
        raise MeasurementError(
            f"the labels fall into {region.piece_count} separate pieces "
            f"({', '.join(str(size) for size in sizes)} voxels)",
            where=", ".join(region.vessels),
            remedy="close the gap in the labels, or remove the piece that is not this vein",
        )


def _coarse(region: Region, regions: tuple[Region, ...]) -> _Chain:
    """Find where a chain begins and ends, and roughly its course between."""
    parent, joins = _parent(region, regions)
    graph = lattice(region, 1)
    if joins is not None:
        start = nearest_to(graph, joins)
        end = farthest_from(graph, start)
    else:
        fed_at = _children_join(region, regions)
        end = farthest_from(graph, 0) if fed_at is None else nearest_to(graph, fed_at)
        start = farthest_from(graph, end)
        if fed_at is None and graph.points_lps_mm[start, 2] < graph.points_lps_mm[end, 2]:
            start, end = end, start
    rough = _trimmed(path_between(graph, start, end), float(graph.depth_mm.max()))
    return _Chain(region, parent, joins, centre(region, rough, COARSE_ROUNDS_MM))


def _fine(chain: _Chain, begin: FloatArray | None, confluence: FloatArray | None) -> _Chain:
    """Bring a chain's course exactly into its middle, and its end to where it joins."""
    region, path = chain.region, chain.path_lps_mm
    if chain.region.vessels[0] == "ivc" and confluence is not None:
        path = centre(region, path[::-1], FINE_ROUNDS_MM, confluence)[::-1]
    else:
        path = centre(region, path, FINE_ROUNDS_MM, begin)
    return replace(chain, path_lps_mm=path)


def _parent(region: Region, regions: tuple[Region, ...]) -> tuple[str | None, FloatArray | None]:
    """Return the vein a chain drains into and the place where they touch."""
    for parent in BY_NAME[region.vessels[0]].parents:
        for other in regions:
            if other is not region and parent in other.vessels:
                place = contact(other, region, touching_mm(region.grid))
                if place is not None:
                    return parent, place
    return _beside_sibling(region, regions)


def _beside_sibling(
    region: Region, regions: tuple[Region, ...]
) -> tuple[str | None, FloatArray | None]:
    """Return the vein a chain drains into together with one that it touches.

    Labels often let one iliac vein begin beside the other, apart from the inferior vena cava.
    """
    for parent in BY_NAME[region.vessels[0]].parents:
        siblings = [
            other
            for other in regions
            if other is not region and parent in BY_NAME[other.vessels[0]].parents
        ]
        for trunk in (other for other in regions if parent in other.vessels):
            for sibling in siblings:
                place = contact(sibling, region, touching_mm(region.grid))
                if (
                    place is not None
                    and contact(trunk, sibling, touching_mm(sibling.grid)) is not None
                ):
                    return parent, place
    return None, None


def _children_join(region: Region, regions: tuple[Region, ...]) -> FloatArray | None:
    """Return the middle of the places where other chains drain into this one."""
    places = [
        place
        for child in regions
        if set(region.vessels) & set(BY_NAME[child.vessels[0]].parents)
        and (place := contact(region, child, touching_mm(region.grid))) is not None
    ]
    if not places:
        return None
    middle: FloatArray = np.mean(places, axis=0)
    return middle


def _trimmed(path: FloatArray, depth_mm: float) -> FloatArray:
    """Drop the ends of a path, which bend towards a corner of the labels."""
    from_start = np.linalg.norm(path - path[0], axis=1)
    from_end = np.linalg.norm(path - path[-1], axis=1)
    keep = (from_start > depth_mm) & (from_end > depth_mm)
    return path[keep] if keep.sum() >= 3 else path


def _junctions(
    chains: list[_Chain],
) -> tuple[dict[str, FloatArray], FloatArray | None]:
    """Find where each chain begins on the vein it drains into, and the confluence."""
    root = next((c for c in chains if c.region.vessels[0] == "ivc"), None)
    feeding = [c for c in chains if c.parent == "ivc"]
    begins: dict[str, FloatArray] = {}
    confluence = None
    if root is not None and feeding:
        confluence = _meeting_point(root, feeding)
        begins = {c.region.vessels[0]: confluence for c in feeding}
    for chain in chains:
        if chain.parent not in (None, "ivc"):
            trunk = next(c for c in chains if chain.parent in c.region.vessels)
            begin = _where_line_meets(trunk.path_lps_mm, *_line(chain.path_lps_mm))
            begins[chain.region.vessels[0]] = begin
    return begins, confluence


def _meeting_point(root: _Chain, feeding: list[_Chain]) -> FloatArray:
    """Return the point nearest to the straight continuations of all veins at the confluence."""
    lines = [_line(root.path_lps_mm[::-1]), *(_line(c.path_lps_mm) for c in feeding)]
    touching = np.mean([c.joins_lps_mm for c in feeding if c.joins_lps_mm is not None], axis=0)
    normal, target = np.zeros((3, 3)), np.zeros(3)
    for point, direction in lines:
        across = np.eye(3) - np.outer(direction, direction)
        normal += across
        target += across @ point
    meeting = np.linalg.solve(normal + 1e-9 * np.eye(3), target)
    widest = max(half_width_mm(c.region, c.path_lps_mm) for c in (root, *feeding))
    astray = np.linalg.norm(meeting - touching) > 2.0 * widest
    return np.asarray(touching if astray else meeting, dtype=np.float64)


def _line(path: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Fit a straight line to the beginning of a path: a point on it and its direction."""
    near = path[np.linalg.norm(path - path[0], axis=1) <= _STRAIGHT_MM]
    if len(near) < 3:
        near = path[:3]
    middle = near.mean(axis=0)
    direction = np.linalg.svd(near - middle)[2][0]
    return middle, direction * np.sign(direction @ (near[-1] - near[0]))


def _where_line_meets(path: FloatArray, point: FloatArray, direction: FloatArray) -> FloatArray:
    """Return the point of a path nearest to a line."""
    offset = path - point
    away = offset - np.outer(offset @ direction, direction)
    nearest: FloatArray = path[int(np.argmin(np.linalg.norm(away, axis=1)))]
    return nearest


def _divided(
    chain: _Chain, segmentation: Segmentation, step_mm: float, confluence: FloatArray | None
) -> list[Branch]:
    """Cut a chain's course into its veins where the labels change."""
    region, path = chain.region, chain.path_lps_mm
    half_width = half_width_mm(region, path)
    cuts = [0, *_changes(region, path), len(path) - 1]
    parents = [chain.parent, *region.vessels]
    branches = []
    for n, vessel in enumerate(region.vessels):
        goes_on = n < len(region.vessels) - 1 or (vessel == "ivc" and confluence is not None)
        part = path[cuts[n] : cuts[n + 1] + 1]
        branches.append(
            Branch(
                vessel=vessel,
                parent=parents[n],
                curve=curve_through(part, step_mm),
                central_end=_end_kind(part[0], n > 0 or parents[n] is not None, segmentation),
                peripheral_end=_end_kind(part[-1], goes_on, segmentation),
                half_width_mm=half_width,
                region=region,
                flags=region.flags,
            )
        )
    return branches


def _changes(region: Region, path: FloatArray) -> list[int]:
    """Return the points of a path where one vein of the chain gives way to the next.

    Half of the way between the last voxels of the one and the first of the other: labels may be
    divided by a plane askew to the vein, or leave a gap.
    """
    voxels = np.argwhere(region.owner)
    owner = region.owner[tuple(voxels.T)]
    nearest = cKDTree(path).query(region.grid.to_lps(voxels))[1]
    changes: list[int] = []
    for number in range(1, len(region.vessels)):
        last = np.quantile(nearest[owner == number], 0.99)
        first = np.quantile(nearest[owner == number + 1], 0.01)
        least = changes[-1] + 1 if changes else 1
        most = len(path) - 1 - (len(region.vessels) - number)
        changes.append(int(np.clip(round((last + first) / 2.0), least, max(least, most))))
    return changes


def _end_kind(end_lps_mm: FloatArray, joins: bool, segmentation: Segmentation) -> EndKind:
    """Say how a vein ends."""
    if joins:
        return "junction"
    index = segmentation.grid.to_index(end_lps_mm)
    margin = np.minimum(index, np.array(segmentation.grid.shape) - 1 - index)
    return "open" if margin.min() < 1.5 else "closed"
