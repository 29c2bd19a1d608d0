"""Measure the inferior vena cava and the iliac veins on CT and venography.

Research software, not a medical device.
"""

from __future__ import annotations
