"""What a label file holds, whatever its format: named structures in the patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.segmentation.model import Origin
from venoseg.volume import BoolArray, Grid

Box = tuple[slice, slice, slice]
Kind = Literal["lumen", "vein", "stent"]


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """One vein, or the stents, cut out of a label file.

    Attributes
    ----------
    name
        A name of `venoseg.anatomy.NAMES`, or ``stent``.
    kind
        ``lumen`` where the file says that only the open lumen was drawn, ``vein`` otherwise.
    mask
        (slices, rows, columns) bool, cut to its bounding box.
    grid
        The place of ``mask`` in the patient.
    """

    name: str
    kind: Kind
    mask: BoolArray
    grid: Grid


@dataclass(frozen=True, slots=True)
class LabelFile:
    """Everything of use in a label file.

    Attributes
    ----------
    structures
        The veins and stents that hold at least one voxel.
    grid
        The grid of the file itself; None when it holds several.
    others
        What else is in it, for the message when there is no vein: names or values.
    origin
        Who drew the veins, as far as the file says.
    frame_of_reference_uid
        From DICOM; None otherwise.
    flags
        What a reader must know.
    """

    structures: tuple[Structure, ...]
    others: tuple[str, ...]
    grid: Grid | None
    origin: Origin = "unknown"
    frame_of_reference_uid: str | None = None
    flags: tuple[str, ...] = ()


def bounding_box(mask: BoolArray) -> Box | None:
    """Return the smallest box that holds every True voxel, None when there is none."""
    bounds = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        filled = np.flatnonzero(mask.any(axis=others))
        if filled.size == 0:
            return None
        bounds.append(slice(int(filled[0]), int(filled[-1]) + 1))
    return (bounds[0], bounds[1], bounds[2])


def label_boxes(labels: npt.NDArray[np.uint8]) -> dict[int, Box]:
    """Return the smallest box around each value but 0 that a label map holds."""
    # The greatest value of bytes is found several times faster than where one value lies.
    slices = np.flatnonzero(labels.max(axis=(1, 2)))
    if slices.size == 0:
        return {}
    first = int(slices[0])
    shadow = labels[first : slices[-1] + 1].max(axis=0)
    rows, columns = np.flatnonzero(shadow.any(axis=1)), np.flatnonzero(shadow.any(axis=0))
    starts = (first, int(rows[0]), int(columns[0]))
    stops = (slices[-1] + 1, rows[-1] + 1, columns[-1] + 1)
    whole = tuple(slice(a, int(b)) for a, b in zip(starts, stops, strict=True))
    boxes = {}
    for value, found in enumerate(ndimage.find_objects(labels[whole]), start=1):
        if found is not None:
            a, b, c = (slice(s.start + n, s.stop + n) for s, n in zip(found, starts, strict=True))
            boxes[value] = (a, b, c)
    return boxes


def cut_out(name: str, kind: Kind, mask: BoolArray, grid: Grid) -> Structure | None:
    """Return the structure on its bounding box, None when the mask is empty."""
    box = bounding_box(mask)
    if box is None:
        return None
    return Structure(name, kind, np.ascontiguousarray(mask[box]), grid.crop(box))
