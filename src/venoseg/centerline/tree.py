"""The veins as a tree of curves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from venoseg.centerline.curve import Curve
from venoseg.centerline.regions import Region
from venoseg.segmentation import CourseSource
from venoseg.volume import FloatArray, Grid

EndKind = Literal["junction", "open", "closed"]


@dataclass(frozen=True, slots=True, eq=False)
class Gap:
    """A stretch of a vein without labelled lumen, bridged from lumen to lumen.

    Attributes
    ----------
    start_mm, stop_mm
        Where on the branch, from its central end.
    source
        What shows the way: ``labels`` of the occluded cord, ``waypoints``, or the ``image``.
    ends_lps_mm
        (n, 3) where the labelled lumen ends next to the whole bridge, of which this may be a part.
    """

    start_mm: float
    stop_mm: float
    source: CourseSource
    ends_lps_mm: FloatArray


@dataclass(frozen=True, slots=True)
class Failure:
    """A vein that could not be traced: its name, a word for the flags, and what to know and do."""

    vessel: str
    flag: str
    reason: str


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
    gaps
        Stretches without labelled lumen, in order.
    """

    vessel: str
    parent: str | None
    curve: Curve
    central_end: EndKind
    peripheral_end: EndKind
    half_width_mm: float
    region: Region = field(repr=False)
    flags: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()


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
    failures
        Veins that could not be traced, and why.
    """

    branches: tuple[Branch, ...]
    grid: Grid
    confluence_lps_mm: FloatArray | None
    failures: tuple[Failure, ...] = ()

    def branch(self, vessel: str) -> Branch:
        """Return the branch of a vessel; KeyError when there is none."""
        for branch in self.branches:
            if branch.vessel == vessel:
                return branch
        raise KeyError(vessel)
