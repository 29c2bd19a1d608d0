"""From an image and its labels to every figure of the veins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np

from venoseg.centerline import VesselTree, trace
from venoseg.centerline.regions import Box, vein_box
from venoseg.centerline.tree import Branch
from venoseg.errors import LabelError, MeasurementError
from venoseg.lumen.assess import METAL
from venoseg.lumen.boundary.vein_wall import EdgeModel, with_told_blur
from venoseg.lumen.collaterals import COLLATERAL_COLUMNS
from venoseg.lumen.concluding import profile_of
from venoseg.lumen.implants import with_implants
from venoseg.lumen.occlusion import with_gaps
from venoseg.lumen.profile import Boundary, VesselProfile
from venoseg.lumen.rays.blur import default_blur
from venoseg.lumen.rays.grain import Grain, measure_grain
from venoseg.lumen.stents.measure import measure_stent
from venoseg.lumen.stents.meeting import met
from venoseg.lumen.stents.records import STENT_COLUMNS, stent_table, stent_warnings
from venoseg.lumen.stents.sizes import StentSizes, sizes_in_words, stented_veins
from venoseg.lumen.stents.stations import OwnedStent, from_the_head, owned, with_stents
from venoseg.lumen.tables.lesions import lesion_table
from venoseg.lumen.tables.lumen_records import lumen_table
from venoseg.lumen.tables.records import cross_section_table, segment_table
from venoseg.lumen.tables.references import ReferenceLine, ReferenceRule, Sites, reference_lines
from venoseg.lumen.tables.warnings import warnings_of
from venoseg.processes import usable_cores
from venoseg.segmentation import Seed, Segmentation, find_stents
from venoseg.tables import Table
from venoseg.volume import Source, Volume

# Branches are measured side by side; NumPy and SciPy let go of the interpreter where it matters.
_THREADS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Measurements:
    """Everything measured on one image.

    Attributes
    ----------
    tree
        The centerlines.
    profiles
        One for each vein, in the tree's order.
    cross_sections, segments, lesions
        The tables ``cross_sections.csv``, ``segments.csv`` and ``lesions.csv``.
    rule, references
        Which reference was asked for, and that of every vein; None where it has none.
    volume, segmentation
        What it was measured on.
    parameters
        Every setting that can change a figure.
    warnings
        What a reader must know about the whole, one sentence each.
    stents, owned_stents
        The table ``stents.csv``, and the stents it was made from.
    collaterals
        The table ``collaterals.csv``; without rows where they were not sought.
    needs_retrace
        Why the centerlines may no longer be those of the labels, after edits: only `measure` draws
        them anew. Empty when they are.
    """

    tree: VesselTree
    profiles: tuple[VesselProfile, ...]
    cross_sections: Table
    segments: Table
    lesions: Table
    rule: ReferenceRule
    references: Mapping[str, ReferenceLine | None]
    volume: Volume
    segmentation: Segmentation
    parameters: Mapping[str, str | float]
    warnings: tuple[str, ...]
    stents: Table = field(default_factory=lambda: Table(STENT_COLUMNS, ()))
    owned_stents: tuple[OwnedStent, ...] = ()
    collaterals: Table = field(default_factory=lambda: Table(COLLATERAL_COLUMNS, ()))
    needs_retrace: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the veins of which nothing could be told, those not found included."""
        blank = [p.vessel for p in self.profiles if not p.measured.any() and not any(p.shut)]
        known = [p.vessel for p in self.profiles] + [f.vessel for f in self.tree.failures]
        wanted = [c.vessel for c in self.segmentation.confidence if c.confidence == 0.0]
        missing = [vessel for vessel in wanted if vessel not in known]
        return (*blank, *(failure.vessel for failure in self.tree.failures), *missing)

    @property
    def lumens(self) -> Table:
        """The table ``lumens.csv``: every lumen of the stations that have several."""
        return lumen_table(self.profiles)

    @property
    def sites(self) -> Sites:
        """The lumen's area along every vein, for a later scan to be held against."""
        return {p.vessel: (p.branch.curve.position_mm, p.shapes.area_mm2) for p in self.profiles}

    @property
    def source(self) -> Source:
        """What the image came from."""
        return self.volume.source


def measure(
    volume: Volume,
    segmentation: Segmentation,
    *,
    boundary: Boundary = "gray",
    seeds: Sequence[Seed] = (),
    step_mm: float = 1.0,
    reference: ReferenceRule | None = None,
    stent_nominal_mm: StentSizes | None = None,
) -> Measurements:
    """Trace the veins and measure them at every station.

    Parameters
    ----------
    volume
        The image.
    segmentation
        Labels of the veins on the image's grid.
    boundary
        ``gray``: the lumen's edge is found in the gray values at sub-voxel precision, and taken
        from the labels where these show none, which the flags say station by station; ``mask``: the
        labels' own edge throughout.
    seeds
        Ends that limit a vein, and waypoints through stretches without lumen.
    step_mm
        Distance of the stations.
    reference
        What stenoses are measured against; None: the expected normal area of each vein.
    stent_nominal_mm
        Diameter that the stents were made for, against which their expansion is told; or that of
        each vein that holds any, None where it is not known. It says that there are stents: wires
        too faint or too dense to prove one are then taken for one.

    Raises
    ------
    InputError
        When a seed cannot be meant as it is.
    LabelError
        When the labels lie on another grid or hold no vein.
    MeasurementError
        When the image shows nothing, or no vein can be traced.
    """
    if not volume.grid.matches(segmentation.grid):
        raise LabelError(
            "the labels lie on another grid than the image",
            remedy="read them with read_labels(path, volume), which brings them onto it",
        )
    box = vein_box(segmentation)
    _refuse_blank(volume, box, boundary)
    tree = trace(segmentation, volume=volume, seeds=seeds, step_mm=step_mm, within=box)
    return measure_along(
        tree,
        volume,
        segmentation,
        boundary,
        reference=reference,
        stent_nominal_mm=stent_nominal_mm,
    )


def measure_along(
    tree: VesselTree,
    volume: Volume,
    segmentation: Segmentation,
    boundary: Boundary = "gray",
    *,
    models: Mapping[str, EdgeModel | None] | None = None,
    reference: ReferenceRule | None = None,
    stent_nominal_mm: StentSizes | None = None,
) -> Measurements:
    """Measure veins along centerlines that are known.

    Parameters
    ----------
    tree
        The centerlines, with the voxels they were traced in.
    volume, segmentation, boundary, reference, stent_nominal_mm
        As `measure` takes them. Stents are found here, and their metal goes into the segmentation.
    models
        What an edge of each vein looks like in the image; those without one are asked themselves,
        and those too narrow to tell their blur take it from the others.
    """
    known, rule = models or {}, reference or ReferenceRule()
    grain = Grain() if boundary == "mask" else grain_beside(tree, volume)

    def profile(branch: Branch, model: EdgeModel | None) -> VesselProfile:
        measured = profile_of(volume, branch, boundary, grain, model)
        return with_implants(with_gaps(measured, volume, segmentation), volume)

    with ThreadPoolExecutor(min(_THREADS, usable_cores())) as pool:
        # The longest first, so that no core is left with it at the end.
        longest_first = sorted(tree.branches, key=lambda branch: -len(branch.curve))
        asked = [known.get(branch.vessel) for branch in longest_first]
        made = {done.vessel: done for done in pool.map(profile, longest_first, asked)}
        informed = with_told_blur({name: done.evidence.model for name, done in made.items()})
        unaware = [made[name].branch for name in informed]
        made |= {done.vessel: done for done in map(profile, unaware, informed.values())}
        bare = [made[branch.vessel] for branch in tree.branches]
        # The search costs more than the measurement: wires beside the lumen must call for it.
        drawn, names = segmentation.stent is not None, list(segmentation.names.values())
        stented = names if drawn else stented_veins(stent_nominal_mm, names)
        called = bool(stented) or boundary == "mask" or _beside_metal(bare)
        devices = find_stents(volume, segmentation, known=stented) if called else None
        if segmentation.stent is None and devices is not None and devices.devices:
            segmentation = replace(segmentation, stent=devices.mask)
        found = () if devices is None else devices.devices
        measured = pool.map(lambda device: measure_stent(volume, device), found)
        alone = met([stent for stent in measured if stent is not None], volume)
        stents = from_the_head([owned(stent, tree, segmentation) for stent in alone])
    profiles = tuple(with_stents(one, stents, volume) for one in bare)
    lines = reference_lines(profiles, rule)
    parameters: dict[str, str | float] = {
        "boundary": boundary,
        "step_mm": float(profiles[0].step_mm),
        "reference": rule.kind,
    }
    if stent_nominal_mm is not None:
        parameters["stent_nominal_mm"] = sizes_in_words(stent_nominal_mm)
    return Measurements(
        tree=tree,
        profiles=profiles,
        cross_sections=cross_section_table(profiles, lines),
        segments=segment_table(profiles, lines, tree.failures),
        lesions=lesion_table(profiles, lines),
        rule=rule,
        references=lines,
        volume=volume,
        segmentation=segmentation,
        parameters=parameters,
        warnings=warnings_of(volume, segmentation, tree, profiles) + stent_warnings(stents),
        stents=stent_table(stents, volume.source, stent_nominal_mm),
        owned_stents=stents,
    )


def grain_beside(tree: VesselTree, volume: Volume) -> Grain:
    """Read the grain of the noise around all veins, as their edges feel it."""
    edge = default_blur(volume.grid, volume.source.slice_thickness_mm)
    stations = np.concatenate([branch.curve.points_lps_mm for branch in tree.branches])
    return measure_grain(volume, stations, edge.in_plane_mm)


def _beside_metal(profiles: Sequence[VesselProfile]) -> bool:
    """Tell whether something as bright as wire lies around the lumen of any vein."""
    return any(METAL in words for profile in profiles for words in profile.flags)


def with_reference(found: Measurements, rule: ReferenceRule) -> Measurements:
    """Return the same measurements with stenoses against another reference."""
    lines = reference_lines(found.profiles, rule)
    return replace(
        found,
        cross_sections=cross_section_table(found.profiles, lines),
        segments=segment_table(found.profiles, lines, found.tree.failures),
        lesions=lesion_table(found.profiles, lines),
        rule=rule,
        references=lines,
        parameters={**found.parameters, "reference": rule.kind},
    )


def _refuse_blank(volume: Volume, box: Box, boundary: Boundary) -> None:
    voxels = volume.voxels[box]
    seen = None if volume.missing is None else ~volume.missing[box]
    if seen is not None and not seen.any():
        raise MeasurementError(
            "the image holds no values where the veins are",
            remedy="check that image and labels belong together",
        )
    known = voxels if seen is None else voxels[seen]
    if voxels.dtype.kind == "f" and not np.isfinite(known).all():
        raise MeasurementError(
            "the image holds values that are not numbers where the veins are",
            remedy="mark them as missing in Volume.missing, or export the series again",
        )
    # The first slice that holds two values settles it.
    if boundary == "gray" and not any((part != voxels[0, 0, 0]).any() for part in voxels):
        raise MeasurementError(
            "the image has the same value everywhere around the veins",
            remedy="check that image and labels belong together, or measure the labels alone "
            "with --boundary mask",
        )
