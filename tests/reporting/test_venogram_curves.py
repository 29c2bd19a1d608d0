"""Contrast medium over time, in panels that can be read."""

from __future__ import annotations

import numpy as np

from venoseg.angiography.flow import Curve
from venoseg.reporting.venogram_curves import panels_of
from venoseg.reporting.words import vein_title


def test_each_vein_has_a_panel_of_its_own_places():
    names = ("main", "collateral", "ivc:central_end", "ivc:middle", "left_iliac_vein:middle")
    curves = tuple(Curve(name, 9, np.zeros(3), None, None, None) for name in names)
    panels = panels_of(curves)
    assert {title: [curve.name for curve in held] for title, held in panels.items()} == {
        "Whole picture": ["main", "collateral"],
        vein_title("ivc"): ["ivc:central_end", "ivc:middle"],
        vein_title("left_iliac_vein"): ["left_iliac_vein:middle"],
    }
