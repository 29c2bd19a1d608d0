"""The veins, stents and centerlines as meshes and lines in three dimensions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from napari.components import ViewerModel
from napari.layers import Shapes, Surface
from scipy import ndimage
from skimage.measure import marching_cubes

from venoseg.anatomy import BY_NAME
from venoseg.review import LABEL_NAMES
from venoseg.segmentation.edits import enlarged, is_empty, label_box
from venoseg.volume import FloatArray, Grid
from venoseg_napari.canvas import Canvas

_STENT_RGB = (0.9, 0.9, 0.9)
# Blur before meshing, in voxels: takes the steps off the surface, never used for figures.
_BLUR_VOXELS = 0.7
# Where the blurred labels are cut: a stent's struts are thinner than the blur.
_VEIN_LEVEL, _STENT_LEVEL = 0.5, 0.15

Mesh = tuple[FloatArray, npt.NDArray[np.int64]]


def mesh(
    labels: npt.NDArray[np.uint8], grid: Grid, value: int, level: float = _VEIN_LEVEL
) -> Mesh | None:
    """Return (n, 3) LPS corners and (m, 3) triangles of a label; None when it has no voxels."""
    box = label_box(labels, value)
    if is_empty(box):
        return None
    box = enlarged(box, grid, 1.0)
    part = np.pad((labels[box] == value).astype(np.float32), 1)
    blurred = ndimage.gaussian_filter(part, _BLUR_VOXELS)
    if blurred.max() <= level:
        blurred = part
    corners, faces, _, _ = marching_cubes(blurred, level)
    return grid.to_lps(corners - 1 + [s.start for s in box]), faces.astype(np.int64)


class Surfaces:
    """Shows the veins as meshes in 3-D, in place of the slices."""

    def __init__(self, viewer: ViewerModel, canvas: Canvas) -> None:
        self.viewer, self.canvas, self.desk = viewer, canvas, canvas.desk
        # Centre and zoom of the slices while the meshes are shown.
        self._place = viewer.scene.camera.center, viewer.scene.camera.zoom

    @property
    def shown(self) -> bool:
        """Whether the view is three-dimensional."""
        return bool(self.viewer.dims.ndisplay == 3)

    def toggle(self) -> None:
        """Go from the slices to the meshes, or back."""
        if self.desk.session is None:
            return
        # Layers that come and go change the range of the slider.
        with self.canvas.holding_still():
            if self.shown:
                self._show_slices()
            else:
                self._show_meshes()
        self.desk.look_at(self.desk.cursor_lps_mm)

    def _show_slices(self) -> None:
        self._remove()
        self.viewer.dims.ndisplay = 2
        self.canvas.show_slices(visible=True)
        camera = self.viewer.scene.camera
        camera.center, camera.zoom = self._place

    def _show_meshes(self) -> None:
        camera = self.viewer.scene.camera
        self._place = camera.center, camera.zoom
        self.canvas.show_slices(visible=False)
        self._add()
        self.viewer.dims.ndisplay = 3
        camera.angles = (0, 0, 90)
        meshes = [layer for layer in self.viewer.layers if isinstance(layer, Surface)]
        self.viewer.reset_view(layers=meshes or None, reset_camera_angle=False)

    def _add(self) -> None:
        session = self.desk.session
        assert session is not None
        grid = session.image.grid
        for value, name in LABEL_NAMES.items():
            made = mesh(session.labels, grid, value)
            if made is not None:
                colour = np.array(BY_NAME[name].colour_rgb) / 255.0
                self._add_mesh(made, BY_NAME[name].title, colour, 0.75)
        made = mesh(session.stent, grid, 1, _STENT_LEVEL)
        if made is not None:
            self._add_mesh(made, "Stent surface", np.array(_STENT_RGB), 1.0)
        found = self.desk.figures.found
        lines = [p.branch.curve.points_lps_mm for p in found.profiles] if found else []
        if lines:
            self.viewer.add_layer(
                Shapes(
                    [np.array([self.canvas.to_world(p) for p in line]) for line in lines],
                    shape_type="path",
                    edge_color="white",
                    edge_width=0.8,
                    name="Centerlines",
                    units=("mm", "mm", "mm"),
                )
            )

    def _add_mesh(self, made: Mesh, name: str, colour: FloatArray, opacity: float) -> None:
        corners, faces = made
        world = np.array([self.canvas.to_world(p) for p in corners])
        layer = Surface(
            (world, faces),
            vertex_colors=np.tile(colour, (len(world), 1)),
            name=name,
            opacity=opacity,
            shading="smooth",
            units=("mm", "mm", "mm"),
        )
        self.viewer.add_layer(layer)

    def _remove(self) -> None:
        for layer in [x for x in self.viewer.layers if isinstance(x, Surface | Shapes)]:
            self.viewer.layers.remove(layer)
