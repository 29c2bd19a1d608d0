"""A digital twin on disk: DICOM, with its truth beside it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from venoseg.anatomy import BY_NAME
from venoseg.output import output_folder
from venoseg.phantom.catalogue import Twin
from venoseg.phantom.ct import Rendering, Scanner, fit_grid, render
from venoseg.phantom.ct_dicom import CtSeries, ct_datasets
from venoseg.phantom.encode import write_dicom
from venoseg.phantom.identity import Visit
from venoseg.phantom.truth import Truth
from venoseg.segmentation import Segmentation


@dataclass(frozen=True, slots=True)
class CtOptions:
    """How a twin's CT is made and written.

    Attributes
    ----------
    seed
        Of the patient and of the noise.
    spacing_mm
        Along (slice, row, column).
    margin_mm
        Around the veins.
    scanner
        Blur, slice thickness and noise; its seed is replaced by ``seed``.
    transfer_syntax
        One of `venoseg.phantom.encode.TRANSFER_SYNTAXES`.
    """

    seed: int = 0
    spacing_mm: tuple[float, float, float] = (1.0, 0.8, 0.8)
    margin_mm: float = 15.0
    scanner: Scanner = field(default_factory=Scanner)
    transfer_syntax: str = "explicit"


def write_ct_twin(twin: Twin, out: Path, options: CtOptions, *, force: bool = False) -> Rendering:
    """Write a twin's CT as DICOM into ``out/ct`` and its truth into ``out/truth``.

    Nothing is left in ``out`` when something fails.

    Raises
    ------
    UsageError
        When ``out`` exists and ``force`` is not given.
    OutputError
        When the folder cannot be written.
    """
    with output_folder(out, force=force) as made:
        scene = twin.build(options.seed)
        grid = fit_grid(scene, options.spacing_mm, options.margin_mm)
        rendering = render(scene, grid, replace(options.scanner, seed=options.seed))
        visit = Visit(twin.name, options.seed, description=f"Digital twin {twin.name}")
        _write_ct(rendering, visit, made / "ct", options.transfer_syntax)
        _write_truth(rendering, twin, options, made / "truth")
    return rendering


def _write_ct(rendering: Rendering, visit: Visit, folder: Path, transfer_syntax: str) -> None:
    folder.mkdir(parents=True)
    for number, dataset in enumerate(ct_datasets(rendering.image, visit, CtSeries()), start=1):
        write_dicom(dataset, folder / f"{number:04d}.dcm", transfer_syntax)


def _write_truth(rendering: Rendering, twin: Twin, options: CtOptions, folder: Path) -> None:
    folder.mkdir(parents=True)
    write_truth_tables(rendering.truth, folder)
    write_label_map(rendering.segmentation, folder / "labels.seg.nrrd")
    about = {
        "twin": twin.name,
        "title": twin.title,
        "options": asdict(options),
        "frame": "LPS, mm; positions from the central end of each vein",
        "veins": {name: BY_NAME[name].title for name in rendering.segmentation.names.values()},
        "columns": {
            column.name: column.meaning
            for table in (rendering.truth.cross_sections, rendering.truth.segments)
            for column in table.columns
        },
    }
    text = json.dumps(about, indent=1, sort_keys=True) + "\n"
    (folder / "truth.json").write_text(text, encoding="utf-8", newline="")


def write_truth_tables(truth: Truth, folder: Path) -> None:
    """Write ``cross_sections.csv``, ``segments.csv`` and, if there are any, ``collaterals.csv``."""
    truth.cross_sections.to_csv(folder / "cross_sections.csv")
    truth.segments.to_csv(folder / "segments.csv")
    if truth.collaterals.rows:
        truth.collaterals.to_csv(folder / "collaterals.csv")


def write_label_map(segmentation: Segmentation, path: Path) -> None:
    """Write labels as a ``.seg.nrrd`` that 3D Slicer opens with names and colours."""
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(segmentation.labels)
    origin, spacing, direction = segmentation.grid.itk_geometry()
    image.SetOrigin(origin)
    image.SetSpacing(spacing)
    image.SetDirection(direction)
    for index, (value, name) in enumerate(segmentation.names.items()):
        vessel = BY_NAME[name]
        key = f"Segment{index}_"
        image.SetMetaData(key + "ID", name)
        image.SetMetaData(key + "Name", name)
        image.SetMetaData(key + "LabelValue", str(value))
        image.SetMetaData(key + "Layer", "0")
        colour = " ".join(f"{part / 255:.6f}" for part in vessel.colour_rgb)
        image.SetMetaData(key + "Color", colour)
    sitk.WriteImage(image, str(path), useCompression=True)
