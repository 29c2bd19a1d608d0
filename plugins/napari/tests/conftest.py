"""A window on a small case: one vein in two parts, two millimetres a voxel."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import SimpleITK as sitk

from venoseg.interchange import write_seg_nrrd
from venoseg.segmentation import Segmentation
from venoseg.volume import Grid

if TYPE_CHECKING:
    from venoseg_napari.window import ReviewWindow

# Neither napari nor Qt may read or write the settings of whoever runs the tests.
_SETTINGS = tempfile.mkdtemp(prefix="venoseg-settings-")
os.environ["NAPARI_CONFIG"] = f"{_SETTINGS}/napari.yaml"
os.environ["XDG_CONFIG_HOME"] = _SETTINGS

GRID = Grid.from_axes((50, 60, 70), spacing_mm=(2.0, 1.5, 1.5), origin_lps_mm=(-50.0, -40.0, 0.0))


def vein_case() -> tuple[np.ndarray, Segmentation]:
    """A bright tube from head to feet, 15 mm wide; a block marks the patient's left."""
    index = np.moveaxis(np.indices(GRID.shape), 0, -1)
    x, y, z = np.moveaxis(GRID.to_lps(index), -1, 0)
    tube = (np.hypot(x - 10.0, y - 0.0) <= 7.5) & (z > 6) & (z < 92)
    voxels = np.where(tube, 180, 40).astype(np.int16)
    voxels += np.random.default_rng(1).integers(-8, 9, GRID.shape, dtype=np.int16)
    voxels[:, 5:12, 58:66] = 1000
    labels = np.where(tube, np.where(z > 50, 1, 2), 0).astype(np.uint8)
    names = {1: "ivc", 2: "left_common_iliac_vein"}
    return voxels, Segmentation(labels, GRID, names)


@pytest.fixture(scope="session")
def small_case() -> tuple[np.ndarray, Segmentation]:
    """Voxels and labels of the small case."""
    return vein_case()


@pytest.fixture
def case(tmp_path) -> Path:
    """A folder with ``ct.nii.gz`` and ``labels.seg.nrrd``."""
    voxels, segmentation = vein_case()
    image = sitk.GetImageFromArray(voxels)
    origin, spacing, directions = GRID.itk_geometry()
    image.SetOrigin(origin)
    image.SetSpacing(spacing)
    image.SetDirection(directions)
    sitk.WriteImage(image, str(tmp_path / "ct.nii.gz"))
    write_seg_nrrd(segmentation, tmp_path / "labels.seg.nrrd")
    return tmp_path


@pytest.fixture
def wait(qtbot) -> Callable:
    """Let the window work until something is so."""

    def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
        qtbot.waitUntil(condition, timeout=int(1000 * seconds))

    return until


@pytest.fixture(scope="module")
def review_window(tmp_path_factory) -> Iterator[ReviewWindow]:
    """The one window of all tests: opening it takes longer than most tests."""
    from venoseg_napari.viewer import new_viewer
    from venoseg_napari.window import ReviewWindow

    viewer = new_viewer()
    made = ReviewWindow(
        viewer,
        "anna",
        tmp_path_factory.mktemp("reviews"),
        lambda: datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
    )
    viewer.window._qt_window.resize(1366, 768)
    yield made
    made.close()
    viewer.close()


@pytest.fixture
def window(review_window, case, wait, tmp_path) -> Iterator[Callable]:
    """Open the small case in the window: ``window()`` waits for its first figures."""
    made = review_window
    desk = made.desk

    def open_case(*, path: Path = case / "ct.nii.gz", labels: bool = True) -> ReviewWindow:
        desk.reviews = tmp_path / "reviews"
        desk.labels = case / "labels.seg.nrrd" if labels else None
        desk.items, desk.item = (), None
        desk.take(kind="look", vessel="ivc", radius_mm=4.0, protect=True, limited=False)
        desk.find(path)
        wait(lambda: bool(desk.items))
        desk.open(desk.items[0])
        wait(lambda: desk.session is not None)
        wait(lambda: desk.figures.settled)
        return made

    yield open_case
    if made.surfaces.shown:
        made.surfaces.toggle()
    wait(lambda: not desk.busy)
    desk.close_case()
