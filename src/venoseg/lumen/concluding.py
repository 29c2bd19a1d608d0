"""From what is known of a vein's stations to its figures."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from venoseg.centerline.curve import Curve
from venoseg.centerline.tree import Branch
from venoseg.lumen.assess import (
    Flags,
    note_apart,
    note_brief,
    note_components,
    note_concave,
    note_lost,
    note_unexplained,
    note_vague,
)
from venoseg.lumen.boundary.vein_wall import EdgeModel
from venoseg.lumen.brief import brief_dips
from venoseg.lumen.chosen_edges import ChosenEdges, choose_edges
from venoseg.lumen.division.divided import Whole, lumens_of
from venoseg.lumen.drawn import Drawn
from venoseg.lumen.evidence import Boundary, Evidence, gather, runs
from venoseg.lumen.geometry.contours import Shapes, centroids_mm, equivalent_mm, measure_shapes
from venoseg.lumen.noise.uncertainty import common_wall_mm, slit_tips_mm
from venoseg.lumen.parted import put_lumens
from venoseg.lumen.profile import VesselProfile
from venoseg.lumen.rays.blur import label_blur
from venoseg.lumen.rays.edges import to_lps
from venoseg.lumen.rays.grain import Grain
from venoseg.volume import BoolArray, FloatArray, Volume


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
    found = ChosenEdges.unknown(len(curve))
    for run in runs(evidence.whole):
        found.fill(run, choose_edges(volume, branch, evidence, boundary, run, flags[run]))
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
    note_concave(found.contours_mm, shapes, flags)
    note_brief(brief_dips(shapes.equivalent_mm, half_equivalent, curve, volume.grid), flags)
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


def _with_lumens(profile: VesselProfile, volume: Volume, found: ChosenEdges) -> VesselProfile:
    """Put the lumens of the stations that a sheet divides in the place of the whole."""
    drawn = profile.drawn.stations
    outer = np.where(drawn[:, None, None], np.nan, found.contours_mm)
    model = profile.evidence.model
    whole = Whole(outer, found.half_mm, found.from_image, None if model is None else model.blur)
    lumens = lumens_of(volume, profile.branch, whole)
    return profile if len(lumens.stations) == 0 else put_lumens(profile, lumens)


def _blur_mm(branch: Branch, evidence: Evidence, from_image: BoolArray) -> FloatArray:
    """Return (n,) how blurred the edge of each station is in the plane of the image."""
    labels = label_blur(branch.region.grid).in_plane_mm
    image = labels if evidence.model is None else evidence.model.blur.in_plane_mm
    return np.where(from_image, image, labels)


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
