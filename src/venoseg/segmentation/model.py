"""The segmentation as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from venoseg.anatomy import BY_NAME
from venoseg.errors import LabelError
from venoseg.volume import BoolArray, FloatArray, Grid

LabelArray = npt.NDArray[np.uint8]

Origin = Literal["automatic", "semiautomatic", "manual", "unknown"]

CourseSource = Literal["labels", "waypoints", "image"]


@dataclass(frozen=True, slots=True, eq=False)
class OccludedCourse:
    """The way of a vein along a stretch where it carries no lumen.

    Attributes
    ----------
    vessel
        A name of `venoseg.anatomy.NAMES`.
    points_lps_mm
        (n, 3) float64, from the central to the peripheral end of the stretch.
    source
        What shows the way: ``labels`` of the occluded cord, ``waypoints`` that somebody set, or
        the ``image``, in which it is the most plausible course only.
    """

    vessel: str
    points_lps_mm: FloatArray
    source: CourseSource


@dataclass(frozen=True, slots=True)
class VesselConfidence:
    """How far a segmenter trusts what it labelled as one vein.

    Attributes
    ----------
    vessel
        A name of `venoseg.anatomy.NAMES`.
    confidence
        0 to 1; below `LEAST_CONFIDENCE` the vein needs a person's eyes.
    reasons
        What raised doubt, a few words each; empty when nothing did.
    """

    vessel: str
    confidence: float
    reasons: tuple[str, ...] = ()


LEAST_CONFIDENCE = 0.5


@dataclass(frozen=True, slots=True)
class Level:
    """A place along a vein at which its name, or that of its part, changes.

    Attributes
    ----------
    name
        ``renal_veins``, ``SIDE_internal_iliac_junction`` or ``SIDE_inguinal_ligament``.
    lps_mm
        (x, y, z) on the vein's course; None where it was not found.
    uncertainty_mm
        How far along the vein the true level may lie from it; None where it was not found.
    confidence
        0 to 1; below `LEAST_CONFIDENCE` no name changes there.
    reasons
        What it was found by, or why it was not.
    """

    name: str
    lps_mm: tuple[float, float, float] | None
    uncertainty_mm: float | None
    confidence: float
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """Labels of veins on a grid.

    Attributes
    ----------
    labels
        (slices, rows, columns) uint8, 0 is background.
    grid
        Their place in the patient; the grid of the image they belong to.
    names
        Label value to a name of `venoseg.anatomy.NAMES`. Values that name no vein are not in it,
        and voxels that carry them count as background.
    origin
        Who drew it, as far as known.
    stent
        (slices, rows, columns) bool, the stents' metal; None when none was segmented. It may
        overlap the labels.
    flags
        What a reader must know, e.g. ``labels_resampled``.
    occluded
        Stretches of the veins without lumen; they carry no label.
    confidence
        One for each vein that a segmenter drew; empty when a person did.
    levels
        Where veins change their names; empty when nobody looked for them.

    Raises
    ------
    LabelError
        When the array does not fit the grid or a name is not a vein of the contract.
    """

    labels: LabelArray
    grid: Grid
    names: Mapping[int, str]
    origin: Origin = "unknown"
    stent: BoolArray | None = None
    flags: tuple[str, ...] = field(default=())
    occluded: tuple[OccludedCourse, ...] = field(default=())
    confidence: tuple[VesselConfidence, ...] = field(default=())
    levels: tuple[Level, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.labels.shape != self.grid.shape:
            raise LabelError(f"{self.labels.shape} labels do not fit a grid of {self.grid.shape}")
        unknown = sorted(set(self.names.values()) - set(BY_NAME))
        if unknown:
            raise LabelError(
                f"{', '.join(unknown)} is not a vein venoseg knows",
                remedy=f"use one of {', '.join(BY_NAME)}",
            )

    def mask(self, vessel: str) -> BoolArray:
        """Return (slices, rows, columns) bool, True in the voxels of ``vessel``."""
        values = [value for value, name in self.names.items() if name == vessel]
        inside: BoolArray = np.isin(self.labels, values)
        return inside
