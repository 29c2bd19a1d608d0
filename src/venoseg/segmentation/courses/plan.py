"""From seed points to the courses that are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from venoseg.anatomy import BY_NAME
from venoseg.errors import InputError, NeedsSeedsError
from venoseg.segmentation.seeds import Seed
from venoseg.volume import FloatArray, Volume

AIR_HU, METAL_HU = -200.0, 2000.0
ORDER = ("common_iliac_vein", "iliac_vein", "external_iliac_vein", "common_femoral_vein")
"""The veins of a side from the central end on."""

_SWAPPED_MM = 15.0
_CLEAR_MM = 12.0
_WAYPOINT_MM = 25.0
_OVER_DIVISION_MM = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """A course that is wanted, from its central end.

    Attributes
    ----------
    side
        ``left`` or ``right``; None for a cava alone.
    points_lps_mm
        (n, 3) points that it passes, n at least 2.
    marks
        (vein, point): where a vein of the chain begins, as far as seeds say so; in order.
    last
        The vein that its peripheral end lies in.
    from_cava
        Whether it begins in the cava.
    cava_above_mm
        Height down to which it runs in a cava of its own, which joins that of the other side at the
        kidneys; None where both sides have one cava.
    """

    side: str | None
    points_lps_mm: FloatArray
    marks: tuple[tuple[str, FloatArray], ...]
    last: str
    from_cava: bool = True
    cava_above_mm: float | None = None


def chains_of(seeds: Sequence[Seed], volume: Volume) -> list[Chain]:
    """Turn seeds into chains: one a side, both from the cava's central end if there is one.

    Raises
    ------
    InputError
        When a seed lies outside the image or in air, or left and right are swapped.
    NeedsSeedsError
        When a central or a peripheral end is missing.
    """
    _check(seeds, volume)
    cava = [seed for seed in seeds if seed.vessel == "ivc"]
    roots = [seed for seed in cava if seed.role == "central_end"]
    chains = []
    for side in ("left", "right"):
        own = [seed for seed in seeds if BY_NAME[seed.vessel].side == side]
        own = [seed for seed in own if "internal" not in seed.vessel]
        if own:
            chains.append(_chain(side, [*cava, *own] if roots else own))
    if not chains:
        chains.append(_chain(None, cava))
    return chains


def _chain(side: str | None, seeds: Sequence[Seed]) -> Chain:
    words = "the cava" if side is None else f"the {side} veins"
    starts = [seed for seed in seeds if seed.role == "central_end"]
    ends = [seed for seed in seeds if seed.role == "peripheral_end"]
    if side is not None:
        ends = [seed for seed in ends if seed.vessel != "ivc"]
    if not starts:
        raise NeedsSeedsError(f"no central end of {words} was given", remedy=_REMEDY)
    if not ends:
        raise NeedsSeedsError(f"no peripheral end of {words} was given", remedy=_REMEDY)
    start = min(starts, key=lambda seed: (_rank(seed), -seed.lps_mm[2]))
    end = max(ends, key=lambda seed: (_rank(seed), -seed.lps_mm[2]))
    # These veins run from the head to the feet; between two veins the order is the anatomy's.
    between = [seed for seed in seeds if seed not in (start, end)]
    between.sort(key=lambda seed: (_rank(seed), -seed.lps_mm[2]))
    ordered = [start, *between, end]
    points = np.array([seed.lps_mm for seed in ordered], dtype=np.float64)
    marks = _marks(ordered)
    kept = np.concatenate([[True], np.linalg.norm(np.diff(points, axis=0), axis=1) > 4.0])
    kept[-1] = True
    if len(points) > 2 and np.linalg.norm(points[-1] - points[-2]) < 4.0:
        kept[-2] = kept[-2] and len(points) == 2
    return Chain(side, points[kept], marks, end.vessel, start.vessel == "ivc")


def undivided(cava_lps_mm: FloatArray, division_lps_mm: FloatArray | None) -> FloatArray:
    """Return the points of a cava, from the head down, at which it has not divided for certain.

    The lower ones may lie in an iliac vein, or in an artery; but not above the division of the
    aorta, which lies higher than that of the cava.
    """
    count = max(1, len(cava_lps_mm) - 2)
    if division_lps_mm is None:
        return cava_lps_mm[:count]
    last_mm = float(division_lps_mm[2]) + _OVER_DIVISION_MM
    above = int((cava_lps_mm[:, 2] > last_mm).sum())
    if not count <= above < len(cava_lps_mm) or above == 0:
        return cava_lps_mm[: max(count, above)]
    # Down to there it goes on from one point to the next.
    upper, lower = cava_lps_mm[above - 1], cava_lps_mm[above]
    share = (upper[2] - last_mm) / (upper[2] - lower[2])
    return np.concatenate([cava_lps_mm[:above], [upper + share * (lower - upper)]])


def with_waypoints(
    chain: Chain, cava_lps_mm: FloatArray, division_lps_mm: FloatArray | None = None
) -> Chain:
    """Let a chain pass points that lie in the cava for certain, between its first two points.

    Of a chain that goes on into an iliac vein those are left out that may lie in that of the other
    side.
    """
    cava = cava_lps_mm
    if chain.side is not None:
        cava = undivided(cava_lps_mm, division_lps_mm)
    if not chain.from_cava:
        return chain
    start, following = chain.points_lps_mm[0], chain.points_lps_mm[1]
    clear = (cava[:, 2] < start[2] - _CLEAR_MM) & (cava[:, 2] > following[2] + _CLEAR_MM)
    points = np.concatenate([start[None], cava[clear], chain.points_lps_mm[1:]])
    return replace(chain, points_lps_mm=points)


def with_second_cava(
    chains: Sequence[Chain], second_lps_mm: FloatArray, lowest_mm: float
) -> list[Chain]:
    """Let the left chain pass a second cava, and let both cavae end at a height.

    Parameters
    ----------
    chains
        The chains, with waypoints in the cava; those of one side, or without a cava, stay.
    second_lps_mm
        (n, 3) points in the second cava, from the head down.
    lowest_mm
        Height at which a cava is called an iliac vein, where no seed says so.
    """
    if len(second_lps_mm) == 0:
        return list(chains)
    return [_in_own_cava(chain, second_lps_mm, lowest_mm) for chain in chains]


def _in_own_cava(chain: Chain, second_lps_mm: FloatArray, lowest_mm: float) -> Chain:
    points = chain.points_lps_mm
    if not chain.from_cava or chain.side is None:
        return chain
    if chain.side == "left":
        above = points[:-1][points[:-1, 2] > second_lps_mm[0, 2]]
        below = second_lps_mm[second_lps_mm[:, 2] > points[-1, 2] + _CLEAR_MM]
        points = np.concatenate([above, below, points[-1:]])
    said = [point for name, point in chain.marks if name.startswith(chain.side)]
    above_mm = float(said[0][2]) if said else lowest_mm
    return replace(chain, points_lps_mm=points, cava_above_mm=above_mm)


def with_vein(chain: Chain, vein_lps_mm: FloatArray, below_mm: float) -> Chain:
    """Let a chain pass points of the iliac vein that was followed beside its artery.

    Parameters
    ----------
    chain
        The chain.
    vein_lps_mm
        (n, 3) points in the vein of its side, from the feet up.
    below_mm
        Height below which they belong to that vein for certain.
    """
    points = chain.points_lps_mm
    last, z = points[-1], vein_lps_mm[:, 2]
    kept = (z < below_mm) & (z > last[2] + _CLEAR_MM)
    new: list[FloatArray] = []
    for point in vein_lps_mm[kept][::-1]:
        near = np.abs(points[:, 2] - point[2]) < _CLEAR_MM
        if not near.any() and (not new or new[-1][2] - point[2] >= _WAYPOINT_MM):
            new.append(point)
    if not new:
        return chain
    # What somebody set, and what was followed, from the head down.
    inner = np.concatenate([points[1:-1], new])
    inner = inner[np.argsort(-inner[:, 2], kind="stable")]
    return replace(chain, points_lps_mm=np.concatenate([points[:1], inner, last[None]]))


_REMEDY = "set a central end in the cava and one peripheral end on each side"


def _rank(seed: Seed) -> int:
    part = seed.vessel.split("_", 1)[-1]
    return ORDER.index(part) + 1 if part in ORDER else 0


def _marks(ordered: Sequence[Seed]) -> tuple[tuple[str, FloatArray], ...]:
    """Return where each further vein begins: its central end, or the end of the one before."""
    marks: list[tuple[str, FloatArray]] = []
    vessels = list(dict.fromkeys(seed.vessel for seed in ordered))
    for before, vessel in pairwise(vessels):
        said = [s for s in ordered if (s.vessel, s.role) == (vessel, "central_end")]
        said += [s for s in ordered if (s.vessel, s.role) == (before, "peripheral_end")]
        if said:
            marks.append((vessel, np.array(said[0].lps_mm, dtype=np.float64)))
    return tuple(marks)


def _check(seeds: Sequence[Seed], volume: Volume) -> None:
    if len(seeds) < 2:
        raise NeedsSeedsError(
            f"{len(seeds)} seed point{'s were' if len(seeds) != 1 else ' was'} given",
            remedy=_REMEDY,
        )
    for seed in seeds:
        where = f"{seed.vessel} {seed.role}"
        if not volume.grid.contains(seed.lps_mm):
            raise InputError(
                "the seed point lies outside the image",
                where=where,
                remedy="check that the points were set on this series, in LPS millimetres",
            )
        value = _value_at(volume, seed)
        if value < AIR_HU or value > METAL_HU:
            raise InputError(
                f"the seed point lies in {'air' if value < AIR_HU else 'metal'} ({value:.0f} HU)",
                where=where,
                remedy="set it inside the vein",
            )
    sides = {
        side: [s.lps_mm for s in seeds if BY_NAME[s.vessel].side == side]
        for side in ("left", "right")
    }
    if all(sides.values()):
        # The points farthest down lie farthest apart.
        left, right = (min(points, key=lambda p: p[2])[0] for points in sides.values())
        if left < right - _SWAPPED_MM:
            raise InputError(
                "the seed points of the left veins lie on the patient's right and the other way "
                "round",
                remedy="swap left and right, or check the orientation of the image",
            )


def _value_at(volume: Volume, seed: Seed) -> float:
    index = np.rint(volume.grid.to_index(seed.lps_mm)).astype(int)
    box = tuple(slice(max(int(n) - 1, 0), int(n) + 2) for n in index)
    return float(np.median(volume.voxels[box]))
