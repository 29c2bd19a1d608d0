"""What each turn of the search for the edge in the image saw, so that part can be renewed."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from venoseg.lumen.geometry.outline import CONTOUR_POINTS
from venoseg.lumen.geometry.stationwise import part_of, with_stations
from venoseg.volume import BoolArray, FloatArray

# While the contour is brought nearer, in so many turns, every so many rays are followed:
# neighbouring rays see the same voxels, and the wall is smoothed over several of them.
NEARING_TURNS = 2
NEARING_STRIDE = 2

# How lopsided rises are is averaged over more of the wall, and read on every so many rays.
LOPSIDED_STRIDE = 2


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """What one turn saw on m rays of each of n stations; NaN where it did not look.

    Attributes
    ----------
    contours_mm, moved_mm
        (n, m, 2) the contour across which the rays ran, and where the edge was found.
    within, beyond, scatter, seen, shell
        (n, m) as `Sight` has them; a shell is told by the first turn, and kept.
    offsets_mm
        (n, m) the edge along each ray from the contour; 0 where the ray shows none.
    usable
        (n, m) which rays show one.
    lopsided_mm
        (n, m / `LOPSIDED_STRIDE`) how lopsided the rise is, as `lopsided` tells; by the last turn
        only.
    bright
        (n,) share of rays beside which a shell or something far brighter than the lumen lies; told
        by the first turn only.
    """

    contours_mm: FloatArray
    moved_mm: FloatArray
    within: FloatArray
    beyond: FloatArray
    scatter: FloatArray
    seen: BoolArray
    shell: BoolArray
    offsets_mm: FloatArray
    usable: BoolArray
    lopsided_mm: FloatArray
    bright: FloatArray

    @classmethod
    def unknown(cls, count: int, points: int) -> Turn:
        """Return stations at which nothing was seen."""
        blank, nothing = np.full((count, points), np.nan), np.zeros((count, points), dtype=bool)
        return cls(
            contours_mm=np.full((count, points, 2), np.nan),
            moved_mm=np.full((count, points, 2), np.nan),
            within=blank,
            beyond=blank.copy(),
            scatter=blank.copy(),
            seen=nothing,
            shell=nothing.copy(),
            offsets_mm=blank.copy(),
            usable=nothing.copy(),
            lopsided_mm=np.full((count, points // LOPSIDED_STRIDE), np.nan),
            bright=np.full(count, np.nan),
        )

    def part(self, keep: slice) -> Turn:
        """Return the stations of ``keep``."""
        return part_of(self, keep)

    def copied(self) -> Turn:
        """Return the same in arrays of its own."""
        return Turn(*(getattr(self, f.name).copy() for f in fields(self)))

    def replaced(self, stations: slice, part: Turn) -> Turn:
        """Return the turn with other ``stations``."""
        return with_stations(self, stations, part)


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """All turns of a search at the same stations."""

    turns: tuple[Turn, ...]

    @classmethod
    def unknown(cls, count: int) -> Search:
        """Return stations at which no edge was sought."""
        points = [CONTOUR_POINTS // NEARING_STRIDE] * NEARING_TURNS + [CONTOUR_POINTS]
        return cls(tuple(Turn.unknown(count, n) for n in points))

    def part(self, keep: slice) -> Search:
        """Return the stations of ``keep``."""
        return Search(tuple(turn.part(keep) for turn in self.turns))

    def replaced(self, stations: slice, part: Search) -> Search:
        """Return the search with other ``stations``."""
        pairs = zip(self.turns, part.turns, strict=True)
        return Search(tuple(turn.replaced(stations, new) for turn, new in pairs))

    @property
    def known(self) -> BoolArray:
        """Return (n,) where the edge was sought."""
        known: BoolArray = ~np.isnan(self.turns[0].bright)
        return known
