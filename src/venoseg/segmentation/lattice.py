"""What a lattice of wire looks like from its middle line, and what only resembles it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from venoseg.volume import FloatArray

_LEAST_RINGED = 0.9

# Between struts lie gaps: within a mesh peaks fall by this share of the highest, and from ray to
# ray they scatter by this share of their mean. The shell of a bone is even, its rims are coarse.
_LEAST_DEPTH = 0.6
_LEAST_TEXTURE = 0.4

# Wires and gaps take turns around the ring as often as the stent has crowns, 8 times or more;
# grains of calcium as coarse as the mesh do so 5 times.
_LEAST_CROWNS = 7.0

# A tight weave of steep wires shows hardly any depth, but takes turns by more than the noise as
# often as this (braids at 60 degrees 8 times, a rim of contrast 5, grains of calcium 4 to 5).
_LEAST_CLEAR_TURNS = 7.5

# Where a stent is known, a weave that shows hardly any gap is one. An even rim, as of contrast that
# flows along the wall, shows none.
_LEAST_KNOWN_DEPTH = 0.2

# A dense weave in a narrow stent scatters less. It passes where wires and gaps take turns around
# the ring as often as no plaque does (stents 12 to 13 times, patches of calcium 3 to 7 on twins),
# the wires are thin, and nothing like bone lies behind.
_LEAST_DENSE_TEXTURE = 0.25
_LEAST_DENSE_DEPTH = 0.66
_LEAST_TURNS = 9.5
_THIN_MM = 2.4
_HARDLY_BONE = 0.1

# Smoothed by a kernel, wires are faint and stand out little. In a labelled vein, where hardly
# anything else closes a ring, these are enough (calcium on digital twins: 7 turns at most where it
# lies in patches, a depth of 0.56 at most where it is a shell). The second is for thin wires far
# apart, which scatter as much as bright ones.
_LEAST_FAINT_TURNS = 10.0
_LEAST_FAINT_TEXTURE = 0.2

# Bone goes on beyond its inner face, on more than this share of the rays.
_MOST_BONE = 0.35

# The legs of a filter spread like a cone, this much per millimetre over no more than so far; a
# stent that is crushed at one end narrows less.
_CONE, _CONE_MM = 0.08, 50.0

# A stent is longer than it is wide; a vertebra is not.
_LEAST_LONG = 1.6

# The brightest tenth of a stent's wires rises by this much, bone's thin shell seldom does.
_LEAST_BRIGHT_HU = 250.0

# Blood, tissue or clot inside, and nothing brighter than contrast.
_INSIDE_HU = (-30.0, 700.0)

# Wire is no wider than the scanner's blur; full width at half maximum of the brightest rays.
_WIDEST_MM = 3.2


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """What rays from a middle line meet.

    Attributes
    ----------
    line_lps_mm
        (n, 3) the stretch of the line around which the ring is closed.
    surface_lps_mm
        (n, angles, 3) where the rays peak.
    radius_mm, spread
        Median distance of the peaks from the line, of a flat ring the radius of a circle of its
        size; and how much that distance changes per millimetre.
    closed, depth, texture, turns, clear_turns, bone, bright_hu, inside_hu, width_mm
        Share of the ring within reach of a strut, how far gaps lie below struts and how much
        neighbouring peaks scatter (relative), how often wires and gaps take turns around the ring,
        and how often they do so by more than the noise, the share of rays with bone beyond, the
        upper tenth of the peaks above both sides, the level inside, and the width of the brightest
        peaks.
    """

    line_lps_mm: FloatArray
    surface_lps_mm: FloatArray
    radius_mm: float
    spread: float
    closed: float
    depth: float
    texture: float
    turns: float
    clear_turns: float
    bone: float
    bright_hu: float
    inside_hu: float
    width_mm: float

    @property
    def length_mm(self) -> float:
        """Length of the line."""
        return float(np.linalg.norm(np.diff(self.line_lps_mm, axis=0), axis=1).sum())

    @property
    def is_known_stent(self) -> bool:
        """Whether this is one where a stent is known to lie."""
        return self.is_ring and self.depth >= _LEAST_KNOWN_DEPTH and self.turns >= _LEAST_CROWNS

    @property
    def is_ring(self) -> bool:
        """Whether something thin and bright lies all around."""
        return (
            self.closed >= _LEAST_RINGED
            and self.length_mm >= 2.0 * _LEAST_LONG * self.radius_mm
            and not (self.spread >= _CONE and self.length_mm <= _CONE_MM)
            and self.bone <= _MOST_BONE
            and _INSIDE_HU[0] <= self.inside_hu <= _INSIDE_HU[1]
            and self.width_mm <= _WIDEST_MM
        )

    @property
    def is_stent(self) -> bool:
        """Whether this is a lattice of wire around blood or tissue, wherever it lies."""
        return (
            self.is_ring
            and self.depth >= _LEAST_DEPTH
            and (self._is_coarse_weave or self._is_dense_weave)
            and self.bright_hu >= _LEAST_BRIGHT_HU
        )

    @property
    def is_faint_stent(self) -> bool:
        """Whether this is one if it lies in a labelled vein, however faint its wires are."""
        return (
            self.is_ring
            and self.bone <= _HARDLY_BONE
            and (self._is_open_weave or self._is_thin_weave or self._is_tight_weave)
        )

    @property
    def _is_coarse_weave(self) -> bool:
        return self.texture >= _LEAST_TEXTURE and self.clear_turns >= _LEAST_CROWNS

    @property
    def _is_open_weave(self) -> bool:
        return (
            self.depth >= _LEAST_DEPTH
            and self.texture >= _LEAST_TEXTURE
            and self.turns >= _LEAST_CROWNS
        )

    @property
    def _is_thin_weave(self) -> bool:
        return (
            self.depth >= _LEAST_DEPTH
            and self.texture >= _LEAST_FAINT_TEXTURE
            and self.turns >= _LEAST_FAINT_TURNS
        )

    @property
    def _is_tight_weave(self) -> bool:
        return self.width_mm <= _THIN_MM and self.clear_turns >= _LEAST_CLEAR_TURNS

    @property
    def _is_dense_weave(self) -> bool:
        return (
            self.texture >= _LEAST_DENSE_TEXTURE
            and self.depth >= _LEAST_DENSE_DEPTH
            and self.turns >= _LEAST_TURNS
            and self.width_mm <= _THIN_MM
            and self.bone <= _HARDLY_BONE
        )
