"""The window as a person uses it: open, look, paint with the mouse, undo, save, sign."""

from __future__ import annotations

import csv
import gc
import resource
from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QMessageBox

from venoseg.interchange import write_seg_nrrd
from venoseg.review import CaseFolder, list_versions
from venoseg.segmentation import Segmentation
from venoseg.volume import Grid

pytestmark = pytest.mark.gui


def canvas_point(made, lps):
    """Where a place of the shown slice lies on napari's canvas, in pixels."""
    canvas = made.viewer.window._qt_viewer.canvas
    native = canvas.native
    world = made.canvas.to_world(np.asarray(lps, dtype=float))
    camera = made.viewer.scene.camera
    center = np.array(camera.center)[-2:]
    offset = (world[1:] - center) * camera.zoom
    return QPoint(round(native.width() / 2 + offset[1]), round(native.height() / 2 + offset[0]))


def drag(made, points):
    """Draw with the left button over places given in LPS."""
    native = made.viewer.window._qt_viewer.canvas.native
    places = [canvas_point(made, p) for p in points]
    QTest.mouseMove(native, places[0])
    QTest.mousePress(native, Qt.MouseButton.LeftButton, pos=places[0])
    for place in places[1:]:
        QTest.mouseMove(native, place)
        QTest.qWait(20)
    QTest.mouseRelease(native, Qt.MouseButton.LeftButton, pos=places[-1])
    QTest.qWait(50)


def press(made, key, modifiers=Qt.KeyboardModifier.NoModifier):
    main = made.viewer.window._qt_window
    main.activateWindow()
    assert QTest.qWaitForWindowActive(main)
    QTest.keyClick(main, key, modifiers)
    QTest.qWait(20)


def test_a_stroke_changes_the_number_and_undo_brings_it_back(window, wait):
    made = window()
    desk = made.desk
    before = made.numbers.text("ivc", "minimum_diameter_mm")
    assert 13.0 < float(before) < 16.0
    labels = desk.session.labels.copy()
    desk.go_to("ivc", 20)
    center = desk.cursor_lps_mm.copy()
    press(made, Qt.Key.Key_E)
    assert desk.tool.kind == "erase"
    desk.take(radius_mm=4.5)
    seen = []

    def look():
        seen.append((desk.figures.settled, made.numbers.text("ivc", "minimum_diameter_mm")))

    desk.figures_changed.connect(look)
    drag(made, [center + np.array([9.0, y, 0.0]) for y in (-4.0, -1.0, 1.0, 4.0)])
    assert not np.array_equal(desk.session.labels, labels)
    assert [a.what for a in desk.session.history.done] == ["eraser"]
    wait(lambda: desk.figures.settled)
    desk.figures_changed.disconnect(look)
    # While a figure was old it did not pass for new.
    assert seen[0] == (False, "...")
    assert all(text == "..." for settled, text in seen if not settled)
    rows = {r["vessel"]: r for r in desk.figures.found.segments.rows}
    after = made.numbers.text("ivc", "minimum_diameter_mm")
    assert after == f"{rows['ivc']['minimum_diameter_mm']:.1f}"

    press(made, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    wait(lambda: desk.figures.settled)
    np.testing.assert_array_equal(desk.session.labels, labels)
    assert made.numbers.text("ivc", "minimum_diameter_mm") == before


def test_a_ball_painted_on_another_slice_is_undone_from_there(window, wait):
    made = window()
    desk = made.desk
    labels = desk.session.labels.copy()
    desk.take(kind="ball", vessel="right_common_iliac_vein", radius_mm=5.0)
    grid = desk.session.image.grid
    drag(made, [desk.cursor_lps_mm + np.array([-25.0, 0, 0])])
    painted = desk.session.labels != labels
    assert len(np.flatnonzero(painted.any(axis=(1, 2)))) > 3  # a ball, not a disc
    desk.look_at(grid.to_lps((5, 30, 35)))
    desk.undo()
    np.testing.assert_array_equal(desk.session.labels, labels)
    desk.redo()
    np.testing.assert_array_equal(desk.session.labels != labels, painted)
    wait(lambda: desk.figures.settled)


def test_what_is_painted_is_seen_on_the_canvas(window, wait):
    made = window()
    desk = made.desk
    press(made, Qt.Key.Key_B)
    desk.take(vessel="left_external_iliac_vein", radius_mm=6.0, protect=True)
    place = desk.cursor_lps_mm + np.array([-25.0, 5.0, 0.0])
    before = made.viewer.screenshot(canvas_only=True, flash=False)
    drag(made, [place])
    after = made.viewer.screenshot(canvas_only=True, flash=False)
    changed = np.argwhere((before[..., :3] != after[..., :3]).any(axis=-1))
    at = canvas_point(made, place)
    ratio = after.shape[0] / made.viewer.window._qt_viewer.canvas.native.height()
    np.testing.assert_allclose(changed.mean(axis=0) / ratio, (at.y(), at.x()), atol=8)
    wait(lambda: desk.figures.settled)


def test_the_patients_left_is_on_the_right_of_the_screen(window):
    made = window()
    assert [label.text() for label in made.letters.labels] == ["R", "L", "A", "P"]
    picture = made.viewer.screenshot(canvas_only=True, flash=False)[..., :3].min(axis=-1)
    made.canvas.veins.visible = False
    # The marker is the brightest block: on the patient's left, in front.
    rows, columns = np.nonzero(picture > 250)
    middle = canvas_point(made, made.desk.session.image.grid.to_lps((25, 29.5, 34.5)))
    ratio = picture.shape[0] / made.viewer.window._qt_viewer.canvas.native.height()
    assert np.median(columns) / ratio > middle.x() + 10
    assert np.median(rows) / ratio < middle.y()
    assert [x.text for x in made.coronal.compass.letters] == ["R", "L", "H", "F"]
    assert [x.text for x in made.sagittal.compass.letters] == ["A", "P", "H", "F"]


def test_a_click_in_any_view_moves_all_the_others(window):
    made = window()
    desk = made.desk
    desk.go_to("ivc", 5)
    first = desk.cursor_lps_mm.copy()

    # The profile.
    plot = made.along.profile.plot
    scene = plot.vb.mapViewToScene(QPointF(30.0, 10.0))
    spot = made.along.widget.mapFromScene(scene)
    QTest.mouseClick(made.along.widget.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert desk.station[0] == "ivc"
    assert abs(desk.station[1] - 30) <= 1
    assert abs(first[2] - desk.cursor_lps_mm[2]) > 15
    world = made.canvas.to_world(desk.cursor_lps_mm)
    assert abs(made.viewer.dims.point[0] - world[0]) <= 1.0
    assert made.coronal.across.value() == pytest.approx(
        desk.turn.grid.to_index(desk.cursor_lps_mm)[0] * 2.0
    )
    assert "at 30 mm" in made.section.words.text() or "at 29 mm" in made.section.words.text()

    # The coronal view: to the left common iliac vein.
    at = desk.turn.grid.to_index(np.array([10.0, 0.0, 25.0])) * desk.turn.grid.spacing_mm
    scene = made.coronal.view.mapViewToScene(QPointF(at[2], at[0]))
    spot = made.coronal.widget.mapFromScene(scene)
    QTest.mouseClick(made.coronal.widget.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    QTest.qWait(600)
    assert desk.station[0] == "left_common_iliac_vein"
    assert made.along.title.text().startswith("<b>Left common iliac vein")

    # Scrolling the axial view.
    made.viewer.dims.set_point(0, made.canvas.to_world(np.array([10.0, 0.0, 70.0]))[0])
    assert desk.cursor_lps_mm[2] == pytest.approx(70.0, abs=1.0)
    assert desk.station[0] == "ivc"


def test_an_outline_dragged_in_the_section_takes_its_station(window, wait):
    from venoseg_napari.outlines import drag_outline

    made = window()
    desk = made.desk
    desk.go_to("ivc", 20)
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    drag_outline(desk, 5.0 * np.column_stack([np.cos(angle), np.sin(angle)]))
    wait(lambda: desk.figures.settled)
    profile = desk.profile("ivc")
    station = int(
        np.linalg.norm(
            profile.branch.curve.points_lps_mm - desk.session.notes.contours[0].station_lps_mm,
            axis=1,
        ).argmin()
    )
    assert profile.shapes.equivalent_mm[station] == pytest.approx(10.0, abs=0.2)
    desk.undo()
    wait(lambda: desk.figures.settled)
    assert desk.profile("ivc").shapes.equivalent_mm[station] > 13


def test_saving_signing_and_opening_again(window, wait):
    made = window()
    desk = made.desk
    desk.take(kind="erase", radius_mm=4.0)
    drag(made, [desk.cursor_lps_mm + np.array([8.0, 0, 0])])
    assert "not yet saved" in made.bar.state.text()
    # At once: the version waits for the figures of the stroke.
    press(made, Qt.Key.Key_F2)
    wait(lambda: not desk.busy and "0001-anna" in made.bar.state.text())
    assert desk.figures.settled
    changes = desk.session.folder.versions / "0001-anna" / "changes.csv"
    with changes.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["level"] == "segment"]
    diameters = [row for row in rows if row["quantity"] == "minimum_diameter_mm"]
    assert {row["vessel"] for row in diameters} == {"ivc", "left_common_iliac_vein"}
    assert all(row["before"] and row["after"] for row in diameters)
    QTest.mouseClick(made.bar.sign, Qt.MouseButton.LeftButton)
    wait(lambda: not desk.busy and "0002-anna" in made.bar.state.text(), 120)
    folder = CaseFolder(desk.reviews / desk.item.key)
    assert [v.kind for v in list_versions(folder.versions)[0]] == ["start", "saved", "signed"]
    results = {p.name for p in (folder.path / "results" / "0002-anna").iterdir()}
    assert {"segments.csv", "report.html", "segmentation.seg.nrrd", "audit.csv"} <= results
    assert "signed" in made.worklist.list.item(0).text()
    labels = desk.session.labels.copy()
    desk.open(desk.item)
    wait(lambda: desk.session is not None and desk.figures.settled)
    np.testing.assert_array_equal(desk.session.labels, labels)
    assert desk.session.history.done


def test_the_veins_are_shown_as_surfaces_and_back(window):
    from napari.layers import Surface

    made = window()
    made.desk.go_to("ivc", 12)
    cursor, station = made.desk.cursor_lps_mm.copy(), made.desk.station
    zoom = made.viewer.scene.camera.zoom
    press(made, Qt.Key.Key_3)
    surfaces = [x for x in made.viewer.layers if isinstance(x, Surface)]
    assert {x.name for x in surfaces} == {"Inferior vena cava", "Left common iliac vein"}
    assert not made.canvas.image.visible
    assert made.viewer.scene.camera.mouse_zoom
    corners = np.concatenate([x.data[0] for x in surfaces])
    lps = np.array([made.canvas.to_lps(c) for c in corners[::50]])
    assert np.abs(np.hypot(lps[:, 0] - 10.0, lps[:, 1]) - 7.5).min() < 0.5
    picture = made.viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    assert (picture[..., 2] - picture[..., 0] > 60).sum() > 500  # the blue of the cava
    press(made, Qt.Key.Key_3)
    assert made.viewer.scene.camera.zoom == zoom
    assert not made.viewer.scene.camera.mouse_zoom  # the wheel leads through the slices
    np.testing.assert_array_equal(made.desk.cursor_lps_mm, cursor)
    assert made.desk.station == station
    world = made.canvas.to_world(cursor)
    assert abs(made.viewer.dims.point[0] - world[0]) <= 1.0
    assert made.canvas.image.visible
    assert not [x for x in made.viewer.layers if isinstance(x, Surface)]


def test_the_interval_is_drawn_unless_the_figures_are_old(window):
    made = window()
    plot = made.along.profile
    made.desk.go_to("ivc", 20)
    assert plot.interval.isVisible()
    assert plot.interval.boundingRect().width() > 20
    assert plot.interval.boundingRect().height() > 0


@pytest.mark.usefixtures("review_window")
def test_the_objects_of_the_window_are_not_looked_through_again_and_again():
    # Those that came before it was ready are set aside; what came since is far less.
    assert gc.get_freeze_count() > 2 * len(gc.get_objects())


def test_every_key_is_in_the_help_and_bound(window):
    made = window()
    made.toggle_help()
    for key, shortcut in zip(made.keys, made.shortcuts, strict=True):
        assert key.sequence in made.help.words.text()
        assert not shortcut.key().isEmpty()
    # Letters stand out from what lies behind them.
    seen = made.help.grab().toImage()
    grays = [seen.pixelColor(x, y).lightness() for x in range(40, 200) for y in range(20, 200)]
    assert max(grays) - min(grays) > 100
    made.toggle_help()


def test_the_window_fits_a_small_screen(window):
    made = window()
    main = made.viewer.window._qt_window
    main.resize(1366, 768)
    QTest.qWait(100)
    assert main.width() <= 1366
    assert main.height() <= 768
    native = made.viewer.window._qt_viewer.canvas.native
    assert native.width() >= 350
    assert native.height() >= 300
    # No tool is cut off at the side.
    made.layout.left.setCurrentIndex(1)
    QTest.qWait(50)
    assert made.tools.width() <= made.layout.left.width()


def told_by(desk):
    """Collect what the window says."""
    said = []
    desk.told.connect(lambda words, _: said.append(words))
    return said


def test_the_parts_keep_their_shares_in_a_larger_window_and_back(window, wait):
    made = window()
    main, native = made.viewer.window._qt_window, made.viewer.window._qt_viewer.canvas.native
    main.resize(1366, 768)
    QTest.qWait(1000)
    height, (_, low) = native.height(), made.layout.shares()
    main.resize(1560, 1000)
    larger = height + (1.0 - low) * (1000 - 768)
    wait(lambda: abs(native.height() - larger) <= 8)
    main.resize(1366, 768)
    wait(lambda: abs(native.height() - height) <= 8)


def test_a_part_that_was_pulled_keeps_its_share(window):
    made = window()
    main, layout = made.viewer.window._qt_window, made.layout
    main.resize(1366, 768)
    QTest.qWait(1000)
    right, low = layout.shares()
    below = layout._docks[-1].geometry()
    edge = QPoint(below.center().x(), below.top() - 2)
    QTest.mousePress(main, Qt.MouseButton.LeftButton, pos=edge)
    for up in (20, 40, 60):
        QTest.mouseMove(main, edge - QPoint(0, up))
        QTest.qWait(50)
    QTest.mouseRelease(main, Qt.MouseButton.LeftButton, pos=edge - QPoint(0, 60))
    try:
        assert layout.shares()[1] == pytest.approx(low + 60 / 768, abs=0.02)
    finally:
        layout.arrange(right, low)
        QTest.qWait(200)


def test_a_folder_without_images_is_said_in_the_window(window, wait, tmp_path):
    made = window()
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "letter.txt").write_text("no image")
    said = told_by(made.desk)
    made.desk.find(tmp_path / "empty")
    wait(lambda: bool(said))
    assert "choose a folder" in said[0] or "no DICOM" in said[0]
    assert said[0] in made.bar.message.text()
    assert made.desk.session is not None  # the open case stays open


def test_a_series_that_is_refused_says_why(window, wait):
    made = window()
    said = told_by(made.desk)
    refused = replace(made.desk.items[0], problem="the slices overlap")
    made.desk.open(refused)
    wait(lambda: bool(said))
    assert "the slices overlap" in said[0]
    assert "another series" in said[0]


def test_labels_on_another_grid_are_left_out_and_said(window, wait, case):
    made = window()
    said = told_by(made.desk)
    session = made.desk.session
    moved = session.image.grid.affine.copy()
    moved[:3, 3] += 5000.0
    far = Segmentation(session.labels, Grid(session.labels.shape, moved), {1: "ivc"})
    write_seg_nrrd(far, case / "far.seg.nrrd")
    made.desk.labels = case / "far.seg.nrrd"
    made.desk.reviews = case / "other"
    made.desk.open(made.desk.items[0])
    wait(lambda: made.desk.session is not None and bool(said))
    assert any("the labels were not used" in words for words in said)
    assert not made.desk.session.labels.any()
    wait(lambda: "no voxel of a vein" in made.along.title.text())


def test_a_full_disk_is_said_and_the_stroke_stays(window, wait, monkeypatch):
    made = window()
    desk = made.desk
    labels = desk.session.labels.copy()
    path = desk.session.folder.journal("anna")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 5, limits[1]))
    try:
        desk.take(kind="ball", vessel="right_common_iliac_vein")
        drag(made, [desk.cursor_lps_mm + np.array([-25.0, 0, 0])])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not np.array_equal(desk.session.labels, labels)
    assert "cannot be kept" in made.bar.message.text()
    assert "NOT KEPT" in made.bar.state.text()
    assert made.bar.elsewhere.isVisibleTo(made.bar)
    # Closing asks first.
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.No)
    assert not made.bar.may_close()
    desk.session.keep()
    assert made.bar.may_close()
    wait(lambda: desk.figures.settled)


def test_a_review_that_cannot_be_kept_goes_on_in_another_folder(window, wait, tmp_path):
    made = window()
    desk = made.desk
    (tmp_path / "file").write_text("in the way")
    desk.reviews = tmp_path / "file" / "reviews"
    said = told_by(desk)
    desk.open(desk.items[0])
    wait(lambda: desk.session is not None and desk.figures.settled)
    assert any("choose another folder" in words for words in said)
    desk.take(kind="ball", vessel="right_common_iliac_vein")
    drag(made, [desk.cursor_lps_mm + np.array([-25.0, 0, 0])])
    assert "NOT KEPT" in made.bar.state.text()
    made.bar.move_to(tmp_path / "elsewhere")
    assert "NOT KEPT" not in made.bar.state.text()
    assert desk.session.kept
    wait(lambda: desk.figures.settled)


def test_a_damaged_version_is_said_and_the_one_before_opens(window, wait):
    made = window()
    desk = made.desk
    desk.session.save()
    file = desk.session.folder.versions / "0001-anna" / "version.json"
    file.write_text(file.read_text().replace('"kind"', '"king"'))
    desk.reviewer = "bert"
    said = told_by(desk)
    try:
        desk.open(desk.items[0])
        wait(lambda: desk.session is not None)
        assert any("0001-anna is damaged" in words for words in said)
        assert desk.session.parent.name == "0000-start"
        wait(lambda: desk.figures.settled)
    finally:
        desk.reviewer = "anna"


def test_loading_can_be_cancelled(window, wait):
    made = window()
    desk = made.desk
    said = told_by(desk)
    desk.open(desk.items[0])
    desk.cancel()
    wait(lambda: bool(said) or desk.session is not None)
    if desk.session is None:
        assert "stopped" in said[0]


def test_segmenting_without_seeds_set_says_which_to_set(window):
    made = window()
    said = told_by(made.desk)
    QTest.mouseClick(made.tools.guided, Qt.MouseButton.LeftButton)
    assert "central end" in said[0]


def test_a_waypoint_is_set_by_a_click_and_undone(window):
    made = window()
    desk = made.desk
    desk.take(kind="waypoint")
    place = desk.cursor_lps_mm + np.array([3.0, 0, 0])
    drag(made, [place])
    (seed,) = desk.session.notes.seeds
    np.testing.assert_allclose(seed.lps_mm, place, atol=1.5)
    assert len(made.canvas.seeds.data) == 1
    desk.undo()
    assert desk.session.notes.seeds == ()
