"""A digital twin on disk: DICOM, with its truth beside it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

from pydicom.dataset import Dataset

from venoseg.errors import UsageError
from venoseg.interchange.nrrd_out import write_seg_nrrd
from venoseg.output import output_folder
from venoseg.phantom.catalogue import Twin
from venoseg.phantom.ct import Rendering, Scanner, fit_grid, render
from venoseg.phantom.ct_dicom import CtSeries, ct_datasets
from venoseg.phantom.ct_enhanced import enhanced_ct_dataset
from venoseg.phantom.encode import write_dicom
from venoseg.phantom.identity import Visit
from venoseg.phantom.media import write_dicomdir, write_zip
from venoseg.phantom.nasty import NASTY
from venoseg.phantom.scene import Scene
from venoseg.phantom.truth import Truth
from venoseg.phantom.truth_seg import write_truth_seg

Media = Literal["files", "dicomdir", "zip"]


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
    variant
        One of `venoseg.phantom.nasty.NASTY`: a fault or oddity of the series; None for a clean one.
        The truth stays that of the clean series.
    enhanced
        Write one Enhanced CT image instead of a file a slice.
    media
        Plain ``files``, a ``dicomdir`` with the files as on a disc, or a ``zip``.
    seg
        Whether the truth holds a DICOM SEG besides the NRRD label map.
    """

    seed: int = 0
    spacing_mm: tuple[float, float, float] = (1.0, 0.8, 0.8)
    margin_mm: float = 15.0
    scanner: Scanner = field(default_factory=Scanner)
    transfer_syntax: str = "explicit"
    variant: str | None = None
    enhanced: bool = False
    media: Media = "files"
    seg: bool = True


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
        clean, datasets = _headers(scene, rendering, visit, options)
        _write_images(datasets, made / "ct", options)
        about = {"twin": twin.name, "title": twin.title, "options": asdict(options)}
        write_ct_truth(rendering, made / "truth", about, clean if options.seg else ())
    return rendering


def _headers(
    scene: Scene, rendering: Rendering, visit: Visit, options: CtOptions
) -> tuple[list[Dataset], list[Dataset]]:
    """Return the images of the clean series, and those to write instead."""
    clean = list(ct_datasets(rendering.image, visit, CtSeries()))
    if options.enhanced:
        return clean, [enhanced_ct_dataset(rendering.image, visit, CtSeries())]
    if options.variant is None:
        return clean, clean
    if options.variant not in NASTY:
        raise UsageError(
            f"there is no variant {options.variant!r}", remedy=f"use one of {', '.join(NASTY)}"
        )
    scanner = replace(options.scanner, seed=options.seed)
    return clean, NASTY[options.variant][1](scene, rendering.image.grid, scanner, visit)


def _write_images(datasets: list[Dataset], folder: Path, options: CtOptions) -> None:
    folder.mkdir(parents=True)
    files = [folder / f"{number:04d}.dcm" for number in range(1, len(datasets) + 1)]
    for dataset, path in zip(datasets, files, strict=True):
        write_dicom(dataset, path, options.transfer_syntax)
    if options.media == "dicomdir":
        write_dicomdir(files, folder.parent / "disc")
    if options.media == "zip":
        write_zip(folder, folder.parent / "ct.zip")
    if options.media != "files":
        shutil.rmtree(folder)


def write_ct_truth(
    rendering: Rendering, folder: Path, about: Mapping[str, object], headers: Sequence[Dataset]
) -> None:
    """Write the truth of a CT into a new folder: tables, label maps, centrelines, description.

    ``headers`` are the CT's images, to which the DICOM SEG refers; without them there is none.
    ``about`` is added to ``truth.json``.
    """
    folder.mkdir(parents=True)
    truth = rendering.truth
    truth.cross_sections.to_csv(folder / "cross_sections.csv")
    truth.segments.to_csv(folder / "segments.csv")
    if truth.collaterals.rows:
        truth.collaterals.to_csv(folder / "collaterals.csv")
    write_seg_nrrd(rendering.segmentation, folder / "labels.seg.nrrd")
    if headers:
        write_truth_seg(rendering.segmentation, headers, folder / "labels.seg.dcm")
    _write_json(folder / "seeds.json", {"points": _seeds(truth)})
    volumes = [float(str(volume)) for volume in truth.collaterals.column("volume_mm3")]
    tables = (truth.cross_sections, truth.segments, truth.collaterals)
    described = {
        "frame": "LPS, mm; positions from the central end of each vein",
        "collaterals": {
            "count": len(volumes),
            "loops": truth.collateral_loops,
            "volume_mm3": round(sum(volumes), 1),
        },
        "columns": {column.name: column.meaning for table in tables for column in table.columns},
    }
    _write_json(folder / "truth.json", {**described, **about})


def _seeds(truth: Truth) -> list[dict[str, object]]:
    """Return both ends of every vein, and a point every 20 mm, in the form of a seed file."""
    points: list[dict[str, object]] = []
    for segment in truth.segments.rows:
        rows = [r for r in truth.cross_sections.rows if r["vessel"] == segment["vessel"]]
        chosen = [rows[0], *rows[20:-10:20], rows[-1]]
        roles = ["central_end", *["waypoint"] * (len(chosen) - 2), "peripheral_end"]
        for row, role in zip(chosen, roles, strict=True):
            place = [row["x_mm"], row["y_mm"], row["z_mm"]]
            points.append({"vessel": row["vessel"], "role": role, "lps_mm": place})
    return points


def _write_json(path: Path, content: Mapping[str, object]) -> None:
    text = json.dumps(content, indent=1, sort_keys=True) + "\n"
    path.write_text(text, encoding="utf-8", newline="")
