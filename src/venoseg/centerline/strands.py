"""The pieces a vein's labels fall into, and the rough course of each."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np

from venoseg.anatomy import BY_NAME
from venoseg.centerline.centering import COARSE_ROUNDS_MM, FINE_ROUNDS_MM, centre
from venoseg.centerline.duplicated import fed_apart, without_second
from venoseg.centerline.path import Lattice, farthest_from, lattice, nearest_to, path_between
from venoseg.centerline.regions import Region, contact, touching_mm
from venoseg.errors import MeasurementError
from venoseg.volume import FloatArray

# Pieces that lie beside one another over this share of the shorter one are not one vein in a row.
_BESIDE_SHARE = 0.4


@dataclass(frozen=True, slots=True, eq=False)
class Strand:
    """One connected piece of a chain, where it hangs in the tree, and its course so far.

    Attributes
    ----------
    region
        Its voxels.
    parent
        The vein that the first vessel drains into where the labels touch, else None.
    joins_lps_mm
        (3,) where it touches the parent, None where it does not.
    path_lps_mm
        (n, 3) its course, central end first.
    fed_apart
        Veins that drain into a second cava, which is not part of the region.
    """

    region: Region
    parent: str | None
    joins_lps_mm: FloatArray | None
    path_lps_mm: FloatArray
    fed_apart: tuple[str, ...] = ()


def pieces_of(region: Region) -> tuple[Region, ...]:
    """Return the connected pieces of a chain as regions, central first.

    Raises
    ------
    MeasurementError
        When pieces lie side by side: they cannot be one vein in a row.
    """
    if region.piece_count == 1:
        return (region,)
    pieces = [_piece(region, number + 1) for number in range(region.piece_count)]
    order = sorted(range(len(pieces)), key=lambda n: -_span_z_mm(pieces[n]).mean())
    for above, below in itertools.pairwise(order):
        upper, lower = _span_z_mm(pieces[above]), _span_z_mm(pieces[below])
        beside = min(upper[1], lower[1]) - max(upper[0], lower[0])
        if beside > _BESIDE_SHARE * min(np.ptp(upper), np.ptp(lower)):
            raise in_pieces(region)
    return tuple(pieces[n] for n in order)


def in_pieces(region: Region) -> MeasurementError:
    """Return the refusal of labels that are not one piece."""
    sizes = np.bincount(region.pieces.ravel())[1:]
    return MeasurementError(
        f"the labels fall into {region.piece_count} separate pieces "
        f"({', '.join(str(size) for size in sizes)} voxels)",
        where=", ".join(region.vessels),
        remedy="close the gap in the labels, lead through it with waypoints (--seeds), or remove "
        "the piece that is not this vein",
    )


def _piece(region: Region, number: int) -> Region:
    owner = np.where(region.pieces == number, region.owner, 0)
    present = [n for n in range(1, len(region.vessels) + 1) if (owner == n).any()]
    renumber = np.zeros(len(region.vessels) + 1, dtype=np.uint8)
    renumber[present] = np.arange(1, len(present) + 1)
    return replace(
        region,
        vessels=tuple(region.vessels[n - 1] for n in present),
        owner=renumber[owner],
        pieces=(owner > 0).astype(np.uint8),
    )


def _span_z_mm(region: Region) -> FloatArray:
    """Return the lowest and the highest z of a region."""
    z = region.grid.to_lps(np.argwhere(region.owner))[:, 2]
    return np.array([z.min(), z.max()])


def rough_strand(region: Region, regions: tuple[Region, ...], *, first: bool) -> Strand:
    """Find where a piece begins and ends, and roughly its course between.

    Parameters
    ----------
    region
        The piece.
    regions
        All pieces of all chains.
    first
        Whether it is the central piece of its chain, which may drain into another vein.
    """
    parent, joins = _parent(region, regions) if first else (None, None)
    graph = lattice(region, 1)
    if joins is not None:
        start = nearest_to(graph, joins)
        end = farthest_from(graph, start)
    else:
        places = _children_join(region, regions)
        apart = fed_apart(graph, places) if region.vessels[0] == "ivc" else ()
        if apart:
            return _one_of_two(region, graph, places, apart)
        fed_at = np.mean(list(places.values()), axis=0) if places else None
        end = farthest_from(graph, 0) if fed_at is None else nearest_to(graph, fed_at)
        start = farthest_from(graph, end)
        if fed_at is None and graph.points_lps_mm[start, 2] < graph.points_lps_mm[end, 2]:
            start, end = end, start
    rough = _trimmed(path_between(graph, start, end), float(graph.depth_mm.max()))
    return Strand(region, parent, joins, centre(region, rough, COARSE_ROUNDS_MM))


def _one_of_two(
    region: Region, graph: Lattice, places: dict[str, FloatArray], apart: tuple[str, ...]
) -> Strand:
    """Follow the cava that does not drain the veins named, and set the other one aside."""
    own = [place for name, place in places.items() if name not in apart]
    top = int(np.argmax(graph.points_lps_mm[:, 2]))
    rough = path_between(graph, top, nearest_to(graph, np.mean(own, axis=0)))
    kept = without_second(region, graph, rough, places[apart[0]], top)
    path = centre(kept, _trimmed(rough, float(graph.depth_mm.max())), COARSE_ROUNDS_MM)
    return Strand(kept, None, None, path, apart)


def settled_strand(
    strand: Strand, begin_lps_mm: FloatArray | None, end_lps_mm: FloatArray | None
) -> Strand:
    """Bring a strand's course exactly into its middle, and its ends to where they join."""
    region, path = strand.region, strand.path_lps_mm
    if end_lps_mm is not None:
        path = centre(region, path[::-1], FINE_ROUNDS_MM, end_lps_mm)[::-1]
    else:
        path = centre(region, path, FINE_ROUNDS_MM, begin_lps_mm)
    return replace(strand, path_lps_mm=path)


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


def _children_join(region: Region, regions: tuple[Region, ...]) -> dict[str, FloatArray]:
    """Return the places where other chains drain into this one, by their first vein."""
    return {
        child.vessels[0]: place
        for child in regions
        if set(region.vessels) & set(BY_NAME[child.vessels[0]].parents)
        and (place := contact(region, child, touching_mm(region.grid))) is not None
    }


def _trimmed(path: FloatArray, depth_mm: float) -> FloatArray:
    """Drop the ends of a path, which bend towards a corner of the labels."""
    from_start = np.linalg.norm(path - path[0], axis=1)
    from_end = np.linalg.norm(path - path[-1], axis=1)
    keep = (from_start > depth_mm) & (from_end > depth_mm)
    return path[keep] if keep.sum() >= 3 else path
