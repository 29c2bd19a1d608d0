"""Slices along their normal and their places on a regular grid: steps even and uneven, and gaps."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from venoseg.errors import SeriesError
from venoseg.volume import FloatArray

# A slice may lie this far from its place on the grid: the rounding of positions to 0.1 mm.
RESIDUAL_LIMIT_MM = 0.1
# ... and never more than this share of the step.
RESIDUAL_LIMIT_OF_STEP = 0.1
SAME_POSITION_MM = 1e-3
# A step this much longer than its surroundings leaves slices out.
GAP_RATIO = 1.5


@dataclass(frozen=True, slots=True)
class Blend:
    """A slice of the grid between two slices: ``share`` of the way from ``below`` to ``above``."""

    below: int
    above: int
    share: float


@dataclass(frozen=True, slots=True)
class Layout:
    """The grid along the normal: first position, step, number of slices, and where each goes."""

    start_mm: float
    step_mm: float
    count: int
    slots: tuple[int, ...]
    axial_residual_mm: float
    uneven: bool
    gaps: tuple[tuple[int, int], ...]
    missing_images: int


def lay_out(offsets: FloatArray, steps: FloatArray, numbers: list[int | None]) -> Layout:
    """Lay a regular grid along the normal through slices in order.

    Parameters
    ----------
    offsets
        (n,) position of each slice along the normal in mm, from the first.
    steps
        (n - 1,) their differences.
    numbers
        Instance numbers of the slices, in the same order.

    Raises
    ------
    SeriesError
        When every step leaves slices out, or more slices are missing than are there.
    """
    regular = _fit(offsets, np.arange(len(offsets)))
    if regular is not None:
        return regular
    broken = _gap_steps(steps, numbers)
    whole = steps[~broken]
    if whole.size == 0:
        raise SeriesError("no two slices are neighbours: every step leaves slices out")
    if broken.any():
        base = float(np.median(whole))
        slots = np.concatenate([[0], np.cumsum(np.maximum(np.rint(steps / base), 1).astype(int))])
        fitted = _fit(offsets, slots)
        if fitted is not None:
            return _checked(fitted, len(offsets))
    return _checked(_resampled(offsets, steps, broken, whole), len(offsets))


def _fit(offsets: FloatArray, slots: np.ndarray) -> Layout | None:
    """Return the best regular grid with the slices at these places, or None beyond tolerance."""
    step, start = np.polyfit(slots, offsets, 1)
    residual = float(np.abs(offsets - (start + step * slots)).max())
    if residual > min(RESIDUAL_LIMIT_MM, RESIDUAL_LIMIT_OF_STEP * step):
        return None
    gaps = tuple((int(a), int(b)) for a, b in pairwise(slots) if b - a > 1)
    return Layout(
        start_mm=float(start),
        step_mm=float(step),
        count=int(slots[-1]) + 1,
        slots=tuple(int(k) for k in slots),
        axial_residual_mm=residual,
        uneven=False,
        gaps=gaps,
        missing_images=sum(b - a - 1 for a, b in gaps),
    )


def _gap_steps(steps: FloatArray, numbers: list[int | None]) -> np.ndarray:
    """Tell which steps leave slices out, rather than being a wider step of the scanner.

    A step well above the median is a gap when the instance numbers jump with it, or when both its
    neighbours are shorter. A run of wide steps with consecutive numbers was scanned that way.
    """
    wide = steps > GAP_RATIO * np.median(steps)
    padded = np.concatenate([[0.0], steps, [0.0]])
    alone = steps > GAP_RATIO * np.maximum(padded[:-2], padded[2:])
    known = [n for n in numbers if n is not None]
    if len(known) == len(numbers):
        jumps = np.diff(np.array(known))
        if (jumps > 0).all() or (jumps < 0).all():
            usual = max(int(np.median(np.abs(jumps))), 1)
            return np.asarray(wide & (alone | (np.abs(jumps) >= 2 * usual)))
    return np.asarray(wide & alone)


def _resampled(
    offsets: FloatArray, steps: FloatArray, broken: np.ndarray, whole: FloatArray
) -> Layout:
    """Return a regular grid over the whole extent, fine enough for all but the rarest steps."""
    extent = float(offsets[-1])
    step = max(float(np.quantile(whole, 0.1)), extent / (4 * len(offsets)))
    count = int(np.floor(extent / step + 1e-6)) + 1
    gaps = []
    for i in np.flatnonzero(broken):
        first = int(np.floor(offsets[i] / step + 1e-6))
        last = int(np.ceil(offsets[i + 1] / step - 1e-6))
        if last - first > 1:
            gaps.append((first, last))
    swallowed = np.maximum(np.rint(steps[broken] / np.median(whole)) - 1, 1)
    return Layout(
        start_mm=0.0,
        step_mm=step,
        count=count,
        slots=(),
        axial_residual_mm=0.0,
        uneven=True,
        gaps=tuple(gaps),
        missing_images=int(swallowed.sum()),
    )


def blends_of(layout: Layout, offsets: FloatArray) -> tuple[Blend | None, ...]:
    """Return of which slices each slice of the grid is made; None inside a gap."""
    if not layout.uneven:
        placed = {k: Blend(i, i, 0.0) for i, k in enumerate(layout.slots)}
        return tuple(placed.get(k) for k in range(layout.count))
    blends: list[Blend | None] = []
    for k in range(layout.count):
        at = layout.start_mm + k * layout.step_mm
        below = min(max(int(np.searchsorted(offsets, at, side="right")) - 1, 0), len(offsets) - 1)
        above = min(below + 1, len(offsets) - 1)
        width = offsets[above] - offsets[below]
        share = min(float((at - offsets[below]) / width), 1.0) if width > 0 else 0.0
        inside_gap = any(first < k < last for first, last in layout.gaps)
        blends.append(None if inside_gap else _snapped(below, above, share, width))
    return tuple(blends)


def _snapped(below: int, above: int, share: float, width: float) -> Blend:
    """Take a slice as it is where the grid meets it."""
    if share * width < SAME_POSITION_MM:
        return Blend(below, below, 0.0)
    if (1 - share) * width < SAME_POSITION_MM:
        return Blend(above, above, 0.0)
    return Blend(below, above, share)


def _checked(layout: Layout, images: int) -> Layout:
    if layout.missing_images > images:
        raise SeriesError(
            f"{layout.missing_images} slices are missing between the {images} that are there",
            remedy="export the series again, or give one block of slices at a time",
        )
    return layout
