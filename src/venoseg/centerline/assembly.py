"""Putting the pieces of a chain of veins and the ways between them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from venoseg.anatomy import BY_NAME
from venoseg.centerline.bridging import (
    Bridge,
    Surroundings,
    bridge_between,
    bridges_that_meet,
)
from venoseg.centerline.division import Course, Shut, unlabelled_between
from venoseg.centerline.regions import Region
from venoseg.centerline.strands import Strand
from venoseg.volume import FloatArray

# Where a path leaves the labels is found to this part of the distance of its points.
_END_STEPS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """The pieces of a chain of veins, central first."""

    region: Region
    strands: tuple[Strand, ...]

    @property
    def begin_lps_mm(self) -> FloatArray:
        """Where its labels begin."""
        begin: FloatArray = self.strands[0].path_lps_mm[0]
        return begin

    @property
    def end_lps_mm(self) -> FloatArray:
        """Where its labels end."""
        end: FloatArray = self.strands[-1].path_lps_mm[-1]
        return end


def cut_to_labels(chain: Chain, around: Surroundings, *, head: bool, tail: bool) -> Chain:
    """Let the pieces end where their axis leaves the labels, at every end that is bridged.

    A piece's course otherwise runs on as long as the planes across it cut a corner of the labels.
    """
    strands = []
    for number, strand in enumerate(chain.strands):
        path = strand.path_lps_mm
        if np.count_nonzero(around.is_labelled(path)) > 2:
            path = _ended(path, around) if tail or number < len(chain.strands) - 1 else path
            path = _ended(path[::-1], around)[::-1] if head or number > 0 else path
        strands.append(replace(strand, path_lps_mm=path))
    return replace(chain, strands=tuple(strands))


def _ended(path: FloatArray, around: Surroundings) -> FloatArray:
    """Let a path end where it leaves the labels, between its points."""
    last = int(np.flatnonzero(around.is_labelled(path))[-1])
    if last == len(path) - 1:
        return path
    onwards = np.linspace(path[last], path[last + 1], _END_STEPS + 1)[1:]
    inside = around.is_labelled(onwards)
    reached = _END_STEPS if inside.all() else int(np.argmin(inside))
    return np.vstack([path[: last + 1], onwards[: max(reached, 1)][-1:]])


def is_loose(chain: Chain, around: Surroundings) -> bool:
    """Tell whether a chain should drain into the cava, does not touch it, and can be led there."""
    first = chain.region.vessels[0]
    drains = first != "ivc" and "internal" not in first
    return drains and chain.strands[0].parent is None and around.can_bridge(shut_vessels(chain))


def shut_vessels(chain: Chain) -> tuple[str, ...]:
    """Return the veins that the stretch between the cava and a loose chain may belong to."""
    first = chain.region.vessels[0]
    side = BY_NAME[first].side
    missing = unlabelled_between("ivc", first)
    if missing == f"{side}_iliac_vein":
        return (f"{side}_common_iliac_vein", missing, f"{side}_external_iliac_vein", first)
    return (first,) if missing is None else (missing, first)


def bridges_to_cava(
    cava: Chain, loose: Sequence[Chain], confluence: FloatArray | None, around: Surroundings
) -> tuple[Bridge | None, list[Bridge]]:
    """Lead from the cava to every chain that should drain into it and does not touch it.

    Returns
    -------
    tuple
        The way from the cava's open end down to the confluence, None where its labels reach the
        confluence or where there is but one way down; and the ways to the chains.

    Raises
    ------
    MeasurementError
        When nothing shows a way.
    """
    begins = [(chain.begin_lps_mm, shut_vessels(chain)) for chain in loose]
    if confluence is not None:
        return None, [bridge_between(around, confluence, *begin) for begin in begins]
    if len(begins) == 1:
        return None, [bridge_between(around, cava.end_lps_mm, *begins[0])]
    return bridges_that_meet(around, cava.end_lps_mm, begins)


def assembled(
    chain: Chain,
    head: Bridge | None,
    tail: Bridge | None,
    around: Surroundings,
    *,
    goes_on: bool,
) -> Course:
    """Put the pieces of a chain and the ways between them together.

    Parameters
    ----------
    chain
        The pieces.
    head, tail
        Ways that lead to its first piece and on from its last one.
    around
        What ways between the pieces are sought in.
    goes_on
        Whether it ends at a junction.

    Raises
    ------
    MeasurementError
        When nothing shows the way from one piece to the next.
    """
    points: list[FloatArray] = []
    shut: list[Shut] = []

    def append(path: FloatArray) -> None:
        points.append(path if not points else path[1:])

    def append_bridge(bridge: Bridge) -> None:
        first = max(sum(map(len, points)) - 1, 0)
        append(bridge.points_lps_mm)
        begins, ends = _labelled_points(bridge, around)
        last = sum(map(len, points)) - 1
        shut.append(Shut(first + begins, last - ends, bridge, leads_in=bridge is head))

    if head is not None:
        append_bridge(head)
    for number, strand in enumerate(chain.strands):
        if number > 0:
            before = chain.strands[number - 1]
            vessels = _vessels_between(before, strand)
            ends = before.path_lps_mm[-1], strand.path_lps_mm[0]
            append_bridge(bridge_between(around, *ends, vessels))
        append(strand.path_lps_mm)
    if tail is not None:
        append_bridge(tail)
    parent = "ivc" if head is not None else chain.strands[0].parent
    return Course(chain.region, parent, np.vstack(points), tuple(shut), goes_on)


def _vessels_between(before: Strand, after: Strand) -> tuple[str, ...]:
    """Return the veins that the stretch between two pieces may belong to."""
    central, peripheral = before.region.vessels[-1], after.region.vessels[0]
    missing = unlabelled_between(central, peripheral)
    named = (central, missing, peripheral)
    return tuple(dict.fromkeys(name for name in named if name is not None))


def _labelled_points(bridge: Bridge, around: Surroundings) -> tuple[int, int]:
    """Return how many points at either end of a bridge still lie in labelled lumen.

    A way that begins at the confluence runs inside the cava first.
    """
    inside = around.is_labelled(bridge.points_lps_mm)
    outside = np.flatnonzero(~inside)
    if len(outside) == 0:
        return 0, 0
    return int(max(outside[0] - 1, 0)), int(max(len(inside) - 2 - outside[-1], 0))
