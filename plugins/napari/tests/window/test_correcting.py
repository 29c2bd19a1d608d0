"""Corrections beyond the brush: the straightened edge, occluded stretches, seeds; light theme."""

from __future__ import annotations

import numpy as np
import pytest
from napari.settings import get_settings
from qtpy.QtCore import QPointF, Qt
from qtpy.QtTest import QTest

from venoseg.segmentation import Segmentation
from venoseg_napari import operations
from venoseg_napari.outlines import Push, drag_outline, pushed, pushed_stations
from venoseg_napari.profile_plot import ends_mm

pytestmark = pytest.mark.gui


def drag_in(widget, view, first, last):
    """Drag with the left button from place to place of a pyqtgraph view."""
    spots = [
        QPointF(widget.mapFromScene(view.mapViewToScene(QPointF(*place))))
        for place in (first, last)
    ]
    port = widget.viewport()
    QTest.mousePress(port, Qt.MouseButton.LeftButton, pos=spots[0].toPoint())
    for share in (0.25, 0.5, 0.75, 1.0):
        QTest.mouseMove(port, (spots[0] + (spots[1] - spots[0]) * share).toPoint())
        QTest.qWait(20)
    QTest.mouseRelease(port, Qt.MouseButton.LeftButton, pos=spots[1].toPoint())
    QTest.qWait(30)


def test_an_edge_dragged_in_the_straightened_view_takes_the_lumen_along(window, wait):
    made = window()
    desk, straight = made.desk, made.along.straight
    desk.go_to("ivc", 20)
    before = desk.profile("ivc")
    labels = desk.session.labels.copy()
    position = float(before.branch.curve.position_mm[20])
    high = float(straight.edges_mm[20, 1])
    widget = made.along.widget
    # Far from both edges the drag moves the picture and draws nothing.
    drag_in(widget, straight.view, (position, 0.0), (position + 3.0, 0.0))
    assert not desk.session.history.done
    straight.plot.setXRange(0.0, before.branch.curve.length_mm, padding=0.01)
    seen = []
    desk.figures_changed.connect(lambda: seen.append(desk.is_stale("ivc")))
    drag_in(widget, straight.view, (position, high), (position, high - 4.0))
    assert seen[0]
    wait(lambda: desk.figures.settled)
    after = desk.profile("ivc")
    at = int(np.abs(after.branch.curve.position_mm - position).argmin())
    assert after.contours_mm[at, :, 0].max() == pytest.approx(high - 4.0, abs=0.7)
    assert after.contours_mm[at, :, 0].min() == pytest.approx(
        before.contours_mm[20, :, 0].min(), abs=0.5
    )
    assert "manual_contour" in after.flags[at]
    assert "drawn by hand" in made.section.words.text()
    assert not np.array_equal(desk.session.labels, labels)
    assert [a.what for a in desk.session.history.done] == ["draw the outline of ivc"]
    desk.undo()
    wait(lambda: desk.figures.settled)
    np.testing.assert_array_equal(desk.session.labels, labels)
    assert not any("manual_contour" in flags for flags in desk.profile("ivc").flags)


def test_figures_look_old_while_the_brush_is_still_down(window, wait):
    made = window()
    desk = made.desk
    desk.take(kind="erase", vessel="ivc", radius_mm=4.0)
    desk.go_to("ivc", 20)
    native = made.viewer.window._qt_viewer.canvas.native
    at = made.crosshair.place(made.canvas.to_world(desk.cursor_lps_mm))
    QTest.mousePress(native, Qt.MouseButton.LeftButton, pos=at)
    assert made.numbers.text("ivc", "minimum_diameter_mm") == "..."
    assert "being measured" in made.section.words.text()
    assert not desk.session.history.done
    QTest.mouseRelease(native, Qt.MouseButton.LeftButton, pos=at)
    assert len(desk.session.history.done) == 1
    wait(lambda: desk.figures.settled)
    assert float(made.numbers.text("ivc", "minimum_diameter_mm")) > 0


@pytest.mark.parametrize("name", ["fill", "grow", "shrink", "smooth", "islands", "holes"])
def test_a_button_reshapes_the_whole_vein_and_undo_takes_it_back(window, wait, name):
    made = window()
    desk = made.desk
    grid = desk.session.image.grid
    # An island beside the vein, a hole in it, and a slice without it.
    spoiled = desk.session.labels.copy()
    index = np.moveaxis(np.indices(grid.shape), 0, -1)
    x, y, z = np.moveaxis(grid.to_lps(index), -1, 0)
    spoiled[(np.abs(x + 25) < 3) & (np.abs(y) < 3) & (np.abs(z - 70) < 4)] = 1
    spoiled[(np.abs(x - 10) < 1.6) & (np.abs(y) < 1.6) & (np.abs(z - 65) < 2)] = 0
    spoiled[np.abs(z - 80) < 1.1] = 0
    edit = operations.label_edit(desk.session, spoiled)
    desk.change(lambda session: session.draw("spoil", edit))
    desk.take(vessel="ivc", step_mm=1.6)
    QTest.mouseClick(made.tools.shapes[name], Qt.MouseButton.LeftButton)
    now = desk.session.labels
    assert [a.what for a in desk.session.history.done][1:] == [
        f"{operations.SHAPES[name].lower()}: ivc"
    ]
    gained, lost = (
        int(((now == 1) & (spoiled != 1)).sum()),
        int(((now != 1) & (spoiled == 1)).sum()),
    )
    if name in ("fill", "grow", "holes"):
        assert gained
        assert not lost
    if name in ("shrink", "islands"):
        assert lost
        assert not gained
    np.testing.assert_array_equal(now == 2, spoiled == 2)
    desk.undo()
    np.testing.assert_array_equal(desk.session.labels, spoiled)
    wait(lambda: desk.figures.settled)


def click_on_canvas(made, place):
    """Click where a place of the shown slice lies."""
    native = made.viewer.window._qt_viewer.canvas.native
    at = made.crosshair.place(made.canvas.to_world(np.asarray(place)))
    QTest.mouseClick(native, Qt.MouseButton.LeftButton, pos=at)
    QTest.qWait(30)


def test_a_branch_is_renamed_and_cut_where_it_is_clicked(window, wait):
    made = window()
    desk = made.desk
    start = desk.session.labels.copy()
    desk.go_to("left_common_iliac_vein", 20)
    place = desk.cursor_lps_mm.copy()
    QTest.mouseClick(made.tools.buttons["relabel"], Qt.MouseButton.LeftButton)
    desk.take(vessel="left_external_iliac_vein")
    click_on_canvas(made, place)
    value = desk.tool.value
    np.testing.assert_array_equal(desk.session.labels == value, start == start.max())
    desk.undo()
    np.testing.assert_array_equal(desk.session.labels, start)
    wait(lambda: desk.figures.settled)
    QTest.mouseClick(made.tools.buttons["cut"], Qt.MouseButton.LeftButton)
    click_on_canvas(made, place)
    _, _, z = np.moveaxis(
        desk.session.image.grid.to_lps(np.argwhere(desk.session.labels == start.max())), -1, 0
    )
    assert z.min() == pytest.approx(place[2], abs=2.5)
    desk.undo()
    np.testing.assert_array_equal(desk.session.labels, start)
    wait(lambda: desk.figures.settled)


def test_an_end_is_moved_forgotten_and_brought_back(window, wait):
    made = window()
    desk = made.desk
    length = desk.profile("ivc").branch.curve.length_mm
    desk.go_to("ivc", 15)
    place = desk.cursor_lps_mm.copy()
    desk.take(vessel="ivc")
    QTest.mouseClick(made.tools.buttons["seed"], Qt.MouseButton.LeftButton)
    seen = []

    def look():
        seen.append((desk.figures.settled, made.numbers.text("ivc", "minimum_diameter_mm")))

    desk.figures_changed.connect(look)
    click_on_canvas(made, place)
    wait(lambda: desk.figures.settled)
    desk.figures_changed.disconnect(look)
    # Measured anew it may be before the click returns.
    assert seen[0] == (False, "...")
    assert desk.profile("ivc").branch.curve.length_mm == pytest.approx(length - 15.0, abs=2.5)
    assert made.canvas.seeds.visible
    QTest.mouseClick(made.tools.forget, Qt.MouseButton.LeftButton)
    wait(lambda: desk.figures.settled)
    assert desk.profile("ivc").branch.curve.length_mm == pytest.approx(length, abs=0.1)
    assert not made.canvas.seeds.visible
    desk.undo()
    wait(lambda: desk.figures.settled)
    assert desk.profile("ivc").branch.curve.length_mm < length - 12.0


def test_a_push_moves_the_half_it_is_made_on_and_its_neighbours_less(window):
    profile = window().desk.profile("ivc")
    moved = dict(pushed_stations(profile, Push("ivc", 20, 1, -4.0)))
    assert moved[20] == -4.0
    assert -4.0 < moved[22] < moved[24] < 0.0
    assert 40 not in moved
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    ring = 8.0 * np.column_stack([np.cos(angle), np.sin(angle)])
    inward = pushed(ring, 0, 3.0)
    assert inward[:, 0].min() == pytest.approx(-5.0, abs=0.05)
    np.testing.assert_array_equal(inward[ring[:, 0] > 0.1], ring[ring[:, 0] > 0.1])


def test_a_stretch_is_marked_occluded_and_undone(window, wait):
    made = window()
    desk, button = made.desk, made.tools.occluded
    labels = desk.session.labels.copy()
    desk.go_to("ivc", 10)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert button.text() == "Occluded up to here"
    desk.go_to("ivc", 25)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert button.text() == "Occluded from here"
    assert made.numbers.text("ivc", "minimum_diameter_mm") == "..."
    (course,) = desk.session.notes.occluded
    assert course.vessel == "ivc"
    assert np.linalg.norm(np.diff(course.points_lps_mm[[0, -1]], axis=0)) == pytest.approx(
        15, abs=1
    )
    wait(lambda: desk.figures.settled)
    # The plot is drawn a moment after the numbers, along the centerline that is new by then.
    wait(lambda: made.along.profile.shaded() == [ends_mm(desk.profile("ivc"), course)])
    profile = desk.profile("ivc")
    first, last = ends_mm(profile, course)
    assert last - first == pytest.approx(15.0, abs=2.0)
    # Nothing there passes for lumen any more, in the labels or in the figures.
    inside = (profile.branch.curve.position_mm > first + 2.0) & (
        profile.branch.curve.position_mm < last - 2.0
    )
    assert inside.sum() > 8
    assert not profile.measured[inside].any()
    assert np.count_nonzero(desk.session.labels) < np.count_nonzero(labels)
    desk.undo()
    np.testing.assert_array_equal(desk.session.labels, labels)
    assert not desk.session.notes.occluded
    wait(lambda: desk.figures.settled)
    wait(lambda: not made.along.profile.shaded())


def test_what_must_be_known_of_the_figures_is_said_below_them(window, wait):
    made = window()
    desk, remarks = made.desk, made.remarks
    before = remarks.texts()
    # Without Hounsfield units the image cannot bear out that the vein is shut.
    desk.go_to("ivc", 10)
    operations.mark_occluded(desk, 10, 25)
    assert not remarks.isEnabled()
    wait(lambda: desk.figures.settled)
    assert remarks.isVisible()
    assert remarks.isEnabled()
    (said,) = [text for text in remarks.texts() if text not in before]
    assert said.startswith("\N{BULLET} Inferior vena cava: no labels, and the image does not tell")
    desk.go_to("left_common_iliac_vein", 3)
    place = remarks.visualItemRect(remarks.item(remarks.texts().index(said))).center()
    QTest.mouseClick(remarks.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert desk.station[0] == "ivc"
    desk.undo()
    wait(lambda: desk.figures.settled)
    assert remarks.texts() == before


def test_an_occluded_stretch_holds_no_outline_drawn_by_hand(window, wait):
    made = window()
    desk, button = made.desk, made.tools.occluded
    for station in (18, 30):
        desk.go_to("ivc", station)
        drag_outline(desk, 0.9 * desk.profile("ivc").contours_mm[station])
    wait(lambda: desk.figures.settled)
    desk.go_to("ivc", 10)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    desk.go_to("ivc", 25)
    middle = desk.profile("ivc").branch.curve.points_lps_mm[18].copy()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    (kept,) = desk.session.notes.contours
    wait(lambda: desk.figures.settled)
    profile = desk.profile("ivc")
    drawn = [n for n, flags in enumerate(profile.flags) if "manual_contour" in flags]
    gaps = np.linalg.norm(profile.branch.curve.points_lps_mm - kept.station_lps_mm, axis=1)
    assert drawn == [int(gaps.argmin())]
    # Nor can one be drawn there, until the mark is taken back.
    steps, told = len(desk.session.history.done), []
    desk.told.connect(lambda words, _: told.append(words))
    at = int(np.linalg.norm(profile.branch.curve.points_lps_mm - middle, axis=1).argmin())
    desk.go_to("ivc", at)
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    drag_outline(desk, 8.0 * np.column_stack([np.cos(angle), np.sin(angle)]))
    assert told == ["ivc is marked as occluded here; press 'Forget ends' first to draw a lumen"]
    assert len(desk.session.history.done) == steps
    desk.undo()
    assert len(desk.session.notes.contours) == 2


def test_another_vein_begins_the_occluded_stretch_anew(window):
    made = window()
    desk, button = made.desk, made.tools.occluded
    desk.go_to("ivc", 10)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    desk.go_to("left_common_iliac_vein", 10)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert button.text() == "Occluded up to here"
    assert not desk.session.notes.occluded
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert button.text() == "Occluded from here"


def test_seeds_that_were_clicked_guide_the_segmentation(window, wait, monkeypatch):
    """The segmenter itself has tests of its own; here it says what it was asked."""
    made = window()
    desk, asked = made.desk, []
    start = desk.session.labels.copy()
    wanted = np.where(start == 2, 1, start).astype(np.uint8)

    def segment(image, seeds):
        asked.append(seeds)
        return Segmentation(wanted, image.grid, {1: "ivc"}, "semiautomatic")

    monkeypatch.setattr(operations, "segment", segment)
    places = {"seed": (10.0, 0.0, 85.0), "end": (10.0, 0.0, 15.0)}
    native = made.viewer.window._qt_viewer.canvas.native
    for kind, place in places.items():
        QTest.mouseClick(made.tools.buttons[kind], Qt.MouseButton.LeftButton)
        desk.cursor_lps_mm = np.array(place)
        desk.cursor_changed.emit()
        QTest.qWait(20)
        world = made.canvas.to_world(np.array(place))
        camera = made.viewer.scene.camera
        offset = (world[1:] - np.array(camera.center)[-2:]) * camera.zoom
        middle = QPointF(native.width() / 2, native.height() / 2)
        spot = (middle + QPointF(offset[1], offset[0])).toPoint()
        QTest.mousePress(native, Qt.MouseButton.LeftButton, pos=spot)
        QTest.mouseRelease(native, Qt.MouseButton.LeftButton, pos=spot)
        QTest.qWait(20)
    assert [s.role for s in desk.session.notes.seeds] == ["central_end", "peripheral_end"]
    QTest.mouseClick(made.tools.guided, Qt.MouseButton.LeftButton)
    wait(lambda: not desk.busy and len(asked) == 1)
    for seed, place in zip(asked[0], places.values(), strict=True):
        np.testing.assert_allclose(seed.lps_mm, place, atol=1.5)
    wait(lambda: "segment from the seeds" in [a.what for a in desk.session.history.done])
    np.testing.assert_array_equal(desk.session.labels, wanted)
    wait(lambda: desk.figures.settled)
    desk.undo()
    np.testing.assert_array_equal(desk.session.labels, start)
    wait(lambda: desk.figures.settled)


def test_the_light_theme_leaves_everything_readable(window):
    made = window()
    appearance = get_settings().appearance
    before = appearance.theme
    try:
        for theme in ("dark", "light"):
            appearance.theme = theme
            made.viewer.theme = theme
            QTest.qWait(100)
            for part in (made.numbers, made.tools.automatic, made.worklist.list, made.along.widget):
                assert contrast(part.grab().toImage()) > 3.0, (theme, type(part).__name__)
            made.desk.told.emit("a message for the reader", True)
            assert contrast(made.bar.message.grab().toImage()) > 3.0, theme
            corner = made.viewer.screenshot(canvas_only=True, flash=False)[0, 0]
            assert corner[:3].max() == 0, theme
    finally:
        appearance.theme = before
        made.viewer.theme = before


def contrast(image):
    """Ratio of the luminances of what is written and what lies behind it (WCAG 2)."""
    image = image.convertToFormat(image.Format.Format_RGB888)
    raw = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    rgb = raw[:, : 3 * image.width()].reshape(-1, 3) / 255.0
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    light = linear @ [0.2126, 0.7152, 0.0722]
    behind = float(np.median(light))
    far = float(light[np.abs(light - behind).argmax()])
    high, low = max(behind, far), min(behind, far)
    return (high + 0.05) / (low + 0.05)


def test_figures_still_under_way_when_the_edge_is_taken_elsewhere_are_not_shown(window, wait):
    made = window()
    desk = made.desk
    shown = []

    def look():
        found = desk.figures.found
        shown.append(found and found.parameters["boundary"])

    desk.take(vessel="ivc", step_mm=1.6)
    operations.reshape(desk, "shrink")
    # Measured, but not yet told: the window has had no time for it.
    assert desk.meter.wait()
    desk.figures_changed.connect(look)
    try:
        desk.measure_by("mask")
        wait(lambda: desk.figures.settled)
    finally:
        desk.figures_changed.disconnect(look)
        desk.measure_by("gray")
    assert set(shown) == {None, "mask"}


def test_figures_that_are_old_when_the_window_hears_of_them_do_not_pass_for_new(window, wait):
    made = window()
    desk = made.desk
    profile = desk.profile("ivc")
    drawn_at = [18, 30]
    passed_for_new = []

    def look():
        if desk.figures.settled:
            words = desk.profile("ivc").flags
            passed_for_new.append([n for n, w in enumerate(words) if "manual_contour" in w])

    desk.figures_changed.connect(look)
    for station in drawn_at:
        desk.go_to("ivc", station)
        drag_outline(desk, 0.9 * profile.contours_mm[station])
        # Measured, but not yet told: the window has had no time for it.
        assert desk.meter.wait()
    wait(lambda: desk.figures.settled)
    desk.figures_changed.disconnect(look)
    assert all(stations == drawn_at for stations in passed_for_new)
