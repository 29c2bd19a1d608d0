"""A run measured from its frames to its figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from venoseg.angiography.automatic import filled_vessels, main_vessel_path
from venoseg.angiography.bands import Bands
from venoseg.angiography.collaterals import CollateralFilling, collateral_filling
from venoseg.angiography.course import find_path
from venoseg.angiography.devices import clear_of_devices
from venoseg.angiography.edges import Edges, background_noise, find_edges
from venoseg.angiography.fiducials import Fiducial, calibrate, calibrate_by_bands
from venoseg.angiography.flow import (
    ELSEWHERE,
    Curve,
    Region,
    elsewhere_of,
    flow_table,
    follow,
    regions_of,
)
from venoseg.angiography.lesions import (
    NARROW_END,
    Lesion,
    find_lesions,
    lesion_table,
    with_states,
    without_narrow_ends,
)
from venoseg.angiography.projection import Projection, project, projection_table
from venoseg.angiography.run import Image, Run
from venoseg.angiography.slips import goes_round
from venoseg.angiography.stent_table import stent_table
from venoseg.angiography.stents import StentEdges, find_stents
from venoseg.angiography.subtraction import (
    Composite,
    Subtraction,
    compose,
    native_attenuation,
    subtract,
)
from venoseg.dicom.calibration import Calibration
from venoseg.tables import Table
from venoseg.volume import FloatArray

UNNAMED = "vein"
"""The name of a vein for which the seeds give none."""

NO_CALIBRATION = Calibration("none", None, None, "", None, "no calibration was given")

Say = Callable[[str], None]

# A course may leave the points it was given by this share of the vein's width.
_DEPARTURE = 0.4


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """A vein to measure: its name, and points from its central to its peripheral end.

    ``points_px`` (n, 2): column and row.
    """

    vessel: str
    points_px: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class VenogramOptions:
    """What to measure in a run.

    Attributes
    ----------
    ways
        The veins; empty: the main vessel is found.
    frames
        First and last frame to use, counted from 0; None: all.
    fiducial
        What to calibrate with; None: ``calibration``.
    calibration
        From the header.
    nominal_mm
        A diameter to compare the veins with.
    stents_nominal_mm
        Diameters that stents were made for, by vessel; `stent_table.ANY_VESSEL`: of all.
    """

    ways: tuple[Way, ...] = ()
    frames: tuple[int, int] | None = None
    fiducial: Fiducial | Bands | None = None
    calibration: Calibration = NO_CALIBRATION
    nominal_mm: float | None = None
    stents_nominal_mm: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Venogram:
    """Everything measured in a run.

    Attributes
    ----------
    subtraction, composite
        The pictures of contrast medium.
    calibration
        What a pixel is.
    projections, lesions, stents
        One of each per vein, in the same order.
    stents_nominal_mm
        As given.
    regions, curves
        Contrast medium over time; a region that holds no pixels has no curve.
    collaterals
        How much of it goes beside the measured veins; None where that cannot be told.
    warnings
        In words.
    """

    subtraction: Subtraction
    composite: Composite
    calibration: Calibration
    projections: tuple[Projection, ...]
    lesions: tuple[tuple[Lesion, ...], ...]
    stents: tuple[tuple[StentEdges, ...], ...]
    stents_nominal_mm: Mapping[str, float]
    regions: tuple[Region, ...]
    curves: tuple[Curve, ...]
    collaterals: CollateralFilling | None
    warnings: tuple[str, ...]

    @property
    def projection_table(self) -> Table:
        """``projection.csv``."""
        return projection_table(list(self.projections))

    @property
    def lesion_table(self) -> Table:
        """``lesions.csv``."""
        pairs = zip(self.projections, self.lesions, strict=True)
        return lesion_table([(projection, list(found)) for projection, found in pairs])

    @property
    def stent_table(self) -> Table:
        """``stents.csv``."""
        pairs = list(zip(self.projections, self.stents, strict=True))
        return stent_table(pairs, self.stents_nominal_mm)

    @property
    def flow_table(self) -> Table:
        """``flow.csv``."""
        times = self.subtraction.times_s if self.subtraction.run.timed else None
        return flow_table(times, list(self.curves))


def measure_run(
    run: Run, options: VenogramOptions | None = None, *, say: Say = lambda _: None
) -> Venogram:
    """Subtract a run, find the veins' edges, and follow the contrast medium.

    Raises
    ------
    VenosegError
        When the mask that the header prescribes is missing, no vein fills, a point lies outside
        the picture, or the calibration's object is not found.
    """
    wanted = options or VenogramOptions()
    say("subtracting")
    subtraction = subtract(run, wanted.frames)
    composite = compose(subtraction)
    picture, seen = composite.picture, subtraction.seen
    say("finding the edges")
    if subtraction.plan.operation != "natural":
        filled_vessels(picture, seen)
    paths = [(way.vessel, find_path(picture, seen, way.points_px)) for way in wanted.ways]
    paths = paths or [(UNNAMED, main_vessel_path(picture, seen))]
    logarithmic = run.relation == "LIN" and not run.subtracted
    clear = _clear(subtraction)
    found = [
        find_edges(picture, seen, path, clear=clear, logarithmic=logarithmic) for _, path in paths
    ]
    calibration = _calibrated(subtraction, found, wanted)
    projections, lesions = [], []
    for (vessel, _), edges in zip(paths, found, strict=True):
        projection = project(vessel, edges, calibration, saturated=composite.saturated, seen=seen)
        projection = without_narrow_ends(projection)
        narrowed = [] if smeared(subtraction) else find_lesions(projection, wanted.nominal_mm)
        projections.append(with_states(projection, narrowed))
        lesions.append(tuple(narrowed))
    say("following the contrast medium")
    natural = subtraction.plan.operation == "natural"
    regions = regions_of(projections, picture, seen, subtracted=not natural)
    curves = follow(subtraction, [*regions, elsewhere_of(projections, regions, seen)])
    elsewhere = next((curve for curve in curves if curve.name == ELSEWHERE), None)
    curves = [curve for curve in curves if curve.name != ELSEWHERE]
    return Venogram(
        subtraction,
        composite,
        calibration,
        tuple(projections),
        tuple(lesions),
        tuple(_stents(subtraction, edges) for edges in found),
        wanted.stents_nominal_mm,
        tuple(regions),
        tuple(curves),
        collateral_filling(subtraction, curves, elsewhere),
        (
            *_warnings(subtraction, calibration, projections, bool(wanted.ways)),
            *_departures(wanted.ways, projections),
            *_slips(projections, lesions),
        ),
    )


def _stents(subtraction: Subtraction, edges: Edges) -> tuple[StentEdges, ...]:
    """Return the stents of a vein; none can be told from contrast medium without a mask."""
    if subtraction.mask is None:
        return ()
    return tuple(find_stents(subtraction.mask, subtraction.seen, edges))


def _clear(subtraction: Subtraction) -> Image | None:
    """Return how much each pixel counts, by what lay there before contrast medium came."""
    if subtraction.mask is None:
        return None
    return clear_of_devices(subtraction.mask, background_noise(subtraction.mask, subtraction.seen))


def _calibrated(
    subtraction: Subtraction, found: list[Edges], wanted: VenogramOptions
) -> Calibration:
    if wanted.fiducial is None:
        return wanted.calibration
    native = native_attenuation(subtraction)
    if isinstance(wanted.fiducial, Bands):
        seen = subtraction.run.seen
        return calibrate_by_bands(wanted.fiducial, native, seen, found, wanted.frames)
    row, column = subtraction.mask_shift_px
    placed = wanted.fiducial.moved(-row, -column)
    return calibrate(placed, native, subtraction.run.seen, found[0].look, wanted.frames)


_WORDS = {
    "one_frame": "the run has one frame: it is measured unsubtracted and no flow is known",
    "subtraction_not_intended": "the header rules subtraction out: frames stay unsubtracted",
    "no_onset_seen": "the arrival of contrast medium was not seen; the first frame is the mask",
    "mask_may_hold_contrast": "contrast medium may be in the mask: the first frame is not empty",
    "polarity_assumed": "whether contrast medium is dark is not stated; dark was assumed",
    "display_values": "the pixels were made for display: amounts of contrast medium are not known",
}


def smeared(subtraction: Subtraction) -> bool:
    """Return whether the composite holds several frames of which the motion is not known."""
    return subtraction.plan.operation == "natural" and len(subtraction.plan.pairings) > 1


def _departures(ways: tuple[Way, ...], projections: list[Projection]) -> Iterator[str]:
    """Say where a course leaves the points it was to follow: nothing fills there."""
    for way, projection in zip(ways, projections, strict=False):
        course = projection.edges.course.points_px
        apart = np.linalg.norm(course[:, None] - way.points_px, axis=2).min(axis=0)
        allowed = max(_DEPARTURE * float(np.median(projection.edges.width_px)), 5.0)
        if apart.max() > allowed:
            yield (
                f"{way.vessel}: its course leaves the given points by up to {apart.max():.0f} px; "
                "where the vein is shut it may follow another vessel: look at the picture"
            )


def _slips(projections: list[Projection], lesions: list[tuple[Lesion, ...]]) -> Iterator[str]:
    """Say where what looks like a narrowing may be a collateral round a shut stretch."""
    for projection, narrowed in zip(projections, lesions, strict=True):
        for lesion in narrowed:
            if goes_round(projection, lesion):
                at = projection.position_px[lesion.smallest]
                yield (
                    f"{projection.vessel}: in its narrowing {at:.0f} px from the central end the "
                    "course goes a roundabout way: it may follow a collateral, and the vein be "
                    "shut: look at the picture, and set waypoints in the vein"
                )


def _warnings(
    subtraction: Subtraction,
    calibration: Calibration,
    projections: list[Projection],
    named: bool,
) -> tuple[str, ...]:
    words = [_WORDS[flag] for flag in subtraction.flags]
    if smeared(subtraction):
        words.append(
            "motion is not followed in unsubtracted frames: a vessel that moves looks wider than "
            "it is, and no stenosis is given; choose one frame with --frames"
        )
    if not named:
        words.append("no seeds were given: the main vessel was chosen, its upper end as central")
    if not calibration.is_patient_length:
        words.append(f"no millimetres: {calibration.reason}")
    for projection in projections:
        flags = [set(flag.split(";")) for flag in projection.flags]
        for name, sentence in (
            ("saturated", "saturated pixels in the lumen"),
            ("profile_unlike_a_single_vein", "profiles unlike a single vein (overlap or branch)"),
        ):
            share = np.mean([name in flag for flag in flags])
            if share > 0.02:
                words.append(f"{projection.vessel}: {sentence} over {100 * share:.0f} % of it")
        if any(NARROW_END in flag for flag in flags):
            words.append(
                f"{projection.vessel}: it is narrow up to the end of its course, with no healthy "
                "vein seen beyond: that stretch may be another vessel and is not measured; set the "
                "end farther along the vein, or on it"
            )
    return tuple(words)
