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
# often as this (braids at 60 degrees 8 times, a rim of contrast 5, grains of calcium 4 to 5). What
# voxels make of an even bright ring does so too where it far outshines the noise, by 0.03 to 0.06.
_LEAST_CLEAR_TURNS = 7.5
_LEAST_TIGHT_RIPPLE = 0.07

# Smoothed by a kernel, weaves take turns of which some are lost in the noise; of all they take more
# (braids 9 or more, 4.3 clear ones), and peaks differ by more than the noise and an even ring's. An
# even shell of calcium differs by its noise alone, an uneven one takes turns 7 times at most, the
# cortex of a thin bone 6 times, patches of calcium in strong noise 8 times, 2.4 clear ones.
_LEAST_EVEN_TURNS, _OF_THEM_CLEAR = 8.5, 4.0
_LEAST_NOISES = 3.0
_LEAST_RIPPLE = 0.1

# Where a stent is known, a weave that shows hardly any gap is one. An even rim, as of contrast that
# flows along the wall, shows none.
_LEAST_KNOWN_DEPTH = 0.2

# Thin wires, with nothing like bone behind.
_THIN_MM = 2.4
_HARDLY_BONE = 0.1

# Smoothed by a kernel, wires are faint and stand out little. In a labelled vein, where hardly
# anything else closes a ring, those far apart may scatter so little (grains of calcium that scatter
# as much take 6 turns at most).
_LEAST_FAINT_TEXTURE = 0.3

# Bone goes on beyond its inner face, on more than this share of the rays.
_MOST_BONE = 0.35

# The legs of a filter spread like a cone, this much per millimetre over no more than so far; a
# stent that is crushed at one end narrows less.
_CONE, _CONE_MM = 0.08, 50.0

# A stent is longer than it is wide; a vertebra is not.
_LEAST_LONG = 1.6

# The brightest tenth of a stent's wires rises by this much, bone's thin shell seldom does. Of thin
# wires the second is enough: by more than the noise, calcium and bone take turns 5 times at most.
_LEAST_BRIGHT_HU = 250.0
_LEAST_THIN_HU = 150.0

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
    open_mm
        Length of the longest stretch whose ring is not closed.
    closed, depth, texture, turns, clear_turns, ripple, noises, bone, bright_hu, inside_hu, width_mm
        Share of the ring within reach of a strut, how far gaps lie below struts and how much
        neighbouring peaks scatter (relative), how often wires and gaps take turns around the ring,
        and how often they do so by more than the noise, how much peaks scatter at the typical place
        (relative, and in standard deviations of the noise), the share of rays with bone beyond, the
        upper tenth of the peaks above both sides, the level inside, and the width of the brightest
        peaks.
    """

    line_lps_mm: FloatArray
    surface_lps_mm: FloatArray
    radius_mm: float
    spread: float
    closed: float
    open_mm: float
    depth: float
    texture: float
    turns: float
    clear_turns: float
    ripple: float
    noises: float
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
            and self.clear_turns >= _LEAST_CROWNS
            and (self._is_coarse_weave or (self._is_thin and self._is_even_weave))
            and self.bright_hu >= (_LEAST_THIN_HU if self._is_thin else _LEAST_BRIGHT_HU)
        )

    @property
    def is_faint_stent(self) -> bool:
        """Whether this is one if it lies in a labelled vein, however faint its wires are."""
        woven = self._is_tight_weave or self._is_even_weave
        return (
            self.is_ring
            and self.bone <= _HARDLY_BONE
            and (self._is_open_weave or (self._is_thin and woven))
        )

    @property
    def _is_coarse_weave(self) -> bool:
        return self.depth >= _LEAST_DEPTH and self.texture >= _LEAST_TEXTURE

    @property
    def _is_open_weave(self) -> bool:
        return (
            self.depth >= _LEAST_DEPTH
            and self.texture >= _LEAST_FAINT_TEXTURE
            and self.turns >= _LEAST_CROWNS
        )

    @property
    def _is_tight_weave(self) -> bool:
        return self.clear_turns >= _LEAST_CLEAR_TURNS and self.ripple >= _LEAST_TIGHT_RIPPLE

    @property
    def _is_even_weave(self) -> bool:
        return (
            self.turns >= _LEAST_EVEN_TURNS
            and self.clear_turns >= _OF_THEM_CLEAR
            and self.noises >= _LEAST_NOISES
            and self.ripple >= _LEAST_RIPPLE
        )

    @property
    def _is_thin(self) -> bool:
        return self.width_mm <= _THIN_MM and self.bone <= _HARDLY_BONE
