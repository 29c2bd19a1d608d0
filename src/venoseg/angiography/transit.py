"""Which way contrast medium runs along a vein, and how long it takes from end to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from venoseg.angiography.flow import Curve
from venoseg.volume import FloatArray

Direction = Literal["antegrade", "retrograde", "not_told"]

# Each arrival is known to so many frames.
_ARRIVAL_FRAMES = 1.0


@dataclass(frozen=True, slots=True)
class Transit:
    """Contrast medium on its way along a vein.

    Attributes
    ----------
    vessel
        Its name.
    direction
        ``antegrade``: from the peripheral to the central end; ``retrograde``: the reverse;
        ``not_told``: it arrives at both within the error, or at one only.
    transit_s, low_s, high_s
        From its arrival at the first end to that at the other, with its 95 % interval; None where
        an arrival is not known.
    """

    vessel: str
    direction: Direction
    transit_s: float | None
    low_s: float | None
    high_s: float | None


def transits(
    vessels: Sequence[str], curves: Sequence[Curve], times_s: FloatArray
) -> tuple[Transit, ...]:
    """Return one transit per vein, from the arrivals at its ends.

    Parameters
    ----------
    vessels
        Names of the measured veins.
    curves
        From `venoseg.angiography.flow.follow`, those of the veins' ends among them.
    times_s
        (p,) times of the pictures.
    """
    step = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0
    arrival = {curve.name: curve.arrival_s for curve in curves}
    found = []
    for vessel in vessels:
        central = arrival.get(f"{vessel}:central_end")
        peripheral = arrival.get(f"{vessel}:peripheral_end")
        if central is None or peripheral is None:
            found.append(Transit(vessel, "not_told", None, None, None))
            continue
        took, half = central - peripheral, float(np.sqrt(2.0)) * _ARRIVAL_FRAMES * step
        direction: Direction = "not_told"
        if abs(took) > half:
            direction = "antegrade" if took > 0 else "retrograde"
        low = max(abs(took) - half, 0.0)
        found.append(Transit(vessel, direction, abs(took), low, abs(took) + half))
    return tuple(found)
