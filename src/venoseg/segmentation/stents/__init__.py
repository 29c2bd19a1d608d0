"""Stents found on CT without labels of them."""

from __future__ import annotations

from venoseg.segmentation.stents.finding import FoundStents, StentDevice, find_stents

__all__ = ["FoundStents", "StentDevice", "find_stents"]
