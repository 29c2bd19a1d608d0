"""A case with everything that came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from venoseg.followup.case import Case
from venoseg.followup.levels import Match
from venoseg.followup.visit import CtVisit, RunVisit, Visit
from venoseg.tables import Table


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Everything that came of a case.

    Attributes
    ----------
    case
        What was compared.
    visits
        What was measured, in the order of time.
    matches
        How levels of two CTs belong together, by their labels.
    changes, patency, clinical
        The tables ``changes.csv``, ``patency.csv`` and ``clinical.csv``.
    failures, warnings
        What could not be done, and what a reader must know, one sentence each.
    """

    case: Case
    visits: tuple[Visit, ...]
    matches: Mapping[tuple[str, str], Match]
    changes: Table
    patency: Table
    clinical: Table
    failures: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def scans(self) -> tuple[CtVisit, ...]:
        """The visits with a CT."""
        return tuple(visit for visit in self.visits if isinstance(visit, CtVisit))

    @property
    def runs(self) -> tuple[RunVisit, ...]:
        """The visits with a run."""
        return tuple(visit for visit in self.visits if isinstance(visit, RunVisit))
