"""Labels as a review keeps them: the box that holds any, compressed, with their place."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from venoseg.errors import InputError
from venoseg.segmentation import Level, Segmentation, VesselConfidence
from venoseg.segmentation.edits import EMPTY_BOX, Box
from venoseg.volume import Grid

_LAYERS = ("labels", "stent")


def write_labels(segmentation: Segmentation, path: Path) -> None:
    """Write labels, stents, and what is known of where they came from."""
    layers = {"labels": segmentation.labels}
    if segmentation.stent is not None:
        layers["stent"] = segmentation.stent.view(np.uint8)
    boxes = {name: labelled_box(layer) for name, layer in layers.items()}
    facts = {
        "shape": list(segmentation.grid.shape),
        "affine": segmentation.grid.affine.tolist(),
        "names": {str(value): name for value, name in segmentation.names.items()},
        "origin": segmentation.origin,
        "flags": list(segmentation.flags),
        "confidence": [
            [one.vessel, one.confidence, list(one.reasons)] for one in segmentation.confidence
        ],
        "levels": [
            [one.name, one.lps_mm, one.uncertainty_mm, one.confidence, list(one.reasons)]
            for one in segmentation.levels
        ],
        "boxes": {name: [[s.start, s.stop] for s in box] for name, box in boxes.items()},
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        _put(archive, "facts.json", json.dumps(facts).encode())
        for name, layer in layers.items():
            out = io.BytesIO()
            np.save(out, np.ascontiguousarray(layer[boxes[name]]))
            _put(archive, f"{name}.npy", out.getvalue())


def read_labels_file(path: Path) -> Segmentation:
    """Return the segmentation of a file that `write_labels` wrote.

    Raises
    ------
    InputError
        When it is not such a file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            facts: dict[str, Any] = json.loads(archive.read("facts.json"))
            shape = tuple(int(n) for n in facts["shape"])
            layers = {name: _layer(archive, name, facts, shape) for name in facts["boxes"]}
    except (OSError, zipfile.BadZipFile, ValueError, KeyError, EOFError) as error:
        raise InputError("the saved labels cannot be read", where=path.name) from error
    stent = layers.get("stent")
    return Segmentation(
        labels=layers["labels"],
        grid=Grid((shape[0], shape[1], shape[2]), np.array(facts["affine"])),
        names={int(value): name for value, name in facts["names"].items()},
        origin=facts["origin"],
        stent=None if stent is None else stent.view(np.bool_),
        flags=tuple(facts["flags"]),
        confidence=tuple(VesselConfidence(v, c, tuple(r)) for v, c, r in facts["confidence"]),
        levels=tuple(_level(*values) for values in facts.get("levels", ())),
    )


def _level(
    name: str,
    lps_mm: Sequence[float] | None,
    uncertainty_mm: float | None,
    confidence: float,
    reasons: Sequence[str],
) -> Level:
    place = None if lps_mm is None else (lps_mm[0], lps_mm[1], lps_mm[2])
    return Level(name, place, uncertainty_mm, confidence, tuple(reasons))


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Add a member without a date, so that equal labels give equal bytes."""
    archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def _layer(
    archive: zipfile.ZipFile, name: str, facts: dict[str, Any], shape: tuple[int, ...]
) -> npt.NDArray[np.uint8]:
    part = np.load(io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False)
    layer = np.zeros(shape, dtype=np.uint8)
    layer[tuple(slice(start, stop) for start, stop in facts["boxes"][name])] = part
    return layer


def labelled_box(layer: npt.NDArray[np.uint8]) -> Box:
    """Return the smallest box around the voxels that are not 0; an empty one when all are."""
    slices = np.flatnonzero(layer.any(axis=(1, 2)))
    if len(slices) == 0:
        return EMPTY_BOX
    shadow = layer[slices[0] : slices[-1] + 1].max(axis=0) > 0
    rows, columns = np.flatnonzero(shadow.any(axis=1)), np.flatnonzero(shadow.any(axis=0))
    a, b, c = (slice(int(at[0]), int(at[-1]) + 1) for at in (slices, rows, columns))
    return a, b, c
