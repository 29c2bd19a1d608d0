"""The napari plugin of venoseg: what a user sees of it in a window."""

from __future__ import annotations
