"""One vein measured at all its stations."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from venoseg.centerline.curve import Curve
from venoseg.centerline.tree import Branch
from venoseg.lumen.alike import Edge
from venoseg.lumen.assess import (
    CONCAVE,
    SEVERAL,
    WEBBED,
    Flags,
    image_decides,
    note_apart,
    note_components,
    note_concave,
    note_lost,
    note_narrow,
    note_unexplained,
    note_vague,
    note_webbed,
    resolution_mm,
)
from venoseg.lumen.blur import label_blur
from venoseg.lumen.contours import Shapes, centroids_mm, equivalent_mm, measure_shapes
from venoseg.lumen.divided import Whole, lumens_of
from venoseg.lumen.drawn import Drawn
from venoseg.lumen.edges import to_lps
from venoseg.lumen.evidence import Boundary, Evidence, gather, runs
from venoseg.lumen.grain import Grain
from venoseg.lumen.lumens import Lumens
from venoseg.lumen.outline import CONTOUR_POINTS
from venoseg.lumen.stent_sections import StentSections
from venoseg.lumen.uncertainty import (
    common_wall_mm,
    half_intervals_mm,
    hidden_wall_mm,
    slit_tips_mm,
    unproved_labels_mm,
    unseen_rim_mm,
)
from venoseg.lumen.vein_wall import EdgeModel
from venoseg.volume import BoolArray, FloatArray, Volume

__all__ = ["Boundary", "ShutState", "VesselProfile", "conclude", "profile_of"]

ShutState = Literal["occluded", "bridged", "not_assessable"]

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
        (n, m, 2) the lumen in (across, upward) mm from the station, the largest where there are
        several; NaN where not measured.
    centers_lps_mm
        (n, 3) middle of the lumen; the station itself where not measured.
    shapes
        Its figures; NaN where not measured.
    area_interval_mm2, minimum_interval_mm
        (n, 2) low and high ends of the 95 % interval of the area and of the minimum diameter.
    common_half_mm
        (n,) the part of the half width of a diameter's interval that another image of the same vein
        shares, as it comes from the vein's own wall; 0 where there is none.
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
    drawn
        Contours that a person drew, which stand in place of what was found.
    evidence
        What the figures were made of.
    shut
        The state of each station without labelled lumen, None of the others; empty for a vein
        without such stations.
    stent
        The stents in the stations' planes; None where the vein holds none.
    lumens
        All lumens of the stations that have several; areas and outlines of these are summed in the
        vein's figures, widths are the least and the greatest.
    """

    branch: Branch
    contours_mm: FloatArray
    centers_lps_mm: FloatArray
    shapes: Shapes
    area_interval_mm2: FloatArray
    minimum_interval_mm: FloatArray
    common_half_mm: FloatArray
    measured: BoolArray
    from_image: BoolArray
    components: npt.NDArray[np.int64]
    contrast_hu: FloatArray
    flags: tuple[tuple[str, ...], ...]
    drawn: Drawn = field(repr=False)
    evidence: Evidence = field(repr=False)
    shut: tuple[ShutState | None, ...] = ()
    stent: StentSections | None = None
    lumens: Lumens = field(default_factory=Lumens.none, repr=False)

    @property
    def vessel(self) -> str:
        """The vein's name."""
        return self.branch.vessel

    @property
    def step_mm(self) -> float:
        """Distance of the stations."""
        return float(self.branch.curve.position_mm[1])

    def outlines_mm(self, station: int) -> FloatArray:
        """Return (k, m, 2) the outlines of all lumens of a station, the largest first."""
        own = self.lumens.contours_mm[self.lumens.at(station)]
        return own if len(own) else self.contours_mm[station][None]


def profile_of(
    volume: Volume,
    branch: Branch,
    boundary: Boundary,
    grain: Grain,
    model: EdgeModel | None = None,
) -> VesselProfile:
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
    grain
        Of the noise.
    model
        What an edge looks like in the image; None: it is told from the wall.
    """
    evidence = gather(volume, branch, boundary, grain, model)
    return conclude(volume, branch, boundary, evidence, Drawn.nothing(len(branch.curve)))


def conclude(
    volume: Volume,
    branch: Branch,
    boundary: Boundary,
    evidence: Evidence,
    drawn: Drawn,
    before: VesselProfile | None = None,
) -> VesselProfile:
    """Turn what is known of a vein's stations into its figures.

    Parameters
    ----------
    volume, branch, boundary
        As `profile_of` takes them.
    evidence
        What is known of the stations.
    drawn
        Contours that a person drew.
    before
        Figures of the same stations: those of contours that are still the same are taken over.
    """
    curve = branch.curve
    flags: Flags = [list(words) for words in evidence.notes]
    found = _Edges.unknown(len(curve))
    for run in runs(evidence.whole):
        found.fill(run, _edges(volume, branch, evidence, boundary, run, flags[run]))
    lost = note_lost(found.contours_mm, evidence.view, branch.region.grid.spacing_mm, flags)
    found.contours_mm[lost | note_apart(evidence.view, flags)] = np.nan
    diameter = equivalent_mm(found.contours_mm)
    vague = note_vague(diameter, found.half_mm[:, 0], ~np.isnan(diameter), flags)
    found.contours_mm[vague] = np.nan
    drawn.replace(found.contours_mm, found.half_mm, found.from_image, flags)
    shapes = _shapes(found.contours_mm, before)
    measured = ~np.isnan(shapes.area_mm2)
    half_equivalent = found.half_mm[:, 0] + slit_tips_mm(
        shapes.minimum_mm, shapes.maximum_mm, _blur_mm(branch, evidence, found.from_image)
    )
    note_components(evidence.view.components, measured, flags)
    note_concave(found.contours_mm, measured, flags)
    note_unexplained(evidence.view.found, measured, flags)
    plain = VesselProfile(
        branch=branch,
        contours_mm=found.contours_mm,
        centers_lps_mm=_centers(curve, found.contours_mm, measured),
        shapes=shapes,
        area_interval_mm2=_area_interval(shapes, half_equivalent),
        minimum_interval_mm=_clipped(shapes.minimum_mm, found.half_mm[:, 1]),
        common_half_mm=np.where(
            found.from_image & measured, np.nan_to_num(common_wall_mm(evidence.image)), 0.0
        ),
        measured=measured,
        from_image=found.from_image & measured,
        components=evidence.view.components,
        contrast_hu=found.contrast_hu,
        flags=tuple(tuple(words) for words in flags),
        drawn=drawn,
        evidence=evidence,
    )
    return _with_lumens(plain, volume, found)


def _with_lumens(profile: VesselProfile, volume: Volume, found: _Edges) -> VesselProfile:
    """Put the lumens of the stations that a sheet divides in the place of the whole."""
    drawn = profile.drawn.stations
    outer = np.where(drawn[:, None, None], np.nan, found.contours_mm)
    model = profile.evidence.model
    whole = Whole(outer, found.half_mm, found.from_image, None if model is None else model.blur)
    lumens = lumens_of(volume, profile.branch, whole)
    return profile if len(lumens.stations) == 0 else put_lumens(profile, lumens)


def put_lumens(profile: VesselProfile, lumens: Lumens) -> VesselProfile:
    """Return a vein with several lumens at some of its stations."""
    figures = {f.name: getattr(profile.shapes, f.name).copy() for f in fields(Shapes)}
    contours, centers = profile.contours_mm.copy(), profile.centers_lps_mm.copy()
    area, least = profile.area_interval_mm2.copy(), profile.minimum_interval_mm.copy()
    components, flags = profile.components.copy(), [list(words) for words in profile.flags]
    curve = profile.branch.curve
    for n in np.unique(lumens.stations).tolist():
        own = lumens.at(n)
        shapes = lumens.shapes.part(own)
        total = float(shapes.area_mm2.sum())
        contours[n] = lumens.contours_mm[own][0]
        figures["area_mm2"][n] = total
        figures["equivalent_mm"][n] = 2.0 * np.sqrt(total / np.pi)
        figures["perimeter_mm"][n] = shapes.perimeter_mm.sum()
        figures["minimum_mm"][n] = shapes.minimum_mm.min()
        figures["maximum_mm"][n] = shapes.maximum_mm.max()
        figures["inscribed_mm"][n] = shapes.inscribed_mm.max()
        figures["minimum_angle_rad"][n] = shapes.minimum_angle_rad[0]
        area[n] = lumens.area_interval_mm2[own].sum(axis=0)
        least[n] = lumens.minimum_interval_mm[own].min(axis=0)
        middle = np.average(lumens.centers_mm[own], axis=0, weights=shapes.area_mm2)
        centers[n] = (
            curve.points_lps_mm[n] + to_lps(middle[None, None], curve.part(slice(n, n + 1)))[0, 0]
        )
        components[n] = len(shapes.area_mm2)
        kept = [word for word in flags[n] if word not in (CONCAVE, SEVERAL, WEBBED)]
        flags[n] = [*kept, SEVERAL]
    return replace(
        profile,
        contours_mm=contours,
        centers_lps_mm=centers,
        shapes=Shapes(**figures),
        area_interval_mm2=area,
        minimum_interval_mm=least,
        components=components,
        flags=tuple(map(tuple, flags)),
        lumens=lumens,
    )


def _blur_mm(branch: Branch, evidence: Evidence, from_image: BoolArray) -> FloatArray:
    """Return (n,) how blurred the edge of each station is in the plane of the image."""
    labels = label_blur(branch.region.grid).in_plane_mm
    image = labels if evidence.model is None else evidence.model.blur.in_plane_mm
    return np.where(from_image, image, labels)


@dataclass(frozen=True, slots=True, eq=False)
class _Edges:
    """The edge at n stations: contours, half widths of the intervals, and where it comes from."""

    contours_mm: FloatArray
    half_mm: FloatArray
    from_image: BoolArray
    contrast_hu: FloatArray

    @classmethod
    def unknown(cls, count: int) -> _Edges:
        """Return stations at which nothing is known."""
        return cls(
            np.full((count, CONTOUR_POINTS, 2), np.nan),
            np.full((count, 2), np.nan),
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
    evidence: Evidence,
    boundary: Boundary,
    run: slice,
    flags: Flags,
) -> _Edges:
    """Take the edge of consecutive stations from the image where it shows one, else the labels."""
    curve = branch.curve.part(run)
    image, labels = evidence.image.part(run), evidence.labels.part(run)
    from_image = np.zeros(len(curve), dtype=bool)
    if boundary == "gray":
        from_image = image_decides(image, volume, flags)
        note_webbed(image, from_image, flags)
    contours = np.where(from_image[:, None, None], image.contours_mm, labels.contours_mm)
    half = np.full((len(curve), 2), np.nan)
    resolution = np.zeros(len(curve))
    model, grid = evidence.model, branch.region.grid
    seen = None if model is None else Edge("gray", model.blur, volume.grid, evidence.grain)
    drawn = Edge("mask", label_blur(grid), grid)
    for variances, edge, chosen in (
        (evidence.image_variances_mm2, seen, from_image),
        (evidence.label_variances_mm2, drawn, ~from_image),
    ):
        if edge is not None and chosen.any():
            half[chosen] = half_intervals_mm(variances[run], contours, curve, edge)[chosen]
            resolution[chosen] = resolution_mm(edge.blur, curve, edge.grid)[chosen]
    unseen = np.hypot(hidden_wall_mm(image), unseen_rim_mm(image, grid)[:, None])
    half[from_image] = np.hypot(half, unseen)[from_image]
    if boundary == "gray" and not from_image.all():
        apart = equivalent_mm(image.contours_mm) - equivalent_mm(labels.contours_mm)
        doubt = unproved_labels_mm(apart[from_image], grid)
        half[~from_image] = np.hypot(half[~from_image], doubt)
    narrow = note_narrow(equivalent_mm(contours), resolution, flags)
    half = np.hypot(half, np.where(narrow, _NARROW_DOUBT * resolution, 0.0)[:, None])
    return _Edges(contours, half, from_image, image.inside - image.outside)


def _shapes(contours: FloatArray, before: VesselProfile | None) -> Shapes:
    """Measure the contours, but only those that are not what they were before."""
    if before is None:
        return measure_shapes(contours)
    old = before.contours_mm
    same = ((contours == old) | (np.isnan(contours) & np.isnan(old))).all(axis=(1, 2))
    figures = {f.name: getattr(before.shapes, f.name).copy() for f in fields(Shapes)}
    if not same.all():
        again = measure_shapes(contours[~same])
        for name, values in figures.items():
            values[~same] = getattr(again, name)
    return Shapes(**figures)


def _centers(curve: Curve, contours: FloatArray, measured: BoolArray) -> FloatArray:
    middle = np.nan_to_num(centroids_mm(contours))
    moved = curve.points_lps_mm + to_lps(middle[:, None, :], curve)[:, 0]
    return np.where(measured[:, None], moved, curve.points_lps_mm)


def _area_interval(shapes: Shapes, half_equivalent_mm: FloatArray) -> FloatArray:
    """Turn the interval of the equivalent diameter into one of the area."""
    diameters = _clipped(shapes.equivalent_mm, half_equivalent_mm)
    interval: FloatArray = np.pi / 4.0 * diameters**2
    return interval


def _clipped(value: FloatArray, half: FloatArray) -> FloatArray:
    return np.stack([np.maximum(value - half, 0.0), value + half], axis=-1)
