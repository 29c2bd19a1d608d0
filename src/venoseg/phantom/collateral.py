"""One vessel of the network that carries blood past a shut vein."""

from __future__ import annotations

from dataclasses import dataclass

from venoseg.phantom.tube import Tube


@dataclass(frozen=True, slots=True)
class Port:
    """Where a collateral ends.

    Attributes
    ----------
    node
        Name of the junction; collaterals with the same name meet there.
    host
        Index of the scene's tube that it opens into; None for a junction of collaterals, or where
        it leaves the picture.
    position_mm
        Arc length on the host.
    """

    node: str
    host: int | None = None
    position_mm: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """A collateral: its name, its lumen from the central to the peripheral end, and both ends."""

    name: str
    tube: Tube
    central: Port
    peripheral: Port
