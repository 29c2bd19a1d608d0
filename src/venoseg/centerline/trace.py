"""From labels to the tree of centerlines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from venoseg.centerline.assembly import Chain, assembled, bridges_to_cava, cut_to_labels, is_loose
from venoseg.centerline.bridging import Bridge, Surroundings
from venoseg.centerline.division import Course, branches_of, unlabelled_between
from venoseg.centerline.from_labels import vein_regions
from venoseg.centerline.guidance import checked_guidance
from venoseg.centerline.junctions import joining_places
from venoseg.centerline.regions import Box, Region, vein_box
from venoseg.centerline.strands import (
    Strand,
    in_pieces,
    pieces_of,
    rough_strand,
    settled_strand,
)
from venoseg.centerline.tree import Branch, Failure, VesselTree
from venoseg.errors import MeasurementError
from venoseg.processes import usable_cores
from venoseg.segmentation import Seed, Segmentation
from venoseg.volume import FloatArray, Volume

T = TypeVar("T")
R = TypeVar("R")

Refusals = list[tuple[tuple[str, ...], MeasurementError]]

DEFAULT_STEP_MM = 1.0

# Chains are traced side by side; NumPy and SciPy let go of the interpreter where it matters.
_THREADS = 2


def trace(
    segmentation: Segmentation,
    *,
    volume: Volume | None = None,
    seeds: Sequence[Seed] = (),
    step_mm: float = DEFAULT_STEP_MM,
    within: Box | None = None,
) -> VesselTree:
    """Trace the centerlines of labelled veins.

    Each chain of veins that is one tube (common iliac, external iliac, common femoral) is traced
    as one smooth curve through the middles of its sections and divided where the labels change.
    Where its labels end and go on further down, the way between is that of the segmentation's
    occluded courses, of the waypoints, or the most plausible one in the image.

    Parameters
    ----------
    segmentation
        The labels.
    volume
        The image on the labels' grid, in which ways across gaps are sought; None: only occluded
        courses and waypoints bridge gaps.
    seeds
        Ends that limit a vein, and waypoints through stretches without labels.
    step_mm
        Distance of the stations along each vein.
    within
        What holds every labelled voxel, where that is known; None: it is sought.

    Returns
    -------
    VesselTree
        One branch for each vein that can be traced, parents before children, and the veins that
        cannot, with the reason.

    Raises
    ------
    InputError
        When a seed cannot be meant as it is.
    LabelError
        When no vein has enough voxels.
    MeasurementError
        When no vein can be traced.
    """
    guidance = checked_guidance(segmentation, seeds, volume)
    around = Surroundings(segmentation, guidance, volume)
    with ThreadPoolExecutor(min(_THREADS, usable_cores())) as pool:
        regions, too_small = vein_regions(segmentation, within or vein_box(segmentation), pool.map)
        chains, confluence, refused = _chains(regions, around, pool)
        courses, confluence = _connected(chains, confluence, around, refused)

        def divided(course: Course) -> list[Branch]:
            return branches_of(course, guidance, segmentation.grid, step_mm)

        parts = list(pool.map(_kept(divided), courses))
    branches: list[Branch] = []
    for course, part in zip(courses, parts, strict=True):
        if isinstance(part, MeasurementError):
            refused.append((course.region.vessels, part))
        else:
            branches += part
    if not branches:
        raise refused[0][1]
    failures = [
        Failure(name, "too_few_voxels", "too few voxels to be measured") for name in too_small
    ]
    failures += [
        Failure(name, "not_traced", str(error)) for vessels, error in refused for name in vessels
    ]
    return VesselTree(tuple(branches), segmentation.grid, confluence, tuple(failures))


def _kept(step: Callable[[T], R]) -> Callable[[T], R | MeasurementError]:
    """Let a step return its failure: one vein that fails must not stop the others."""

    def run(item: T) -> R | MeasurementError:
        try:
            return step(item)
        except MeasurementError as error:
            return error

    return run


Pieces = tuple[Region, tuple[Region, ...]]
Strands = tuple[Region, tuple[Strand, ...]]


def _chains(
    regions: Sequence[Region], around: Surroundings, pool: ThreadPoolExecutor
) -> tuple[list[Chain], FloatArray | None, Refusals]:
    """Trace every piece of every chain, and bring those that touch to where they join."""
    refused: Refusals = []
    pieces: list[Pieces] = []
    for region in regions:
        found = _kept(pieces_of)(region)
        if isinstance(found, MeasurementError):
            refused.append((region.vessels, found))
        elif len(found) > 1 and not around.can_bridge(region.vessels):
            refused.append((region.vessels, in_pieces(region)))
        else:
            pieces.append((region, found))
    whole = _rough(pieces, refused, pool)
    root = next((strands[-1] for region, strands in whole if region.vessels[0] == "ivc"), None)
    begins, confluence = joining_places([strands[0] for _, strands in whole], root)

    def settled(chain: Strands) -> Chain:
        region, strands = chain
        done = []
        for n, strand in enumerate(strands):
            begin = begins.get(strand.region.vessels[0]) if n == 0 else None
            end = confluence if strand is root else None
            done.append(settled_strand(strand, begin, end))
        return Chain(done[0].region if len(done) == 1 else region, tuple(done))

    chains = []
    for (region, _), made in zip(whole, pool.map(_kept(settled), whole), strict=True):
        if isinstance(made, MeasurementError):
            refused.append((region.vessels, made))
        else:
            chains.append(made)
    return chains, confluence, refused


def _rough(pieces: Sequence[Pieces], refused: Refusals, pool: ThreadPoolExecutor) -> list[Strands]:
    """Find the rough course of every piece; a chain with a piece that has none is refused."""
    everywhere = tuple(piece for _, found in pieces for piece in found)
    first = {id(found[0]) for _, found in pieces}

    def rough(piece: Region) -> Strand:
        return rough_strand(piece, everywhere, first=id(piece) in first)

    traced = iter(list(pool.map(_kept(rough), everywhere)))
    whole: list[Strands] = []
    for region, found in pieces:
        strands = [next(traced) for _ in found]
        error = next((s for s in strands if isinstance(s, MeasurementError)), None)
        if error is not None:
            refused.append((region.vessels, error))
        else:
            whole.append((region, tuple(s for s in strands if isinstance(s, Strand))))
    return whole


def _connected(
    chains: Sequence[Chain],
    confluence: FloatArray | None,
    around: Surroundings,
    refused: Refusals,
) -> tuple[list[Course], FloatArray | None]:
    """Bridge the gaps within chains, and between a chain and the cava it drains into."""
    has_cava = any(chain.region.vessels[0] == "ivc" for chain in chains)
    leads = [has_cava and is_loose(chain, around) for chain in chains]
    shut_below = any(leads) and confluence is None
    chains = [
        cut_to_labels(c, around, head=lead, tail=shut_below and c.region.vessels[0] == "ivc")
        for c, lead in zip(chains, leads, strict=True)
    ]
    cava = next((chain for chain in chains if chain.region.vessels[0] == "ivc"), None)
    loose = [chain for chain, lead in zip(chains, leads, strict=True) if lead]
    tail: Bridge | None = None
    heads: dict[int, Bridge] = {}
    if cava is not None and loose:
        try:
            tail, bridges = bridges_to_cava(cava, loose, confluence, around)
            heads = {id(chain): bridge for chain, bridge in zip(loose, bridges, strict=True)}
        except MeasurementError as error:
            refused += [((name,), error) for c in loose if (name := _missing(c)) is not None]
    if tail is not None:
        confluence = tail.points_lps_mm[-1]

    def course(chain: Chain) -> Course:
        goes_on = chain is cava and (confluence is not None or bool(heads))
        own_tail = tail if chain is cava else None
        return assembled(chain, heads.get(id(chain)), own_tail, around, goes_on=goes_on)

    courses = []
    for chain in chains:
        made = _kept(course)(chain)
        if isinstance(made, MeasurementError):
            refused.append((chain.region.vessels, made))
        else:
            courses.append(made)
    return courses, confluence


def _missing(chain: Chain) -> str | None:
    return unlabelled_between("ivc", chain.region.vessels[0])
