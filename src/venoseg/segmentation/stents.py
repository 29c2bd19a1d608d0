"""Finding stents on CT: lattices of thin bright wire around a round or flattened room.

Wire is brighter than its neighbourhood over a few millimetres, which rules out thick bone and
prostheses; it closes off a long room from what lies around, which rules out clips, filters and
plaque on one side of a vessel; and it shows struts with gaps between them, which rules out the
continuous shell of a thin bone or a calcified artery.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from venoseg.segmentation.hollows import middle_lines, rooms_within
from venoseg.segmentation.lattice import Lattice, lattice_along
from venoseg.segmentation.model import Segmentation
from venoseg.volume import BoolArray, FloatArray, Grid, Volume

# Wire exceeds the least value found everywhere within a window of this width by so much. Smoothed
# by a body kernel a strut of a quarter of a millimetre shows 200 HU or more.
_WINDOW_MM = 4.4
_LEAST_EXCESS_HU = 150.0

# Enhanced veins reach 250 HU; what is not brighter is no metal.
_LEAST_HU = 250.0

# Struts this near to one another close the room between them.
_MESH_MM = 2.0

# How far from a labelled vein a stent in it can lie: it may be wider than the lumen inside.
_REACH_MM = 8.0

# A device belongs to a vein when at least this share of its length runs in, or beside, its labels.
_LEAST_IN_VEIN = 0.5

# What is too faint to be a stent anywhere is one when so much of it runs there.
_SURELY_IN_VEIN = 0.8


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
        Whether it lies in or around a labelled vein; False as well where no veins were given.
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
    box = _searched(volume, segmentation)
    if box is None or (
        volume.unit != "HU" and (segmentation is None or segmentation.stent is None)
    ):
        return FoundStents(mask, ())
    part = volume.crop(box)
    near = None if segmentation is None else _beside_veins(segmentation, box)
    said = None if segmentation is None or not known else _beside_veins(segmentation, box, known)
    drawn = None if segmentation is None or segmentation.stent is None else segmentation.stent[box]
    wire = _wires(part) if drawn is None else drawn
    if near is not None and drawn is None:
        wire &= near
    if not wire.any():
        return FoundStents(mask, ())
    room = rooms_within(_meshed(wire, part.grid), part.grid)
    devices = []
    for line, radius in middle_lines(room, part.grid):
        lattice = lattice_along(part, line, float(np.median(radius)) + _MESH_MM)
        if lattice is None:
            continue
        share = 0.0 if near is None else _share_inside(near, part.grid, lattice.line_lps_mm)
        faint = lattice.is_faint_stent and share >= _SURELY_IN_VEIN
        told = (
            lattice.is_ring
            and said is not None
            and _share_inside(said, part.grid, lattice.line_lps_mm) >= _SURELY_IN_VEIN
        )
        if not (lattice.is_stent or drawn is not None or faint or told):
            continue
        mask[box] |= _metal(part, wire, lattice)
        inside = share >= _LEAST_IN_VEIN
        devices.append(StentDevice(lattice.line_lps_mm, lattice.radius_mm, inside))
    return FoundStents(mask, tuple(devices))


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
    margin = np.ceil(3.0 * _REACH_MM / volume.grid.spacing_mm).astype(int)
    a, b, c = (
        slice(max(s.start - m, 0), min(s.stop + m, size))
        for s, m, size in zip(found[0], margin.tolist(), volume.grid.shape, strict=True)
    )
    return a, b, c


def _beside_veins(
    segmentation: Segmentation,
    box: tuple[slice, slice, slice],
    vessels: Collection[str] | None = None,
) -> BoolArray:
    """Mark the labelled veins, or some of them, and what lies next to them."""
    labels = segmentation.labels[box]
    names = segmentation.names.items()
    wanted = [label for label, name in names if vessels is None or name in vessels]
    vein = np.isin(labels, wanted)
    near: BoolArray = _grown(vein, segmentation.grid, _REACH_MM)
    return near


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
    return _grown(wire, grid, _MESH_MM)


def _grown(mask: BoolArray, grid: Grid, by_mm: float) -> BoolArray:
    """Grow a mask by a box: quick, and a little farther along the diagonals."""
    size = [2 * max(1, round(by_mm / s)) + 1 for s in grid.spacing_mm]
    grown: BoolArray = ndimage.maximum_filter(mask.view(np.uint8), size=size).view(bool)
    return grown


def _metal(volume: Volume, wire: BoolArray, lattice: Lattice) -> BoolArray:
    """Return the wire's voxels that lie on one device."""
    surface = np.zeros(volume.grid.shape, dtype=bool)
    index = np.rint(volume.grid.to_index(lattice.surface_lps_mm)).astype(int)
    known = ((index >= 0) & (index < volume.grid.shape)).all(axis=-1)
    surface[tuple(index[known].T)] = True
    metal: BoolArray = wire & _grown(surface, volume.grid, 1.5)
    return metal


def _share_inside(near: BoolArray, grid: Grid, line_lps_mm: FloatArray) -> float:
    index = np.rint(grid.to_index(line_lps_mm)).astype(int)
    index = np.clip(index, 0, np.array(grid.shape) - 1)
    return float(near[tuple(index.T)].mean())
