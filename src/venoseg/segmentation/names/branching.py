"""Veins that open into a vein: blood that leaves its labels and goes on away from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.segmentation.voxels.domains import Picture
from venoseg.segmentation.working import box_around, held_by
from venoseg.volume import BoolArray, FloatArray

_TISSUE_HU, _BRIGHTER_HU = 50.0, 55.0
_ASIDE_MM = 40.0
# Where a branch is looked at: beside the vein, and so far from it that it is one.
_NEAR_MM, _FAR_MM = 4.0, (13.0, 20.0)
# Area of a branch; what is larger is an organ or a vessel that touches.
_LEAST_MM2, _LARGEST_MM2 = 14.0, 170.0
# Its axis meets that of the vein so far before its mouth.
_INWARDS_MM = 24.0
# The vein itself goes on where its labels end.
_ENDS_MM = 12.0
_AROUND_COURSE_MM = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """A vessel that opens into a vein.

    Attributes
    ----------
    root
        Index of the point of the vein's course that its axis meets.
    mouth_lps_mm, tip_lps_mm
        (3,) where it leaves the vein, and a place about 2 cm along it.
    width_mm
        Diameter of a circle of its area.
    """

    root: int
    mouth_lps_mm: FloatArray
    tip_lps_mm: FloatArray
    width_mm: float


def branches_of(
    picture: Picture,
    vein: BoolArray,
    course_lps_mm: FloatArray,
    level_hu: float,
    never: BoolArray,
) -> list[Branch]:
    """Return the vessels that leave a vein, from its central end on.

    Parameters
    ----------
    picture
        The coarse picture.
    vein
        (slices, rows, columns) of the picture: the vein's labels.
    course_lps_mm
        (n, 3) points along its middle.
    level_hu
        Grey value of its blood.
    never
        Where its branches cannot be: arteries, other veins.
    """
    box = box_around(picture.grid, course_lps_mm, _ASIDE_MM)
    image, grid = picture.mean_hu[box], picture.grid.crop(box)
    blood = (image > 0.5 * (level_hu + _TISSUE_HU)) & (image < level_hu + _BRIGHTER_HU)
    inside = vein[box].copy()
    points = np.rint(grid.to_index(course_lps_mm)).astype(int)
    line = np.zeros(grid.shape, dtype=bool)
    line[tuple(np.clip(points, 0, np.array(grid.shape) - 1).T)] = True
    size = float(np.mean(grid.spacing_mm))
    inside |= ndimage.binary_dilation(line, iterations=round(_AROUND_COURSE_MM / size)) & blood
    blood &= ~never[box] | inside
    near, first, last = (round(mm / size) for mm in (_NEAR_MM, *_FAR_MM))
    steps = _steps_from(inside, blood, last)
    far = steps >= first
    pieces, _ = ndimage.label(far, np.ones((3, 3, 3)))
    at = held_by(far)
    number, away = pieces[far], steps[far]
    found = []
    for one in np.unique(number[away == last]):
        own = number == one
        area = float(own.sum()) * grid.voxel_volume_mm3 / ((last - first + 1) * size)
        if not _LEAST_MM2 <= area <= _LARGEST_MM2:
            continue
        mouth = _back_to(at[own & (away == away[own].min())], steps, near)
        tip = grid.to_lps(at[own & (away >= last - 1)].mean(axis=0))
        root = _meeting(course_lps_mm, mouth_lps := grid.to_lps(mouth), tip)
        if _inner(course_lps_mm, root):
            found.append(Branch(root, mouth_lps, tip, 2.0 * float(np.sqrt(area / np.pi))))
    return sorted(found, key=lambda one: one.root)


def _steps_from(inside: BoolArray, blood: BoolArray, most: int) -> npt.NDArray[np.int16]:
    """Return how many steps through blood lead from the vein to each voxel, -1 where none do."""
    # With a rim that no step enters, a step is a fixed distance in memory.
    steps = np.full(np.array(blood.shape) + 2, -1, dtype=np.int16)
    inner = steps[1:-1, 1:-1, 1:-1]
    inner[inside] = 0
    free = np.zeros(steps.shape, dtype=bool)
    free[1:-1, 1:-1, 1:-1] = blood & ~inside
    flat, free = steps.ravel(), free.ravel()
    front = np.flatnonzero(flat == 0)
    for step in range(1, most + 1):
        # Steps over faces and over edges in turn come near to a true distance.
        front = _beside(front, free, steps.shape, 1 + step % 2)
        free[front] = False
        flat[front] = step
    return inner


def _back_to(at: npt.NDArray[np.int64], steps: npt.NDArray[np.int16], near: int) -> FloatArray:
    """Return (3,) index of where the way back to the vein from (n, 3) voxels comes out of it."""
    padded = np.pad(steps, 1, constant_values=-1)
    flat = padded.ravel()
    current = np.ravel_multi_index(tuple(at.T + 1), padded.shape)
    for step in range(int(flat[current[0]]) - 1, near - 1, -1):
        before = _beside(current, flat == step, padded.shape, 3)
        current = before if len(before) else current
    index = np.stack(np.unravel_index(current, padded.shape), axis=-1) - 1
    middle: FloatArray = index.mean(axis=0)
    return middle


def _beside(
    flat: npt.NDArray[np.int64], wanted: BoolArray, shape: tuple[int, ...], connectivity: int
) -> npt.NDArray[np.int64]:
    """Return, in order, which voxels that are wanted lie at or beside some voxels of an array."""
    shifts = np.argwhere(ndimage.generate_binary_structure(3, connectivity)) - 1
    near = (flat[:, None] + shifts @ (shape[1] * shape[2], shape[2], 1)).ravel()
    return np.unique(near[wanted[near]])


def _meeting(course: FloatArray, mouth: FloatArray, tip: FloatArray) -> int:
    """Return which point of a course the axis of a branch meets, or comes nearest to."""
    axis = (mouth - tip) / max(float(np.linalg.norm(mouth - tip)), 1e-6)
    along = mouth + axis * np.arange(0.0, _INWARDS_MM, 1.0)[:, None]
    gap = np.linalg.norm(course[:, None] - along[None], axis=2)
    return int(np.argmin(gap.min(axis=1)))


def _inner(course: FloatArray, root: int) -> bool:
    """Tell whether a point of a course lies away from both its ends."""
    ends = np.linalg.norm(course[[0, -1]] - course[root], axis=1)
    return bool(ends.min() > _ENDS_MM)
