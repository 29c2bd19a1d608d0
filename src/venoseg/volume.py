"""Voxels and where they lie in the patient.

Arrays are indexed ``(slice, row, column)`` = ``(k, j, i)``; patient coordinates are DICOM LPS
millimetres ``(x, y, z)``: x grows to the patient's left, y to the back, z to the head. `Grid` is
the only place where one becomes the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from venoseg.errors import InputError

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

Unit = Literal["HU", "arbitrary"]

# Libraries share out a larger product among threads that then wait busily, at the cost of others.
_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A regular grid of voxels in the patient.

    Attributes
    ----------
    shape
        Number of (slices, rows, columns).
    affine
        (4, 4) matrix, index ``(k, j, i, 1)`` of a voxel's centre to LPS mm ``(x, y, z, 1)``. The
        three index axes are orthogonal; their handedness is free.
    spacing_mm
        (3,) distance of neighbouring voxel centres along (slice, row, column).
    directions
        (3, 3); column ``a`` is the unit LPS vector in which index ``a`` of (k, j, i) grows.

    Raises
    ------
    InputError
        When the affine is not finite, is singular, or has oblique (sheared) axes.
    """

    shape: tuple[int, int, int]
    affine: FloatArray
    spacing_mm: FloatArray = field(init=False, repr=False)
    directions: FloatArray = field(init=False, repr=False)
    _inverse: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        affine = np.array(self.affine, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise InputError("the voxel-to-patient matrix is not a finite 4x4 matrix")
        spacing = np.linalg.norm(affine[:3, :3], axis=0)
        if spacing.min() <= 0:
            raise InputError("the voxel spacing is zero along one axis")
        cosines = affine[:3, :3] / spacing
        if np.abs(cosines.T @ cosines - np.eye(3)).max() > 1e-3:
            raise InputError(
                "the voxel axes are not perpendicular to one another",
                remedy="resample the image to an orthogonal grid first",
            )
        for fixed in (affine, spacing, cosines):
            fixed.flags.writeable = False
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))
        object.__setattr__(self, "affine", affine)
        object.__setattr__(self, "spacing_mm", spacing)
        object.__setattr__(self, "directions", cosines)
        object.__setattr__(self, "_inverse", np.linalg.inv(affine))

    @classmethod
    def from_axes(
        cls,
        shape: Sequence[int],
        *,
        spacing_mm: Sequence[float],
        origin_lps_mm: Sequence[float] = (0.0, 0.0, 0.0),
        directions: npt.ArrayLike | None = None,
    ) -> Grid:
        """Build a grid from spacing, origin and axis directions.

        Parameters
        ----------
        shape, spacing_mm
            Along (slice, row, column).
        origin_lps_mm
            Centre of voxel (0, 0, 0) as (x, y, z).
        directions
            (3, 3); column ``a`` is the unit LPS vector in which index ``a`` of (k, j, i) grows.
            Default: slices towards the head, rows towards the back, columns towards the patient's
            left, which is an axial series read from the feet up.
        """
        if directions is None:
            directions = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
        affine = np.eye(4)
        affine[:3, :3] = np.asarray(directions, dtype=np.float64) * np.asarray(spacing_mm)
        affine[:3, 3] = origin_lps_mm
        slices, rows, columns = shape
        return cls((slices, rows, columns), affine)

    @classmethod
    def from_itk(
        cls,
        size: Sequence[int],
        origin: Sequence[float],
        spacing: Sequence[float],
        direction: Sequence[float],
    ) -> Grid:
        """Build a grid from ITK's geometry, whose axes are ordered (i, j, k)."""
        matrix = np.asarray(direction, dtype=np.float64).reshape(3, 3)
        return cls.from_axes(
            tuple(size)[::-1],
            spacing_mm=tuple(spacing)[::-1],
            origin_lps_mm=origin,
            directions=matrix[:, ::-1],
        )

    def itk_geometry(self) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
        """Return (origin, spacing, direction) as ITK and SimpleITK take them."""
        origin = tuple(float(v) for v in self.affine[:3, 3])
        spacing = tuple(float(v) for v in self.spacing_mm[::-1])
        direction = tuple(float(v) for v in self.directions[:, ::-1].ravel())
        return origin, spacing, direction

    @property
    def axial_axis(self) -> int:
        """The index axis that runs most nearly from feet to head: 0 in an axial series."""
        return int(np.argmax(np.abs(self.directions[2])))

    @property
    def through_axis(self) -> int:
        """The index axis across the slices as they were reconstructed.

        Slices are as wide as high: where one spacing differs from two that are alike, it is that
        axis, in whichever order a file stores them. Otherwise it is the axis from feet to head.
        """
        return _slices(self.affine.tobytes())[0]

    @property
    def slice_and_pixel_mm(self) -> tuple[float, float]:
        """Distance of the slices, and the mean distance of voxels within them."""
        return _slices(self.affine.tobytes())[1:]

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel."""
        return float(self.spacing_mm.prod())

    def to_lps(self, index: npt.ArrayLike) -> FloatArray:
        """Map (..., 3) indices (k, j, i), fractions allowed, to LPS mm (x, y, z)."""
        return _mapped(np.asarray(index, dtype=np.float64), self.affine)

    def to_index(self, points_lps_mm: npt.ArrayLike) -> FloatArray:
        """Map (..., 3) LPS mm points (x, y, z) to fractional indices (k, j, i)."""
        return _mapped(np.asarray(points_lps_mm, dtype=np.float64), self._inverse)

    def contains(self, points_lps_mm: npt.ArrayLike) -> BoolArray:
        """Tell for (..., 3) points whether they lie between the outermost voxel centres."""
        index = self.to_index(points_lps_mm)
        inside: BoolArray = np.all((index >= 0) & (index <= np.array(self.shape) - 1), axis=-1)
        return inside

    def crop(self, box: tuple[slice, slice, slice]) -> Grid:
        """Return the grid of ``array[box]``; the slices have step 1 and explicit ends."""
        start = [s.start for s in box]
        slices, rows, columns = (s.stop - s.start for s in box)
        affine = self.affine.copy()
        affine[:3, 3] = self.to_lps(start)
        return Grid((slices, rows, columns), affine)

    def matches(self, other: Grid, tolerance_mm: float = 0.01) -> bool:
        """Tell whether both grids put every voxel in the same place within the tolerance."""
        if self is other:
            return True
        if self.shape != other.shape:
            return False
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in self.shape])).reshape(3, -1).T
        distance = np.linalg.norm(self.to_lps(corners) - other.to_lps(corners), axis=1)
        return bool(distance.max() <= tolerance_mm)


def _mapped(points: FloatArray, affine: FloatArray) -> FloatArray:
    """Return (..., 3) points moved by a (4, 4) matrix."""
    turn, shift = affine[:3, :3].T, affine[:3, 3]
    if points.size <= 3 * _AT_ONCE:
        few: FloatArray = points @ turn + shift
        return few
    flat = points.reshape(-1, 3)
    moved = np.empty(flat.shape)
    for start in range(0, len(flat), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        np.matmul(flat[part], turn, out=moved[part])
    moved += shift
    return moved.reshape(points.shape)


@lru_cache(maxsize=64)
def _slices(affine: bytes) -> tuple[int, float, float]:
    """Return the axis across the slices of a grid, their distance, and that of their voxels."""
    axes = np.frombuffer(affine).reshape(4, 4)[:3, :3]
    spacing = np.linalg.norm(axes, axis=0)
    through = int(np.argmax(np.abs(axes[2] / spacing)))
    for axis in range(3):
        one, other = np.delete(spacing, axis)
        alike = abs(one - other) <= 0.01 * max(one, other)
        if alike and abs(spacing[axis] - one) > 0.05 * one:
            through = axis
            break
    return through, float(spacing[through]), float(np.delete(spacing, through).mean())


@dataclass(frozen=True, slots=True)
class Source:
    """Where an image came from, as far as a result may say so: no name, no date, no path.

    Attributes
    ----------
    kind
        ``DICOM``, ``NIfTI``, ``NRRD`` or ``array``.
    study_instance_uid, series_instance_uid, frame_of_reference_uid
        From DICOM; None otherwise.
    modality, convolution_kernel, slice_thickness_mm
        As stated in the header; None when it is silent.
    sop_instance_uids
        One per slice of the grid, in the order of the slices; empty when the slices were resampled.
    geometry_residual_mm
        Largest distance between a slice's stated position and its place on the grid.
    gaps
        Pairs (k0, k1): the slices strictly between k0 and k1 hold no measured data.
    flags
        What a reader of any number from this image must know, e.g. ``tilt_corrected``.
    """

    kind: Literal["DICOM", "NIfTI", "NRRD", "array"] = "array"
    study_instance_uid: str | None = None
    series_instance_uid: str | None = None
    frame_of_reference_uid: str | None = None
    modality: str | None = None
    convolution_kernel: str | None = None
    slice_thickness_mm: float | None = None
    sop_instance_uids: tuple[str, ...] = ()
    geometry_residual_mm: float = 0.0
    gaps: tuple[tuple[int, int], ...] = ()
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """Voxels on a grid.

    Attributes
    ----------
    voxels
        (slices, rows, columns); int16 where the values allow it, else float32.
    grid
        Their place in the patient.
    unit
        ``HU`` only where the source says that the values are Hounsfield units.
    missing
        (slices, rows, columns) bool, True where no value was measured (padding outside the field of
        view, slices in a gap); None when every voxel was measured.
    source
        What the image came from.
    """

    voxels: npt.NDArray[Any]
    grid: Grid
    unit: Unit = "HU"
    missing: BoolArray | None = None
    source: Source = field(default_factory=Source)

    def __post_init__(self) -> None:
        if self.voxels.shape != self.grid.shape:
            raise InputError(
                f"{self.voxels.shape} voxels do not fit a grid of {self.grid.shape}",
            )

    def crop(self, box: tuple[slice, slice, slice]) -> Volume:
        """Return a view of the voxels in ``box`` (step 1, explicit ends) on their own grid."""
        uids = self.source.sop_instance_uids[box[0]] if self.source.sop_instance_uids else ()
        return replace(
            self,
            voxels=self.voxels[box],
            grid=self.grid.crop(box),
            missing=None if self.missing is None else self.missing[box],
            source=replace(self.source, sop_instance_uids=uids),
        )
