"""The outline of labels keeps what it outlines."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.centerline.label_sections import LabelSections
from venoseg.centerline.sections import numbered_in_planes
from venoseg.lumen.geometry.contours import measure_shapes
from venoseg.lumen.geometry.outline import outline_labels

STEP_MM = 0.5


def outlined(width_mm: float, length_mm: float):
    """Outline the labels of an ellipse, the same in twelve sections."""
    offsets = np.arange(-30, 31) * STEP_MM
    x, y = np.meshgrid(offsets, offsets)
    plane = ((2.0 * x / length_mm) ** 2 + (2.0 * y / width_mm) ** 2 <= 1.0).astype(np.float32)
    planes, nothing = np.repeat(plane[None], 12, axis=0), np.zeros(12)
    sections = LabelSections(
        offsets_mm=offsets,
        planes=planes,
        numbers=numbered_in_planes(planes > 0.5),
        core=planes > 0.5,
        middles_lps_mm=np.zeros((12, 3)),
        areas_mm2=(planes > 0.5).sum(axis=(1, 2)) * STEP_MM**2,
        extent_mm=nothing,
        shared=nothing,
    )
    contours, found, _ = outline_labels(sections, 1.0, slice(4, 8))
    assert found.all()
    return measure_shapes(contours)


def test_a_slit_keeps_its_tips():
    shapes = outlined(3.0, 22.0)
    assert shapes.maximum_mm.min() > 20.5
    assert shapes.minimum_mm == pytest.approx(3.0, abs=0.35)


@pytest.mark.parametrize("width_mm", [8.0, 16.0])
def test_a_round_vein_loses_little_but_steps(width_mm):
    shapes = outlined(width_mm, width_mm)
    assert shapes.equivalent_mm == pytest.approx(width_mm, abs=0.5)
    assert (shapes.maximum_mm - shapes.minimum_mm).max() < 0.2


def test_a_thin_vein_is_not_wiped_out():
    assert outlined(2.5, 2.5).equivalent_mm == pytest.approx(2.5, abs=0.5)
