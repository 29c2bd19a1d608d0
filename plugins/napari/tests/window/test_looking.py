"""Looking around: tilted series, gray values, slices, stents, the section, what is remembered."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from venoseg.lumen.tables.records import STATE_IN_DOUBT
from venoseg.segmentation import OccludedCourse
from venoseg.tables import Table
from venoseg.volume import Grid
from venoseg_napari.display import WINDOWS
from venoseg_napari.settings import restore, store

pytestmark = pytest.mark.gui

LEFT_MM, TILT_DEG = (30.0, -25.0, 5.0), 25.0


def drag(port, button, first, last):
    """Drag from place to place of a widget."""
    QTest.mousePress(port, button, pos=first)
    for share in (0.3, 0.6, 1.0):
        QTest.mouseMove(port, first + (last - first) * share)
        QTest.qWait(20)
    QTest.mouseRelease(port, button, pos=last)
    QTest.qWait(30)


def wheel(port, at, steps):
    """Turn the wheel away from the hand, by so many steps."""
    event = QWheelEvent(
        QPointF(at),
        QPointF(port.mapToGlobal(at)),
        QPoint(),
        QPoint(0, 120 * steps),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(port, event)
    QTest.qWait(30)


def in_view(widget, view, place):
    """Return where a place of a pyqtgraph view lies on its widget."""
    return widget.mapFromScene(view.mapViewToScene(QPointF(*place)))


@pytest.mark.parametrize("turned", [False, True])
def test_the_left_marker_of_a_tilted_series_is_on_the_right_of_every_view(
    window, tmp_path, turned, wait
):
    """Slices tilted as by a gantry; turned: stored from head to feet, columns to the right."""
    angle = np.deg2rad(TILT_DEG)
    axes = np.array(
        [[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]]
    )
    directions = axes[:, ::-1] * ([-1.0, 1.0, -1.0] if turned else [1.0, 1.0, 1.0])
    shape, spacing = (40, 64, 64), (2.0, 1.5, 1.5)
    affine = np.eye(4)
    affine[:3, :3] = directions * spacing
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2.0)
    grid = Grid(shape, affine)
    places = grid.to_lps(np.moveaxis(np.indices(shape), 0, -1).reshape(-1, 3)).reshape(*shape, 3)
    voxels = np.full(shape, 40, dtype=np.int16)
    voxels[(np.abs(places - LEFT_MM) <= 5.0).all(axis=-1)] = 1500
    image = sitk.GetImageFromArray(voxels)
    origin, sizes, cosines = grid.itk_geometry()
    image.SetOrigin(origin)
    image.SetSpacing(sizes)
    image.SetDirection(cosines)
    sitk.WriteImage(image, str(tmp_path / "tilted.nii.gz"))
    made = window(path=tmp_path / "tilted.nii.gz", labels=False)
    desk = made.desk
    desk.look_at(np.array(LEFT_MM))
    assert [label.text() for label in made.letters.labels] == ["R", "L", "A", "P"]
    assert [letter.text for letter in made.coronal.compass.letters] == ["R", "L", "H", "F"]
    assert [letter.text for letter in made.sagittal.compass.letters] == ["A", "P", "H", "F"]
    # The cursor, put to the marker's place in the patient, lies on it in all three views.
    for plane, share in ((made.coronal, 1), (made.sagittal, 0)):
        rows, columns = np.nonzero(plane.gray.image > 1000)
        assert len(rows)
        at = desk.turn.grid.to_index(np.array(LEFT_MM))
        assert columns.mean() == pytest.approx(at[plane.other], abs=1.5)
        assert rows.mean() == pytest.approx(at[0], abs=1.5)
        assert (columns.mean() > plane.gray.image.shape[1] / 2) == bool(share)
    wait(lambda: made.crosshair.label.isVisible())
    shot = made.viewer.screenshot(canvas_only=True, flash=False)[..., :3].min(axis=-1)
    native = made.viewer.window._qt_viewer.canvas.native
    half = native.width() // 2
    # The letters and the scale bar are white too; the marker is the block around the cursor.
    middle = made.crosshair.label.geometry().center()
    assert middle.x() > half
    patch = shot[middle.y() - 3 : middle.y() + 4, middle.x() - 3 : middle.x() + 4]
    assert np.median(patch) > 240


def test_the_right_button_and_the_keys_change_the_gray_values_everywhere(window):
    made = window()
    display = made.desk.display
    display.show_window("vein")
    native = made.viewer.window._qt_viewer.canvas.native
    start = QPoint(native.width() // 2, native.height() // 2)
    drag(native, Qt.MouseButton.RightButton, start, start + QPoint(60, 0))
    low, high = display.limits
    assert high - low > 430.0
    assert 0.5 * (low + high) == pytest.approx(100.0, abs=1.0)
    assert tuple(made.canvas.image.contrast_limits) == pytest.approx((low, high))
    for view in (made.coronal, made.sagittal, made.section, made.along.straight):
        assert tuple(view.gray.levels) == pytest.approx((low, high))
    port = made.coronal.widget.viewport()
    middle = QPoint(port.width() // 2, port.height() // 2)
    drag(port, Qt.MouseButton.RightButton, middle, middle + QPoint(0, 40))
    assert 0.5 * sum(display.limits) < 90.0  # lighter
    QTest.mouseClick(made.tools.windows["stent"], Qt.MouseButton.LeftButton)
    assert display.limits == WINDOWS["stent"]
    assert made.tools.windows["stent"].isChecked()
    display.next_window()
    assert display.limits == WINDOWS["vein"]


def test_the_wheel_leads_through_slices_and_stations(window):
    made = window()
    desk = made.desk
    desk.go_to("ivc", 20)
    z = desk.cursor_lps_mm[2]
    native = made.viewer.window._qt_viewer.canvas.native
    wheel(native, QPoint(native.width() // 2, native.height() // 2), -2)
    assert desk.cursor_lps_mm[2] == pytest.approx(z - 2.0, abs=1.1)
    y = desk.cursor_lps_mm[1]
    port = made.coronal.widget.viewport()
    wheel(port, QPoint(port.width() // 2, port.height() // 2), -1)
    assert desk.cursor_lps_mm[1] == pytest.approx(y + 1.5, abs=0.8)
    desk.go_to("ivc", 20)
    port = made.section.widget.viewport()
    wheel(port, QPoint(port.width() // 2, port.height() // 2), -1)
    assert desk.station == ("ivc", 21)


def test_veins_are_outlined_filled_or_hidden_in_every_view(window):
    made = window()
    display, veins = made.desk.display, made.canvas.veins
    display.show_labels("outlined")
    lines = np.count_nonzero(made.coronal.colours.image)
    assert veins.contour == 1
    display.next_labels()
    assert veins.contour == 0
    assert np.count_nonzero(made.coronal.colours.image) > 2 * lines
    display.next_labels()
    assert not veins.visible
    assert not made.coronal.colours.isVisible()
    display.next_labels()
    assert veins.visible
    assert made.tools.labels.text() == "Veins outlined"


def test_the_brush_shows_its_size(window):
    made = window()
    desk, cursor = made.desk, made.viewer.cursor
    desk.take(kind="ball", radius_mm=6.0)
    assert (cursor.style, cursor.size, cursor.scaled) == ("circle", 12.0, True)
    port = made.coronal.widget.viewport()
    QTest.mouseMove(port, QPoint(port.width() // 2, port.height() // 2))
    QTest.qWait(50)
    assert made.coronal.brush.isVisible()
    assert made.coronal.brush.rect().width() == pytest.approx(12.0)
    desk.take(kind="look")
    assert cursor.style == "standard"
    assert not made.coronal.brush.isVisible()


def test_a_stent_that_is_drawn_is_seen_along_the_vein_and_across_it(window, wait):
    made = window()
    desk = made.desk
    desk.go_to("ivc", 20)
    assert not made.along.straight.metal.image[..., 3].any()
    assert not made.canvas.stent.visible
    desk.take(kind="stent", radius_mm=3.0)
    native = made.viewer.window._qt_viewer.canvas.native
    at = made.crosshair.place(made.canvas.to_world(desk.cursor_lps_mm))
    QTest.mouseClick(native, Qt.MouseButton.LeftButton, pos=at)
    QTest.qWait(50)
    assert [a.what for a in desk.session.history.done] == ["stent"]
    assert made.canvas.stent.visible
    assert made.along.straight.metal.image[..., 3].any()
    assert made.section.metal.image[..., 3].any()
    desk.undo()
    assert not made.along.straight.metal.image[..., 3].any()
    wait(lambda: desk.figures.settled)


def test_the_section_is_clicked_and_its_outline_dragged_with_the_mouse(window, wait):
    made = window()
    desk, section = made.desk, made.section
    desk.go_to("ivc", 20)
    QTest.qWait(50)
    port = section.widget.viewport()
    before = desk.cursor_lps_mm.copy()
    at = in_view(section.widget, section.view, (3.0, -2.0))
    QTest.mouseClick(port, Qt.MouseButton.LeftButton, pos=at)
    QTest.qWait(600)
    curve = desk.profile("ivc").branch.curve
    away = desk.cursor_lps_mm - curve.points_lps_mm[20]
    assert away @ curve.across[20] == pytest.approx(3.0, abs=0.5)
    assert away @ curve.upward[20] == pytest.approx(-2.0, abs=0.5)
    assert np.linalg.norm(desk.cursor_lps_mm - before) > 1.0
    desk.go_to("ivc", 20)
    handle = section.handles._points[0]
    width = desk.profile("ivc").shapes.area_mm2[20]
    place = QPointF(*handle)
    seen = []

    def look():
        seen.append(section.words.text())

    desk.figures_changed.connect(look)
    drag(
        port,
        Qt.MouseButton.LeftButton,
        in_view(section.widget, section.view, (place.x(), place.y())),
        in_view(section.widget, section.view, (0.5 * place.x(), 0.5 * place.y())),
    )
    desk.figures_changed.disconnect(look)
    assert [a.what for a in desk.session.history.done] == ["draw the outline of ivc"]
    # Measured anew it may be before the drag ends.
    assert "measured again" in seen[0]
    wait(lambda: desk.figures.settled)
    assert desk.profile("ivc").shapes.area_mm2[20] < 0.97 * width
    desk.undo()
    wait(lambda: desk.figures.settled)


def test_the_profile_shows_areas_at_wish(window):
    made = window()
    profile, plot = made.desk.profile("ivc"), made.along.profile
    made.desk.go_to("ivc", 20)
    made.along.toggle_areas()
    line = next(line for line in plot.lines.values() if line.getData()[1] is not None)
    np.testing.assert_allclose(line.getData()[1], profile.shapes.area_mm2)
    np.testing.assert_allclose(plot.ends[1].getData()[1], profile.area_interval_mm2[:, 1])
    reference = made.desk.figures.found.references["ivc"].areas_mm2
    np.testing.assert_allclose(plot.reference.getData()[1], reference)
    assert "area" in made.along.title.text()
    made.along.toggle_areas()
    np.testing.assert_allclose(plot.reference.getData()[1], 2 * np.sqrt(reference / np.pi))


def test_the_profile_shades_what_was_found_shut_beside_what_was_marked(window):
    made = window()
    plot, profile = made.along.profile, made.desk.profile("ivc")
    position = profile.branch.curve.position_mm
    states = [None] * len(position)
    states[5:15] = ["occluded"] * 10
    states[15:20] = ["not_assessable"] * 5
    shut = replace(profile, shut=tuple(states))
    plot.draw(shut, None, [], stale=False)
    assert plot.shaded() == [(position[5], position[14])]
    course = OccludedCourse("ivc", profile.branch.curve.points_lps_mm[10:21], "waypoints")
    plot.draw(shut, None, [course], stale=False)
    assert plot.shaded() == [(position[10], position[20]), (position[5], position[9])]


def test_the_table_says_where_a_state_is_in_doubt_and_where_nothing_is_narrowed(window):
    made = window()
    desk = made.desk
    found = desk.figures.found
    rows = [dict(row) for row in found.segments.rows]
    rows[0] |= {"state": "patent", "flags": STATE_IN_DOUBT, "area_stenosis_percent": 49.8}
    rows[1] |= {"state": "patent", "flags": "", "area_stenosis_percent": -11.0}
    table = Table(found.segments.columns, tuple(rows))
    desk.meter.figures = replace(desk.figures, found=replace(found, segments=table))
    desk.figures_changed.emit()
    words = [
        [made.numbers.text(str(row["vessel"]), name) for name in ("area_stenosis_percent", "state")]
        for row in rows[:2]
    ]
    assert words == [["50 %", "patent/stenotic"], ["none", "patent"]]


def test_what_was_set_is_there_again_the_next_day(window):
    made = window()
    desk, layout = made.desk, made.layout
    desk.take(radius_mm=7.5, step_mm=2.0, protect=False, between_hu=(50.0, 350.0))
    desk.display.show_window("stent")
    desk.display.show_labels("filled")
    store(desk, layout)
    desk.take(radius_mm=4.0, step_mm=1.0, protect=True, between_hu=(80.0, 400.0))
    desk.display.show_window("vein")
    desk.display.show_labels("outlined")
    restore(desk, layout)
    tool = desk.tool
    assert (tool.radius_mm, tool.step_mm, tool.protect) == (7.5, 2.0, False)
    assert tool.between_hu == (50.0, 350.0)
    assert (desk.display.preset, desk.display.labels) == ("stent", "filled")
    assert not made.tools.protect.isChecked()
    desk.take(radius_mm=4.0, step_mm=1.0, protect=True, between_hu=(80.0, 400.0))
    desk.display.show_window("vein")
    desk.display.show_labels("outlined")
    store(desk, layout)
