"""The wall of a stented vein lies at the crest of its ring of wires."""

from __future__ import annotations

import numpy as np

from venoseg.segmentation.tubes.wall import RADIUS_STEP_MM, RAYS
from venoseg.segmentation.tubes.wires import out_to_wires
from venoseg.segmentation.working import Float32Array

SECTIONS, LENGTHS = 15, 60
BLOOD_HU, FAT_HU = 150.0, -100.0
INNER_MM, CREST_MM = 7.0, 8.5
LEVEL = np.full(SECTIONS, BLOOD_HU)
FOUND = np.full((SECTIONS, RAYS), INNER_MM)


def rays(bright_hu: float, width_mm: float, share: float = 1.0) -> Float32Array:
    """Blood, something bright around `CREST_MM` on a share of the rays, and fat behind."""
    mm = np.arange(LENGTHS) * RADIUS_STEP_MM
    ray = np.where(mm < CREST_MM, BLOOD_HU, FAT_HU)
    half = width_mm / 2
    wire = np.where((mm >= CREST_MM - half) & (mm <= CREST_MM + half), bright_hu, ray)
    wire[round(CREST_MM / RADIUS_STEP_MM)] += 1.0
    out = np.tile(ray, (SECTIONS, RAYS, 1)).astype(np.float32)
    out[:, : round(share * RAYS)] = wire
    return out


def test_the_wall_moves_out_to_the_wires():
    assert np.allclose(out_to_wires(rays(320.0, 2.0), FOUND, LEVEL), CREST_MM)


def test_between_wires_the_wall_stays_where_it_was_found():
    moved = out_to_wires(rays(320.0, 2.0, share=0.6), FOUND, LEVEL)
    assert np.allclose(moved[:, : int(0.6 * RAYS)], CREST_MM)
    assert np.allclose(moved[:, int(0.6 * RAYS) :], INNER_MM)


def test_something_bright_on_one_side_is_no_ring():
    assert np.allclose(out_to_wires(rays(320.0, 2.0, share=0.25), FOUND, LEVEL), INNER_MM)


def test_bone_is_thicker_than_wires():
    thick = rays(320.0, 2.0)
    thick[:, :, round(INNER_MM / RADIUS_STEP_MM) :] = 320.0
    assert np.allclose(out_to_wires(thick, FOUND, LEVEL), INNER_MM)


def test_tissue_that_lines_the_wires_is_not_lumen():
    lined = rays(320.0, 1.0)
    lined[:, :, round(INNER_MM / RADIUS_STEP_MM) : round(7.9 / RADIUS_STEP_MM)] = 60.0
    assert np.allclose(out_to_wires(lined, FOUND, LEVEL), INNER_MM)


def test_a_vein_without_wires_keeps_its_wall():
    assert np.allclose(out_to_wires(rays(BLOOD_HU, 2.0), FOUND, LEVEL), INNER_MM)
