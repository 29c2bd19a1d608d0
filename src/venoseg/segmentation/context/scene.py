"""What lies beside the wanted veins, as the guided step is told."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from venoseg.segmentation.landmarks.arterial import Artery
from venoseg.segmentation.landmarks.iliac import Iliac
from venoseg.segmentation.tubes.streams import Streams
from venoseg.segmentation.voxels.domains import Picture
from venoseg.segmentation.working import Float32Array
from venoseg.volume import BoolArray, FloatArray

# Iliac veins have joined, or are on their own side, so far below the division of the aorta.
_JOINED_MM, _FROM_RIGHT_MM, _FROM_LEFT_MM = 40.0, 20.0, 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What the guided step works on.

    Attributes
    ----------
    picture
        The coarse picture of the box around the seeds.
    arteries
        Where arteries are in it; None when no aorta was found.
    behind
        Bones and, when an aorta was found, what lies behind the front of the lumbar spine, where
        collaterals run and these veins never do.
    cava_lps_mm
        (n, 3) points that lie in the cava for certain, from the head down.
    perhaps_arteries
        Where arteries may be: blood as bright as theirs is not taken for a vein there.
    artery_hu
        Grey value of blood in the aorta; None when no aorta was found.
    crest_z_mm
        Height of the iliac crests; minus infinity where they are not in view.
    iliac
        The iliac arteries that were followed from the aorta, and the veins beside them.
    division_lps_mm
        (3,) where the aorta divides; None when it was not found.
    aorta_lps_mm
        (n, 3) points in the aorta.
    aorta_out_of_view
        Whether the image shows the pelvis only, so that no artery can be followed from the aorta.
    said_lps_mm
        (n, 3) points that somebody set in iliac veins.
    second_lps_mm
        (n, 3) points in a second cava, left of the aorta, from the head down; mostly none.
    end_of_cavae_mm
        Height at which iliac veins begin, where two cavae never join to show it.
    trunk
        The aorta down to its division.
    in_spine
        (slices, rows, columns) how surely a place lies in the bodies of the vertebrae, whose marrow
        may be as bright as blood; None when no aorta was found.
    """

    picture: Picture
    arteries: BoolArray | None = None
    behind: BoolArray | None = None
    cava_lps_mm: FloatArray = field(default_factory=lambda: np.empty((0, 3)))
    perhaps_arteries: BoolArray | None = None
    artery_hu: float | None = None
    crest_z_mm: float = -np.inf
    iliac: Iliac = field(default_factory=Iliac)
    division_lps_mm: FloatArray | None = None
    aorta_lps_mm: FloatArray = field(default_factory=lambda: np.empty((0, 3)))
    aorta_out_of_view: bool = False
    said_lps_mm: FloatArray = field(default_factory=lambda: np.empty((0, 3)))
    second_lps_mm: FloatArray = field(default_factory=lambda: np.empty((0, 3)))
    end_of_cavae_mm: float = -np.inf
    trunk: Artery | None = None
    in_spine: Float32Array | None = None

    @property
    def known_arteries(self) -> tuple[Artery, ...]:
        """The aorta and the iliac arteries, as far as they were followed."""
        below = self.iliac.all_arteries
        return below if self.trunk is None else (self.trunk, *below)

    @property
    def tracked(self) -> tuple[Artery, ...]:
        """The iliac arteries that were followed to the groins."""
        return self.iliac.arteries

    def other_side(self, side: str | None) -> BoolArray | None:
        """Return where, well below the division of the aorta, veins of a side cannot be."""
        if side is None or self.division_lps_mm is None:
            return None
        k, _, i = (np.column_stack([np.arange(n)] * 3) for n in self.picture.grid.shape)
        z = self.picture.grid.to_lps(k)[:, 2]
        x = self.picture.grid.to_lps(i)[:, 0] - self.division_lps_mm[0]
        # The cava lies right of the aorta, so that left veins come from the other side.
        beyond = x < -_FROM_RIGHT_MM if side == "left" else x > _FROM_LEFT_MM
        low = z < self.division_lps_mm[2] - _JOINED_MM
        return np.broadcast_to(low[:, None, None] & beyond, self.picture.grid.shape)

    def streams(self, below_mm: float) -> Streams | None:
        """Return where streams may run in a cava, None where no aorta tells how bright blood is.

        ``below_mm``: height below which ways run in iliac veins, where no division of the aorta
        does.
        """
        if self.artery_hu is None:
            return None
        divides = self.division_lps_mm
        return Streams(below_mm if divides is None else float(divides[2]), self.artery_hu)
