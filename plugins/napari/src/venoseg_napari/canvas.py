"""The main view: axial slices in napari, with the labels over them, drawn on with the mouse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels, Points

from venoseg.segmentation import Role, Segmentation
from venoseg.volume import FloatArray
from venoseg_napari.desk import Desk
from venoseg_napari.operations import Stroke, click
from venoseg_napari.reader import LayerData, image_layer, stent_layer, veins_layer
from venoseg_napari.tool import STROKES

_SEED_PX = 8
SEED_COLOURS: dict[Role, str] = {
    "central_end": "#5cb85c",
    "peripheral_end": "#d9534f",
    "waypoint": "#ffe14d",
}
# Of the veins, when they are filled and when they are outlined by one voxel.
_OPACITY = {"filled": 0.45, "outlined": 0.95}
_STENT_OPACITY = 0.5
# A step of the wheel with the Control key makes the picture so much larger.
_ZOOM = 1.15
# Places that differ by less are the same slice.
_SAME_MM = 1e-6
_PLACING = ("scale", "translate")


class Canvas:
    """Keeps napari's layers in step with the desk, and hands its mouse to the tools.

    Parameters
    ----------
    viewer
        napari's viewer, or a model of it.
    desk
        The state of the window.
    """

    def __init__(self, viewer: ViewerModel, desk: Desk) -> None:
        self.viewer, self.desk = viewer, desk
        self.image: Image | None = None
        self.veins: Labels | None = None
        self.stent: Labels | None = None
        self.seeds: Points | None = None
        self._following = False
        self._fitted = 0.0
        viewer.mouse_drag_callbacks.append(self._drag)
        # In place of napari's own, which scrolls with the Control key and zooms without it.
        viewer.mouse_wheel_callbacks[:] = [self._wheel]
        viewer.dims.events.current_step.connect(self._scrolled)
        viewer.canvas.events.size.connect(self._resized)
        # With another active layer, or in 3-D, napari gives the mouse its own ways back.
        viewer.dims.events.ndisplay.connect(self._use_tool)
        viewer.layers.selection.events.active.connect(self._use_tool)
        desk.case_opened.connect(self._open)
        desk.voxels_changed.connect(self._refresh)
        desk.notes_changed.connect(self._draw_seeds)
        desk.cursor_changed.connect(self._follow)
        desk.tool_changed.connect(self._use_tool)
        desk.display.limits_changed.connect(self._show_limits)
        desk.display.labels_changed.connect(self._show_labels)

    def _fit(self) -> None:
        """Show the whole slice, as large as there is room."""
        self.viewer.reset_view(margin=0.0)
        self._fitted = self.viewer.scene.camera.zoom

    def _resized(self) -> None:
        """Show the whole slice in the new size too, unless the reader chose another part of it."""
        if self.viewer.dims.ndisplay == 2 and self.viewer.scene.camera.zoom == self._fitted:
            self._fit()

    def _show_limits(self) -> None:
        if self.image is not None:
            self.image.contrast_limits = self.desk.display.limits

    def _show_labels(self) -> None:
        """Show the veins and stents outlined, filled, or not at all."""
        if self.veins is None or self.stent is None:
            return
        style = self.desk.display.labels
        seen = style != "hidden" and self.viewer.dims.ndisplay == 2
        self.veins.visible = seen
        self.stent.visible = seen and self._any_stent()
        if style != "hidden":
            self.veins.opacity = _OPACITY[style]
            self.veins.contour = int(style == "outlined")

    def show_slices(self, *, visible: bool) -> None:
        """Show the slices, or hide them while something else is shown."""
        for layer in (self.image, self.veins, self.stent, self.seeds):
            if layer is not None:
                layer.visible = visible
        if visible:
            self._show_labels()
            self._draw_seeds()

    def to_lps(self, world: FloatArray) -> FloatArray:
        """Map napari's (feet, back, left) millimetres to LPS."""
        assert self.desk.turn is not None
        lps: FloatArray = self.desk.turn.grid.directions @ np.asarray(world, dtype=np.float64)
        return lps

    def to_world(self, lps_mm: FloatArray) -> FloatArray:
        """Map LPS to napari's millimetres."""
        assert self.desk.turn is not None
        world: FloatArray = self.desk.turn.grid.directions.T @ lps_mm
        return world

    def _to_index(self, lps_mm: FloatArray) -> FloatArray:
        assert self.desk.turn is not None
        return self.desk.turn.grid.to_index(lps_mm)

    def _open(self) -> None:
        session, turn = self.desk.session, self.desk.turn
        assert session is not None
        assert turn is not None
        shown = Segmentation(
            session.labels,
            session.image.grid,
            session.segmentation.names,
            stent=session.stent.view(np.bool_),
        )
        made = (
            image_layer(session.image, turn),
            veins_layer(shown, turn),
            stent_layer(shown, turn),
        )
        layers = (self.image, self.veins, self.stent, self.seeds)
        if all(layer is not None and layer in self.viewer.layers for layer in layers):
            self._refill(made)
        else:
            self._make_layers(made)
        self.viewer.layers.selection.active = self.veins
        # Images are read on black, whatever the theme: beside white, gray values are misjudged.
        self.viewer.canvas.background_color_override = "black"
        overlay = self.viewer.canvas.overlays.scale_bar
        overlay.visible = True
        self.viewer.dims.axis_labels = ("feet", "back", "left")
        self._show_limits()
        self._show_labels()
        self._fit()
        self._use_tool()
        self._draw_seeds()
        self._follow()

    def _make_layers(self, made: Sequence[LayerData]) -> None:
        self.viewer.layers.clear()
        (pixels, of_image, _), (veins, of_veins, _), (stent, of_stent, _) = made
        self.image = self.viewer.add_layer(Image(pixels, **of_image))
        self.veins = self.viewer.add_layer(Labels(veins, **of_veins))
        self.stent = self.viewer.add_layer(Labels(stent, **of_stent, opacity=_STENT_OPACITY))
        # On the grid of the image, so that the slider steps from slice to slice.
        placed = {key: getattr(self.image, key) for key in _PLACING}
        point = {"ndim": 3, "size": _SEED_PX, "units": self.image.units, **placed}
        self.seeds = self.viewer.add_points(np.zeros((0, 3)), name="Ends and waypoints", **point)

    def _refill(self, made: Sequence[LayerData]) -> None:
        """Put another case into the layers, which is much faster than making them anew."""
        for layer, (array, attributes, _) in zip(
            (self.image, self.veins, self.stent), made, strict=True
        ):
            assert layer is not None
            layer.data = array
            for name in (*_PLACING, "metadata"):
                setattr(layer, name, attributes[name])
        assert self.seeds is not None
        for name in _PLACING:
            setattr(self.seeds, name, made[0][1][name])

    def _any_stent(self) -> bool:
        return self.desk.session is not None and bool(self.desk.session.stent.any())

    def _refresh(self, name: str) -> None:
        """Show the voxels of a layer as they are now."""
        layer = self.stent if name == "stent" else self.veins
        if name == "stent":
            # A layer that shows nothing costs time at every slice.
            self._show_labels()
        if layer is not None:
            layer.refresh(thumbnail=False, highlight=False, extent=False)

    def _draw_seeds(self) -> None:
        session = self.desk.session
        if self.seeds is not None and session is not None:
            places = [self._to_index(np.array(s.lps_mm)) for s in session.notes.seeds]
            self.seeds.data = np.array(places).reshape(-1, 3)
            if places:
                self.seeds.face_color = [SEED_COLOURS[s.role] for s in session.notes.seeds]
            self.seeds.visible = bool(places) and self.viewer.dims.ndisplay == 2

    @contextmanager
    def holding_still(self) -> Iterator[None]:
        """Leave the cursor where it is while the slider moves by itself."""
        before, self._following = self._following, True
        try:
            yield
        finally:
            self._following = before

    def _follow(self) -> None:
        """Show the slice of the cursor."""
        if self.image is None or self.desk.turn is None:
            return
        world = self.to_world(self.desk.cursor_lps_mm)
        with self.holding_still():
            dims = self.viewer.dims
            # A slice that is shown already is not drawn again for the last digit of its place.
            if dims.ndisplay == 2 and not np.isclose(world[0], dims.point[0], atol=_SAME_MM):
                dims.set_point(0, float(world[0]))

    def _scrolled(self) -> None:
        """Move the cursor with the slice, without leaving its place in the plane."""
        if self._following or self.image is None or self.viewer.dims.ndisplay == 3:
            return
        world = self.to_world(self.desk.cursor_lps_mm)
        world[0] = self.viewer.dims.point[0]
        self.desk.look_at(self.to_lps(world))

    def _use_tool(self) -> None:
        """Let the mouse draw rather than move the picture, and show how large the brush is."""
        tool, viewer = self.desk.tool, self.viewer
        flat = viewer.dims.ndisplay == 2
        viewer.scene.camera.mouse_pan = tool.kind == "look" or not flat
        # The wheel leads through the slices, and the right button changes the gray values.
        viewer.scene.camera.mouse_zoom = not flat
        viewer.cursor.scaled = True
        viewer.cursor.size = 2.0 * tool.radius_mm
        if tool.kind in STROKES and flat:
            viewer.cursor.style = "circle"
        else:
            viewer.cursor.style = "standard" if tool.kind == "look" else "cross"

    def _wheel(self, _: Any, event: Any) -> None:
        """Scroll through the slices; with the Control key, zoom about the mouse."""
        steps = float(np.sign(event.delta[1]))
        if self.desk.session is None or self.viewer.dims.ndisplay == 3 or not steps:
            return
        event.handled = True
        if "Control" not in event.modifiers:
            self.scroll(-int(steps))
            return
        camera, factor = self.viewer.scene.camera, _ZOOM**steps
        place, middle = self._world(event)[1:], np.array(camera.center)[-2:]
        camera.zoom *= factor
        camera.center = (0.0, *(place + (middle - place) / factor))

    def scroll(self, slices: int) -> None:
        """Go some slices towards the feet."""
        step = self.viewer.dims.current_step[0] + slices
        self.viewer.dims.set_current_step(0, min(max(0, step), self.viewer.dims.nsteps[0] - 1))

    def _drag(self, _: Any, event: Any) -> Iterator[None]:
        if self.desk.session is None or self.viewer.dims.ndisplay == 3:
            return
        if event.button == 2:
            yield from self._drag_limits(event)
        elif event.button == 1:
            place = self.to_lps(self._world(event))
            yield from (
                self._draw(event, place)
                if self.desk.tool.kind in STROKES
                else self._click(event, place)
            )

    def _drag_limits(self, event: Any) -> Iterator[None]:
        """Change the window of gray values as the mouse moves."""
        last = np.array(event.pos, dtype=np.float64)
        yield
        while event.type == "mouse_move":
            now = np.array(event.pos, dtype=np.float64)
            self.desk.display.drag(*(now - last))
            last = now
            yield

    def _click(self, event: Any, place: FloatArray) -> Iterator[None]:
        """Act when the button is let go; dragging with the look tool moves the picture."""
        yield
        moved = False
        while event.type == "mouse_move":
            moved = True
            yield
        if not moved or self.desk.tool.kind != "look":
            click(self.desk, place)

    def _draw(self, event: Any, place: FloatArray) -> Iterator[None]:
        assert self.desk.turn is not None
        stroke = Stroke(self.desk, self.desk.turn.grid.directions[:, 0])
        stroke.move_to(place)
        yield
        while event.type == "mouse_move":
            stroke.move_to(self.to_lps(self._world(event)))
            yield
        stroke.finish()

    def _world(self, event: Any) -> FloatArray:
        """Return the event's place on the slice that is shown."""
        return np.array(event.position, dtype=np.float64)[-3:]
