"""A run measured from its frames to its figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np

from venoseg.angiography.automatic import filled_vessels, main_vessel_path
from venoseg.angiography.bands import Bands
from venoseg.angiography.best_frame import best_filled
from venoseg.angiography.collaterals import CollateralFilling, collateral_filling
from venoseg.angiography.composite import Composite, compose
from venoseg.angiography.course import Ground, find_path
from venoseg.angiography.devices import clear_of_devices
from venoseg.angiography.edges import Edges, find_edges
from venoseg.angiography.flow import Curve, flow_table, follow
from venoseg.angiography.grain import Grain, background_noise
from venoseg.angiography.ladder import Known, Object, choose_calibration
from venoseg.angiography.lesions import (
    Lesion,
    find_lesions,
    lesion_table,
    with_states,
    without_narrow_ends,
)
from venoseg.angiography.meeting import without_meetings
from venoseg.angiography.projection import Projection, project, projection_table
from venoseg.angiography.regions import ELSEWHERE, Region, elsewhere_of, regions_of
from venoseg.angiography.run import Image, Run
from venoseg.angiography.shaft_search import Shaft
from venoseg.angiography.stent_table import stent_table
from venoseg.angiography.stents import StentEdges, find_stents
from venoseg.angiography.strays import Kept, without_strays
from venoseg.angiography.subtraction import Subtraction, subtract
from venoseg.angiography.venogram_warnings import (
    BEST_FILLED,
    departures,
    detours,
    run_warnings,
    smeared,
    strayed,
)
from venoseg.dicom.calibration import Calibration
from venoseg.errors import UsageError
from venoseg.processes import usable_cores
from venoseg.tables import Table
from venoseg.volume import BoolArray, FloatArray

UNNAMED = "vein"
"""The name of a vein for which the seeds give none."""

NO_CALIBRATION = Calibration("none", None, None, "", None, "no calibration was given")

Say = Callable[[str], None]

_THREADS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """A vein to measure: its name, and points from its central to its peripheral end.

    ``points_px`` (n, 2): column and row. ``joins``: it begins where it meets one of the other
    veins, and the points say how it goes on from there.
    """

    vessel: str
    points_px: FloatArray
    joins: bool = False


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
        What to calibrate with; None: ``stated``, then ``calibration``.
    stated
        Objects of known size that the header says lie in the picture.
    calibration
        From the header.
    nominal_mm
        A diameter to compare the veins with.
    stents_nominal_mm
        Diameters that stents were made for, by vessel; `stent_table.ANY_VESSEL`: of all.
    """

    ways: tuple[Way, ...] = ()
    frames: tuple[int, int] | None = None
    fiducial: Object | None = None
    stated: tuple[Bands | Shaft, ...] = ()
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
    subtraction = _subtracted(run, wanted.frames)
    composite = compose(subtraction)
    picture, seen = composite.picture, subtraction.seen
    say("finding the edges")
    if subtraction.plan.operation != "natural":
        filled_vessels(picture, seen)
    logarithmic = run.relation == "LIN" and not run.subtracted

    def traced(path: FloatArray) -> tuple[Kept, tuple[StentEdges, ...]]:
        edges = find_edges(
            picture, seen, path, clear=clear(), logarithmic=logarithmic, grain=grain()
        )
        one = without_strays(edges, picture)
        return one, _stents(subtraction, one.edges)

    with ThreadPoolExecutor(min(_THREADS, usable_cores())) as pool:
        clear = pool.submit(_clear, subtraction).result
        grain = pool.submit(Grain.of, picture, seen).result
        paths = _paths(picture, seen, wanted.ways)
        kept, stents = zip(*pool.map(lambda path: traced(path[1]), paths), strict=True)
    found = [one.edges for one in kept]
    known = Known(wanted.fiducial, wanted.stated, wanted.calibration, wanted.frames)
    calibration, of_calibration = choose_calibration(subtraction, found, known)
    measured = [
        one.marked(
            project(
                vessel,
                one.edges,
                calibration,
                saturated=composite.saturated,
                seen=seen,
                displayed=not subtraction.curve.densitometric,
            )
        )
        for (vessel, _), one in zip(paths, kept, strict=True)
    ]
    projections, lesions = [], []
    for projection in without_meetings(measured, run.shape):
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
        stents,
        wanted.stents_nominal_mm,
        tuple(regions),
        tuple(curves),
        collateral_filling(subtraction, curves, elsewhere),
        (
            *of_calibration,
            *run_warnings(subtraction, calibration, projections, bool(wanted.ways)),
            *departures([(way.vessel, way.points_px) for way in wanted.ways], projections),
            *detours(projections, lesions),
            *strayed(projections),
        ),
    )


def _subtracted(run: Run, frames: tuple[int, int] | None) -> Subtraction:
    """Subtract; of frames that stay unsubtracted and were not chosen take the one that fills most.

    Their motion is not followed, and together they would smear every vessel that moves.
    """
    subtraction = subtract(run, frames)
    if frames is not None or not smeared(subtraction):
        return subtraction
    (frame,) = subtraction.plan.pairings[best_filled(subtraction)].contrast
    single = subtract(run, (frame, frame))
    return replace(single, flags=(*single.flags, BEST_FILLED))


def _paths(picture: Image, seen: BoolArray, ways: tuple[Way, ...]) -> list[tuple[str, FloatArray]]:
    """Return name and rough course of each vein; those that join others after these."""
    if not ways:
        return [(UNNAMED, main_vessel_path(picture, seen))]
    ground = Ground.of(picture, seen)
    paths = {way.vessel: find_path(ground, way.points_px) for way in ways if not way.joins}
    if not paths:
        raise UsageError(
            "no vein has two ends",
            where="seeds",
            remedy="give the vein that the others join a central_end and a peripheral_end",
        )
    trunk = np.concatenate(list(paths.values()))
    for way in ways:
        if way.joins:
            paths[way.vessel] = find_path(ground, way.points_px, trunk)
    return [(way.vessel, paths[way.vessel]) for way in ways]


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
