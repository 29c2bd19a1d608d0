"""Digital twins: veins with known truth, as a scanner would see them.

>>> from venoseg.phantom import Scanner, fit_grid, render, shape
>>> scene = shape("tilted", seed=3)
>>> twin = render(scene, fit_grid(scene, (1.0, 0.78, 0.78)), Scanner(noise_hu=15, seed=3))
>>> twin.image.unit, twin.segmentation.names
('HU', {1: 'ivc'})
>>> twin.truth.cross_sections.names[:2]
('vessel', 'position_mm')
"""

from __future__ import annotations

from venoseg.phantom.ct import Rendering, Scanner, fit_grid, ideal_mask, render
from venoseg.phantom.curve import Curve
from venoseg.phantom.iliocaval import iliocaval_y
from venoseg.phantom.lesions import Narrowing, narrowed
from venoseg.phantom.scene import Layer, Scene
from venoseg.phantom.sections import contour_at, sections_at
from venoseg.phantom.shapes import SHAPES, shape
from venoseg.phantom.truth import Truth, truth_of
from venoseg.phantom.tube import Profile, Span, Tube

__all__ = [
    "SHAPES",
    "Curve",
    "Layer",
    "Narrowing",
    "Profile",
    "Rendering",
    "Scanner",
    "Scene",
    "Span",
    "Truth",
    "Tube",
    "contour_at",
    "fit_grid",
    "ideal_mask",
    "iliocaval_y",
    "narrowed",
    "render",
    "sections_at",
    "shape",
    "truth_of",
]
