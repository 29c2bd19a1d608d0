"""From labels to the tree of veins."""

from __future__ import annotations

from venoseg.centerline.curve import Curve
from venoseg.centerline.trace import trace
from venoseg.centerline.tree import Branch, VesselTree

__all__ = ["Branch", "Curve", "VesselTree", "trace"]
