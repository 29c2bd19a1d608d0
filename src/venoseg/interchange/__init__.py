"""Label maps, seeds and results on their way between venoseg and other programs."""

from __future__ import annotations

from venoseg.interchange.labels import read_labels
from venoseg.interchange.seeds import Seed, read_seeds
from venoseg.interchange.vein_names import parse_label_names

__all__ = ["Seed", "parse_label_names", "read_labels", "read_seeds"]
