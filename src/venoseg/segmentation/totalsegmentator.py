"""TotalSegmentator as a segmenter (Wasserthal 2023, doi:10.1148/ryai.230024)."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np

from venoseg.errors import DependencyError, NeedsSeedsError
from venoseg.segmentation.extending import extend, with_levels
from venoseg.segmentation.model import LabelArray, Segmentation
from venoseg.segmentation.refining import refine
from venoseg.segmentation.seeds import Seed
from venoseg.volume import Volume

VEINS: Mapping[str, str] = MappingProxyType(
    {
        "inferior_vena_cava": "ivc",
        "iliac_vena_left": "left_iliac_vein",
        "iliac_vena_right": "right_iliac_vein",
    }
)
"""Structures of the task "total" that are veins of the contract. An iliac vena runs down to the
groin; nothing in it tells the common from the external iliac vein."""


def totalsegmentator(volume: Volume, seeds: Sequence[Seed]) -> Segmentation:
    """Let TotalSegmentator draw the veins, refine, follow the veins farther down, name parts.

    Parameters
    ----------
    volume
        A CT.
    seeds
        Not used.

    Raises
    ------
    DependencyError
        When TotalSegmentator is not installed, or its weights cannot be had.
    NeedsSeedsError
        When it finds none of the veins.
    """
    del seeds
    labels = _labels(volume)
    names = dict(enumerate(VEINS.values(), start=1))
    if not labels.any():
        raise NeedsSeedsError(
            "TotalSegmentator found none of the veins", remedy="give seed points or labels"
        )
    refined = refine(volume, Segmentation(labels, volume.grid, names, "automatic"))
    return with_levels(volume, extend(volume, refined))


def _labels(volume: Volume) -> LabelArray:
    import SimpleITK as sitk

    call, classes = _package()
    with tempfile.TemporaryDirectory(prefix="venoseg-") as folder:
        image = sitk.GetImageFromArray(volume.voxels)
        origin, spacing, direction = volume.grid.itk_geometry()
        image.SetOrigin(origin)
        image.SetSpacing(spacing)
        image.SetDirection(direction)
        source, result = Path(folder) / "ct.nii.gz", Path(folder) / "veins.nii.gz"
        sitk.WriteImage(image, str(source))
        try:
            call(source, result, ml=True, task="total", roi_subset=list(VEINS), quiet=True)
        # Without a network the download of the weights ends in many kinds of exceptions, or exits.
        except (Exception, SystemExit) as error:
            raise DependencyError(
                f"TotalSegmentator failed with {type(error).__name__}",
                remedy="check that its weights are there: run totalseg_download_weights -t total "
                "once on a machine with network, and copy ~/.totalsegmentator",
            ) from error
        drawn = sitk.GetArrayFromImage(sitk.ReadImage(str(result)))
    labels = np.zeros(volume.grid.shape, dtype=np.uint8)
    for value, name in enumerate(VEINS, start=1):
        labels[drawn == classes[name]] = value
    return labels


def _package() -> tuple[Callable[..., object], dict[str, int]]:
    """Return its call, and the label value of each structure.

    Raises
    ------
    DependencyError
        When it is not installed.
    """
    try:
        from totalsegmentator.map_to_binary import class_map
        from totalsegmentator.python_api import totalsegmentator as call
    except ImportError as error:
        raise DependencyError(
            "TotalSegmentator is not installed",
            remedy="install it with pip install 'venoseg[totalsegmentator]'",
        ) from error
    return call, {name: int(value) for value, name in class_map["total"].items()}
