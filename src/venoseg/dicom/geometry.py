"""Parallel slices to one regular grid: order, tilt, uneven steps, gaps, and the residual in mm.

The normal is row direction x column direction; slice index k grows along it. Only Image Position
and Image Orientation count: stated thickness, spacing between slices and slice location are not
trusted.

A series whose every slice lies within the tolerance of a regular grid is taken as it is and the
residual is reported. Otherwise the slices are resampled: a tilted stack by a shift of every slice
within its own plane (no blur along the normal), an uneven one by linear interpolation between the
two neighbouring slices. A step that leaves tissue unmeasured is a gap and is never interpolated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from venoseg.dicom.image import Plane
from venoseg.dicom.layout import (
    RESIDUAL_LIMIT_MM,
    SAME_POSITION_MM,
    Blend,
    Layout,
    blends_of,
    lay_out,
)
from venoseg.errors import SeriesError
from venoseg.volume import FloatArray, Grid

# A stack is straight but shifted sideways (a table that moved, a corrupt position) beyond this.
SIDEWAYS_LIMIT_MM = 1.0
TILT_LIMIT_DEGREES = 45.0


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Slices in order, and the grid that they become.

    Attributes
    ----------
    order
        For each slice along the normal, its place in the sequence given.
    offsets_mm
        (n,) position of each slice along the normal, from the first.
    lateral_mm
        (n, 2) sideways offset of each slice along (row index, column index) from the first.
    grid
        The regular grid of the result.
    slots
        (n,) k of each slice on the grid; None where the slices must be resampled.
    blends
        For each k of the grid, of which slices it is made when they must be; None inside a gap.
    tilted, uneven
        Why they must be.
    tilt_degrees
        Angle between the line of slice origins and the normal.
    gaps
        Pairs (k0, k1) on the grid: strictly between them nothing was measured.
    missing_images
        How many slices the gaps have swallowed, as far as the steps tell.
    residual_mm
        Largest distance between a slice's stated place and its place on the grid.
    """

    order: tuple[int, ...]
    offsets_mm: FloatArray
    lateral_mm: FloatArray
    grid: Grid
    slots: tuple[int, ...] | None
    blends: tuple[Blend | None, ...]
    tilted: bool
    uneven: bool
    tilt_degrees: float
    gaps: tuple[tuple[int, int], ...]
    missing_images: int
    residual_mm: float

    @property
    def flags(self) -> tuple[str, ...]:
        """What a reader of any number from the volume must know about its geometry."""
        named = {
            "tilt_corrected": self.tilted,
            "resampled_uneven_slices": self.uneven,
            "missing_slices": bool(self.gaps),
        }
        return tuple(name for name, holds in named.items() if holds)


def axes_of(row: Sequence[float], column: Sequence[float]) -> FloatArray:
    """Return (3, 3) unit vectors in rows: column index, row index and slice index grow along them.

    Raises
    ------
    SeriesError
        When the two stated directions are not perpendicular unit vectors.
    """
    x, y = np.asarray(row, dtype=np.float64), np.asarray(column, dtype=np.float64)
    lengths = np.linalg.norm(x), np.linalg.norm(y)
    if not all(abs(length - 1) < 0.01 for length in lengths) or abs(x @ y) > 1e-3:
        raise SeriesError("the stated image orientation is not a pair of perpendicular directions")
    x = x / lengths[0]
    y = y - (x @ y) * x
    y = y / np.linalg.norm(y)
    return np.stack([x, y, np.cross(x, y)])


def plane_affine(plane: Plane) -> FloatArray:
    """Return (3, 3): maps (row index, column index, 1) of a plane to LPS mm (x, y, z).

    Raises
    ------
    SeriesError
        When the plane does not state where it lies.
    """
    if plane.position_lps_mm is None or plane.row_lps is None or plane.column_lps is None:
        raise SeriesError("images do not state where they lie in the patient")
    if plane.spacing_mm is None:
        raise SeriesError("images do not state their pixel spacing")
    axes = axes_of(plane.row_lps, plane.column_lps)
    down, across = plane.spacing_mm
    return np.stack([axes[1] * down, axes[0] * across, np.array(plane.position_lps_mm)], axis=1)


def stack_slices(
    positions_lps_mm: FloatArray,
    axes: FloatArray,
    shape: tuple[int, int],
    spacing_mm: tuple[float, float],
    instance_numbers: Sequence[int | None],
) -> Stack:
    """Order parallel slices and lay a regular grid through them.

    Parameters
    ----------
    positions_lps_mm
        (n, 3) centre of each slice's first voxel.
    axes
        As `axes_of` returns them.
    shape, spacing_mm
        Of one slice, along (rows, columns).
    instance_numbers
        One per slice; used only to tell a slice that is missing from a step the scanner made.

    Raises
    ------
    SeriesError
        When there are fewer than two slices, two share a position, or no correct grid exists.
    """
    if len(positions_lps_mm) < 2:
        raise SeriesError("a single image is not a volume", remedy="give the whole series")
    along = positions_lps_mm @ axes[2]
    order = np.argsort(along, kind="stable")
    placed = positions_lps_mm[order]
    offsets = along[order] - along[order[0]]
    lateral = (placed - placed[0]) @ axes[[1, 0]].T
    steps = np.diff(offsets)
    if steps.min() < SAME_POSITION_MM:
        raise SeriesError("two slices lie at the same position")
    tilted, tilt = _tilt(offsets, lateral)
    numbers = [instance_numbers[i] for i in order]
    layout = lay_out(offsets, steps, numbers)
    grid, shift = _grid(placed[0], axes, shape, spacing_mm, layout, lateral if tilted else None)
    return Stack(
        order=tuple(int(i) for i in order),
        offsets_mm=offsets,
        lateral_mm=lateral - shift,
        grid=grid,
        slots=None if tilted or layout.uneven else layout.slots,
        blends=blends_of(layout, offsets) if tilted or layout.uneven else (),
        tilted=tilted,
        uneven=layout.uneven,
        tilt_degrees=tilt,
        gaps=layout.gaps,
        missing_images=layout.missing_images,
        residual_mm=_residual(layout, lateral, tilted),
    )


def _tilt(offsets: FloatArray, lateral: FloatArray) -> tuple[bool, float]:
    slope = offsets @ lateral / (offsets @ offsets)
    sideways = np.abs(lateral - np.outer(offsets, slope)).max()
    if sideways > SIDEWAYS_LIMIT_MM:
        raise SeriesError(
            f"slices are shifted sideways against each other by up to {sideways:.1f} mm",
            remedy="reconstruct the series again with one field of view",
        )
    degrees = float(np.degrees(np.arctan(np.linalg.norm(slope))))
    if degrees > TILT_LIMIT_DEGREES:
        raise SeriesError(f"the slices are stacked at {degrees:.0f} degrees to their normal")
    return bool(np.linalg.norm(lateral, axis=1).max() > RESIDUAL_LIMIT_MM), degrees


def _grid(
    origin: FloatArray,
    axes: FloatArray,
    shape: tuple[int, int],
    spacing_mm: tuple[float, float],
    layout: Layout,
    lateral: FloatArray | None,
) -> tuple[Grid, FloatArray]:
    """Return the grid, widened to hold every shifted slice, and the shift of its origin in mm."""
    rows, columns = shape
    low = np.zeros(2)
    if lateral is not None:
        spacing = np.asarray(spacing_mm)
        first = np.floor(lateral.min(axis=0) / spacing + 1e-6)
        last = np.ceil(lateral.max(axis=0) / spacing - 1e-6)
        low = first * spacing
        rows, columns = rows + int(last[0] - first[0]), columns + int(last[1] - first[1])
    start = origin + low[0] * axes[1] + low[1] * axes[0] + layout.start_mm * axes[2]
    grid = Grid.from_axes(
        (layout.count, rows, columns),
        spacing_mm=(layout.step_mm, *spacing_mm),
        origin_lps_mm=tuple(float(v) for v in start),
        directions=axes[[2, 1, 0]].T,
    )
    return grid, low


def _residual(layout: Layout, lateral: FloatArray, tilted: bool) -> float:
    """Return what the grid leaves over: nothing sideways where every slice is shifted in place."""
    sideways = 0.0 if tilted else float(np.linalg.norm(lateral, axis=1).max())
    return float(np.hypot(sideways, layout.axial_residual_mm))
