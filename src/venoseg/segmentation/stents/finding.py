"""Finding stents on CT: lattices of thin bright wire around a round or flattened room.

Wire is brighter than its neighbourhood over a few millimetres, which rules out thick bone and
prostheses; it closes off a long room from what lies around, which rules out clips, filters and
plaque on one side of a vessel; and it shows struts with gaps between them, which rules out the
continuous shell of a thin bone or a calcified artery.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from venoseg.segmentation.model import Segmentation
from venoseg.segmentation.stents.hollows import end_to_end, middle_lines, rooms_within
from venoseg.segmentation.stents.lattice import Lattice
from venoseg.segmentation.stents.places import REACH_MM, Veins, grown
from venoseg.segmentation.stents.rays import lattice_along
from venoseg.volume import BoolArray, FloatArray, Grid, Volume

# Wire exceeds the least value found everywhere within a window of this width by so much. Smoothed
# by a body kernel a strut of a quarter of a millimetre shows 200 HU or more.
_WINDOW_MM = 4.4
_LEAST_EXCESS_HU = 150.0

# Enhanced veins reach 250 HU; what is not brighter is no metal.
_LEAST_HU = 250.0

# Two stretches of one stent are alike in width: the narrower has this share of the other's.
_ONE_WIDTH = 0.8

# Struts this near to one another close the room between them.
_MESH_MM = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class StentDevice:
    """One stretch of stent.

    Attributes
    ----------
    line_lps_mm
        (n, 3) its middle line, about 3 mm apart, without order of direction.
    radius_mm
        Typical distance of the wires from the line.
    in_vein
        Whether it lies around labelled lumen; False as well where no veins were given.
    """

    line_lps_mm: FloatArray
    radius_mm: float
    in_vein: bool


@dataclass(frozen=True, slots=True, eq=False)
class FoundStents:
    """All stents of an image.

    Attributes
    ----------
    mask
        (slices, rows, columns) bool, the metal.
    devices
        Unbranched stretches; stents that overlap end to end are one.
    """

    mask: BoolArray
    devices: tuple[StentDevice, ...]


def find_stents(
    volume: Volume, segmentation: Segmentation | None = None, *, known: Collection[str] = ()
) -> FoundStents:
    """Find the stents of a CT without a label.

    Parameters
    ----------
    volume
        The image; without Hounsfield units nothing is found.
    segmentation
        Labels of the veins. Where given, only their neighbourhood is searched, and its ``stent``,
        where not None, stands for the wire.
    known
        Veins that hold stents: what closes a thin bright ring in one is taken for one.

    Returns
    -------
    FoundStents
        Nothing where there is no stent. Solid metal, plaque, bone, filters and clips are left out.
    """
    mask = np.zeros(volume.grid.shape, dtype=bool)
    drawn = segmentation is not None and segmentation.stent is not None
    box = _searched(volume, segmentation)
    if box is None or (volume.unit != "HU" and not drawn):
        return FoundStents(mask, ())
    part = volume.crop(box)
    veins = None if segmentation is None else Veins.of(segmentation, box)
    stented = Veins.of(segmentation, box, known) if segmentation is not None and known else None
    if segmentation is not None and segmentation.stent is not None:
        wire = segmentation.stent[box]
    else:
        wire = _wires(part)
        if veins is not None:
            wire &= veins.near
    if not wire.any():
        return FoundStents(mask, ())
    wall = _meshed(wire, part.grid)
    judge = _Judge(veins, stented, drawn)
    found = _stents(part, rooms_within(wall, part.grid), judge)
    if veins is not None:
        # In a stent that is pressed flat the mesh leaves no room; what is known to be lumen is one.
        # Lumens of stents side by side are labelled as one: what was found without comes first. At
        # the ends of a stent other nooks are left between its wires and the lumen: no rings.
        left = rooms_within(wall & ~veins.lumen, part.grid)
        left &= ~_taken(left, found, part.grid)
        found += (one for one in _stents(part, left, judge) if one.is_ring)
        found = _joined(part, found, judge)
    devices = []
    for lattice in found:
        mask[box] |= _metal(part, wire, lattice)
        inside = veins is not None and veins.hold(lattice)
        devices.append(StentDevice(lattice.line_lps_mm, lattice.radius_mm, inside))
    return FoundStents(mask, tuple(devices))


@dataclass(frozen=True, slots=True, eq=False)
class _Judge:
    """What is known of a stent before it is looked for.

    Attributes
    ----------
    veins, stented
        All labelled veins, and those that hold stents.
    drawn
        Whether its wire is.
    """

    veins: Veins | None
    stented: Veins | None
    drawn: bool

    def takes(self, lattice: Lattice) -> bool:
        """Tell whether a lattice is a stent."""
        veins, stented = self.veins, self.stented
        return (
            self.drawn
            or lattice.is_stent
            or (veins is not None and lattice.is_faint_stent and veins.surely_hold(lattice))
            or (stented is not None and lattice.is_known_stent and stented.surely_hold(lattice))
        )


def _stents(part: Volume, room: BoolArray, judge: _Judge) -> list[Lattice]:
    """Return the stents around rooms."""
    tubes = middle_lines(room, part.grid)
    seen = (lattice_along(part, line, float(np.median(r)) + _MESH_MM) for line, r in tubes)
    rings = _joined(part, [one for one in seen if one is not None], judge)
    return [ring for ring in rings if judge.takes(ring)]


def _joined(part: Volume, lattices: Sequence[Lattice], judge: _Judge) -> list[Lattice]:
    """Return lattices, two as one that are a stent whose ring goes on from one to the other.

    Where a stent is pressed flat its room is shut off into two. Where one meets several, as in the
    cava those of both limbs, all stay by themselves.
    """
    wholes: dict[tuple[int, int], Lattice] = {}
    for pair in combinations(range(len(lattices)), 2):
        whole = _across(part, *(lattices[n] for n in pair))
        if whole is not None and judge.takes(whole):
            wholes[pair] = whole
    met = Counter(n for pair in wholes for n in pair)
    wholes = {pair: whole for pair, whole in wholes.items() if all(met[n] == 1 for n in pair)}
    gone = {n for pair in wholes for n in pair}
    return [*wholes.values(), *(one for n, one in enumerate(lattices) if n not in gone)]


def _across(part: Volume, one: Lattice, other: Lattice) -> Lattice | None:
    """Return the ring along two lines end to end; None where it does not go on between them."""
    narrow, wide = sorted([one.radius_mm, other.radius_mm])
    if narrow < _ONE_WIDTH * wide:
        return None
    line = end_to_end(one.line_lps_mm, other.line_lps_mm, 2.0 * narrow)
    if line is None:
        return None
    whole = lattice_along(part, line, wide)
    if whole is None or not whole.is_ring or whole.open_mm > _MESH_MM:
        return None
    both_mm = max(one.length_mm, other.length_mm) + 0.5 * min(one.length_mm, other.length_mm)
    return whole if whole.length_mm > both_mm else None


def _taken(room: BoolArray, lattices: Sequence[Lattice], grid: Grid) -> BoolArray:
    """Mark what of a room lies within the wires of stents, or a little beyond their ends."""
    taken = np.zeros_like(room)
    voxels = np.argwhere(room)
    points = grid.to_lps(voxels)
    for lattice in lattices:
        reach_mm = lattice.radius_mm + _MESH_MM
        near = cKDTree(lattice.line_lps_mm).query(points, distance_upper_bound=reach_mm)[0]
        taken[tuple(voxels[np.isfinite(near)].T)] = True
    return taken


def _searched(
    volume: Volume, segmentation: Segmentation | None
) -> tuple[slice, slice, slice] | None:
    """Return the box to look at: the veins' with a margin; None where the labels are empty."""
    if segmentation is None:
        a, b, c = (slice(0, size) for size in volume.grid.shape)
        return a, b, c
    drawn = segmentation.labels > 0
    if segmentation.stent is not None:
        drawn |= segmentation.stent
    found = ndimage.find_objects(drawn.view(np.uint8))
    if not found:
        return None
    margin = np.ceil(3.0 * REACH_MM / volume.grid.spacing_mm).astype(int)
    a, b, c = (
        slice(max(s.start - m, 0), min(s.stop + m, size))
        for s, m, size in zip(found[0], margin.tolist(), volume.grid.shape, strict=True)
    )
    return a, b, c


def _wires(volume: Volume) -> BoolArray:
    """Mark the voxels that are much brighter than what lies within a few millimetres."""
    voxels = volume.voxels
    size = [max(3, 2 * round(0.5 * _WINDOW_MM / s) + 1) for s in volume.grid.spacing_mm]
    wire = voxels > _LEAST_HU
    wire &= voxels - ndimage.grey_opening(voxels, size=size) > _LEAST_EXCESS_HU
    if volume.missing is not None:
        wire &= ~volume.missing
    result: BoolArray = wire
    return result


def _meshed(wire: BoolArray, grid: Grid) -> BoolArray:
    return grown(wire, grid, _MESH_MM)


def _metal(volume: Volume, wire: BoolArray, lattice: Lattice) -> BoolArray:
    """Return the wire's voxels that lie on one device."""
    surface = np.zeros(volume.grid.shape, dtype=bool)
    index = np.rint(volume.grid.to_index(lattice.surface_lps_mm)).astype(int)
    known = ((index >= 0) & (index < volume.grid.shape)).all(axis=-1)
    surface[tuple(index[known].T)] = True
    metal: BoolArray = wire & grown(surface, volume.grid, 1.5)
    return metal
