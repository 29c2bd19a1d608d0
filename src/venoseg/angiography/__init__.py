"""Venography: subtraction, calibration in the frame, projected diameters, flow and collaterals."""

from __future__ import annotations

from venoseg.angiography.run import MaskItem, Run
from venoseg.angiography.subtraction import Composite, Subtraction, compose, subtract

__all__ = ["Composite", "MaskItem", "Run", "Subtraction", "compose", "subtract"]
