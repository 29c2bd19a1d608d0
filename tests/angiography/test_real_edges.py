"""Edges on a real angiogram with a vessel mask drawn by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from skimage import io

from venoseg.angiography.course import Ground, find_path
from venoseg.angiography.edges import find_edges


@pytest.mark.shared
def test_the_edges_enclose_the_vessel_drawn_by_hand(shared_data: Path):
    folder = shared_data / "cimat_angiogram_pair"
    gray = io.imread(folder / "1.pgm").astype(np.float32)
    drawn = io.imread(folder / "1gt.pgm") > 127
    picture = -np.log(np.maximum(gray, 1.0) / 255.0)
    seen = ndimage.binary_erosion(ndimage.binary_fill_holes(gray > 25), iterations=4)
    path = find_path(
        Ground.of(picture, seen), np.array([[150.0, 63.0], [72.0, 110.0], [87.0, 185.0]])
    )
    edges = find_edges(picture, seen, path, logarithmic=False)
    offsets = np.arange(-12.0, 12.05, 0.1)
    points = edges.course.at(offsets)
    inside = ndimage.map_coordinates(
        drawn.astype(np.float64), [points[..., 1], points[..., 0]], order=1
    )
    inside = np.where(np.abs(offsets) < 7.0, inside, 0.0) > 0.5
    middle = (inside * offsets).sum(axis=1) / inside.sum(axis=1)
    found = edges.edges_px.mean(axis=1)
    assert np.median(np.abs(found - middle)) < 1.0
    between = (offsets > edges.edges_px[:, :1]) & (offsets < edges.edges_px[:, 1:])
    assert (inside & between).sum() > 0.97 * inside.sum()
    # The drawing is some 7 px wide; the shadow is 9 px wide at half of its depth, a vessel of 10.5.
    assert 9.0 < np.median(edges.width_px) < 13.0
