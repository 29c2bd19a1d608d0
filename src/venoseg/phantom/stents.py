"""Stents: lattices of thin wire on the surface of a vessel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from venoseg.phantom.curve import Curve
from venoseg.phantom.filaments import SPACING_MM, Filaments
from venoseg.phantom.tube import Profile, Tube
from venoseg.volume import FloatArray

Cells = Literal["closed", "open"]

METAL_HU = 20000.0
"""Nitinol as a scanner would show it if it could resolve a strut."""


@dataclass(frozen=True, slots=True)
class Lattice:
    """How a stent is woven.

    Attributes
    ----------
    nominal_mm
        Diameter it was made for.
    strut_mm
        Thickness of its wire.
    crowns
        Zigzags around each ring.
    ring_mm
        Length of a ring.
    cells
        ``closed``: neighbouring rings meet at every crown; ``open``: bridges at every third.
    fracture_mm
        Arc length of the host at which the stent is broken; None for a whole one.
    """

    nominal_mm: float
    strut_mm: float = 0.25
    crowns: int = 12
    ring_mm: float = 4.0
    cells: Cells = "closed"
    fracture_mm: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Stent:
    """A stent in a vessel.

    Attributes
    ----------
    curve, profile
        The host's centreline, and the ellipses that the middle of the wire follows along it.
    start_mm, stop_mm
        Its ends as arc lengths of the host.
    lattice, wires
        How it is woven, and the wire itself.
    """

    curve: Curve
    profile: Profile
    start_mm: float
    stop_mm: float
    lattice: Lattice
    wires: Filaments

    def tube(self) -> Tube:
        """Return the room inside the wire's middle as a tube, without ends."""
        return Tube(self.curve, self.profile)


def place_stent(
    curve: Curve, profile: Profile, start_mm: float, stop_mm: float, lattice: Lattice
) -> Stent:
    """Weave a stent along a curve; ``profile`` gives its elliptic shape at every point."""
    lines = _closed_or_open(curve, profile, start_mm, stop_mm, lattice)
    if lattice.fracture_mm is not None:
        lines = _broken(curve, lines, lattice.fracture_mm)
    wires = Filaments.along(lines, lattice.strut_mm)
    return Stent(curve, profile, start_mm, stop_mm, lattice, wires)


def _closed_or_open(
    curve: Curve, profile: Profile, start_mm: float, stop_mm: float, lattice: Lattice
) -> list[FloatArray]:
    rings = max(round((stop_mm - start_mm) / lattice.ring_mm), 1)
    height = (stop_mm - start_mm) / rings
    lines: list[FloatArray] = []
    for ring in range(rings):
        base = start_mm + ring * height
        turn, rise = _zigzag(lattice, profile, height)
        flipped = rise if ring % 2 == 0 or lattice.cells == "open" else 1.0 - rise
        room = 1.0 if lattice.cells == "closed" else 0.75
        lines.append(_on_surface(curve, profile, base + room * height * flipped, turn))
        if lattice.cells == "open" and ring + 1 < rings:
            lines += _bridges(curve, profile, base + room * height, base + height, lattice)
    return lines


def _zigzag(lattice: Lattice, profile: Profile, height: float) -> tuple[FloatArray, FloatArray]:
    radius = float(profile.first_mm.max())
    length = 2 * lattice.crowns * float(np.hypot(height, np.pi * radius / lattice.crowns))
    turn = np.linspace(0.0, 2 * np.pi, int(length / SPACING_MM) + 2)
    phase = turn * lattice.crowns / np.pi
    rise = np.abs((phase + 1.0) % 2.0 - 1.0)
    return turn, rise


def _bridges(
    curve: Curve, profile: Profile, low_mm: float, high_mm: float, lattice: Lattice
) -> list[FloatArray]:
    count = max(int((high_mm - low_mm) / SPACING_MM) + 2, 2)
    along = np.linspace(low_mm, high_mm, count)
    crowns = (2 * np.arange(0, lattice.crowns, 3) + 1) * np.pi / lattice.crowns
    return [_on_surface(curve, profile, along, np.full(count, turn)) for turn in crowns]


def _on_surface(
    curve: Curve, profile: Profile, along_mm: FloatArray, turn: FloatArray
) -> FloatArray:
    known = curve.positions_mm
    x = np.interp(along_mm, known, profile.first_mm) * np.cos(turn)
    y = np.interp(along_mm, known, profile.second_mm) * np.sin(turn)
    angle = np.interp(along_mm, known, profile.angle_rad)
    first, second = curve.axes_at(along_mm)
    across = (x * np.cos(angle) - y * np.sin(angle))[:, None] * first
    across += (x * np.sin(angle) + y * np.cos(angle))[:, None] * second
    surface: FloatArray = curve.at(along_mm) + across
    return surface


def _broken(curve: Curve, lines: list[FloatArray], fracture_mm: float) -> list[FloatArray]:
    """Open a gap of 3 mm and shift the peripheral piece sideways by 2 mm."""
    where, along = curve.at(fracture_mm), curve.tangent_at(fracture_mm)
    aside = 2.0 * curve.axes_at(fracture_mm)[0]
    pieces: list[FloatArray] = []
    for line in lines:
        ahead = (line - where) @ along
        near = np.linalg.norm(line - where, axis=1) < 40.0
        central, peripheral = line[(ahead < 0) | ~near], line[(ahead > 3.0) & near] + aside
        pieces += [piece for piece in (central, peripheral) if len(piece) > 1]
    return pieces


def stented(
    tube: Tube,
    stent_profile: Profile,
    start_mm: float,
    stop_mm: float,
    lattice: Lattice,
    tissue_mm: FloatArray | float = 0.0,
) -> tuple[Tube, Stent]:
    """Open a vessel with a stent; tissue of some thickness may line it.

    Parameters
    ----------
    tube
        The host; its lumen within the stent is replaced, its healthy area kept.
    stent_profile
        Shape of the stent, one ellipse per sample of the host's curve.
    tissue_mm
        Thickness of tissue between the wire's middle and the lumen, one number or one per sample.
    """
    at = tube.curve.positions_mm
    # The vein eases into the stent's calibre over 5 mm beyond each end.
    beyond = np.maximum(np.maximum(start_mm - at, at - stop_mm), 0.0)
    inside = np.cos(np.clip(beyond / 5.0, 0.0, 1.0) * np.pi / 2) ** 2
    first = stent_profile.first_mm - tissue_mm - lattice.strut_mm / 2
    second = stent_profile.second_mm - tissue_mm - lattice.strut_mm / 2
    profile = replace(
        tube.profile,
        first_mm=inside * first + (1 - inside) * tube.profile.first_mm,
        second_mm=inside * second + (1 - inside) * tube.profile.second_mm,
        angle_rad=np.where(inside > 0, stent_profile.angle_rad, tube.profile.angle_rad),
    )
    opened = replace(tube, profile=profile, absent=())
    return opened, place_stent(tube.curve, stent_profile, start_mm, stop_mm, lattice)
