"""The edge of the lumen at every station: from the image where it shows one, else the labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from venoseg.centerline.curve import Curve
from venoseg.centerline.tree import Branch
from venoseg.lumen.assess import (
    Flags,
    image_decides,
    note_ambiguous,
    note_dark,
    note_narrow,
    note_webbed,
    resolution_mm,
)
from venoseg.lumen.boundary.narrow import for_every_blur_mm
from venoseg.lumen.boundary.search import DEEPEST, REACH_MM, depths_mm
from venoseg.lumen.evidence import Boundary, Evidence
from venoseg.lumen.geometry.contours import equivalent_mm
from venoseg.lumen.geometry.outline import CONTOUR_POINTS
from venoseg.lumen.noise.alike import Edge
from venoseg.lumen.noise.uncertainty import (
    half_intervals_mm,
    hidden_wall_mm,
    unproved_labels_mm,
    unseen_rim_mm,
)
from venoseg.lumen.rays.blur import label_blur
from venoseg.volume import BoolArray, FloatArray, Volume

# Of a lumen below the resolution this share of the resolution may be wrong.
_NARROW_DOUBT = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class ChosenEdges:
    """The edge at n stations: contours, half widths of the intervals, and where it comes from."""

    contours_mm: FloatArray
    half_mm: FloatArray
    from_image: BoolArray
    contrast_hu: FloatArray

    @classmethod
    def unknown(cls, count: int) -> ChosenEdges:
        """Return stations at which nothing is known."""
        return cls(
            np.full((count, CONTOUR_POINTS, 2), np.nan),
            np.full((count, 2), np.nan),
            np.zeros(count, dtype=bool),
            np.full(count, np.nan),
        )

    def fill(self, run: slice, edges: ChosenEdges) -> None:
        """Put the edges of a run of stations in their place."""
        for name in self.__slots__:
            getattr(self, name)[run] = getattr(edges, name)


def choose_edges(
    volume: Volume,
    branch: Branch,
    evidence: Evidence,
    boundary: Boundary,
    run: slice,
    flags: Flags,
) -> ChosenEdges:
    """Take the edge of consecutive stations from the image where it shows one, else the labels."""
    curve = branch.curve.part(run)
    image, labels = evidence.image.part(run), evidence.labels.part(run)
    from_image = np.zeros(len(curve), dtype=bool)
    if boundary == "gray":
        from_image = image_decides(image, volume, flags)
        note_webbed(image, from_image, flags)
        note_dark(evidence.blood.dark[run], from_image, flags)
        note_ambiguous(image, from_image, flags)
    contours = np.where(from_image[:, None, None], image.contours_mm, labels.contours_mm)
    half = np.full((len(curve), 2), np.nan)
    resolution = np.zeros(len(curve))
    model, grid = evidence.model, branch.region.grid
    seen = None if model is None else Edge("gray", model.blur, volume.grid, evidence.grain)
    drawn = Edge("mask", label_blur(grid), grid)
    for wall, variances, edge, chosen in (
        (image, evidence.image_variances_mm2, seen, from_image),
        (labels, evidence.label_variances_mm2, drawn, ~from_image),
    ):
        if edge is not None and chosen.any():
            noise = half_intervals_mm(variances[run], contours, curve, edge)
            half[chosen] = np.hypot(noise, hidden_wall_mm(wall))[chosen]
            resolution[chosen] = resolution_mm(edge.blur, curve, edge.grid)[chosen]
    unseen = unseen_rim_mm(image, grid)[:, None]
    half[from_image] = (np.hypot(half, unseen) + evidence.blood.more_mm[run])[from_image]
    if seen is not None and model is not None and not model.blur_told and from_image.any():
        blur_mm = _across_mm(seen, curve)[from_image]
        ways = (blur_mm, depths_mm(REACH_MM), DEEPEST)
        half[from_image] = for_every_blur_mm(contours[from_image], half[from_image], *ways)
    if boundary == "gray" and not from_image.all():
        apart = equivalent_mm(image.contours_mm) - equivalent_mm(labels.contours_mm)
        doubt = unproved_labels_mm(apart[from_image], grid)
        half[~from_image] = np.hypot(half[~from_image], doubt)
    narrow = note_narrow(equivalent_mm(contours), resolution, flags)
    half = np.hypot(half, np.where(narrow, _NARROW_DOUBT * resolution, 0.0)[:, None])
    return ChosenEdges(contours, half, from_image, image.inside - image.outside)


def _across_mm(edge: Edge, curve: Curve) -> FloatArray:
    """Return (n,) how blurred edges are in the planes across a curve: standard deviation."""
    across, upward = (edge.blur.along(way, edge.grid) for way in (curve.across, curve.upward))
    blur_mm: FloatArray = np.sqrt((across**2 + upward**2) / 2.0)
    return blur_mm
