"""Which stretch of which tube is which vein."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.segmentation.courses.plan import Chain
from venoseg.segmentation.tubes.wall import RAYS, Tube
from venoseg.volume import FloatArray

_APART_MM, _APART_SHARE = 3.5, 0.9
_SHORT_MM = 40.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Stations ``start`` to ``stop`` of a tube, which are one vein."""

    tube: int
    vessel: str
    start: int
    stop: int


def confluence_of(tubes: Sequence[Tube]) -> tuple[int, int]:
    """Return the last station of each of two tubes from one cava that they have in common."""
    first, second = (tube.course.points_lps_mm for tube in tubes)
    gap = np.linalg.norm(first[:, None] - second[None], axis=2)
    # In a wide cava the courses part before the veins do: each lies within the wall of the other.
    nearest = gap.argmin(axis=1)
    own, other = np.arange(len(first)), second[nearest]
    wall = np.maximum(_wall_towards(tubes[0], own, other), _wall_towards(tubes[1], nearest, first))
    shared = gap.min(axis=1) < np.maximum(_APART_MM, _APART_SHARE * wall)
    # Of the second the upper part may be left out, which is the same.
    shared[: int(np.argmin(gap[:, 0]))] = True
    # The courses of one cava may lie apart for a short way, where its wall does not show.
    reach = round(_SHORT_MM / tubes[0].course.step_mm / 2)
    padded = np.pad(shared, (reach, 0), constant_values=True)
    bridged = ndimage.binary_closing(np.pad(padded, (0, reach)), np.ones(2 * reach + 1))
    bridged = bridged[reach : reach + len(shared)] | shared
    last = int(np.argmax(~bridged)) - 1 if not bridged.all() else len(first) - 1
    last = max(last, 0)
    return last, int(np.argmin(gap[last]))


def _wall_towards(
    tube: Tube, stations: npt.NDArray[np.intp], points_lps_mm: FloatArray
) -> FloatArray:
    """Return (n,) how far the wall lies from some stations towards one point each."""
    course = tube.course
    offset = points_lps_mm - course.points_lps_mm[stations]
    first, second = (
        np.einsum("ij,ij->i", offset, axes[stations]) for axes in (course.first, course.second)
    )
    ray = np.rint(np.arctan2(second, first) / (2 * np.pi) * RAYS).astype(int) % RAYS
    wall: FloatArray = tube.radius_mm[stations, ray]
    return wall


def stretches_of(
    number: int,
    chain: Chain,
    tube: Tube,
    joined: tuple[int, int] | None,
    highest_mm: float = np.inf,
) -> list[Stretch]:
    """Divide a tube into veins by the marks of its chain and by the confluence.

    What runs above ``highest_mm`` (LPS z) is no iliac vein, wherever the courses part.
    """
    points = tube.course.points_lps_mm
    # The course was prolonged beyond the chain.
    first = _nearest(points, chain.points_lps_mm[0])
    count = _nearest(points, chain.points_lps_mm[-1]) + 1
    if chain.side is None:
        return [Stretch(number, "ivc", first, count)]
    marks = dict(chain.marks)
    out: list[Stretch] = []
    common = f"{chain.side}_common_iliac_vein"
    begins = max(_iliac_begins(number, chain, points, joined, first), first)
    if chain.from_cava:
        begins = max(begins, int(np.argmax(points[:, 2] <= highest_mm)))
    if chain.cava_above_mm is not None and number > 0 and joined is not None:
        # What it shares with the first is told there.
        first = max(first, joined[number] + 1)
    told = joined is None or number == 0 or chain.cava_above_mm is not None
    if begins > first and chain.from_cava and told:
        out.append(Stretch(number, "ivc", first, begins))
    cuts: list[tuple[str, int]] = []
    for part in ("external_iliac_vein", "common_femoral_vein"):
        name = f"{chain.side}_{part}"
        if name in marks:
            cuts.append((name, max(_nearest(points, marks[name]), begins)))
    names = [name for name, _ in cuts]
    if f"{chain.side}_external_iliac_vein" in names or chain.last == common:
        head = common
    else:
        head = f"{chain.side}_iliac_vein"
    edges = [begins, *[at for _, at in cuts], count]
    for name, start, stop in zip([head, *names], edges, edges[1:], strict=False):
        if stop > start:
            out.append(Stretch(number, name, start, stop))
    return out


def _iliac_begins(
    number: int, chain: Chain, points: FloatArray, joined: tuple[int, int] | None, first: int
) -> int:
    """Return the first station of a side that lies in an iliac vein."""
    if chain.cava_above_mm is not None:
        return int(np.argmin(points[:, 2] >= chain.cava_above_mm))
    if joined is not None:
        return joined[number] + 1
    said = next((at for name, at in chain.marks if name.startswith(str(chain.side))), None)
    return _nearest(points, said) if said is not None else first


def _nearest(points: FloatArray, target: FloatArray) -> int:
    return int(np.argmin(np.linalg.norm(points - target, axis=1)))
