"""The window of a venogram: play, subtract, calibrate by drawing, measure between points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, XRayAngiographicImageStorage, generate_uid
from qtpy.QtCore import QPointF, Qt
from qtpy.QtTest import QTest
from scipy import ndimage

from venoseg.angiography import run_of
from venoseg.dicom import read_study
from venoseg.errors import UsageError
from venoseg.review import find_work
from venoseg_napari.cine import cine_of
from venoseg_napari.venogram import VenogramWindow

pytestmark = pytest.mark.gui

ROWS = COLUMNS = 192
FRAMES, MASKS, JUMP_PX = 7, 2, 3.0
VEIN_PX, MARKS = 20.0, ((40, 40), (120, 40))


def frames() -> np.ndarray:
    """(frames, rows, columns): a vein from top to bottom fills; the body lies lower then."""
    random = np.random.default_rng(3)
    rows, columns = np.indices((ROWS, COLUMNS), dtype=float)
    bones = ndimage.gaussian_filter(random.normal(size=(ROWS + 8, COLUMNS)), 6.0)
    bones = 0.2 * bones / bones.std()
    half = VEIN_PX / 2
    chord = np.sqrt(np.clip(1 - ((columns - 100.0) / half) ** 2, 0, None))
    made = []
    for number in range(FRAMES):
        shift = 0.0 if number < MASKS else JUMP_PX
        body = 2.0 + ndimage.shift(bones, (shift, 0.0), order=3, mode="nearest")[4:-4]
        for row, column in MARKS:
            apart = np.hypot(rows - row - shift, columns - column)
            body += 2.5 * np.exp(-0.5 * (apart / 1.2) ** 2)
        opacity = 0.0 if number < MASKS else 0.6
        seen = ndimage.gaussian_filter(np.exp(-(body + opacity * chord)), 0.7)
        seen *= 1 + 0.004 * random.normal(size=seen.shape)
        made.append(np.clip(np.rint(4095 * seen / 0.5), 0, 4095))
    return np.array(made, dtype=np.uint16)


def write_run(folder: Path, **changes: object) -> Path:
    stored = frames()
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID = XRayAngiographicImageStorage
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    made.StudyInstanceUID, made.SeriesInstanceUID = generate_uid(), generate_uid()
    made.PatientName, made.PatientID, made.Modality = "Secret^Name", "SECRET-ID", "XA"
    made.Rows, made.Columns, made.NumberOfFrames = ROWS, COLUMNS, FRAMES
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 12, 11, 0
    made.PixelIntensityRelationship, made.PixelIntensityRelationshipSign = "LIN", 1
    made.FrameTime = "250"
    made.PixelData = stored.astype("<u2").tobytes()
    for name, value in changes.items():
        setattr(made, name, value)
    path = folder / "run.dcm"
    made.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def opened(qtbot, tmp_path, wait):
    """Open the run: ``opened()`` waits until it is shown."""

    def made(**changes: object) -> VenogramWindow:
        path = write_run(tmp_path, **changes)
        window = VenogramWindow()
        qtbot.addWidget(window)
        window.show()
        qtbot.waitExposed(window)
        window.open(find_work(path)[0])
        wait(lambda: window.cine is not None)
        return window

    return made


def place(window: VenogramWindow, column: float, row: float) -> QPointF:
    """Where the middle of a pixel lies in the picture's widget."""
    scene = window.picture.view.mapViewToScene(QPointF(column + 0.5, row + 0.5))
    return window.picture.canvas.mapFromScene(scene)


def click(window: VenogramWindow, column: float, row: float) -> None:
    at = place(window, column, row)
    QTest.mouseClick(window.picture.canvas.viewport(), Qt.MouseButton.LeftButton, pos=at)
    QTest.qWait(20)


def drag(window: VenogramWindow, first: tuple[float, float], second: tuple[float, float]) -> None:
    view = window.picture.canvas.viewport()
    start, stop = place(window, *first), place(window, *second)
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    for share in (0.3, 0.6, 1.0):
        QTest.mouseMove(view, start + (stop - start) * share)
        QTest.qWait(20)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=stop)
    QTest.qWait(50)


def test_it_plays_from_the_last_frame_to_the_first(opened, wait):
    window = opened()
    window.bar.speed.setValue(30.0)
    window.bar.slider.setValue(FRAMES - 1)
    assert window.player.frame == FRAMES - 1
    seen = []
    show = window.bar.show_frame
    window.bar.show_frame = lambda n, count: (seen.append(n), show(n, count))
    window.bar.play.click()
    wait(lambda: len(seen) >= FRAMES + 1)
    window.bar.play.click()
    assert seen[:3] == [0, 1, 2]
    assert not window.player.timer.isActive()
    assert window.bar.number.text() == f"frame {window.player.frame + 1} of {FRAMES}"


def test_subtraction_and_the_shift_leave_the_vein_alone(opened):
    window = opened()
    window.bar.slider.setValue(4)
    beside = np.s_[20:170, 10:70]

    def spread() -> float:
        return float(np.std(window.picture.gray.image[beside]))

    unmoved = spread()
    window.bar.fit.click()
    assert window.bar.down.value() == pytest.approx(JUMP_PX, abs=0.3)
    assert window.bar.right.value() == pytest.approx(0.0, abs=0.3)
    moved = spread()
    assert moved < 0.3 * unmoved
    window.bar.dsa.setChecked(False)
    assert spread() > unmoved


def test_a_mask_of_all_frames_is_refused_in_the_window(opened):
    window = opened()
    window.bar.last.setValue(FRAMES)
    assert "cannot be the mask" in window.words.text()
    assert window.cine.mask[1] < FRAMES - 1


def test_points_measure_in_pixels_and_a_drawn_line_brings_millimetres(opened, wait):
    window = opened()
    window.bar.take("points")
    click(window, 100, 20)
    click(window, 100, 170)
    assert np.allclose(window.points_px, [(100, 20), (100, 170)], atol=1.0)
    window.bar.measure.click()
    wait(lambda: window.found is not None)
    assert window.plots.interval.boundingRect().height() > 0
    assert "no millimetres" in window.bar.said.text()
    assert " px (" in window.figures.text()
    assert " mm" not in window.figures.text()
    width = np.nanmedian(window.found.projections[0].diameter_px)
    assert width == pytest.approx(VEIN_PX, abs=0.7)

    window.bar.object.setCurrentText("two markers")
    window.bar.known_size.setValue(40.0)
    assert window.found is None  # figures that hold no more are not shown
    window.bar.take("line")
    rows_down = JUMP_PX
    (r1, c1), (r2, c2) = MARKS
    drag(window, (c1, r1 + rows_down), (c2, r2 + rows_down))
    window.bar.measure.click()
    wait(lambda: window.found is not None)
    assert window.found.calibration.mm_per_pixel[0] == pytest.approx(0.5, rel=0.02)
    assert " mm (" in window.figures.text()
    assert "mm" in window.plots.profile.getAxis("left").labelText


def test_only_the_frames_that_are_chosen_are_measured(opened, wait):
    window = opened()
    window.bar.take("points")
    click(window, 100, 20)
    click(window, 100, 170)
    assert window.bar.frames() is None
    window.bar.measure.click()
    wait(lambda: window.found is not None)
    assert len(window.found.subtraction.plan.pairings) > 2
    window.bar.begin.setValue(FRAMES - 1)
    assert window.found is None
    assert "frames were changed" in window.figures.text()
    window.bar.measure.click()
    wait(lambda: window.found is not None)
    measured = [pair.contrast for pair in window.found.subtraction.plan.pairings]
    assert measured == [(FRAMES - 2,), (FRAMES - 1,)]


def test_an_edge_is_moved_with_the_mouse_and_put_back(opened, wait):
    window = opened()
    window.bar.take("points")
    click(window, 100, 20)
    click(window, 100, 170)
    window.bar.measure.click()
    wait(lambda: window.found is not None)
    found = window.found
    projection = found.projections[0]
    station = len(projection.diameter_px) // 2
    edges = projection.edges.contours_px()[station]
    right = edges[edges[:, 0].argmax()]
    # With another tool in hand the drag moves the picture, not the edge.
    drag(window, tuple(right), (right[0] - 8, right[1]))
    assert window.found is found
    window.picture.fit()
    window.bar.take("edge")
    drag(window, tuple(right), (right[0] - 8, right[1]))
    width = window.found.projections[0].diameter_px
    assert width[station] == pytest.approx(projection.diameter_px[station] - 8, abs=1.0)
    assert window.found.lesions[0]
    assert "drawn by hand" in window.figures.text()
    assert "drawn by hand" in window.words.text()
    # Edges that would meet are refused, and nothing changes.
    moved = window.found
    inner = moved.projections[0].edges.contours_px()[station]
    inner = inner[inner[:, 0].argmax()]
    drag(window, tuple(inner), (inner[0] - 30, inner[1]))
    assert window.found is moved
    assert "would meet" in window.words.text()
    window.bar.back.click()
    assert window.found is found
    assert not window.bar.back.isEnabled()
    # Points that change take the figures and the drawn edges with them.
    window.bar.take("points")
    click(window, 100, 180)
    assert window.found is None


def test_one_point_and_a_line_beside_the_marks_are_refused_in_words(opened, wait):
    window = opened()
    window.bar.take("points")
    click(window, 100, 20)
    window.bar.measure.click()
    assert "one point makes no course" in window.words.text()
    click(window, 100, 170)
    window.bar.object.setCurrentText("two markers")
    window.line_px = ((20.0, 100.0), (60.0, 100.0))
    window.bar.measure.click()
    wait(lambda: not window.busy)
    assert window.found is None
    assert "mark" in window.words.text()


def test_the_chosen_mask_is_the_one_that_is_measured_with(tmp_path):
    angiogram = read_study(write_run(tmp_path)).angiograms()[0]
    cine = cine_of(angiogram, run_of(angiogram))
    assert not cine.run.masks
    cine.choose_mask(0, 0)
    assert cine.run.masks[0].mask_frames == (0,)
    with pytest.raises(UsageError, match="frames 1 to 7"):
        cine.choose_mask(0, FRAMES - 1)


def test_a_run_that_cannot_be_used_says_why(qtbot, tmp_path, wait):
    path = write_run(tmp_path, PixelData=b"\0" * 100)
    window = VenogramWindow()
    qtbot.addWidget(window)
    window.open(find_work(path)[0])
    wait(lambda: "reading" not in window.words.text())
    assert window.cine is None
    assert window.words.text()


def test_the_worklist_opens_a_venogram_and_leaves_the_case_open(window, wait, tmp_path):
    made = window()
    desk = made.desk
    venogram = find_work(write_run(tmp_path))[0]
    session = desk.session
    made.worklist.chosen.emit(venogram)
    wait(lambda: made.venogram.cine is not None)
    assert made.venogram.isVisible()
    assert desk.session is session
    made.venogram.hide()
