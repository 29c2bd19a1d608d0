"""Opens studies and segmentations as napari layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from venoseg import read_labels, read_study
from venoseg.anatomy import BY_NAME
from venoseg.segmentation import Segmentation
from venoseg.volume import Grid, Volume
from venoseg_napari.orientation import Turn, turn_for_display

LayerData = tuple[Any, dict[str, Any], str]
Rgba = tuple[float, float, float, float]
Reader = Callable[[str], list[LayerData]]

# Window for the veins of the abdomen on CT.
_SOFT_TISSUE_HU = (-160.0, 240.0)
_CLEAR: Rgba = (0.0, 0.0, 0.0, 0.0)
_STENT_RGB = (230, 230, 230)


def get_reader(path: str | Sequence[str]) -> Reader | None:
    """Return the reader for a path that the user opens, None for several paths at once."""
    if not isinstance(path, str):
        return None
    return read_segmentation if path.lower().endswith(".seg.nrrd") else read_image


def read_image(path: str) -> list[LayerData]:
    """Read the CT of a study (folder, ZIP, DICOM file) or a NIfTI or NRRD volume.

    Raises
    ------
    venoseg.errors.VenosegError
        When it cannot become one correct volume; napari shows the message.
    """
    volume = read_study(path).ct()
    return [image_layer(volume, turn_for_display(volume.grid))]


def read_segmentation(path: str) -> list[LayerData]:
    """Read a ``.seg.nrrd`` with the names and colours of the veins.

    Raises
    ------
    venoseg.errors.LabelError
        When it holds no vein; napari shows the message.
    """
    segmentation = read_labels(Path(path))
    turn = turn_for_display(segmentation.grid)
    layers = [veins_layer(segmentation, turn)]
    if segmentation.stent is not None:
        layers.append(stent_layer(segmentation, turn))
    return layers


def image_layer(volume: Volume, turn: Turn) -> LayerData:
    """Return the layer of a CT."""
    limits = _SOFT_TISSUE_HU if volume.unit == "HU" else _percentiles(volume)
    attributes = {
        **_placed(turn.grid),
        "name": "CT",
        "colormap": "gray",
        "contrast_limits": limits,
    }
    attributes["metadata"] |= {"unit": volume.unit, "flags": volume.source.flags}
    return turn(volume.voxels), attributes, "image"


def veins_layer(segmentation: Segmentation, turn: Turn) -> LayerData:
    """Return the layer of the veins, with their names and colours."""
    from napari.utils.colormaps import DirectLabelColormap

    colours: dict[int | None, Rgba] = {
        value: _colour(BY_NAME[name].colour_rgb) for value, name in segmentation.names.items()
    }
    attributes = {
        **_placed(turn.grid),
        "name": "Veins",
        "colormap": DirectLabelColormap(color_dict={None: _CLEAR, **colours}),
        "features": {
            "index": list(segmentation.names),
            "vein": [BY_NAME[name].title for name in segmentation.names.values()],
        },
    }
    attributes["metadata"] |= {"names": dict(segmentation.names), "flags": segmentation.flags}
    return turn(segmentation.labels), attributes, "labels"


def stent_layer(segmentation: Segmentation, turn: Turn) -> LayerData:
    """Return the layer of the stents."""
    assert segmentation.stent is not None
    from napari.utils.colormaps import DirectLabelColormap

    attributes = {
        **_placed(turn.grid),
        "name": "Stent",
        "colormap": DirectLabelColormap(color_dict={None: _CLEAR, 1: _colour(_STENT_RGB)}),
    }
    return turn(segmentation.stent.view(np.uint8)), attributes, "labels"


def _placed(grid: Grid) -> dict[str, Any]:
    """Return what places a turned array: millimetres along its own axes, and the LPS affine.

    The layer stays on its index grid, since napari's 2-D view ignores the out-of-plane part of an
    oblique affine. Layers with equal directions lie on one another.
    """
    return {
        "scale": grid.spacing_mm,
        "translate": grid.directions.T @ grid.affine[:3, 3],
        "units": ("mm", "mm", "mm"),
        "axis_labels": ("feet", "back", "left"),
        "metadata": {"lps_affine": grid.affine, "grid": grid},
    }


def _percentiles(volume: Volume) -> tuple[float, float]:
    low, high = np.percentile(volume.voxels[:: max(1, volume.voxels.shape[0] // 50)], (1, 99))
    return float(low), float(max(high, low + 1))


def _colour(rgb: tuple[int, int, int]) -> Rgba:
    red, green, blue = rgb
    return red / 255, green / 255, blue / 255, 1.0
