"""Which part of a track is the cava: up through a liver as bright as its blood."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from venoseg.segmentation.landmarks.cava import sure_cava
from venoseg.segmentation.landmarks.central import Landmarks
from venoseg.segmentation.landmarks.tracks import Track

Z_MM = 3.0 * np.arange(61)


def track(x_mm: np.ndarray | float, y_mm: np.ndarray | float, contrast_hu: np.ndarray) -> Track:
    count = len(Z_MM)
    points = np.column_stack([np.full(count, 0.0) + x_mm, np.full(count, 0.0) + y_mm, Z_MM])
    return Track(points, np.full(count, 9.0), contrast_hu, np.full(count, 140.0))


def landmarks(cava: Track) -> Landmarks:
    aorta = track(10.0, -5.0, np.full(len(Z_MM), 90.0))
    return Landmarks(aorta, cava, np.zeros(len(Z_MM)), np.full(len(Z_MM), 15.0))


def aside(from_mm: float, by_mm: float) -> np.ndarray:
    return by_mm * np.maximum(Z_MM - from_mm, 0.0)


def test_what_leads_aside_in_the_liver_is_no_cava():
    contrast = np.where(Z_MM < 120.0, 70.0, 20.0)
    # A hepatic vein: forwards and to the right, about as steeply as it rises.
    cava = track(-22.0 - aside(120.0, 0.7), -10.0 - aside(120.0, 1.0), contrast)
    points = sure_cava(landmarks(cava))
    assert points[0, 2] > 160.0
    # Told once it is two centimetres off; the track itself ends 73 mm away.
    assert np.linalg.norm(points[0, :2] - (-22.0, -10.0)) < 20.0


def test_a_cava_that_leans_all_along_goes_on_as_it_does():
    cava = track(-22.0 - 0.2 * Z_MM, -10.0 - 0.1 * Z_MM, np.full(len(Z_MM), 70.0))
    points = sure_cava(landmarks(cava))
    assert points[0, 2] == Z_MM[-1]
    assert np.allclose(points[0, :2], cava.points_lps_mm[-1, :2])


def test_a_cava_that_bends_forwards_below_the_heart_is_followed():
    # About 25 mm over the last 60, as it does towards the atrium.
    cava = track(-22.0, -10.0 - aside(120.0, 0.4), np.full(len(Z_MM), 70.0))
    points = sure_cava(landmarks(cava))
    assert np.allclose(points[0], cava.points_lps_mm[-1])


def test_a_track_that_is_lost_is_followed_no_farther_than_blood_goes():
    contrast = np.where(Z_MM < 120.0, 70.0, 5.0)
    cava = track(-22.0, -10.0, contrast)
    cava = replace(cava, level_hu=np.where(Z_MM < 150.0, 140.0, 20.0))
    assert 144.0 <= sure_cava(landmarks(cava))[0, 2] < 150.0


def test_without_contrast_a_cava_goes_on_below_what_hides_it_over_the_height_of_the_duodenum():
    aorta = replace(landmarks(track(0.0, 0.0, Z_MM)).aorta, level_hu=np.full(len(Z_MM), 320.0))
    lowest = {}
    for hidden_mm in (27.0, 45.0):
        hidden = (Z_MM < 90.0) & (90.0 - hidden_mm < Z_MM)
        cava = track(-22.0, -10.0, np.where(hidden, 12.0, 40.0))
        cava = replace(cava, level_hu=np.where(Z_MM < 105.0, 40.0, 120.0))
        found = replace(landmarks(cava), aorta=aorta)
        lowest[hidden_mm] = float(sure_cava(found)[-1, 2])
    assert lowest[27.0] < 30.0
    assert lowest[45.0] >= 90.0
