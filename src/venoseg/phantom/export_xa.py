"""An angiogram of a digital twin on disk, with its truth."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydicom.dataset import Dataset

from venoseg.output import output_folder
from venoseg.phantom.encode import write_dicom
from venoseg.phantom.identity import Visit
from venoseg.phantom.scene import Scene
from venoseg.phantom.xa import XaRun, XaSettings, run_xa
from venoseg.phantom.xa_devices import Catheter, Ruler, marker_catheter
from venoseg.phantom.xa_dicom import XaSeries, secondary_capture_dataset, xa_dataset
from venoseg.phantom.xa_enhanced import enhanced_xa_dataset
from venoseg.phantom.xa_seeds import run_seeds
from venoseg.phantom.xa_truth import xa_truth_of

XA_KINDS = ("xa", "enhanced-xa", "secondary-capture")
"""The DICOM objects a run can be written as."""


@dataclass(frozen=True, slots=True)
class XaOptions:
    """How a twin's angiogram is made and written.

    Attributes
    ----------
    settings
        Geometry, frames, noise; the seed is also the patient's.
    kinds
        Some of `XA_KINDS`.
    devices
        Whether a marker catheter and a ruler are in the picture.
    transfer_syntax
        One of `venoseg.phantom.encode.TRANSFER_SYNTAXES`.
    """

    settings: XaSettings = field(default_factory=XaSettings)
    kinds: tuple[str, ...] = ("xa",)
    devices: bool = True
    transfer_syntax: str = "explicit"


def write_xa_twin(
    scene: Scene, out: Path, options: XaOptions, visit: Visit, *, force: bool = False
) -> XaRun:
    """Write an angiogram of a scene into ``out/xa`` and its truth into ``out/truth``.

    Raises
    ------
    UsageError
        When ``out`` exists and ``force`` is not given.
    OutputError
        When the folder cannot be written.
    """
    with output_folder(out, force=force) as made:
        return write_run(scene, made, options, visit, XaSeries())


def write_run(
    scene: Scene, folder: Path, options: XaOptions, visit: Visit, series: XaSeries
) -> XaRun:
    """Image a scene and write run ``series.number`` into an existing folder."""
    catheter = _catheter_in(scene) if options.devices else None
    ruler = Ruler() if options.devices else None
    run = run_xa(scene, options.settings, catheter=catheter, ruler=ruler)
    images, truth = folder / "xa", folder / "truth"
    images.mkdir(parents=True, exist_ok=True)
    truth.mkdir(parents=True, exist_ok=True)
    name = f"run{series.number}"
    for kind in options.kinds:
        path = images / f"{name}-{kind}.dcm"
        write_dicom(_dataset(kind, run, visit, series), path, options.transfer_syntax)
    tables = xa_truth_of(scene, run)
    tables.projection.to_csv(truth / f"{name}-projection.csv")
    tables.flow.to_csv(truth / f"{name}-flow.csv")
    seeds = json.dumps(run_seeds(tables.projection), indent=1) + "\n"
    (truth / f"{name}-seeds.json").write_text(seeds, encoding="utf-8", newline="")
    about = _about(scene, run, options, catheter, ruler)
    text = json.dumps(about, indent=1, sort_keys=True) + "\n"
    (truth / f"{name}.json").write_text(text, encoding="utf-8", newline="")
    return run


def _dataset(kind: str, run: XaRun, visit: Visit, series: XaSeries) -> Dataset:
    if kind == "enhanced-xa":
        return enhanced_xa_dataset(run, visit, series)
    if kind == "secondary-capture":
        return secondary_capture_dataset(run, visit, series, run.settings.frames // 2)
    return xa_dataset(run, visit, series)


def _catheter_in(scene: Scene) -> Catheter:
    """Lay the marker catheter into the right iliac vein, or into the only vein there is."""
    tube = scene.tubes[2] if len(scene.tubes) >= 3 else scene.tubes[0]
    shut = [gap.stop_mm for gap in tube.absent if gap.reason == "occluded"]
    start = max([4.0, *(stop + 3.0 for stop in shut)])
    return marker_catheter(tube.curve, start, tube.curve.length_mm)


def _about(
    scene: Scene, run: XaRun, options: XaOptions, catheter: Catheter | None, ruler: Ruler | None
) -> dict[str, object]:
    carm = run.settings.carm
    about: dict[str, object] = {
        "twin": scene.name,
        "settings": asdict(run.settings),
        "options": {"kinds": options.kinds, "transfer_syntax": options.transfer_syntax},
        "image_points": "column, row; from 0 at the centre of the first pixel",
        "arrival_s": {
            node: round(time, 3) for node, time in run.flow.arrival_s.items() if time < 1e3
        },
    }
    if catheter is not None:
        middles = carm.project(catheter.middles_lps_mm)
        scale = carm.pixel_mm / carm.magnification(catheter.middles_lps_mm)
        about["catheter"] = {
            "french": catheter.french,
            "band_spacing_mm": catheter.spacing_mm,
            "bands_column_row": middles.round(3).tolist(),
            "mm_per_px": scale.round(6).tolist(),
        }
    if ruler is not None:
        ticks = ruler.ticks_lps_mm()
        about["ruler"] = {
            "tick_spacing_mm": 10.0,
            "ticks_column_row": carm.project(ticks).round(3).tolist(),
            "mm_per_px": (carm.pixel_mm / carm.magnification(ticks)).round(6).tolist(),
        }
    return about
