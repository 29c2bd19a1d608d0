"""Venography: subtraction, calibration in the frame, projected diameters, flow and collaterals."""

from __future__ import annotations

from venoseg.angiography.composite import Composite, compose
from venoseg.angiography.run import Run, run_of
from venoseg.angiography.subtraction import Subtraction, subtract
from venoseg.angiography.venogram import Venogram, VenogramOptions, Way, measure_run

__all__ = [
    "Composite",
    "Run",
    "Subtraction",
    "Venogram",
    "VenogramOptions",
    "Way",
    "compose",
    "measure_run",
    "run_of",
    "subtract",
]
