"""What was measured at the visits of a case, as the comparison sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from venoseg.angiography import Venogram
from venoseg.followup.case import Conditions, Landmarks
from venoseg.lumen import Measurements
from venoseg.tables import Row


@dataclass(frozen=True, slots=True, eq=False)
class CtVisit:
    """A CT of a case.

    Attributes
    ----------
    label, day
        Of its timepoint; a timepoint of several studies adds their name to its label.
    timepoint
        Label of the timepoint alone.
    found
        What was measured.
    conditions
        Under which; the phase is that of the manifest, or else of the headers.
    landmarks
        Places that somebody pointed at.
    """

    label: str
    timepoint: str
    day: int
    found: Measurements
    conditions: Conditions
    landmarks: Landmarks = field(default_factory=dict)

    def segment(self, vessel: str) -> Row | None:
        """Return a vein's row of the segments' table."""
        return next((r for r in self.found.segments.rows if r["vessel"] == vessel), None)

    def stations(self, vessel: str) -> Sequence[Row]:
        """Return a vein's rows of the cross-sections' table, from its central end."""
        return [row for row in self.found.cross_sections.rows if row["vessel"] == vessel]


@dataclass(frozen=True, slots=True, eq=False)
class RunVisit:
    """An angiographic run of a case; attributes as those of `CtVisit`."""

    label: str
    timepoint: str
    day: int
    found: Venogram


Visit = CtVisit | RunVisit
