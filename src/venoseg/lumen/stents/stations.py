"""Stents, measured along their own courses, put into the stations of the veins they lie in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from venoseg.centerline import VesselTree
from venoseg.centerline.curve import Curve
from venoseg.lumen.concluding import conclude
from venoseg.lumen.division.lumens import Lumens
from venoseg.lumen.drawn import DRAWN
from venoseg.lumen.evidence import outshone
from venoseg.lumen.geometry.contours import (
    Shapes,
    areas_mm2,
    centroids_mm,
    held_within,
    measure_shapes,
)
from venoseg.lumen.parted import put_lumens
from venoseg.lumen.profile import VesselProfile
from venoseg.lumen.rays.edges import to_lps
from venoseg.lumen.stents.profile import StentProfile
from venoseg.lumen.stents.sections import StentSections
from venoseg.segmentation import Segmentation
from venoseg.volume import FloatArray, Volume

IN_STENT = "in_stent"

# A stent that leans more than this (cosine) against the vein is not cut across by its stations.
_LEAST_LEAN = 0.6

# A stent's middle is looked for within this distance of the vein's.
_ASIDE_MM = 25.0

# Words on the lumen that no longer hold where it is measured inside a stent.
_SETTLED = ("edge_lost", "edge_partly_from_labels", "junction", "near_junction", "end_of_labels")


@dataclass(frozen=True, slots=True, eq=False)
class OwnedStent:
    """A measured stent and the vein that each of its stations lies in."""

    profile: StentProfile
    vessels: tuple[str, ...]


def owned(profile: StentProfile, tree: VesselTree, segmentation: Segmentation) -> OwnedStent:
    """Tell in which vein each station of a stent lies: that of its label, else the nearest."""
    points = profile.curve.points_lps_mm
    grid = segmentation.grid
    index = np.clip(np.rint(grid.to_index(points)).astype(int), 0, np.array(grid.shape) - 1)
    values = segmentation.labels[tuple(index.T)].tolist()
    distance = np.stack(
        [
            np.linalg.norm(points[:, None] - branch.curve.points_lps_mm[None], axis=2).min(axis=1)
            for branch in tree.branches
        ]
    )
    nearest = distance.argmin(axis=0)
    traced = [branch.vessel for branch in tree.branches]
    names = [segmentation.names.get(value) for value in values]
    vessels = tuple(name if name in traced else traced[nearest[n]] for n, name in enumerate(names))
    return OwnedStent(profile, vessels)


def from_the_head(stents: Sequence[OwnedStent]) -> tuple[OwnedStent, ...]:
    """Order stents by the height of their central ends, those of equal height from the right."""

    def place(stent: OwnedStent) -> tuple[float, float]:
        x, _, z = stent.profile.curve.points_lps_mm[0].tolist()
        return -round(z), x

    return tuple(sorted(stents, key=place))


def with_stents(
    profile: VesselProfile, stents: Sequence[OwnedStent], volume: Volume
) -> VesselProfile:
    """Put the stents into a vein's stations.

    Inside a stent the lumen is the one found inside its wires, except where a person drew it or the
    blood is not enhanced. No lumen is larger than the stent around it: where the image seemed to
    show one, it is the edge of thin wires, and the labels' edge is taken.
    """
    stented = _stented(profile, stents)
    if stented.stent is None:
        return stented
    # As a whole, before wires of stents side by side part it.
    wider = profile.shapes.area_mm2 > stented.stent.area_mm2
    glare = profile.from_image & wider & np.isnan(stented.stent.stenosis_percent)
    if not glare.any():
        return stented
    evidence = outshone(profile.evidence, volume, profile.branch, glare)
    plain = conclude(volume, profile.branch, "gray", evidence, profile.drawn, profile)
    return _stented(replace(plain, shut=profile.shut), stents)


def _stented(profile: VesselProfile, stents: Sequence[OwnedStent]) -> VesselProfile:
    here = [s for s in stents if profile.vessel in s.vessels and s.profile.device.in_vein]
    if not here:
        return profile
    met = [_crossings(profile.branch.curve, stent, profile.vessel) for stent in here]
    state = _Stations.of(profile)
    for n in range(len(profile.branch.curve)):
        cuts = [
            (stent.profile, int(at[n]), float(lean[n]))
            for stent, (at, lean) in zip(here, met, strict=True)
            if at[n] >= 0
        ]
        if cuts:
            state.put(n, cuts)
    return state.profile()


def _crossings(
    curve: Curve, stent: OwnedStent, vessel: str
) -> tuple[npt.NDArray[np.intp], FloatArray]:
    """Return (n,) which station of a stent lies in the plane of each of the vein's, -1 for none.

    Also returns the cosine of the angle between stent and vein there.
    """
    own = np.flatnonzero([name == vessel for name in stent.vessels])
    course = stent.profile.curve
    step = np.diff(course.position_mm[:2]).item()
    offset = course.points_lps_mm[own][None] - curve.points_lps_mm[:, None]
    height = np.einsum("nik,nk->ni", offset, curve.tangents)
    aside = np.sqrt(np.maximum((offset**2).sum(axis=2) - height**2, 0.0))
    away = np.where(aside <= _ASIDE_MM, np.abs(height), np.inf)
    best = away.argmin(axis=1)
    rows = np.arange(len(curve))
    lean = np.abs(np.einsum("nk,nk->n", course.tangents[own][best], curve.tangents))
    fits = (away[rows, best] <= 0.75 * step) & (lean >= _LEAST_LEAN)
    return np.where(fits, own[best], -1), lean


_Cut = tuple[StentProfile, int, float]


@dataclass(frozen=True, slots=True, eq=False)
class _Stations:
    """A vein's stations while stents are put into them."""

    before: VesselProfile
    sections: StentSections
    contours_mm: FloatArray
    figures: dict[str, FloatArray]
    area_interval_mm2: FloatArray
    minimum_interval_mm: FloatArray
    centers_lps_mm: FloatArray
    components: npt.NDArray[np.int64]
    from_lumen: npt.NDArray[np.bool_]
    flags: list[tuple[str, ...]]
    parted: npt.NDArray[np.bool_]
    lumens: list[Lumens]

    @classmethod
    def of(cls, profile: VesselProfile) -> _Stations:
        """Return the stations as they are."""
        return cls(
            before=profile,
            sections=StentSections.none(len(profile.branch.curve)),
            contours_mm=profile.contours_mm.copy(),
            figures={f.name: getattr(profile.shapes, f.name).copy() for f in fields(Shapes)},
            area_interval_mm2=profile.area_interval_mm2.copy(),
            minimum_interval_mm=profile.minimum_interval_mm.copy(),
            centers_lps_mm=profile.centers_lps_mm.copy(),
            components=profile.components.copy(),
            from_lumen=np.zeros(len(profile.branch.curve), dtype=bool),
            flags=list(profile.flags),
            parted=np.ones(len(profile.branch.curve), dtype=bool),
            lumens=[],
        )

    def put(self, n: int, cuts: list[_Cut]) -> None:
        """Put what the plane of station ``n`` cuts of the stents into it."""
        sections = self.sections
        sections.covered[n] = True
        words = [word for stent, at, _ in cuts for word in stent.flags[at]]
        self.flags[n] = tuple(dict.fromkeys([*self.flags[n], IN_STENT, *words]))
        area = sum(float(s.shapes.area_mm2[at]) / lean for s, at, lean in cuts)
        if np.isnan(area):
            return
        sections.area_mm2[n] = area
        sections.minimum_mm[n] = min(float(s.shapes.minimum_mm[at]) for s, at, _ in cuts)
        sections.maximum_mm[n] = max(float(s.shapes.maximum_mm[at]) for s, at, _ in cuts)
        lumen = sum(float(s.lumen_shapes.area_mm2[at]) / lean for s, at, lean in cuts)
        if np.isnan(lumen):
            self._bound(n, sum(float(s.area_interval_mm2[at, 1]) / lean for s, at, lean in cuts))
            if len(cuts) > 1 and self.before.measured[n] and DRAWN not in self.flags[n]:
                self._part_by_wires(n, cuts)
            return
        sections.stenosis_percent[n] = 100.0 * (1.0 - lumen / area)
        if DRAWN not in self.flags[n]:
            self._take_lumen(n, cuts)

    def _bound(self, n: int, stent_high_mm2: float) -> None:
        """Let the interval of a lumen that only the labels tell end at the stent's own."""
        lumen = float(self.figures["area_mm2"][n])
        if np.isnan(lumen):
            return
        high = max(stent_high_mm2, lumen)
        self.area_interval_mm2[n, 1] = min(high, float(self.area_interval_mm2[n, 1]))

    def _take_lumen(self, n: int, cuts: list[_Cut]) -> None:
        """Let the lumen inside the stents stand for the vein's."""
        curve = self.before.branch.curve.part(slice(n, n + 1))
        contours = np.concatenate([_projected(s, s.lumen_mm[at], at, curve) for s, at, _ in cuts])
        shapes = measure_shapes(contours)
        half = np.stack(
            [np.abs(s.lumen_interval_mm2[at] - s.lumen_shapes.area_mm2[at]) for s, at, _ in cuts]
        )
        half *= np.array([-1.0, 1.0])
        interval = shapes.area_mm2[:, None] + half
        doubt = 2.0 * np.abs(half).max(axis=1) / shapes.perimeter_mm
        least = np.stack([shapes.minimum_mm - doubt, shapes.minimum_mm + doubt], axis=-1)
        least = np.maximum(least, 0.0)
        self.from_lumen[n] = True
        kept = (w for w in self.flags[n] if w not in _SETTLED and not w.startswith("gray_refused"))
        self.flags[n] = tuple(kept)
        self.parted[n] = False
        if len(cuts) > 1:
            self.lumens.append(Lumens.of_station(n, contours, interval, least))
            return
        self.contours_mm[n] = contours[0]
        for field in fields(Shapes):
            self.figures[field.name][n] = getattr(shapes, field.name)[0]
        self.area_interval_mm2[n], self.minimum_interval_mm[n] = interval[0], least[0]
        middle = centroids_mm(contours)
        self.centers_lps_mm[n] = curve.points_lps_mm[0] + to_lps(middle[None], curve)[0, 0]
        self.components[n] = 1

    def _part_by_wires(self, n: int, cuts: list[_Cut]) -> None:
        """Cut the labels' lumen along the wires of stents side by side, which hide its edges."""
        curve = self.before.branch.curve.part(slice(n, n + 1))
        outer = self.before.contours_mm[n]
        rings = (_projected(s, s.contours_mm[at], at, curve)[0] for s, at, _ in cuts)
        contours = np.stack([held_within(ring, outer) for ring in rings])
        shapes = measure_shapes(contours)
        total = float(shapes.area_mm2.sum())
        before, known = self.area_interval_mm2[n], float(self.figures["area_mm2"][n])
        share = shapes.area_mm2[:, None] / total
        interval = shapes.area_mm2[:, None] + share * (before - known)
        doubt = 2.0 * np.abs(interval - shapes.area_mm2[:, None]).max(axis=1) / shapes.perimeter_mm
        least = np.stack([shapes.minimum_mm - doubt, shapes.minimum_mm + doubt], axis=-1)
        self.parted[n] = False
        self.lumens.append(Lumens.of_station(n, contours, interval, np.maximum(least, 0.0)))

    def profile(self) -> VesselProfile:
        """Return the vein with the stents in it."""
        plain = replace(
            self.before,
            contours_mm=self.contours_mm,
            centers_lps_mm=self.centers_lps_mm,
            shapes=Shapes(**self.figures),
            area_interval_mm2=self.area_interval_mm2,
            minimum_interval_mm=self.minimum_interval_mm,
            measured=self.before.measured | self.from_lumen,
            from_image=self.before.from_image | self.from_lumen,
            components=self.components,
            flags=tuple(self.flags),
            stent=self.sections,
        )
        lumens = self.before.lumens.without(~self.parted)
        for more in self.lumens:
            lumens = lumens.joined(more)
        return put_lumens(plain, lumens)


def _projected(stent: StentProfile, ring_mm: FloatArray, at: int, curve: Curve) -> FloatArray:
    """Return (1, m, 2) a contour of a stent, moved along the stent into the plane of a station."""
    course = stent.curve
    points = (
        course.points_lps_mm[at]
        + ring_mm[:, :1] * course.across[at]
        + ring_mm[:, 1:] * course.upward[at]
    )
    along, normal = course.tangents[at], curve.tangents[0]
    height = (points - curve.points_lps_mm[0]) @ normal
    moved = points - (height / (along @ normal))[:, None] * along - curve.points_lps_mm[0]
    flat = np.stack([moved @ curve.across[0], moved @ curve.upward[0]], axis=-1)
    turned = areas_mm2(flat[None])[0] < 0
    return flat[None, ::-1] if turned else flat[None]
