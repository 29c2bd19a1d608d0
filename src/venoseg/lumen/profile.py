"""One vein measured at all its stations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from venoseg.centerline.curve import Curve
from venoseg.centerline.label_sections import label_sections
from venoseg.centerline.tree import Branch
from venoseg.lumen.assess import (
    Flags,
    image_decides,
    note_components,
    note_lost,
    note_narrow,
    note_unexplained,
    resolution_mm,
    whole_sections,
)
from venoseg.lumen.contours import Shapes, area_and_centroid, measure_shapes
from venoseg.lumen.edges import to_lps
from venoseg.lumen.outline import CONTOUR_POINTS, outline_labels
from venoseg.lumen.uncertainty import intervals_of
from venoseg.lumen.wall import Wall, wall_of_image, wall_of_labels
from venoseg.volume import BoolArray, FloatArray, Grid, Volume

Boundary = Literal["gray", "mask"]

# The labels are looked at in planes with points this many voxels apart.
_PIXEL = 0.6

# Of a lumen below the resolution this share of the resolution may be wrong.
_NARROW_DOUBT = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class VesselProfile:
    """All n stations of one vein.

    Attributes
    ----------
    branch
        The vein's centerline.
    contours_mm
        (n, m, 2) the lumen in (across, upward) mm from the station; NaN where not measured.
    centers_lps_mm
        (n, 3) middle of the lumen; the station itself where not measured.
    shapes
        Its figures; NaN where not measured.
    area_interval_mm2, minimum_interval_mm
        (n, 2) low and high ends of the 95 % interval of the area and of the minimum diameter.
    measured
        (n,) True where the lumen could be measured.
    from_image
        (n,) True where the gray values, not the labels, decide where the edge is.
    components
        (n,) number of separate lumens.
    contrast_hu
        (n,) inside minus outside; NaN where it was not looked at.
    flags
        n tuples of words: why a station is not measured or how.
    """

    branch: Branch
    contours_mm: FloatArray
    centers_lps_mm: FloatArray
    shapes: Shapes
    area_interval_mm2: FloatArray
    minimum_interval_mm: FloatArray
    measured: BoolArray
    from_image: BoolArray
    components: npt.NDArray[np.int64]
    contrast_hu: FloatArray
    flags: tuple[tuple[str, ...], ...]

    @property
    def vessel(self) -> str:
        """The vein's name."""
        return self.branch.vessel


def profile_of(volume: Volume, branch: Branch, boundary: Boundary) -> VesselProfile:
    """Measure one vein at all its stations.

    Parameters
    ----------
    volume
        The image; its grid is that of the labels.
    branch
        The vein.
    boundary
        ``gray``: the edge is where the gray values put it, and where they show none, where the
        labels put it; ``mask``: the labels' own edge throughout.
    """
    curve, count = branch.curve, len(branch.curve)
    flags: Flags = [[] for _ in range(count)]
    pixel_mm = float(np.clip(_PIXEL * branch.region.grid.spacing_mm.min(), 0.4, 1.0))
    sections = label_sections(branch.region, curve, branch.half_width_mm, pixel_mm)
    outlines = outline_labels(sections, float(curve.position_mm[1]))
    whole = outlines.found & whole_sections(volume, branch, sections, flags)
    found = _Edges.unknown(count)
    for run in _runs(np.flatnonzero(whole)):
        part, start = curve.part(run), outlines.contours_mm[run]
        found.fill(run, _edges(volume, branch, part, start, boundary, flags[run]))
    lost = note_lost(area_and_centroid(found.contours_mm)[0], sections, flags)
    found.contours_mm[lost] = np.nan
    shapes = measure_shapes(found.contours_mm)
    measured = ~np.isnan(shapes.area_mm2)
    note_components(outlines.components, measured, flags)
    note_unexplained(outlines.found, measured, flags)
    return VesselProfile(
        branch=branch,
        contours_mm=found.contours_mm,
        centers_lps_mm=_centers(curve, found.contours_mm, measured),
        shapes=shapes,
        area_interval_mm2=_area_interval(shapes, found.half_equivalent_mm),
        minimum_interval_mm=_clipped(shapes.minimum_mm, found.half_minimum_mm),
        measured=measured,
        from_image=found.from_image & measured,
        components=outlines.components,
        contrast_hu=found.contrast_hu,
        flags=tuple(tuple(words) for words in flags),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Edges:
    """The edge at n stations: contours, half widths of the intervals, and where it comes from."""

    contours_mm: FloatArray
    half_equivalent_mm: FloatArray
    half_minimum_mm: FloatArray
    from_image: BoolArray
    contrast_hu: FloatArray

    @classmethod
    def unknown(cls, count: int) -> _Edges:
        """Return stations at which nothing is known."""
        return cls(
            np.full((count, CONTOUR_POINTS, 2), np.nan),
            np.full(count, np.nan),
            np.full(count, np.nan),
            np.zeros(count, dtype=bool),
            np.full(count, np.nan),
        )

    def fill(self, run: slice, edges: _Edges) -> None:
        """Put the edges of a run of stations in their place."""
        for name in self.__slots__:
            getattr(self, name)[run] = getattr(edges, name)


def _edges(
    volume: Volume,
    branch: Branch,
    curve: Curve,
    outlines_mm: FloatArray,
    boundary: Boundary,
    flags: Flags,
) -> _Edges:
    """Find the edge at consecutive stations, in the image where it shows one."""
    grid = branch.region.grid
    labels = wall_of_labels(branch.region, curve, outlines_mm)
    resolution = resolution_mm(labels.blur, curve, grid)
    from_image = np.zeros(len(curve), dtype=bool)
    contrast = np.full(len(curve), np.nan)
    contours = labels.contours_mm
    walls: list[tuple[Wall, Grid, BoolArray, Boundary]] = []
    if boundary == "gray":
        image = wall_of_image(volume, curve, labels.contours_mm)
        from_image = image_decides(image, volume, flags)
        contours = np.where(from_image[:, None, None], image.contours_mm, contours)
        contrast = image.inside - image.outside
        resolution = np.where(from_image, resolution_mm(image.blur, curve, grid), resolution)
        walls.append((image, volume.grid, from_image, "gray"))
    walls.append((labels, grid, ~from_image, "mask"))
    half = np.full((2, len(curve)), np.nan)
    for wall, of, chosen, edge in walls:
        if chosen.any():
            interval = intervals_of(wall, curve, of, edge)
            half = np.where(chosen, [interval.equivalent_mm, interval.minimum_mm], half)
    narrow = note_narrow(measure_shapes(contours).equivalent_mm, resolution, flags)
    half = np.hypot(half, np.where(narrow, _NARROW_DOUBT * resolution, 0.0))
    return _Edges(contours, half[0], half[1], from_image, contrast)


def _runs(stations: npt.NDArray[np.intp]) -> list[slice]:
    """Return the runs of consecutive stations long enough to be smoothed along."""
    if len(stations) == 0:
        return []
    breaks = np.flatnonzero(np.diff(stations) > 1)
    starts = np.concatenate([[stations[0]], stations[breaks + 1]])
    stops = np.concatenate([stations[breaks], [stations[-1]]]) + 1
    return [slice(int(a), int(b)) for a, b in zip(starts, stops, strict=True) if b - a > 1]


def _centers(curve: Curve, contours: FloatArray, measured: BoolArray) -> FloatArray:
    middle = np.nan_to_num(area_and_centroid(contours)[1])
    moved = curve.points_lps_mm + to_lps(middle[:, None, :], curve)[:, 0]
    return np.where(measured[:, None], moved, curve.points_lps_mm)


def _area_interval(shapes: Shapes, half_equivalent_mm: FloatArray) -> FloatArray:
    """Turn the interval of the equivalent diameter into one of the area."""
    diameters = _clipped(shapes.equivalent_mm, half_equivalent_mm)
    interval: FloatArray = np.pi / 4.0 * diameters**2
    return interval


def _clipped(value: FloatArray, half: FloatArray) -> FloatArray:
    return np.stack([np.maximum(value - half, 0.0), value + half], axis=-1)
