"""The veins as a tree of curves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from venoseg.centerline.curve import Curve
from venoseg.centerline.regions import Region
from venoseg.volume import FloatArray, Grid

EndKind = Literal["junction", "open", "closed"]


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """One vein.

    Attributes
    ----------
    vessel
        Its name.
    parent
        Name of the vein it drains into; None for the root or where no connection was found.
    curve
        Its centerline, from the central end.
    central_end, peripheral_end
        ``junction``: it goes on in another vein; ``open``: the labels run out of the image;
        ``closed``: the labels end inside the image.
    half_width_mm
        How far to look across the curve to see all of the region.
    region
        The voxels that it was traced in.
    flags
        What happened on the way, e.g. ``islands_removed``.
    """

    vessel: str
    parent: str | None
    curve: Curve
    central_end: EndKind
    peripheral_end: EndKind
    half_width_mm: float
    region: Region = field(repr=False)
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class VesselTree:
    """All veins found, the root first.

    Attributes
    ----------
    branches
        Parents before their children.
    grid
        The grid of the labels.
    confluence_lps_mm
        (3,) where the iliac veins join the inferior vena cava; None when it is not in view.
    too_small
        Names of labelled veins that have too few voxels to be traced.
    """

    branches: tuple[Branch, ...]
    grid: Grid
    confluence_lps_mm: FloatArray | None
    too_small: tuple[str, ...] = ()

    def branch(self, vessel: str) -> Branch:
        """Return the branch of a vessel; KeyError when there is none."""
        for branch in self.branches:
            if branch.vessel == vessel:
                return branch
        raise KeyError(vessel)
