"""What a reader or a segmenter says about the course of the veins, checked against the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from venoseg.anatomy import BY_NAME, CHAINS
from venoseg.errors import InputError
from venoseg.segmentation import OccludedCourse, Role, Seed, Segmentation
from venoseg.volume import FloatArray, Grid, Volume

# A seed in less than this lies in air or lung.
_AIR_HU = -300.0

# A seed this near to its own vein's labels is on it, whatever other label it hits.
_NEAR_OWN_MM = 6.0

# A vein of one side lies at most this far on the other side of the inferior vena cava's middle.
_ACROSS_MM = 25.0

_REMEDY = "check the seeds: x grows to the patient's left, y to the back, z to the head (LPS mm)"


@dataclass(frozen=True, slots=True, eq=False)
class Guidance:
    """Seeds and occluded courses, by vein.

    Attributes
    ----------
    seeds
        Checked seed points.
    courses
        Ways of veins along stretches without lumen.
    """

    seeds: tuple[Seed, ...] = ()
    courses: tuple[OccludedCourse, ...] = field(default=())

    def end(self, vessel: str, role: Role) -> FloatArray | None:
        """Return the seed (3,) at one end of a vein, None where none was set."""
        for seed in self.seeds:
            if (seed.vessel, seed.role) == (vessel, role):
                return np.array(seed.lps_mm)
        return None

    def points(self, vessels: Sequence[str]) -> FloatArray:
        """Return (n, 3) every seed of these veins."""
        points = [seed.lps_mm for seed in self.seeds if seed.vessel in vessels]
        return np.array(points, dtype=np.float64).reshape(-1, 3)

    def course(self, vessel: str) -> OccludedCourse | None:
        """Return the occluded course of a vein, None where none is known."""
        return next((course for course in self.courses if course.vessel == vessel), None)

    def division(self, central: str, peripheral: str) -> FloatArray | None:
        """Return the place (3,) where one vein gives way to the next, None where nobody says."""
        seeds = (self.end(central, "peripheral_end"), self.end(peripheral, "central_end"))
        known = [point for point in seeds if point is not None]
        if not known:
            before, after = self.course(central), self.course(peripheral)
            known += [] if before is None else [before.points_lps_mm[-1]]
            known += [] if after is None else [after.points_lps_mm[0]]
        return np.mean(known, axis=0) if known else None


def checked_guidance(
    segmentation: Segmentation, seeds: Sequence[Seed], volume: Volume | None
) -> Guidance:
    """Return what is said about the veins, after making sure that it can be meant.

    Raises
    ------
    InputError
        When a seed lies outside the image, in air, on another vein or on the other side, or when
        one end of a vein is set twice.
    """
    ends: set[tuple[str, str]] = set()
    middle = _middle_x_mm(segmentation) if seeds else None
    for number, seed in enumerate(seeds, start=1):
        where = f"seed {number} ({seed.vessel} {seed.role})"
        if not segmentation.grid.contains(np.array(seed.lps_mm)):
            raise InputError("lies outside the image", where=where, remedy=_REMEDY)
        if volume is not None and volume.unit == "HU" and _around(volume, seed) < _AIR_HU:
            raise InputError("lies in air", where=where, remedy=_REMEDY)
        other = _other_vein(segmentation, seed)
        if other is not None:
            hint = "are left and right swapped?" if _sides_differ(seed.vessel, other) else _REMEDY
            raise InputError(f"lies on the {BY_NAME[other].title}", where=where, remedy=hint)
        if middle is not None and _across_mm(seed, middle) > _ACROSS_MM:
            raise InputError(
                "lies on the other side of the body",
                where=where,
                remedy="are left and right swapped?",
            )
        if seed.role != "waypoint":
            if (seed.vessel, seed.role) in ends:
                raise InputError("is the second of its kind", where=where, remedy="keep one")
            ends.add((seed.vessel, seed.role))
    return Guidance(tuple(seeds), segmentation.occluded)


def _around(volume: Volume, seed: Seed) -> float:
    """Return the mean of the voxels around a seed."""
    box = _cube(volume.grid, seed, 1.5)
    return float(volume.voxels[box].mean())


def _cube(grid: Grid, seed: Seed, half_mm: float) -> tuple[slice, ...]:
    index = np.round(grid.to_index(np.array(seed.lps_mm))).astype(int)
    half = np.maximum(1, np.round(half_mm / grid.spacing_mm)).astype(int)
    return tuple(
        slice(max(0, int(n - h)), int(n + h) + 1) for n, h in zip(index, half, strict=True)
    )


def _other_vein(segmentation: Segmentation, seed: Seed) -> str | None:
    """Return the vein a seed lies on when that is another one and its own is not near.

    Veins that are one tube under changing names lend one another their ends.
    """
    index = np.round(segmentation.grid.to_index(np.array(seed.lps_mm))).astype(int)
    here = segmentation.names.get(int(segmentation.labels[tuple(index)]))
    if here is None or here == seed.vessel or here in BY_NAME[seed.vessel].parents[:1]:
        return None
    if any({here, seed.vessel} <= set(chain) for chain in CHAINS) and seed.role != "waypoint":
        return None
    if seed.vessel in BY_NAME[here].parents[:1]:
        return None
    box = _cube(segmentation.grid, seed, _NEAR_OWN_MM)
    values = [value for value, name in segmentation.names.items() if name == seed.vessel]
    near: bool = bool(np.isin(segmentation.labels[box], values).any())
    return None if near else here


def _sides_differ(first: str, second: str) -> bool:
    sides = {BY_NAME[first].side, BY_NAME[second].side}
    return sides == {"left", "right"}


def _middle_x_mm(segmentation: Segmentation) -> float | None:
    """Return x of the labels' middle between the sides, None where one side alone is labelled."""
    sums = {"left": [], "right": []}  # type: dict[str, list[float]]
    boxes = ndimage.find_objects(segmentation.labels, max_label=int(max(segmentation.names)))
    for value, name in segmentation.names.items():
        side = BY_NAME[name].side
        box = boxes[value - 1]
        if side is not None and box is not None:
            centre = [(s.start + s.stop - 1) / 2.0 for s in box]
            sums[side].append(float(segmentation.grid.to_lps(centre)[0]))
    if not sums["left"] or not sums["right"]:
        return None
    return float((np.mean(sums["left"]) + np.mean(sums["right"])) / 2.0)


def _across_mm(seed: Seed, middle_x_mm: float) -> float:
    """Return how far a seed of one side lies on the other side of the middle."""
    side = BY_NAME[seed.vessel].side
    if side is None:
        return 0.0
    beyond = middle_x_mm - seed.lps_mm[0]
    return float(beyond if side == "left" else -beyond)
