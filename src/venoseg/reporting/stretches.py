"""Stretches of a vein that have something in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from venoseg.lumen import VesselProfile
from venoseg.reporting.words import reason_of


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive stations ``first`` to ``last``, both included."""

    first: int
    last: int
    kind: str

    @property
    def count(self) -> int:
        """Number of stations."""
        return self.last - self.first + 1

    def span_mm(self, step_mm: float) -> tuple[float, float]:
        """Return where it begins and ends when each station stands for half a step either way."""
        return (self.first - 0.5) * step_mm, (self.last + 0.5) * step_mm


def unmeasured(profile: VesselProfile) -> list[Stretch]:
    """Return the stretches that are not measured; their kind is the reason."""
    return _stretches(profile, lambda n: "" if profile.measured[n] else reason_of(profile.flags[n]))


def edge_sources(profile: VesselProfile) -> list[Stretch]:
    """Return the measured stretches; their kind is ``gray values`` or ``labels``."""
    return _stretches(
        profile,
        lambda n: (
            "" if not profile.measured[n] else "gray values" if profile.from_image[n] else "labels"
        ),
    )


def step_mm(profile: VesselProfile) -> float:
    """Return the distance of a vein's stations."""
    position = profile.branch.curve.position_mm
    return float(position[1] - position[0])


def _stretches(profile: VesselProfile, kind_of: Callable[[int], str]) -> list[Stretch]:
    """Group consecutive stations of one kind, leaving out the empty kind."""
    found: list[Stretch] = []
    for n in range(len(profile.flags)):
        kind = kind_of(n)
        if found and found[-1].kind == kind and found[-1].last == n - 1:
            found[-1] = Stretch(found[-1].first, n, kind)
        elif kind:
            found.append(Stretch(n, n, kind))
    return found
