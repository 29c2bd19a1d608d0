"""A small patient with bones and veins, scanned twice in different places."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from venoseg.lumen import Measurements, measure
from venoseg.phantom import Scanner, Scene, iliocaval_y, render
from venoseg.phantom.skeleton import skeleton
from venoseg.volume import FloatArray, Grid


@dataclass(frozen=True)
class Scan:
    """What was measured, and where the patient was moved: (4, 4) of LPS mm."""

    found: Measurements
    motion: FloatArray


Scanning = Callable[..., Scan]


def motion_of(degrees: tuple[float, float, float], mm: tuple[float, float, float]) -> FloatArray:
    motion = np.eye(4)
    motion[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    motion[:3, 3] = mm
    return motion


@pytest.fixture(scope="session")
def patient() -> Scene:
    scene = iliocaval_y(3, stenosis_percent=40)
    bones = skeleton(np.random.default_rng(3))
    return replace(scene, before=bones, background_hu=20.0)


@pytest.fixture(scope="session")
def scanned(patient: Scene) -> Scanning:
    """Scan the patient lying somewhere: ``scanned(motion, spacing_mm, extent_mm, origin_mm)``."""

    def scan(
        motion: FloatArray,
        spacing_mm: tuple[float, float, float] = (3.0, 2.5, 2.5),
        extent_mm: tuple[float, float, float] = (280.0, 190.0, 270.0),
        origin_mm: tuple[float, float, float] = (-135.0, -80.0, -150.0),
        seed: int = 0,
    ) -> Scan:
        shape = [round(e / s) for e, s in zip(extent_mm, spacing_mm, strict=True)]
        grid = Grid.from_axes(shape, spacing_mm=spacing_mm, origin_lps_mm=origin_mm)
        # Moving the patient is looking at him on a grid moved the other way.
        seen = Grid(grid.shape, np.linalg.inv(motion) @ grid.affine)
        made = render(patient, seen, Scanner(noise_hu=15, seed=seed))
        image = replace(made.image, grid=grid)
        labels = replace(made.segmentation, grid=grid)
        return Scan(measure(image, labels, step_mm=2.0), motion)

    return scan


@pytest.fixture(scope="session")
def first(scanned: Scanning) -> Scan:
    return scanned(np.eye(4))


@pytest.fixture(scope="session")
def second(scanned: Scanning) -> Scan:
    """The same patient turned and moved, in thinner slices that begin elsewhere."""
    motion = motion_of((4.0, -6.0, 8.0), (14.0, -11.0, 37.0))
    return scanned(motion, (2.0, 3.0, 3.0), (270.0, 230.0, 300.0), (-140.0, -110.0, -105.0), seed=1)


@pytest.fixture(scope="session")
def breathed(patient: Scene) -> Scan:
    """The same patient in place, the veins 7 mm lower against the bones."""
    grid = Grid.from_axes(
        (93, 76, 108), spacing_mm=(3.0, 2.5, 2.5), origin_lps_mm=(-135, -80, -150)
    )
    lower = np.eye(4)
    lower[2, 3] = 7.0
    veins = replace(patient, before=())
    moved = render(veins, Grid(grid.shape, lower @ grid.affine), Scanner(noise_hu=15, seed=4))
    bones = render(
        replace(patient, tubes=patient.tubes[:1], lumen_hu=20.0), grid, Scanner(noise_hu=15, seed=5)
    ).image.voxels
    image, labels = moved.image, moved.segmentation
    voxels = np.where((bones > 180) & (labels.labels == 0), bones, image.voxels)
    image = replace(image, voxels=voxels.astype(np.int16), grid=grid)
    return Scan(measure(image, replace(labels, grid=grid), step_mm=2.0), np.linalg.inv(lower))
