"""Outlines that the search for the edge starts from, along a vein."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.centerline.curve import curve_through
from venoseg.lumen.boundary.search import depths_mm
from venoseg.lumen.boundary.shifts import abrupt_mm
from venoseg.lumen.rays.averages import average_along
from venoseg.lumen.rays.edges import Blur
from venoseg.lumen.rays.sight import inner_depths
from venoseg.lumen.rays.smoothing import focal_share, settled
from venoseg.volume import FloatArray, Grid

THIN, THICK = (
    Grid.from_axes((40, 60, 60), spacing_mm=(slice_mm, 0.78, 0.78)) for slice_mm in (1.0, 5.0)
)


def _stenosis_mm(step_mm: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return the radii of a focal stenosis, and its outlines with a step at every other station."""
    away = np.arange(81) - 40.0
    lost = np.where(np.abs(away) < 7.5, 0.7 * np.cos(np.pi * away / 15.0) ** 2, 0.0)
    radius = 7.5 * np.sqrt(1.0 - lost)
    angle = np.linspace(0.0, 2.0 * np.pi, 96, endpoint=False)
    stepped = radius + step_mm * (-1.0) ** np.arange(81)
    outlines = stepped[:, None, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return radius, outlines


@pytest.mark.parametrize("step_mm", [0.0, 0.3])
def test_a_focal_stenosis_keeps_its_shape_and_loses_the_steps_of_its_labels(step_mm):
    radius, outlines = _stenosis_mm(step_mm)
    curve = curve_through(np.array([[0.0, 0.0, -float(n)] for n in range(81)]), 1.0)
    smooth = np.hypot(*np.moveaxis(settled(outlines, curve, THIN), -1, 0)).mean(axis=1)
    np.testing.assert_allclose(smooth[38:43], radius[38:43], atol=0.04)


def _leaning(radius_mm: FloatArray) -> FloatArray:
    """Return (n,) how focal round outlines of a vein at 45 degrees to slices of 5 mm are."""
    count = len(radius_mm)
    curve = curve_through(np.arange(float(count))[:, None] * np.sqrt([0.5, 0.0, 0.5]), 1.0)
    angle = np.linspace(0.0, 2.0 * np.pi, 96, endpoint=False)
    outlines = radius_mm[:, None, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return focal_share(curve, outlines, THICK)[20:-20].mean(axis=1)


def test_what_steps_from_slice_to_slice_make_of_a_leaning_vein_is_no_focal_stenosis():
    steps = 0.8 * np.sin(2.0 * np.pi * np.arange(81) * np.sqrt(0.5) / 5.0)
    radius, _ = _stenosis_mm()
    assert _leaning(7.5 + steps).max() < 0.1
    assert _leaning(radius + steps)[18:23].min() > 0.9


def test_something_is_read_inside_lumens_of_every_size():
    radii = np.linspace(0.1, 15.0, 3000)
    for reach_mm in (2.0, 3.2):
        assert inner_depths(depths_mm(reach_mm), radii).any(axis=1).all()


def _doubt_of(radius_mm: FloatArray, grid: Grid) -> FloatArray:
    curve = curve_through(np.array([[0.0, 0.0, -float(n)] for n in range(81)]), 1.0)
    blur = Blur(0.7, 0.8 if grid is THIN else 1.4)
    return abrupt_mm(curve, 2.0 * radius_mm, np.ones(81), blur, grid)


def test_an_abrupt_change_of_calibre_is_uncertain_and_the_more_so_in_thick_slices():
    step = average_along(np.where(np.arange(81) < 40, 5.0, 7.0)[:, None], 1.5)[:, 0]
    thin, thick = _doubt_of(step, THIN), _doubt_of(step, THICK)
    assert thin[38:42].min() > 0.25
    assert thick[38:42].min() > 1.5 * thin[38:42].min()
    assert np.concatenate([thick[:30], thick[50:]]).max() < 0.01


def test_a_vein_that_tapers_evenly_is_not_uncertain_for_it():
    assert _doubt_of(np.linspace(4.0, 9.0, 81), THICK)[8:-8].max() < 0.01
